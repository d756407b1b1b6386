//! The messages between an isolate and the object of an account.

use super::bounded;
use super::quota::Quota;
use serde::{Deserialize, Serialize};

/// What is sent to the object. Its serialised form outlives deploys, as do those of all that is in it: the test pins
/// them. A new kind of request is a new variant, which an object of another version refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimiterRequest {
    /// Answered by a [`Grant`].
    Lease(LeaseRequest),
    /// Gives the account a quota of its own, or takes it away. Answered by null.
    SetQuota(Option<Quota>),
    /// Answered by the account's own quota, or null.
    OwnQuota,
    /// Answered by the [`Usage`] under the account's own quota, or else under this one. Changes nothing.
    Usage(Quota),
}

impl LimiterRequest {
    /// What to send if nobody knows what became of the first try: the same, but without what must not be done twice.
    #[must_use]
    pub fn again(&self) -> LimiterRequest {
        let mut again = self.clone();
        if let LimiterRequest::Lease(request) = &mut again {
            request.unspent.clear();
        }
        again
    }
}

/// What an isolate asks of the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// Applies where the account has no quota of its own.
    pub default: Quota,
    /// Tokens for the request that waits: all or none.
    pub cost: u32,
    /// Tokens wanted on lease; the object grants as many as is prudent.
    pub lease: u32,
    /// Given back: leased tokens that this isolate has not spent and never will. Sent at most once; see [`again`].
    ///
    /// [`again`]: LimiterRequest::again
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unspent: Vec<Booking>,
}

/// Leased tokens, and where the object booked them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Which layout of slots: each change of the window's length makes another.
    pub layout_ms: u64,
    /// The slot in it.
    pub slot: u64,
    /// How many.
    #[serde(deserialize_with = "bounded::tokens")]
    pub tokens: u32,
}

/// What is booked of an account, as its ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The quota that applies.
    pub quota: Quota,
    /// The slots of the last window that have bookings, in order. Those of leases that have not ended yet lie ahead.
    pub slots: Vec<BookedSlot>,
}

/// What is booked in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedSlot {
    /// When it begins, in milliseconds since the epoch.
    #[serde(deserialize_with = "bounded::moment_ms")]
    pub at_ms: u64,
    /// Tokens: spent, or leased and perhaps never to be spent.
    pub booked: u32,
}

/// What the object answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// For the request that waits.
    pub verdict: Verdict,
    /// Tokens leased, to be spent within [`Quota::lease_ms`] of the asking.
    pub lease: Booking,
}

impl Grant {
    /// True if tokens were booked for `request`, so that the ledger must be stored before the answer leaves.
    pub fn books(&self, request: &LeaseRequest) -> bool {
        (self.verdict.admitted && request.cost > 0) || self.lease.tokens > 0
    }
}

/// The outcome of one request, and the state of its account after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the request may go on.
    pub admitted: bool,
    /// The quota that was applied.
    pub quota: Quota,
    /// Tokens that are free now.
    #[serde(deserialize_with = "bounded::tokens")]
    pub remaining: u32,
    /// Milliseconds until the next token frees; 0 while some remain.
    #[serde(deserialize_with = "bounded::span_ms")]
    pub retry_after_ms: u64,
    /// Milliseconds until the full quota is back if nothing more is sent.
    #[serde(deserialize_with = "bounded::span_ms")]
    pub reset_ms: u64,
}

