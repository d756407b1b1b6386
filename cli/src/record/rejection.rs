//! A record that was not stored, and why.

use super::raw_json;
use roster::json;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::error::Error;
use std::fmt;

/// One record of the file of refused records.
#[derive(Debug)]
pub struct Rejection {
    pub line: u64,
    /// Of NDJSON the record's object, or a text that is no JSON object as a JSON string. Of CSV the row as it is written.
    pub record: Vec<u8>,
    /// `code`, `message` and `details`, as the API has them.
    pub error: Box<RawValue>,
}

impl Rejection {
    /// Rejects a record before it is sent.
    pub fn new(line: u64, record: impl Into<Vec<u8>>, reason: &RejectReason) -> Self {
        Rejection { line, record: record.into(), error: reason.to_json() }
    }

    /// Rejects a line of NDJSON that is no JSON object.
    pub fn from_text(line: u64, text: &[u8], reason: &RejectReason) -> Self {
        Rejection::new(line, json::string(&String::from_utf8_lossy(text)), reason)
    }

    /// `{"line", "record", "error"}`.
    pub fn write_ndjson(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(format!("{{\"line\":{},\"record\":", self.line).as_bytes());
        output.extend_from_slice(&self.record);
        output.extend_from_slice(format!(",\"error\":{}}}\n", self.error.get()).as_bytes());
    }

    /// The row, behind the cells of [`REFUSED_COLUMNS`].
    pub fn write_csv(&self, delimiter: u8, output: &mut Vec<u8>) {
        let (reason, delimiter) = (self.reason().replace('"', "\"\""), char::from(delimiter));
        output.extend_from_slice(format!("{}{delimiter}\"{reason}\"{delimiter}", self.line).as_bytes());
        output.extend_from_slice(&self.record);
        output.push(b'\n');
    }

    /// Why, for people.
    pub fn reason(&self) -> String {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Reason {
            code: String,
            message: String,
            details: Details,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Details {
            issue: String,
        }
        let Reason { code, message, details } = serde_json::from_str(self.error.get()).unwrap_or_default();
        [code, message, details.issue].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    }
}

/// The columns before those of the input in a table of refused rows.
pub const REFUSED_COLUMNS: [&str; 2] = ["refused_line", "refused_reason"];

/// Why the tool itself rejects a record, in the API's terms.
#[derive(Debug)]
pub enum RejectReason {
    /// Not JSON, not UTF-8, or not a row of the table.
    Unreadable(String),
    /// JSON of this type instead of an object.
    NotAnObject(&'static str),
    /// The user's data show that something was lost before they came here.
    Doubtful(String),
    /// A batch of this record alone would exceed this many bytes. `kept` says how much of it the rejection has.
    TooLarge { limit_bytes: usize, kept: String },
}

impl RejectReason {
    fn to_json(&self) -> Box<RawValue> {
        let message = self.to_string();
        let error = match self {
            RejectReason::Doubtful(_) => serde_json::json!({"code": "INVALID_VALUE", "message": message}),
            RejectReason::Unreadable(_) => serde_json::json!({"code": "INVALID_REQUEST", "message": message}),
            RejectReason::NotAnObject(received) => serde_json::json!({
                "code": "INVALID_TYPE",
                "message": message,
                "details": {"expected": "object", "received": received},
            }),
            RejectReason::TooLarge { limit_bytes, .. } => serde_json::json!({
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
            RejectReason::Unreadable(message) | RejectReason::Doubtful(message) => f.write_str(message),
            RejectReason::NotAnObject(received) => write!(f, "Expected object, received {received}"),
            RejectReason::TooLarge { limit_bytes, kept } => {
                write!(
                    f,
                    "A batch of this record alone exceeds {limit_bytes} bytes{kept}: \
                     send its members in several records of this user"
                )
            }
        }
    }
}

impl Error for RejectReason {}
