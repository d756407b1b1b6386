//! When the server may be asked again.

use crate::failure::Failure;
use crate::stop::Stop;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Milliseconds that the first pause after a failure can last; each further one can last twice as long.
const FIRST_PAUSE_MS: u64 = 500;
const LONGEST_PAUSE_MS: u64 = 30_000;

/// Holds all back while the server wants them to wait.
#[derive(Default)]
pub struct Gate(Mutex<Option<Instant>>);

impl Gate {
    /// Lets nobody pass for this long. Answers when it opens.
    pub fn close_for(&self, duration: Duration) -> Instant {
        let opens_at = now() + duration;
        let mut closed_until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opens_at = closed_until.map_or(opens_at, |until| until.max(opens_at));
        *closed_until = Some(opens_at);
        opens_at
    }

    /// Waits until it is open.
    pub fn pass(&self, stop: &Stop) -> Result<(), Failure> {
        loop {
            stop.check()?;
            let closed_until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let left = closed_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now()));
            if left.is_zero() {
                return Ok(());
            }
            stop.pause(left)?;
        }
    }
}

/// The pause after so many failed tries: full jitter over an exponential. `random_to` answers a number from 0 to its
/// argument.
/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
pub fn backoff(tried: u32, random_to: impl FnOnce(u64) -> u64) -> Duration {
    let at_most_ms = FIRST_PAUSE_MS.saturating_mul(1 << (tried - 1).min(16)).min(LONGEST_PAUSE_MS);
    Duration::from_millis(random_to(at_most_ms))
}

#[expect(clippy::disallowed_methods, reason = "the tool's one clock: it only measures how long things take")]
pub fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_have_a_ceiling() {
        let longest = |tried| backoff(tried, |at_most_ms| at_most_ms).as_millis();
        assert_eq!([1, 2, 3, 6, 7, 8, 99].map(longest), [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
        assert!(backoff(1, |_| 0).is_zero());
    }

    #[test]
    fn the_longest_wait_counts() {
        let (gate, stop) = (Gate::default(), Stop::default());
        let opens_at = gate.close_for(Duration::from_millis(60));
        assert_eq!(gate.close_for(Duration::from_millis(1)), opens_at);
        let closed_at = now();
        gate.pass(&stop).unwrap();
        assert!(closed_at.elapsed().as_millis() >= 50);
    }

    #[test]
    fn ctrl_c_cuts_a_wait_short() {
        let (gate, stop) = (Gate::default(), Stop::default());
        gate.close_for(Duration::from_hours(1));
        stop.set();
        assert!(matches!(gate.pass(&stop), Err(Failure::Interrupted)));
    }
}
