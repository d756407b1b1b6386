//! What the object of a bucket runs, on its own SQLite.

mod known;

pub use known::SCHEMA;

use super::message::{
    BucketAnswer, BucketId, BucketRequest, ChangeProfile, ListChanges, ListUsers, Operation, UpsertUser, WriteUser,
};
use super::{moving, walk};
use crate::bounds::MAX_PAGE_BYTES;
use crate::json;
use crate::store::moving::Service;
use crate::store::sql::statements::{OwnStatements, Statements};
use crate::store::sql::{self, ChangedRows, LocalDatabase, Statement, UpsertedRow, UserRow, Value};
use crate::store::{ChangesEnd, IfMatch, Page, StoreError, StoredLimit, Upserted, Written};
use crate::time::Timestamp;
use known::Known;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

/// Bytes at which an object is to be grown out of; the platform ends at 10 GB.
const LARGE_BYTES: u64 = 8_000_000_000;
/// Milliseconds between two looks at the size.
const SIZE_INTERVAL_MS: u64 = 60_000;

/// The project of the calling key ?1, if it was not revoked. Whether it has expired is judged before any statement.
const CALLER: &str = "
with caller as (
    select project, floor, number as part, buckets as parts, service = 'leaving' as leaving
    from bucket where not exists (select 1 from revoked_keys where hash = ?1)
)";

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::new(CALLER, CALLER));
/// Those of Roster itself, whose key is null: none such is revoked.
static OWN: LazyLock<OwnStatements> = LazyLock::new(|| OwnStatements::new(CALLER));

/// Who is there, if anybody is.
#[derive(Deserialize)]
struct CurrentRow {
    id: Option<String>,
    revision: Option<u64>,
}

#[derive(Deserialize)]
struct AnyRow {}

/// What became of a user to upsert.
type Outcome = Result<Upserted, StoredLimit>;

/// A bucket of a project's users.
pub struct Bucket<D> {
    database: D,
    /// Once it is known: which bucket this is, and whom it serves.
    known: RefCell<Option<Known>>,
    measured_at: Cell<Option<Timestamp>>,
}

impl<D: LocalDatabase> Bucket<D> {
    /// The bucket that is kept in a database, which may be empty.
    pub fn new(database: D) -> Self {
        Bucket { database, known: RefCell::default(), measured_at: Cell::default() }
    }

    /// Once a minute, a warning for the log if the bucket has grown large.
    pub fn size_warning(&self, now: Timestamp) -> Option<String> {
        let is_due = |at: Timestamp| now.as_ms() >= at.as_ms() + SIZE_INTERVAL_MS;
        if !self.measured_at.get().is_none_or(is_due) {
            return None;
        }
        self.measured_at.set(Some(now));
        let bytes = self.database.size_bytes();
        if bytes < LARGE_BYTES {
            return None;
        }
        let known = self.known.borrow();
        let BucketId { project, number, .. } = &known.as_ref()?.id;
        let gigabytes = bytes / 1_000_000_000;
        Some(format!("object {project}/{number} has {gigabytes} of 10 GB: move its project to more objects"))
    }

    /// Answers a [`BucketRequest`] by a [`BucketAnswer`]; both are JSON. `now` is the object's clock. The error, for the log,
    /// says that the request is of another version: nothing was done.
    pub fn answer(&self, request: &str, now: Timestamp) -> Result<String, String> {
        let request: BucketRequest = json::from_str(request).map_err(|error| {
            // Its text may repeat what it can't read, which is user data.
            format!("not a request of this version, at byte {}", error.at)
        })?;
        let answer = match self.open(&request).and_then(|service| self.admit(&request, service, now)) {
            Ok(answer) => answer,
            Err(StoreError::KeyNotLive) => BucketAnswer::KeyNotLive,
            Err(StoreError::CursorExpired) => BucketAnswer::CursorExpired,
            Err(StoreError::Unavailable(cause)) => return Err(cause),
            Err(StoreError::Failed(cause)) => BucketAnswer::Failed(cause),
            Err(error) => BucketAnswer::Failed(error.to_string()),
        };
        serde_json::to_string(&answer).map_err(|error| error.to_string())
    }

