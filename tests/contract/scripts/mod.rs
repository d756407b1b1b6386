//! The contract, as scripts: each calls Roster as a client does, and asks nothing of it but answers and log lines.

mod access;
mod batch;
mod changes;
mod copies;
mod cors;
mod erase;
mod errors;
mod fields;
mod hostile;
mod if_match;
mod keys;
pub mod limit;
mod list;
mod log;
mod merge;
mod moving;
mod once;
mod order;
mod query;
mod segment;
mod storage;
mod upsert;
mod webhooks;
