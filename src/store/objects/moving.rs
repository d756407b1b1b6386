//! Tasks of a move, in the object of a bucket.

use super::bucket::Bucket;
use super::message::BucketAnswer;
use crate::store::moving::{Done, Service, Task};
use crate::store::sql::moving::{CountedRow, RemovedRow, WholeRow, counted, shown, users_json};
use crate::store::sql::statements::moving::MoveStatements;
use crate::store::sql::{LocalDatabase, Statement, Value};
use crate::store::{ChangesEnd, StoreError};
use std::sync::LazyLock;

/// Those of the one project that is in the object. It knows itself whom it serves.
static STATEMENTS: LazyLock<MoveStatements> = LazyLock::new(|| {
    let project = "
with caller as (select project, floor from bucket)";
    MoveStatements::new(project, "true", "true")
});

/// Does a task.
pub fn answer<D: LocalDatabase>(
    bucket: &Bucket<D>,
    database: &D,
    service: Service,
    task: &Task,
) -> Result<BucketAnswer, StoreError> {
    let fills = service == Service::Filling;
    let done = match task {
        Task::Adopt(_) | Task::Continue { .. } if !fills => Done::Refused,
        Task::Empty { .. } if service != Service::Left => Done::Refused,
        Task::Refuse { keys } => database.in_transaction(|| {
            let sql = "insert into revoked_keys (hash) values (?1) on conflict (hash) do nothing";
            let refuse = |key: &String| database.query::<RemovedRow>(Statement { sql, values: &[key.into()] });
            keys.iter().try_for_each(|key| refuse(key).map(drop)).map(|()| Done::Done)
        })?,
        Task::Show { behind, limit, max_bytes } => {
            let numbers = [*behind, u64::from(*limit) + 1, *max_bytes as u64].map(Value::Number);
            let values = [Value::Null, Value::Null, numbers[0], numbers[1], numbers[2]];
            let end = database.query::<ChangesEnd>(Statement { sql: &STATEMENTS.end, values: &[] })?;
            let rows = database.query::<WholeRow>(Statement { sql: &STATEMENTS.rows, values: &values })?;
            shown(&end, rows, *limit)?
        }
        Task::Adopt(users) => {
            let users = users_json(users)?;
            let values = [Value::Null, Value::Null, (&users).into()];
            database.query::<RemovedRow>(Statement { sql: &STATEMENTS.adopt, values: &values })?;
            Done::Done
        }
        Task::Serve { service, turn } => {
            bucket.serve(*service, *turn)?;
            Done::Done
        }
        Task::Continue { floor, forgotten } => database.in_transaction(|| {
            let sql = "update bucket set floor = max(floor, ?1)";
            database.query::<RemovedRow>(Statement { sql, values: &[Value::Number(*floor)] })?;
            let values = [Value::Null, Value::Null, Value::Number(*forgotten)];
            database.query::<RemovedRow>(Statement { sql: &STATEMENTS.forget, values: &values })?;
            Ok(Done::Done)
        })?,
        Task::Count { latest } => {
            let values = [Value::Null, Value::Null, Value::Number(*latest)];
            counted(&database.query::<CountedRow>(Statement { sql: &STATEMENTS.digest, values: &values })?)?
        }
        Task::Empty { .. } => {
            bucket.empty()?;
            Done::Emptied(true)
        }
    };
    Ok(BucketAnswer::Moved(done))
}
