//! `GET /v1/users`: the users, page by page.

use super::cursor;
use crate::api::admission::{admit, for_caller};
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::bounds::{DEFAULT_PAGE_USERS, PAGE_USERS};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::query;
use crate::json::{Object, Value};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::rule::BrokenRule;
use crate::store::{Filter, Page, Position, StoredUser, UserStore};
use crate::time::Timestamp;
use crate::user::{Email, Phone};
use serde::Serialize;

/// The query of `GET /v1/users`.
#[derive(Debug, PartialEq, Eq)]
struct Listing<'q> {
    filter: Filter<'q>,
    after: Option<Position>,
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
        let email = fields.optional("email", |value, faults| parameter(value, faults, Email::parse));
        let phone = fields.optional("phone", |value, faults| parameter(value, faults, Phone::parse));
        let updated_after =
            fields.optional("updated_after", |value, faults| parameter(value, faults, str::parse::<Timestamp>));
        fields.deny_unknown();
        let filter = faults.finish(Some(Filter { email, phone, updated_after }))?;
        // Last, because a cursor can only be compared with a filter that has no faults.
        let after = cursor.map(|text| cursor::parse(text, &filter).ok_or_else(foreign_cursor)).transpose()?;
        Ok(Listing { filter, after, limit: limit.unwrap_or(DEFAULT_PAGE_USERS) })
    }
}

/// Parses a value that must not contain a space. If it does, the client probably sent a `+`, which means one.
fn parameter<'v, T>(
    value: &'v Value,
    faults: &mut Faults,
    parse: impl FnOnce(&'v str) -> Result<T, BrokenRule>,
) -> Option<T> {
    let text = faults.string(value)?;
    let hint = if text.contains(' ') { ". In a query + means a space: write it as %2B" } else { "" };
    parse(text).map_err(|rule| faults.invalid(format!("{rule}{hint}"))).ok()
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

#[derive(Serialize)]
struct PaginationOut {
    limit: u32,
    has_more: bool,
    next_cursor: Option<String>,
}

/// `GET /v1/users`: a page of users, and a cursor to the next.
///
/// A page begins after the last user of the page before. Ordered by id, a walk meets every user that exists throughout
/// exactly once. With `updated_after`, a user that changes during the walk moves to its end and may be met again; no other
/// user is met twice or missed.
pub async fn list<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Users).await?;
    let query = query::parse(&cx.call.query).map_err(ApiError::Faults)?;
    let Listing { filter, after, limit } = Listing::parse(&query).map_err(ApiError::Faults)?;
    let list = cx.platform.users().list_users(caller.at(cx.now()), &filter, after.as_ref(), limit);
    let Page { users, has_more } = for_caller(cx, &caller, list).await?;
    let next_cursor = users.last().filter(|_| has_more).map(|user| cursor::write(&position_of(user), &filter));
    let pagination = PaginationOut { limit, has_more, next_cursor };
    Ok(Reply::json(200, &ListOut { success: true, users: &users, pagination }))
}

fn position_of(user: &StoredUser) -> Position {
    Position { updated_at: user.updated_at, external_id: user.external_id.clone() }
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

        let filter = Filter {
            email: Email::parse("a+b@c").ok(),
            phone: Phone::parse("+123").ok(),
            updated_after: Some(Timestamp::from_ms(1)),
        };
        let after = Position { updated_at: Timestamp::from_ms(2), external_id: "u".into() };
        let cursor = cursor::write(&after, &filter);
        let query = format!(
            "cursor={cursor}&limit=1&email=a%2Bb%40c&phone=%2B123&updated_after=1970-01-01T01:00:00.001%2B01:00"
        );
        let members = query::parse(&query).unwrap();
        assert_eq!(Listing::parse(&members).unwrap(), Listing { filter, after: Some(after), limit: 1 });
    }

    #[test]
    fn every_fault_is_reported_by_name() {
        assert_eq!(
            faults("limit=0&cursor=x&email=a+b@c&phone=+123&updated_after=2027&offset=5&limit=1&page"),
            [
                "limit: Must be a whole number from 1 to 100, in digits",
                "email: Must not contain a space (U+0020). In a query + means a space: write it as %2B",
                "phone: Must not begin or end with a space (U+0020). In a query + means a space: write it as %2B",
                "updated_after: Must be an RFC 3339 date and time of the years 1970 to 9999, as in 2027-01-01T00:00:00Z",
                "offset: Unknown query parameter; this route takes limit, cursor, email, phone, updated_after",
                "page: Unknown query parameter; this route takes limit, cursor, email, phone, updated_after",
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
