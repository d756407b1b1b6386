//! What the object of a bucket runs, on its own SQLite.

use super::message::{Answer, Call, Given, GivenAsOf, GivenChange, Message, Outcome, Place};
use crate::bounds::MAX_PAGE_BYTES;
use crate::store::sql::statements::{self, Statements};
use crate::store::sql::{LocalDatabase, Statement, UpsertedRow, UserRow, Value};
use crate::store::{IfMatch, StoreError, Upserted};
use crate::time::Timestamp;
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

/// Bytes at which an object is to be grown out of; the platform ends at 10 GB.
const LARGE_BYTES: u64 = 8_000_000_000;
/// Milliseconds between two looks at the size.
const SIZE_INTERVAL_MS: u64 = 60_000;

/// The steps that make the tables, in order. A step that was ever deployed is never changed, and every further one may only
/// add: the code of an earlier version may run on it. The first makes the tables that D1 has for users too, so that the same
/// statements run on them.
pub const SCHEMA: [&str; 1] = [concat!(
    include_str!("../../../migrations/0001_users.sql"),
    "
    -- D1 keeps the keys. These are the ones that must not be served any more.
    create table revoked_keys (hash text not null primary key) strict, without rowid;
    -- One row: which bucket this is.
    create table bucket (project text not null, number integer not null, buckets integer not null) strict;"
)];

/// The project of the calling key ?1, if it was not revoked. The Worker judges its expiry.
const CALLER: &str = "
with caller as (select project from bucket where not exists (select 1 from revoked_keys where hash = ?1))";

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements::new(CALLER));

#[derive(Deserialize)]
struct LookRow {
    id: Option<String>,
    changes: Option<u8>,
}

#[derive(Deserialize)]
struct PlaceRow {
    project: String,
    number: u8,
    buckets: u8,
}

#[derive(Deserialize)]
struct CountRow {
    count: usize,
}

#[derive(Deserialize)]
struct AnyRow {}

/// A bucket of a project's users.
pub struct Bucket<D> {
    database: D,
    /// Once it is known that the tables are there: which bucket this is.
    place: RefCell<Option<Place>>,
    measured_at: Cell<Option<Timestamp>>,
}

impl<D: LocalDatabase> Bucket<D> {
    /// The bucket that is kept in a database, which may be empty.
    pub fn new(database: D) -> Self {
        Bucket { database, place: RefCell::default(), measured_at: Cell::default() }
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
        let place = self.place.borrow();
        let Place { project, bucket, .. } = place.as_ref()?;
        let gigabytes = bytes / 1_000_000_000;
        Some(format!("object {project}/{bucket} has {gigabytes} of 10 GB: move its project to more objects"))
    }

    /// Answers a [`Call`] by an [`Answer`]; both are JSON. The error, for the log, says that the call is of another
    /// version: nothing was done.
    pub fn answer(&self, call: &str) -> Result<String, String> {
        let call: Call = serde_json::from_str(call).map_err(|error| {
            // Its text may repeat what it can't read, which is user data.
            format!("not a call of this version, at column {}", error.column())
        })?;
        let answer = match self.open(call.place()).and_then(|()| self.run(&call)) {
            Ok(answer) => answer,
            Err(StoreError::KeyNotLive) => Answer::KeyNotLive,
            Err(StoreError::Unavailable(cause)) => return Err(cause),
            Err(StoreError::Failed(cause)) => Answer::Failed(cause),
            Err(error) => Answer::Failed(error.to_string()),
        };
        serde_json::to_string(&answer).map_err(|error| error.to_string())
    }

    /// Makes the tables up to date, and sees to it that this is the bucket that is meant.
    fn open(&self, meant: Place) -> Result<(), StoreError> {
        let mut place = self.place.borrow_mut();
        if place.is_none() {
            self.database.in_transaction(|| self.migrate())?;
            *place = Some(self.find_place(&meant)?);
        }
        if *place == Some(meant) { Ok(()) } else { Err(failed("this is another bucket than was meant")) }
    }

    /// Applies what is missing of the schema. One of a later version stays as it is.
    fn migrate(&self) -> Result<(), StoreError> {
        self.database.run_script("create table if not exists migrations (number integer primary key) strict")?;
        let sql = "select count(*) as count from migrations";
        let rows = self.database.query::<CountRow>(Statement { sql, values: &[] })?;
        let applied = rows.first().map_or(0, |row| row.count);
        for script in SCHEMA.iter().skip(applied) {
            self.database.run_script(script)?;
            self.database.run_script("insert into migrations default values")?;
        }
        Ok(())
    }

