//! What tests call Roster by: a client whose calls take the expected status, so that a test reads as a script, and two
//! transports for it: over HTTP to the real Worker in `wrangler dev`, and natively to the one in memory.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(missing_docs, reason = "tests read its names")]
#![expect(clippy::disallowed_methods, reason = "a client has a clock")]

mod client;
pub mod contract;
mod native;
pub mod receiver;
pub mod server;
mod transport;

pub use client::{Answer, Client, Lasting, Project, buckets, in_ms, project};
pub use transport::{ADMIN_TOKEN, Transport, shared, start};

/// Where the Worker's package is.
const WORKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
