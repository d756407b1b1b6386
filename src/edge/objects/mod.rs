//! The objects of users: one for each bucket of a project.

mod client;
mod object;
mod sqlite;

pub use client::RemoteObjects;
