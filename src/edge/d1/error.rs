//! Classifies D1's errors by what to do about them.

use super::DEADLINE;
use crate::store::StoreError;
use crate::store::sql::broken_limit;
use worker::wasm_bindgen::{JsCast, JsValue};

pub enum Failure {
    /// Worth a retry.
    Transient(String),
    Final(StoreError),
}

impl Failure {
    pub fn late() -> Self {
        Failure::Final(StoreError::Unavailable(format!("D1: no answer within {DEADLINE:?}")))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Transient(cause) => StoreError::Unavailable(cause),
            Failure::Final(error) => error,
        }
    }
}

impl From<JsValue> for Failure {
    /// Classifies D1's errors by their text: they carry no code.
    /// Source: Cloudflare, "Debug D1: Error list".
    fn from(thrown: JsValue) -> Self {
        const TRANSIENT: [&str; 7] = [
            "Network connection lost",
            "reset because its code was updated",
            "Internal error while starting up D1 DB storage",
            "Internal error in D1 DB storage",
            "Cannot resolve D1 DB due to transient issue",
            "Can't read from request stream because client disconnected",
            UNREADABLE,
        ];
        // At its limits: to try again at once would add to the load.
        const EXHAUSTED: [&str; 4] =
            ["overloaded", "exceeded timeout", "exceeded its memory limit", "exceeded its CPU time limit"];
        // The tables are older than this Worker, or were never made.
        const UNMIGRATED: [&str; 2] = ["no such table", "no such column"];
        let cause = message(&thrown);
        let tells = |texts: &[&str]| texts.iter().any(|text| cause.contains(text));
        if let Some(limit) = broken_limit(&cause) {
            Failure::Final(StoreError::Refused(limit))
        } else if tells(&TRANSIENT) {
            Failure::Transient(cause)
        } else if tells(&EXHAUSTED) {
            Failure::Final(StoreError::Unavailable(cause))
        } else if tells(&UNMIGRATED) {
            Failure::Final(StoreError::Failed(format!(
                "{cause}: apply the migrations (wrangler d1 migrations apply roster --local, or --remote)"
            )))
        } else {
            Failure::Final(StoreError::Failed(cause))
        }
    }
}

/// The runtime's message for an answer that is not JSON. The answer itself follows it.
const UNREADABLE: &str = "Failed to parse body as JSON";

/// The text of an error.
fn message(thrown: &JsValue) -> String {
    let error = thrown.dyn_ref::<js_sys::Error>();
    let mut message = error.map_or_else(|| "unknown".to_owned(), |error| error.message().into());
    if let Some(at) = message.find(UNREADABLE) {
        // D1's raw answer may hold user data: never log it or classify errors by it.
        message.truncate(at + UNREADABLE.len());
    }
    message
}
