//! Admits a call: its key, its scope, its rate limit. Afterwards, explains why the store refused the key.

use super::auth::{self, Patience};
use super::error::ApiError;
use super::platform::{Cx, Platform};
use crate::key::Scope;
use crate::rate_limit::{Account, Decision, Limiter, Policy, Verdict};
use crate::store::{Access, Caller, StoreError};

/// Admits a call: finds its key, checks the scope, and takes a token of the policy; 401, 403, 429.
pub async fn admit<P: Platform>(cx: &Cx<'_, P>, scope: Scope, policy: Policy) -> Result<Caller, ApiError> {
    let caller = auth::authenticate(cx).await?;
    check_scope(cx, &caller, scope, policy).await?;
    take_token(cx, &caller, policy).await?;
    Ok(caller)
}

/// Checks that a caller's key has the scope; 403, which costs no token of the policy, but shows the budget.
pub async fn check_scope<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    required: Scope,
    policy: Policy,
) -> Result<(), ApiError> {
    if required.is_among(&caller.record.scopes) {
        return Ok(());
    }
    decide(cx, caller, policy, 0).await;
    Err(ApiError::InsufficientPermissions { required, current: caller.record.scopes.clone() })
}

/// Takes a token of the policy; 429.
pub async fn take_token<P: Platform>(cx: &Cx<'_, P>, caller: &Caller, policy: Policy) -> Result<(), ApiError> {
    let Verdict { admitted, quota, retry_after_ms, .. } = decide(cx, caller, policy, 1).await;
    if admitted { Ok(()) } else { Err(ApiError::RateLimitExceeded { quota, retry_after_ms }) }
}

/// Has the limiter decide, and notes what it says for the answer and the log.
async fn decide<P: Platform>(cx: &Cx<'_, P>, caller: &Caller, policy: Policy, cost: u32) -> Verdict {
    let account = Account { project: &caller.record.project, policy };
    let default = cx.platform.settings().default_quota(policy);
    let Decision { verdict, by } = cx.wait(cx.platform.limiter().take(account, default, cost)).await;
    let mut log = cx.log.borrow_mut();
    log.budget = Some((policy, verdict));
    log.limiter = Some(by);
    verdict
}

/// Waits for the store to work for a caller. If the store refuses the key, finds out why: the key is dead, which is the error, or
/// its project has moved, and the work is done there.
pub async fn for_caller<P: Platform, T>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    work: impl AsyncFn(Access<'_>) -> Result<T, StoreError>,
) -> Result<T, ApiError> {
    let mut found = None;
    let mut patience = Patience::default();
    loop {
        let caller = found.as_ref().unwrap_or(caller);
        match cx.wait(work(caller.at(cx.now()))).await {
            Err(StoreError::KeyNotLive) => found = Some(auth::find_again(cx, caller, &mut patience).await?),
            outcome => return Ok(outcome?),
        }
    }
}
