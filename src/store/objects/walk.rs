//! Walks, as messages: what a Worker sends, and what the object of a bucket makes of it.

use super::message::{AskUsers, BucketAnswer, WalkUsers};
use crate::bounds::{MAX_PAGE_BYTES, MAX_ROUND_USERS};
use crate::filter::{self, Field, Filter};
use crate::input::fields::Faults;
use crate::json;
use crate::store::sql::statements::walk::walk;
use crate::store::sql::{self, LocalDatabase, Statement, Value};
use crate::store::{Found, Question, Share, StoreError, Walk, Walked};

/// What is sent for a share of a walk.
pub fn request(walk: &Walk, share: &Share) -> Result<WalkUsers, StoreError> {
    let filter = walk.filter.map(|filter| json::from_str(&filter.to_json())).transpose();
    let filter = filter.map_err(|_| StoreError::Failed("a filter is not JSON".into()))?;
    let question = match walk.question {
        Question::Users => AskUsers::Users,
        Question::Count(by) => AskUsers::Count(by.map(|by| by.name().into())),
        Question::Properties => AskUsers::Properties,
    };
    let Share { after, before, users, max_bytes, limit, .. } = share.clone();
    Ok(WalkUsers { filter, question, after, before, users, max_bytes, limit })
}

/// What an answer says of a share. None: it is another answer.
pub fn walked(answer: BucketAnswer) -> Option<Walked> {
    let BucketAnswer::Walked { reach, users, groups, properties } = answer else { return None };
    let users = users.into_iter().map(Into::into).collect();
    Some(Walked { reach, found: Found { users, groups, properties } })
}

/// Walks through an object's database, for callers that `caller` finds.
pub fn answer(
    database: &impl LocalDatabase,
    caller: &str,
    [key, now]: [Value<'_>; 2],
    asked: &WalkUsers,
) -> Result<BucketAnswer, StoreError> {
    let filter = asked.filter.as_ref().map(|text| filter_of(text.get())).transpose()?;
    let by = match &asked.question {
        AskUsers::Count(Some(name)) => Some(Field::parse(name).map_err(|_| foreign())?),
        _ => None,
    };
    let question = match &asked.question {
        AskUsers::Users => Question::Users,
        AskUsers::Count(_) => Question::Count(by.as_ref()),
        AskUsers::Properties => Question::Properties,
    };
    let statement = walk(caller, &Walk { filter: filter.as_ref(), question });
    let share = Share {
        part: 0,
        after: asked.after.clone(),
        before: asked.before.clone(),
        users: asked.users.min(MAX_ROUND_USERS),
        max_bytes: asked.max_bytes.min(MAX_PAGE_BYTES),
        limit: asked.limit,
    };
    let values = sql::walk::values(key, now, &share, &statement.values);
    let rows = database.query_once(Statement { sql: &statement.sql, values: &values })?;
    let Walked { reach, found: Found { users, groups, properties } } = sql::walk::walked(rows)?;
    let users = users.into_iter().map(Into::into).collect();
    Ok(BucketAnswer::Walked { reach, users, groups, properties })
}

/// The filter of a request. One that can't be read is of a version to come: it is refused, and never read as everybody.
fn filter_of(text: &str) -> Result<Filter, StoreError> {
    let mut faults = Faults::default();
    let value = json::parse(text.as_bytes()).map_err(|_| foreign())?;
    let filter = filter::filter(&value, &mut faults);
    faults.finish(filter).map_err(|_| foreign())
}

fn foreign() -> StoreError {
    StoreError::Unavailable("a walk of another version".into())
}
