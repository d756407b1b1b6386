//! The log: one JSON line a request, and nothing personal or secret in it.

use roster_harness::{ADMIN_TOKEN, Client, project, shared};
use serde_json::{Value, json};

#[test]
fn a_line_says_what_happened() {
    let project = project();
    let answer = project.post(200, &json!({"user_id": "u"}));
    let line = shared().log_line(answer.header("x-request-id"));
    let duration = line["duration_ms"].as_u64().unwrap();
    let expected = json!({
        "request_id": answer.header("x-request-id"), "method": "POST", "route": "/v1/users", "status": 200, "code": null,
        "project": project.name, "key_id": line["key_id"], "limiter": "object", "hops": 3, "duration_ms": duration,
        "version": answer.header("x-roster-version")
    });
    assert_eq!(line, expected);
    assert!(line["key_id"].as_str().unwrap().starts_with("key_"));

    let answer = project.post(400, &json!({}));
    let line = shared().log_line(answer.header("x-request-id"));
    assert_eq!((&line["status"], &line["code"]), (&json!(400), &json!("MISSING_FIELD")));
    let answer = shared().call("GET", "/nowhere", &[], "");
    assert_eq!(shared().log_line(answer.header("x-request-id"))["route"], Value::Null);
}

#[test]
fn a_line_and_every_answer_name_the_version() {
    let answers = [
        shared().call("GET", "/health", &[], ""),
        shared().call("OPTIONS", "/v1/users", &[], ""),
        shared().call("GET", "/nowhere", &[], ""),
        shared().call("POST", "/v1/users", &[], ""),
        project().post(200, &json!({"user_id": "u"})),
    ];
    let version = answers[0].header("x-roster-version");
    assert!(!version.is_empty());
    for answer in &answers {
        assert_eq!(answer.header("x-roster-version"), version, "{}", answer.status);
        assert_eq!(shared().log_line(answer.header("x-request-id"))["version"], version);
    }
}

#[test]
fn a_line_names_the_trace_of_its_request_if_the_header_is_valid() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (header, id) in [
        (format!("00-{trace}-00f067aa0ba902b7-01"), json!(trace)),
        (format!("00-{trace}-00f067aa0ba902b7-01-user@example.com"), Value::Null),
    ] {
        let answer = shared().call("GET", "/health", &[("traceparent", &header)], "");
        assert_eq!(shared().log_line(answer.header("x-request-id"))["trace_id"], id, "{header}");
    }
}

#[test]
fn a_line_names_refused_messages_by_their_plain_ids() {
    let project = project();
    let message = |id: &str| json!({"type": "identify", "messageId": id});
    let body = json!({"batch": [message("ajs-next-1"), message("log-7f3@example.com"), {"type": "track"}]});
    let answer = project.call("POST", 200, "/v1/batch", body.to_string());
    let line = shared().log_line(answer.header("x-request-id"));
    assert_eq!(line["refused"], json!(["ajs-next-1 MISSING_FIELD", "#1 MISSING_FIELD"]));
    assert_eq!((&line["code"], &line["route"]), (&Value::Null, &json!("/v1/batch")));
    let fine = project.call("POST", 200, "/v1/track", "{}");
    assert_eq!(shared().log_line(fine.header("x-request-id")).get("refused"), None);
    assert_eq!(project.store_hops(&fine), 0);
    let stored = project.call("POST", 200, "/v1/identify", r#"{"userId":"u"}"#);
    assert_eq!(project.store_hops(&stored), 1);
}

#[test]
fn no_line_holds_a_key_or_anything_of_a_person() {
    let project = project();
    let told = ["log-user-7f3", "log-7f3@example.com", "+4915700700700", "log-property-7f3"];
    let body = json!({"user_id": told[0], "email": told[1], "phone": told[2], "properties": {"k": told[3]}});
    project.post(200, &body);
    project.post(400, &json!({"user_id": told[0], "email": told[3], "unknown": told[1]}));
    let last = project.get(404, &format!("/v1/users/{}x", told[0]));
    shared().log_line(last.header("x-request-id"));
    let printed: String = shared().printed().lines().filter(|line| line.contains("\"request_id\"")).collect();
    for secret in told.into_iter().chain([project.key.as_str(), ADMIN_TOKEN]) {
        assert!(!printed.contains(secret), "{secret}");
    }
}
