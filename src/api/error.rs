//! Every way a request can fail. This type alone knows status, code, message, details and headers.

use super::Reply;
use crate::body::{Fault, FaultKind};
use crate::key::Scope;
use crate::limit::{LimiterAway, Quota};
use crate::store::{MAX_KEYS, MAX_PROFILE_BYTES, StoreError, StoredLimit};
use serde::Serialize;

/// Seconds to wait before asking an overloaded store again.
const STORE_RETRY_AFTER_S: u64 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// 400 `INVALID_REQUEST`: no JSON object in the body; says why.
    InvalidRequest(String),
    /// 400, with the code of the first fault. Never empty.
    Faults(Vec<Fault>),
    /// 400 `INVALID_VALUE`: what would be stored breaks a limit.
    StoredLimit(StoredLimit),
    /// 401 `MISSING_AUTH`
    MissingAuth,
    /// 401 `INVALID_API_KEY`
    InvalidApiKey,
    /// 401 `INVALID_API_KEY`: there is no usable admin token, so nobody is admin.
    AdminDisabled,
    /// 401 `REVOKED_API_KEY`
    RevokedApiKey,
    /// 403 `INSUFFICIENT_PERMISSIONS`
    InsufficientPermissions { required: Scope, current: Vec<Scope> },
    /// 404 `NOT_FOUND`: no such route
    NotFound,
    /// 404 `USER_NOT_FOUND`
    UserNotFound,
    /// 404 `KEY_NOT_FOUND`
    KeyNotFound,
    /// 405 `METHOD_NOT_ALLOWED`
    MethodNotAllowed { allow: &'static str },
    /// 413 `PAYLOAD_TOO_LARGE`
    PayloadTooLarge { limit_bytes: usize },
    /// 429 `RATE_LIMIT_EXCEEDED`
    RateLimitExceeded { quota: Quota, retry_after_ms: u64 },
    /// 500 `INTERNAL_ERROR`
    Internal { cause: String },
    /// 503 `SERVICE_UNAVAILABLE`
    Unavailable { cause: String },
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(limit) => ApiError::StoredLimit(limit),
            StoreError::Unavailable(cause) => ApiError::Unavailable { cause },
            StoreError::Failed(cause) => ApiError::Internal { cause },
        }
    }
}

impl From<LimiterAway> for ApiError {
    fn from(LimiterAway(cause): LimiterAway) -> Self {
        ApiError::Unavailable { cause }
    }
}

/// The body of every error.
#[derive(Serialize)]
struct ErrorOut<'a> {
    success: bool,
    error: &'static str,
    #[serde(flatten)]
    part: ErrorPart<'a>,
}

/// What an error says of itself, wherever it stands.
#[derive(Serialize)]
pub(super) struct ErrorPart<'a> {
    message: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

/// What a program may want to know beyond the code.
#[derive(Default, Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    fault: Option<FaultOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FaultOut<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_permission: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_permissions: Option<&'a [Scope]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

#[derive(Clone, Serialize)]
struct FaultOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    issue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<&'static str>,
}

impl ApiError {
    pub fn status(&self) -> u16 {
        match self {
            ApiError::InvalidRequest(_) | ApiError::Faults(_) | ApiError::StoredLimit(_) => 400,
            ApiError::MissingAuth | ApiError::InvalidApiKey | ApiError::AdminDisabled | ApiError::RevokedApiKey => 401,
            ApiError::InsufficientPermissions { .. } => 403,
            ApiError::NotFound | ApiError::UserNotFound | ApiError::KeyNotFound => 404,
            ApiError::MethodNotAllowed { .. } => 405,
            ApiError::PayloadTooLarge { .. } => 413,
            ApiError::RateLimitExceeded { .. } => 429,
            ApiError::Internal { .. } => 500,
            ApiError::Unavailable { .. } => 503,
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            ApiError::InvalidRequest(_) => "INVALID_REQUEST",
            ApiError::Faults(faults) => faults.first().map_or("INVALID_REQUEST", |fault| fault_code(&fault.kind)),
            ApiError::StoredLimit(_) => "INVALID_VALUE",
            ApiError::MissingAuth => "MISSING_AUTH",
            ApiError::InvalidApiKey | ApiError::AdminDisabled => "INVALID_API_KEY",
            ApiError::RevokedApiKey => "REVOKED_API_KEY",
            ApiError::InsufficientPermissions { .. } => "INSUFFICIENT_PERMISSIONS",
            ApiError::NotFound => "NOT_FOUND",
            ApiError::UserNotFound => "USER_NOT_FOUND",
            ApiError::KeyNotFound => "KEY_NOT_FOUND",
            ApiError::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            ApiError::PayloadTooLarge { .. } => "PAYLOAD_TOO_LARGE",
            ApiError::RateLimitExceeded { .. } => "RATE_LIMIT_EXCEEDED",
            ApiError::Internal { .. } => "INTERNAL_ERROR",
            ApiError::Unavailable { .. } => "SERVICE_UNAVAILABLE",
        }
    }

