//! Holds `openapi.yaml` against the code: every route, method, error code and bound stands in it.

use roster::api::{ApiError, Credential, MoveRefusal, Operation, ROUTES};
use roster::bounds::{
    BATCH_USERS, COPY_MAX_AGE_S, DEFAULT_PAGE_CHANGES, DEFAULT_PAGE_USERS, FREE_IDENTIFIES, MAX_BATCH_BYTES,
    MAX_BODY_BYTES, MAX_EMAIL_BYTES, MAX_INGEST_BYTES, MAX_KEY_NAME_CHARS, MAX_MEMBERS, MAX_MESSAGES, MAX_NAME_CHARS,
    MAX_NESTING, MAX_OBJECT_MEMBERS, MAX_PROFILE_BYTES, MAX_TEST_ANSWER_BYTES, MAX_UNAUTHENTICATED_BYTES,
    MAX_USER_ID_CHARS, MAX_WEBHOOK_URL_BYTES, MAX_WEBHOOKS, PAGE_CHANGES, PAGE_USERS, RATE_LIMITS, RATE_WINDOW_SECONDS,
    WEBHOOK_BATCH,
};
use roster::input::fields::{Fault, FaultKind, FaultList, Part};
use roster::key::Scope;
use roster::rate_limit::Quota;
use roster::store::StoredLimit;
use roster_harness::contract;

const CONTRACT: &str = include_str!("../openapi.yaml");
const GUIDE: &str = include_str!("../docs/api.md");

/// The text of one path's entry.
#[track_caller]
fn entry(path: &str) -> &'static str {
    let (_, after) = CONTRACT.split_once(&format!("\n  {path}:\n")).unwrap_or_else(|| panic!("{path} is not there"));
    let end =
        after.match_indices("\n  ").find(|(i, _)| !after[i + 3..].starts_with(' ')).map_or(after.len(), |(i, _)| i);
    &after[..end]
}

/// What people read in a browser is not in it.
fn operations() -> impl Iterator<Item = (&'static str, &'static str)> {
    let operations = ROUTES.into_iter().filter(|(.., operation)| *operation != Operation::Asset);
    operations.map(|(method, pattern, _)| (method, pattern))
}

#[test]
fn every_route_stands_in_it_with_its_methods() {
    for (_, pattern) in operations() {
        let entry = format!("\n{}", entry(pattern));
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let is_described = entry.contains(&format!("\n    {}:\n", method.to_lowercase()));
            let is_route = operations().any(|known| known == (method, pattern));
            assert_eq!(is_described, is_route, "{method} {pattern}: does openapi.yaml have it, and has route.rs?");
        }
    }
    let described = CONTRACT.matches("operationId:").count();
    assert_eq!(described, operations().count(), "operations of openapi.yaml, and rows of route.rs that are no asset");
}

