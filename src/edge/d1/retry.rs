//! Runs statements: at most a few tries, and never longer than the deadline of the request.

use super::error::Failure;
use super::rows::read;
use super::{D1Store, DEADLINE};
use crate::edge::runtime::{fill_random, now, with_deadline};
use crate::store::StoreError;
use serde::Deserialize;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{D1DatabaseSession, D1SessionConstraint, Delay};

/// Tries of one statement.
const TRIES: u32 = 3;
/// Milliseconds that the first pause between two tries can last; each further one can last twice as long.
const FIRST_PAUSE_MS: u64 = 50;

impl D1Store {
    /// Runs a statement that is harmless to run again.
    pub async fn query<T: for<'a> Deserialize<'a>>(&self, sql: &str, values: &[JsValue]) -> Result<Vec<T>, StoreError> {
        self.with_retries(async || self.run(sql, values).await).await
    }

    /// Runs two statements in one transaction, each with its values, that are harmless to run again.
    pub async fn query_pair<T: for<'a> Deserialize<'a>, U: for<'a> Deserialize<'a>>(
        &self,
        first: (&str, &[JsValue]),
        second: (&str, &[JsValue]),
    ) -> Result<(Vec<T>, Vec<U>), StoreError> {
        self.with_retries(async || {
            let session = self.session()?;
            let statements = [first, second].map(|(sql, values)| session.prepare(sql).bind(values));
            let statements = statements.into_iter().collect::<worker::Result<_>>()?;
            match &session.batch(statements).await?[..] {
                [first, second] => Ok((read(first)?, read(second)?)),
                _ => Err(Failure::unreadable()),
            }
        })
        .await
    }

    /// Tries again on errors that Cloudflare calls transient.
    async fn with_retries<T>(&self, run: impl AsyncFn() -> Result<T, Failure>) -> Result<T, StoreError> {
        let mut tried = 0;
        loop {
            tried += 1;
            self.hops.add();
            match self.within_deadline(run()).await {
                Ok(outcome) => return Ok(outcome),
                Err(Failure::Transient(_)) if tried < TRIES => pause(tried).await,
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    pub async fn run<T: for<'a> Deserialize<'a>>(&self, sql: &str, values: &[JsValue]) -> Result<Vec<T>, Failure> {
        read(&self.session()?.prepare(sql).bind(values)?.all().await?)
    }

    /// Waits for D1 until this request's deadline. A statement that takes effect later is harmless, like a retry.
    async fn within_deadline<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let left = DEADLINE.saturating_sub(self.waited.get());
        if left.is_zero() {
            return Err(Failure::late());
        }
        let asked_ms = now().as_ms();
        let outcome = with_deadline(left, work).await;
        let waited = Duration::from_millis(now().as_ms().saturating_sub(asked_ms));
        self.waited.set(self.waited.get() + waited);
        outcome.unwrap_or_else(|| Err(Failure::late()))
    }

    /// On the primary, because a replica may not have heard yet that a key was revoked.
    fn session(&self) -> worker::Result<D1DatabaseSession> {
        self.database.with_session_constraint(D1SessionConstraint::FirstPrimary)
    }
}

/// Waits with full jitter.
async fn pause(tried: u32) {
    let mut random = [0; 8];
    fill_random(&mut random);
    let at_most_ms = FIRST_PAUSE_MS << (tried - 1);
    Delay::from(Duration::from_millis(u64::from_le_bytes(random) % (at_most_ms + 1))).await;
}
