//! The log: one JSON line per request. It never contains a key, an e-mail, a phone, a user id or a body.

use super::answer::Handled;
use super::http::Call;
use super::trace::trace_id;
use crate::rate_limit::DecidedBy;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    request_id: &'a str,
    method: &'a str,
    route: Option<&'static str>,
    status: u16,
    code: Option<&'static str>,
    project: Option<&'a str>,
    key_id: Option<&'a str>,
    limiter: Option<DecidedBy>,
    /// Remote calls that the request waited for.
    hops: u32,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    refused: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

/// The line of one request. `hops` are the remote calls that it waited for.
pub fn log_line(call: &Call, handled: &Handled, hops: u32, duration_ms: u64) -> String {
    let line = Line {
        request_id: &call.request_id,
        method: &call.method,
        route: handled.route,
        status: handled.reply.status,
        code: handled.code,
        project: handled.project.as_deref(),
        key_id: handled.key_id.as_deref(),
        limiter: handled.limiter,
        hops,
        duration_ms,
        version: call.version.as_deref(),
        trace_id: call.traceparent.as_deref().and_then(trace_id),
        refused: &handled.refused,
        cause: handled.cause.as_deref(),
    };
    serde_json::to_string(&line).unwrap_or_default()
}
