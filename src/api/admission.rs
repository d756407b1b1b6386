//! Admits a call: its key, its scope, its rate limit. Afterwards, explains why the store refused the key.

use super::auth;
use super::error::ApiError;
use super::platform::{Cx, Platform};
use crate::key::Scope;
use crate::rate_limit::{Account, Decision, Limiter, Policy, Verdict};
use crate::store::{Caller, StoreError};

/// Admits a call: finds its key, checks the scope, and takes a token of the policy; 401, 403, 429.
pub async fn admit<P: Platform>(cx: &Cx<'_, P>, scope: Scope, policy: Policy) -> Result<Caller, ApiError> {
    let caller = auth::authenticate(cx).await?;
    charge(cx, &caller, Some(scope), policy).await?;
    Ok(caller)
}

/// Checks that a key that was found has the scope, if one is required, and takes a token of the policy; 403, 429.
///
/// A call out of scope costs no token, but its refusal shows the budget.
pub async fn charge<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    scope: Option<Scope>,
    policy: Policy,
) -> Result<(), ApiError> {
    let account = Account { project: &caller.record.project, policy };
    let default = cx.platform.settings().default_quota(policy);
    let missing = scope.filter(|scope| !scope.is_among(&caller.record.scopes));
    let Decision { verdict, by } =
        cx.wait(cx.platform.limiter().take(account, default, u32::from(missing.is_none()))).await;
    let Verdict { admitted, quota, retry_after_ms, .. } = verdict;
    {
        let mut log = cx.log.borrow_mut();
        log.budget = Some((policy, verdict));
        log.limiter = Some(by);
    }
    if let Some(required) = missing {
        Err(ApiError::InsufficientPermissions { required, current: caller.record.scopes.clone() })
    } else if !admitted {
        Err(ApiError::RateLimitExceeded { quota, retry_after_ms })
    } else {
        Ok(())
    }
}

/// Waits for the store to work for a caller. If the store refuses the key, the error says why.
pub async fn ask<P: Platform, T>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, ApiError> {
    match cx.wait(work).await {
        Err(StoreError::KeyNotLive) => Err(auth::recheck_key(cx, &caller.hash).await),
        outcome => Ok(outcome?),
    }
}
