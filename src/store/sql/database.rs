//! The ports to databases: D1, and the one within an object.

use crate::store::{StoreError, StoredLimit};
use crate::time::Timestamp;
use serde::de::DeserializeOwned;

/// A SQLite database that has the tables of `migrations/`.
///
/// An implementation MUST answer `Err(Refused)` if [`broken_limit`] says so, and `Err(Unavailable)` if trying again may
/// help. All statements are harmless to run again: an implementation may do so after an error. Rows are read by serde,
/// each as an object with its columns; an error MUST NOT repeat them, since they hold user data.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Database {
    /// The rows that a statement answers.
    async fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError>;

    /// The rows of each of several statements, run one after the other in one transaction.
    async fn query_all<T: DeserializeOwned>(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<T>>, StoreError>;

    /// The same of two, whose rows differ.
    async fn query_pair<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        first: Statement<'_>,
        second: Statement<'_>,
    ) -> Result<(Vec<T>, Vec<U>), StoreError>;

    /// Runs a statement for which no client waits: once.
    async fn run_in_background(&self, statement: Statement<'_>) -> Result<(), StoreError>;
}

/// The SQLite database of one object. Nothing else runs between two of its statements that no wait separates.
///
/// An implementation MUST answer `Err(Refused)` if [`broken_limit`] says so. A statement
/// that fails leaves no trace, but it does not undo earlier ones. An error MUST NOT repeat rows, which hold user data.
pub trait LocalDatabase {
    /// The rows that a statement answers.
    fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError>;

    /// Does what [`LocalDatabase::query`] does, of a text that may never come again: an implementation MUST NOT keep it.
    fn query_once<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        self.query(statement)
    }

    /// Bytes that it takes.
    fn size_bytes(&self) -> u64;

    /// Runs statements without parameters, one after the other.
    fn run_script(&self, script: &str) -> Result<(), StoreError>;

    /// Removes all tables.
    fn clear(&self) -> Result<(), StoreError>;

    /// Undoes what `work` has written if it fails.
    fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError>;
}

/// A statement, and the values of its parameters ?1, ?2 and so on.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The text.
    pub sql: &'a str,
    /// In the order of their numbers.
    pub values: &'a [Value<'a>],
}

/// What a parameter can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A text.
    Text(&'a str),
    /// A whole number below 2^53, which an f64 holds exactly.
    Number(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

/// As milliseconds.
impl From<Timestamp> for Value<'_> {
    fn from(at: Timestamp) -> Self {
        Value::Number(at.as_ms())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// The limits by the names of the constraints that check them.
const LIMITS: [(&str, StoredLimit); 3] = [
    ("profile_bytes", StoredLimit::ProfileBytes),
    ("property_keys", StoredLimit::PropertyKeys),
    ("origin_keys", StoredLimit::OriginKeys),
];

/// The limit whose constraint has this name.
pub(super) fn limit_named(name: &str) -> Option<StoredLimit> {
    LIMITS.iter().find(|(known, _)| *known == name).map(|(_, limit)| *limit)
}

/// What went wrong with a statement, by the message of SQLite's error.
///
/// A full database is unavailable: nothing is lost, and it takes writes again once the operator has made room.
pub fn failure(message: String) -> StoreError {
    match broken_limit(&message) {
        Some(limit) => StoreError::Refused(limit),
        None if message.contains("database or disk is full") || message.contains("SQLITE_FULL") => {
            StoreError::Unavailable("the database is full: move its users to more objects".into())
        }
        None => StoreError::Failed(message),
    }
}

/// The limit that a statement would break, by the message of SQLite's error.
pub fn broken_limit(message: &str) -> Option<StoredLimit> {
    let is_broken = |name: &str| message.contains(&format!("CHECK constraint failed: {name}"));
    LIMITS.iter().find(|(name, _)| is_broken(name)).map(|(_, limit)| *limit)
}
