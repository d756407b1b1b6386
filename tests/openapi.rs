//! Holds `openapi.yaml` against the code: every route, method, error code and bound stands in it.

use super::auth::Credential;
use super::route::Resource;
use super::{ApiError, MAX_BODY_BYTES, batch, keys, list};
use crate::body::{Fault, FaultKind, FaultList, Part};
use crate::key::Scope;
use crate::limit::Quota;
use crate::store::{MAX_PROFILE_BYTES, StoredLimit};
use crate::user::{MAX_EMAIL_BYTES, MAX_KEY_CHARS, MAX_KEYS, MAX_NESTING, MAX_OBJECT_MEMBERS, MAX_USER_ID_CHARS};

const CONTRACT: &str = include_str!("../../openapi.yaml");

/// The text of one path's entry.
#[track_caller]
fn entry(path: &str) -> &'static str {
    let (_, after) = CONTRACT.split_once(&format!("\n  {path}:\n")).unwrap_or_else(|| panic!("{path} is not there"));
    let end =
        after.match_indices("\n  ").find(|(i, _)| !after[i + 3..].starts_with(' ')).map_or(after.len(), |(i, _)| i);
    &after[..end]
}

#[test]
fn every_route_stands_in_it_with_its_methods() {
    let paths = [
        "/v1/users",
        "/v1/users/x",
        "/v1/users/batch",
        "/v1/keys",
        "/v1/keys/x",
        "/v1/projects",
        "/v1/projects/x",
        "/health",
        "/health/ready",
    ];
    let methods = ["get", "put", "post", "delete", "patch"];
    for path in paths {
        let resource = Resource::of(path).unwrap();
        let entry = entry(resource.pattern());
        for method in methods {
            // The user whose id is "batch" is read and erased as any other.
            let allowed =
                resource.allow().contains(&method.to_uppercase()) && (path != "/v1/users/batch" || method == "post");
            assert_eq!(
                entry.contains(&format!("\n    {method}:\n")) || entry.starts_with(&format!("    {method}:\n")),
                allowed,
                "{method} {path}"
            );
        }
    }
    assert_eq!(CONTRACT.matches("operationId:").count(), 13);
}

#[test]
fn every_error_code_stands_in_it_with_an_example() {
    let fault = |kind| {
        let faults = vec![Fault { field: "f".into(), pointer: None, kind }];
        ApiError::Faults(FaultList { part: Part::Body, faults, more: 0 })
    };
    let errors = [
        ApiError::InvalidRequest(String::new()),
        fault(FaultKind::Missing),
        fault(FaultKind::WrongType { expected: "string", received: "null" }),
        fault(FaultKind::Invalid("rule".into())),
        fault(FaultKind::Unknown("rule".into())),
        fault(FaultKind::Duplicate),
        ApiError::StoredLimit(StoredLimit::ProfileBytes),
        ApiError::MissingAuth(Credential::ApiKey),
        ApiError::NotBearer(Credential::ApiKey),
        ApiError::InvalidApiKey,
        ApiError::InvalidAdminToken,
        ApiError::WrongCredential { wanted: Credential::ApiKey },
        ApiError::AdminDisabled,
        ApiError::RevokedApiKey,
        ApiError::InsufficientPermissions { required: Scope::UsersRead, current: Vec::new() },
        ApiError::RouteNotFound { similar: None },
        ApiError::UserNotFound { is_roster_id: false },
        ApiError::KeyNotFound,
        ApiError::ProjectNotFound,
        ApiError::MethodNotAllowed { allow: "GET" },
        ApiError::PayloadTooLarge { limit_bytes: 1 },
        ApiError::UnsupportedEncoding,
        ApiError::RateLimitExceeded { quota: Quota::new(1, 1).unwrap(), retry_after_ms: 1 },
        ApiError::Internal { cause: String::new() },
        ApiError::Unavailable { cause: String::new() },
    ];
    for error in errors {
        let code = error.code();
        assert!(CONTRACT.contains(&format!("        - {code}\n")), "{code}");
        // These belong to no operation.
        let has_example = CONTRACT.contains(&format!("code: {code}"));
        assert!(has_example || ["METHOD_NOT_ALLOWED", "NOT_FOUND"].contains(&code), "no example of {code}");
    }
}

#[test]
fn every_bound_stands_in_it() {
    let with_commas = |n: usize| match (n / 1_000_000, n / 1000 % 1000, n % 1000) {
        (0, thousands, rest) => format!("{thousands},{rest:03}"),
        (millions, thousands, rest) => format!("{millions},{thousands:03},{rest:03}"),
    };
    let bounds = [
        format!("maxLength: {MAX_USER_ID_CHARS}\n"),
        format!("maxLength: {MAX_EMAIL_BYTES}\n"),
        format!("minLength: 1, maxLength: {MAX_KEY_CHARS} }}"),
        format!("nest at most {MAX_NESTING} levels"),
        format!("maxProperties: {MAX_KEYS}\n"),
        format!("An object below them has at most {MAX_OBJECT_MEMBERS} members"),
        format!("at most {} bytes", with_commas(MAX_PROFILE_BYTES)),
        format!("At most {} bytes.", with_commas(MAX_BODY_BYTES)),
        format!("At most {} bytes.", with_commas(batch::MAX_BYTES)),
        format!("minItems: 1, maxItems: {}", batch::MAX_USERS),
        format!("maxLength: {}, pattern", keys::MAX_NAME_CHARS),
        format!("minimum: {}, maximum: {}, default: {}", list::LIMITS.start(), list::LIMITS.end(), list::DEFAULT_LIMIT),
        format!("limit: {{ type: integer, minimum: {}, maximum: {} }}", Quota::LIMITS.start(), Quota::LIMITS.end()),
        format!("minimum: {}, maximum: {} }}", Quota::WINDOW_SECONDS.start(), Quota::WINDOW_SECONDS.end()),
    ];
    for bound in bounds {
        assert!(CONTRACT.contains(&bound), "{bound}");
    }
}
