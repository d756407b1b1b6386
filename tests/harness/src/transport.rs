//! The way to a Roster.

use crate::client::Answer;
use crate::native::Native;
use crate::server::{self, Server, State};
use serde_json::Value;
use std::sync::LazyLock;

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
    static NATIVE: LazyLock<Native> = LazyLock::new(|| Native::start(&[("ADMIN_TOKEN", ADMIN_TOKEN)]));
    if is_native() { &*NATIVE } else { server::shared() }
}

/// Starts a Roster with just these variables, and nothing stored.
pub fn start(variables: &[(&str, &str)]) -> Box<dyn Transport> {
    if is_native() { Box::new(Native::start(variables)) } else { Box::new(Server::start(&State::new(), variables)) }
}

/// Whether `ROSTER_TRANSPORT` asks for the Roster in memory. By default it is the real Worker.
fn is_native() -> bool {
    match std::env::var("ROSTER_TRANSPORT").as_deref() {
        Err(_) | Ok("worker") => false,
        Ok("native") => true,
        Ok(other) => panic!("ROSTER_TRANSPORT is worker or native, not {other}"),
    }
}
