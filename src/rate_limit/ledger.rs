//! The object's part: what it keeps of one account, its window and the quota of its own, if any.

use super::protocol::{Grant, LeaseRequest, Usage};
use super::quota::Quota;
use super::window::Window;
use crate::json;
use serde::{Deserialize, Serialize};

/// The whole state of one account. Its serialised form outlives deploys: the test pins it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    quota: Option<Quota>,
    window: Option<Window>,
}

/// What of a ledger can be read though the rest can't.
#[derive(Deserialize)]
struct Readable {
    quota: Option<Quota>,
}

impl Ledger {
    /// The ledger to go on with if `stored` can't be read: its own quota, if at least that can be, and all booked that
    /// any limit allows. So nothing is admitted for one window, and no more than the limit in any.
    pub fn recover(stored: &str, now_ms: u64) -> Self {
        let quota = json::from_str(stored).ok().and_then(|Readable { quota }| quota);
        Ledger { quota, window: Some(Window::unknown(now_ms)) }
    }

    /// Grants what it can under the account's own quota, or else under the request's default.
    pub fn grant(&mut self, request: &LeaseRequest, now_ms: u64) -> Grant {
        let quota = self.quota.unwrap_or(request.default);
        self.window.get_or_insert_with(|| Window::new(quota, now_ms)).grant(quota, request, now_ms)
    }

    /// Gives the account a quota of its own, or takes it away.
    pub fn set_quota(&mut self, quota: Option<Quota>) {
        self.quota = quota;
    }

    /// The account's own quota. None: the default applies.
    pub fn own_quota(&self) -> Option<Quota> {
        self.quota
    }

    /// What is booked, under the account's own quota, or else under `default`.
    pub fn usage(&self, default: Quota, now_ms: u64) -> Usage {
        let quota = self.quota.unwrap_or(default);
        Usage { quota, slots: self.window.as_ref().map_or_else(Vec::new, |window| window.booked_slots(quota, now_ms)) }
    }

    /// Drops an idle window. If it is not idle, returns the milliseconds until it may be.
    pub fn drop_idle_window(&mut self, now_ms: u64) -> Option<u64> {
        self.window.take_if(|window| window.is_idle(now_ms));
        self.window.as_ref().map(|window| window.idle_in_ms(now_ms))
    }

    /// True if there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        *self == Ledger::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a request that waits, and a lease.
    fn token(default: Quota, lease: u32) -> LeaseRequest {
        LeaseRequest { default, cost: 1, lease, unspent: Vec::new() }
    }

    fn admits(ledger: &mut Ledger, default: Quota) -> bool {
        ledger.grant(&token(default, 0), 60_000).verdict.admitted
    }

    #[test]
    fn an_own_quota_overrides_the_default() {
        let default = Quota::new(2, 60).unwrap();
        let mut ledger = Ledger::default();
        assert!(admits(&mut ledger, default) && admits(&mut ledger, default) && !admits(&mut ledger, default));
        ledger.set_quota(Quota::new(3, 60));
        assert!(admits(&mut ledger, default) && !admits(&mut ledger, default));
        ledger.set_quota(None);
        assert!(!admits(&mut ledger, default) && admits(&mut ledger, Quota::new(4, 60).unwrap()));
    }

    #[test]
    fn an_idle_window_is_dropped_and_an_own_quota_kept() {
        let default = Quota::new(2, 60).unwrap();
        let mut ledger = Ledger::default();
        assert!(admits(&mut ledger, default));
        assert_eq!(ledger.drop_idle_window(60_001), Some(120_249));
        assert_eq!((ledger.drop_idle_window(180_250), ledger.is_empty()), (None, true));
        ledger.set_quota(Some(default));
        assert!(admits(&mut ledger, default));
        assert_eq!((ledger.drop_idle_window(180_250), ledger.is_empty()), (None, false));
    }

    #[test]
    fn usage_is_what_is_booked_of_the_last_window_and_looking_changes_nothing() {
        let default = Quota::new(100, 60).unwrap();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.usage(default, 60_000), Usage { quota: default, slots: Vec::new() });
        assert!(ledger.is_empty());
        ledger.grant(&LeaseRequest { cost: 2, ..token(default, 9) }, 60_010);
        let before = ledger.clone();
        let booked = |ledger: &Ledger, now_ms| {
            let slots = ledger.usage(default, now_ms).slots;
            slots.iter().map(|slot| (slot.at_ms, slot.booked)).collect::<Vec<_>>()
        };
        // The lease ends 1,250 ms later.
        assert_eq!(booked(&ledger, 60_010), [(60_000, 2), (61_250, 9)]);
        assert_eq!(booked(&ledger, 119_999), [(60_000, 2), (61_250, 9)]);
        assert_eq!(booked(&ledger, 120_000), [(61_250, 9)]);
        assert_eq!(booked(&ledger, 200_000), []);
        // By the clock as it is, which stepped back.
        assert_eq!(booked(&ledger, 50_010), [(50_000, 2), (51_250, 9)]);
        assert_eq!(ledger, before);
        // By the slots of a window of its own.
        let own = Quota::new(5, 240).unwrap();
        ledger.set_quota(Some(own));
        assert_eq!(ledger.usage(default, 61_999), Usage { quota: own, slots: ledger.usage(own, 61_999).slots });
        assert_eq!(booked(&ledger, 61_999), [(60_000, 2), (61_000, 9)]);
    }

    #[test]
    fn a_ledger_that_can_not_be_read_admits_nothing_for_one_window_and_then_as_ever() {
        let (default, now_ms) = (Quota::new(2, 60).unwrap(), 1_700_000_000_000);
        let own = r#"{"quota":{"limit":3,"window_ms":120000},"window":{"of":"another version"}}"#;
        for (stored, limit, window_ms) in [("", 2, 60_000), ("{", 2, 60_000), ("null", 2, 60_000), (own, 3, 120_000)] {
            let mut ledger = Ledger::recover(stored, now_ms);
            let mut admits = |at_ms| {
                let verdict = ledger.grant(&token(default, 9), at_ms).verdict;
                assert_eq!((verdict.quota.limit, verdict.quota.window_ms), (limit, window_ms), "{stored}");
                verdict.admitted
            };
            // The last lease ended after 1,250 ms.
            assert!(!admits(now_ms) && !admits(now_ms + 1_249 + window_ms), "{stored}");
            let open_ms = now_ms + 1_251 + window_ms * 246 / 240;
            assert!((0..limit).all(|_| admits(open_ms)) && !admits(open_ms), "{stored}");
        }
        // It is stored, and waits for its first request as long as need be.
        let mut ledger = Ledger::recover("", now_ms);
        assert_eq!(json::from_str::<Ledger>(&serde_json::to_string(&ledger).unwrap()).unwrap(), ledger);
        assert!(ledger.drop_idle_window(now_ms + 86_400_000).is_some() && ledger.own_quota().is_none());
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let mut ledger = Ledger::default();
        ledger.set_quota(Quota::new(9, 60));
        assert!(admits(&mut ledger, Quota::new(2, 60).unwrap()));
        let form = r#"{"quota":{"limit":9,"window_ms":60000},"window":{"length_ms":60000,"layout_ms":60000,"latest_ms":60000,"clock_ms":60000,"booked":{"240":1}}}"#;
        assert_eq!(serde_json::to_string(&ledger).unwrap(), form);
        assert_eq!(json::from_str::<Ledger>(form).unwrap(), ledger);
    }
}
