//! The port to keys and projects.

use super::moving::{Move, Moving};
use super::{Caller, StoreError};
use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord, WebhookRecord};
use crate::placement::{Place, Residence, Storage};
use crate::time::Timestamp;

/// Keeps keys and projects.
///
/// An implementation MUST make every write durable and readable before it answers `Ok`, and make it harmless to try again
/// after any error. It does NOT check the caller, and it does not cache.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait ControlStore {
    /// Succeeds if the store can be reached.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The key with this hash, revoked and expired ones included, and where its project's users are.
    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError>;

    /// Stores a key, and its project if there is none yet: in the place that the record has.
    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError>;

    /// All keys, or those of one project, oldest first.
    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError>;

    /// Revokes a key as of `now`, and answers it. A key that is already revoked keeps its date. None: no such key.
    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<Option<RevokedKey>, StoreError>;

    /// Moves a key's `last_used_at` forward to `now`.
    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError>;

    /// The project of this name; makes it, dated `now` and with this storage, if there is none. If there is one and
    /// `change` is true, changes its storage, unless it has ever had a key or was ever moved: in one atomic step.
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

    /// Where the project of this name is, and its last move. None: there is no such project.
    async fn find_move(&self, name: &Project) -> Result<Option<Moving>, StoreError>;

    /// Stores how far a move of a project is and where the project's users are, in one atomic step, if the stored move is
    /// `before`, or is stored so already. False: it is another one.
    async fn save_move(
        &self,
        name: &Project,
        before: Option<&Move>,
        after: &Move,
        residence: Residence,
    ) -> Result<bool, StoreError>;

    /// The hashes of all keys of a project that are revoked.
    async fn revoked_keys(&self, name: &Project) -> Result<Vec<String>, StoreError>;

    /// Stores a webhook of a project that is there, unless it has [`MAX_WEBHOOKS`](crate::bounds::MAX_WEBHOOKS) others: in one
    /// atomic step. Whether it is stored.
    async fn create_webhook(&self, webhook: &WebhookRecord) -> Result<bool, StoreError>;

    /// All webhooks, or those of one project, oldest first.
    async fn list_webhooks(&self, project: Option<&Project>) -> Result<Vec<WebhookRecord>, StoreError>;

    /// The webhook with this id. None: there is none.
    async fn find_webhook(&self, id: &str) -> Result<Option<WebhookRecord>, StoreError>;

    /// Forgets a webhook, if it is there.
    async fn delete_webhook(&self, id: &str) -> Result<(), StoreError>;
}

/// A key that is revoked.
#[derive(Clone, Debug)]
pub struct RevokedKey {
    /// The key, as it may call still where nobody knows it yet.
    pub caller: Caller,
    /// The place that its project is about to move to: it must not call there either.
    pub also_in: Option<Place>,
}
