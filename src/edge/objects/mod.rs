//! The objects of users: one for each bucket of a project.

mod client;
mod object;

pub use client::{RemoteObjects, within};
