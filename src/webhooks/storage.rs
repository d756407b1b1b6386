//! What the object of a webhook keeps in its SQLite.

use super::held_back::HeldBack;
use super::queue::Queue;
use super::waits::Waits;
use super::webhook::Webhook;
use crate::json;
use crate::store::StoreError;
use crate::store::sql::{LocalDatabase, Statement, Value};
use serde::Deserialize;

/// The tables.
const SCHEMA: &str = "
    create table if not exists webhook (id integer primary key check (id = 1), state text not null) strict;
    create table if not exists held_back (
        external_id text not null primary key,
        revision integer not null,
        since integer not null,
        failed_at integer not null,
        tries integer not null,
        next_at integer not null
    ) strict, without rowid";

#[derive(Deserialize)]
struct StateRow {
    state: String,
}

#[derive(Deserialize)]
struct HeldBackRow {
    external_id: String,
    revision: u64,
    since: u64,
    failed_at: u64,
    tries: u32,
    next_at: u64,
}

/// Makes the tables, unless they are there.
pub fn make(database: &impl LocalDatabase) -> Result<(), StoreError> {
    database.run_script(SCHEMA)
}

/// The webhook that a database keeps, if it keeps one.
pub fn read(database: &impl LocalDatabase, waits: Waits) -> Result<Option<Queue>, StoreError> {
    let unreadable = |_| StoreError::Failed("the state of a webhook can't be read".into());
    let sql = "select name as state from sqlite_master where name = 'webhook'";
    if database.query::<StateRow>(Statement { sql, values: &[] })?.is_empty() {
        return Ok(None);
    }
    let rows = database.query::<StateRow>(Statement { sql: "select state from webhook", values: &[] })?;
    let Some(row) = rows.first() else { return Ok(None) };
    let webhook: Webhook = json::from_str(&row.state).map_err(unreadable)?;
    let sql = "select * from held_back order by next_at";
    let rows = database.query::<HeldBackRow>(Statement { sql, values: &[] })?;
    let held = rows.into_iter().map(|HeldBackRow { external_id, revision, since, failed_at, tries, next_at }| {
        (external_id, HeldBack { revision, since, failed_at, tries, next_at })
    });
    Ok(Some(Queue::new(webhook, held.collect(), waits)))
}

/// Stores a webhook, if it changed, and users with what holds them back, if anything does: all of it, or nothing.
pub fn write(
    database: &impl LocalDatabase,
    webhook: Option<Result<String, serde_json::Error>>,
    users: &[(String, Option<HeldBack>)],
) -> Result<(), StoreError> {
    database.in_transaction(|| {
        if let Some(webhook) = webhook {
            let text = webhook.map_err(|error| StoreError::Failed(error.to_string()))?;
            let sql = "insert or replace into webhook (id, state) values (1, ?1)";
            run(database, sql, &[(&text).into()])?;
        }
        for (id, held) in users {
            let Some(HeldBack { revision, since, failed_at, tries, next_at }) = *held else {
                run(database, "delete from held_back where external_id = ?1", &[id.into()])?;
                continue;
            };
            let numbers = [revision, since, failed_at, tries.into(), next_at].map(Value::Number);
            let [revision, since, failed_at, tries, next_at] = numbers;
            run(
                database,
                "insert or replace into held_back (external_id, revision, since, failed_at, tries, next_at)
                values (?1, ?2, ?3, ?4, ?5, ?6)",
                &[id.into(), revision, since, failed_at, tries, next_at],
            )?;
        }
        Ok(())
    })
}

/// Runs a statement that answers no rows.
fn run(database: &impl LocalDatabase, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
    database.query::<StateRow>(Statement { sql, values }).map(drop)
}
