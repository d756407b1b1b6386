//! `GET /v1/changes`: what becomes of users, for those who follow it.

use super::admission::{admit, for_caller};
use super::cursor::{self, PaginationOut};
use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};
use crate::bounds::{DEFAULT_PAGE_CHANGES, PAGE_CHANGES};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::query;
use crate::json::Object;
use crate::key::{Project, Scope};
use crate::rate_limit::Policy;
use crate::rule::BrokenRule;
use crate::store::{Access, ChangedUser, ChangesPage, FollowFrom, Reached, UserStore};
use serde::Serialize;

/// The query of `GET /v1/changes`.
#[derive(Debug, PartialEq, Eq)]
struct Following {
    from: FollowFrom,
    limit: u32,
}

impl Following {
    fn parse(query: &Object, project: &Project) -> Result<Self, FaultList> {
        let mut faults = Faults::new(Part::Query);
        let mut fields = Fields::new(query, &mut faults);
        let cursor = fields.optional("cursor", |value, faults| {
            let reached = read_cursor(project, faults.string(value)?);
            faults.parsed(reached.ok_or_else(|| BrokenRule::new("Must be a next_cursor of this project's changes")))
        });
        let since = fields.optional("since", |value, faults| query::parsed(value, faults, str::parse));
        let from = fields.optional("from", |value, faults| match faults.string(value)? {
            "now" => Some(FollowFrom::Now),
            _ => faults.parsed(Err(BrokenRule::new("Must be `now`; leave it out to begin with all users"))),
        });
        let limit = fields.optional("limit", |value, faults| {
            let text = faults.string(value)?;
            faults.digits(text, PAGE_CHANGES)
        });
        fields.deny_unknown();
        let mut starts = ["cursor", "since", "from"].into_iter().filter(|name| query.get(name).is_some());
        let second = starts.nth(1);
        if let Some(second) = second {
            faults.within(second, |faults| {
                faults.invalid("Must stand alone: send at most one of cursor, since and from");
            });
        }
        let from = cursor.map(FollowFrom::Reached).or(since.map(FollowFrom::Moment)).or(from);
        let limit = limit.unwrap_or(DEFAULT_PAGE_CHANGES);
        faults.finish(Some(Following { from: from.unwrap_or(FollowFrom::Beginning), limit }))
    }
}

/// What a cursor of a project's changes is bound to.
fn walk(project: &Project) -> [&str; 2] {
    ["changes", project.as_str()]
}

/// Bytes of what was reached in one bucket: two numbers, big-endian.
const REACHED_BYTES: usize = 16;

fn write_cursor(project: &Project, reached: &[Reached]) -> String {
    let bytes = |at: &Reached| [at.revision.to_be_bytes(), at.begun.to_be_bytes()].concat();
    cursor::write(&walk(project), &reached.iter().flat_map(bytes).collect::<Vec<_>>())
}

fn read_cursor(project: &Project, text: &str) -> Option<Vec<Reached>> {
    let position = cursor::read(&walk(project), text)?;
    let (buckets, rest) = position.as_chunks::<REACHED_BYTES>();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let reached = |bytes: &[u8; REACHED_BYTES]| Reached { revision: number(&bytes[..8]), begun: number(&bytes[8..]) };
    (rest.is_empty() && !buckets.is_empty()).then(|| buckets.iter().map(reached).collect())
}

#[derive(Serialize)]
struct ChangesOut {
    success: bool,
    changes: Vec<ChangedUser>,
    pagination: PaginationOut,
}

/// `GET /v1/changes`: a page of changes, and the cursor to go on from, also where there are no more yet.
///
/// Each committed change is met at least once; of one user always the newest state, and never an older after a newer; states
/// in between may be skipped. 410 to whom a deletion would be lost.
pub async fn list<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Users).await?;
    let project = &caller.record.project;
    let query = query::parse(&cx.call.query).map_err(ApiError::Faults)?;
    let Following { from, limit } = Following::parse(&query, project).map_err(ApiError::Faults)?;
    let list = async |access: Access<'_>| cx.platform.users().list_changes(access, &from, limit).await;
    let ChangesPage { changes, has_more, reached } = for_caller(cx, &caller, list).await?;
    let pagination = PaginationOut { limit: Some(limit), has_more, next_cursor: Some(write_cursor(project, &reached)) };
    Ok(Reply::json(200, &ChangesOut { success: true, changes, pagination }))
}
