//! The limiter as a Durable Object, one for each account, and the way to it.

use super::{Hops, now};
use crate::limit::{Account, Ledger, Limiter, LimiterAway, Quota, Verdict};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use worker::{
    DurableObject, Env, Method, ObjectNamespace, Request, RequestInit, Response, Result, SqlStorageValue, State,
    durable_object,
};

/// What is asked of the object.
#[derive(Serialize, Deserialize)]
enum Ask {
    Take { default: Quota, cost: u32 },
    SetQuota { quota: Quota },
}

/// The way to the objects.
pub struct ObjectLimiter {
    objects: ObjectNamespace,
    hops: Hops,
}

impl ObjectLimiter {
    pub fn new(objects: ObjectNamespace, hops: Hops) -> Self {
        ObjectLimiter { objects, hops }
    }

    async fn ask(&self, account: Account<'_>, ask: &Ask) -> Result<Option<Verdict>> {
        let name = format!("{}/{}", account.project.as_str(), account.policy.as_str());
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(serde_json::to_string(ask)?.into()));
        self.hops.add();
        // The object serves any URL; it needs one to be asked at all.
        let request = Request::new_with_init("https://limiter/", &init)?;
        let mut response = self.objects.get_by_name(&name)?.fetch_with_request(request).await?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }
}

impl Limiter for ObjectLimiter {
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> std::result::Result<Verdict, LimiterAway> {
        match self.ask(account, &Ask::Take { default, cost }).await {
            Ok(Some(verdict)) => Ok(verdict),
            Ok(None) => Err(LimiterAway("limiter: no verdict".into())),
            Err(error) => Err(LimiterAway(format!("limiter: {error}"))),
        }
    }

    async fn set_quota(&self, account: Account<'_>, quota: Quota) -> std::result::Result<(), LimiterAway> {
        match self.ask(account, &Ask::SetQuota { quota }).await {
            Ok(_) => Ok(()),
            Err(error) => Err(LimiterAway(format!("limiter: {error}"))),
        }
    }
}

/// One account's ledger, in the object's SQLite storage. What is in memory is only its copy.
#[durable_object(fetch)]
pub struct LimiterObject {
    state: State,
    ledger: RefCell<Option<Ledger>>,
}

impl DurableObject for LimiterObject {
    fn new(state: State, _: Env) -> Self {
        LimiterObject { state, ledger: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let ask = serde_json::from_slice(&request.bytes().await?)?;
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => self.load()?,
        };
        let verdict = match ask {
            Ask::Take { default, cost } => {
                let before = ledger.clone();
                let verdict = ledger.take(default, cost, now().as_ms());
                if verdict.admitted && ledger != before {
                    self.save(&ledger)?;
                }
                Some(verdict)
            }
            Ask::SetQuota { quota } => {
                ledger.set_quota(quota);
                self.save(&ledger)?;
                None
            }
        };
        self.ledger.replace(Some(ledger));
        Response::ok(serde_json::to_string(&verdict)?)
    }
}

#[derive(Deserialize)]
struct Row {
    ledger: String,
}

impl LimiterObject {
    fn load(&self) -> Result<Ledger> {
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
}
