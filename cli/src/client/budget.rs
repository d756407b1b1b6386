//! What an answer says about the project's rate limit.

use std::time::Duration;
use ureq::http::HeaderMap;

/// An export leaves so much of the limit to others: one part in five.
const RESERVED_PART: u64 = 5;
/// While less is left, it takes at most so much of the limit: one part in twenty.
const SPARING_PART: u32 = 20;

/// The rate limit, as `X-RateLimit-*` and draft-ietf-httpapi-ratelimit-headers-11 tell it.
#[derive(Debug, PartialEq, Eq)]
pub struct Budget {
    limit: u32,
    remaining: u32,
    window: Duration,
    /// When all of the limit is free again, if nobody asks until then.
    full_in: Duration,
}

impl Budget {
    /// None if an answer does not tell it.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        let seconds = |name, parameter| Some(Duration::from_secs(number(text(name)?.split(';'), parameter)?));
        Some(Budget {
            limit: text("x-ratelimit-limit")?.parse().ok()?,
            remaining: text("x-ratelimit-remaining")?.parse().ok()?,
            window: seconds("ratelimit-policy", "w=")?,
            full_in: seconds("ratelimit", "t=")?,
        })
    }

    /// How long to wait for others' sake, if less than a fifth of the limit is left: so long that a twentieth of it is
    /// taken in a window, but no longer than until all of it is free.
    pub fn pause(&self) -> Option<Duration> {
        let is_low = u64::from(self.remaining) * RESERVED_PART < u64::from(self.limit);
        is_low.then(|| (self.window * SPARING_PART / self.limit.max(1)).min(self.full_in))
    }
}

/// The parameter of this name, which ends in `=`.
fn number<'a>(mut parameters: impl Iterator<Item = &'a str>, name: &str) -> Option<u64> {
    parameters.find_map(|parameter| parameter.trim().strip_prefix(name)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limit: u32, remaining: u32, window_s: u64, full_in_s: u64) -> Budget {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("ratelimit-policy", format!("\"users\";q={limit};w={window_s}")),
            ("ratelimit", format!("\"users\";r={remaining};t={full_in_s}")),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        Budget::of(&headers).unwrap()
    }

    #[test]
    fn while_a_fifth_is_left_nobody_waits() {
        assert_eq!(budget(500, 100, 60, 42).pause(), None);
        assert_eq!(budget(500, 99, 60, 42).pause(), Some(Duration::from_millis(2400)));
        assert_eq!(budget(1, 1, 1, 0).pause(), None);
    }

    #[test]
    fn a_wait_ends_when_all_is_free_at_the_latest() {
        assert_eq!(budget(500, 0, 60, 1).pause(), Some(Duration::from_secs(1)));
        assert_eq!(budget(10, 1, 60, 58).pause(), Some(Duration::from_secs(58)));
        assert_eq!(budget(1_000_000, 0, 60, 60).pause(), Some(Duration::from_micros(1200)));
    }

    #[test]
    fn an_answer_without_it_is_no_reason_to_wait() {
        assert_eq!(Budget::of(&HeaderMap::new()), None);
    }
}
