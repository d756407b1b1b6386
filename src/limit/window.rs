//! The exact window: a ring of sub-windows ("slots"), each a sixtieth of the window long.
//!
//! A stretch as long as the window, wherever it begins, touches at most 61 slots in a row. If no 61 slots in a row hold
//! more tokens than the limit, then no such stretch does. That is all the proof there is; it errs by at most one slot,
//! and only on the strict side.

use super::{Quota, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SLOTS_PER_WINDOW: u64 = 60;
/// The most slots that a stretch of one window can touch.
const REACH: u64 = SLOTS_PER_WINDOW + 1;

/// The tokens taken of late, by slot. Its serialised form outlives deploys: the test pins it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    length_ms: u64,
    /// The latest moment seen. Time never runs backwards in here, whatever the clock says.
    latest_ms: u64,
    /// Tokens by slot number; slot n begins `n * length_ms / 60` after the epoch.
    taken: BTreeMap<u64, u32>,
}

impl Window {
    pub fn new(quota: Quota) -> Self {
        Window { length_ms: quota.window_ms, latest_ms: 0, taken: BTreeMap::new() }
    }

    /// Takes `cost` tokens at `now_ms` if that keeps the quota. A refusal, and a cost of 0, take nothing.
    pub fn take(&mut self, quota: Quota, cost: u32, now_ms: u64) -> Verdict {
        self.latest_ms = self.latest_ms.max(now_ms);
        self.fit(quota);
        let slot = self.slot_of(self.latest_ms);
        self.taken = self.taken.split_off(&(slot + 1).saturating_sub(REACH));

        let room = self.room(quota, slot);
        let admitted = cost <= room;
        if admitted && cost > 0 {
            *self.taken.entry(slot).or_default() += cost;
        }
        let remaining = if admitted { room - cost } else { room };
        Verdict {
            admitted,
            quota,
            remaining,
            retry_after_ms: if remaining > 0 { 0 } else { self.next_room_ms(quota, slot) },
            reset_ms: self.taken.keys().next_back().map_or(0, |last| self.ms_until(last + REACH)),
        }
    }

    /// Tokens that can still be booked in `slot`: the limit less the fullest 61 slots in a row around it.
    fn room(&self, quota: Quota, slot: u64) -> u32 {
        let sum = |first: u64| self.taken.range(first..first + REACH).map(|(_, n)| u64::from(*n)).sum::<u64>();
        let fullest = ((slot + 1).saturating_sub(REACH)..=slot).map(sum).max().unwrap_or(0);
        u32::try_from(u64::from(quota.limit).saturating_sub(fullest)).unwrap_or(0)
    }

    /// Milliseconds until the first slot that has room.
    fn next_room_ms(&self, quota: Quota, slot: u64) -> u64 {
        let open =
            self.taken.keys().map(|taken| taken + REACH).find(|open| *open > slot && self.room(quota, *open) > 0);
        self.ms_until(open.unwrap_or(slot + 1))
    }

    /// Moves the tokens to the slots of another window length. A token may count later than it was taken, never
    /// earlier, and never later than the next one can be taken. What a shorter window forgot stays forgotten.
    fn fit(&mut self, quota: Quota) {
        if self.length_ms == quota.window_ms {
            return;
        }
        let old = std::mem::replace(self, Window { latest_ms: self.latest_ms, ..Window::new(quota) });
        for (slot, n) in &old.taken {
            let last_ms = old.begin_of(slot + 1) - 1;
            *self.taken.entry(self.slot_of(last_ms.min(old.latest_ms))).or_default() += n;
        }
    }

    fn slot_of(&self, ms: u64) -> u64 {
        ms * SLOTS_PER_WINDOW / self.length_ms
    }

    /// The first millisecond of a slot.
    fn begin_of(&self, slot: u64) -> u64 {
        (slot * self.length_ms).div_ceil(SLOTS_PER_WINDOW)
    }

