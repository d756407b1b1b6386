//! The outcome of a request: a reply with the headers of every answer, and the fields of the log line.

use super::cors::{self, AllowedOrigins};
use super::error::ApiError;
use super::http::{Call, Reply};
use super::platform::Log;
use crate::rate_limit::{DecidedBy, Policy, Verdict};
use crate::time::Timestamp;
use std::borrow::Cow;

/// A request that was handled: the reply, and what the log may know of it: no key, e-mail, phone, user id or body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// What the client gets.
    pub reply: Reply,
    /// The pattern of the route, such as `/v1/keys/{key_id}`.
    pub route: Option<&'static str>,
    /// The code of the error, if it is one.
    pub code: Option<&'static str>,
    /// The project of the caller, once that is known.
    pub project: Option<String>,
    /// The id of the caller's key, once that is known.
    pub key_id: Option<String>,
    /// Who decided whether it passes the rate limit.
    pub limiter: Option<DecidedBy>,
    /// The first refused messages of Segment's protocol: `messageId` and code.
    pub refused: Vec<String>,
    /// Why it failed, if the client must not know.
    pub cause: Option<String>,
}

impl Handled {
    pub(super) fn new(
        call: &Call,
        route: Option<&'static str>,
        origins: &AllowedOrigins,
        log: Log,
        outcome: Result<Reply, ApiError>,
        now: Timestamp,
    ) -> Self {
        let (code, cause) = match &outcome {
            Ok(_) => (log.code, None),
            Err(error) => {
                let row = error.row();
                (Some(row.code), row.cause.map(Cow::into_owned))
            }
        };
        let mut reply = outcome.unwrap_or_else(ApiError::into_reply);
        reply.headers.extend([
            ("X-Request-Id", call.request_id.clone()),
            ("Content-Type", reply.content_type.into()),
            ("Cache-Control", "no-store".into()),
            ("X-Content-Type-Options", "nosniff".into()),
        ]);
        reply.headers.extend(call.version.clone().map(|version| ("X-Roster-Version", version)));
        reply.headers.extend(cors::headers(origins, call.origin.as_deref()));
        if let Some((policy, verdict)) = log.budget {
            reply.headers.extend(budget_headers(policy, verdict, now));
        }
        let Log { project, key_id, limiter, refused, .. } = log;
        Handled { reply, route, code, project, key_id, limiter, refused, cause }
    }
}

/// The budget of a request's policy, as `X-RateLimit-*` and as draft-ietf-httpapi-ratelimit-headers-11 has it.
fn budget_headers(policy: Policy, verdict: Verdict, now: Timestamp) -> [(&'static str, String); 5] {
    let Verdict { quota, remaining, reset_ms, .. } = verdict;
    let policy = policy.as_str();
    let reset_s = reset_ms.div_ceil(1000);
    [
        ("X-RateLimit-Limit", quota.limit.to_string()),
        ("X-RateLimit-Remaining", remaining.to_string()),
        ("X-RateLimit-Reset", (now.as_ms() + reset_ms).div_ceil(1000).to_string()),
        ("RateLimit-Policy", format!("\"{policy}\";q={};w={}", quota.limit, quota.window_seconds())),
        ("RateLimit", format!("\"{policy}\";r={remaining};t={reset_s}")),
    ]
}
