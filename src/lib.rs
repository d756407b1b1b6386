//! Roster.
pub mod body;
pub mod id;
pub mod json;
pub mod key;
pub mod time;
pub mod user;
