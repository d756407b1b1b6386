//! The exact window: a ring of sub-windows ("slots"), each a 240th of the window long.

use super::bounded::{self, MAX_WINDOW_MS};
use super::protocol::{BookedSlot, Grant, LeaseRequest, Verdict};
use super::quota::Quota;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most slots that the bookings of one stretch can lie apart; see the arithmetic in [`crate::rate_limit`].
const REACH: u64 = Quota::SLOTS + Quota::LEASE_SLOTS + 1;
/// One lease gets at most this part of what is left, so that the last tokens go out one by one.
pub const SHARE: u32 = 8;

/// The recently booked tokens, by slot. Its serialised form outlives deploys: the test pins it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Window {
    length_ms: u64,
    /// The latest moment seen. Time never runs backwards in here, whatever the clock says.
    latest_ms: u64,
    /// Tokens by slot number; slot n begins `n * length_ms / 240` after the epoch.
    booked: BTreeMap<u64, u32>,
}

/// A window as some version stored it.
#[derive(Deserialize)]
struct Stored {
    #[serde(deserialize_with = "bounded::window_ms")]
    length_ms: u64,
    #[serde(deserialize_with = "bounded::moment_ms")]
    latest_ms: u64,
    booked: BTreeMap<u64, u32>,
}

impl TryFrom<Stored> for Window {
    type Error = &'static str;

    fn try_from(Stored { length_ms, latest_ms, booked }: Stored) -> Result<Self, Self::Error> {
        let window = Window { length_ms, latest_ms, booked };
        if window.last_booked().is_some_and(|last| last > window.slot_of(latest_ms + MAX_WINDOW_MS)) {
            return Err("tokens are booked more than a day ahead");
        }
        match window.booked.values().try_fold(0_u32, |sum, tokens| sum.checked_add(*tokens)) {
            Some(_) => Ok(window),
            None => Err("too many tokens are booked"),
        }
    }
}

impl Window {
    /// An empty window of the quota's length.
    pub fn new(quota: Quota) -> Self {
        Window { length_ms: quota.window_ms, latest_ms: 0, booked: BTreeMap::new() }
    }

    /// Books `request.cost` tokens now, if all of them are there, and a lease of as many of `request.lease` as prudent
    /// at its end. A refusal books nothing.
    pub fn grant(&mut self, quota: Quota, request: LeaseRequest, now_ms: u64) -> Grant {
        self.latest_ms = self.latest_ms.max(now_ms);
        self.fit(quota);
        let slot = self.slot_of(self.latest_ms);
        self.booked = self.booked.split_off(&(slot + 1).saturating_sub(REACH));

        let admitted = request.cost <= self.room(quota, slot);
        if admitted {
            self.book(slot, request.cost);
        }
        let lease = request.lease.min(self.room(quota, slot) / SHARE);
        self.book(self.slot_of(self.latest_ms + quota.lease_ms()), lease);

        let remaining = self.room(quota, slot);
        let verdict = Verdict {
            admitted,
            quota,
            remaining,
            retry_after_ms: if remaining > 0 { 0 } else { self.next_room_ms(quota, slot) },
            reset_ms: self.last_booked().map_or(0, |last| self.ms_until(last + REACH)),
        };
        Grant { verdict, lease }
    }

    /// The slots with bookings that the last window has, and those behind it.
    pub fn booked_slots(&self, quota: Quota, now_ms: u64) -> Vec<BookedSlot> {
        let mut shown = self.clone();
        shown.latest_ms = shown.latest_ms.max(now_ms);
        shown.fit(quota);
        let first = (shown.slot_of(shown.latest_ms) + 1).saturating_sub(Quota::SLOTS);
        let slot = |(slot, booked): (&u64, &u32)| BookedSlot { at_ms: shown.begin_of(*slot), booked: *booked };
        shown.booked.range(first..).map(slot).collect()
    }

    /// True if nothing was booked within the last two windows: then the window can be dropped.
    pub fn is_idle(&self, now_ms: u64) -> bool {
        let slot = self.slot_of(now_ms.max(self.latest_ms));
        self.last_booked().is_none_or(|last| last + 2 * Quota::SLOTS < slot)
    }

