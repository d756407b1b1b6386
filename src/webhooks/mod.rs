//! Webhooks: who would rather be called than ask for changes.
//!
//! An [`Endpoint`] is what the object of each webhook runs. It follows the changes of its project, is woken by its alarm, and
//! sends each change until it is delivered.

mod choice;
mod endpoint;
mod held_back;
mod host;
mod message;
mod page;
mod queue;
mod request;
mod show;
mod sign;
mod storage;
pub mod url;
mod waits;
mod webhook;

pub use choice::{NewWebhook, parse_change};
pub use endpoint::Endpoint;
pub use host::{Answer, Host, Post};
pub use request::{WebhookAnswer, WebhookRequest, Webhooks};
pub use sign::Secret;
pub use waits::Waits;
pub use webhook::{Choice, Event};
