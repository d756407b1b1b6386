//! The rate limiter on Durable Objects: the object of one account, and the isolate's client.

mod client;
mod object;

pub use client::ObjectLimiter;
