//! Every way a request can fail. This type alone knows status, code, message and headers; `error_body` writes its body.

use super::credential::Credential;
use crate::bounds::{MAX_MEMBERS, MAX_MESSAGES, MAX_PROFILE_BYTES};
use crate::input::fields::{Fault, FaultKind, FaultList, Part};
use crate::key::Scope;
use crate::rate_limit::{LimiterUnavailable, Quota};
use crate::store::{StoreError, StoredLimit};

/// Seconds to wait before asking an overloaded store again.
const STORE_RETRY_AFTER_S: u64 = 1;

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
        /// The pattern of a route whose path is similar.
        similar: Option<&'static str>,
    },
    /// 404 `USER_NOT_FOUND`
    UserNotFound {
        /// The path has one of Roster's own ids, where the caller's belongs.
        is_roster_id: bool,
    },
    /// 404 `KEY_NOT_FOUND`
    KeyNotFound,
    /// 404 `PROJECT_NOT_FOUND`
    ProjectNotFound,
    /// The project's storage can't be changed any more.
    StorageFixed,
    /// 412 `REVISION_CHANGED`: `If-Match` names no revision of the user.
    RevisionChanged {
        /// The one that it has, if there is such a user.
        revision: Option<u64>,
    },
    /// 405 `METHOD_NOT_ALLOWED`
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: String,
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

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::KeyNotLive => ApiError::RevokedApiKey,
            StoreError::Refused(limit) => ApiError::StoredLimit(limit),
            StoreError::RevisionChanged(revision) => ApiError::RevisionChanged { revision },
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

