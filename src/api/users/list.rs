//! `GET /v1/users`: the users, page by page.

use crate::api::admission::{admit, for_caller};
use crate::api::cursor::{self, PaginationOut};
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::bounds::{DEFAULT_PAGE_USERS, PAGE_USERS};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::query;
use crate::json::Object;
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Access, Filter, Page, StoredUser, UserStore};
use crate::user::{Email, Phone};
use serde::Serialize;

/// The query of `GET /v1/users`.
#[derive(Debug, PartialEq, Eq)]
struct Listing<'q> {
    filter: Filter<'q>,
    /// A user's id.
    after: Option<String>,
    limit: u32,
}

impl<'q> Listing<'q> {
    fn parse(query: &'q Object) -> Result<Self, FaultList> {
        let mut faults = Faults::new(Part::Query);
        let mut fields = Fields::new(query, &mut faults);
        let limit = fields.optional("limit", |value, faults| {
            let text = faults.string(value)?;
            faults.digits(text, PAGE_USERS)
        });
        let cursor = fields.optional("cursor", |value, faults| faults.string(value));
        let email = fields.optional("email", |value, faults| query::parsed(value, faults, Email::parse));
        let phone = fields.optional("phone", |value, faults| query::parsed(value, faults, Phone::parse));
        fields.deny_unknown();
        let filter = faults.finish(Some(Filter { email, phone }))?;
        // Last, because a cursor can only be compared with a filter that has no faults.
        let position = |text| String::from_utf8(cursor::read(&walk(&filter), text)?).ok();
        let after = cursor.map(|text| position(text).ok_or_else(foreign_cursor)).transpose()?;
        Ok(Listing { filter, after, limit: limit.unwrap_or(DEFAULT_PAGE_USERS) })
    }
}

/// What a cursor of a list is bound to.
fn walk<'f>(filter: &'f Filter) -> [&'f str; 3] {
    // All of it: with another field, this must not compile.
    let Filter { email, phone } = filter;
    ["users", email.as_ref().map_or("", |email| email.as_str()), phone.as_ref().map_or("", Phone::as_str)]
}

fn foreign_cursor() -> FaultList {
    let rule = "Must be a next_cursor as it was given, with the filters that it was given for";
    FaultList::one(Part::Query, "cursor", rule)
}

#[derive(Serialize)]
struct ListOut<'a> {
    success: bool,
    users: &'a [StoredUser],
    pagination: PaginationOut,
}

/// `GET /v1/users`: a page of users, and a cursor to the next.
///
/// A page begins after the last user of the page before, in the order of ids: so a walk meets every user that exists
/// throughout exactly once.
pub async fn list<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Users).await?;
    let query = query::parse(&cx.call.query).map_err(ApiError::Faults)?;
    let Listing { filter, after, limit } = Listing::parse(&query).map_err(ApiError::Faults)?;
    let list =
        async |access: Access<'_>| cx.platform.users().list_users(access, &filter, after.as_deref(), limit).await;
    let Page { users, has_more } = for_caller(cx, &caller, list).await?;
    let next_cursor =
        users.last().filter(|_| has_more).map(|user| cursor::write(&walk(&filter), user.external_id.as_bytes()));
    let pagination = PaginationOut { limit: Some(limit), has_more, next_cursor };
    Ok(Reply::json(200, &ListOut { success: true, users: &users, pagination }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each fault as `place: issue`.
    #[track_caller]
    fn faults(query: &str) -> Vec<String> {
        let lines = |list: FaultList| list.faults.iter().map(|f| format!("{}: {}", f.place(), f.kind)).collect();
        lines(Listing::parse(&query::parse(query).unwrap()).unwrap_err())
    }

    #[test]
    fn a_query_is_read_and_all_of_it_is_optional() {
        let members = query::parse("").unwrap();
        let all = Listing { filter: Filter::default(), after: None, limit: 50 };
        assert_eq!(Listing::parse(&members).unwrap(), all);

        let filter = Filter { email: Email::parse("a+b@c").ok(), phone: Phone::parse("+123").ok() };
        let cursor = cursor::write(&walk(&filter), b"u");
        let query = format!("cursor={cursor}&limit=1&email=a%2Bb%40c&phone=%2B123");
        let members = query::parse(&query).unwrap();
        assert_eq!(Listing::parse(&members).unwrap(), Listing { filter, after: Some("u".into()), limit: 1 });
    }

    #[test]
    fn every_fault_is_reported_by_name() {
        assert_eq!(
            faults("limit=0&cursor=x&email=a+b@c&phone=+123&offset=5&limit=1&page"),
            [
                "limit: Must be a whole number from 1 to 100, in digits",
                "email: Must not contain a space (U+0020). In a query + means a space: write it as %2B",
                "phone: Must not begin or end with a space (U+0020). In a query + means a space: write it as %2B",
                "offset: Unknown query parameter; this route takes limit, cursor, email, phone",
                "page: Unknown query parameter; this route takes limit, cursor, email, phone",
                "limit: Duplicate name",
            ]
        );
        for query in ["limit=101", "limit=", "limit", "limit=-1", "limit=1.5", "limit=50x", "limit=1e1", "limit=08"] {
            assert_eq!(faults(query), ["limit: Must be a whole number from 1 to 100, in digits"], "{query}");
        }
        for query in ["cursor=", "cursor=x&email=a@b"] {
            assert_eq!(
                faults(query),
                ["cursor: Must be a next_cursor as it was given, with the filters that it was given for"]
            );
        }
    }
}
