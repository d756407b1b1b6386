//! The way to a Roster.

use crate::client::Answer;
use crate::native::{Native, Storage};
use crate::server::{self, Server, State};
use serde_json::Value;
use std::sync::OnceLock;

pub const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// A Roster that can be called, and whose log can be read.
pub trait Transport: Sync {
    /// Sends a request, and answers what comes back. `headers` as (name, value).
    fn exchange(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer;

    /// The log line of a request.
    fn log_line(&self, request_id: &str) -> Value;

    /// All that was printed so far.
    fn printed(&self) -> String;
}

/// The Roster that most tests share.
pub fn shared() -> &'static dyn Transport {
    static NATIVE: OnceLock<Native> = OnceLock::new();
    match native_storage() {
        Some(storage) => NATIVE.get_or_init(|| Native::start(storage, &[("ADMIN_TOKEN", ADMIN_TOKEN)])),
        None => server::shared(),
    }
}

/// Starts a Roster with just these variables, and nothing stored.
pub fn start(variables: &[(&str, &str)]) -> Box<dyn Transport> {
    match native_storage() {
        Some(storage) => Box::new(Native::start(storage, variables)),
        None => Box::new(Server::start(&State::new(), variables)),
    }
}

/// The native Roster that `ROSTER_TRANSPORT` asks for. By default it is the real Worker.
fn native_storage() -> Option<Storage> {
    match std::env::var("ROSTER_TRANSPORT").as_deref() {
        Err(_) | Ok("worker") => None,
        Ok("native") => Some(Storage::Reference),
        Ok("sqlite") => Some(Storage::Sqlite),
        Ok(other) => panic!("ROSTER_TRANSPORT is worker, native or sqlite, not {other}"),
    }
}
