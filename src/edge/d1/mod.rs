//! D1 as a [`Database`].

mod error;
mod retry;

use super::js_value;
use super::runtime::{Hops, with_deadline};
use crate::store::StoreError;
use crate::store::sql::{Database, Statement};
use error::Failure;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1DatabaseSession, D1PreparedStatement, D1Result, D1SessionConstraint};

/// How long one request waits for D1, all calls and tries together. With the limiter's deadline: less than ten seconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// D1, for one request. Each method is one hop for each try.
pub struct D1 {
    database: D1Database,
    hops: Hops,
    /// How long this request has waited so far.
    waited: Cell<Duration>,
}

impl D1 {
    pub fn new(database: D1Database, hops: Hops) -> Self {
        D1 { database, hops, waited: Cell::default() }
    }

    /// On the primary, because a replica may not have heard yet that a key was revoked.
    fn session(&self) -> worker::Result<D1DatabaseSession> {
        self.database.with_session_constraint(D1SessionConstraint::FirstPrimary)
    }
}

impl Database for D1 {
    async fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        self.with_retries(async || read(&prepare(&self.session()?, statement)?.all().await?)).await
    }

    async fn query_pair<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        first: Statement<'_>,
        second: Statement<'_>,
    ) -> Result<(Vec<T>, Vec<U>), StoreError> {
        self.with_retries(async || {
            let session = self.session()?;
            let statements = vec![prepare(&session, first)?, prepare(&session, second)?];
            match &session.batch(statements).await?[..] {
                [first, second] => Ok((read(first)?, read(second)?)),
                _ => Err(Failure::unreadable()),
            }
        })
        .await
    }

    async fn run_in_background(&self, statement: Statement<'_>) -> Result<(), StoreError> {
        let run = async { Ok(prepare(&self.session()?, statement)?.all().await?) };
        let outcome = with_deadline(DEADLINE, run).await;
        outcome.unwrap_or_else(|| Err(Failure::late())).map(drop).map_err(StoreError::from)
    }
}

fn prepare(
    session: &D1DatabaseSession,
    Statement { sql, values }: Statement<'_>,
) -> worker::Result<D1PreparedStatement> {
    let values: Vec<JsValue> = values.iter().map(|value| js_value(*value)).collect();
    session.prepare(sql).bind(&values)
}

/// The rows of a result. The error gives no details: they may hold user data, which must not be logged.
fn read<T: DeserializeOwned>(result: &D1Result) -> Result<Vec<T>, Failure> {
    result.results().map_err(|_| Failure::unreadable())
}
