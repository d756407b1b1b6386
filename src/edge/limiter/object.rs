//! The object of one account.

use crate::edge::runtime::now;
use crate::edge::sqlite::Sqlite;
use crate::json;
use crate::rate_limit::{Grant, LeaseRequest, Ledger, LimiterRequest};
use crate::store::sql::{LocalDatabase, Statement, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// One account's ledger, in the object's SQLite storage. Memory only caches it.
#[durable_object(alarm)]
pub struct LimiterObject {
    state: State,
    sqlite: Sqlite,
    ledger: RefCell<Option<Ledger>>,
    /// True if the table is known to exist.
    has_table: Cell<bool>,
    /// True if an alarm is known to be set.
    alarmed: Cell<bool>,
}

impl DurableObject for LimiterObject {
    fn new(state: State, _: Env) -> Self {
        let sqlite = Sqlite::new(&state);
        let (has_table, alarmed) = (Cell::default(), Cell::default());
        LimiterObject { state, sqlite, ledger: RefCell::default(), has_table, alarmed }
    }

    async fn fetch(&self, _: Request) -> Result<Response> {
        Response::error("called by RPC alone", 501)
    }

    /// Drops a window that was idle for two windows.
    async fn alarm(&self) -> Result<Response> {
        self.alarmed.set(false);
        let idle_in_ms = self.change(|ledger| ledger.drop_idle_window(now().as_ms())).await?;
        if let Some(idle_in_ms) = idle_in_ms {
            self.set_alarm(idle_in_ms).await?;
        }
        Response::empty()
    }
}

/// What the object offers by RPC.
#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
impl LimiterObject {
    /// Answers a [`LimiterRequest`]; both are JSON.
    pub async fn answer(&self, request: String) -> std::result::Result<String, JsValue> {
        Ok(self.respond(&request).await?)
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
    async fn respond(&self, request: &str) -> Result<String> {
        Ok(match json::from_str(request).map_err(|error| error.to_string())? {
            LimiterRequest::Lease(request) => serde_json::to_string(&self.grant(&request).await?)?,
            LimiterRequest::SetQuota(quota) => {
                self.change(|ledger| ledger.set_quota(quota)).await?;
                "null".into()
            }
            LimiterRequest::OwnQuota => serde_json::to_string(&self.with_ledger(|ledger| Ok(ledger.own_quota()))?)?,
            LimiterRequest::Usage(default) => {
                serde_json::to_string(&self.with_ledger(|ledger| Ok(ledger.usage(default, now().as_ms())))?)?
            }
        })
    }

    /// What was only given back is not stored: an object that starts anew holds it for booked.
    async fn grant(&self, request: &LeaseRequest) -> Result<Grant> {
        let (grant, books) = self.with_ledger(|ledger| {
            let grant = ledger.grant(request, now().as_ms());
            let books = grant.books(request);
            if books {
                self.save(ledger)?;
            }
            Ok((grant, books))
        })?;
        if books {
            self.set_alarm(2 * grant.verdict.quota.window_ms).await?;
        }
        Ok(grant)
    }

    /// Changes the ledger and stores it. With an empty one, the object no longer exists until it is asked again.
    async fn change<T>(&self, work: impl FnOnce(&mut Ledger) -> T) -> Result<T> {
        let (outcome, is_empty) = self.with_ledger(|ledger| {
            let outcome = work(ledger);
            if !ledger.is_empty() {
                self.save(ledger)?;
            }
            Ok((outcome, ledger.is_empty()))
        })?;
        if is_empty {
            // Its alarm goes with it.
            self.has_table.set(false);
            self.alarmed.set(false);
            self.state.storage().delete_all().await?;
        }
        Ok(outcome)
    }

    /// Works on the ledger in memory, or loads it. After a failure the next one loads it again.
    fn with_ledger<T>(&self, work: impl FnOnce(&mut Ledger) -> Result<T>) -> Result<T> {
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => self.load()?,
        };
        let outcome = work(&mut ledger)?;
        self.ledger.replace(Some(ledger));
        Ok(outcome)
    }

    fn load(&self) -> Result<Ledger> {
        // Reading must not create the table: an object that was only read must not be stored.
        let table: Vec<Name> = self.query("select name from sqlite_master where name = 'account'", &[])?;
        let rows: Vec<Row> = if table.is_empty() { Vec::new() } else { self.query("select ledger from account", &[])? };
        match rows.first() {
            Some(row) => json::from_str(&row.ledger).or_else(|error| self.recover(&row.ledger, error)),
            None => Ok(Ledger::default()),
        }
    }

    /// Stores at once what it goes on with: else each start would begin the wait anew.
    fn recover(&self, stored: &str, error: json::Unreadable) -> Result<Ledger> {
        let ledger = Ledger::recover(stored, now().as_ms());
        let name = self.state.id().name().unwrap_or_default();
        let own = if ledger.own_quota().is_some() { "is kept" } else { "has to be set again" };
        worker::console_error!(
            "limiter: the ledger of {name} can't be read ({error}): one window is refused; a limit of its own {own}"
        );
        self.save(&ledger)?;
        Ok(ledger)
    }

    /// The answer that depends on it is held back by the runtime until the write is durable.
    fn save(&self, ledger: &Ledger) -> Result<()> {
        if !self.has_table.replace(true) {
            self.query::<Name>(
                "create table if not exists account (id integer primary key check (id = 1), ledger text not null)",
                &[],
            )?;
        }
        let text = serde_json::to_string(ledger)?;
        self.query::<Name>("insert or replace into account (id, ledger) values (1, ?)", &[Value::Text(&text)])?;
        Ok(())
    }

    fn query<T: DeserializeOwned>(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<T>> {
        self.sqlite.query(Statement { sql, values }).map_err(|error| error.to_string().into())
    }

    /// Sets an alarm if none is set.
    async fn set_alarm(&self, in_ms: u64) -> Result<()> {
        if !self.alarmed.replace(true) && self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(Duration::from_millis(in_ms)).await?;
        }
        Ok(())
    }
}
