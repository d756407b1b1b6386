//! API keys and projects, as the admin manages them.

use crate::client::project;
use crate::server::{ADMIN_TOKEN, Server, State, shared};
use serde_json::{Value, json};

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let body = json!({"name": "ci", "project": "listed", "scopes": ["users:write"], "expires_at": "2127-01-01T00:00:00+01:00"});
    let made = shared().admin(201, "POST", "/v1/keys", &body).json();
    let (id, key) = (made["key_id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(id.starts_with("key_") && key.starts_with("ros_") && key.len() == 42);
    let expected = json!({
        "success": true, "key_id": id, "key": key, "project": "listed", "scopes": ["users:write"],
        "expires_at": "2126-12-31T23:00:00.000Z", "message": "API key created; it is shown only once"
    });
    assert_eq!(made, expected);

    let list = shared().admin(200, "GET", "/v1/keys", &Value::Null);
    assert!(!list.text.contains(key));
    let keys = list.json()["keys"].clone();
    let entry = keys.as_array().unwrap().iter().find(|entry| entry["key_id"] == id).unwrap().clone();
    let expected = json!({
        "key_id": id, "name": "ci", "project": "listed", "prefix": key[..8], "scopes": ["users:write"],
        "created_at": entry["created_at"], "expires_at": "2126-12-31T23:00:00.000Z", "revoked_at": null, "last_used_at": null
    });
    assert_eq!(entry, expected);
}

#[test]
fn a_used_key_says_so() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let used = |keys: Value| {
        keys["keys"].as_array().unwrap().iter().any(|k| k["project"] == *project.name && !k["last_used_at"].is_null())
    };
    // It is noted behind the answer's back.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !used(shared().admin(200, "GET", "/v1/keys", &Value::Null).json()) {
        assert!(std::time::Instant::now() < deadline, "last_used_at was never written");
    }
}

#[test]
fn a_revoked_key_is_dead_from_that_answer_on_though_the_isolate_knows_it() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "properties": {"n": 1}}));
    let list = shared().admin(200, "GET", "/v1/keys", &Value::Null).json();
    let key_id = list["keys"].as_array().unwrap().iter().find(|k| k["project"] == *project.name).unwrap()["key_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/keys/{key_id}");
    let expected = json!({"success": true, "key_id": key_id, "message": "API key revoked"});
    assert_eq!(shared().admin(200, "DELETE", &path, &Value::Null).json(), expected);
    let answer = project.post(401, &json!({"user_id": "u", "properties": {"n": 2}}));
    assert_eq!(answer.code(), "REVOKED_API_KEY");
    assert_eq!(project.get(401, "/v1/users/u").code(), "REVOKED_API_KEY");
    assert_eq!(shared().admin(200, "DELETE", &path, &Value::Null).json(), expected);

    let again = shared().key(&json!({"name": "next", "project": project.name}));
    let answer = shared().call("GET", "/v1/users/u", &[("Authorization", &format!("Bearer {again}"))], "");
    assert_eq!(answer.json()["user"]["properties"], json!({"n": 1}));
}

#[test]
fn a_key_that_the_isolate_does_not_know_may_be_revoked_too() {
    let made = shared().admin(201, "POST", "/v1/keys", &json!({"name": "short"})).json();
    shared().admin(200, "DELETE", &format!("/v1/keys/{}", made["key_id"].as_str().unwrap()), &Value::Null);
    let bearer = format!("Bearer {}", made["key"].as_str().unwrap());
    assert_eq!(shared().call("POST", "/v1/users", &[("Authorization", &bearer)], "{}").code(), "REVOKED_API_KEY");
}

