//! The objects of webhooks: one for each.

mod client;
mod host;
mod object;
mod post;

pub use client::RemoteWebhooks;
