//! `/v1/users`

pub(super) mod batch;
mod copies;
mod cursor;
mod get;
mod if_match;
mod list;

pub use batch::upsert_all;
pub use get::get;
pub use list::list;

use super::admission::{admit, ask};
use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::read;
use crate::input::fields::{FaultList, Part};
use crate::input::percent;
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::rule::BrokenRule;
use crate::store::UserStore;
use crate::user::{ExternalId, NewUser};
use serde::Serialize;

#[derive(Serialize)]
struct UpsertOut<'a> {
    success: bool,
    user_id: &'a str,
    external_id: &'a str,
    message: &'static str,
}

/// `POST /v1/users`: creates a user, or merges into the one with this `user_id`.
///
/// 1. admit: the key (bearer → checksum → isolate cache → cold only: the store), the scope, a token of policy `users`;
///    401, 403, 429
/// 2. parse: `If-Match`, then bytes → [`NewUser`], every fault at once; 413, 415, 400
/// 3. store: one statement, which checks the key again, and the revision if one is meant; 400, 401, 412, 500, 503
/// 4. reply
pub async fn upsert<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    // 1 admit
    let caller = admit(cx, Scope::UsersWrite, Policy::Users).await?;
    // 2 parse
    read::no_query(cx.call)?;
    let if_match = if_match::read(cx.call)?;
    let user = read::object(cx, |body| NewUser::parse(body, cx.now())).await?;
    // 3 store
    let new_id = cx.new_id("usr_");
    let upsert = cx.platform.users().upsert_user(caller.at(cx.now()), &user, if_match.as_ref(), &new_id);
    let stored = ask(cx, &caller, upsert).await?;
    // 4 reply
    let out = UpsertOut {
        success: true,
        user_id: &stored.id,
        external_id: user.external_id.as_str(),
        message: "User created/updated successfully",
    };
    let reply = Reply::json(200, &out)
        .with("Location", format!("/v1/users/{}", percent::encode(user.external_id.as_str())))
        .with("X-User-Created", stored.created.to_string());
    Ok(if stored.stale { reply.with("X-User-Stale", "true") } else { reply })
}

#[derive(Serialize)]
struct DeletedOut<'a> {
    success: bool,
    deleted: bool,
    external_id: &'a str,
    message: &'static str,
}

/// `DELETE /v1/users/{user_id}`: nothing of the person stays, unless `If-Match` means another revision; 412. Again is
/// harmless.
pub async fn delete<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersDelete, Policy::Users).await?;
    read::no_query(cx.call)?;
    let id = parse_id(cx.parameter)?;
    let if_match = if_match::read(cx.call)?;
    let delete = cx.platform.users().delete_user(caller.at(cx.now()), &id, if_match.as_ref());
    let deleted = ask(cx, &caller, delete).await?;
    copies::remove(cx, &caller, &id).await;
    let message = if deleted { "User deleted" } else { "There was no such user" };
    Ok(Reply::json(200, &DeletedOut { success: true, deleted, external_id: id.as_str(), message }))
}

/// The `user_id` of a path, percent-decoded once.
fn parse_id(segment: &str) -> Result<ExternalId, ApiError> {
    let decoded = percent::decode(segment).ok_or(BrokenRule::new("Must be percent-encoded UTF-8"));
    let parsed = decoded.and_then(|id| ExternalId::parse_stored(&id));
    parsed.map_err(|rule| ApiError::Faults(FaultList::one(Part::Path, "user_id", rule)))
}
