//! Admits a request of Segment's protocol, in whichever place its key is.

use super::write_key;
use crate::api::admission::{check_scope, take_token};
use crate::api::auth;
use crate::api::error::ApiError;
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::{MAX_INGEST_BYTES, MAX_UNAUTHENTICATED_BYTES};
use crate::json;
use crate::key::{ApiKey, Scope};
use crate::rate_limit::Policy;
use crate::store::Caller;

/// Admits a request: its key, the scope, a token of policy `ingest`; 401, 403, 413, 415, 429, 400. Answers its body too,
/// which is read before admission only if the key is not in a header.
pub async fn admit<P: Platform>(cx: &Cx<'_, P>) -> Result<(Caller, Vec<u8>), ApiError> {
    if let Some(presented) = write_key::of_headers(cx.call) {
        let caller = admit_key(cx, &auth::parse_key(cx, &presented)?).await?;
        return Ok((caller, read::bytes(cx, MAX_INGEST_BYTES).await?));
    }
    auth::refuse_blocked(cx)?;
    let bytes = read::bytes(cx, MAX_UNAUTHENTICATED_BYTES).await;
    let (key, bytes) = match bytes.and_then(|bytes| Ok((key_of(cx, &bytes)?, bytes))) {
        Ok(read) => read,
        Err(error) => return Err(auth::refuse_unauthenticated(cx, error).await),
    };
    match admit_key(cx, &key).await {
        Ok(caller) => Ok((caller, bytes)),
        Err(error) if was_read_in_vain(&error) => Err(auth::refuse_unauthenticated(cx, error).await),
        Err(error) => Err(error),
    }
}

/// True if a refusal costs what a body with a nonexistent key costs, and is not counted yet.
fn was_read_in_vain(error: &ApiError) -> bool {
    use ApiError::{InsufficientPermissions, RateLimitExceeded, RevokedApiKey};
    matches!(error, RevokedApiKey | InsufficientPermissions { .. } | RateLimitExceeded { .. })
}

async fn admit_key<P: Platform>(cx: &Cx<'_, P>, key: &ApiKey) -> Result<Caller, ApiError> {
    let caller = auth::authenticate_key(cx, key).await?;
    check_scope(cx, &caller, Scope::Ingest, Policy::Ingest).await?;
    take_token(cx, &caller, Policy::Ingest).await?;
    Ok(caller)
}

/// The key of a body. The rest of what was parsed is dropped, and parsed again after admission: it may be 23 times as large
/// as the text, and a few callers without a key would fill the isolate while they wait.
fn key_of<P: Platform>(cx: &Cx<'_, P>, bytes: &[u8]) -> Result<ApiKey, ApiError> {
    let body = read::object_of(bytes, json::parse_object_lossy)?;
    auth::parse_key(cx, write_key::of_body(&body).ok_or(ApiError::MissingWriteKey)?)
}
