//! A page of users: parsed from the API, and rewritten as an import takes it.

use super::unwritable;
use crate::error::CliError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A page as NDJSON.
pub struct Page {
    pub lines: Vec<u8>,
    pub users: u64,
    /// None on the last page.
    pub next_cursor: Option<String>,
}

impl Page {
    /// Parses the response to `GET /v1/users`. With `as_of` each user says when it last changed.
    pub fn parse(text: &str, as_of: bool) -> Result<Self, CliError> {
        let page: PageIn = serde_json::from_str(text).map_err(CliError::invalid_response)?;
        let (mut lines, mut users) = (Vec::new(), 0);
        for UserIn { external_id, email, phone, properties, origin, updated_at } in page.users {
            let as_of = as_of.then_some(updated_at);
            let user = ExportedUser { user_id: external_id, as_of, email, phone, properties, origin };
            serde_json::to_writer(&mut lines, &user).map_err(unwritable)?;
            lines.push(b'\n');
            users += 1;
        }
        Ok(Page { lines, users, next_cursor: page.pagination.next_cursor })
    }
}

/// A user as an import takes it.
#[derive(Deserialize, Serialize)]
pub struct ExportedUser<'a> {
    pub user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(borrow)]
    pub properties: &'a RawValue,
    #[serde(borrow)]
    pub origin: &'a RawValue,
}

/// The response to `GET /v1/users`, as far as the tool reads it.
#[derive(Deserialize)]
struct PageIn<'a> {
    #[serde(borrow)]
    users: Vec<UserIn<'a>>,
    pagination: PaginationIn,
}

#[derive(Deserialize)]
struct PaginationIn {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct UserIn<'a> {
    external_id: String,
    email: Option<String>,
    phone: Option<String>,
    #[serde(borrow)]
    properties: &'a RawValue,
    #[serde(borrow)]
    origin: &'a RawValue,
    updated_at: String,
}
