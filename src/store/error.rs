//! The errors of stores.

use std::fmt;

/// Why a store failed. The strings are for the log, not for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The calling key is revoked, expired or gone; or the users of its project are elsewhere, or about to be. Nothing was read
    /// or written.
    KeyNotLive,
    /// The result would break a limit. Nothing was written.
    Refused(StoredLimit),
    /// The user is not one that the condition means, but of this revision, or not there. Nothing was written.
    RevisionChanged(Option<u64>),
    /// A deletion was forgotten that a follower has not met.
    CursorExpired,
    /// Overloaded or out of reach. Trying again later is harmless and may help.
    Unavailable(String),
    /// Broken. Trying again is harmless and will not help.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::KeyNotLive => f.write_str("the calling key is not live"),
            StoreError::Refused(limit) => write!(f, "stored limit: {limit:?}"),
            StoreError::RevisionChanged(_) => f.write_str("the user is of another revision"),
            StoreError::CursorExpired => f.write_str("a deletion was forgotten that the follower has not met"),
            StoreError::Unavailable(cause) => write!(f, "store unavailable: {cause}"),
            StoreError::Failed(cause) => write!(f, "store failed: {cause}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A limit on what is stored, which only the store can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredLimit {
    /// More than [`MAX_MEMBERS`](crate::bounds::MAX_MEMBERS) members directly in `properties`.
    PropertyKeys,
    /// More than [`MAX_MEMBERS`](crate::bounds::MAX_MEMBERS) members directly in `origin`.
    OriginKeys,
    /// A profile of more than [`MAX_PROFILE_BYTES`](crate::bounds::MAX_PROFILE_BYTES).
    ProfileBytes,
}