/// The outcome of one request, and who decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// Who decided it.
    pub by: DecidedBy,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// A leased token was spent.
    Lease,
    /// The request waited for the object.
    Object,
    /// The object's last denial still holds.
    Denial,
    /// The object can't be reached: the isolate counts by itself.
    Fallback,
}

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Decided here.
    Decided {
        /// The outcome.
        decision: Decision,
        /// Send this in the background.
        refill: Option<LeaseRequest>,
    },
    /// Ask the object, and wait for its grant.
    Ask(LeaseRequest),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_wire_forms_are_pinned() {
        let quota = Quota::new(9, 60).unwrap();
        let booking = Booking { layout_ms: 6, slot: 7, tokens: 5 };
        let giving_back = LeaseRequest { default: quota, cost: 1, lease: 5, unspent: vec![booking] };
        let request = LeaseRequest { unspent: Vec::new(), ..giving_back.clone() };
        for (message, json) in [
            (
                LimiterRequest::Lease(request),
                r#"{"Lease":{"default":{"limit":9,"window_ms":60000},"cost":1,"lease":5}}"#,
            ),
            (
                LimiterRequest::Lease(giving_back),
                r#"{"Lease":{"default":{"limit":9,"window_ms":60000},"cost":1,"lease":5,"unspent":[{"layout_ms":6,"slot":7,"tokens":5}]}}"#,
            ),
            (LimiterRequest::SetQuota(Some(quota)), r#"{"SetQuota":{"limit":9,"window_ms":60000}}"#),
            (LimiterRequest::SetQuota(None), r#"{"SetQuota":null}"#),
            (LimiterRequest::OwnQuota, r#""OwnQuota""#),
            (LimiterRequest::Usage(quota), r#"{"Usage":{"limit":9,"window_ms":60000}}"#),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), json);
            assert_eq!(json::from_str::<LimiterRequest>(json).unwrap(), message);
        }
        let verdict = Verdict { admitted: true, quota, remaining: 2, retry_after_ms: 3, reset_ms: 4 };
        let grant = Grant { verdict, lease: booking };
        let json = r#"{"verdict":{"admitted":true,"quota":{"limit":9,"window_ms":60000},"remaining":2,"retry_after_ms":3,"reset_ms":4},"lease":{"layout_ms":6,"slot":7,"tokens":5}}"#;
        assert_eq!(serde_json::to_string(&grant).unwrap(), json);
        assert_eq!(json::from_str::<Grant>(json).unwrap(), grant);
        let usage = Usage { quota, slots: vec![BookedSlot { at_ms: 250, booked: 3 }] };
        let json = r#"{"quota":{"limit":9,"window_ms":60000},"slots":[{"at_ms":250,"booked":3}]}"#;
        assert_eq!(serde_json::to_string(&usage).unwrap(), json);
        assert_eq!(json::from_str::<Usage>(json).unwrap(), usage);
    }

    #[test]
    fn what_is_sent_again_gives_nothing_back() {
        let quota = Quota::new(9, 60).unwrap();
        let unspent = vec![Booking { layout_ms: 6, slot: 7, tokens: 5 }];
        let request = LeaseRequest { default: quota, cost: 1, lease: 5, unspent };
        let again = LeaseRequest { unspent: Vec::new(), ..request.clone() };
        assert_eq!(LimiterRequest::Lease(request).again(), LimiterRequest::Lease(again));
        assert_eq!(LimiterRequest::SetQuota(None).again(), LimiterRequest::SetQuota(None));
    }

    #[test]
    fn a_request_of_another_version_is_refused() {
        assert!(json::from_str::<LimiterRequest>(r#""Reset""#).is_err());
        assert!(json::from_str::<LimiterRequest>(r#"{"Usage":null}"#).is_err());
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let quota = |limit: &str, window_ms: &str| format!(r#"{{"limit":{limit},"window_ms":{window_ms}}}"#);
        for (limit, window_ms) in [("1", "1000"), ("1000000", "86400000")] {
            assert!(json::from_str::<Quota>(&quota(limit, window_ms)).is_ok());
        }
        for (limit, window_ms) in [
            ("0", "1000"),
            ("1000001", "1000"),
            ("1", "0"),
            ("1", "239"),
            ("1", "1500"),
            ("1", "86401000"),
            ("1", "-1"),
        ] {
            assert!(json::from_str::<Quota>(&quota(limit, window_ms)).is_err(), "{limit} {window_ms}");
            let request = format!(r#"{{"default":{},"cost":1,"lease":0}}"#, quota(limit, window_ms));
            assert!(json::from_str::<LeaseRequest>(&request).is_err(), "{request}");
        }
        let grant = |remaining: u64, retry_after_ms: u64, reset_ms: u64, lease: u64| {
            let quota = quota("9", "60000");
            let grant = format!(
                r#"{{"verdict":{{"admitted":true,"quota":{quota},"remaining":{remaining},"retry_after_ms":{retry_after_ms},"reset_ms":{reset_ms}}},"lease":{{"layout_ms":0,"slot":0,"tokens":{lease}}}}}"#
            );
            json::from_str::<Grant>(&grant).is_ok()
        };
        assert!(grant(1_000_000, 259_200_000, 259_200_000, 1_000_000));
        assert!(!grant(1_000_001, 0, 0, 0) && !grant(0, 259_200_001, 0, 0));
        assert!(!grant(0, 0, u64::MAX, 0) && !grant(0, 0, 0, 1_000_001));
    }
}
