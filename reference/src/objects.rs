//! The objects' port: each bucket in a SQLite database of its own.

use crate::sqlite::{open, run};
use roster::key::Project;
use roster::storage::Placement;
use roster::store::StoreError;
use roster::store::objects::{Bucket, LocalDatabase, Objects};
use roster::store::sql::Statement;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The objects of all projects, each made at its first call.
pub struct LocalObjects {
    buckets: RefCell<BTreeMap<(Project, u8), Bucket<LocalSqlite>>>,
    hops: Rc<Cell<u32>>,
}

impl LocalObjects {
    /// None yet; each call of some of them adds one to `hops`.
    pub fn new(hops: Rc<Cell<u32>>) -> Self {
        LocalObjects { buckets: RefCell::default(), hops }
    }
}

impl Objects for LocalObjects {
    async fn call(&self, project: &Project, _: Placement, calls: Vec<(u8, String)>) -> Result<Vec<String>, StoreError> {
        self.hops.set(self.hops.get() + 1);
        let mut buckets = self.buckets.borrow_mut();
        let mut answers = Vec::new();
        for (number, call) in calls {
            let bucket =
                buckets.entry((project.clone(), number)).or_insert_with(|| Bucket::new(LocalSqlite::default()));
            answers.push(bucket.answer(&call).map_err(StoreError::Unavailable)?);
        }
        Ok(answers)
    }
}

/// A SQLite database in memory.
struct LocalSqlite(Connection);

impl Default for LocalSqlite {
    #[expect(clippy::expect_used, reason = "memory can be opened")]
    fn default() -> Self {
        LocalSqlite(open(&[]).expect("a database in memory"))
    }
}

impl LocalDatabase for LocalSqlite {
    fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        run(&self.0, statement)
    }

    fn run_script(&self, script: &str) -> Result<(), StoreError> {
        self.0.execute_batch(script).map_err(|error| StoreError::Failed(error.to_string()))
    }

    fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run_script("begin")?;
        let outcome = work();
        self.run_script(if outcome.is_ok() { "commit" } else { "rollback" })?;
        outcome
    }
}
