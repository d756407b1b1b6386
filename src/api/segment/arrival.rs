//! How a request arrived, and what was not taken as it was sent.

use crate::time::Timestamp;
use std::borrow::Cow;

/// How a request arrived.
pub struct Arrival {
    /// When.
    pub now: Timestamp,
    /// Whether what is otherwise taken in part, with a warning, is refused.
    pub strict: bool,
}

/// A member that was not taken as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Warning {
    /// A member, or a pointer to a deeper one.
    pub field: Cow<'static, str>,
    /// A sentence without its full stop.
    pub message: Cow<'static, str>,
}
