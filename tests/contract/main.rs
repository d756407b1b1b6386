//! The wire contract. `scripts` speak to Roster over any transport: to the real Worker in `wrangler dev`, or natively to
//! the one in memory if `ROSTER_TRANSPORT` is `native`, or on SQLite if it is `sqlite`. All else needs the Worker.
//!
//! Each test has a project of its own, so that none sees another's users or quota.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a client has a clock")]

mod asking;
mod conformance;
mod console;
mod crash;
mod dev;
mod examples;
mod faults;
mod follow;
mod hops;
mod limit;
mod model;
mod moving;
mod observed;
mod page;
mod schema;
mod scripts;
mod sdks;
mod versions;
mod webhooks;
mod wire;

/// Where the Worker's package is.
const WORKER: &str = env!("CARGO_MANIFEST_DIR");
