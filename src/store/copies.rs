//! The port to copies of users.

use crate::time::Timestamp;

/// Keeps copies of users by name, for those who would rather read an older state sooner.
///
/// It may lose a copy at any time, and may go on answering one that was replaced or removed: whoever reads judges a copy
/// by its `read_at`. An implementation MUST log what fails, and MUST NOT let a caller wait for long.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait CopyStore {
    /// The copy of this name. None: there is none, or it can't be had in time.
    async fn find(&self, name: &str) -> Option<UserCopy>;

    /// Keeps a copy for `lifetime_s` seconds, within [`COPY_MAX_AGE_S`](crate::bounds::COPY_MAX_AGE_S).
    async fn put(&self, name: &str, copy: &UserCopy, lifetime_s: u32);

    /// Removes a copy, if there is one, and tries again if it was written too short a time ago.
    async fn remove(&self, name: &str);
}

/// A user as `GET` showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCopy {
    /// The body of the answer.
    pub body: String,
    /// The user's revision.
    pub revision: u64,
    /// A moment just before the user was read: what changed later may be missing.
    pub read_at: Timestamp,
}
