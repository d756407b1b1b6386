//! One user on the way in.

mod rejection;

pub use rejection::{REFUSED_COLUMNS, RejectReason, Rejection};

use roster::bounds::MAX_BATCH_BYTES;
use roster::json::{Object, Value};
use serde_json::value::RawValue;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What stands before and behind the records in the body of a batch.
pub const BATCH_ENVELOPE: [&str; 2] = [r#"{"users":["#, "]}"];
/// Bytes of the largest record that a batch has room for.
pub const MAX_RECORD_BYTES: usize = MAX_BATCH_BYTES - BATCH_ENVELOPE[0].len() - BATCH_ENVELOPE[1].len();

/// A place between two records of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Line feeds before it.
    pub lines: u64,
}

/// What parsing one record of a file led to.
pub struct Parsed {
    pub outcome: Result<Record, Rejection>,
    /// Where the next record begins.
    pub end: Position,
}

/// A record that can be sent: the text of one JSON object.
#[derive(Debug)]
pub struct Record {
    /// The line where it begins, from 1.
    pub line: u64,
    pub json: String,
    /// None if it has no string `user_id`: the server will refuse it.
    pub user: Option<UserHash>,
    /// The text of its row. Only in CSV.
    pub row: Option<Vec<u8>>,
}

impl Record {
    /// Takes what it needs from the parsed object. Returns a constructor that takes the object's text, because the
    /// object borrows from it.
    pub fn from_object(object: &Object) -> impl FnOnce(u64, String, Option<Vec<u8>>) -> Self + use<> {
        let user = UserHash::from_object(object);
        move |line, json, row| Record { line, json, user, row }
    }
}

/// Stands for a `user_id`. Two users whose hashes collide only wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserHash(u64);

impl UserHash {
    fn from_object(object: &Object) -> Option<Self> {
        let Value::String(id) = object.get("user_id")? else { return None };
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        Some(UserHash(hasher.finish()))
    }
}

/// Wraps a text that is known to be JSON.
pub fn raw_json(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_default()
}
