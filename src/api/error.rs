//! Every way a request can fail. This type alone knows status, code, message, details and headers.

use super::auth::credential::Credential;
use super::http::Reply;
use crate::input::fields::{Fault, FaultKind, FaultList, Part};
use crate::key::Scope;
use crate::limit::{LimiterUnavailable, Quota};
use crate::limits::{MAX_DETAILS_BYTES, MAX_MEMBERS, MAX_PROFILE_BYTES};
use crate::store::{StoreError, StoredLimit};
use serde::Serialize;
use serde_json::value::RawValue;

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

/// The body of every error.
#[derive(Serialize)]
struct ErrorOut<'a> {
    success: bool,
    error: &'static str,
    #[serde(flatten)]
    part: ErrorPart<'a>,
}

/// The part that errors of requests and of batch elements share.
#[derive(Serialize)]
struct ErrorPart<'a> {
    message: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

/// More than the code, for programs.
#[derive(Default, Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    fault: Option<FaultOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FaultOut<'a>>>,
    /// How many faults `errors` has no room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
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
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            ApiError::InvalidRequest(_) | ApiError::Faults(_) | ApiError::StoredLimit(_) => 400,
            ApiError::MissingAuth(_)
            | ApiError::NotBearer(_)
            | ApiError::InvalidApiKey
            | ApiError::InvalidAdminToken
            | ApiError::WrongCredential { .. }
            | ApiError::AdminDisabled
            | ApiError::RevokedApiKey => 401,
            ApiError::InsufficientPermissions { .. } => 403,
            ApiError::RouteNotFound { .. }
            | ApiError::UserNotFound { .. }
            | ApiError::KeyNotFound
            | ApiError::ProjectNotFound => 404,
            ApiError::MethodNotAllowed { .. } => 405,
            ApiError::PayloadTooLarge { .. } => 413,
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
            ApiError::MissingAuth(_) | ApiError::NotBearer(_) => "MISSING_AUTH",
            ApiError::InvalidApiKey
            | ApiError::InvalidAdminToken
            | ApiError::WrongCredential { .. }
            | ApiError::AdminDisabled => "INVALID_API_KEY",
            ApiError::RevokedApiKey => "REVOKED_API_KEY",
            ApiError::InsufficientPermissions { .. } => "INSUFFICIENT_PERMISSIONS",
            ApiError::RouteNotFound { .. } => "NOT_FOUND",
            ApiError::UserNotFound { .. } => "USER_NOT_FOUND",
            ApiError::KeyNotFound => "KEY_NOT_FOUND",
            ApiError::ProjectNotFound => "PROJECT_NOT_FOUND",
            ApiError::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            ApiError::PayloadTooLarge { .. } => "PAYLOAD_TOO_LARGE",
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

    fn message(&self) -> String {
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
            ApiError::RouteNotFound { similar: None } => "No such route".into(),
            ApiError::RouteNotFound { similar: Some(pattern) } => format!("No such route. Did you mean {pattern}?"),
            ApiError::UserNotFound { is_roster_id: false } => "No such user".into(),
            ApiError::UserNotFound { is_roster_id: true } => {
                "No such user. The path takes the user_id that you sent (external_id in answers), not Roster's own usr_… id"
                    .into()
            }
            ApiError::KeyNotFound => "No such API key".into(),
            ApiError::ProjectNotFound => "No such project".into(),
            ApiError::MethodNotAllowed { allow } => format!("Method not allowed here; allowed are {allow}"),
            ApiError::PayloadTooLarge { limit_bytes } => format!("The body is larger than {limit_bytes} bytes"),
            ApiError::UnsupportedEncoding => "Content-Encoding must be gzip, identity, or absent".into(),
            ApiError::RateLimitExceeded { quota, .. } => {
                format!("Rate limit of {} requests per {quota} exceeded", quota.limit)
            }
            ApiError::Internal { .. } => "Something went wrong on our side".into(),
            ApiError::Unavailable { .. } => "Temporarily overloaded or out of reach; please try again".into(),
        }
    }

    fn details(&self, max_bytes: usize) -> Option<Details<'_>> {
        let details = Details::default();
        Some(match self {
            ApiError::Faults(list) => fault_details(list, max_bytes),
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
            | ApiError::MissingAuth(_)
            | ApiError::NotBearer(_)
            | ApiError::InvalidApiKey
            | ApiError::InvalidAdminToken
            | ApiError::WrongCredential { .. }
            | ApiError::AdminDisabled
            | ApiError::RevokedApiKey
            | ApiError::RouteNotFound { .. }
            | ApiError::UserNotFound { .. }
            | ApiError::KeyNotFound
            | ApiError::ProjectNotFound
            | ApiError::MethodNotAllowed { .. }
            | ApiError::UnsupportedEncoding
            | ApiError::Internal { .. }
            | ApiError::Unavailable { .. } => return None,
        })
    }

    /// The headers that come with this error.
    fn headers(&self) -> Option<(&'static str, String)> {
        const CHALLENGE: &str = "WWW-Authenticate";
        match self {
            ApiError::MissingAuth(_) | ApiError::NotBearer(_) => Some((CHALLENGE, r#"Bearer realm="roster""#.into())),
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
            | ApiError::PayloadTooLarge { .. }
            | ApiError::Internal { .. } => None,
        }
    }

    fn part(&self, max_details_bytes: usize) -> ErrorPart<'_> {
        ErrorPart { message: self.message(), code: self.code(), details: self.details(max_details_bytes) }
    }

    pub(super) fn into_reply(self) -> Reply {
        let status = self.status();
        let out = ErrorOut { success: false, error: reason_phrase(status), part: self.part(MAX_DETAILS_BYTES) };
        Reply { headers: self.headers().into_iter().collect(), ..Reply::json(status, &out) }
    }
}

