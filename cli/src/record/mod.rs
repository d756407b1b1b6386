//! One user on the way in.

use crate::split::split;
use roster::json::{self, Object, Value};
use serde::Serialize;
use serde_json::value::RawValue;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::slice;

/// A place between two records of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Bytes before it.
    pub offset: u64,
    /// Line feeds before it.
    pub lines: u64,
}

/// A record that was read, and the place behind it.
pub struct Read {
    pub outcome: Result<Record, Refused>,
    pub end: Mark,
}

/// A record that can be sent: the text of one JSON object.
#[derive(Debug)]
pub struct Record {
    /// The line where it begins, from 1.
    pub line: u64,
    pub json: String,
    /// What to send in its place, unless empty: see [`split`].
    pub parts: Vec<String>,
    /// None if the server will refuse it for having no sound `user_id`.
    pub user: Option<UserHash>,
}

impl Record {
    /// A record of this object. It answers what makes it of its text, which it borrows.
    pub fn of(object: &Object) -> impl FnOnce(u64, String) -> Self + use<> {
        let (user, parts) = (UserHash::of(object), split(object));
        move |line, json| Record { line, json, parts, user }
    }

    /// The texts to send.
    pub fn texts(&self) -> &[String] {
        if self.parts.is_empty() { slice::from_ref(&self.json) } else { &self.parts }
    }
}

/// Stands for a `user_id`. Two that collide only wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserHash(u64);

impl UserHash {
    /// That of the user whom this object tells of.
    fn of(object: &Object) -> Option<Self> {
        let Value::String(id) = object.get("user_id")? else { return None };
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        Some(UserHash(hasher.finish()))
    }
}

/// A record that was not stored, as it is written down.
#[derive(Debug, Serialize)]
pub struct Refused {
    pub line: u64,
    /// The object that was sent, or the text that can't be sent as a string.
    pub record: Box<RawValue>,
    /// `code`, `message` and `details` in the form of the API.
    pub error: Box<RawValue>,
}

impl Refused {
    /// Refuses a text before it is sent.
    pub fn text(line: u64, text: &[u8], error: &LocalError) -> Self {
        Refused { line, record: raw(json::string(&String::from_utf8_lossy(text))), error: error.to_json() }
    }

    /// Refuses an object before it is sent.
    pub fn object(line: u64, json: String, error: &LocalError) -> Self {
        Refused { line, record: raw(json), error: error.to_json() }
    }
}

/// The JSON of a text that is known to be JSON.
pub fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_default()
}

/// Why a record is refused here, as the API would say it.
#[derive(Debug)]
pub enum LocalError {
    /// Not JSON, not UTF-8, or not a row of the table.
    Unreadable(String),
    /// JSON of another type than an object.
    NotAnObject(&'static str),
    /// A batch of it alone would exceed this many bytes.
    TooLarge { limit_bytes: usize },
}

impl LocalError {
    fn to_json(&self) -> Box<RawValue> {
        let error = match self {
            LocalError::Unreadable(message) => serde_json::json!({"code": "INVALID_REQUEST", "message": message}),
            LocalError::NotAnObject(received) => serde_json::json!({
                "code": "INVALID_TYPE",
                "message": format!("Expected object, received {received}"),
                "details": {"expected": "object", "received": received},
            }),
            LocalError::TooLarge { limit_bytes } => serde_json::json!({
                "code": "PAYLOAD_TOO_LARGE",
                "message": format!("A batch of this record alone exceeds {limit_bytes} bytes"),
                "details": {"limit_bytes": limit_bytes},
            }),
        };
        raw(error.to_string())
    }
}
