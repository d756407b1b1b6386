//! Creates a user, or merges into one.

use super::if_match;
use crate::api::admission::{admit, for_caller};
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::{read, webhooks};
use crate::input::percent;
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Access, UserStore};
use crate::user::NewUser;
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
    let new_id = cx.new_user_id();
    let upsert =
        async |access: Access<'_>| cx.platform.users().upsert_user(access, &user, if_match.as_ref(), &new_id).await;
    let stored = for_caller(cx, &caller, upsert).await?;
    webhooks::poke(cx, &caller);
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
