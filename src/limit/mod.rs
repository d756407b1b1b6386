//! The rate limit: how many requests a project may send under a policy, and the exact window that counts them.

mod ledger;
mod window;

pub use ledger::Ledger;
pub use window::Window;

use crate::key::Project;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a request counts as. Each policy has a quota of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    Users,
}

impl Policy {
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Users => "users",
        }
    }
}

/// At most `limit` requests in any stretch of `window_ms` milliseconds, wherever it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub limit: u32,
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

/// The answer to one request for one token, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub admitted: bool,
    /// The quota that was applied.
    pub quota: Quota,
    /// Tokens that can be had now.
    pub remaining: u32,
    /// Milliseconds until the next token can be had; 0 while some remain.
    pub retry_after_ms: u64,
    /// Milliseconds until the full quota is back if nothing more is sent.
    pub reset_ms: u64,
}

/// Counts requests, for each project and policy by itself.
///
/// An implementation MUST never admit more than the quota in any window, world-wide, and forget nothing that matters to
/// that when it is restarted. A refusal and a cost of 0 MUST take nothing. It does NOT know keys or users.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Limiter {
    /// Takes `cost` tokens if they are there, under the project's own quota, or else under `default`.
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Result<Verdict, LimiterAway>;

    /// Gives the project a quota of its own, from now on.
    async fn set_quota(&self, account: Account<'_>, quota: Quota) -> Result<(), LimiterAway>;
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
}
