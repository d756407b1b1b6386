//! What is limited: policies, accounts, and how many requests in how long.

use super::bounded;
use crate::bounds::{RATE_LIMITS, RATE_WINDOW_SECONDS};
use crate::key::Project;
use crate::rule::BrokenRule;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a request counts as. Each policy has a quota of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Calls on single users and lists.
    Users,
    /// Batches.
    Batch,
    /// Requests of Segment's protocol.
    Ingest,
    /// Walks through users.
    Query,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Policy; 4] = [Policy::Users, Policy::Batch, Policy::Ingest, Policy::Query];

    /// Its name on the wire, in headers and in the names of objects.
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Users => "users",
            Policy::Batch => "batch",
            Policy::Ingest => "ingest",
            Policy::Query => "query",
        }
    }
}

/// At most `limit` requests in any stretch of `window_ms` milliseconds, wherever it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Requests per window, within [`RATE_LIMITS`].
    #[serde(deserialize_with = "bounded::limit")]
    pub limit: u32,
    /// Milliseconds of the window: whole seconds, within [`RATE_WINDOW_SECONDS`].
    #[serde(deserialize_with = "bounded::window_ms")]
    pub window_ms: u64,
}

impl Quota {
    /// None if a number is out of its bounds.
    pub fn new(limit: u32, window_seconds: u32) -> Option<Self> {
        (RATE_LIMITS.contains(&limit) && RATE_WINDOW_SECONDS.contains(&window_seconds))
            .then(|| Quota { limit, window_ms: u64::from(window_seconds) * 1000 })
    }

    /// Slots of a window: how finely it counts.
    pub(super) const SLOTS: u64 = 240;
    /// Slots that a lease can last.
    pub(super) const LEASE_SLOTS: u64 = 5;
    /// A lease lasts no longer than this, so that a changed limit takes effect soon, however long the window.
    pub const MAX_LEASE_MS: u64 = 1250;

    /// Milliseconds for which leased tokens can be spent.
    pub fn lease_ms(self) -> u64 {
        (self.window_ms * Self::LEASE_SLOTS / Self::SLOTS).min(Self::MAX_LEASE_MS)
    }

    /// Milliseconds of a slot, rounded down.
    pub(super) fn slot_ms(self) -> u64 {
        self.window_ms / Self::SLOTS
    }

    /// Seconds of the window.
    pub fn window_seconds(self) -> u64 {
        self.window_ms / 1000
    }
}

/// Parses `limit/seconds`, as in `500/60`.
impl FromStr for Quota {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let parts = text.split_once('/');
        let numbers =
            parts.and_then(|(limit, seconds)| Some((limit.trim().parse().ok()?, seconds.trim().parse().ok()?)));
        let quota = numbers.and_then(|(limit, seconds)| Self::new(limit, seconds));
        quota.ok_or_else(|| BrokenRule::new("Must be requests/seconds, as in 500/60"))
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

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// Whose requests.
    pub project: &'a Project,
    /// What they count as.
    pub policy: Policy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_and_shown() {
        let quota = "500/60".parse::<Quota>().unwrap();
        assert_eq!(quota, Quota { limit: 500, window_ms: 60_000 });
        for (seconds, words) in
            [(1, "1 second"), (60, "1 minute"), (90, "90 seconds"), (120, "2 minutes"), (86_400, "24 hours")]
        {
            assert_eq!(Quota::new(1, seconds).unwrap().to_string(), words);
        }
        for bad in ["", "500", "0/60", "500/0", "-1/60", "1000001/60", "1/86401", "a/b", "1/2/3"] {
            assert!(bad.parse::<Quota>().is_err(), "{bad}");
        }
    }
}