#[test]
fn every_error_code_stands_in_it_with_an_example_and_in_the_guide() {
    let fault = |kind| {
        let faults = vec![Fault { field: "f".into(), pointer: None, kind }];
        ApiError::Faults(FaultList { part: Part::Body, faults, more: 0 })
    };
    let errors = [
        ApiError::InvalidRequest(String::new()),
        fault(FaultKind::Missing),
        fault(FaultKind::WrongType { expected: "string", received: "null", is_empty_array: false }),
        fault(FaultKind::Invalid("rule".into())),
        fault(FaultKind::Unknown("rule".into())),
        fault(FaultKind::Duplicate),
        fault(FaultKind::NotJson("problem")),
        ApiError::StoredLimit(StoredLimit::ProfileBytes),
        ApiError::MissingAuth(Credential::ApiKey),
        ApiError::NotBearer(Credential::ApiKey),
        ApiError::MissingWriteKey,
        ApiError::InvalidApiKey,
        ApiError::InvalidAdminToken,
        ApiError::WrongCredential { wanted: Credential::ApiKey },
        ApiError::AdminDisabled,
        ApiError::RevokedApiKey,
        ApiError::InsufficientPermissions { required: Scope::UsersRead, current: Vec::new() },
        ApiError::TooPermissive { current: Vec::new() },
        ApiError::RouteNotFound { similar: None },
        ApiError::UserNotFound,
        ApiError::KeyNotFound,
        ApiError::ProjectNotFound,
        ApiError::Move(MoveRefusal::StorageFixed),
        ApiError::Move(MoveRefusal::NotFound),
        ApiError::Move(MoveRefusal::InProgress),
        ApiError::Move(MoveRefusal::Switching),
        ApiError::WebhookNotFound,
        ApiError::TooManyWebhooks,
        ApiError::CursorExpired,
        ApiError::RevisionChanged { revision: Some(1) },
        ApiError::MethodNotAllowed { allow: "GET".into(), instead: None },
        ApiError::PayloadTooLarge { limit_bytes: 1 },
        ApiError::TooManyMessages,
        ApiError::UnsupportedEncoding,
        ApiError::RateLimitExceeded { quota: Quota::new(1, 1).unwrap(), retry_after_ms: 1 },
        ApiError::Internal { cause: String::new() },
        ApiError::Unavailable { cause: String::new() },
    ];
    for error in errors {
        let code = error.code();
        assert!(CONTRACT.contains(&format!("        - {code}\n")), "openapi.yaml does not list {code}");
        let in_table = GUIDE.lines().any(|line| line.starts_with("| ") && line.contains(&format!("`{code}`")));
        assert!(in_table, "docs/api.md does not list {code}");
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
        format!("minLength: 1, maxLength: {MAX_NAME_CHARS} }}"),
        format!("nest at most {MAX_NESTING} levels"),
        format!("maxProperties: {MAX_MEMBERS}\n"),
        format!("An object below them has at most {MAX_OBJECT_MEMBERS} members"),
        format!("at most {} bytes", with_commas(MAX_PROFILE_BYTES)),
        format!("At most {} bytes.", with_commas(MAX_BODY_BYTES)),
        format!("At most {} bytes.", with_commas(MAX_BATCH_BYTES)),
        format!(
            "has at most {} bytes, or {} if the key is in it",
            with_commas(MAX_INGEST_BYTES),
            with_commas(MAX_UNAUTHENTICATED_BYTES)
        ),
        format!("if more than {FREE_IDENTIFIES} users are to be stored"),
        format!("minItems: 1, maxItems: {MAX_MESSAGES}, items: {{ $ref: \"#/components/schemas/MessageIn\" }}"),
        format!("minItems: {}, maxItems: {}", BATCH_USERS.start(), BATCH_USERS.end()),
        format!("N from {} to {}", COPY_MAX_AGE_S.start(), with_commas(*COPY_MAX_AGE_S.end() as usize)),
        format!("maxLength: {MAX_KEY_NAME_CHARS}, pattern"),
        format!("minimum: {}, maximum: {}, default: {}", PAGE_USERS.start(), PAGE_USERS.end(), DEFAULT_PAGE_USERS),
        format!("minimum: {}, maximum: {}, default: {DEFAULT_PAGE_CHANGES}", PAGE_CHANGES.start(), PAGE_CHANGES.end()),
        format!("limit: {{ type: integer, minimum: {}, maximum: {} }}", RATE_LIMITS.start(), RATE_LIMITS.end()),
        format!("minimum: {}\n      maximum: {}\n      default: 1\n", WEBHOOK_BATCH.start(), WEBHOOK_BATCH.end()),
        format!("maxLength: {MAX_WEBHOOK_URL_BYTES}\n"),
        format!("A project has at most {MAX_WEBHOOKS} webhooks"),
        format!("The first {MAX_TEST_ANSWER_BYTES} bytes"),
        format!("minimum: {}, maximum: {} }}", RATE_WINDOW_SECONDS.start(), RATE_WINDOW_SECONDS.end()),
    ];
    for bound in bounds {
        assert!(CONTRACT.contains(&bound), "openapi.yaml does not say: {bound}");
    }
}

/// Each answer repeats them: widely used generators refuse a document with many aliases.
#[test]
fn every_answer_has_the_headers_that_all_have() {
    let has_alias = |line: &&str| line.split_once(": ").is_some_and(|(_, value)| value.starts_with(['&', '*']));
    assert_eq!(CONTRACT.lines().find(has_alias), None);
    for (name, response) in contract::document()["components"]["responses"].as_object().unwrap() {
        for header in [
            "X-Request-Id",
            "X-Roster-Version",
            "Cache-Control",
            "X-Content-Type-Options",
            "Access-Control-Allow-Origin",
            "Access-Control-Expose-Headers",
        ] {
            assert!(response["headers"][header].is_object(), "{name} has no {header}");
        }
    }
}