    /// Does what the bucket does for whom it serves.
    fn admit(&self, request: &BucketRequest, service: Service, now: Timestamp) -> Result<BucketAnswer, StoreError> {
        let serves = match (&request.operation, service) {
            (Operation::Move(task), _) => return moving::answer(self, &self.database, service, task),
            (Operation::Revoke, _) | (_, Service::Serving | Service::Leaving) => true,
            (operation, Service::Fenced) => !operation.writes(),
            (_, Service::Filling | Service::Left) => false,
        };
        if serves { self.run(request, now) } else { Err(StoreError::KeyNotLive) }
    }

    fn run(&self, request: &BucketRequest, clock: Timestamp) -> Result<BucketAnswer, StoreError> {
        let BucketRequest { key, expires_at, now, operation, .. } = request;
        // The request may have waited since its `now`, and either clock may be behind.
        let is_expired = expires_at.is_some_and(|end| end <= clock.as_ms().max(*now));
        if is_expired && !matches!(operation, Operation::Revoke) {
            return Err(StoreError::KeyNotLive);
        }
        if key.is_none() && !operation.is_own() {
            return Err(failed("this takes a key"));
        }
        let key_and_now = [key.as_ref().into(), Value::Number(*now)];
        match operation {
            Operation::Upsert { user, if_match: None } => self.upsert(key_and_now, user).map(BucketAnswer::Upserted),
            Operation::Upsert { user, if_match: Some(if_match) } => self.update_if(key_and_now, user, if_match),
            Operation::WriteAll(writes) => self.database.in_transaction(|| {
                self.check_caller(key_and_now[0])?;
                let write = |write: &WriteUser| match write {
                    WriteUser::Upsert(user) => Ok(self.upsert(key_and_now, user)?.map(Written::Upserted)),
                    WriteUser::Delete(id) => Ok(Ok(Written::Deleted(self.delete(key_and_now, id)?))),
                };
                writes.iter().map(write).collect::<Result<_, StoreError>>().map(BucketAnswer::WrittenAll)
            }),
            Operation::Find { external_id } => {
                let values = [key_and_now[0], key_and_now[1], external_id.into()];
                let find = Statement { sql: &STATEMENTS.find_user, values: &values };
                let row = self.database.query::<UserRow>(find)?.pop().ok_or(StoreError::KeyNotLive)?;
                Ok(BucketAnswer::Found(row.into_user()?.map(Into::into)))
            }
            Operation::Delete { external_id, if_match: None } => {
                self.check_caller(key_and_now[0])?;
                self.delete(key_and_now, external_id).map(BucketAnswer::Deleted)
            }
            Operation::Delete { external_id, if_match: Some(if_match) } => {
                let revisions = if_match.to_sql();
                let values = [key_and_now[0], key_and_now[1], external_id.into(), revisions.as_ref().into()];
                let delete = Statement { sql: &STATEMENTS.delete_user_if, values: &values };
                self.write_if(delete, |_| BucketAnswer::Deleted(true))
            }
            Operation::List(list) => self.list(key_and_now, list),
            Operation::ListChanges(list) => self.list_changes(key_and_now, list),
            Operation::FindStates { external_ids } => {
                let ids = sql::walk::ids_json(external_ids.iter().map(String::as_str));
                let values = [key_and_now[0], key_and_now[1], (&ids).into(), Value::Number(MAX_PAGE_BYTES as u64)];
                let rows = self.database.query::<UserRow>(Statement { sql: &OWN.states, values: &values })?;
                Ok(BucketAnswer::States(sql::states(rows)?.into_iter().map(Into::into).collect()))
            }
            Operation::FindAll { external_ids } => {
                let ids = sql::walk::ids_json(external_ids.iter().map(String::as_str));
                let values = [key_and_now[0], key_and_now[1], (&ids).into(), Value::Number(MAX_PAGE_BYTES as u64)];
                let find = Statement { sql: &STATEMENTS.find_users, values: &values };
                let users = sql::walk::found(self.database.query(find)?)?;
                Ok(BucketAnswer::FoundAll(users.map(|users| users.into_iter().map(Into::into).collect())))
            }
            Operation::Walk(asked) => walk::answer(&self.database, CALLER, key_and_now, asked),
            Operation::Revoke => {
                let sql = "insert into revoked_keys (hash) values (?1) on conflict (hash) do nothing";
                self.database.query::<AnyRow>(Statement { sql, values: &key_and_now[..1] })?;
                Ok(BucketAnswer::Revoked)
            }
            Operation::Move(_) => Err(failed("a task of a move has no caller")),
        }
    }

