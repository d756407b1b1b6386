use super::*;
use crate::json;
use proptest::prelude::*;

const T0: u64 = 1_700_000_000_123;

fn quota(limit: u32, window_ms: u64) -> Quota {
    Quota { limit, window_ms }
}

fn take(window: &mut Window, quota: Quota, cost: u32, now_ms: u64) -> Verdict {
    granted(window, quota, cost, 0, now_ms).verdict
}

fn granted(window: &mut Window, quota: Quota, cost: u32, lease: u32, now_ms: u64) -> Grant {
    window.grant(quota, &LeaseRequest { default: quota, cost, lease, unspent: Vec::new() }, now_ms)
}

/// What remains after these were given back.
fn give_back(window: &mut Window, quota: Quota, unspent: &[Booking], now_ms: u64) -> u32 {
    let request = LeaseRequest { default: quota, cost: 0, lease: 0, unspent: unspent.to_vec() };
    window.grant(quota, &request, now_ms).verdict.remaining
}

#[test]
fn a_full_window_says_when_the_next_token_comes_and_keeps_its_word() {
    let quota = quota(3, 60_000);
    let mut window = Window::new(quota, T0);
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
    let mut window = Window::new(quota, T0);
    let full = Verdict { admitted: true, quota, remaining: 1, retry_after_ms: 0, reset_ms: 0 };
    assert_eq!(take(&mut window, quota, 0, T0), full);
    assert_eq!(take(&mut window, quota, 0, T0 + 1), full);
}

#[test]
fn a_lease_is_booked_at_its_end_and_gets_a_share_of_what_is_left() {
    let quota = quota(100, 60_000);
    let mut window = Window::new(quota, T0);
    let grant = granted(&mut window, quota, 1, 50, T0);
    assert_eq!((grant.lease.tokens, grant.verdict.remaining), (12, 87));
    // It ends 1,250 ms later; that slot is out of reach 61.5 s after it began.
    assert_eq!(grant.verdict.reset_ms, 1_250 - 123 + 61_500);
    let few = granted(&mut window, quota, 80, 50, T0 + 1);
    assert_eq!((few.lease.tokens, few.verdict.remaining), (0, 7));
}

#[test]
fn what_is_given_back_is_free_again_and_what_was_spent_is_not() {
    let quota = quota(100, 60_000);
    let mut window = Window::new(quota, T0);
    let lease = granted(&mut window, quota, 2, 8, T0).lease;
    assert_eq!(give_back(&mut window, quota, &[Booking { tokens: 5, ..lease }], T0 + 1250), 95);
    // A peer that is broken, or late by a window: the slot is forgotten.
    let elsewhere = [Booking { slot: lease.slot + 1, ..lease }, Booking { slot: u64::MAX, ..lease }];
    assert_eq!(give_back(&mut window, quota, &elsewhere, T0 + 1250), 95);
    assert_eq!(give_back(&mut window, quota, &[Booking { tokens: u32::MAX, ..lease }], T0 + 1250), 98);
    assert_eq!(give_back(&mut window, quota, &[lease], T0 + 70_000), 100);
}

#[test]
fn what_was_leased_before_the_slots_were_laid_out_anew_is_not_taken_back() {
    let (minute, second) = (quota(100, 60_000), quota(100, 1000));
    // Within one millisecond, in which a clock can't name three layouts.
    let mut window = Window::new(minute, T0);
    let lease = granted(&mut window, minute, 0, 8, T0).lease;
    assert_eq!(give_back(&mut window, second, &[lease], T0), 92);
    // The former length is back, and with it the number of the slot, in which another lease is booked.
    let other = granted(&mut window, minute, 0, 8, T0).lease;
    assert_eq!((other.slot, other.tokens), (lease.slot, 8));
    assert_eq!(give_back(&mut window, minute, &[lease], T0), 84);
    assert_eq!(give_back(&mut window, minute, &[other], T0), 92);
}

#[test]
fn a_clock_that_steps_back_frees_nothing() {
    let quota = quota(1, 1000);
    let mut window = Window::new(quota, T0);
    assert!(take(&mut window, quota, 1, T0).admitted);
    assert!(!take(&mut window, quota, 1, T0 - 500_000).admitted);
    assert!(!take(&mut window, quota, 1, T0 + 900).admitted);
}

#[test]
fn a_clock_that_was_once_ahead_stops_nothing_and_frees_nothing() {
    let quota = quota(100, 60_000);
    let mut window = Window::new(quota, T0);
    assert!(take(&mut window, quota, 1, T0 + 600_000).admitted);
    let mut admitted_in =
        |minute: u64| (0..600).filter(|n| take(&mut window, quota, 1, T0 + minute * 60_000 + n * 100).admitted).count();
    assert_eq!((0..12).map(&mut admitted_in).collect::<Vec<_>>()[..2], [99, 100]);
    assert!((12..24).map(admitted_in).all(|admitted| (90..=100).contains(&admitted)));
    // Where it leaps ahead again to where it was, nothing is forgotten.
    let mut window = Window::new(quota, T0);
    assert!((0..100).all(|_| take(&mut window, quota, 1, T0 + 600_000).admitted));
    assert!(!take(&mut window, quota, 1, T0).admitted && !take(&mut window, quota, 1, T0 + 50_000).admitted);
    assert!(!take(&mut window, quota, 1, T0 + 655_000).admitted);
}

