//! `GET /v1/properties`: the names of members in use.

use super::walk::{self, Collector, Progress};
use crate::api::admission::admit;
use crate::api::cursor::PaginationOut;
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::bounds::MAX_GROUPS;
use crate::input::fields::{Faults, Fields, Part};
use crate::input::query;
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::sorted::SortedMap;
use crate::store::{Found, PropertyCount, Question, Walk};
use serde::Serialize;

#[derive(Serialize)]
struct PropertiesOut {
    success: bool,
    properties: Vec<PropertyOut>,
    examined: u32,
    pagination: PaginationOut,
}

#[derive(Serialize)]
struct PropertyOut {
    field: String,
    types: TypesOut,
    users: u64,
}

/// How many users have a value of each type that there is.
#[derive(Default, Serialize)]
struct TypesOut {
    #[serde(skip_serializing_if = "is_zero")]
    array: u64,
    #[serde(skip_serializing_if = "is_zero")]
    boolean: u64,
    #[serde(skip_serializing_if = "is_zero")]
    number: u64,
    #[serde(skip_serializing_if = "is_zero")]
    object: u64,
    #[serde(skip_serializing_if = "is_zero")]
    string: u64,
}

fn is_zero<N: Default + PartialEq>(count: &N) -> bool {
    *count == N::default()
}

/// The names that were found so far.
#[derive(Default)]
struct Names(SortedMap<(String, String), PropertyOut>);

impl Collector for Names {
    fn take(&mut self, found: Found) -> Result<(), String> {
        let is_new = |of: &&PropertyCount| !self.0.contains_key(&(of.section.clone(), of.name.clone()));
        if let Some(too_many) = found.properties.iter().filter(is_new).nth(MAX_GROUPS - self.0.len()) {
            return Err(too_many.first.clone());
        }
        for PropertyCount { section, name, users, string, number, boolean, object, array, .. } in found.properties {
            let new = || PropertyOut { field: format!("{section}.{name}"), types: TypesOut::default(), users: 0 };
            let known = self.0.get_or_insert_with((section.clone(), name.clone()), new);
            known.users += users;
            let types = &mut known.types;
            types.array += array;
            types.boolean += boolean;
            types.number += number;
            types.object += object;
            types.string += string;
        }
        Ok(())
    }
}

/// `GET /v1/properties`: the names directly in `properties` and `origin` of the users that one call examines, with the types
/// of their values, and a cursor to the rest.
pub async fn properties<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Query).await?;
    let query = query::parse(&cx.call.query).map_err(ApiError::Faults)?;
    let mut faults = Faults::new(Part::Query);
    let mut fields = Fields::new(&query, &mut faults);
    let cursor = fields.optional("cursor", |value, faults| faults.string(value).map(str::to_owned));
    fields.deny_unknown();
    let cursor = faults.finish(Some(cursor)).map_err(ApiError::Faults)?;
    let mut progress = Progress::begin(Part::Query, cursor.as_deref(), vec!["properties".into()], &caller.record)?;
    let mut names = Names::default();
    let question = Walk { filter: None, question: Question::Properties };
    walk::walk(cx, &caller, &question, &mut progress, &mut names).await?;
    let properties = names.0.into_iter().map(|(_, property)| property).collect();
    let (examined, pagination) = (progress.examined(), progress.pagination(None));
    Ok(Reply::json(200, &PropertiesOut { success: true, properties, examined, pagination }))
}
