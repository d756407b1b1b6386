//! The database's port, by SQLite in memory.

use roster::json;
use roster::store::StoreError;
use roster::store::sql::{self, Database, Statement, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, StatementStatus, ToSql, params_from_iter};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value as Json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Every migration, in order.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../migrations/0001_users.sql"),
    include_str!("../../../migrations/0002_keys_and_projects.sql"),
];

/// An empty database with Roster's tables, which counts its calls.
pub struct Sqlite {
    connection: RefCell<Connection>,
    hops: Rc<Cell<u32>>,
}

impl Sqlite {
    /// Makes one; each call adds to `hops`.
    pub fn new(hops: Rc<Cell<u32>>) -> rusqlite::Result<Self> {
        Ok(Sqlite { connection: RefCell::new(open(&MIGRATIONS)?), hops })
    }

    /// Runs a statement, and tells how many steps SQLite's virtual machine took: its cost, whatever the machine.
    pub fn steps(&self, statement: Statement<'_>) -> rusqlite::Result<i32> {
        let connection = self.connection.borrow();
        let mut prepared = connection.prepare(statement.sql)?;
        let mut rows = prepared.query(params_from_iter(statement.values.iter().map(|value| parameter(*value))))?;
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(prepared.get_status(StatementStatus::VmStep))
    }

    fn count_hop(&self) {
        self.hops.set(self.hops.get() + 1);
    }
}

impl Database for Sqlite {
    async fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        self.count_hop();
        run(&self.connection.borrow(), statement)
    }

    async fn query_all<T: DeserializeOwned>(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<T>>, StoreError> {
        self.count_hop();
        let mut connection = self.connection.borrow_mut();
        // Dropped without a commit, it is rolled back.
        let transaction = connection.transaction().map_err(failure)?;
        let rows = statements.iter().map(|statement| run(&transaction, *statement)).collect::<Result<_, _>>()?;
        transaction.commit().map_err(failure)?;
        Ok(rows)
    }

    async fn query_pair<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        first: Statement<'_>,
        second: Statement<'_>,
    ) -> Result<(Vec<T>, Vec<U>), StoreError> {
        self.count_hop();
        let mut connection = self.connection.borrow_mut();
        // Dropped without a commit, it is rolled back.
        let transaction = connection.transaction().map_err(failure)?;
        let rows = (run(&transaction, first)?, run(&transaction, second)?);
        transaction.commit().map_err(failure)?;
        Ok(rows)
    }

    async fn run_in_background(&self, statement: Statement<'_>) -> Result<(), StoreError> {
        run::<IgnoredAny>(&self.connection.borrow(), statement).map(drop)
    }
}

/// A database in memory, made by these scripts.
pub fn open(scripts: &[&str]) -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    scripts.iter().try_for_each(|script| connection.execute_batch(script))?;
    Ok(connection)
}

pub fn run<T: DeserializeOwned>(connection: &Connection, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
    let rows = objects(connection, statement).map_err(failure)?;
    json::from_str(&Json::Array(rows).to_string()).map_err(|_| StoreError::Failed("rows can't be read".into()))
}

/// The rows as JSON objects, as D1 has them.
fn objects(connection: &Connection, Statement { sql, values }: Statement<'_>) -> rusqlite::Result<Vec<Json>> {
    let mut prepared = connection.prepare_cached(sql)?;
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let values = values.iter().map(|value| parameter(*value));
    let mut rows = prepared.query(params_from_iter(values))?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next()? {
        let member = |(i, name): (usize, &String)| Ok((name.clone(), value(row.get_ref(i)?)));
        objects.push(Json::Object(columns.iter().enumerate().map(member).collect::<rusqlite::Result<Map<_, _>>>()?));
    }
    Ok(objects)
}

/// Numbers are bound as D1 binds them.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn parameter(value: Value<'_>) -> Box<dyn ToSql + '_> {
    match value {
        Value::Null => Box::new(rusqlite::types::Null),
        Value::Text(text) => Box::new(text),
        Value::Number(number) => Box::new(number as f64),
    }
}

fn value(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
pub fn failure(error: rusqlite::Error) -> StoreError {
    sql::failure(error.to_string())
}