    fn ms_until(&self, slot: u64) -> u64 {
        self.begin_of(slot).saturating_sub(self.latest_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: u64 = 1_700_000_000_123;

    fn quota(limit: u32, window_ms: u64) -> Quota {
        Quota { limit, window_ms }
    }

    #[test]
    fn a_full_window_says_when_the_next_token_comes_and_keeps_its_word() {
        let quota = quota(3, 60_000);
        let mut window = Window::new(quota);
        for (left, at) in [(2, 0), (1, 10_000), (0, 20_000)] {
            let verdict = window.take(quota, 1, T0 + at);
            assert!(verdict.admitted);
            assert_eq!(verdict.remaining, left);
        }
        let denied = window.take(quota, 1, T0 + 30_000);
        assert!(!denied.admitted);
        // The first was taken at …123 ms of its second: that second's slot is out of reach 61 s after it began.
        assert_eq!(denied.retry_after_ms, 30_877);
        assert_eq!(denied.reset_ms, 50_877);
        assert!(!window.take(quota, 1, T0 + 30_000 + 30_876).admitted);
        assert!(window.take(quota, 1, T0 + 30_000 + 30_877).admitted);
    }

    #[test]
    fn asking_for_nothing_takes_nothing() {
        let quota = quota(1, 1000);
        let mut window = Window::new(quota);
        let full = Verdict { admitted: true, quota, remaining: 1, retry_after_ms: 0, reset_ms: 0 };
        assert_eq!(window.take(quota, 0, T0), full);
        assert_eq!(window.take(quota, 0, T0 + 1), full);
    }

    #[test]
    fn a_clock_that_steps_back_frees_nothing() {
        let quota = quota(1, 1000);
        let mut window = Window::new(quota);
        assert!(window.take(quota, 1, T0).admitted);
        assert!(!window.take(quota, 1, T0 - 500_000).admitted);
        assert!(!window.take(quota, 1, T0 + 900).admitted);
    }

    #[test]
    fn a_smaller_limit_counts_what_was_taken_under_the_larger() {
        let mut window = Window::new(quota(10, 60_000));
        (0..10).for_each(|_| assert!(window.take(quota(10, 60_000), 1, T0).admitted));
        let denied = window.take(quota(5, 60_000), 1, T0 + 1);
        assert!(!denied.admitted && denied.remaining == 0 && denied.retry_after_ms > 59_000);
        assert!(window.take(quota(11, 60_000), 1, T0 + 2).admitted);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let quota = quota(500, 60_000);
        let mut window = Window::new(quota);
        window.take(quota, 2, T0);
        let json = r#"{"length_ms":60000,"latest_ms":1700000000123,"taken":{"1700000000":2}}"#;
        assert_eq!(serde_json::to_string(&window).unwrap(), json);
        assert_eq!(serde_json::from_str::<Window>(json).unwrap(), window);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        /// The oracle keeps the exact log. `steps` are milliseconds between requests, in thousandths of the window.
        #[test]
        fn no_stretch_of_one_window_ever_holds_more_than_the_limit(
            limit in 1..40_u32,
            seconds in 1..120_u64,
            steps in prop::collection::vec((0..1100_u64, 0..30_u8), 1..300),
        ) {
            let quota = quota(limit, seconds * 1000);
            let mut window = Window::new(quota);
            let mut now = T0;
            let mut log: Vec<u64> = Vec::new();
            for (step, pace) in steps {
                // Mostly floods, at times a pause.
                now += if pace == 0 { step * seconds } else { step * seconds / 200 };
                let verdict = window.take(quota, 1, now);
                if verdict.admitted {
                    log.push(now);
                    let in_stretch = log.iter().filter(|t| **t + quota.window_ms > now).count();
                    prop_assert!(in_stretch <= limit as usize, "{in_stretch} of {limit}");
                } else {
                    prop_assert!(verdict.retry_after_ms > 0);
                    let mut later = window.clone();
                    prop_assert!(!later.take(quota, 1, now + verdict.retry_after_ms - 1).admitted);
                    prop_assert!(later.take(quota, 1, now + verdict.retry_after_ms).admitted);
                }
                let mut idle = window.clone();
                prop_assert_eq!(idle.take(quota, 0, now + verdict.reset_ms).remaining, limit);
            }
        }

        #[test]
        fn a_change_of_window_keeps_the_new_limit_from_then_on(
            steps in prop::collection::vec((0..200_u64, 0..12_u8), 1..200),
            windows in prop::collection::vec(1..100_u64, 1..4),
        ) {
            let mut window = Window::new(quota(5, 1000));
            let (mut now, mut log, mut turn) = (T0, Vec::new(), 0);
            for (step, change) in steps {
                now += step;
                turn += usize::from(change == 0);
                let quota = quota(5, windows[turn % windows.len()] * 1000);
                // What a shorter window forgot stays forgotten.
                log.retain(|t| *t + quota.window_ms > now);
                if window.take(quota, 1, now).admitted {
                    log.push(now);
                    prop_assert!(log.len() <= 5);
                }
            }
        }
    }
}