    /// What the log should say beyond the code.
    pub fn cause(&self) -> Option<String> {
        match self {
            ApiError::Internal { cause } | ApiError::Unavailable { cause } => Some(cause.clone()),
            ApiError::AdminDisabled => Some("ADMIN_TOKEN is unset or shorter than 16 characters".into()),
            _ => None,
        }
    }

    fn message(&self) -> String {
        match self {
            ApiError::InvalidRequest(why) => why.clone(),
            ApiError::Faults(faults) => faults.first().map_or_else(String::new, fault_message),
            ApiError::StoredLimit(limit) => format!("The user would break a limit: {}", limit_issue(*limit)),
            ApiError::MissingAuth => "Missing Authorization header: send `Authorization: Bearer YOUR_API_KEY`".into(),
            ApiError::InvalidApiKey | ApiError::AdminDisabled => "Invalid API key".into(),
            ApiError::RevokedApiKey => "API key was revoked or has expired".into(),
            ApiError::InsufficientPermissions { required, .. } => {
                format!("API key lacks the permission {}", required.as_str())
            }
            ApiError::NotFound => "No such route".into(),
            ApiError::UserNotFound => "No such user".into(),
            ApiError::KeyNotFound => "No such API key".into(),
            ApiError::MethodNotAllowed { allow } => format!("Method not allowed here; allowed are {allow}"),
            ApiError::PayloadTooLarge { limit_bytes } => format!("The body is larger than {limit_bytes} bytes"),
            ApiError::RateLimitExceeded { quota, .. } => {
                format!("Rate limit of {} requests per {quota} exceeded", quota.limit)
            }
            ApiError::Internal { .. } => "Something went wrong on our side".into(),
            ApiError::Unavailable { .. } => "Temporarily overloaded or out of reach; please try again".into(),
        }
    }

