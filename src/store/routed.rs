//! The store of users, wherever each project has them.

use super::{Caller, Expected, Filter, Page, Position, StoreError, StoredLimit, StoredUser, Upserted, UserStore};
use crate::placement::Storage;
use crate::time::Timestamp;
use crate::user::{ExternalId, NewUser};
use std::rc::Rc;

/// Asks one store or the other, as the calling key's project says.
#[derive(Clone, Debug)]
pub struct RoutedStore<D, O> {
    /// For projects in D1.
    pub d1: Rc<D>,
    /// For projects in objects.
    pub objects: O,
}

impl<D: UserStore, O: UserStore> UserStore for RoutedStore<D, O> {
    async fn upsert_user(
        &self,
        caller: &Caller,
        user: &NewUser,
        expected: Option<&Expected>,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Upserted, StoreError> {
        match caller.record.storage {
            Storage::D1 => self.d1.upsert_user(caller, user, expected, new_id, now).await,
            Storage::Objects(_) => self.objects.upsert_user(caller, user, expected, new_id, now).await,
        }
    }

    async fn upsert_users(
        &self,
        caller: &Caller,
        users: &[(&NewUser, String)],
        now: Timestamp,
    ) -> Result<Vec<Result<Upserted, StoredLimit>>, StoreError> {
        match caller.record.storage {
            Storage::D1 => self.d1.upsert_users(caller, users, now).await,
            Storage::Objects(_) => self.objects.upsert_users(caller, users, now).await,
        }
    }

    async fn find_user(
        &self,
        caller: &Caller,
        id: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<StoredUser>, StoreError> {
        match caller.record.storage {
            Storage::D1 => self.d1.find_user(caller, id, now).await,
            Storage::Objects(_) => self.objects.find_user(caller, id, now).await,
        }
    }

    async fn delete_user(
        &self,
        caller: &Caller,
        id: &ExternalId,
        expected: Option<&Expected>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match caller.record.storage {
            Storage::D1 => self.d1.delete_user(caller, id, expected, now).await,
            Storage::Objects(_) => self.objects.delete_user(caller, id, expected, now).await,
        }
    }

    async fn list_users(
        &self,
        caller: &Caller,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Page, StoreError> {
        match caller.record.storage {
            Storage::D1 => self.d1.list_users(caller, filter, after, limit, now).await,
            Storage::Objects(_) => self.objects.list_users(caller, filter, after, limit, now).await,
        }
    }

    async fn refuse_key(&self, caller: &Caller, now: Timestamp) -> Result<(), StoreError> {
        match caller.record.storage {
            Storage::D1 => self.d1.refuse_key(caller, now).await,
            Storage::Objects(_) => self.objects.refuse_key(caller, now).await,
        }
    }
}
