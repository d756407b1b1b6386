//! The port to users.

use super::SqlStore;
use super::batch::{self, Round};
use super::database::{Database, Statement, Value};
use super::rows::{BatchRow, ChangedRows, IdRow, UpsertedRow, UserRow, changes, page, states};
use super::statements::{self, D1, OWN};
use super::walk;
use crate::bounds::MAX_PAGE_BYTES;
use crate::key::ProjectRecord;
use crate::store::{
    Access, ChangedUser, ChangesEnd, ChangesPage, Filter, FollowFrom, IfMatch, Outcome, OwnReads, Page, Share,
    StoreError, StoredUser, Upserted, UserStore, UserWrite, Walk, Walked,
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
        let mut values: Vec<Value> =
            vec![(&hash).into(), access.now.into(), user.external_id.as_str().into(), new_id.into()];
        let statement = match &user.change {
            Change::Merge(patch) => {
                values.push(patch.as_str().into());
                &D1.upsert
            }
            Change::Set { members, as_of } => {
                values.extend([Value::from(members.as_str()), (*as_of).into()]);
                &D1.upsert_as_of
            }
        };
        values.extend(user.set_once.as_ref().map(|members| Value::from(members.as_str())));
        let sql = statement.of(user.set_once.is_some());
        let rows = self.0.query::<UpsertedRow>(Statement { sql, values: &values }).await?;
        rows.into_iter().next().map(Upserted::from).ok_or(StoreError::KeyNotLive)
    }

    async fn write_users(&self, access: Access<'_>, writes: &[UserWrite<'_>]) -> Result<Vec<Outcome>, StoreError> {
        let hash = access.caller.hash.to_hex();
        let rounds = batch::rounds(writes);
        let lists: Vec<String> = rounds.iter().map(|round| batch::list(round, writes)).collect();
        let values: Vec<[Value; 3]> =
            lists.iter().map(|list| [(&hash).into(), access.now.into(), list.into()]).collect();
        let mut statements = vec![Statement { sql: &D1.find_caller, values: &values[0][..2] }];
        for (round, values) in rounds.iter().zip(&values) {
            match round {
                Round::Upserts(_) => {
                    statements.extend([&D1.upsert_batch, &D1.reject_batch].map(|sql| Statement { sql, values }));
                }
                Round::Deletions(_) => statements.push(Statement { sql: &D1.delete_users, values }),
            }
        }
        let mut answers = self.0.query_all::<BatchRow>(&statements).await?.into_iter();
        if answers.next().is_none_or(|live| live.is_empty()) {
            return Err(StoreError::KeyNotLive);
        }
        let outcomes = batch::outcomes(&rounds, writes, answers);
        outcomes
            .map(|outcomes| outcomes.into_iter().map(Some).collect())
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
        let hash = access.caller.hash.to_hex();
        self.changes([&D1.changes_end, &D1.changes], [(&hash).into(), access.now.into()], from, limit).await
    }

    async fn find_users(&self, access: Access<'_>, ids: &[ExternalId]) -> Result<Option<Vec<StoredUser>>, StoreError> {
        let (hash, ids) = (access.caller.hash.to_hex(), walk::ids_json(ids.iter().map(ExternalId::as_str)));
        let values = [(&hash).into(), access.now.into(), (&ids).into(), Value::Number(MAX_PAGE_BYTES as u64)];
        walk::found(self.0.query(Statement { sql: &D1.find_users, values: &values }).await?)
    }

    /// There is one part, and so one share at most.
    async fn walk_users(
        &self,
        access: Access<'_>,
        walk: &Walk<'_>,
        shares: &[Share],
    ) -> Result<Vec<Walked>, StoreError> {
        let (hash, statement) = (access.caller.hash.to_hex(), statements::walk_of_d1(walk));
        let mut walked = Vec::new();
        for share in shares {
            let values = walk::values((&hash).into(), access.now.into(), share, &statement.values);
            let rows = self.0.query(Statement { sql: &statement.sql, values: &values }).await?;
            walked.push(walk::walked(rows)?);
        }
        Ok(walked)
    }

    /// Every statement reads `api_keys` itself.
    async fn refuse_key(&self, _: Access<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl<D: Database> OwnReads for SqlStore<D> {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        self.changes([&OWN.changes_end, &OWN.changes], [project.name.as_str().into(), Value::Null], from, limit).await
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        let ids = walk::ids_json(ids.iter().map(String::as_str));
        let values = [project.name.as_str().into(), Value::Null, (&ids).into(), Value::Number(MAX_PAGE_BYTES as u64)];
        states(self.0.query(Statement { sql: &OWN.states, values: &values }).await?)
    }
}

impl<D: Database> SqlStore<D> {
    /// A page of changes, by the statements of who calls.
    async fn changes(
        &self,
        [end, list]: [&'static String; 2],
        [caller, now]: [Value<'_>; 2],
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        let behind = from.of_bucket(0, 1);
        let values = [
            caller,
            now,
            Value::Number(behind.revision),
            Value::Number(u64::from(limit) + 1),
            Value::Number(MAX_PAGE_BYTES as u64),
        ];
        let end = Statement { sql: end, values: &values[..2] };
        let list = Statement { sql: list, values: &values };
        let (end, rows) = self.0.query_pair::<ChangesEnd, UserRow>(end, list).await?;
        let ChangedRows { changes, has_more, reached } = changes(behind, &end, rows, limit)?;
        Ok(ChangesPage { changes, has_more, reached: vec![reached] })
    }

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
        let statement = match &user.change {
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
        values.extend(user.set_once.as_ref().map(|members| Value::from(members.as_str())));
        self.write_if(statement.of(user.set_once.is_some()), &values).await
    }

    /// Runs a write on a condition, and reads which revision there is, in one transaction.
    async fn write_if(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Upserted, StoreError> {
        let find = Statement { sql: &D1.find_current, values: &values[..3] };
        let (written, found) = self.0.query_pair::<BatchRow, BatchRow>(Statement { sql, values }, find).await?;
        let found = found.first().ok_or(StoreError::KeyNotLive)?.revision;
        match written.into_iter().next() {
            Some(BatchRow { id: Some(id), stale, .. }) => Ok(Upserted { id, created: false, stale: stale != 0 }),
            _ => Err(StoreError::RevisionChanged(found)),
        }
    }
}
