//! Runs statements: at most a few tries, and never longer than the deadline of the request.

use super::error::Failure;
use super::{D1, DEADLINE};
use crate::edge::runtime::{fill_random, now, sleep, with_deadline};
use crate::store::StoreError;
use std::time::Duration;

/// Tries of one statement.
const TRIES: u32 = 3;
/// Milliseconds that the first pause between two tries can last; each further one can last twice as long.
const FIRST_PAUSE_MS: u64 = 50;

impl D1 {
    /// Tries again on errors that Cloudflare calls transient.
    pub async fn with_retries<T>(&self, run: impl AsyncFn() -> Result<T, Failure>) -> Result<T, StoreError> {
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

    /// Waits for D1 until this request's deadline. A statement that takes effect later is harmless, like a retry.
    async fn within_deadline<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let left = DEADLINE.saturating_sub(self.waited.get());
        if left.is_zero() {
            return Err(Failure::late());
        }
        let begun_ms = now().as_ms();
        let outcome = with_deadline(left, work).await;
        let waited = Duration::from_millis(now().as_ms().saturating_sub(begun_ms));
        self.waited.set(self.waited.get() + waited);
        outcome.unwrap_or_else(|| Err(Failure::late()))
    }
}

/// Waits with full jitter.
async fn pause(tried: u32) {
    let mut random = [0; 8];
    fill_random(&mut random);
    let at_most_ms = FIRST_PAUSE_MS << (tried - 1);
    sleep(Duration::from_millis(u64::from_le_bytes(random) % (at_most_ms + 1))).await;
}