#[test]
fn a_smaller_limit_counts_what_was_taken_under_the_larger() {
    let mut window = Window::new(quota(10, 60_000), T0);
    (0..10).for_each(|_| assert!(take(&mut window, quota(10, 60_000), 1, T0).admitted));
    let denied = take(&mut window, quota(5, 60_000), 1, T0 + 1);
    assert!(!denied.admitted && denied.remaining == 0 && denied.retry_after_ms > 59_000);
    assert!(take(&mut window, quota(11, 60_000), 1, T0 + 2).admitted);
}

#[test]
fn a_window_is_idle_two_windows_after_its_last_token() {
    let quota = quota(5, 60_000);
    let mut window = Window::new(quota, T0);
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
    let mut window = Window::new(quota, T0);
    granted(&mut window, quota, 2, 3, T0);
    let json = r#"{"length_ms":60000,"layout_ms":1700000000123,"latest_ms":1700000000123,"clock_ms":1700000000123,"booked":{"6800000000":2,"6800000005":3}}"#;
    assert_eq!(serde_json::to_string(&window).unwrap(), json);
    assert_eq!(json::from_str::<Window>(json).unwrap(), window);
}

#[test]
fn a_row_that_no_window_ever_wrote_is_none() {
    let row = |length_ms: u64, latest_ms: u64, booked: &str| {
        let row = format!(
            r#"{{"length_ms":{length_ms},"layout_ms":0,"latest_ms":{latest_ms},"clock_ms":0,"booked":{{{booked}}}}}"#
        );
        json::from_str::<Window>(&row).is_ok()
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
    let mut window = Window::new(day, T0);
    // The last millisecond of a slot, so that the lease ends in the next, six minutes long.
    let now_ms = (T0 / 360_000 + 1) * 360_000 - 1;
    assert!(granted(&mut window, day, 0, 7, now_ms).lease.tokens == 7);
    for now_ms in now_ms..now_ms + 1000 {
        assert!(take(&mut window, second, 1, now_ms).admitted);
    }
    let json = serde_json::to_string(&window).unwrap();
    assert_eq!(json::from_str::<Window>(&json).unwrap(), window);
    // Six minutes do not block a window of a second: what is leased is spent long before.
    assert_eq!(take(&mut window, second, 0, now_ms + 4000).remaining, 1_000_000);
}

#[test]
fn what_a_long_window_leased_counts_in_a_short_one_until_it_can_no_longer_be_spent() {
    let (minute, second) = (quota(500, 60_000), quota(500, 1000));
    let mut window = Window::new(minute, T0);
    let leased = granted(&mut window, minute, 0, 100, T0).lease.tokens;
    assert!(leased > 50, "{leased}");
    let changed_ms = T0 + 5;
    let admitted = (0..500).filter(|_| take(&mut window, second, 1, changed_ms).admitted).count();
    assert_eq!(admitted + leased as usize, 500);
    // The lease may still be spent now, as late as it ends, and until then is not free.
    let again = (0..500).filter(|_| take(&mut window, second, 1, T0 + 1_250).admitted).count();
    assert!(again + leased as usize <= 500, "{again} beside {leased}");
    assert_eq!(take(&mut window, second, 0, T0 + 4_000).remaining, 500);
}

#[test]
fn what_is_leased_within_one_long_slot_is_counted_when_it_can_be_spent() {
    let (hour, minute) = (quota(80, 3_600_000), quota(80, 60_000));
    let mut window = Window::new(hour, T0);
    // The first millisecond of a slot of fifteen seconds, in which the lease ends too.
    let granted_ms = (T0 / 15_000 + 1) * 15_000;
    let leased = granted(&mut window, hour, 0, 80, granted_ms).lease.tokens;
    take(&mut window, minute, 0, granted_ms);
    let spent_ms = granted_ms + hour.lease_ms() - 1;
    for now_ms in (spent_ms..spent_ms + 60_000).step_by(10) {
        let mut window = window.clone();
        let again = granted(&mut window, minute, 0, 80, now_ms).lease.tokens;
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
        let mut window = Window::new(quota, T0);
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

    /// Each leased token is spent at the worst moment, at once or at the last one of its lease, or is given back, however
    /// late.
    #[test]
    fn leased_tokens_keep_the_limit_whenever_they_are_spent(
        limit in 1..200_u32,
        seconds in 1..120_u64,
        steps in prop::collection::vec((0..1100_u64, 0..20_u8, 0..2_u32, 0..40_u32, 0..4_u8), 1..200),
    ) {
        let quota = quota(limit, seconds * 1000);
        let mut window = Window::new(quota, T0);
        let mut now = T0;
        let mut log: Vec<u64> = Vec::new();
        let mut unspent: Vec<Booking> = Vec::new();
        for (step, pace, cost, lease, fate) in steps {
            now += if pace == 0 { step * seconds } else { step * seconds / 200 };
            let request = LeaseRequest { default: quota, cost, lease, unspent: Vec::new() };
            let given_back = if pace < 10 { std::mem::take(&mut unspent) } else { Vec::new() };
            let grant = window.grant(quota, &LeaseRequest { unspent: given_back, ..request }, now);
            if grant.verdict.admitted {
                log.extend((0..cost).map(|_| now));
            }
            let spent = match fate {
                0 => 0,
                1 => grant.lease.tokens / 2,
                _ => grant.lease.tokens,
            };
            unspent.push(Booking { tokens: grant.lease.tokens - spent, ..grant.lease });
            let spent_at = if fate == 3 { now + quota.lease_ms() } else { now };
            log.extend((0..spent).map(|_| spent_at));
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
        let mut window = Window::new(quota(5, 1000), T0);
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
