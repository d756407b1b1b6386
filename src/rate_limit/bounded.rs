//! Deserialises numbers with bounds: a message or a row may come from another version or be corrupt, and arithmetic on it
//! must not overflow.

use crate::bounds::{RATE_LIMITS, RATE_WINDOW_SECONDS};
use serde::de::{Deserialize, Deserializer, Error};

/// The longest window.
pub const MAX_WINDOW_MS: u64 = 1000 * *RATE_WINDOW_SECONDS.end() as u64;
/// The furthest booking is forgotten within this.
const MAX_SPAN_MS: u64 = 3 * MAX_WINDOW_MS;
/// The last moment that a JavaScript clock can show (ECMA-262, "Time Values and Time Range").
pub const MAX_MOMENT_MS: u64 = 8_640_000_000_000_000;

pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, "a limit", |limit| RATE_LIMITS.contains(limit))
}

pub fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    number(deserializer, "tokens of a limit", |tokens| tokens <= RATE_LIMITS.end())
}

pub fn window_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    number(deserializer, "a window", |ms| {
        ms % 1000 == 0 && u32::try_from(ms / 1000).is_ok_and(|seconds| RATE_WINDOW_SECONDS.contains(&seconds))
    })
}

pub fn span_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    number(deserializer, "a stretch of time", |ms| *ms <= MAX_SPAN_MS)
}

pub fn moment_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    number(deserializer, "a moment", |ms| *ms <= MAX_MOMENT_MS)
}

fn number<'de, D: Deserializer<'de>, N: Deserialize<'de>>(
    deserializer: D,
    what: &'static str,
    fits: impl FnOnce(&N) -> bool,
) -> Result<N, D::Error> {
    let number = N::deserialize(deserializer)?;
    if fits(&number) { Ok(number) } else { Err(D::Error::custom(format_args!("out of the bounds of {what}"))) }
}
