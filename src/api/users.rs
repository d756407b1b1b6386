//! `/v1/users`

use super::{ApiError, Call, Edge, Reply, Trace, auth, new_id, read_object};
use crate::key::Scope;
use crate::limit::Policy;
use crate::store::Store;
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
    let user = read_object(edge, NewUser::parse).await?;
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
        .with("Location", location(&user.external_id))
        .with("X-User-Created", stored.created.to_string()))
}

/// The path of a user, its id percent-encoded but for the unreserved characters of RFC 3986 section 2.3.
fn location(id: &ExternalId) -> String {
    let mut path = String::from("/v1/users/");
    for byte in id.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_percent_encoded() {
        let location = |id| location(&ExternalId::parse(id).unwrap());
        assert_eq!(location("user_123.~-"), "/v1/users/user_123.~-");
        assert_eq!(location("a/b ?#%é"), "/v1/users/a%2Fb%20%3F%23%25%C3%A9");
    }
}
