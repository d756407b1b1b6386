//! The isolate's client of the limiter objects.

use crate::edge::fetcher::Fetcher;
use crate::edge::rpc;
use crate::edge::runtime::{Hops, now, with_deadline};
use crate::rate_limit::{Account, Ask, Decision, Leases, Limiter, LimiterUnavailable, Message, Quota, Step, Usage};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use worker::{Context, ObjectNamespace, Result, Stub};

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
                if let Some(ask) = refill {
                    self.ask_in_background(account, ask, asked_ms);
                }
                decision
            }
            Step::Ask(ask) => {
                self.hops.add();
                let outcome = send(&self.objects, account, &Message::Ask(ask)).await;
                let mut leases = self.leases.borrow_mut();
                match outcome {
                    Ok(grant) => leases.on_grant(account, ask, grant, asked_ms, now().as_ms()),
                    Err(LimiterUnavailable(cause)) => {
                        worker::console_warn!("{cause}");
                        leases.on_unreachable(account, ask, now().as_ms())
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
        self.hops.add();
        let (): () = send(&self.objects, account, &Message::SetQuota(quota)).await?;
        self.leases.borrow_mut().forget(account);
        Ok(())
    }

    async fn own_quota(&self, account: Account<'_>) -> std::result::Result<Option<Quota>, LimiterUnavailable> {
        self.hops.add();
        send(&self.objects, account, &Message::OwnQuota).await
    }

    async fn usage(&self, account: Account<'_>, default: Quota) -> std::result::Result<Usage, LimiterUnavailable> {
        self.hops.add();
        send(&self.objects, account, &Message::Usage(default)).await
    }
}

impl ObjectLimiter {
    /// Asks in the background; the request does not wait.
    fn ask_in_background(&self, account: Account<'_>, ask: Ask, asked_ms: u64) {
        let (objects, leases) = (self.objects.clone(), Rc::clone(&self.leases));
        let (project, policy) = (account.project.clone(), account.policy);
        self.context.wait_until(async move {
            let account = Account { project: &project, policy };
            // Without an answer, the next request that runs out of tokens asks for itself.
            if let Ok(grant) = send(&objects, account, &Message::Ask(ask)).await {
                leases.borrow_mut().on_grant(account, ask, grant, asked_ms, now().as_ms());
            }
        });
    }
}

/// Sends a message, and retries once if the object broke, as each does within five minutes of a deploy. What a lost try
/// booked is only wasted. Never retries an overloaded object.
async fn send<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    account: Account<'_>,
    message: &Message,
) -> std::result::Result<T, LimiterUnavailable> {
    let answer = send_text(objects, account, message).await?;
    serde_json::from_str(&answer).map_err(|error| LimiterUnavailable(format!("limiter: {error}")))
}

/// Not generic: of this there is one copy in the Worker.
async fn send_text(
    objects: &ObjectNamespace,
    account: Account<'_>,
    message: &Message,
) -> std::result::Result<String, LimiterUnavailable> {
    let answer = async {
        match send_once(objects, account, message).await {
            Err(error) if !rpc::is_overloaded(&error) => send_once(objects, account, message).await,
            outcome => outcome,
        }
    };
    match with_deadline(Duration::from_millis(DEADLINE_MS), answer).await {
        Some(answer) => Ok(answer?),
        None => Err(LimiterUnavailable(format!("limiter: no answer within {DEADLINE_MS} ms"))),
    }
}

async fn send_once(objects: &ObjectNamespace, account: Account<'_>, message: &Message) -> Result<String> {
    let name = format!("{}/{}", account.project.as_str(), account.policy.as_str());
    let message = serde_json::to_string(message)?;
    match rpc::call(objects.get_by_name(&name)?, &message).await {
        Err(error) if rpc::is_unknown_method(&error) => fetch(objects.get_by_name(&name)?, message).await,
        outcome => outcome,
    }
}

/// Asks an object of a version before RPC: after a deploy, objects follow the Worker within minutes.
async fn fetch(object: Stub, message: String) -> Result<String> {
    // The object serves any URL; it needs one to be asked at all.
    match object.into_rpc::<Fetcher>().send("https://limiter/", Some(message)).await? {
        (200, answer) => Ok(answer),
        (status, _) => Err(format!("status {status}").into()),
    }
}

impl From<worker::Error> for LimiterUnavailable {
    fn from(error: worker::Error) -> Self {
        LimiterUnavailable(format!("limiter: {error}"))
    }
}
