//! Delays calls: for the rate limit, and after a failure.

use crate::clock::now;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Milliseconds that the first pause after a failure lasts at most. Each further maximum is twice the one before.
const FIRST_PAUSE_MS: u64 = 500;
const LONGEST_PAUSE_MS: u64 = 30_000;

/// Holds back every call of a client until a moment that can be put off.
#[derive(Default)]
pub struct Throttle {
    closed_until: Mutex<Option<Instant>>,
}

impl Throttle {
    /// Lets no call pass for this long. Returns the moment when it opens, which an earlier wait may put later.
    pub fn close_for(&self, duration: Duration) -> Instant {
        let opens_at = now() + duration;
        let mut closed_until = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        let opens_at = closed_until.map_or(opens_at, |until| until.max(opens_at));
        *closed_until = Some(opens_at);
        opens_at
    }

    /// Waits until it is open.
    pub fn wait(&self, interrupt: &Interrupt) -> Result<(), CliError> {
        loop {
            interrupt.check()?;
            let closed_until = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
            let left = closed_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now()));
            if left.is_zero() {
                return Ok(());
            }
            interrupt.sleep(left)?;
        }
    }
}

/// The pause after this many failed attempts, at least one: exponential backoff with full jitter. `random_up_to` draws
/// a number from 0 to its argument, inclusive.
/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
pub fn backoff(failed: u32, random_up_to: impl FnOnce(u64) -> u64) -> Duration {
    let max_ms = FIRST_PAUSE_MS.saturating_mul(1 << (failed - 1).min(16)).min(LONGEST_PAUSE_MS);
    Duration::from_millis(random_up_to(max_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_have_a_ceiling() {
        let longest = |failed| backoff(failed, |max_ms| max_ms).as_millis();
        assert_eq!([1, 2, 3, 6, 7, 8, 99].map(longest), [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
        assert!(backoff(1, |_| 0).is_zero());
    }

    #[test]
    fn of_two_waits_the_longer_one_counts() {
        let (throttle, interrupt) = (Throttle::default(), Interrupt::default());
        let closed_at = now();
        let opens_at = throttle.close_for(Duration::from_millis(60));
        assert_eq!(throttle.close_for(Duration::from_millis(1)), opens_at);
        throttle.wait(&interrupt).unwrap();
        assert!(closed_at.elapsed().as_millis() >= 50);
    }

    #[test]
    fn ctrl_c_cuts_a_wait_short() {
        let (throttle, interrupt) = (Throttle::default(), Interrupt::default());
        throttle.close_for(Duration::from_hours(1));
        interrupt.set();
        assert!(matches!(throttle.wait(&interrupt), Err(CliError::Interrupted)));
    }
}
