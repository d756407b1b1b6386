//! The object of one account.

use crate::edge::runtime::now;
use crate::edge::sqlite::Sqlite;
use crate::rate_limit::{Ask, Grant, Ledger, Message};
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

    /// For Workers of versions that do not call [`LimiterObject::answer`] yet.
    async fn fetch(&self, mut request: Request) -> Result<Response> {
        Response::ok(self.respond(&request.bytes().await?).await?)
    }

    /// Drops a window that was idle for two windows.
    async fn alarm(&self) -> Result<Response> {
        self.alarmed.set(false);
        let mut ledger = self.take_ledger()?;
        let idle_in_ms = ledger.drop_idle_window(now().as_ms());
        self.keep(ledger).await?;
        if let Some(idle_in_ms) = idle_in_ms {
            self.set_alarm(idle_in_ms).await?;
        }
        Response::empty()
    }
}

/// What the object offers by RPC.
#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
impl LimiterObject {
    /// Answers a [`Message`]; both are JSON.
    pub async fn answer(&self, message: String) -> std::result::Result<String, JsValue> {
        Ok(self.respond(message.as_bytes()).await?)
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
    async fn respond(&self, message: &[u8]) -> Result<String> {
        Ok(match serde_json::from_slice(message)? {
            Message::Ask(ask) => serde_json::to_string(&self.grant(ask).await?)?,
            Message::SetQuota(quota) => {
                let mut ledger = self.take_ledger()?;
                ledger.set_quota(quota);
                self.keep(ledger).await?;
                "null".into()
            }
            Message::OwnQuota => {
                let ledger = self.take_ledger()?;
                let quota = ledger.own_quota();
                self.ledger.replace(Some(ledger));
                serde_json::to_string(&quota)?
            }
            Message::Usage(default) => {
                let ledger = self.take_ledger()?;
                let usage = ledger.usage(default, now().as_ms());
                self.ledger.replace(Some(ledger));
                serde_json::to_string(&usage)?
            }
        })
    }

    /// Stores a ledger. With an empty one, the object no longer exists until it is asked again.
    async fn keep(&self, ledger: Ledger) -> Result<()> {
        if ledger.is_empty() {
            // Its alarm goes with it.
            self.has_table.set(false);
            self.alarmed.set(false);
            self.state.storage().delete_all().await
        } else {
            self.save(&ledger)?;
            self.ledger.replace(Some(ledger));
            Ok(())
        }
    }

    async fn grant(&self, ask: Ask) -> Result<Grant> {
        let mut ledger = self.take_ledger()?;
        let grant = ledger.grant(ask, now().as_ms());
        let books = (grant.verdict.admitted && ask.cost > 0) || grant.lease > 0;
        if books {
            self.save(&ledger)?;
        }
        self.ledger.replace(Some(ledger));
        if books {
            self.set_alarm(2 * grant.verdict.quota.window_ms).await?;
        }
        Ok(grant)
    }

    /// Takes the ledger from memory, or loads it. The caller puts it back, unless something failed.
    fn take_ledger(&self) -> Result<Ledger> {
        if let Some(ledger) = self.ledger.take() {
            return Ok(ledger);
        }
        // Reading must not create the table: an object that was only read must not be stored.
        let table: Vec<Name> = self.query("select name from sqlite_master where name = 'account'", &[])?;
        let rows: Vec<Row> = if table.is_empty() { Vec::new() } else { self.query("select ledger from account", &[])? };
        Ok(match rows.first() {
            Some(row) => serde_json::from_str(&row.ledger)?,
            None => Ledger::default(),
        })
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
