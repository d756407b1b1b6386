//! The storage port: what Roster asks of whatever keeps its users and keys.

use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord};
use crate::time::Timestamp;
use crate::user::{Email, ExternalId, NewUser, Phone};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt;

/// Keeps users and keys.
///
/// An implementation MUST
/// - make every write durable and readable before it answers `Ok`;
/// - merge a patch to the byte as [`crate::merge`] does, atomically with respect to every other write to the same user;
/// - leave a user as it is, revision and `updated_at` included, if the merge changes nothing;
/// - check in the same atomic step that the calling key is live, and write nothing for one that is not;
/// - write nothing when it answers `Err(Refused)`, and make it harmless to ask again after any other error.
///
/// It does NOT check scopes, rate limits or the shape of a user, and it does not cache.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Store {
    /// Answers if the store can be reached at all.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The key with this hash, revoked and expired ones included.
    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError>;

    /// Creates the user with the id `new_id`, or merges the patch into the one that is there, in the caller's project.
    /// `None`: the calling key is not live.
    async fn upsert_user(
        &self,
        caller: &KeyHash,
        user: &NewUser,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Option<Upserted>, StoreError>;

    /// The user with this id in the caller's project, or `Some(None)` if there is none. `None`: the calling key is not
    /// live.
    async fn find_user(
        &self,
        caller: &KeyHash,
        id: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<Option<StoredUser>>, StoreError>;

    /// Does what [`Store::upsert_user`] does for each user in turn, in one atomic step, and answers for each in turn. One
    /// that would break a limit is refused alone. Each comes with the id that it gets if it is new. `None`: the calling
    /// key is not live, and nothing was written.
    async fn upsert_users(
        &self,
        caller: &KeyHash,
        users: &[(&NewUser, String)],
        now: Timestamp,
    ) -> Result<Option<Vec<Result<Upserted, StoredLimit>>>, StoreError>;

    /// Deletes the user with this id in the caller's project, and everything that was derived from it. False: there was
    /// none. A try that took effect unheard makes the next one answer false. `None`: the calling key is not live.
    async fn delete_user(&self, caller: &KeyHash, id: &ExternalId, now: Timestamp) -> Result<Option<bool>, StoreError>;

    /// The caller's users that pass the filter, behind `after` and in the filter's order: at most `limit`, and fewer where
    /// they would be too much to hold at once, but at least one if there is one. `None`: the calling key is not live.
    ///
    /// The default order and a filter by e-mail or phone MUST cost what the page costs, however many users there are. By
    /// `updated_after` it may cost a look at every user that passes the rest of the filter.
    async fn list_users(
        &self,
        caller: &KeyHash,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Page>, StoreError>;

    /// Stores a key, and its project if there is none yet.
    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError>;

    /// All keys, or those of one project, in the order they were made.
    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError>;

    /// Revokes a key from `now` on; one that was revoked before stays revoked from then. False: no such key.
    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Moves a key's `last_used_at` forward to `now`.
    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError>;

    /// The project of this name, which is made at `now` if there is none.
    async fn ensure_project(&self, name: &Project, now: Timestamp) -> Result<ProjectRecord, StoreError>;

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError>;

    /// All projects, in the order of their names.
    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError>;
}

/// A stored user, as an upsert answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upserted {
    /// Roster's own id.
    pub id: String,
    pub created: bool,
}

/// A user as it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct StoredUser {
    /// Roster's own id.
    #[serde(rename = "user_id")]
    pub id: String,
    pub external_id: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// JSON text, digit for digit as it is stored.
    pub properties: Box<RawValue>,
    pub origin: Box<RawValue>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Grows with each change of this user, and from one user of this id to the next.
    #[serde(skip)]
    pub revision: u64,
}

/// Which users to list. They come in the order of their `external_id`'s bytes, or with `updated_after` in that of
/// (`updated_at`, `external_id`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    pub email: Option<Email<'a>>,
    pub phone: Option<Phone<'a>>,
    /// Only users that changed later than this.
    pub updated_after: Option<Timestamp>,
}

/// A place in either order, that of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub updated_at: Timestamp,
    pub external_id: String,
}

/// Some of the users that were asked for.
#[derive(Clone, Debug)]
pub struct Page {
    pub users: Vec<StoredUser>,
    /// Whether there are more behind the last one.
    pub has_more: bool,
}

/// A limit on what is stored, which only the store can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredLimit {
    /// More than [`MAX_KEYS`](crate::user::MAX_KEYS) keys directly in `properties`.
    PropertyKeys,
    /// More than [`MAX_KEYS`](crate::user::MAX_KEYS) keys directly in `origin`.
    OriginKeys,
    /// A profile of more than [`MAX_PROFILE_BYTES`] bytes.
    ProfileBytes,
}

/// Bytes of a whole profile as JSON text: 256 KiB.
pub const MAX_PROFILE_BYTES: usize = 262_144;

/// Why the store did not do as asked. The strings are causes for the log, not for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The result would break a limit. Nothing was written.
    Refused(StoredLimit),
    /// Overloaded or out of reach. Asking again later is harmless and may help.
    Unavailable(String),
    /// Broken. Asking again is harmless and will not help.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Refused(limit) => write!(f, "stored limit: {limit:?}"),
            StoreError::Unavailable(cause) => write!(f, "store unavailable: {cause}"),
            StoreError::Failed(cause) => write!(f, "store failed: {cause}"),
        }
    }
}
