//! A record that was not stored, and why.

use super::raw_json;
use roster::json;
use serde::Serialize;
use serde_json::value::RawValue;
use std::error::Error;
use std::fmt;

/// One line of the file of refused records.
#[derive(Debug, Serialize)]
pub struct Rejection {
    pub line: u64,
    /// The record's object. A text that is no JSON object stands here as a string.
    pub record: Box<RawValue>,
    /// `code`, `message` and `details`, as the API has them.
    pub error: Box<RawValue>,
}

impl Rejection {
    /// Rejects a text that can't be sent.
    pub fn from_text(line: u64, text: &[u8], reason: &RejectReason) -> Self {
        Rejection { line, record: raw_json(json::string(&String::from_utf8_lossy(text))), error: reason.to_json() }
    }

    /// Rejects an object before it is sent.
    pub fn from_object(line: u64, json: String, reason: &RejectReason) -> Self {
        Rejection { line, record: raw_json(json), error: reason.to_json() }
    }
}

/// Why the tool itself rejects a record, in the API's terms.
#[derive(Debug)]
pub enum RejectReason {
    /// Not JSON, not UTF-8, or not a row of the table.
    Unreadable(String),
    /// JSON of this type instead of an object.
    NotAnObject(&'static str),
    /// A batch of this record alone would exceed this many bytes.
    TooLarge { limit_bytes: usize },
}

impl RejectReason {
    fn to_json(&self) -> Box<RawValue> {
        let message = self.to_string();
        let error = match self {
            RejectReason::Unreadable(_) => serde_json::json!({"code": "INVALID_REQUEST", "message": message}),
            RejectReason::NotAnObject(received) => serde_json::json!({
                "code": "INVALID_TYPE",
                "message": message,
                "details": {"expected": "object", "received": received},
            }),
            RejectReason::TooLarge { limit_bytes } => serde_json::json!({
                "code": "PAYLOAD_TOO_LARGE",
                "message": message,
                "details": {"limit_bytes": limit_bytes},
            }),
        };
        raw_json(error.to_string())
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RejectReason::Unreadable(message) => f.write_str(message),
            RejectReason::NotAnObject(received) => write!(f, "Expected object, received {received}"),
            RejectReason::TooLarge { limit_bytes } => {
                write!(
                    f,
                    "A batch of this record alone exceeds {limit_bytes} bytes: \
                     send its members in several records of this user"
                )
            }
        }
    }
}

impl Error for RejectReason {}
