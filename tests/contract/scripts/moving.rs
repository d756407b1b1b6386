//! A project moves to another storage.

use roster_harness::{Answer, Client, shared, start};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[track_caller]
fn call(expected: u16, method: &str, project: &str, body: &Value) -> Answer {
    shared().admin(expected, method, &format!("/v1/projects/{project}/move"), body)
}

/// Waits for the end of a project's move.
#[track_caller]
fn wait_for_end(project: &str) -> Value {
    let begun = Instant::now();
    loop {
        let moved = call(200, "GET", project, &Value::Null).json()["move"].clone();
        if ["done", "given up"].contains(&moved["state"].as_str().unwrap()) {
            return moved;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not end: {moved}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn objects(buckets: u8) -> Value {
    json!({"storage": {"kind": "objects", "buckets": buckets}})
}

#[test]
fn users_are_as_they_were_wherever_the_project_is() {
    let project = shared().project_in(None);
    let name = project.name.clone();
    project.post(200, &json!({"user_id": "a", "email": "a@b.c", "properties": {"n": 1}}));
    project.post(200, &json!({"user_id": "b", "as_of": "2026-01-01T00:00:00Z", "properties": {"n": 1}}));
    project.post(200, &json!({"user_id": "gone"}));
    project.delete(200, "/v1/users/gone");
    let first = project.get(200, "/v1/changes?limit=1").json();
    let cursor = first["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    let seen = |id: &str| {
        let answer = project.get(200, &format!("/v1/users/{id}"));
        (answer.header("etag").to_owned(), answer.json()["user"].clone())
    };
    let before = ["a", "b"].map(seen);
    for to in [objects(1), objects(4), objects(16), json!({"storage": {"kind": "d1"}})] {
        let from = shared().admin(200, "GET", &format!("/v1/projects/{name}"), &Value::Null).json();
        let begun = call(202, "POST", &name, &to).json()["move"].clone();
        assert_eq!((&begun["state"], &begun["from"]), (&json!("preparing"), &from["project"]["storage"]));
        let moved = wait_for_end(&name);
        assert_eq!((&moved["state"], &moved["error"], &moved["behind"]), (&json!("done"), &Value::Null, &Value::Null));
        assert_eq!(moved["to"]["buckets"], to["storage"]["buckets"]);
        let project_out = shared().admin(200, "GET", &format!("/v1/projects/{name}"), &Value::Null).json();
        assert_eq!(project_out["project"]["storage"], moved["to"]);
        assert_eq!(["a", "b"].map(seen), before);
        // An older body is still older, and a deletion is still known.
        project.post(200, &json!({"user_id": "b", "as_of": "2025-01-01T00:00:00Z", "properties": {"n": 2}}));
        project.post(200, &json!({"user_id": "gone", "as_of": "2025-01-01T00:00:00Z", "properties": {"n": 2}}));
        assert_eq!(["a", "b"].map(seen), before);
        project.get(404, "/v1/users/gone");
        let rest = project.get(200, &format!("/v1/changes?cursor={cursor}")).json();
        let rest: Vec<_> =
            rest["changes"].as_array().unwrap().iter().map(|change| change["external_id"].clone()).collect();
        assert_eq!(rest, ["b", "gone"]);
        // The same again: it is there.
        let again = call(200, "POST", &name, &to).json()["move"].clone();
        assert_eq!(again["to"], moved["to"]);
    }
    project.post(200, &json!({"user_id": "a", "properties": {"n": 2}}));
    let revision = |etag: &str| etag.trim_matches('"').parse::<u64>().unwrap();
    assert!(revision(&seen("a").0) > revision(&before[0].0).max(revision(&before[1].0)));
}

#[test]
fn a_key_that_is_revoked_before_a_move_is_dead_after_it() {
    let project = shared().project_in(None);
    let other = shared().admin(201, "POST", "/v1/keys", &json!({"name": "other", "project": project.name})).json();
    let bearer = format!("Bearer {}", other["key"].as_str().unwrap());
    let read = || shared().call("GET", "/v1/users/nobody", &[("Authorization", &bearer)], "");
    assert_eq!(read().status, 404);
    let path = format!("/v1/keys/{}", other["key_id"].as_str().unwrap());
    shared().admin(200, "DELETE", &path, &Value::Null);
    call(202, "POST", &project.name, &objects(4));
    wait_for_end(&project.name);
    assert_eq!(read().code(), "REVOKED_API_KEY");
    project.get(404, "/v1/users/nobody");
}

#[test]
fn a_move_that_can_t_be_is_refused() {
    let name = shared().project_in(None).name.clone();
    assert_eq!(call(404, "GET", &name, &Value::Null).code(), "MOVE_NOT_FOUND");
    assert_eq!(call(404, "DELETE", &name, &Value::Null).code(), "MOVE_NOT_FOUND");
    for method in ["GET", "DELETE"] {
        assert_eq!(call(404, method, "nowhere", &Value::Null).code(), "PROJECT_NOT_FOUND");
    }
    assert_eq!(call(404, "POST", "nowhere", &objects(4)).code(), "PROJECT_NOT_FOUND");
    assert_eq!(call(400, "POST", &name, &json!({})).code(), "MISSING_FIELD");
    assert_eq!(call(400, "POST", &name, &objects(2)).code(), "INVALID_VALUE");
    assert_eq!(call(400, "POST", "No", &objects(4)).code(), "INVALID_VALUE");
    let stays = call(200, "POST", &name, &json!({"storage": {"kind": "d1"}})).json()["move"].clone();
    assert_eq!((&stays["state"], &stays["from"]), (&json!("done"), &stays["to"]));
    assert_eq!(call(404, "GET", &name, &Value::Null).code(), "MOVE_NOT_FOUND");
    call(202, "POST", &name, &objects(1));
    wait_for_end(&name);
    assert_eq!(call(409, "DELETE", &name, &Value::Null).code(), "MOVE_SWITCHING");
    // It has had a key, so a PUT names the move.
    let body = json!({"storage": {"kind": "d1"}});
    let refused = shared().admin(409, "PUT", &format!("/v1/projects/{name}"), &body);
    assert!(refused.json()["message"].as_str().unwrap().contains("/move"), "{}", refused.text);
}

#[test]
fn only_the_admin_moves_projects() {
    let server = start(&[("ADMIN_TOKEN", "")]);
    for method in ["GET", "POST", "DELETE"] {
        let answer = server.call(method, "/v1/projects/p/move", &[("Authorization", "Bearer ros_x")], "");
        assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_API_KEY"));
    }
}
