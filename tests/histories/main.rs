//! Random histories of users, by the model, by D1's statements and by those of objects, natively.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod follow;
mod moving;
mod order;
mod roster;
mod webhooks;
