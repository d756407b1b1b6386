//! The limiter as a Durable Object, one for each account, and an isolate's way to it.

use super::{Hops, now, within};
use crate::limit::{Account, Ask, Decision, Grant, Leases, Ledger, Limiter, LimiterAway, Message, Quota, Turn};
use js_sys::Reflect;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use worker::{
    Context, DurableObject, Env, Method, ObjectNamespace, Request, RequestInit, Response, Result, SqlStorageValue,
    State, durable_object,
};

/// Milliseconds within which the object has to answer.
const DEADLINE_MS: u64 = 2000;

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
                let outcome = send(&self.objects, account, &Message::Ask(ask)).await;
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

    async fn set_quota(&self, account: Account<'_>, quota: Option<Quota>) -> std::result::Result<(), LimiterAway> {
        self.hops.add();
        let (): () = send(&self.objects, account, &Message::SetQuota(quota)).await?;
        self.leases.borrow_mut().forget(account);
        Ok(())
    }

    async fn own_quota(&self, account: Account<'_>) -> std::result::Result<Option<Quota>, LimiterAway> {
        self.hops.add();
        send(&self.objects, account, &Message::OwnQuota).await
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
            if let Ok(grant) = send(&objects, account, &Message::Ask(ask)).await {
                leases.borrow_mut().granted(account, ask, grant, asked_ms, now().as_ms());
            }
        });
    }
}

/// Sends a message, and once more to an object that broke under it, as each deploy breaks all of them: what the first one
/// booked unheard is wasted, and no more. One that is overloaded must not be asked again.
async fn send<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    account: Account<'_>,
    message: &Message,
) -> std::result::Result<T, LimiterAway> {
    let answer = async {
        match send_once(objects, account, message).await {
            Err(error) if !is_overloaded(&error) => send_once(objects, account, message).await,
            outcome => outcome,
        }
    };
    match within(Duration::from_millis(DEADLINE_MS), answer).await {
        Some(answer) => serde_json::from_slice(&answer?).map_err(|error| LimiterAway(format!("limiter: {error}"))),
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
    /// If the table is known to be there.
    has_table: Cell<bool>,
    /// If an alarm is known to be set.
    alarmed: Cell<bool>,
}

impl DurableObject for LimiterObject {
    fn new(state: State, _: Env) -> Self {
        LimiterObject { state, ledger: RefCell::default(), has_table: Cell::default(), alarmed: Cell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let answer = match serde_json::from_slice(&request.bytes().await?)? {
            Message::Ask(ask) => serde_json::to_string(&self.grant(ask).await?)?,
            Message::SetQuota(quota) => {
                let mut ledger = self.take_ledger()?;
                ledger.set_quota(quota);
                self.save(&ledger)?;
                self.ledger.replace(Some(ledger));
                "null".into()
            }
            Message::OwnQuota => {
                let ledger = self.take_ledger()?;
                let quota = ledger.own_quota();
                self.ledger.replace(Some(ledger));
                serde_json::to_string(&quota)?
            }
        };
        Response::ok(answer)
    }

    /// Clears what has been idle for two windows.
    async fn alarm(&self) -> Result<Response> {
        self.alarmed.set(false);
        let mut ledger = self.take_ledger()?;
        let idle_in_ms = ledger.drop_idle_window(now().as_ms());
        if idle_in_ms.is_none() && ledger.is_empty() {
            // It exists no longer, until it is asked again.
            self.has_table.set(false);
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
struct Name {
    #[expect(dead_code, reason = "that there is a row is the answer")]
    name: String,
}

#[derive(Deserialize)]
struct Row {
    ledger: String,
}

impl LimiterObject {
    async fn grant(&self, ask: Ask) -> Result<Grant> {
        let mut ledger = self.take_ledger()?;
        let grant = ledger.grant(ask, now().as_ms());
        let books = (grant.verdict.admitted && ask.cost > 0) || grant.ahead > 0;
        if books {
            self.save(&ledger)?;
        }
        self.ledger.replace(Some(ledger));
        if books {
            self.set_alarm(2 * grant.verdict.quota.window_ms).await?;
        }
        Ok(grant)
    }

    /// Takes the ledger out of memory, or out of storage. Who takes it puts it back, unless something failed.
    fn take_ledger(&self) -> Result<Ledger> {
        if let Some(ledger) = self.ledger.take() {
            return Ok(ledger);
        }
        // Looking writes nothing, so that an object that was only looked at does not come to exist.
        let sql = self.state.storage().sql();
        let table: Vec<Name> = sql.exec("select name from sqlite_master where name = 'account'", None)?.to_array()?;
        let rows: Vec<Row> =
            if table.is_empty() { Vec::new() } else { sql.exec("select ledger from account", None)?.to_array()? };
        Ok(match rows.first() {
            Some(row) => serde_json::from_str(&row.ledger)?,
            None => Ledger::default(),
        })
    }

    /// The answer that depends on it is held back by the runtime until the write is durable.
    fn save(&self, ledger: &Ledger) -> Result<()> {
        let sql = self.state.storage().sql();
        if !self.has_table.replace(true) {
            sql.exec(
                "create table if not exists account (id integer primary key check (id = 1), ledger text not null)",
                None,
            )?;
        }
        let text = SqlStorageValue::String(serde_json::to_string(ledger)?);
        sql.exec("insert or replace into account (id, ledger) values (1, ?)", vec![text])?;
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
