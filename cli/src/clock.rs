//! The one clock of the tool.

use std::time::{Duration, Instant, SystemTime};

#[expect(clippy::disallowed_methods, reason = "what is measured here is the time that passes, not an argument")]
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970, for checks that the server will repeat by its own clock.
#[expect(clippy::disallowed_methods, reason = "this is where the time comes from that is an argument elsewhere")]
pub fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