    fn check_caller(&self, key: Value<'_>) -> Result<(), StoreError> {
        let rows = self.database.query::<AnyRow>(Statement { sql: &STATEMENTS.find_caller, values: &[key] })?;
        if rows.is_empty() { Err(StoreError::KeyNotLive) } else { Ok(()) }
    }

    fn upsert(&self, [key, now]: [Value<'_>; 2], user: &UpsertUser) -> Result<Outcome, StoreError> {
        let mut values = vec![key, now, (&user.external_id).into(), (&user.new_id).into()];
        let outcome = match &user.change {
            ChangeProfile::Merge(patch) => {
                values.push(patch.get().into());
                self.merge(values, user.set_once.as_deref().map(RawValue::get))?
            }
            ChangeProfile::Set { members, as_of } => {
                values.extend([members.get().into(), Value::Number(*as_of)]);
                values.extend(user.set_once.as_deref().map(|members| Value::from(members.get())));
                let sql = STATEMENTS.upsert_as_of.of(user.set_once.is_some());
                self.write(Statement { sql, values: &values })?
            }
        };
        // A user who is there may have been created by an earlier try of the same request.
        Ok(outcome.map(|upserted| Upserted { created: upserted.id == user.new_id, ..upserted }))
    }

    /// Writes nothing if the merge changes nothing. A user who is there is changed by a statement that does less than one that
    /// might add it.
    fn merge<'v>(&self, mut values: Vec<Value<'v>>, set_once: Option<&'v str>) -> Result<Outcome, StoreError> {
        let fills = set_once.is_some();
        values.extend(set_once.map(Value::from));
        match self.write(Statement { sql: STATEMENTS.update.of(fills), values: &values }) {
            Err(StoreError::KeyNotLive) => match self.find_current(&values)?.id {
                Some(id) => Ok(Ok(Upserted { id, created: false, stale: false })),
                None => self.write(Statement { sql: STATEMENTS.upsert.of(fills), values: &values }),
            },
            outcome => outcome,
        }
    }