    /// Milliseconds from `now_ms` until it may be idle.
    pub fn idle_in_ms(&self, now_ms: u64) -> u64 {
        let idle_slot = self.last_booked().map_or(0, |last| last + 2 * Quota::SLOTS + 1);
        self.begin_of(idle_slot).saturating_sub(now_ms)
    }

    /// Tokens that can still be booked in `slot`: the limit less the fullest stretch of slots around it. What ends
    /// behind a booking, and before the next, is no fuller than what ends at it.
    fn room(&self, quota: Quota, slot: u64) -> u32 {
        let ends = std::iter::once(slot).chain(self.booked.range(slot + 1..).map(|(booked, _)| *booked));
        let stretch = |end: u64| (end + 1).saturating_sub(REACH)..=end;
        let sum = |end| self.booked.range(stretch(end)).map(|(_, n)| u64::from(*n)).sum::<u64>();
        let fullest = ends.map(sum).max().unwrap_or(0);
        u32::try_from(u64::from(quota.limit).saturating_sub(fullest)).unwrap_or(0)
    }

    fn book(&mut self, slot: u64, tokens: u32) {
        if tokens > 0 {
            *self.booked.entry(slot).or_default() += tokens;
        }
    }

    fn last_booked(&self) -> Option<u64> {
        self.booked.keys().next_back().copied()
    }

    /// Milliseconds until the first slot that has room. Room only grows from slot to slot, so a binary search finds it.
    fn next_room_ms(&self, quota: Quota, slot: u64) -> u64 {
        let (mut full, mut open) = (slot, self.last_booked().unwrap_or(slot) + REACH);
        while open - full > 1 {
            let middle = full.midpoint(open);
            if self.room(quota, middle) > 0 { open = middle } else { full = middle }
        }
        self.ms_until(open)
    }

    /// Moves the tokens to the slots of another window length. A token may count later than it was taken, never
    /// earlier, and never later than the next one can be taken. What a shorter window forgot stays forgotten.
    fn fit(&mut self, quota: Quota) {
        if self.length_ms == quota.window_ms {
            return;
        }
        let old = std::mem::replace(self, Window { latest_ms: self.latest_ms, ..Window::new(quota) });
        let now = old.slot_of(old.latest_ms);
        for (slot, tokens) in &old.booked {
            let last_ms = old.begin_of(slot + 1) - 1;
            // A pending lease can be spent until its slot ends, at most a lease's length from now. Earlier slots are spent.
            let ahead_ms = if *slot >= now { Quota::MAX_LEASE_MS } else { 0 };
            let at_ms = last_ms.min(old.latest_ms + ahead_ms);
            self.book(self.slot_of(at_ms), *tokens);
        }
    }

    fn slot_of(&self, ms: u64) -> u64 {
        ms * Quota::SLOTS / self.length_ms
    }

