//! The object's part: what it keeps of one account, its window and the quota of its own, if any.

use super::protocol::{Ask, Grant};
use super::quota::Quota;
use super::window::Window;
use serde::{Deserialize, Serialize};

/// The whole state of one account. Its serialised form outlives deploys: the test pins it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    quota: Option<Quota>,
    window: Option<Window>,
}

impl Ledger {
    /// Grants what it can under the account's own quota, or else under the ask's default.
    pub fn grant(&mut self, ask: Ask, now_ms: u64) -> Grant {
        let quota = self.quota.unwrap_or(ask.default);
        self.window.get_or_insert_with(|| Window::new(quota)).grant(quota, ask, now_ms)
    }

    /// Gives the account a quota of its own, or takes it away.
    pub fn set_quota(&mut self, quota: Option<Quota>) {
        self.quota = quota;
    }

    /// The account's own quota. None: the asker's default applies.
    pub fn own_quota(&self) -> Option<Quota> {
        self.quota
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

    fn admits(ledger: &mut Ledger, default: Quota) -> bool {
        ledger.grant(Ask { default, cost: 1, lease: 0 }, 60_000).verdict.admitted
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
    fn the_stored_form_is_pinned() {
        let mut ledger = Ledger::default();
        ledger.set_quota(Quota::new(9, 60));
        assert!(admits(&mut ledger, Quota::new(2, 60).unwrap()));
        let json = r#"{"quota":{"limit":9,"window_ms":60000},"window":{"length_ms":60000,"latest_ms":60000,"booked":{"240":1}}}"#;
        assert_eq!(serde_json::to_string(&ledger).unwrap(), json);
        assert_eq!(serde_json::from_str::<Ledger>(json).unwrap(), ledger);
    }
}
