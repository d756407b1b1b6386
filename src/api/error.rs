//! Every way a request can fail. This type alone knows status, code, message, header and details; `error_body` writes
//! the body.

use super::credential::Credential;
use crate::bounds::{
    MAX_MEMBERS, MAX_MESSAGES, MAX_PROFILE_BYTES, MAX_WEBHOOKS, MIN_ADMIN_TOKEN_CHARS, STORE_RETRY_AFTER_S,
};
use crate::input::fields::{Fault, FaultKind, FaultList, Part};
use crate::key::Scope;
use crate::rate_limit::{LimiterUnavailable, Quota};
use crate::store::{StoreError, StoredLimit};
use std::borrow::Cow;

/// The same for a deployment without a usable token: only the log tells them apart.
const INVALID_ADMIN_TOKEN: &str = "Invalid admin token: this call needs the one that the operator set";

/// Every way a request can fail, with its status and code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// 400 `INVALID_REQUEST`: no JSON object in the body; says why.
    InvalidRequest(String),
    /// 400, with the code of the first fault.
    Faults(FaultList),
    /// 400 `INVALID_VALUE`: what would be stored breaks a limit.
    StoredLimit(StoredLimit),
    /// 401 `MISSING_AUTH`: no `Authorization` header.
    MissingAuth(Credential),
    /// 401 `MISSING_AUTH`: an `Authorization` header that is not a Bearer one.
    NotBearer(Credential),
    /// 401 `MISSING_AUTH`: no key in any of the places where Segment's clients have it.
    MissingWriteKey,
    /// 401 `INVALID_API_KEY`
    InvalidApiKey,
    /// 401 `INVALID_API_KEY`: not the admin token, which is required.
    InvalidAdminToken,
    /// 401 `INVALID_API_KEY`: a key where the admin token is required, or the reverse.
    WrongCredential {
        /// What this route takes.
        wanted: Credential,
    },
    /// 401 `INVALID_API_KEY`: there is no usable admin token, so nobody is admin.
    AdminDisabled,
    /// 401 `REVOKED_API_KEY`
    RevokedApiKey,
    /// 403 `INSUFFICIENT_PERMISSIONS`
    InsufficientPermissions {
        /// The scope that this route takes.
        required: Scope,
        /// The scopes of the key.
        current: Vec<Scope>,
    },
    /// 403 `INSUFFICIENT_PERMISSIONS`: a key that is shown to browsers may do more than [`Scope::Ingest`].
    TooPermissive {
        /// The scopes of the key.
        current: Vec<Scope>,
    },
    /// 404 `NOT_FOUND`: no such route, but perhaps one like it.
    RouteNotFound {
        /// How the path of a similar route is written.
        similar: Option<&'static str>,
    },
    /// 404 `USER_NOT_FOUND`
    UserNotFound,
    /// 404 `KEY_NOT_FOUND`
    KeyNotFound,
    /// 404 `PROJECT_NOT_FOUND`
    ProjectNotFound,
    /// 404 or 409 of what is asked of a project's storage.
    Move(MoveRefusal),
    /// 404 `WEBHOOK_NOT_FOUND`
    WebhookNotFound,
    /// 409 `TOO_MANY_WEBHOOKS`: a project has [`MAX_WEBHOOKS`] at most.
    TooManyWebhooks,
    /// 410 `CURSOR_EXPIRED`: a deletion was forgotten that a follower has not met.
    CursorExpired,
    /// 412 `REVISION_CHANGED`: `If-Match` names no revision of the user.
    RevisionChanged {
        /// The one that it has, if there is such a user.
        revision: Option<u64>,
    },
    /// 405 `METHOD_NOT_ALLOWED`
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: String,
        /// What to send instead, if that is plain.
        instead: Option<&'static str>,
    },
    /// 413 `PAYLOAD_TOO_LARGE`
    PayloadTooLarge {
        /// Bytes that a body of this route may have, decoded.
        limit_bytes: usize,
    },
    /// 413 `PAYLOAD_TOO_LARGE`: more than [`MAX_MESSAGES`].
    TooManyMessages,
    /// 415 `UNSUPPORTED_ENCODING`
    UnsupportedEncoding,
    /// 429 `RATE_LIMIT_EXCEEDED`
    RateLimitExceeded {
        /// The quota that is spent.
        quota: Quota,
        /// Milliseconds until asking again can succeed.
        retry_after_ms: u64,
    },
    /// 500 `INTERNAL_ERROR`
    Internal {
        /// For the log.
        cause: String,
    },
    /// 503 `SERVICE_UNAVAILABLE`
    Unavailable {
        /// For the log.
        cause: String,
    },
}

