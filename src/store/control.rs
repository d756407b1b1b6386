//! The port to keys and projects.

use super::{Caller, StoreError};
use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord};
use crate::placement::Storage;
use crate::time::Timestamp;

/// Keeps keys and projects.
///
/// An implementation MUST make every write durable and readable before it answers `Ok`, and make it harmless to try again
/// after any error. It does NOT check the caller, and it does not cache.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait ControlStore {
    /// Succeeds if the store can be reached.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The key with this hash, revoked and expired ones included, and its project's storage.
    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError>;

    /// Stores a key, and its project if there is none yet: with the storage that the record has.
    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError>;

    /// All keys, or those of one project, oldest first.
    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError>;

    /// Revokes a key as of `now`, and answers it. A key that is already revoked keeps its date. None: no such key.
    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<Option<Caller>, StoreError>;

    /// Moves a key's `last_used_at` forward to `now`.
    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError>;

    /// The project of this name; makes it, dated `now` and with this storage, if there is none. If there is one and
    /// `change` is true, changes its storage, unless it has ever had a key: in one atomic step.
    async fn ensure_project(
        &self,
        name: &Project,
        storage: Storage,
        change: bool,
        now: Timestamp,
    ) -> Result<ProjectRecord, StoreError>;

    /// The project of this name. None: there is none.
    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError>;

    /// All projects, in the order of their names.
    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError>;
}
