//! `POST /v1/users/count`: how many users a filter means.

use super::walk::{self, Asked, Collector, Progress};
use crate::api::admission::admit;
use crate::api::cursor::PaginationOut;
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::MAX_GROUPS;
use crate::filter::{self, Field, Filter};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::json::{self, Object};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::sorted::SortedMap;
use crate::store::{Found, Group, Question, Walk};
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct CountOut {
    success: bool,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupOut>>,
    examined: u32,
    pagination: PaginationOut,
}

#[derive(Serialize)]
struct GroupOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<bool>,
    count: u64,
}

impl GroupOut {
    fn new(group: Group, count: u64) -> Self {
        let json = match group {
            Group::Null => "null".into(),
            Group::Boolean(truth) => truth.to_string(),
            Group::Number(number) => number.to_string(),
            Group::Text(text) => json::string(&text),
            Group::Other => return GroupOut { value: None, other: Some(true), count },
        };
        GroupOut { value: json::from_str(&json).ok(), other: None, count }
    }
}

/// The groups that were found so far.
#[derive(Default)]
struct Groups(SortedMap<Group, u64>);

impl Collector for Groups {
    fn take(&mut self, found: Found) -> Result<(), String> {
        let mut new = found.groups.iter().filter(|group| !self.0.contains_key(&group.group()));
        if let Some(too_many) = new.nth(MAX_GROUPS - self.0.len()) {
            return Err(too_many.first.clone());
        }
        for group in found.groups {
            *self.0.get_or_insert_with(group.group(), u64::default) += group.count;
        }
        Ok(())
    }
}

fn parse(body: &Object) -> Result<(Asked, Option<Field>), FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_question(body, &mut faults);
    let asked = Asked::parse(&mut fields);
    let by = fields.optional("by", filter::field);
    fields.deny_unknown();
    faults.finish(Some((asked, by)))
}

/// `POST /v1/users/count`: how many users a filter means among those that one call examines, in groups if it says by which
/// field, and a cursor to the rest.
///
/// 1. admit: the key, the scope, a token of policy `query`; 401, 403, 429
/// 2. read the body; 400, 413
/// 3. walk on from the cursor; 400, 401, 500, 503
pub async fn count<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Query).await?;
    read::no_query(cx.call)?;
    let (Asked { filter, cursor }, by) = read::object(cx, parse).await?;
    let name = by.as_ref().map(Field::name).unwrap_or_default();
    let asked = vec!["count".into(), filter.as_ref().map(Filter::to_json).unwrap_or_default(), name.into()];
    let mut progress = Progress::begin(Part::Body, cursor.as_deref(), asked, &caller.record)?;
    let mut groups = Groups::default();
    let question = Walk { filter: filter.as_ref(), question: Question::Count(by.as_ref()) };
    walk::walk(cx, &caller, &question, &mut progress, &mut groups).await?;
    let Groups(groups) = groups;
    let count = groups.iter().map(|(_, count)| count).sum();
    let groups = by.map(|_| groups.into_iter().map(|(group, count)| GroupOut::new(group, count)).collect());
    let (examined, pagination) = (progress.examined(), progress.pagination(None));
    Ok(Reply::json(200, &CountOut { success: true, count, groups, examined, pagination }))
}
