//! The isolate's client of the limiter objects.

use crate::edge::rpc;
use crate::edge::runtime::{Hops, now, with_deadline};
use crate::json;
use crate::rate_limit::{
    Account, Decision, LeaseRequest, Leases, Limiter, LimiterRequest, LimiterUnavailable, Quota, Step, Usage,
};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use worker::{Context, ObjectNamespace};

/// Milliseconds within which the object has to answer.
const DEADLINE_MS: u64 = 2000;

/// Serves from this isolate's leases; asks the Durable Object when they run out.
pub struct ObjectLimiter {
    pub objects: ObjectNamespace,
    pub leases: Rc<RefCell<Leases>>,
    pub context: Rc<Context>,
    pub hops: Hops,
}

impl Limiter for ObjectLimiter {
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Decision {
        let asked_ms = now().as_ms();
        let step = self.leases.borrow_mut().decide(account, default, cost, asked_ms);
        match step {
            Step::Decided { decision, refill } => {
                if let Some(request) = refill {
                    self.ask_in_background(account, request, asked_ms);
                }
                decision
            }
            Step::Ask(request) => {
                let outcome = self.send(account, &LimiterRequest::Lease(request.clone())).await;
                let mut leases = self.leases.borrow_mut();
                match outcome {
                    Ok(grant) => leases.on_grant(account, &request, grant, asked_ms, now().as_ms()),
                    Err(LimiterUnavailable(cause)) => {
                        worker::console_warn!("{cause}");
                        leases.on_unreachable(account, &request, now().as_ms())
                    }
                }
            }
        }
    }

    async fn set_quota(
        &self,
        account: Account<'_>,
        quota: Option<Quota>,
    ) -> std::result::Result<(), LimiterUnavailable> {
        let (): () = self.send(account, &LimiterRequest::SetQuota(quota)).await?;
        self.leases.borrow_mut().forget(account);
        Ok(())
    }

    async fn own_quota(&self, account: Account<'_>) -> std::result::Result<Option<Quota>, LimiterUnavailable> {
        self.send(account, &LimiterRequest::OwnQuota).await
    }

    async fn usage(&self, account: Account<'_>, default: Quota) -> std::result::Result<Usage, LimiterUnavailable> {
        self.send(account, &LimiterRequest::Usage(default)).await
    }
}

impl ObjectLimiter {
    /// Sends a request whose answer is waited for.
    async fn send<T: DeserializeOwned>(
        &self,
        account: Account<'_>,
        request: &LimiterRequest,
    ) -> std::result::Result<T, LimiterUnavailable> {
        send(&self.objects, account, request, &self.hops).await
    }

    /// Asks in the background; the request does not wait.
    fn ask_in_background(&self, account: Account<'_>, request: LeaseRequest, asked_ms: u64) {
        let (objects, leases) = (self.objects.clone(), Rc::clone(&self.leases));
        let (project, policy) = (account.project.clone(), account.policy);
        self.context.wait_until(async move {
            let account = Account { project: &project, policy };
            // Without an answer, the next request that runs out of tokens asks for itself.
            let message = LimiterRequest::Lease(request.clone());
            if let Ok(grant) = send(&objects, account, &message, &Hops::default()).await {
                leases.borrow_mut().on_grant(account, &request, grant, asked_ms, now().as_ms());
            }
        });
    }
}

/// Sends a request, which adds a hop.
async fn send<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    account: Account<'_>,
    request: &LimiterRequest,
    hops: &Hops,
) -> std::result::Result<T, LimiterUnavailable> {
    let answer = send_text(objects, account, request, hops).await?;
    json::from_str(&answer).map_err(|error| LimiterUnavailable(format!("limiter: {error}")))
}

/// Not generic: of this there is one copy in the Worker. What a lost try booked is only wasted.
async fn send_text(
    objects: &ObjectNamespace,
    account: Account<'_>,
    request: &LimiterRequest,
    hops: &Hops,
) -> std::result::Result<String, LimiterUnavailable> {
    hops.add();
    let name = format!("{}/{}", account.project.as_str(), account.policy.as_str());
    let text = |request: &LimiterRequest| {
        serde_json::to_string(request).map_err(|error| LimiterUnavailable(format!("limiter: {error}")))
    };
    let (first, again) = (text(request)?, text(&request.again())?);
    let answer = rpc::call(|| objects.get_by_name(&name), &first, &again, hops);
    match with_deadline(Duration::from_millis(DEADLINE_MS), answer).await {
        Some(answer) => Ok(answer?),
        None => Err(LimiterUnavailable(format!("limiter: no answer within {DEADLINE_MS} ms"))),
    }
}

impl From<worker::Error> for LimiterUnavailable {
    fn from(error: worker::Error) -> Self {
        LimiterUnavailable(format!("limiter: {error}"))
    }
}
