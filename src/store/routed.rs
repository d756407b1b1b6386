//! The store of users, wherever each project has them.

use super::moving::{Done, Places, Task};
use super::{
    Access, ChangedUser, ChangesPage, Filter, FollowFrom, IfMatch, Outcome, OwnReads, Page, Share, StoreError,
    StoredUser, Upserted, UserStore, UserWrite, Walk, Walked,
};
use crate::key::{Project, ProjectRecord};
use crate::placement::{Place, Storage};
use crate::user::{ExternalId, NewUser};
use std::rc::Rc;

/// Uses one store or the other, as the calling key's project says.
#[derive(Clone, Debug)]
pub struct RoutedStore<D, O> {
    /// For projects in D1.
    pub d1: Rc<D>,
    /// For projects in objects.
    pub objects: O,
}

impl<D: OwnReads, O: OwnReads> OwnReads for RoutedStore<D, O> {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        match project.storage {
            Storage::D1 => self.d1.changes_of(project, from, limit).await,
            Storage::Objects(_) => self.objects.changes_of(project, from, limit).await,
        }
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        match project.storage {
            Storage::D1 => self.d1.states_of(project, ids).await,
            Storage::Objects(_) => self.objects.states_of(project, ids).await,
        }
    }
}

impl<D: UserStore, O: UserStore> UserStore for RoutedStore<D, O> {
    async fn upsert_user(
        &self,
        access: Access<'_>,
        user: &NewUser,
        if_match: Option<&IfMatch>,
        new_id: &str,
    ) -> Result<Upserted, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.upsert_user(access, user, if_match, new_id).await,
            Storage::Objects(_) => self.objects.upsert_user(access, user, if_match, new_id).await,
        }
    }

    async fn write_users(&self, access: Access<'_>, writes: &[UserWrite<'_>]) -> Result<Vec<Outcome>, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.write_users(access, writes).await,
            Storage::Objects(_) => self.objects.write_users(access, writes).await,
        }
    }

    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.find_user(access, id).await,
            Storage::Objects(_) => self.objects.find_user(access, id).await,
        }
    }

    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.delete_user(access, id, if_match).await,
            Storage::Objects(_) => self.objects.delete_user(access, id, if_match).await,
        }
    }

    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.list_users(access, filter, after, limit).await,
            Storage::Objects(_) => self.objects.list_users(access, filter, after, limit).await,
        }
    }

    async fn list_changes(&self, access: Access<'_>, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.list_changes(access, from, limit).await,
            Storage::Objects(_) => self.objects.list_changes(access, from, limit).await,
        }
    }

    async fn find_users(&self, access: Access<'_>, ids: &[ExternalId]) -> Result<Option<Vec<StoredUser>>, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.find_users(access, ids).await,
            Storage::Objects(_) => self.objects.find_users(access, ids).await,
        }
    }

    async fn walk_users(
        &self,
        access: Access<'_>,
        walk: &Walk<'_>,
        shares: &[Share],
    ) -> Result<Vec<Walked>, StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.walk_users(access, walk, shares).await,
            Storage::Objects(_) => self.objects.walk_users(access, walk, shares).await,
        }
    }

    async fn refuse_key(&self, access: Access<'_>) -> Result<(), StoreError> {
        match access.caller.record.residence.place.storage {
            Storage::D1 => self.d1.refuse_key(access).await,
            Storage::Objects(_) => self.objects.refuse_key(access).await,
        }
    }
}

impl<D: Places, O: Places> Places for RoutedStore<D, O> {
    async fn ask(&self, project: &Project, place: Place, tasks: Vec<(u8, Task)>) -> Result<Vec<Done>, StoreError> {
        match place.storage {
            Storage::D1 => self.d1.ask(project, place, tasks).await,
            Storage::Objects(_) => self.objects.ask(project, place, tasks).await,
        }
    }
}
