//! The store of users in Durable Objects: [`ObjectStore`] calls the buckets of a project, a [`Bucket`] is what each object
//! runs. The messages between them are a wire format.

mod bucket;
mod client;
mod message;
mod moving;
mod sender;
mod walk;

pub use bucket::{Bucket, SCHEMA};
pub use client::{ObjectStore, Objects, object_name};
pub use message::{BucketAnswer, BucketId, BucketRequest};
