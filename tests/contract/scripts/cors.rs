//! Cross-origin calls from a browser.

use roster_harness::{ADMIN_TOKEN, Client, project, shared, start};
use serde_json::json;

#[test]
fn a_preflight_is_answered_for_any_path_without_a_key() {
    for (path, methods) in [
        ("/v1/users", "GET, HEAD, POST, OPTIONS"),
        ("/users", "GET, HEAD, POST, OPTIONS"),
        ("/v1/users/batch", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("/v1/users/a%20b", "GET, HEAD, DELETE, OPTIONS"),
        ("/v1/keys", "GET, HEAD, POST, OPTIONS"),
        ("/v1/keys/key_1", "DELETE, OPTIONS"),
        ("/v1/key", "GET, HEAD, OPTIONS"),
        ("/v1/projects/p", "GET, HEAD, PUT, OPTIONS"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("/nowhere", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("/v1/users/", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] {
        let headers = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")];
        let answer = shared().call("OPTIONS", path, &headers, "");
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), methods);
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, Cache-Control, traceparent, tracestate, \
             X-Write-Key, X-Retry-Count, AnonymousId, SentAt"
        );
        assert_eq!(answer.header("access-control-max-age"), "86400");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}

#[test]
fn a_browser_may_read_every_header_of_the_contract() {
    let answer = project().post(200, &json!({"user_id": "u"}));
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    let exposed: Vec<&str> = exposed.split(", ").collect();
    for name in [
        "x-request-id",
        "x-roster-version",
        "location",
        "x-user-created",
        "etag",
        "allow",
        "accept-encoding",
        "www-authenticate",
        "retry-after",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "ratelimit-policy",
        "ratelimit",
    ] {
        assert!(exposed.contains(&name), "{name}");
    }
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[test]
fn a_list_of_origins_is_kept_and_settings_that_make_no_sense_are_no_secret_to_the_log() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("ALLOWED_ORIGINS", "https://a.example, https://b.example")];
    let server = start(&variables);
    for (origin, echoed) in [("https://b.example", "https://b.example"), ("https://c.example", ""), ("null", "")] {
        for path in ["/health", "/nowhere"] {
            let answer = server.call("GET", path, &[("Origin", origin)], "");
            assert_eq!(answer.header("access-control-allow-origin"), echoed);
            assert_eq!(answer.header("vary"), "Origin");
        }
    }
    drop(server);

    let server = start(&[("RATE_LIMIT", "lots")]);
    let answer = server.call("GET", "/health", &[], "");
    assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_ERROR"));
    assert!(!answer.text.contains("RATE_LIMIT"), "{}", answer.text);
    let cause = server.log_line(answer.header("x-request-id"))["cause"].clone();
    assert_eq!(cause, "variable RATE_LIMIT is not requests/seconds, as in 500/60");
}
