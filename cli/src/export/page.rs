//! A page of users: parsed from the API, and rewritten as an import takes it.

use super::selection::{Part, Selection};
use super::unwritable;
use crate::error::CliError;
use crate::format::column::Column;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A page as NDJSON.
pub struct Page {
    pub lines: Vec<u8>,
    pub users: u64,
    /// Deletions that are left out.
    pub deletions: u64,
    /// None on the last page.
    pub next_cursor: Option<String>,
}

impl Page {
    /// Parses the response to `POST /v1/users/query`, and keeps what is selected of each user.
    pub fn parse(text: &str, selection: &Selection) -> Result<Self, CliError> {
        let PageIn { users, pagination } = serde_json::from_str(text).map_err(CliError::invalid_response)?;
        let (lines, users) = lines(users, selection)?;
        Ok(Page { lines, users, deletions: 0, next_cursor: pagination.next_cursor })
    }

    /// Parses the response to `GET /v1/changes`, and leaves out the deletions.
    pub fn parse_changes(text: &str, selection: &Selection) -> Result<Self, CliError> {
        let ChangesIn { changes, pagination } = serde_json::from_str(text).map_err(CliError::invalid_response)?;
        let all = changes.len() as u64;
        let (lines, users) = lines(changes.into_iter().filter_map(|change| change.user), selection)?;
        let next_cursor = pagination.next_cursor.filter(|_| pagination.has_more);
        Ok(Page { lines, users, deletions: all - users, next_cursor })
    }
}

/// Users as NDJSON, and how many they are.
fn lines<'a>(all: impl IntoIterator<Item = UserIn<'a>>, selection: &Selection) -> Result<(Vec<u8>, u64), CliError> {
    let (mut lines, mut users) = (Vec::new(), 0);
    for user in all {
        serde_json::to_writer(&mut lines, &ExportedUser::new(user, selection)?).map_err(unwritable)?;
        lines.push(b'\n');
        users += 1;
    }
    Ok((lines, users))
}

/// A user as an import takes it, or less of it.
#[derive(Deserialize, Serialize)]
pub struct ExportedUser {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Box<RawValue>>,
}

impl ExportedUser {
    fn new(user: UserIn, selection: &Selection) -> Result<Self, CliError> {
        let has = |column| selection.has(&Part::Column(column));
        Ok(ExportedUser {
            user_id: has(Column::UserId).then_some(user.external_id),
            as_of: has(Column::AsOf).then(|| user.updated_at.clone()),
            email: user.email.filter(|_| has(Column::Email)),
            phone: user.phone.filter(|_| has(Column::Phone)),
            created_at: selection.has(&Part::CreatedAt).then_some(user.created_at),
            updated_at: selection.has(&Part::UpdatedAt).then_some(user.updated_at),
            properties: selection.members(user.properties, Column::Properties, |column| match column {
                Column::Property(key) => Some(key),
                _ => None,
            })?,
            origin: selection.members(user.origin, Column::Origins, |column| match column {
                Column::Origin(key) => Some(key),
                _ => None,
            })?,
        })
    }

    /// What stands in the cell of a part that is a text.
    pub fn text(&self, part: &Part) -> Option<&str> {
        match part {
            Part::Column(Column::UserId) => self.user_id.as_deref(),
            Part::Column(Column::Email) => self.email.as_deref(),
            Part::Column(Column::Phone) => self.phone.as_deref(),
            Part::Column(Column::AsOf) => self.as_of.as_deref(),
            Part::CreatedAt => self.created_at.as_deref(),
            Part::UpdatedAt => self.updated_at.as_deref(),
            Part::Column(_) => None,
        }
    }
}

/// The response to `POST /v1/users/query`, as far as the tool reads it.
#[derive(Deserialize)]
struct PageIn<'a> {
    #[serde(borrow)]
    users: Vec<UserIn<'a>>,
    pagination: PaginationIn,
}

/// The response to `GET /v1/changes`, as far as an export reads it.
#[derive(Deserialize)]
struct ChangesIn<'a> {
    #[serde(borrow)]
    changes: Vec<ChangeIn<'a>>,
    pagination: PaginationIn,
}

/// A change. A deletion has no user.
#[derive(Deserialize)]
struct ChangeIn<'a> {
    #[serde(borrow)]
    user: Option<UserIn<'a>>,
}

#[derive(Deserialize)]
struct PaginationIn {
    has_more: bool,
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
    created_at: String,
    updated_at: String,
}
