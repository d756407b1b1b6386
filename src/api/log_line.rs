//! The log: one JSON line a request. It never holds a key, an e-mail, a phone, a user id or a body.

use crate::api::{Answer, Call};
use crate::limit::Decider;
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
    limiter: Option<Decider>,
    /// Remote calls that the request waited for.
    hops: u32,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

pub fn write(call: &Call, answer: &Answer, hops: u32, duration_ms: u64) {
    let line = Line {
        request_id: &call.request_id,
        method: &call.method,
        route: answer.route,
        status: answer.reply.status,
        code: answer.code,
        project: answer.project.as_deref(),
        key_id: answer.key_id.as_deref(),
        limiter: answer.limiter,
        hops,
        duration_ms,
        cause: answer.cause.as_deref(),
    };
    worker::console_log!("{}", serde_json::to_string(&line).unwrap_or_default());
}