/// Why a project's storage can't be changed, or a move can't be shown or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveRefusal {
    /// 409 `STORAGE_FIXED`: the project's storage can't be changed any more, but by a move.
    StorageFixed,
    /// 404 `MOVE_NOT_FOUND`: the project was never moved.
    NotFound,
    /// 409 `MOVE_IN_PROGRESS`: the project moves elsewhere, or the last move is not cleaned up.
    InProgress,
    /// 409 `MOVE_SWITCHING`: the move can't be given up any more.
    Switching,
}

impl MoveRefusal {
    fn row(self) -> Row<'static> {
        let (status, code, message) = match self {
            MoveRefusal::StorageFixed => (
                409,
                "STORAGE_FIXED",
                "The project has had a key: its users have to move. Send POST /v1/projects/{project}/move",
            ),
            MoveRefusal::NotFound => (404, "MOVE_NOT_FOUND", "The project was never moved"),
            MoveRefusal::InProgress => {
                (409, "MOVE_IN_PROGRESS", "Another move of the project is not over: wait for its end, or give it up")
            }
            MoveRefusal::Switching => {
                (409, "MOVE_SWITCHING", "The project is in its new storage, or just about to be: move it back instead")
            }
        };
        Row::new(status, code, message)
    }
}

impl From<MoveRefusal> for ApiError {
    fn from(refusal: MoveRefusal) -> Self {
        ApiError::Move(refusal)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::KeyNotLive => ApiError::RevokedApiKey,
            StoreError::Refused(limit) => ApiError::StoredLimit(limit),
            StoreError::RevisionChanged(revision) => ApiError::RevisionChanged { revision },
            StoreError::CursorExpired => ApiError::CursorExpired,
            StoreError::Unavailable(cause) => ApiError::Unavailable { cause },
            StoreError::Failed(cause) => ApiError::Internal { cause },
        }
    }
}

impl From<LimiterUnavailable> for ApiError {
    fn from(LimiterUnavailable(cause): LimiterUnavailable) -> Self {
        ApiError::Unavailable { cause }
    }
}

/// What the answer and the log say of an error.
pub(super) struct Row<'e> {
    pub status: u16,
    pub code: &'static str,
    pub message: Cow<'e, str>,
    pub header: Option<(&'static str, String)>,
    pub details: Option<About<'e>>,
    /// For the log alone.
    pub cause: Option<Cow<'e, str>>,
}

