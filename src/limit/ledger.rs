//! What the limiter keeps of one account: its own quota, if it has one, and its window.

use super::{Quota, Verdict, Window};
use serde::{Deserialize, Serialize};

/// The whole state of one account. Its serialised form outlives deploys: the test pins it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    quota: Option<Quota>,
    window: Option<Window>,
}

impl Ledger {
    /// Takes `cost` tokens under the account's own quota, or else under `default`.
    pub fn take(&mut self, default: Quota, cost: u32, now_ms: u64) -> Verdict {
        let quota = self.quota.unwrap_or(default);
        self.window.get_or_insert_with(|| Window::new(quota)).take(quota, cost, now_ms)
    }

    /// Gives the account a quota of its own.
    pub fn set_quota(&mut self, quota: Quota) {
        self.quota = Some(quota);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_quota_overrides_the_default() {
        let default = Quota::new(2, 60).unwrap();
        let mut ledger = Ledger::default();
        assert!(ledger.take(default, 1, 0).admitted && ledger.take(default, 1, 0).admitted);
        assert!(!ledger.take(default, 1, 0).admitted);
        ledger.set_quota(Quota::new(3, 60).unwrap());
        assert!(ledger.take(default, 1, 0).admitted);
        assert!(!ledger.take(default, 1, 0).admitted);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let mut ledger = Ledger::default();
        ledger.set_quota(Quota::new(9, 60).unwrap());
        ledger.take(Quota::new(2, 60).unwrap(), 1, 60_000);
        let json = r#"{"quota":{"limit":9,"window_ms":60000},"window":{"length_ms":60000,"latest_ms":60000,"taken":{"60":1}}}"#;
        assert_eq!(serde_json::to_string(&ledger).unwrap(), json);
        assert_eq!(serde_json::from_str::<Ledger>(json).unwrap(), ledger);
    }
}
