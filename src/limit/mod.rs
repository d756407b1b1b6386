//! The rate limit: at most N requests in any stretch of W, wherever it begins, world-wide.
//!
//! One object an account keeps the [`Ledger`]: what was booked, by slots of W/240. Isolates hold [`Leases`]: tokens
//! that they may spend within L (W/48, at most 1.25 s) without asking. Why that never admits more than N:
//!
//! 1. A token is *booked* in a slot no earlier than the one it is spent in, and at most L later. One that a request
//!    waits for is spent as the object decides, and booked in that very slot. A lease is granted at g, booked in the
//!    slot of g + L, and spent by then: the isolate counts L from before it asked, hence from before g, and L is a
//!    stretch of time, which every clock measures alike, however far it is off.
//! 2. Take any two tokens spent at t ≤ u < t + W. The first is booked no earlier than slot(t), the second no later than
//!    slot(u + L). Since u + L < t + W + L, that is at most (W + L) / (W/240) = 245 slots after slot(t); and the other
//!    way round they lie closer still. So all tokens spent in one stretch of W are booked within 246 slots in a row.
//! 3. [`Window`] books a token only if no 246 slots in a row then hold more than N. So no stretch of W does.
//!
//! It errs by at most L and a slot, on the strict side: under pressure N is had again every 246/240 of W, 97.6 % of it.
//! Nothing is forgotten while it matters: the ledger is written before the answer leaves the object; a lost answer, a
//! dead isolate or a lease that ends unspent only waste what was booked. Nor can the object's own clock, should it step
//! back, free anything: the ledger keeps the latest moment seen.
//!
//! Only where the object can't be reached at all does an isolate count by itself, with the full quota: available before
//! exact, and logged as `fallback`.

mod bounded;
mod lease;
mod ledger;
mod window;

pub use lease::{Decider, Decision, Leases, Turn};
pub use ledger::Ledger;
pub use window::Window;

use crate::key::Project;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a request counts as. Each policy has a quota of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    Users,
    Batch,
}

impl Policy {
    pub const ALL: [Policy; 2] = [Policy::Users, Policy::Batch];

    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Users => "users",
            Policy::Batch => "batch",
        }
    }
}

/// At most `limit` requests in any stretch of `window_ms` milliseconds, wherever it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    #[serde(deserialize_with = "bounded::limit")]
    pub limit: u32,
    #[serde(deserialize_with = "bounded::window_ms")]
    pub window_ms: u64,
}

impl Quota {
    /// Requests per window: 1 to a million.
    pub const LIMITS: std::ops::RangeInclusive<u32> = 1..=1_000_000;
    /// Length of a window in seconds: a second to a day.
    pub const WINDOW_SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;

    /// None if a number is out of its bounds.
    pub fn new(limit: u32, window_seconds: u32) -> Option<Self> {
        (Self::LIMITS.contains(&limit) && Self::WINDOW_SECONDS.contains(&window_seconds))
            .then(|| Quota { limit, window_ms: u64::from(window_seconds) * 1000 })
    }

    /// Reads `limit/seconds`, as in `500/60`.
    pub fn parse(text: &str) -> Option<Self> {
        let (limit, seconds) = text.split_once('/')?;
        Self::new(limit.trim().parse().ok()?, seconds.trim().parse().ok()?)
    }

    /// Slots of a window: how finely it counts.
    const SLOTS: u64 = 240;
    /// Slots that a lease can last.
    const LEASE_SLOTS: u64 = 5;
    /// A lease lasts no longer than this, so that a changed limit takes effect soon, however long the window.
    pub const MAX_LEASE_MS: u64 = 1250;

    /// Milliseconds for which leased tokens can be spent.
    pub fn lease_ms(self) -> u64 {
        (self.window_ms * Self::LEASE_SLOTS / Self::SLOTS).min(Self::MAX_LEASE_MS)
    }

    /// Milliseconds of a slot, cut to whole ones.
    fn slot_ms(self) -> u64 {
        self.window_ms / Self::SLOTS
    }

    pub fn window_seconds(self) -> u64 {
        self.window_ms / 1000
    }
}

/// The window in words, as in `1 minute`.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.window_seconds();
        let (n, unit) = match seconds {
            s if s % 3600 == 0 => (s / 3600, "hour"),
            s if s % 60 == 0 => (s / 60, "minute"),
            s => (s, "second"),
        };
        write!(f, "{n} {unit}{}", if n == 1 { "" } else { "s" })
    }
}

/// What is sent to the object. Its serialised form outlives deploys, as do those of all that is in it: the test pins
/// them. A new kind of message is a new variant, which an object of another version refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Answered by a [`Grant`].
    Ask(Ask),
    /// Gives the account a quota of its own, or takes it away. Answered by null.
    SetQuota(Option<Quota>),
    /// Answered by the account's own quota, or null.
    OwnQuota,
}

/// What an isolate asks of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Applies where the account has no quota of its own.
    pub default: Quota,
    /// Tokens for the request that waits: all or none.
    pub cost: u32,
    /// Tokens wanted on lease: as many as prudent.
    pub ahead: u32,
}