    fn details(&self) -> Option<Details<'_>> {
        let details = Details::default();
        Some(match self {
            ApiError::Faults(faults) => Details {
                fault: faults.first().map(|fault| FaultOut { code: None, ..fault_out(fault) }),
                errors: (faults.len() > 1).then(|| faults.iter().map(fault_out).collect()),
                ..details
            },
            ApiError::StoredLimit(limit) => Details {
                fault: Some(stored_limit_out(*limit)),
                limit_bytes: (*limit == StoredLimit::ProfileBytes).then_some(MAX_PROFILE_BYTES),
                ..details
            },
            ApiError::InsufficientPermissions { required, current } => {
                Details { required_permission: Some(*required), current_permissions: Some(current), ..details }
            }
            ApiError::PayloadTooLarge { limit_bytes } => Details { limit_bytes: Some(*limit_bytes), ..details },
            ApiError::RateLimitExceeded { quota, retry_after_ms } => Details {
                limit: Some(quota.limit),
                window: Some(quota.to_string()),
                retry_after: Some(retry_after_s(*retry_after_ms)),
                ..details
            },
            ApiError::InvalidRequest(_)
            | ApiError::MissingAuth
            | ApiError::InvalidApiKey
            | ApiError::AdminDisabled
            | ApiError::RevokedApiKey
            | ApiError::NotFound
            | ApiError::UserNotFound
            | ApiError::KeyNotFound
            | ApiError::MethodNotAllowed { .. }
            | ApiError::Internal { .. }
            | ApiError::Unavailable { .. } => return None,
        })
    }

    /// The headers that come with this error.
    fn headers(&self) -> Option<(&'static str, String)> {
        const CHALLENGE: &str = "WWW-Authenticate";
        match self {
            ApiError::MissingAuth => Some((CHALLENGE, r#"Bearer realm="roster""#.into())),
            ApiError::InvalidApiKey | ApiError::AdminDisabled | ApiError::RevokedApiKey => {
                Some((CHALLENGE, r#"Bearer realm="roster", error="invalid_token""#.into()))
            }
            ApiError::InsufficientPermissions { required, .. } => Some((
                CHALLENGE,
                format!(r#"Bearer realm="roster", error="insufficient_scope", scope="{}""#, required.as_str()),
            )),
            ApiError::MethodNotAllowed { allow } => Some(("Allow", (*allow).into())),
            ApiError::RateLimitExceeded { retry_after_ms, .. } => {
                Some(("Retry-After", retry_after_s(*retry_after_ms).to_string()))
            }
            ApiError::Unavailable { .. } => Some(("Retry-After", STORE_RETRY_AFTER_S.to_string())),
            ApiError::InvalidRequest(_)
            | ApiError::Faults(_)
            | ApiError::StoredLimit(_)
            | ApiError::NotFound
            | ApiError::UserNotFound
            | ApiError::KeyNotFound
            | ApiError::PayloadTooLarge { .. }
            | ApiError::Internal { .. } => None,
        }
    }

    pub(super) fn part(&self) -> ErrorPart<'_> {
        ErrorPart { message: self.message(), code: self.code(), details: self.details() }
    }

    pub(super) fn into_reply(self) -> Reply {
        let status = self.status();
        let out = ErrorOut { success: false, error: reason_phrase(status), part: self.part() };
        Reply { headers: self.headers().into_iter().collect(), ..Reply::json(status, &out) }
    }
}

/// Whole seconds, never earlier than the truth, at least one.
fn retry_after_s(ms: u64) -> u64 {
    ms.div_ceil(1000).max(1)
}

pub(super) fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

fn fault_code(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Missing => "MISSING_FIELD",
        FaultKind::WrongType { .. } => "INVALID_TYPE",
        FaultKind::Invalid(_) => "INVALID_VALUE",
        FaultKind::Unknown => "UNKNOWN_FIELD",
        FaultKind::Duplicate => "INVALID_REQUEST",
    }
}

fn fault_message(fault: &Fault) -> String {
    let what = match fault.kind {
        FaultKind::Missing => "Missing required field",
        FaultKind::WrongType { .. } => "Wrong type for field",
        FaultKind::Invalid(_) => "Invalid value for field",
        FaultKind::Unknown => "Unknown field",
        FaultKind::Duplicate => "Repeated field",
    };
    format!("{what}: {}", fault.place())
}

fn fault_out(fault: &Fault) -> FaultOut<'_> {
    let (expected, received) = match fault.kind {
        FaultKind::WrongType { expected, received } => (Some(expected), Some(received)),
        _ => (None, None),
    };
    FaultOut {
        field: Some(&fault.field),
        pointer: fault.pointer.as_deref(),
        code: Some(fault_code(&fault.kind)),
        issue: fault.kind.to_string(),
        expected,
        received,
    }
}

fn stored_limit_out(limit: StoredLimit) -> FaultOut<'static> {
    let (field, pointer) = match limit {
        StoredLimit::PropertyKeys => (Some("properties"), None),
        StoredLimit::OriginKeys => (Some("origin"), None),
        // The pointer to the whole document.
        StoredLimit::ProfileBytes => (None, Some("")),
    };
    FaultOut { field, pointer, code: None, issue: limit_issue(limit), expected: None, received: None }
}

fn limit_issue(limit: StoredLimit) -> String {
    match limit {
        StoredLimit::PropertyKeys => format!("properties can have at most {MAX_KEYS} keys"),
        StoredLimit::OriginKeys => format!("origin can have at most {MAX_KEYS} keys"),
        StoredLimit::ProfileBytes => format!("a profile can have at most {MAX_PROFILE_BYTES} bytes"),
    }
}
