//! Every row of the error table, with body and headers, and the order of refusals.

use roster_harness::{Answer, Client, project, shared};
use serde_json::{Value, json};

const CHALLENGE: &str = r#"Bearer realm="roster""#;
const INVALID_TOKEN: &str = r#"Bearer realm="roster", error="invalid_token""#;

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
}

/// A key of the right form that was never made.
const UNKNOWN_KEY: &str = "ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYj";

#[test]
fn bad_members_are_told_by_name_rule_and_type() {
    let project = project();
    let cases: &[(Value, &str, Value)] = &[
        (json!({}), "MISSING_FIELD", json!({"field": "user_id", "issue": "Field is required"})),
        (
            json!({"user_id": 7}),
            "INVALID_TYPE",
            json!({"field": "user_id", "issue": "Expected string, received number", "expected": "string", "received": "number"}),
        ),
        (
            json!({"user_id": "u", "email": ["a@b.c"]}),
            "INVALID_TYPE",
            json!({"field": "email", "issue": "Expected string, received array", "expected": "string", "received": "array"}),
        ),
        (
            json!({"user_id": "u", "properties": null}),
            "INVALID_TYPE",
            json!({"field": "properties", "issue": "Expected object, received null", "expected": "object", "received": "null"}),
        ),
        (
            json!({"user_id": "u", "origin": "ios"}),
            "INVALID_TYPE",
            json!({"field": "origin", "issue": "Expected object, received string", "expected": "object", "received": "string"}),
        ),
        (
            json!({"user_id": "u", "email": "a@b@c"}),
            "INVALID_VALUE",
            json!({"field": "email", "issue": "Must be a valid e-mail address of at most 254 bytes"}),
        ),
        (
            json!({"user_id": "u", "phone": "+0123"}),
            "INVALID_VALUE",
            json!({"field": "phone", "issue": "Must be + and 2 to 15 digits, the first not 0 (E.164)"}),
        ),
        (
            json!({"user_id": " u"}),
            "INVALID_VALUE",
            json!({"field": "user_id", "issue": "Must not begin or end with white space"}),
        ),
        (
            json!({"user_id": "undefined"}),
            "INVALID_VALUE",
            json!({"field": "user_id", "issue": "Looks like a missing id"}),
        ),
        (
            json!({"user_id": "u", "properties": {"a": {"": 1}}}),
            "INVALID_VALUE",
            json!({"field": "properties", "pointer": "/properties/a/", "issue": "A key must not be empty"}),
        ),
        (
            json!({"user_id": "u", "name": "John"}),
            "UNKNOWN_FIELD",
            json!({"field": "name", "issue": "Unknown field; it would not be stored. Put it into `properties`"}),
        ),
    ];
    for (body, code, details) in cases {
        let answer = project.post(400, body);
        is(&answer, 400, code);
        assert_eq!(&answer.json()["details"], details, "{body}");
    }
    assert_eq!(project.post(400, &json!({})).json()["message"], "Missing required field: user_id");
}

