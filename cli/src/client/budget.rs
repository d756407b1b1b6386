//! The project's rate limit, as a response reports it, and how an export shares it with others.

use std::time::Duration;
use ureq::http::HeaderMap;

/// An export leaves this part of the limit to others: one in five.
const RESERVED_PART: u64 = 5;
/// While less than that is left, it uses this part of the limit in a window: one in twenty.
const SPARING_PART: u32 = 20;

/// The rate limit in `X-RateLimit-*` and in the headers of draft-ietf-httpapi-ratelimit-headers-11.
#[derive(Debug, PartialEq, Eq)]
pub struct Budget {
    limit: u32,
    remaining: u32,
    window: Duration,
    /// How long until the whole limit is free again, if nobody calls meanwhile.
    full_in: Duration,
}

impl Budget {
    /// None if a header is missing or malformed.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        let seconds = |header, parameter| Some(Duration::from_secs(find_number(text(header)?.split(';'), parameter)?));
        Some(Budget {
            limit: text("x-ratelimit-limit")?.parse().ok()?,
            remaining: text("x-ratelimit-remaining")?.parse().ok()?,
            window: seconds("ratelimit-policy", "w=")?,
            full_in: seconds("ratelimit", "t=")?,
        })
    }

    /// How long to pause before the next call. None while a fifth of the limit is left. Otherwise long enough to use a
    /// twentieth of the limit in a window, but never longer than until the whole limit is free.
    pub fn pause(&self) -> Option<Duration> {
        let is_low = u64::from(self.remaining) * RESERVED_PART < u64::from(self.limit);
        is_low.then(|| self.sparing_interval().min(self.full_in))
    }

    /// How far apart calls are that use a twentieth of the limit in a window.
    pub fn sparing_interval(&self) -> Duration {
        self.window * SPARING_PART / self.limit.max(1)
    }
}

/// The value of the parameter that begins with `prefix`, such as `w=`.
fn find_number<'a>(mut parameters: impl Iterator<Item = &'a str>, prefix: &str) -> Option<u64> {
    parameters.find_map(|parameter| parameter.trim().strip_prefix(prefix)?.parse().ok())
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
        Budget::from_headers(&headers).unwrap()
    }

    #[test]
    fn while_a_fifth_is_left_there_is_no_pause() {
        assert_eq!(budget(500, 100, 60, 42).pause(), None);
        assert_eq!(budget(500, 99, 60, 42).pause(), Some(Duration::from_millis(2400)));
        assert_eq!(budget(1, 1, 1, 0).pause(), None);
    }

    #[test]
    fn a_pause_ends_when_the_whole_limit_is_free() {
        assert_eq!(budget(500, 0, 60, 1).pause(), Some(Duration::from_secs(1)));
        assert_eq!(budget(10, 1, 60, 58).pause(), Some(Duration::from_secs(58)));
        assert_eq!(budget(1_000_000, 0, 60, 60).pause(), Some(Duration::from_micros(1200)));
    }

    #[test]
    fn a_response_without_the_headers_is_no_reason_to_pause() {
        assert_eq!(Budget::from_headers(&HeaderMap::new()), None);
    }
}
