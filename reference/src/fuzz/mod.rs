//! What is fuzzed, each target a function that takes any bytes and panics if a promise is broken. cargo-fuzz runs them
//! here; `tests/fuzz.rs` replays the corpus on them.

pub mod bearer;
pub mod body;
pub mod cursor;
pub mod lease;
mod memory;
pub mod path;