#[test]
fn several_faults_are_told_at_once_and_details_are_the_first_ones() {
    let answer = project().post(400, &json!({"email": 1, "phone": "x", "properties": {"a/~": {"": 0}}, "zip": 1}));
    is(&answer, 400, "MISSING_FIELD");
    let details = &answer.json()["details"];
    assert_eq!((&details["field"], &details["issue"]), (&json!("user_id"), &json!("Field is required")));
    let codes: Vec<&str> = details["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["MISSING_FIELD", "INVALID_TYPE", "INVALID_VALUE", "INVALID_VALUE", "UNKNOWN_FIELD"]);
    assert_eq!(answer.places(), ["user_id", "email", "phone", "/properties/a~1~0/", "zip"]);
}

#[test]
fn a_caller_without_a_usable_key_is_told_which_way() {
    let project = project();
    let expired = shared().expired_key(&project.name);
    let mut typo = project.key.clone();
    let last = if typo.ends_with('0') { '1' } else { '0' };
    typo.replace_range(typo.len() - 1.., &last.to_string());
    let cases: &[(Option<String>, &str, &str)] = &[
        (None, "MISSING_AUTH", CHALLENGE),
        (Some("Basic dXNlcjpwYXNz".into()), "MISSING_AUTH", CHALLENGE),
        (Some(project.key.clone()), "MISSING_AUTH", CHALLENGE),
        (Some("Bearer".into()), "INVALID_API_KEY", INVALID_TOKEN),
        (Some("Bearer x".into()), "INVALID_API_KEY", INVALID_TOKEN),
        (Some(format!("Bearer {typo}")), "INVALID_API_KEY", INVALID_TOKEN),
        (Some(format!("Bearer {UNKNOWN_KEY}")), "INVALID_API_KEY", INVALID_TOKEN),
        (Some(format!("Bearer {expired}")), "REVOKED_API_KEY", INVALID_TOKEN),
    ];
    for (header, code, challenge) in cases {
        let headers: Vec<(&str, &str)> = header.iter().map(|value| ("Authorization", value.as_str())).collect();
        let answer = shared().call("POST", "/v1/users", &headers, r#"{"user_id":"u"}"#);
        is(&answer, 401, code);
        assert_eq!(answer.header("www-authenticate"), *challenge, "{header:?}");
        assert_eq!(answer.header("x-ratelimit-limit"), "");
    }
}

#[test]
fn a_key_without_the_scope_is_told_what_it_lacks() {
    let key = shared().key(&json!({"name": "reader", "project": "readers", "scopes": ["users:read"]}));
    let answer = shared().call("POST", "/v1/users", &[("Authorization", &format!("Bearer {key}"))], "not even JSON");
    is(&answer, 403, "INSUFFICIENT_PERMISSIONS");
    assert_eq!(
        answer.json()["details"],
        json!({"required_permission": "users:write", "current_permissions": ["users:read"]})
    );
    assert_eq!(
        answer.header("www-authenticate"),
        r#"Bearer realm="roster", error="insufficient_scope", scope="users:write""#
    );
    assert_eq!(answer.header("x-ratelimit-remaining"), "500");
}

#[test]
fn unknown_routes_and_methods_are_answered_in_json() {
    for path in ["/v1", "/v1/users/", "//v1/users", "/v1/user", "/v2/users", "/v1/keys/a/b", "/favicon.ico"] {
        is(&shared().call("POST", path, &[], "{}"), 404, "NOT_FOUND");
    }
    for (method, path, allow) in [
        ("PUT", "/v1/users", "GET, HEAD, POST, OPTIONS"),
        ("PATCH", "/users", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/v1/users/u", "GET, HEAD, DELETE, OPTIONS"),
        ("PUT", "/v1/users/batch", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("PUT", "/v1/keys", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/v1/keys/key_1", "DELETE, OPTIONS"),
        ("POST", "/v1/projects/p", "GET, HEAD, PUT, OPTIONS"),
    ] {
        let answer = shared().call(method, path, &[], "{}");
        is(&answer, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allow);
    }
}

#[test]
fn a_path_that_is_nothing_is_a_page_for_a_browser_alone() {
    let html = ("Accept", "text/html,application/xhtml+xml");
    for (method, headers, content_type) in [
        ("GET", &[html][..], "text/html; charset=utf-8"),
        ("HEAD", &[html], "text/html; charset=utf-8"),
        ("GET", &[("Accept", "*/*")], "application/json"),
        ("GET", &[], "application/json"),
    ] {
        let answer = shared().send(method, "/nowhere", headers, "");
        assert_eq!((answer.status, answer.header("content-type")), (404, content_type), "{method} {headers:?}");
        assert_eq!(shared().log_line(answer.header("x-request-id"))["code"], "NOT_FOUND");
    }
}

#[test]
fn a_body_over_100_kib_is_too_large() {
    let project = project();
    let body = |bytes: usize| format!(r#"{{"user_id":"u","properties":{{"k":"{}"}}}}"#, "x".repeat(bytes - 37));
    assert_eq!(body(102_400).len(), 102_400);
    project.post_bytes(200, body(102_400));
    let answer = project.post_bytes(413, body(102_401));
    is(&answer, 413, "PAYLOAD_TOO_LARGE");
    assert_eq!(answer.json()["details"], json!({"limit_bytes": 102_400}));
}

#[test]
fn past_the_limit_the_answer_says_when_to_come_back() {
    let project = project();
    project.limit(1, 60);
    project.post(200, &json!({"user_id": "u"}));
    let answer = project.post(429, &json!({"user_id": "u"}));
    is(&answer, 429, "RATE_LIMIT_EXCEEDED");
    let retry_after: u64 = answer.header("retry-after").parse().unwrap();
    assert!((50..=62).contains(&retry_after), "{retry_after}");
    assert_eq!(answer.json()["details"], json!({"limit": 1, "window": "1 minute", "retry_after": retry_after}));
    assert_eq!(answer.header("x-ratelimit-remaining"), "0");
}

#[test]
fn refusals_come_in_their_order() {
    let server = shared();
    let reader = server.key(&json!({"name": "reader", "project": "order", "scopes": ["users:read"]}));
    let writer = server.key(&json!({"name": "writer", "project": "order"}));
    let bearer = |key: &str| format!("Bearer {key}");
    let too_large = "x".repeat(200_000);
    let call =
        |method, path, key: &str, body: &str| server.call(method, path, &[("Authorization", &bearer(key))], body);
    // Everything is wrong: route, then method, then key, then scope, then rate, then size, then form.
    is(&call("POST", "/v1/nowhere", "x", &too_large), 404, "NOT_FOUND");
    is(&call("PUT", "/v1/users", "x", &too_large), 405, "METHOD_NOT_ALLOWED");
    is(&call("POST", "/v1/users", "x", &too_large), 401, "INVALID_API_KEY");
    server.admin(
        200,
        "PUT",
        "/v1/projects/order",
        &json!({"rate_limits": {"users": {"limit": 3, "window_seconds": 3600}}}),
    );
    is(&call("POST", "/v1/users", &reader, &too_large), 403, "INSUFFICIENT_PERMISSIONS");
    is(&call("POST", "/v1/users", &writer, &too_large), 413, "PAYLOAD_TOO_LARGE");
    is(&call("POST", "/v1/users", &writer, "{"), 400, "INVALID_REQUEST");
    is(&call("POST", "/v1/users", &writer, "{}"), 400, "MISSING_FIELD");
    // The three refused bodies cost the quota.
    is(&call("POST", "/v1/users", &writer, &too_large), 429, "RATE_LIMIT_EXCEEDED");
    is(&call("POST", "/v1/users", &reader, &too_large), 403, "INSUFFICIENT_PERMISSIONS");
}

#[test]
fn a_user_id_in_a_path_must_be_one() {
    let project = project();
    for (path, status) in [
        ("/v1/users/nobody", 404),
        ("/v1/users/%zz", 400),
        ("/v1/users/%ff", 400),
        ("/v1/users/a%00b", 400),
        ("/v1/users/null", 400),
        ("/v1/users/u%EF%BB%BF", 400),
    ] {
        project.get(status, path);
    }
    assert_eq!(project.get(400, "/v1/users/a%00b").json()["message"], "Invalid value for path parameter: user_id");
}

#[test]
fn what_is_nearly_right_is_told_what_is_meant() {
    let project = project();
    for (path, message) in [
        ("/v1/users/", "No such route. Did you mean /v1/users?"),
        ("/users/u", "No such route. Did you mean /v1/users/{user_id}?"),
        ("/keys", "No such route. Did you mean /v1/keys?"),
        ("//v1/users", "No such route. Did you mean /v1/users?"),
        ("/v1/users/org/7", "No such route. Did you mean /v1/users/{user_id}, with each / in the id as %2F?"),
        ("/nowhere", "No such route"),
    ] {
        assert_eq!(project.get(404, path).json()["message"], message, "{path}");
    }
    for method in ["PATCH", "PUT"] {
        let answer = project.call(method, 405, "/v1/users/u", "{}").json();
        let message = "Method not allowed here; allowed are GET, HEAD, DELETE, OPTIONS. POST /v1/users merges what it is sent into the user";
        assert_eq!(answer["message"], message);
    }
    let details = project.post(400, &json!({"user_id": "u", "userId": "u"})).json()["details"].clone();
    let issue = "Unknown field; it would not be stored. Did you mean user_id?";
    assert_eq!(details, json!({"field": "userId", "issue": issue}));
    for path in ["/v1/users?email=a+b@c.d", "/v1/users?phone=+123456", "/v1/changes?since=2027-01-01T00:00:00+01:00"] {
        let answer = project.get(400, path).json();
        let issue = answer["details"]["issue"].as_str().unwrap().to_owned();
        assert!(issue.ends_with(". In a query + means a space: write it as %2B"), "{issue}");
        let name = path.split(['?', '=']).nth(1).unwrap();
        assert_eq!(answer["message"], format!("Invalid value for query parameter: {name}"));
    }
    let issue = project.get(400, "/v1/changes?since=1969-12-31T00:00:00Z").json()["details"]["issue"].clone();
    assert_eq!(issue, "Must be an RFC 3339 date and time of the years 1970 to 9999, as in 2027-01-01T00:00:00Z");
}

/// What is refused is answered with what to send instead.
#[test]
fn what_is_refused_can_be_corrected_in_one_try() {
    let project = project();
    for (member, issue) in [
        (r#""plan":"pro""#, "Unknown field; it would not be stored. Put it into `properties`"),
        (r#""traits":{}"#, "Unknown field; it would not be stored. Put it into `properties`"),
        (r#""emial":"a@b.c""#, "Unknown field; it would not be stored. Did you mean email?"),
        (r#""external_id":"u""#, "Unknown field; it would not be stored. Did you mean user_id?"),
        (r#""email":"""#, "Must not be empty; send null to clear it"),
        (r#""email":"a@b.c\u00a0""#, "Must not contain a no-break space (U+00A0)"),
        (r#""phone":"0049 151 23456789""#, "Must begin with + and the country code; try +49 151…"),
        (r#""phone":"(415) 555-2671""#, "Must begin with + and the country code, as in +49 151 23456789"),
        (r#""properties":[]"#, "Expected object, received an empty list; send {}"),
    ] {
        let answer = project.post_bytes(400, format!(r#"{{"user_id":"u",{member}}}"#));
        assert_eq!(answer.json()["details"]["issue"], issue, "{member}");
    }
    for (body, message) in [
        ("user_id=u&email=a%40b.c", "Invalid JSON: form data at line 1, column 1; send JSON"),
        ("--x\r\nContent-Disposition: form-data", "Invalid JSON: multipart form data at line 1, column 1; send JSON"),
    ] {
        assert_eq!(project.post_bytes(400, body).json()["message"], message);
    }
    project.get(404, "/v1/users/u");
    project.post_bytes(200, r#"{"user_id":"u","as_of":null,"email":" a@b.c\n","phone":"+1 (415) 555-2671"}"#);
    let user = project.user("u");
    assert_eq!((&user["email"], &user["phone"]), (&json!("a@b.c"), &json!("+14155552671")));
    for query in ["email=%20a%40b.c%09", "phone=%2B1-415-555.2671"] {
        assert_eq!(project.listed(&format!("?{query}")), ["u"], "{query}");
    }
}

/// Roster's own id, which answers call `user_id`, where the caller's belongs.
#[test]
fn an_id_that_roster_assigned_is_refused_on_every_door() {
    let project = project();
    let own = project.post(200, &json!({"user_id": "u"})).json()["user_id"].as_str().unwrap().to_owned();
    let rule = "This is Roster's own id; send yours, which answers call `external_id`";
    let path = format!("/v1/users/{own}");
    for answer in [
        project.post(400, &json!({"user_id": own})),
        project.get(400, &path),
        project.delete(400, &path),
        project.call("DELETE", 400, &path.replace("usr_", "usr%5F"), ""),
    ] {
        assert_eq!((answer.code().as_str(), &answer.json()["details"]["issue"]), ("INVALID_VALUE", &json!(rule)));
    }
    let batch = project.batch(207, &json!([{"user_id": own}, {"user_id": "v"}])).json();
    assert_eq!(batch["results"][0]["error"]["details"]["issue"], rule);
    let message = json!({"batch": [{"type": "identify", "userId": own}]});
    let answer = project.call("POST", 200, "/v1/batch", message.to_string()).json();
    assert_eq!((&answer["errors"][0]["field"], &answer["errors"][0]["message"]), (&json!("userId"), &json!(rule)));
    assert_eq!(project.listed(""), ["u", "v"]);
    // Somebody else's id of that form.
    let other = &own[..own.len() - 2];
    project.post(200, &json!({"user_id": other}));
    project.get(200, &format!("/v1/users/{other}"));
    assert_eq!(project.delete(200, &format!("/v1/users/{other}")).json()["deleted"], true);
}