#[test]
fn a_key_dies_when_it_expires() {
    let in_two_seconds = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 2;
    let expires_at = roster::time::Timestamp::from_ms(in_two_seconds * 1000).to_string();
    let key = shared().key(&json!({"name": "brief", "project": "brief", "expires_at": expires_at}));
    let call =
        || shared().call("POST", "/v1/users", &[("Authorization", &format!("Bearer {key}"))], r#"{"user_id":"u"}"#);
    assert_eq!(call().status, 200);
    let dead = loop {
        let answer = call();
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((dead.status, dead.code().as_str()), (401, "REVOKED_API_KEY"));
    assert!(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() >= in_two_seconds);
}

#[test]
fn a_key_with_one_changed_character_is_refused_with_no_call_at_all() {
    let project = project();
    for at in [4, 20, 41] {
        let mut key = project.key.clone();
        let other = if key.as_bytes()[at] == b'x' { "y" } else { "x" };
        key.replace_range(at..=at, other);
        let answer = shared().call("POST", "/v1/users", &[("Authorization", &format!("Bearer {key}"))], "{}");
        assert_eq!(answer.code(), "INVALID_API_KEY");
        assert_eq!(shared().log_line(answer.header("x-request-id"))["hops"], 0);
    }
}

#[test]
fn the_admin_calls_want_the_admin_token() {
    let project = project();
    for (method, path) in
        [("POST", "/v1/keys"), ("GET", "/v1/keys"), ("DELETE", "/v1/keys/key_1"), ("PUT", "/v1/projects/p")]
    {
        assert_eq!(shared().call(method, path, &[], "").code(), "MISSING_AUTH");
        for token in [project.key.as_str(), "", &ADMIN_TOKEN[1..], &format!("{ADMIN_TOKEN}x")] {
            let answer = shared().call(method, path, &[("Authorization", &format!("Bearer {token}"))], "");
            assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_API_KEY"), "{method} {path}");
        }
    }
    let answer = shared().call("POST", "/v1/users", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))], "{}");
    assert_eq!(answer.code(), "INVALID_API_KEY");
}

#[test]
fn bad_admin_bodies_are_told_by_place() {
    for (method, path, body, places) in [
        ("POST", "/v1/keys", json!({}), vec!["name"]),
        (
            "POST",
            "/v1/keys",
            json!({"name": "", "scopes": ["root"], "project": "P", "x": 1}),
            vec!["name", "project", "/scopes/0", "x"],
        ),
        (
            "PUT",
            "/v1/projects/p",
            json!({"rate_limit": {"limit": "many"}}),
            vec!["/rate_limit/limit", "/rate_limit/window_seconds"],
        ),
    ] {
        assert_eq!(shared().admin(400, method, path, &body).places(), places);
    }
    assert_eq!(shared().admin(404, "DELETE", "/v1/keys/key_nobody", &Value::Null).code(), "KEY_NOT_FOUND");
    let limit = json!({"rate_limit": {"limit": 1, "window_seconds": 1}});
    assert_eq!(shared().admin(404, "PUT", "/v1/projects/Not%20One", &limit).code(), "NOT_FOUND");
}

#[test]
fn a_project_echoes_its_limit() {
    let body = json!({"rate_limit": {"limit": 1000, "window_seconds": 60}});
    let answer = shared().admin(200, "PUT", "/v1/projects/echo", &body).json();
    assert_eq!(
        answer,
        json!({"success": true, "project": "echo", "rate_limit": {"limit": 1000, "window_seconds": 60}})
    );
}

#[test]
fn without_a_good_admin_token_nobody_is_admin_and_the_log_says_why() {
    for variables in [vec![], vec![("ADMIN_TOKEN", "fifteen letters")]] {
        let server = Server::start(&State::new(), &variables);
        for bearer in ["Bearer fifteen letters", "Bearer ", "Bearer undefined"] {
            let answer = server.call("GET", "/v1/keys", &[("Authorization", bearer)], "");
            assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_API_KEY"));
            let cause = server.log_line(answer.header("x-request-id"))["cause"].clone();
            assert_eq!(cause, "ADMIN_TOKEN is unset or shorter than 16 characters");
        }
    }
}
