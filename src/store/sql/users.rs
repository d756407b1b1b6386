//! The port to users.

use super::SqlStore;
use super::database::{Database, Statement, Value};
use super::rows::{BatchRow, ChangedRows, IdRow, UpsertedRow, UserRow, changes, outcomes, page};
use super::statements::D1;
use crate::bounds::MAX_PAGE_BYTES;
use crate::json;
use crate::store::{
    Access, ChangesEnd, ChangesPage, Filter, FollowFrom, IfMatch, Page, StoreError, StoredLimit, StoredUser, Upserted,
    UserStore,
};
use crate::user::{Change, ExternalId, NewUser, Phone};

impl<D: Database> UserStore for SqlStore<D> {
    async fn upsert_user(
        &self,
        access: Access<'_>,
        user: &NewUser,
        if_match: Option<&IfMatch>,
        new_id: &str,
    ) -> Result<Upserted, StoreError> {
        if let Some(if_match) = if_match {
            return self.update_user(access, user, if_match).await;
        }
        let hash = access.caller.hash.to_hex();
        let who = [(&hash).into(), access.now.into(), user.external_id.as_str().into(), new_id.into()];
        let [key, at, id, new_id] = who;
        let rows = match &user.change {
            Change::Merge(patch) => {
                let values = [key, at, id, new_id, patch.as_str().into()];
                self.0.query::<UpsertedRow>(Statement { sql: &D1.upsert, values: &values }).await?
            }
            Change::Set { members, as_of } => {
                let values = [key, at, id, new_id, members.as_str().into(), (*as_of).into()];
                self.0.query::<UpsertedRow>(Statement { sql: &D1.upsert_as_of, values: &values }).await?
            }
        };
        rows.into_iter().next().map(Upserted::from).ok_or(StoreError::KeyNotLive)
    }