impl ApiError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            ApiError::InvalidRequest(_) | ApiError::Faults(_) | ApiError::StoredLimit(_) => 400,
            ApiError::MissingAuth(_)
            | ApiError::NotBearer(_)
            | ApiError::MissingWriteKey
            | ApiError::InvalidApiKey
            | ApiError::InvalidAdminToken
            | ApiError::WrongCredential { .. }
            | ApiError::AdminDisabled
            | ApiError::RevokedApiKey => 401,
            ApiError::InsufficientPermissions { .. } | ApiError::TooPermissive { .. } => 403,
            ApiError::RouteNotFound { .. }
            | ApiError::UserNotFound { .. }
            | ApiError::KeyNotFound
            | ApiError::ProjectNotFound => 404,
            ApiError::StorageFixed => 409,
            ApiError::RevisionChanged { .. } => 412,
            ApiError::MethodNotAllowed { .. } => 405,
            ApiError::PayloadTooLarge { .. } | ApiError::TooManyMessages => 413,
            ApiError::UnsupportedEncoding => 415,
            ApiError::RateLimitExceeded { .. } => 429,
            ApiError::Internal { .. } => 500,
            ApiError::Unavailable { .. } => 503,
        }
    }

    /// The code for programs. Codes outlive deploys.
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::InvalidRequest(_) => "INVALID_REQUEST",
            ApiError::Faults(list) => list.faults.first().map_or("INVALID_REQUEST", |fault| fault_code(&fault.kind)),
            ApiError::StoredLimit(_) => "INVALID_VALUE",
            ApiError::MissingAuth(_) | ApiError::NotBearer(_) | ApiError::MissingWriteKey => "MISSING_AUTH",
            ApiError::InvalidApiKey
            | ApiError::InvalidAdminToken
            | ApiError::WrongCredential { .. }
            | ApiError::AdminDisabled => "INVALID_API_KEY",
            ApiError::RevokedApiKey => "REVOKED_API_KEY",
            ApiError::InsufficientPermissions { .. } | ApiError::TooPermissive { .. } => "INSUFFICIENT_PERMISSIONS",
            ApiError::RouteNotFound { .. } => "NOT_FOUND",
            ApiError::UserNotFound { .. } => "USER_NOT_FOUND",
            ApiError::KeyNotFound => "KEY_NOT_FOUND",
            ApiError::ProjectNotFound => "PROJECT_NOT_FOUND",
            ApiError::StorageFixed => "STORAGE_FIXED",
            ApiError::RevisionChanged { .. } => "REVISION_CHANGED",
            ApiError::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            ApiError::PayloadTooLarge { .. } | ApiError::TooManyMessages => "PAYLOAD_TOO_LARGE",
            ApiError::UnsupportedEncoding => "UNSUPPORTED_ENCODING",
            ApiError::RateLimitExceeded { .. } => "RATE_LIMIT_EXCEEDED",
            ApiError::Internal { .. } => "INTERNAL_ERROR",
            ApiError::Unavailable { .. } => "SERVICE_UNAVAILABLE",
        }
    }

    /// The cause, for the log alone.
    pub fn cause(&self) -> Option<String> {
        match self {
            ApiError::Internal { cause } | ApiError::Unavailable { cause } => Some(cause.clone()),
            ApiError::AdminDisabled => Some("ADMIN_TOKEN is unset or shorter than 16 characters".into()),
            _ => None,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            ApiError::InvalidRequest(why) => why.clone(),
            ApiError::Faults(list) => {
                list.faults.first().map_or_else(String::new, |fault| fault_message(list.part, fault))
            }
            ApiError::StoredLimit(limit) => format!("The user would break a limit: {}", limit_issue(*limit)),
            ApiError::MissingAuth(wanted) => {
                format!("Missing Authorization header: send `Authorization: Bearer {}`", wanted.placeholder())
            }
            ApiError::NotBearer(wanted) => format!(
                "The Authorization header must be `Bearer {}`: the word Bearer, a space, and {}",
                wanted.placeholder(),
                wanted.name()
            ),
            ApiError::MissingWriteKey => "Missing write key: send an API key as the user name of Basic authentication, \
                                          as a Bearer token, in X-Write-Key, or in the body as writeKey"
                .into(),
            ApiError::InvalidApiKey => "Invalid API key".into(),
            ApiError::InvalidAdminToken | ApiError::AdminDisabled => {
                "Invalid admin token: this call needs the one that the operator set".into()
            }
            ApiError::WrongCredential { wanted } => {
                format!("This call needs {}, not {}", wanted.name(), wanted.other().name())
            }
            ApiError::RevokedApiKey => "API key was revoked or has expired".into(),
            ApiError::InsufficientPermissions { required, .. } => {
                format!("API key lacks the permission {}", required.as_str())
            }
            ApiError::TooPermissive { .. } => "A key that browsers are shown must have the scope ingest alone".into(),
            ApiError::RouteNotFound { similar: None } => "No such route".into(),
            ApiError::RouteNotFound { similar: Some(pattern) } => format!("No such route. Did you mean {pattern}?"),
            ApiError::UserNotFound { is_roster_id: false } => "No such user".into(),
            ApiError::UserNotFound { is_roster_id: true } => {
                "No such user. The path takes the user_id that you sent (external_id in answers), not Roster's own usr_… id"
                    .into()
            }
            ApiError::KeyNotFound => "No such API key".into(),
            ApiError::ProjectNotFound => "No such project".into(),
            ApiError::StorageFixed => "The project has had a key: its storage is fixed".into(),
            ApiError::RevisionChanged { revision: Some(_) } => {
                "The user has another revision than If-Match names: read it again".into()
            }
            ApiError::RevisionChanged { revision: None } => "There is no such user for If-Match to name".into(),
            ApiError::MethodNotAllowed { allow } => format!("Method not allowed here; allowed are {allow}"),
            ApiError::PayloadTooLarge { limit_bytes } => format!("The body is larger than {limit_bytes} bytes"),
            ApiError::TooManyMessages => format!("The batch has more than {MAX_MESSAGES} messages"),
            ApiError::UnsupportedEncoding => "Content-Encoding must be gzip, identity, or absent".into(),
            ApiError::RateLimitExceeded { quota, .. } => {
                format!("Rate limit of {} requests per {quota} exceeded", quota.limit)
            }
            ApiError::Internal { .. } => "Something went wrong on our side".into(),
            ApiError::Unavailable { .. } => "Temporarily overloaded or out of reach; please try again".into(),
        }
    }

    /// The headers that come with this error.
    pub(super) fn headers(&self) -> Option<(&'static str, String)> {
        const CHALLENGE: &str = "WWW-Authenticate";
        match self {
            ApiError::MissingAuth(_) | ApiError::NotBearer(_) | ApiError::MissingWriteKey => {
                Some((CHALLENGE, r#"Bearer realm="roster""#.into()))
            }
            ApiError::InvalidApiKey
            | ApiError::InvalidAdminToken
            | ApiError::WrongCredential { .. }
            | ApiError::AdminDisabled
            | ApiError::RevokedApiKey => Some((CHALLENGE, r#"Bearer realm="roster", error="invalid_token""#.into())),
            ApiError::InsufficientPermissions { required, .. } => Some((
                CHALLENGE,
                format!(r#"Bearer realm="roster", error="insufficient_scope", scope="{}""#, required.as_str()),
            )),
            ApiError::MethodNotAllowed { allow } => Some(("Allow", allow.clone())),
            // RFC 9110 section 15.5.16.
            ApiError::UnsupportedEncoding => Some(("Accept-Encoding", "gzip".into())),
            ApiError::RateLimitExceeded { retry_after_ms, .. } => {
                Some(("Retry-After", retry_after_s(*retry_after_ms).to_string()))
            }
            ApiError::Unavailable { .. } => Some(("Retry-After", STORE_RETRY_AFTER_S.to_string())),
            ApiError::InvalidRequest(_)
            | ApiError::Faults(_)
            | ApiError::StoredLimit(_)
            | ApiError::RouteNotFound { .. }
            | ApiError::UserNotFound { .. }
            | ApiError::KeyNotFound
            | ApiError::ProjectNotFound
            | ApiError::StorageFixed
            | ApiError::RevisionChanged { .. }
            | ApiError::PayloadTooLarge { .. }
            | ApiError::TooPermissive { .. }
            | ApiError::TooManyMessages
            | ApiError::Internal { .. } => None,
        }
    }
}

/// Whole seconds, rounded up, at least one.
pub(super) fn retry_after_s(ms: u64) -> u64 {
    ms.div_ceil(1000).max(1)
}

pub(super) fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
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
        FaultKind::Duplicate => "INVALID_REQUEST",
    }
}

fn fault_message(part: Part, fault: &Fault) -> String {
    let what = match fault.kind {
        FaultKind::Missing => "Missing required",
        FaultKind::WrongType { .. } => "Wrong type for",
        FaultKind::Invalid(_) => "Invalid value for",
        FaultKind::Unknown(_) => "Unknown",
        FaultKind::Duplicate => "Duplicate",
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
