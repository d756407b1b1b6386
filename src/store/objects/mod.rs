//! The store of users in Durable Objects: [`ObjectStore`] asks the buckets of a project, a [`Bucket`] is what each object
//! runs. The messages between them are a wire format.

mod bucket;
mod client;
mod message;

pub use bucket::{Bucket, SCHEMA};
pub use client::{ObjectStore, Objects};
pub use message::{Answer, Call, Given, Message, Outcome, Place};