/// Writes the errors of a batch's users, within [`MAX_DETAILS_BYTES`] for all.
pub(super) struct BatchErrors {
    bytes_left: usize,
}

impl Default for BatchErrors {
    fn default() -> Self {
        BatchErrors { bytes_left: MAX_DETAILS_BYTES }
    }
}

impl BatchErrors {
    /// The JSON of one more error: its code alone once there is no room for more.
    pub fn add(&mut self, error: &ApiError) -> Box<RawValue> {
        let part = error.part(self.bytes_left);
        if raw(&part.details).get().len() > self.bytes_left {
            self.bytes_left = 0;
            return raw(&CodeOut { code: error.code() });
        }
        let part = raw(&part);
        self.bytes_left = self.bytes_left.saturating_sub(part.get().len());
        part
    }
}

#[derive(Serialize)]
struct CodeOut {
    code: &'static str,
}

#[expect(clippy::expect_used, reason = "derived serialisers of structs and strings do not fail")]
fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("serialisable")
}

/// The first fault, and a list of as many as there is room for.
fn fault_details(list: &FaultList, max_bytes: usize) -> Details<'_> {
    /// Bytes of `errors`, `more` and braces, at most.
    const FRAME_BYTES: usize = 64;
    let details = Details {
        fault: list.faults.first().map(|fault| FaultOut { code: None, ..fault_out(fault) }),
        ..Details::default()
    };
    let all = list.faults.len() + list.more;
    if all == 1 {
        return details;
    }
    let mut bytes_left = max_bytes.saturating_sub(FRAME_BYTES + raw(&details).get().len());
    let fits = |fault: &FaultOut| {
        let left = bytes_left.checked_sub(raw(fault).get().len() + ",".len());
        bytes_left = left.unwrap_or(0);
        left.is_some()
    };
    let errors: Vec<_> = list.faults.iter().map(fault_out).take_while(fits).collect();
    Details { more: Some(all - errors.len()).filter(|more| *more > 0), errors: Some(errors), ..details }
}

/// Whole seconds, rounded up, at least one.
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
        415 => "Unsupported Media Type",
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
    };
    format!("{what} {kind}: {}", fault.place())
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
        StoredLimit::PropertyKeys => format!("properties can have at most {MAX_MEMBERS} keys"),
        StoredLimit::OriginKeys => format!("origin can have at most {MAX_MEMBERS} keys"),
        StoredLimit::ProfileBytes => format!("a profile can have at most {MAX_PROFILE_BYTES} bytes"),
    }
}
