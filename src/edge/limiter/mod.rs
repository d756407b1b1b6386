//! The rate limiter on Durable Objects: the object of one account, and an isolate's way to it.

mod client;
mod object;

pub use client::ObjectLimiter;
