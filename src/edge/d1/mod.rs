//! Users, keys and projects in D1. Each method is one statement, or two in one batch, which is one transaction and one hop.

mod bind;
mod control;
mod error;
mod retry;
mod rows;
mod users;

use super::runtime::Hops;
use std::cell::Cell;
use std::time::Duration;
use worker::D1Database;

/// How long one request waits for D1, all calls and tries together. With the limiter's deadline: less than ten seconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// D1, for one request.
pub struct D1Store {
    database: D1Database,
    hops: Hops,
    /// How long this request has waited so far.
    waited: Cell<Duration>,
}

impl D1Store {
    pub fn new(database: D1Database, hops: Hops) -> Self {
        D1Store { database, hops, waited: Cell::default() }
    }
}
