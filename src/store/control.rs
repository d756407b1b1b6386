//! The port to keys and projects.

use super::StoreError;
use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord};
use crate::time::Timestamp;

/// Keeps keys and projects.
///
/// An implementation MUST make every write durable and readable before it answers `Ok`, and make it harmless to ask again
/// after any error. It does NOT check the caller, and it does not cache.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait ControlStore {
    /// Succeeds if the store can be reached.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The key with this hash, revoked and expired ones included.
    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError>;

    /// Stores a key, and its project if there is none yet.
    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError>;

    /// All keys, or those of one project, oldest first.
    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError>;

    /// Revokes a key as of `now`. A key that is already revoked keeps its date. False: no such key.
    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Moves a key's `last_used_at` forward to `now`.
    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError>;

    /// The project of this name; makes it, dated `now`, if there is none.
    async fn ensure_project(&self, name: &Project, now: Timestamp) -> Result<ProjectRecord, StoreError>;

    /// The project of this name. None: there is none.
    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError>;

    /// All projects, in the order of their names.
    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError>;
}
