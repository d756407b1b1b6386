//! Roster in memory: every port implemented as its doc says, by the models that the stores are held against.
//!
//! It is the reference for whoever writes another platform or store, and what the contract's scripts and the fuzzers run
//! on natively, in microseconds a request.

mod clock;
mod copies;
pub mod fuzz;
mod last_write_wins;
mod limiter;
mod objects;
mod platform;
pub mod simulation;
mod sqlite;
mod store;
mod walk;
mod webhooks;

pub use clock::Clock;
pub use limiter::MemoryLimiter;
pub use objects::{LocalObjects, LocalSqlite};
pub use platform::Memory;
pub use sqlite::Sqlite;
pub use store::MemoryStore;
pub use webhooks::LocalWebhooks;
