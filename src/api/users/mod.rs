//! `/v1/users`

use super::{ApiError, Call, Edge, Reply, Trace, auth, new_id, read_object, refuse_query};
use crate::body::{FaultList, Part};
use crate::key::Scope;
use crate::limit::Policy;
use crate::percent;
use crate::store::{Store, StoredUser};
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
/// 1. authenticate: bearer → checksum → isolate cache → (cold only) store; 401
/// 2. limit: scope, then a token of policy `users`; 403, 429
/// 3. parse: bytes → [`NewUser`], every fault at once; 413, 400
/// 4. store: one statement, which checks the key again; 400, 401, 500, 503
/// 5. reply
pub async fn upsert<E: Edge>(call: &Call, edge: &E, trace: &mut Trace) -> Result<Reply, ApiError> {
    // 1 authenticate
    let caller = auth::authenticate(call, edge, trace).await?;
    // 2 limit
    auth::admit(&caller, Scope::UsersWrite, Policy::Users, edge, trace).await?;
    // 3 parse
    refuse_query(call)?;
    let user = read_object(call, edge, NewUser::parse).await?;
    // 4 store
    let new_id = new_id("usr_", edge);
    let Some(stored) = edge.store().upsert_user(&caller.hash, &user, &new_id, edge.now()).await? else {
        return Err(auth::explain_dead(&caller, edge).await);
    };
    // 5 reply
    let out = UpsertOut {
        success: true,
        user_id: &stored.id,
        external_id: user.external_id.as_str(),
        message: "User created/updated successfully",
    };
    Ok(Reply::json(200, &out)
        .with("Location", format!("/v1/users/{}", percent::encode(user.external_id.as_str())))
        .with("X-User-Created", stored.created.to_string()))
}

#[derive(Serialize)]
struct UserOut<'a> {
    success: bool,
    user: &'a StoredUser,
}

/// `GET /v1/users/{user_id}`: one user, or 304 to whom the revision is known.
pub async fn get<E: Edge>(call: &Call, edge: &E, trace: &mut Trace, id: &str) -> Result<Reply, ApiError> {
    let caller = auth::authenticate(call, edge, trace).await?;
    auth::admit(&caller, Scope::UsersRead, Policy::Users, edge, trace).await?;
    refuse_query(call)?;
    let id = parse_id(id)?;
    let Some(found) = edge.store().find_user(&caller.hash, &id, edge.now()).await? else {
        return Err(auth::explain_dead(&caller, edge).await);
    };
    let user = found.ok_or_else(|| ApiError::UserNotFound { is_roster_id: id.as_str().starts_with("usr_") })?;
    let etag = format!("\"{}\"", user.revision);
    let known = call.if_none_match.as_deref().is_some_and(|known| matches(known, &etag));
    let reply = if known { Reply::empty(304) } else { Reply::json(200, &UserOut { success: true, user: &user }) };
    Ok(reply.with("ETag", etag))
}

#[derive(Serialize)]
struct DeletedOut<'a> {
    success: bool,
    deleted: bool,
    external_id: &'a str,
    message: &'static str,
}

/// `DELETE /v1/users/{user_id}`: nothing of the person stays. That there was nobody is a success too.
pub async fn delete<E: Edge>(call: &Call, edge: &E, trace: &mut Trace, id: &str) -> Result<Reply, ApiError> {
    let caller = auth::authenticate(call, edge, trace).await?;
    auth::admit(&caller, Scope::UsersDelete, Policy::Users, edge, trace).await?;
    refuse_query(call)?;
    let id = parse_id(id)?;
    let Some(deleted) = edge.store().delete_user(&caller.hash, &id, edge.now()).await? else {
        return Err(auth::explain_dead(&caller, edge).await);
    };
    let message = if deleted { "User deleted" } else { "There was no such user" };
    Ok(Reply::json(200, &DeletedOut { success: true, deleted, external_id: id.as_str(), message }))
}

/// The `user_id` of a path, percent-decoded once.
fn parse_id(segment: &str) -> Result<ExternalId, ApiError> {
    let decoded = percent::decode(segment).ok_or("Must be percent-encoded UTF-8");
    let parsed = decoded.and_then(|id| ExternalId::parse_stored(&id));
    parsed.map_err(|rule| ApiError::Faults(FaultList::one(Part::Path, "user_id", rule)))
}

/// If an `If-None-Match` header names the tag, by weak comparison (RFC 9110 section 13.1.2).
fn matches(header: &str, etag: &str) -> bool {
    header.trim() == "*" || header.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_matched_weakly_in_a_list() {
        for header in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", " * "] {
            assert!(matches(header, "\"1\""), "{header}");
        }
        for header in ["1", "\"11\"", "", "\"0\""] {
            assert!(!matches(header, "\"1\""), "{header}");
        }
    }
}
