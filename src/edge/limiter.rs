//! The limiter as a Durable Object, one for each account, and an isolate's way to it.

use super::{Hops, now, within};
use crate::limit::{Account, Ask, Decision, Grant, Leases, Ledger, Limiter, LimiterAway, Quota, Turn};
use js_sys::Reflect;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use worker::{
    Context, DurableObject, Env, Method, ObjectNamespace, Request, RequestInit, Response, Result, SqlStorageValue,
    State, durable_object,
};

/// Milliseconds within which the object has to answer.
const DEADLINE_MS: u64 = 2000;

/// What is sent to the object.
#[derive(Serialize, Deserialize)]
enum Message {
    Ask(Ask),
    SetQuota(Quota),
}

/// The isolate's leases, and the way to the objects when those don't do.
pub struct ObjectLimiter {
    pub objects: ObjectNamespace,
    pub leases: Rc<RefCell<Leases>>,
    pub context: Rc<Context>,
    pub hops: Hops,
}

impl Limiter for ObjectLimiter {
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Decision {
        let asked_ms = now().as_ms();
        let turn = self.leases.borrow_mut().begin(account, default, cost, asked_ms);
        match turn {
            Turn::Decided { decision, fetch } => {
                if let Some(ask) = fetch {
                    self.fetch(account, ask, asked_ms);
                }
                decision
            }
            Turn::Ask(ask) => {
                self.hops.add();
                let outcome = send_ask(&self.objects, account, ask).await;
                let mut leases = self.leases.borrow_mut();
                match outcome {
                    Ok(grant) => leases.granted(account, ask, grant, asked_ms, now().as_ms()),
                    Err(LimiterAway(cause)) => {
                        worker::console_warn!("{cause}");
                        leases.away(account, ask, now().as_ms())
                    }
                }
            }
        }
    }

    async fn set_quota(&self, account: Account<'_>, quota: Quota) -> std::result::Result<(), LimiterAway> {
        self.hops.add();
        send(&self.objects, account, &Message::SetQuota(quota)).await?;
        self.leases.borrow_mut().forget(account);
        Ok(())
    }
}

impl ObjectLimiter {
    /// Asks behind the back of the request that is being answered.
    fn fetch(&self, account: Account<'_>, ask: Ask, asked_ms: u64) {
        let (objects, leases) = (self.objects.clone(), Rc::clone(&self.leases));
        let (project, policy) = (account.project.clone(), account.policy);
        self.context.wait_until(async move {
            let account = Account { project: &project, policy };
            // Without an answer, the next request that runs out of tokens asks for itself.
            if let Ok(grant) = send_ask(&objects, account, ask).await {
                leases.borrow_mut().granted(account, ask, grant, asked_ms, now().as_ms());
            }
        });
    }
}

async fn send_ask(
    objects: &ObjectNamespace,
    account: Account<'_>,
    ask: Ask,
) -> std::result::Result<Grant, LimiterAway> {
    let grant = send(objects, account, &Message::Ask(ask)).await?;
    serde_json::from_slice(&grant).map_err(|error| LimiterAway(format!("limiter: {error}")))
}

/// Sends a message, and once more to an object that broke under it, as each deploy breaks all of them: what the first one
/// booked unheard is wasted, and no more. One that is overloaded must not be asked again.
async fn send(
    objects: &ObjectNamespace,
    account: Account<'_>,
    message: &Message,
) -> std::result::Result<Vec<u8>, LimiterAway> {
    let answer = async {
        match send_once(objects, account, message).await {
            Err(error) if !is_overloaded(&error) => send_once(objects, account, message).await,
            outcome => outcome,
        }
    };
    match within(Duration::from_millis(DEADLINE_MS), answer).await {
        Some(answer) => Ok(answer?),
        None => Err(LimiterAway(format!("limiter: no answer within {DEADLINE_MS} ms"))),
    }
}