/// What the details of an error are about; `error_body` writes them.
pub(super) enum About<'e> {
    Faults(&'e FaultList),
    StoredLimit(StoredLimit),
    Scopes { required: Scope, current: &'e [Scope] },
    Revision(u64),
    LimitBytes(usize),
    Quota { quota: Quota, retry_after_s: u64 },
}

impl<'e> Row<'e> {
    fn new(status: u16, code: &'static str, message: impl Into<Cow<'e, str>>) -> Self {
        Row { status, code, message: message.into(), header: None, details: None, cause: None }
    }

    fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        Row { header: Some((name, value.into())), ..self }
    }

    fn about(self, details: About<'e>) -> Self {
        Row { details: Some(details), ..self }
    }

    fn because(self, cause: impl Into<Cow<'e, str>>) -> Self {
        Row { cause: Some(cause.into()), ..self }
    }

    fn missing_auth(message: impl Into<Cow<'e, str>>) -> Self {
        Row::new(401, "MISSING_AUTH", message).header(CHALLENGE, r#"Bearer realm="roster""#)
    }

    fn invalid_token(code: &'static str, message: impl Into<Cow<'e, str>>) -> Self {
        Row::new(401, code, message).header(CHALLENGE, r#"Bearer realm="roster", error="invalid_token""#)
    }
}

const CHALLENGE: &str = "WWW-Authenticate";

impl ApiError {
    /// The code for programs. Codes outlive deploys.
    pub fn code(&self) -> &'static str {
        self.row().code
    }

    /// All that is said of an error, one row a variant.
    #[expect(clippy::too_many_lines, reason = "a table: one row a variant")]
    pub(super) fn row(&self) -> Row<'_> {
        match self {
            ApiError::InvalidRequest(why) => Row::new(400, "INVALID_REQUEST", why),
            ApiError::Faults(list) => {
                let first = list.faults.first();
                let code = first.map_or("INVALID_REQUEST", |fault| fault_code(&fault.kind));
                let message = first.map_or_else(String::new, |fault| fault_message(list.part, fault));
                Row::new(400, code, message).about(About::Faults(list))
            }
            ApiError::StoredLimit(limit) => {
                let message = format!("The user would break a limit: {}", limit_issue(*limit));
                Row::new(400, "INVALID_VALUE", message).about(About::StoredLimit(*limit))
            }
            ApiError::MissingAuth(wanted) => Row::missing_auth(format!(
                "Missing Authorization header: send `Authorization: Bearer {}`",
                wanted.placeholder()
            )),
            ApiError::NotBearer(wanted) => Row::missing_auth(format!(
                "The Authorization header must be `Bearer {}`: the word Bearer, a space, and {}",
                wanted.placeholder(),
                wanted.name()
            )),
            ApiError::MissingWriteKey => Row::missing_auth(
                "Missing write key: send an API key as the user name of Basic authentication, \
                 as a Bearer token, in X-Write-Key, or in the body as writeKey",
            ),
            ApiError::InvalidApiKey => Row::invalid_token("INVALID_API_KEY", "Invalid API key"),
            ApiError::InvalidAdminToken => Row::invalid_token("INVALID_API_KEY", INVALID_ADMIN_TOKEN),
            ApiError::WrongCredential { wanted } => {
                let message = format!("This call needs {}, not {}", wanted.name(), wanted.other().name());
                Row::invalid_token("INVALID_API_KEY", message)
            }
            ApiError::AdminDisabled => Row::invalid_token("INVALID_API_KEY", INVALID_ADMIN_TOKEN)
                .because(format!("ADMIN_TOKEN is unset or shorter than {MIN_ADMIN_TOKEN_CHARS} characters")),
            ApiError::RevokedApiKey => Row::invalid_token("REVOKED_API_KEY", "API key was revoked or has expired"),
            ApiError::InsufficientPermissions { required, current } => {
                let scope = required.as_str();
                let challenge = format!(r#"Bearer realm="roster", error="insufficient_scope", scope="{scope}""#);
                Row::new(403, "INSUFFICIENT_PERMISSIONS", format!("API key lacks the permission {scope}"))
                    .header(CHALLENGE, challenge)
                    .about(About::Scopes { required: *required, current })
            }
            ApiError::TooPermissive { current } => {
                let message = "A key that browsers are shown must have the scope ingest alone";
                let details = About::Scopes { required: Scope::Ingest, current };
                Row::new(403, "INSUFFICIENT_PERMISSIONS", message).about(details)
            }
            ApiError::RouteNotFound { similar: None } => Row::new(404, "NOT_FOUND", "No such route"),
            ApiError::RouteNotFound { similar: Some(pattern) } => {
                Row::new(404, "NOT_FOUND", format!("No such route. Did you mean {pattern}?"))
            }
            ApiError::UserNotFound => Row::new(404, "USER_NOT_FOUND", "No such user"),
            ApiError::KeyNotFound => Row::new(404, "KEY_NOT_FOUND", "No such API key"),
            ApiError::ProjectNotFound => Row::new(404, "PROJECT_NOT_FOUND", "No such project"),
            ApiError::Move(refusal) => refusal.row(),
            ApiError::WebhookNotFound => Row::new(404, "WEBHOOK_NOT_FOUND", "No such webhook"),
            ApiError::TooManyWebhooks => {
                Row::new(409, "TOO_MANY_WEBHOOKS", format!("A project has at most {MAX_WEBHOOKS} webhooks"))
            }
            ApiError::CursorExpired => {
                let message =
                    "A deletion behind this position was forgotten after 30 days: start over, without cursor and since";
                Row::new(410, "CURSOR_EXPIRED", message)
            }
            ApiError::RevisionChanged { revision: Some(revision) } => {
                let message = "The user has another revision than If-Match names: read it again";
                Row::new(412, "REVISION_CHANGED", message).about(About::Revision(*revision))
            }
            ApiError::RevisionChanged { revision: None } => {
                Row::new(412, "REVISION_CHANGED", "There is no such user for If-Match to name")
            }
            ApiError::MethodNotAllowed { allow, instead } => {
                let mut message = format!("Method not allowed here; allowed are {allow}");
                if let Some(instead) = instead {
                    message = format!("{message}. {instead}");
                }
                Row::new(405, "METHOD_NOT_ALLOWED", message).header("Allow", allow)
            }
            ApiError::PayloadTooLarge { limit_bytes } => {
                let message = format!("The body is larger than {limit_bytes} bytes");
                Row::new(413, "PAYLOAD_TOO_LARGE", message).about(About::LimitBytes(*limit_bytes))
            }
            ApiError::TooManyMessages => {
                Row::new(413, "PAYLOAD_TOO_LARGE", format!("The batch has more than {MAX_MESSAGES} messages"))
            }
            // RFC 9110 section 15.5.16.
            ApiError::UnsupportedEncoding => {
                let message = "Content-Encoding must be gzip, identity, or absent";
                Row::new(415, "UNSUPPORTED_ENCODING", message).header("Accept-Encoding", "gzip")
            }
            ApiError::RateLimitExceeded { quota, retry_after_ms } => {
                // Whole seconds, rounded up, at least one.
                let retry_after_s = retry_after_ms.div_ceil(1000).max(1);
                let message = format!("Rate limit of {} requests per {quota} exceeded", quota.limit);
                Row::new(429, "RATE_LIMIT_EXCEEDED", message)
                    .header("Retry-After", retry_after_s.to_string())
                    .about(About::Quota { quota: *quota, retry_after_s })
            }
            ApiError::Internal { cause } => {
                Row::new(500, "INTERNAL_ERROR", "Something went wrong on our side").because(cause)
            }
            ApiError::Unavailable { cause } => {
                let message = "Temporarily overloaded or out of reach; please try again";
                let row = Row::new(503, "SERVICE_UNAVAILABLE", message).because(cause);
                row.header("Retry-After", STORE_RETRY_AFTER_S.to_string())
            }
        }
    }
}

pub(super) fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

pub(super) fn fault_code(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Missing => "MISSING_FIELD",
        FaultKind::WrongType { .. } => "INVALID_TYPE",
        FaultKind::Invalid(_) => "INVALID_VALUE",
        FaultKind::Unknown(_) => "UNKNOWN_FIELD",
        FaultKind::Duplicate | FaultKind::NotJson(_) => "INVALID_REQUEST",
    }
}

fn fault_message(part: Part, fault: &Fault) -> String {
    let what = match fault.kind {
        FaultKind::Missing => "Missing required",
        FaultKind::WrongType { .. } => "Wrong type for",
        FaultKind::Invalid(_) => "Invalid value for",
        FaultKind::Unknown(_) => "Unknown",
        FaultKind::Duplicate => "Duplicate",
        FaultKind::NotJson(_) => "Invalid JSON in",
    };
    let kind = match part {
        Part::Body => "field",
        Part::Path => "path parameter",
        Part::Query => "query parameter",
        Part::Header => "header",
    };
    format!("{what} {kind}: {}", fault.place())
}

pub(super) fn limit_issue(limit: StoredLimit) -> String {
    match limit {
        StoredLimit::PropertyKeys => format!("properties can have at most {MAX_MEMBERS} keys"),
        StoredLimit::OriginKeys => format!("origin can have at most {MAX_MEMBERS} keys"),
        StoredLimit::ProfileBytes => format!("a profile can have at most {MAX_PROFILE_BYTES} bytes"),
    }
}