    /// Who is there, as the first three values of a write ask for; an error if the calling key is dead.
    fn find_current(&self, values: &[Value<'_>]) -> Result<CurrentRow, StoreError> {
        let find = Statement { sql: &STATEMENTS.find_current, values: &values[..3] };
        self.database.query(find)?.pop().ok_or(StoreError::KeyNotLive)
    }

    /// Changes a user who is there.
    fn update_if(
        &self,
        [key, now]: [Value<'_>; 2],
        user: &UpsertUser,
        if_match: &IfMatch,
    ) -> Result<BucketAnswer, StoreError> {
        let revisions = if_match.to_sql();
        let mut values = vec![key, now, (&user.external_id).into(), (&user.new_id).into()];
        let statement = match &user.change {
            ChangeProfile::Merge(patch) => {
                values.push(patch.get().into());
                &STATEMENTS.update_if
            }
            ChangeProfile::Set { members, as_of } => {
                values.extend([members.get().into(), Value::Number(*as_of)]);
                &STATEMENTS.update_as_of_if
            }
        };
        values.push(revisions.as_ref().into());
        values.extend(user.set_once.as_deref().map(|members| Value::from(members.get())));
        let sql = statement.of(user.set_once.is_some());
        self.write_if(Statement { sql, values: &values }, BucketAnswer::Upserted)
    }

    /// Whether there was such a user. The caller's key is live.
    fn delete(&self, [key, now]: [Value<'_>; 2], external_id: &str) -> Result<bool, StoreError> {
        let values = [key, now, external_id.into()];
        let rows = self.database.query::<AnyRow>(Statement { sql: &STATEMENTS.delete_user, values: &values })?;
        Ok(!rows.is_empty())
    }

    /// Runs a write on a condition; if there is no such user, answers which revision there is.
    fn write_if(
        &self,
        statement: Statement<'_>,
        written: impl FnOnce(Outcome) -> BucketAnswer,
    ) -> Result<BucketAnswer, StoreError> {
        match self.write(statement) {
            Err(StoreError::KeyNotLive) => {
                Ok(BucketAnswer::RevisionChanged(self.find_current(statement.values)?.revision))
            }
            outcome => outcome.map(written),
        }
    }

    /// Runs a statement that answers no row if the calling key is dead.
    fn write(&self, statement: Statement<'_>) -> Result<Outcome, StoreError> {
        match self.database.query::<UpsertedRow>(statement) {
            Ok(rows) => rows.into_iter().next().map(|row| Ok(row.into())).ok_or(StoreError::KeyNotLive),
            Err(StoreError::Refused(limit)) => Ok(Err(limit)),
            Err(error) => Err(error),
        }
    }

    fn list(&self, [key, now]: [Value<'_>; 2], list: &ListUsers) -> Result<BucketAnswer, StoreError> {
        let ListUsers { email, phone, after, limit, max_bytes } = list;
        let by_contact = email.is_some() || phone.is_some();
        let sql = if by_contact { &STATEMENTS.list_users_by_contact } else { &STATEMENTS.list_users };
        let values = [
            key,
            now,
            // One more than the limit, to learn whether there are more.
            Value::Number(u64::from(*limit) + 1),
            email.as_ref().into(),
            phone.as_ref().into(),
            after.as_deref().unwrap_or_default().into(),
            Value::Number(MAX_PAGE_BYTES.min(*max_bytes) as u64),
        ];
        let rows = self.database.query::<UserRow>(Statement { sql, values: &values })?;
        let Page { users, has_more } = sql::page(rows, *limit)?;
        Ok(BucketAnswer::Listed { users: users.into_iter().map(Into::into).collect(), has_more })
    }

    fn list_changes(&self, [key, now]: [Value<'_>; 2], list: &ListChanges) -> Result<BucketAnswer, StoreError> {
        let ListChanges { behind, limit, max_bytes } = *list;
        let values = [
            key,
            now,
            Value::Number(behind.revision),
            Value::Number(u64::from(limit) + 1),
            Value::Number(MAX_PAGE_BYTES.min(max_bytes) as u64),
        ];
        let end = Statement { sql: &STATEMENTS.changes_end, values: &values[..1] };
        let end = self.database.query::<ChangesEnd>(end)?;
        let rows = self.database.query::<UserRow>(Statement { sql: &STATEMENTS.changes, values: &values })?;
        let ChangedRows { changes, has_more, reached } = sql::changes(behind, &end, rows, limit)?;
        Ok(BucketAnswer::Changes { changes: changes.into_iter().map(Into::into).collect(), has_more, reached })
    }
}

fn failed(cause: &str) -> StoreError {
    StoreError::Failed(cause.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;

    /// A database of a size, which knows which bucket it is of.
    struct OfSize(Cell<u64>);

    impl LocalDatabase for OfSize {
        fn query<T: DeserializeOwned>(&self, _: Statement<'_>) -> Result<Vec<T>, StoreError> {
            Err(failed("it has no tables"))
        }

        fn size_bytes(&self) -> u64 {
            self.0.get()
        }

        fn run_script(&self, _: &str) -> Result<(), StoreError> {
            Err(failed("it has no tables"))
        }

        fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
            work()
        }

        fn clear(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_large_bucket_warns_once_a_minute() {
        let bucket = Bucket::new(OfSize(Cell::new(LARGE_BYTES - 1)));
        let id = BucketId { project: "p".into(), number: 3, buckets: 4, generation: 0 };
        *bucket.known.borrow_mut() = Some(Known { id, service: Service::Serving, turn: 0 });
        let warning = |ms| bucket.size_warning(Timestamp::from_ms(ms));
        assert_eq!(warning(1), None);
        bucket.database.0.set(LARGE_BYTES);
        for (ms, is_due) in [(60_000, false), (60_001, true), (120_000, false), (120_001, true)] {
            assert_eq!(warning(ms).is_some(), is_due, "{ms}");
        }
        bucket.database.0.set(9_999_999_999);
        let text = "object p/3 has 9 of 10 GB: move its project to more objects";
        assert_eq!(warning(999_999).as_deref(), Some(text));
    }
}