    /// Which bucket this is: the first that was meant.
    fn find_place(&self, meant: &Place) -> Result<Place, StoreError> {
        let sql = "select project, number, buckets from bucket";
        if let Some(row) = self.database.query::<PlaceRow>(Statement { sql, values: &[] })?.pop() {
            return Ok(Place { project: row.project, bucket: row.number, buckets: row.buckets });
        }
        let sql = "insert into bucket (project, number, buckets) values (?1, ?2, ?3)";
        let number = |number: u8| Value::Number(number.into());
        let values = [(&meant.project).into(), number(meant.bucket), number(meant.buckets)];
        self.database.query::<AnyRow>(Statement { sql, values: &values })?;
        Ok(meant.clone())
    }

    fn run(&self, Call { key, now, message, .. }: &Call) -> Result<Answer, StoreError> {
        let key_and_now = [key.into(), Value::Number(*now)];
        match message {
            Message::Upsert(given) => self.upsert(key_and_now, given).map(Answer::Upserted),
            Message::Set(given) => self.set(key_and_now, given).map(Answer::Upserted),
            Message::UpsertAll(users) => self.in_turn(key_and_now, users, Self::upsert),
            Message::ChangeAll(users) => self.in_turn(key_and_now, users, |bucket, key_and_now, given| match given {
                GivenChange::Merge(given) => bucket.upsert(key_and_now, given),
                GivenChange::Set(given) => bucket.set(key_and_now, given),
            }),
            Message::If(expected, message) => self.write_if(key_and_now, expected, message),
            Message::Find { external_id } => {
                let values = [key_and_now[0], key_and_now[1], external_id.into()];
                let rows = self.database.query::<UserRow>(Statement { sql: &STATEMENTS.find_user, values: &values })?;
                let row = rows.into_iter().next().ok_or(StoreError::KeyNotLive)?;
                Ok(Answer::User(row.id.is_some().then_some(row)))
            }
            Message::Delete { external_id } => {
                self.check_caller(key_and_now[0])?;
                let values = [key_and_now[0], key_and_now[1], external_id.into()];
                let rows =
                    self.database.query::<AnyRow>(Statement { sql: &STATEMENTS.delete_user, values: &values })?;
                Ok(Answer::Deleted(!rows.is_empty()))
            }
            Message::List { .. } => self.list(key_and_now, message),
            Message::Revoke => {
                let sql = "insert into revoked_keys (hash) values (?1) on conflict (hash) do nothing";
                self.database.query::<AnyRow>(Statement { sql, values: &key_and_now[..1] })?;
                Ok(Answer::Revoked)
            }
        }
    }

