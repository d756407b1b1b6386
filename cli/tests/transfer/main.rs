//! The tool against the real Worker in `wrangler dev`.
//!
//! Each test has a project and a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test has a clock")]

#[expect(dead_code, reason = "shared with the tests of the contract")]
#[path = "../../../tests/contract/client.rs"]
mod client;
mod export;
mod failures;
mod fake;
mod import;
mod keys;
mod resume;
#[expect(dead_code, reason = "shared with the tests of the contract")]
#[path = "../../../tests/contract/server.rs"]
mod server;
mod tool;

/// Where the Worker's package is.
const WORKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
