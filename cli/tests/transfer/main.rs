//! The tool against the real Worker in `wrangler dev`.
//!
//! Each test has a project and a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test has a clock")]

mod erase;
mod export;
mod failures;
mod fake;
mod follow;
mod import;
mod keys;
mod moving;
mod query;
mod resume;
mod tool;
mod webhooks;
