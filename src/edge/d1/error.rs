//! Classifies D1's errors by what to do about them.

use super::DEADLINE;
use crate::store::StoreError;
use crate::store::sql::broken_limit;

pub enum Failure {
    /// Worth a retry.
    Transient(String),
    Final(StoreError),
}

impl Failure {
    pub fn unreadable() -> Self {
        Failure::Final(StoreError::Failed("D1: rows can't be read".into()))
    }

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

impl From<worker::Error> for Failure {
    /// Classifies D1's errors by their text: they carry no code.
    /// Source: Cloudflare, "Debug D1: Error list".
    fn from(error: worker::Error) -> Self {
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
        let cause = message(&error);
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

/// The text of an error. Not its `Display`, which can throw for one of D1's.
fn message(error: &worker::Error) -> String {
    let mut message = match error {
        worker::Error::D1(error) => AsRef::<js_sys::Error>::as_ref(error).message().into(),
        worker::Error::UnknownJsError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    if let Some(at) = message.find(UNREADABLE) {
        // D1's raw answer may hold user data: never log it or classify errors by it.
        message.truncate(at + UNREADABLE.len());
    }
    message
}