    /// The first millisecond of a slot.
    fn begin_of(&self, slot: u64) -> u64 {
        (slot * self.length_ms).div_ceil(Quota::SLOTS)
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

    fn take(window: &mut Window, quota: Quota, cost: u32, now_ms: u64) -> Verdict {
        window.grant(quota, LeaseRequest { default: quota, cost, lease: 0 }, now_ms).verdict
    }

    #[test]
    fn a_full_window_says_when_the_next_token_comes_and_keeps_its_word() {
        let quota = quota(3, 60_000);
        let mut window = Window::new(quota);
        for (left, at) in [(2, 0), (1, 10_000), (0, 20_000)] {
            let verdict = take(&mut window, quota, 1, T0 + at);
            assert!(verdict.admitted);
            assert_eq!(verdict.remaining, left);
        }
        let denied = take(&mut window, quota, 1, T0 + 30_000);
        assert!(!denied.admitted);
        // The first was taken at …123 ms of its second: its slot of 250 ms is out of reach 61.5 s after it began.
        assert_eq!(denied.retry_after_ms, 31_377);
        assert_eq!(denied.reset_ms, 51_377);
        assert!(!take(&mut window, quota, 1, T0 + 30_000 + 31_376).admitted);
        assert!(take(&mut window, quota, 1, T0 + 30_000 + 31_377).admitted);
    }

    #[test]
    fn asking_for_nothing_takes_nothing() {
        let quota = quota(1, 1000);
        let mut window = Window::new(quota);
        let full = Verdict { admitted: true, quota, remaining: 1, retry_after_ms: 0, reset_ms: 0 };
        assert_eq!(take(&mut window, quota, 0, T0), full);
        assert_eq!(take(&mut window, quota, 0, T0 + 1), full);
    }

    #[test]
    fn a_lease_is_booked_at_its_end_and_gets_a_share_of_what_is_left() {
        let quota = quota(100, 60_000);
        let mut window = Window::new(quota);
        let grant = window.grant(quota, LeaseRequest { default: quota, cost: 1, lease: 50 }, T0);
        assert_eq!((grant.lease, grant.verdict.remaining), (12, 87));
        // It ends 1,250 ms later; that slot is out of reach 61.5 s after it began.
        assert_eq!(grant.verdict.reset_ms, 1_250 - 123 + 61_500);
        let few = window.grant(quota, LeaseRequest { default: quota, cost: 80, lease: 50 }, T0 + 1);
        assert_eq!((few.lease, few.verdict.remaining), (0, 7));
    }

    #[test]
    fn a_clock_that_steps_back_frees_nothing() {
        let quota = quota(1, 1000);
        let mut window = Window::new(quota);
        assert!(take(&mut window, quota, 1, T0).admitted);
        assert!(!take(&mut window, quota, 1, T0 - 500_000).admitted);
        assert!(!take(&mut window, quota, 1, T0 + 900).admitted);
    }

    #[test]
    fn a_smaller_limit_counts_what_was_taken_under_the_larger() {
        let mut window = Window::new(quota(10, 60_000));
        (0..10).for_each(|_| assert!(take(&mut window, quota(10, 60_000), 1, T0).admitted));
        let denied = take(&mut window, quota(5, 60_000), 1, T0 + 1);
        assert!(!denied.admitted && denied.remaining == 0 && denied.retry_after_ms > 59_000);
        assert!(take(&mut window, quota(11, 60_000), 1, T0 + 2).admitted);
    }

    #[test]
    fn a_window_is_idle_two_windows_after_its_last_token() {
        let quota = quota(5, 60_000);
        let mut window = Window::new(quota);
        assert!(window.is_idle(T0));
        take(&mut window, quota, 1, T0);
        let idle_in_ms = window.idle_in_ms(T0);
        assert_eq!(idle_in_ms, 120_127);
        assert!(!window.is_idle(T0 + idle_in_ms - 1));
        assert!(window.is_idle(T0 + idle_in_ms));
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let quota = quota(500, 60_000);
        let mut window = Window::new(quota);
        window.grant(quota, LeaseRequest { default: quota, cost: 2, lease: 3 }, T0);
        let json = r#"{"length_ms":60000,"latest_ms":1700000000123,"booked":{"6800000000":2,"6800000005":3}}"#;
        assert_eq!(serde_json::to_string(&window).unwrap(), json);
        assert_eq!(serde_json::from_str::<Window>(json).unwrap(), window);
    }

    #[test]
    fn a_row_that_no_window_ever_wrote_is_none() {
        let row = |length_ms: u64, latest_ms: u64, booked: &str| {
            let row = format!(r#"{{"length_ms":{length_ms},"latest_ms":{latest_ms},"booked":{{{booked}}}}}"#);
            serde_json::from_str::<Window>(&row).is_ok()
        };
        assert!(row(60_000, T0, "") && row(60_000, 8_640_000_000_000_000, r#""6800000000":4294967295"#));
        for (length_ms, latest_ms, booked) in [
            (0, T0, ""),
            (100, T0, ""),
            (60_000, u64::MAX, ""),
            (60_000, T0, r#""18446744073709551615":1"#),
            (60_000, T0, r#""6800345601":1"#),
            (60_000, T0, r#""6800000000":4294967295,"6800000001":1"#),
            (60_000, T0, r#""6800000000":-1"#),
        ] {
            assert!(!row(length_ms, latest_ms, booked), "{length_ms} {latest_ms} {booked}");
        }
    }

    #[test]
    fn what_a_long_window_leased_is_kept_and_stored_in_a_short_one() {
        let (day, second) = (quota(1_000_000, 86_400_000), quota(1_000_000, 1000));
        let mut window = Window::new(day);
        // The last millisecond of a slot, so that the lease ends in the next, six minutes long.
        let now_ms = (T0 / 360_000 + 1) * 360_000 - 1;
        assert!(window.grant(day, LeaseRequest { default: day, cost: 0, lease: 7 }, now_ms).lease == 7);
        for now_ms in now_ms..now_ms + 1000 {
            assert!(take(&mut window, second, 1, now_ms).admitted);
        }
        let json = serde_json::to_string(&window).unwrap();
        assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
        // Six minutes do not block a window of a second: what is leased is spent long before.
        assert_eq!(take(&mut window, second, 0, now_ms + 4000).remaining, 1_000_000);
    }

    #[test]
    fn what_is_leased_within_one_long_slot_is_counted_when_it_can_be_spent() {
        let (hour, minute) = (quota(80, 3_600_000), quota(80, 60_000));
        let mut window = Window::new(hour);
        // The first millisecond of a slot of fifteen seconds, in which the lease ends too.
        let granted_ms = (T0 / 15_000 + 1) * 15_000;
        let leased = window.grant(hour, LeaseRequest { default: hour, cost: 0, lease: 80 }, granted_ms).lease;
        take(&mut window, minute, 0, granted_ms);
        let spent_ms = granted_ms + hour.lease_ms() - 1;
        for now_ms in (spent_ms..spent_ms + 60_000).step_by(10) {
            let mut window = window.clone();
            let again = window.grant(minute, LeaseRequest { default: minute, cost: 0, lease: 80 }, now_ms).lease;
            let admitted = (0..80).filter(|_| take(&mut window, minute, 1, now_ms).admitted).count();
            assert!(leased as usize + again as usize + admitted <= 80, "{leased} + {again} + {admitted}");
        }
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
                let verdict = take(&mut window, quota, 1, now);
                if verdict.admitted {
                    log.push(now);
                    let in_stretch = log.iter().filter(|t| **t + quota.window_ms > now).count();
                    prop_assert!(in_stretch <= limit as usize, "{in_stretch} of {limit}");
                } else {
                    prop_assert!(verdict.retry_after_ms > 0);
                    let mut later = window.clone();
                    prop_assert!(!take(&mut later, quota, 1, now + verdict.retry_after_ms - 1).admitted);
                    prop_assert!(take(&mut later, quota, 1, now + verdict.retry_after_ms).admitted);
                }
                let mut idle = window.clone();
                prop_assert_eq!(take(&mut idle, quota, 0, now + verdict.reset_ms).remaining, limit);
            }
        }

        /// Each leased token is spent at the worst moment: at once, or at the last one of its lease.
        #[test]
        fn leased_tokens_keep_the_limit_whenever_they_are_spent(
            limit in 1..200_u32,
            seconds in 1..120_u64,
            steps in prop::collection::vec((0..1100_u64, 0..20_u8, 0..2_u32, 0..40_u32, any::<bool>()), 1..200),
        ) {
            let quota = quota(limit, seconds * 1000);
            let mut window = Window::new(quota);
            let mut now = T0;
            let mut log: Vec<u64> = Vec::new();
            for (step, pace, cost, lease, late) in steps {
                now += if pace == 0 { step * seconds } else { step * seconds / 200 };
                let grant = window.grant(quota, LeaseRequest { default: quota, cost, lease }, now);
                if grant.verdict.admitted {
                    log.extend((0..cost).map(|_| now));
                }
                let spent_at = if late { now + quota.lease_ms() } else { now };
                log.extend((0..grant.lease).map(|_| spent_at));
            }
            log.sort_unstable();
            for (i, at) in log.iter().enumerate() {
                let in_stretch = log[i..].iter().take_while(|t| **t < at + quota.window_ms).count();
                prop_assert!(in_stretch <= limit as usize, "{in_stretch} of {limit}");
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
                if take(&mut window, quota, 1, now).admitted {
                    log.push(now);
                    prop_assert!(log.len() <= 5);
                }
            }
        }
    }
}
