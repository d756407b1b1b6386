//! The wire contract over real HTTP, against the real Worker in `wrangler dev`.
//!
//! Each test has a project of its own, so that none sees another's users or quota.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a client has a clock")]

mod client;
mod conformance;
mod crash;
mod dev;
mod examples;
mod faults;
mod hops;
mod model;
mod page;
mod schema;
mod scripts;
mod server;

/// Where the Worker's package is.
const WORKER: &str = env!("CARGO_MANIFEST_DIR");