    async fn upsert_users(
        &self,
        access: Access<'_>,
        users: &[(&NewUser, String)],
    ) -> Result<Vec<Result<Upserted, StoredLimit>>, StoreError> {
        let (hash, batch) = (access.caller.hash.to_hex(), batch_json(users));
        let values = [(&hash).into(), access.now.into(), (&batch).into()];
        let upsert = Statement { sql: &D1.upsert_batch, values: &values };
        let reject = Statement { sql: &D1.reject_batch, values: &values };
        let (stored, rejected) = self.0.query_pair::<BatchRow, BatchRow>(upsert, reject).await?;
        if rejected.is_empty() {
            return Err(StoreError::KeyNotLive);
        }
        outcomes(stored.into_iter().chain(rejected), users)
            .ok_or_else(|| StoreError::Failed("outcome of a user is missing".into()))
    }

    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError> {
        let hash = access.caller.hash.to_hex();
        let values = [(&hash).into(), access.now.into(), id.as_str().into()];
        let rows = self.0.query::<UserRow>(Statement { sql: &D1.find_user, values: &values }).await?;
        rows.into_iter().next().ok_or(StoreError::KeyNotLive)?.into_user()
    }

    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError> {
        let hash = access.caller.hash.to_hex();
        if let Some(if_match) = if_match {
            let if_match = if_match.to_sql();
            let values = [(&hash).into(), access.now.into(), id.as_str().into(), if_match.as_ref().into()];
            return match self.write_if(&D1.delete_user_if, &values).await {
                Err(StoreError::RevisionChanged(None)) => Ok(false),
                outcome => outcome.map(|_| true),
            };
        }
        let values = [(&hash).into(), access.now.into(), id.as_str().into()];
        let delete = Statement { sql: &D1.delete_user, values: &values };
        let find_caller = Statement { sql: &D1.find_caller, values: &values[..2] };
        let (deleted, live) = self.0.query_pair::<IdRow, IdRow>(delete, find_caller).await?;
        if live.is_empty() { Err(StoreError::KeyNotLive) } else { Ok(!deleted.is_empty()) }
    }

    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let Filter { email, phone } = filter;
        let by_contact = email.is_some() || phone.is_some();
        let sql = if by_contact { &D1.list_users_by_contact } else { &D1.list_users };
        let hash = access.caller.hash.to_hex();
        let values = [
            (&hash).into(),
            access.now.into(),
            // One more than the limit, to learn whether there are more.
            Value::Number(u64::from(limit) + 1),
            email.as_ref().map(|email| email.as_str()).into(),
            phone.as_ref().map(Phone::as_str).into(),
            after.unwrap_or_default().into(),
            Value::Number(MAX_PAGE_BYTES as u64),
        ];
        page(self.0.query::<UserRow>(Statement { sql, values: &values }).await?, limit)
    }

    async fn list_changes(&self, access: Access<'_>, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        let (hash, behind) = (access.caller.hash.to_hex(), from.of_bucket(0, 1));
        let values = [
            (&hash).into(),
            access.now.into(),
            Value::Number(behind.revision),
            Value::Number(u64::from(limit) + 1),
            Value::Number(MAX_PAGE_BYTES as u64),
        ];
        let end = Statement { sql: &D1.changes_end, values: &values[..2] };
        let list = Statement { sql: &D1.changes, values: &values };
        let (end, rows) = self.0.query_pair::<ChangesEnd, UserRow>(end, list).await?;
        let ChangedRows { changes, has_more, reached } = changes(behind, &end, rows, limit)?;
        Ok(ChangesPage { changes, has_more, reached: vec![reached] })
    }

    /// Every statement reads `api_keys` itself.
    async fn refuse_key(&self, _: Access<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl<D: Database> SqlStore<D> {
    /// Changes a user who is there, if `if_match` means it or nothing would change.
    async fn update_user(
        &self,
        access: Access<'_>,
        user: &NewUser,
        if_match: &IfMatch,
    ) -> Result<Upserted, StoreError> {
        let (hash, if_match) = (access.caller.hash.to_hex(), if_match.to_sql());
        // No user is added: there is no new id.
        let mut values: Vec<Value> =
            vec![(&hash).into(), access.now.into(), user.external_id.as_str().into(), Value::Null];
        let sql = match &user.change {
            Change::Merge(patch) => {
                values.push(patch.as_str().into());
                &D1.update_if
            }
            Change::Set { members, as_of } => {
                values.extend([Value::from(members.as_str()), (*as_of).into()]);
                &D1.update_as_of_if
            }
        };
        values.push(if_match.as_ref().into());
        self.write_if(sql, &values).await
    }

    /// Runs a write on a condition, and reads which revision there is, in one transaction.
    async fn write_if(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Upserted, StoreError> {
        let find = Statement { sql: &D1.find_revision, values: &values[..3] };
        let (written, found) = self.0.query_pair::<BatchRow, BatchRow>(Statement { sql, values }, find).await?;
        let found = found.first().ok_or(StoreError::KeyNotLive)?.revision;
        match written.into_iter().next() {
            Some(BatchRow { id: Some(id), stale, .. }) => Ok(Upserted { id, created: false, stale: stale != 0 }),
            _ => Err(StoreError::RevisionChanged(found)),
        }
    }
}

/// The users of a batch as the statement `upsert_batch` reads them: the body that they came in and the new ids, far below
/// the 2 MB that D1 takes.
fn batch_json(users: &[(&NewUser, String)]) -> String {
    let mut list = String::from("[");
    for (i, (user, new_id)) in users.iter().enumerate() {
        list.push_str(if i > 0 { ",[" } else { "[" });
        json::write_string(user.external_id.as_str(), &mut list);
        list.push(',');
        json::write_string(new_id, &mut list);
        list.push(',');
        match &user.change {
            Change::Merge(patch) => list.push_str(patch.as_str()),
            Change::Set { members, as_of } => {
                list.push_str(members.as_str());
                list.push(',');
                list.push_str(&as_of.as_ms().to_string());
            }
        }
        list.push(']');
    }
    list.push(']');
    list
}
