//! What the object of a webhook has around it.

use super::waits::Waits;
use crate::key::{Project, ProjectRecord};
use crate::store::{OwnReads, StoreError};
use crate::time::Timestamp;

/// A request to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: String,
    /// For how long to wait for the answer, in milliseconds.
    pub answer_ms: u64,
    /// How much of its body to read, in bytes. The rest is dropped.
    pub answer_bytes: usize,
}

/// A receiver's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of its body.
    pub text: String,
}

/// What an object has around it.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Host: OwnReads {
    /// The clock.
    fn now(&self) -> Timestamp;
    /// Fills the slice from a cryptographic source.
    fn fill_random(&self, bytes: &mut [u8]);
    /// How fast waits pass.
    fn waits(&self) -> Waits;
    /// Whether loopback may be called by http.
    fn allows_insecure(&self) -> bool;
    /// The project of this name.
    async fn project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError>;
    /// Sends a request, and follows no redirect. The error is Roster's own word for what went wrong.
    async fn post(&self, post: Post) -> Result<Answer, String>;
    /// Ends all requests that are under way.
    fn abort(&self);
    /// Sets the one alarm, or takes it away. It MUST be durable, with all that was stored before, before any request is sent.
    async fn set_alarm(&self, at: Option<Timestamp>) -> Result<(), String>;
    /// Removes all that is stored, and the alarm.
    async fn erase(&self) -> Result<(), String>;
    /// Writes a line of the log.
    fn log(&self, line: &str);
}
