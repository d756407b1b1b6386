//! `POST /v1/users/query`: the users whom a filter means, page by page.

use super::walk::{self, Asked, Collector, Progress};
use crate::api::admission::admit;
use crate::api::cursor::PaginationOut;
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::{DEFAULT_PAGE_USERS, MAX_PAGE_BYTES, QUERY_USERS};
use crate::filter::Filter;
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::json::Object;
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Found, Question, StoredUser, Walk};
use serde::Serialize;

#[derive(Serialize)]
struct QueryOut {
    success: bool,
    users: Vec<StoredUser>,
    examined: u32,
    pagination: PaginationOut,
}

/// The users that were found so far.
struct Page {
    users: Vec<StoredUser>,
    limit: u32,
    bytes: usize,
}

impl Collector for Page {
    fn users_left(&self) -> u32 {
        self.limit.saturating_sub(u32::try_from(self.users.len()).unwrap_or(u32::MAX))
    }

    fn bytes_left(&self) -> usize {
        MAX_PAGE_BYTES.saturating_sub(self.bytes)
    }

    fn take(&mut self, found: Found) -> Result<(), String> {
        self.bytes +=
            found.users.iter().map(|user| user.properties.get().len() + user.origin.get().len()).sum::<usize>();
        self.users.extend(found.users);
        Ok(())
    }
}

fn parse(body: &Object) -> Result<(Asked, u32), FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_question(body, &mut faults);
    let asked = Asked::parse(&mut fields);
    let limit = fields.optional("limit", |value, faults| faults.integer(value, QUERY_USERS));
    fields.deny_unknown();
    faults.finish(Some((asked, limit.unwrap_or(DEFAULT_PAGE_USERS))))
}

/// `POST /v1/users/query`: the users whom a filter means, as far as one call looks for them, and a cursor to the rest.
///
/// 1. admit: the key, the scope, a token of policy `query`; 401, 403, 429
/// 2. read the body; 400, 413
/// 3. walk on from the cursor; 400, 401, 500, 503
pub async fn query<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Query).await?;
    read::no_query(cx.call)?;
    let (Asked { filter, cursor }, limit) = read::object(cx, parse).await?;
    let asked = vec!["query".into(), filter.as_ref().map(Filter::to_json).unwrap_or_default()];
    let mut progress = Progress::begin(Part::Body, cursor.as_deref(), asked, &caller.record)?;
    let mut page = Page { users: Vec::new(), limit, bytes: 0 };
    let question = Walk { filter: filter.as_ref(), question: Question::Users };
    walk::walk(cx, &caller, &question, &mut progress, &mut page).await?;
    let pagination = progress.pagination(Some(limit));
    Ok(Reply::json(200, &QueryOut { success: true, users: page.users, examined: progress.examined(), pagination }))
}