    /// Changes users one after the other, in one transaction.
    fn in_turn<G>(
        &self,
        key_and_now: [Value<'_>; 2],
        users: &[G],
        change: impl Fn(&Self, [Value<'_>; 2], &G) -> Result<Outcome, StoreError>,
    ) -> Result<Answer, StoreError> {
        self.database.in_transaction(|| {
            self.check_caller(key_and_now[0])?;
            let outcomes = users.iter().map(|given| change(self, key_and_now, given));
            outcomes.collect::<Result<_, _>>().map(Answer::Outcomes)
        })
    }

    fn check_caller(&self, key: Value<'_>) -> Result<(), StoreError> {
        let rows = self.database.query::<AnyRow>(Statement { sql: &STATEMENTS.find_caller, values: &[key] })?;
        if rows.is_empty() { Err(StoreError::KeyNotLive) } else { Ok(()) }
    }

    /// Looks first, and writes nothing if the merge changes nothing. A user who is there is changed, whatever its revision, by
    /// a statement that does less than one that might add it.
    fn upsert(&self, [key, now]: [Value<'_>; 2], given: &Given) -> Result<Outcome, StoreError> {
        let who = [(&given.external_id).into(), (&given.new_id).into()];
        let values = [key, now, who[0], who[1], given.patch.get().into(), Value::Null];
        let found = self.database.query::<LookRow>(Statement { sql: &STATEMENTS.look, values: &values[..5] })?;
        let LookRow { id, changes } = found.into_iter().next().ok_or(StoreError::KeyNotLive)?;
        match id {
            Some(id) if changes == Some(0) => Ok(Outcome::Stored { id, created: false, stale: false }),
            Some(_) => self.write(Statement { sql: &STATEMENTS.update_if, values: &values }),
            None => self.write(Statement { sql: &STATEMENTS.upsert, values: &values[..5] }),
        }
    }

    fn set(&self, [key, now]: [Value<'_>; 2], given: &GivenAsOf) -> Result<Outcome, StoreError> {
        let who = [(&given.external_id).into(), (&given.new_id).into()];
        let values = [key, now, who[0], who[1], given.members.get().into(), Value::Number(given.as_of)];
        self.write(Statement { sql: &STATEMENTS.upsert_as_of, values: &values })
    }

    /// Changes or deletes a user who is there, or tells that it is not the one that is expected.
    fn write_if(
        &self,
        [key, now]: [Value<'_>; 2],
        expected: &IfMatch,
        message: &Message,
    ) -> Result<Answer, StoreError> {
        let expected = expected.to_sql();
        let (sql, mut values) = match message {
            Message::Upsert(Given { external_id, new_id, patch }) => {
                (&STATEMENTS.update_if, vec![key, now, external_id.into(), new_id.into(), patch.get().into()])
            }
            Message::Set(GivenAsOf { external_id, new_id, members, as_of }) => {
                let members = members.get().into();
                (
                    &STATEMENTS.update_as_of_if,
                    vec![key, now, external_id.into(), new_id.into(), members, Value::Number(*as_of)],
                )
            }
            Message::Delete { external_id } => (&STATEMENTS.delete_user_if, vec![key, now, external_id.into()]),
            _ => return Err(failed("a condition on what does not write one user")),
        };
        values.push(expected.as_ref().into());
        match self.write(Statement { sql, values: &values }) {
            Ok(_) if matches!(message, Message::Delete { .. }) => Ok(Answer::Deleted(true)),
            Err(StoreError::KeyNotLive) => {
                let find = Statement { sql: &STATEMENTS.find_revision, values: &values[..3] };
                let row = self.database.query::<UserRow>(find)?.pop().ok_or(StoreError::KeyNotLive)?;
                Ok(Answer::RevisionChanged(row.revision))
            }
            outcome => outcome.map(Answer::Upserted),
        }
    }

    /// Runs a statement that answers no row if the calling key is dead.
    fn write(&self, statement: Statement<'_>) -> Result<Outcome, StoreError> {
        let rows = match self.database.query::<UpsertedRow>(statement) {
            Err(StoreError::Refused(limit)) => return Ok(Outcome::Refused(limit)),
            rows => rows?,
        };
        let row = rows.into_iter().next().ok_or(StoreError::KeyNotLive)?;
        let Upserted { id, created, stale } = row.into();
        Ok(Outcome::Stored { id, created, stale })
    }

    fn list(&self, [key, now]: [Value<'_>; 2], message: &Message) -> Result<Answer, StoreError> {
        let Message::List { email, phone, updated_after, after, limit, max_bytes } = message else {
            return Err(failed("not a list"));
        };
        let sql = STATEMENTS.lists.of(email.is_some() || phone.is_some(), updated_after.is_some());
        let mut values = vec![
            key,
            now,
            // One more than asked for, to learn whether there are more.
            Value::Number(u64::from(*limit) + 1),
            email.as_ref().into(),
            phone.as_ref().into(),
            after.as_ref().map_or("", |(_, id)| id).into(),
            Value::Number(MAX_PAGE_BYTES.min(*max_bytes) as u64),
        ];
        if let Some(updated_after) = updated_after {
            let position = after.as_ref().map(|(at, id)| (*at, id.as_str()));
            let (moment, id) = statements::start_of_changes(*updated_after, position);
            values[5] = id.into();
            values.push(Value::Number(moment));
        }
        let rows = self.database.query::<UserRow>(Statement { sql, values: &values })?;
        if rows.is_empty() {
            return Err(StoreError::KeyNotLive);
        }
        let found = rows.iter().filter(|row| row.external_id.is_some()).count();
        let rows: Vec<_> = rows
            .into_iter()
            .take_while(|row| row.id.is_some())
            .take(usize::try_from(*limit).unwrap_or(usize::MAX))
            .collect();
        Ok(Answer::Users { has_more: rows.len() < found, rows })
    }
}

fn failed(cause: &str) -> StoreError {
    StoreError::Failed(cause.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;

    /// A database of a size, which knows its place.
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
    }

    #[test]
    fn a_large_bucket_warns_once_a_minute() {
        let bucket = Bucket::new(OfSize(Cell::new(LARGE_BYTES - 1)));
        *bucket.place.borrow_mut() = Some(Place { project: "p".into(), bucket: 3, buckets: 4 });
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
