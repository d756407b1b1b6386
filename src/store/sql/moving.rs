//! The places of projects in D1, for those who move them.

use super::database::{Database, Statement, Value};
use super::statements::MOVE_IN_D1;
use super::{SqlStore, rows};
use crate::bounds::REMOVED_ROWS;
use crate::key::Project;
use crate::placement::Place;
use crate::store::moving::{Done, Places, Task, WholeUser};
use crate::store::{ChangesEnd, StoreError};
use serde::Deserialize;

/// A user with all that is stored; or past the bytes of a page, nothing but the caller's own id.
#[derive(Deserialize)]
pub struct WholeRow {
    external_id: String,
    id: Option<String>,
    profile: Option<String>,
    property_keys: Option<u32>,
    origin_keys: Option<u32>,
    revision: Option<u64>,
    created_at: Option<u64>,
    updated_at: Option<u64>,
    times: Option<String>,
    gone: Option<u8>,
    deleted_at: Option<u64>,
}

impl WholeRow {
    /// None: it is past the bytes.
    fn into_user(self) -> Option<WholeUser> {
        Some(WholeUser {
            external_id: self.external_id,
            id: self.id?,
            profile: self.profile?,
            property_keys: self.property_keys?,
            origin_keys: self.origin_keys?,
            revision: self.revision?,
            created_at: self.created_at?,
            updated_at: self.updated_at?,
            times: self.times,
            gone: self.gone?,
            deleted_at: self.deleted_at,
        })
    }
}

/// How many users there are, and their sum.
#[derive(Deserialize)]
pub struct CountedRow {
    pub users: u64,
    pub sum: u64,
}

/// Users who were removed.
#[derive(Deserialize)]
pub struct RemovedRow {}

/// What the rows of the statements `end` and `rows` say.
pub fn shown(end: &[ChangesEnd], rows: Vec<WholeRow>, limit: u32) -> Result<Done, StoreError> {
    let ChangesEnd { latest, forgotten } = *end.first().ok_or_else(|| rows::missing("end of the changes"))?;
    let found = rows.len();
    let users: Vec<_> = rows.into_iter().map_while(WholeRow::into_user).take(limit as usize).collect();
    if users.is_empty() && found > 0 {
        return Err(StoreError::Failed("row of a user can't be read".into()));
    }
    Ok(Done::Shown { has_more: users.len() < found, users, latest, forgotten })
}

/// What the row of the statement `digest` says.
pub fn counted(rows: &[CountedRow]) -> Result<Done, StoreError> {
    let CountedRow { users, sum } = *rows.first().ok_or_else(|| rows::missing("count of users"))?;
    Ok(Done::Counted { users, sum })
}

/// Users as the statement `adopt` takes them.
pub fn users_json(users: &[WholeUser]) -> Result<String, StoreError> {
    serde_json::to_string(users).map_err(|error| StoreError::Failed(error.to_string()))
}

/// Where the state of the project is, in `projects`, `moves` and `api_keys`, D1 needs not be told of it.
impl<D: Database> Places for SqlStore<D> {
    async fn ask(&self, project: &Project, place: Place, tasks: Vec<(u8, Task)>) -> Result<Vec<Done>, StoreError> {
        let mut done = Vec::new();
        for (_, task) in tasks {
            done.push(self.do_task(project, place, &task).await?);
        }
        Ok(done)
    }
}

impl<D: Database> SqlStore<D> {
    async fn do_task(&self, project: &Project, place: Place, task: &Task) -> Result<Done, StoreError> {
        let name = Value::from(project.as_str());
        match task {
            Task::Refuse { .. } | Task::Serve { .. } => Ok(Done::Done),
            Task::Show { behind, limit, max_bytes } => {
                let numbers = [*behind, u64::from(*limit) + 1, *max_bytes as u64].map(Value::Number);
                let values = [name, Value::Null, numbers[0], numbers[1], numbers[2]];
                let end = Statement { sql: &MOVE_IN_D1.end, values: &values[..1] };
                let rows = Statement { sql: &MOVE_IN_D1.rows, values: &values };
                let (end, rows) = self.0.query_pair::<ChangesEnd, WholeRow>(end, rows).await?;
                shown(&end, rows, *limit)
            }
            Task::Adopt(users) => {
                let users = users_json(users)?;
                let values = [name, Value::Null, (&users).into(), Value::Number(place.generation.into())];
                self.0.query::<RemovedRow>(Statement { sql: &MOVE_IN_D1.adopt, values: &values }).await?;
                Ok(Done::Done)
            }
            // The floor comes with the switch.
            Task::Continue { forgotten, .. } => {
                let values = [name, Value::Null, Value::Number(*forgotten), Value::Number(place.generation.into())];
                self.0.query::<RemovedRow>(Statement { sql: &MOVE_IN_D1.forget, values: &values }).await?;
                Ok(Done::Done)
            }
            Task::Count { latest } => {
                let values = [name, Value::Null, Value::Number(*latest)];
                counted(&self.0.query::<CountedRow>(Statement { sql: &MOVE_IN_D1.digest, values: &values }).await?)
            }
            Task::Empty { generation } => {
                let numbers = [REMOVED_ROWS, *generation].map(|number| Value::Number(number.into()));
                let values = [name, Value::Null, numbers[0], numbers[1]];
                for sql in &MOVE_IN_D1.empty {
                    if !self.0.query::<RemovedRow>(Statement { sql, values: &values }).await?.is_empty() {
                        return Ok(Done::Emptied(false));
                    }
                }
                Ok(Done::Emptied(true))
            }
        }
    }
}
