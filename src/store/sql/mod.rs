//! The stores on SQLite: [`statements`] are all that touches its tables, [`SqlStore`] runs them on any [`Database`].

mod batch;
mod control;
mod database;
pub(super) mod moving;
mod rows;
pub mod statements;
mod users;
pub(super) mod walk;

pub use database::{Database, LocalDatabase, Statement, Value, broken_limit, failure};
pub(super) use rows::{ChangedRows, UpsertedRow, UserRow, changes, page, states};

/// Keeps users, keys and projects in a database that has Roster's tables. Each method is one statement, or two in one
/// transaction.
#[derive(Clone, Debug)]
pub struct SqlStore<D>(pub D);
