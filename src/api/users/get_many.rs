//! `POST /v1/users/get`: users by their ids.

use crate::api::admission::{admit, for_caller};
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::{GET_USERS, MAX_PAGE_BYTES};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::json::{Object, Value};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::sorted::{SortedMap, SortedSet};
use crate::store::{Access, StoredUser, UserStore};
use crate::user::ExternalId;
use serde::Serialize;

#[derive(Serialize)]
struct UsersOut<'a> {
    success: bool,
    users: Vec<StoredUser>,
    missing: Vec<&'a str>,
}

fn parse(body: &Object) -> Result<Vec<ExternalId>, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_question(body, &mut faults);
    let ids = fields.required("user_ids", ids);
    fields.deny_unknown();
    faults.finish(ids)
}

/// The ids of an array, each once.
fn ids(value: &Value, faults: &mut Faults) -> Option<Vec<ExternalId>> {
    let Value::Array(items) = value else { return faults.wrong_type("array", value) };
    if !GET_USERS.contains(&items.len()) {
        faults.invalid(format!("Must have {} to {} elements", GET_USERS.start(), GET_USERS.end()));
        return None;
    }
    let (mut ids, mut known) = (Vec::new(), SortedSet::default());
    for (i, item) in items.iter().enumerate() {
        let id = faults.within(i.to_string(), |faults| {
            let text = faults.string(item)?;
            faults.parsed(text.parse::<ExternalId>())
        });
        ids.extend(id.filter(|id| known.insert(id.as_str().to_owned(), ())));
    }
    Some(ids)
}

/// `POST /v1/users/get`: the users with these ids, in the order asked, and the ids of those who are not there.
pub async fn get_many<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Users).await?;
    read::no_query(cx.call)?;
    let ids = read::object(cx, parse).await?;
    let find = async |access: Access<'_>| cx.platform.users().find_users(access, &ids).await;
    let found = for_caller(cx, &caller, find).await?;
    let found = found.ok_or_else(|| {
        let rule = format!("The users have more than {MAX_PAGE_BYTES} bytes together; ask for fewer at once");
        ApiError::Faults(FaultList::one(Part::Body, "user_ids", rule))
    })?;
    let mut found: SortedMap<_, _> = found.into_iter().map(|user| (user.external_id.clone(), user)).collect();
    let (mut users, mut missing) = (Vec::new(), Vec::new());
    for id in ids.iter().map(ExternalId::as_str) {
        match found.remove(id) {
            Some(user) => users.push(user),
            None => missing.push(id),
        }
    }
    Ok(Reply::json(200, &UsersOut { success: true, users, missing }))
}
