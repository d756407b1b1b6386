//! Deletes a user.

use super::{copies, id, if_match};
use crate::api::admission::{admit, for_caller};
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::{read, webhooks};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Access, UserStore};
use serde::Serialize;

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
    let id = id::parse(cx.parameter)?;
    let if_match = if_match::read(cx.call)?;
    let delete = async |access: Access<'_>| cx.platform.users().delete_user(access, &id, if_match.as_ref()).await;
    let deleted = for_caller(cx, &caller, delete).await?;
    webhooks::poke(cx, &caller);
    copies::remove(cx, &caller, &id).await;
    let message = if deleted { "User deleted" } else { "There was no such user" };
    Ok(Reply::json(200, &DeletedOut { success: true, deleted, external_id: id.as_str(), message }))
}
