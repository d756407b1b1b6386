//! What is fuzzed: each target is a function that takes any bytes and panics if a promise is broken. cargo-fuzz runs them in
//! `fuzz/`; `tests/fuzz.rs` replays its corpus on them.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, reason = "a broken promise panics")]

pub mod bearer;
pub mod body;
mod client;
pub mod cursor;
pub mod filter;
pub mod lease;
pub mod path;