async fn send_once(objects: &ObjectNamespace, account: Account<'_>, message: &Message) -> Result<Vec<u8>> {
    let object = objects.get_by_name(&format!("{}/{}", account.project.as_str(), account.policy.as_str()))?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(serde_json::to_string(message)?.into()));
    // The object serves any URL; it needs one to be asked at all.
    let mut answer = object.fetch_with_request(Request::new_with_init("https://limiter/", &init)?).await?;
    match answer.status_code() {
        200 => answer.bytes().await,
        status => Err(format!("status {status}").into()),
    }
}

/// As the runtime marks an object's errors.
fn is_overloaded(error: &worker::Error) -> bool {
    Reflect::get(&error.to_js_value(), &"overloaded".into()).is_ok_and(|overloaded| overloaded.is_truthy())
}

impl From<worker::Error> for LimiterAway {
    fn from(error: worker::Error) -> Self {
        LimiterAway(format!("limiter: {error}"))
    }
}

/// One account's ledger, in the object's SQLite storage. What is in memory is only its copy.
#[durable_object(alarm)]
pub struct LimiterObject {
    state: State,
    ledger: RefCell<Option<Ledger>>,
    /// If an alarm is known to be set.
    alarmed: Cell<bool>,
}

impl DurableObject for LimiterObject {
    fn new(state: State, _: Env) -> Self {
        LimiterObject { state, ledger: RefCell::default(), alarmed: Cell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let message = serde_json::from_slice(&request.bytes().await?)?;
        let mut ledger = self.take_ledger()?;
        let (answer, written) = match message {
            Message::Ask(ask) => {
                let grant = ledger.grant(ask, now().as_ms());
                (Some(grant), (grant.verdict.admitted && ask.cost > 0) || grant.ahead > 0)
            }
            Message::SetQuota(quota) => {
                ledger.set_quota(quota);
                (None, true)
            }
        };
        let window_ms = answer.map(|grant| grant.verdict.quota.window_ms);
        if written {
            self.save(&ledger)?;
        }
        self.ledger.replace(Some(ledger));
        if let Some(window_ms) = window_ms.filter(|_| written) {
            self.set_alarm(2 * window_ms).await?;
        }
        Response::ok(serde_json::to_string(&answer)?)
    }

    /// Clears what has been idle for two windows.
    async fn alarm(&self) -> Result<Response> {
        self.alarmed.set(false);
        let mut ledger = self.take_ledger()?;
        let idle_in_ms = ledger.drop_idle_window(now().as_ms());
        if idle_in_ms.is_none() && ledger.is_empty() {
            // It exists no longer, until it is asked again.
            self.state.storage().delete_all().await?;
            return Response::empty();
        }
        self.save(&ledger)?;
        self.ledger.replace(Some(ledger));
        if let Some(idle_in_ms) = idle_in_ms {
            self.set_alarm(idle_in_ms).await?;
        }
        Response::empty()
    }
}

#[derive(Deserialize)]
struct Row {
    ledger: String,
}

impl LimiterObject {
    /// Takes the ledger out of memory, or out of storage. Who takes it puts it back, unless something failed.
    fn take_ledger(&self) -> Result<Ledger> {
        if let Some(ledger) = self.ledger.take() {
            return Ok(ledger);
        }
        let sql = self.state.storage().sql();
        sql.exec(
            "create table if not exists account (id integer primary key check (id = 1), ledger text not null)",
            None,
        )?;
        let rows: Vec<Row> = sql.exec("select ledger from account", None)?.to_array()?;
        Ok(match rows.first() {
            Some(row) => serde_json::from_str(&row.ledger)?,
            None => Ledger::default(),
        })
    }

    /// The answer that depends on it is held back by the runtime until the write is durable.
    fn save(&self, ledger: &Ledger) -> Result<()> {
        let text = SqlStorageValue::String(serde_json::to_string(ledger)?);
        self.state.storage().sql().exec("insert or replace into account (id, ledger) values (1, ?)", vec![text])?;
        Ok(())
    }

    /// Sets an alarm if none is set.
    async fn set_alarm(&self, in_ms: u64) -> Result<()> {
        if !self.alarmed.replace(true) && self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(Duration::from_millis(in_ms)).await?;
        }
        Ok(())
    }
}
