//! What a bucket knows of itself: its tables, which bucket it is, and whom it serves.

use super::{AnyRow, Bucket, failed};
use crate::store::StoreError;
use crate::store::moving::{Service, Task};
use crate::store::objects::message::{BucketId, BucketRequest, Operation};
use crate::store::sql::{LocalDatabase, Statement, Value};
use serde::Deserialize;

/// The steps that make the tables, in order. A step that was ever deployed is never changed, and every further one may only
/// add: the code of an earlier version may run on it. The first makes the tables that D1 has for users too, so that the same
/// statements run on them.
pub const SCHEMA: [&str; 1] = [concat!(
    include_str!("../../../../migrations/0001_users.sql"),
    "
    -- D1 keeps the keys. These are the ones that must not be served any more.
    create table revoked_keys (hash text not null primary key) strict, without rowid;
    -- One row: which bucket this is, whom it serves, by which change of that, and the least that revisions are from now on.
    create table bucket (
        project text not null, number integer not null, buckets integer not null, generation integer not null,
        service text not null, turn integer not null default 0, floor integer not null default 0
    ) strict;"
)];

#[derive(Deserialize)]
struct CountRow {
    count: usize,
}

/// What a bucket knows of itself.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: BucketId,
    pub(super) service: Service,
    pub(super) turn: u64,
}

#[derive(Deserialize)]
struct KnownRow {
    project: String,
    number: u8,
    buckets: u8,
    generation: u32,
    service: Service,
    turn: u64,
}

impl From<KnownRow> for Known {
    fn from(row: KnownRow) -> Self {
        let KnownRow { project, number, buckets, generation, service, turn } = row;
        Known { id: BucketId { project, number, buckets, generation }, service, turn }
    }
}

impl<D: LocalDatabase> Bucket<D> {
    /// Makes the tables up to date, sees to it that this is the bucket that is meant, and answers whom it serves. A place that
    /// somebody moved to, or was about to, is made by the mover: whoever comes later than it was removed finds nothing.
    pub(super) fn open(&self, request: &BucketRequest) -> Result<Service, StoreError> {
        let meant = &request.bucket;
        let mut known = self.known.borrow_mut();
        if known.is_none() {
            self.database.in_transaction(|| self.migrate())?;
            *known = self.find_known()?;
        }
        if known.is_none() {
            let service = match &request.operation {
                // It was emptied before, as far as it got.
                Operation::Move(Task::Empty { .. }) => Service::Left,
                _ if meant.generation == 0 => Service::Serving,
                Operation::Move(_) | Operation::Revoke => Service::Filling,
                _ => return Ok(Service::Left),
            };
            *known = Some(self.make(Known { id: meant.clone(), service, turn: 0 })?);
        }
        match &*known {
            Some(known) if known.id == *meant => Ok(known.service),
            _ => Err(failed("this is another bucket than was meant")),
        }
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

    fn find_known(&self) -> Result<Option<Known>, StoreError> {
        let sql = "select project, number, buckets, generation, service, turn from bucket";
        Ok(self.database.query::<KnownRow>(Statement { sql, values: &[] })?.pop().map(Known::from))
    }

    fn make(&self, known: Known) -> Result<Known, StoreError> {
        let sql =
            "insert into bucket (project, number, buckets, generation, service, turn) values (?1, ?2, ?3, ?4, ?5, ?6)";
        let BucketId { project, number, buckets, generation } = &known.id;
        let [number, buckets] = [number, buckets].map(|number| Value::Number((*number).into()));
        let generation = Value::Number((*generation).into());
        let values =
            [project.into(), number, buckets, generation, known.service.as_str().into(), Value::Number(known.turn)];
        self.database.query::<AnyRow>(Statement { sql, values: &values })?;
        Ok(known)
    }

    /// Serves so from now on, unless that was said in an earlier turn.
    pub(in crate::store::objects) fn serve(&self, service: Service, turn: u64) -> Result<(), StoreError> {
        let mut known = self.known.borrow_mut();
        let Some(known) = known.as_mut().filter(|known| known.turn < turn) else { return Ok(()) };
        let sql = "update bucket set service = ?1, turn = ?2";
        let values = [service.as_str().into(), Value::Number(turn)];
        self.database.query::<AnyRow>(Statement { sql, values: &values })?;
        (known.service, known.turn) = (service, turn);
        Ok(())
    }

    /// Removes all but what the bucket knows of itself.
    pub(in crate::store::objects) fn empty(&self) -> Result<(), StoreError> {
        let Some(known) = self.known.take() else { return Ok(()) };
        self.database.clear()?;
        let known = self.database.in_transaction(|| {
            self.migrate()?;
            self.make(known)
        })?;
        self.known.replace(Some(known));
        Ok(())
    }
}
