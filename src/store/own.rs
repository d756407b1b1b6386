//! The port to users for Roster itself.

use super::{ChangedUser, ChangesPage, FollowFrom, StoreError};
use crate::key::ProjectRecord;

/// Reads users for Roster itself, in work that no request's key stands behind.
///
/// It is apart from [`UserStore`](super::UserStore), so that no handler of a request can call it. `Err(KeyNotLive)` says that
/// there is no such project.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait OwnReads {
    /// Does what [`UserStore::list_changes`](super::UserStore::list_changes) does.
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError>;

    /// The users with these ids as they are now, those who are gone too. Who is neither there nor known to be gone is left
    /// out; so are the last ones if all would be too large to hold in memory, but the first one never.
    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError>;
}
