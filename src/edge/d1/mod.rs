//! D1 as a [`Database`]. The crate `worker` has D1 as well; its rows are read value by value, which takes more time and
//! more bytes of the Worker than to read them as JSON.

mod error;
mod retry;

use crate::edge::js::{js_value, member, rows_as_json};
use crate::edge::runtime::{Hops, with_deadline};
use crate::json;
use crate::store::StoreError;
use crate::store::sql::{Database, Statement};
use error::Failure;
use js_sys::Array;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::time::Duration;
use worker::Env;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

/// How long one request waits for D1, all calls and tries together. With the limiter's deadline: less than ten seconds.
const DEADLINE: Duration = Duration::from_secs(5);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    type Binding;

    #[wasm_bindgen(method, catch, js_name = withSession)]
    fn with_session(this: &Binding, constraint: &str) -> Result<Session, JsValue>;

    type Session;

    #[wasm_bindgen(method, catch)]
    fn prepare(this: &Session, sql: &str) -> Result<Prepared, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn batch(this: &Session, statements: Array) -> Result<JsValue, JsValue>;

    type Prepared;

    #[wasm_bindgen(method, catch, variadic)]
    fn bind(this: &Prepared, values: &Array) -> Result<Prepared, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn all(this: &Prepared) -> Result<JsValue, JsValue>;
}

/// D1, for one request. Each method is one hop for each try.
pub struct D1 {
    binding: Binding,
    hops: Hops,
    /// How long this request has waited so far.
    waited: Cell<Duration>,
}

impl D1 {
    /// None: there is no binding `DB`.
    pub fn bound(env: &Env, hops: Hops) -> Option<Self> {
        let binding = member(env, "DB").filter(JsValue::is_object)?;
        Some(D1 { binding: binding.unchecked_into(), hops, waited: Cell::default() })
    }

    /// On the primary, because a replica may not have heard yet that a key was revoked.
    fn session(&self) -> Result<Session, JsValue> {
        self.binding.with_session("first-primary")
    }

    async fn rows(&self, statement: Statement<'_>) -> Result<String, StoreError> {
        self.with_retries(async || rows_of(&prepare(&self.session()?, statement)?.all().await?)).await
    }

    async fn rows_of_all(&self, statements: &[Statement<'_>]) -> Result<Vec<String>, StoreError> {
        self.with_retries(async || {
            let session = self.session()?;
            let prepared: Result<Array, JsValue> =
                statements.iter().map(|statement| prepare(&session, *statement)).collect();
            let results: Array = session.batch(prepared?).await?.unchecked_into();
            if results.length() as usize != statements.len() {
                return Err(Failure::Final(unreadable()));
            }
            results.iter().map(|result| rows_of(&result)).collect()
        })
        .await
    }
}

impl Database for D1 {
    async fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        read(&self.rows(statement).await?)
    }

    async fn query_all<T: DeserializeOwned>(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<T>>, StoreError> {
        self.rows_of_all(statements).await?.iter().map(|rows| read(rows)).collect()
    }

    async fn query_pair<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        first: Statement<'_>,
        second: Statement<'_>,
    ) -> Result<(Vec<T>, Vec<U>), StoreError> {
        match self.rows_of_all(&[first, second]).await?.as_slice() {
            [first, second] => Ok((read(first)?, read(second)?)),
            _ => Err(unreadable()),
        }
    }

    async fn run_in_background(&self, statement: Statement<'_>) -> Result<(), StoreError> {
        let run = async { Ok(prepare(&self.session()?, statement)?.all().await?) };
        let outcome = with_deadline(DEADLINE, run).await;
        outcome.unwrap_or_else(|| Err(Failure::late())).map(drop).map_err(StoreError::from)
    }
}

fn prepare(session: &Session, Statement { sql, values }: Statement<'_>) -> Result<Prepared, JsValue> {
    let values: Array = values.iter().map(|value| js_value(*value)).collect();
    session.prepare(sql)?.bind(&values)
}

/// The rows of a result, as JSON.
fn rows_of(result: &JsValue) -> Result<String, Failure> {
    let rows = member(result, "results");
    rows.and_then(|rows| rows_as_json(&rows)).ok_or_else(|| Failure::Final(unreadable()))
}

fn read<T: DeserializeOwned>(rows: &str) -> Result<Vec<T>, StoreError> {
    json::from_str(rows).map_err(|_| unreadable())
}

/// Without details: they may hold user data, which must not be logged.
fn unreadable() -> StoreError {
    StoreError::Failed("D1: rows can't be read".into())
}