/// What the object answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// For the request that waits.
    pub verdict: Verdict,
    /// Tokens leased, to be spent within [`Quota::lease_ms`] of the asking.
    #[serde(deserialize_with = "bounded::tokens")]
    pub ahead: u32,
}

/// How one request stands, and its account after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub admitted: bool,
    /// The quota that was applied.
    pub quota: Quota,
    /// Tokens that can be had now.
    #[serde(deserialize_with = "bounded::tokens")]
    pub remaining: u32,
    /// Milliseconds until the next token can be had; 0 while some remain.
    #[serde(deserialize_with = "bounded::span_ms")]
    pub retry_after_ms: u64,
    /// Milliseconds until the full quota is back if nothing more is sent.
    #[serde(deserialize_with = "bounded::span_ms")]
    pub reset_ms: u64,
}

/// Counts requests, for each project and policy by itself.
///
/// An implementation MUST never admit more than the quota in any window, world-wide, and forget nothing that matters to
/// that when it is restarted, unless it says that it decided by [`Decider::Fallback`]. A refusal and a cost of 0 MUST take nothing. It does NOT know keys or users.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Limiter {
    /// Takes `cost` tokens if they are there, under the project's own quota, or else under `default`.
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Decision;

    /// Gives the account a quota of its own, or takes it away, which takes effect within one lease.
    async fn set_quota(&self, account: Account<'_>, quota: Option<Quota>) -> Result<(), LimiterAway>;

    /// The account's own quota, if it has one.
    async fn own_quota(&self, account: Account<'_>) -> Result<Option<Quota>, LimiterAway>;
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    pub project: &'a Project,
    pub policy: Policy,
}

/// The limiter can't be reached; the cause is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimiterAway(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_and_shown() {
        let quota = Quota::parse("500/60").unwrap();
        assert_eq!(quota, Quota { limit: 500, window_ms: 60_000 });
        for (seconds, words) in
            [(1, "1 second"), (60, "1 minute"), (90, "90 seconds"), (120, "2 minutes"), (86_400, "24 hours")]
        {
            assert_eq!(Quota::new(1, seconds).unwrap().to_string(), words);
        }
        for bad in ["", "500", "0/60", "500/0", "-1/60", "1000001/60", "1/86401", "a/b", "1/2/3"] {
            assert_eq!(Quota::parse(bad), None, "{bad}");
        }
    }

    /// The forms that the version f24daad writes and reads.
    #[test]
    fn the_forms_of_messages_are_pinned() {
        let quota = Quota::new(9, 60).unwrap();
        let ask = Ask { default: quota, cost: 1, ahead: 5 };
        for (message, json) in [
            (Message::Ask(ask), r#"{"Ask":{"default":{"limit":9,"window_ms":60000},"cost":1,"ahead":5}}"#),
            (Message::SetQuota(Some(quota)), r#"{"SetQuota":{"limit":9,"window_ms":60000}}"#),
            (Message::SetQuota(None), r#"{"SetQuota":null}"#),
            (Message::OwnQuota, r#""OwnQuota""#),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), json);
            assert_eq!(serde_json::from_str::<Message>(json).unwrap(), message);
        }
        let verdict = Verdict { admitted: true, quota, remaining: 2, retry_after_ms: 3, reset_ms: 4 };
        let grant = Grant { verdict, ahead: 5 };
        let json = r#"{"verdict":{"admitted":true,"quota":{"limit":9,"window_ms":60000},"remaining":2,"retry_after_ms":3,"reset_ms":4},"ahead":5}"#;
        assert_eq!(serde_json::to_string(&grant).unwrap(), json);
        assert_eq!(serde_json::from_str::<Grant>(json).unwrap(), grant);
    }

    #[test]
    fn a_message_out_of_bounds_is_none() {
        let quota = |limit: &str, window_ms: &str| format!(r#"{{"limit":{limit},"window_ms":{window_ms}}}"#);
        for (limit, window_ms) in [("1", "1000"), ("1000000", "86400000")] {
            assert!(serde_json::from_str::<Quota>(&quota(limit, window_ms)).is_ok());
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
            assert!(serde_json::from_str::<Quota>(&quota(limit, window_ms)).is_err(), "{limit} {window_ms}");
            let ask = format!(r#"{{"default":{},"cost":1,"ahead":0}}"#, quota(limit, window_ms));
            assert!(serde_json::from_str::<Ask>(&ask).is_err(), "{ask}");
        }
        let grant = |remaining: u64, retry_after_ms: u64, reset_ms: u64, ahead: u64| {
            let quota = quota("9", "60000");
            let grant = format!(
                r#"{{"verdict":{{"admitted":true,"quota":{quota},"remaining":{remaining},"retry_after_ms":{retry_after_ms},"reset_ms":{reset_ms}}},"ahead":{ahead}}}"#
            );
            serde_json::from_str::<Grant>(&grant).is_ok()
        };
        assert!(grant(1_000_000, 259_200_000, 259_200_000, 1_000_000));
        assert!(!grant(1_000_001, 0, 0, 0) && !grant(0, 259_200_001, 0, 0));
        assert!(!grant(0, 0, u64::MAX, 0) && !grant(0, 0, 0, 1_000_001));
    }
}
