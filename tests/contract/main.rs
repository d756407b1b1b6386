//! The wire contract over real HTTP, against the real Worker in `wrangler dev`.
//!
//! Each test has a project of its own, so that none sees another's users or quota.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a client has a clock")]

mod access;
mod batch;
mod client;
mod conformance;
mod cors;
mod crash;
mod dev;
mod erase;
mod errors;
mod examples;
mod faults;
mod hops;
mod hostile;
mod keys;
mod limit;
mod list;
mod log;
mod merge;
mod model;
mod page;
mod schema;
mod server;
mod upsert;

/// Where the Worker's package is.
const WORKER: &str = env!("CARGO_MANIFEST_DIR");
