//! `set_once`: what is known from the first time stays.

use roster_harness::{Client, Project, project};
use serde_json::{Value, json};

/// Sends a body for the user `u`, alone or in a batch.
#[track_caller]
fn send(project: &Project, in_batch: bool, body: &Value) {
    let mut body = body.clone();
    body["user_id"] = "u".into();
    if in_batch {
        project.batch(200, &json!([body]));
    } else {
        project.post(200, &body);
    }
}

#[test]
fn who_came_by_one_advertisement_and_comes_back_by_another_still_shows_the_first() {
    for in_batch in [false, true] {
        for as_of in [json!(null), json!("2026-01-01T00:00:00Z")] {
            let project = project();
            let visit = |campaign: &str, medium: &str| json!({"as_of": as_of, "set_once": {"origin": {"campaign": campaign, medium: true}}});
            send(&project, in_batch, &visit("spring", "search"));
            send(&project, in_batch, &visit("autumn", "mail"));
            let user = project.user("u");
            assert_eq!(user["origin"], json!({"campaign": "spring", "search": true}), "{in_batch} {as_of}");
        }
    }
}

#[test]
fn only_what_is_absent_is_set_and_the_body_comes_first() {
    for in_batch in [false, true] {
        let project = project();
        project.post(200, &json!({"user_id": "u", "phone": "+123", "properties": {"a": {"x": 1}, "b": 1}}));
        let once =
            json!({"email": "once@b.c", "phone": "+456", "properties": {"a": {"y": 2}, "b": 2, "c": 2, "d": [null]}});
        send(&project, in_batch, &json!({"properties": {"b": null, "c": 3}, "set_once": once}));
        let user = project.user("u");
        assert_eq!((&user["email"], &user["phone"]), (&json!("once@b.c"), &json!("+123")));
        // What the body has just removed is absent.
        assert_eq!(user["properties"], json!({"a": {"x": 1}, "b": 2, "c": 3, "d": [null]}));
        assert_eq!(project.listed("?email=once%40b.c"), ["u"]);
    }
}

#[test]
fn the_same_body_again_changes_nothing_even_if_it_removes_what_it_sets() {
    for body in [
        json!({"set_once": {"properties": {"a": 1}, "origin": {"o": 1}}}),
        json!({"properties": {"a": null, "b": 2}, "set_once": {"properties": {"a": 1}}}),
        json!({"as_of": "2026-01-01T00:00:00Z", "email": null, "set_once": {"email": "a@b.c", "properties": {"z": 0}}}),
    ] {
        let project = project();
        project.post(200, &json!({"user_id": "u", "properties": {"a": 0, "z": 1}}));
        send(&project, false, &body);
        let first = project.get(200, "/v1/users/u");
        for in_batch in [false, true] {
            send(&project, in_batch, &body);
            let again = project.get(200, "/v1/users/u");
            assert_eq!((&first.text, first.header("etag")), (&again.text, again.header("etag")), "{body}");
        }
    }
}

#[test]
fn what_is_left_because_it_stands_is_not_stale() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "origin": {"o": 1}}));
    let late = json!({"user_id": "u", "as_of": "2026-01-01T00:00:00Z", "set_once": {"origin": {"o": 2}}});
    assert_eq!(project.post(200, &late).header("x-user-stale"), "");
    assert_eq!(project.batch(200, &json!([late])).json()["results"][0].get("stale"), None);
}

#[test]
fn what_was_set_once_counts_as_of_the_message() {
    let project = project();
    let body = |as_of: &str, members: Value| {
        let mut body = members;
        body["as_of"] = as_of.into();
        body
    };
    send(&project, false, &body("2026-01-02T00:00:00Z", json!({"set_once": {"properties": {"a": "once"}}})));
    send(&project, false, &body("2026-01-01T00:00:00Z", json!({"properties": {"a": "older"}})));
    assert_eq!(project.user("u")["properties"], json!({"a": "once"}));
    send(&project, false, &body("2026-01-03T00:00:00Z", json!({"properties": {"a": "newer"}})));
    assert_eq!(project.user("u")["properties"], json!({"a": "newer"}));
}

#[test]
fn a_condition_holds_unless_there_is_nothing_to_set() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "origin": {"o": 1}}));
    let send = |status: u16, body: Value| {
        let bearer = format!("Bearer {}", project.key);
        let headers = [("Authorization", bearer.as_str()), ("If-Match", "\"1\"")];
        project.server.call("POST", "/v1/users", &headers, body.to_string()).status == status
    };
    assert!(send(412, json!({"user_id": "u", "set_once": {"properties": {"a": 1}}})));
    assert!(send(200, json!({"user_id": "u", "set_once": {"origin": {"o": 2}}})));
}

#[test]
fn what_is_wrong_in_it_is_refused_by_place() {
    let project = project();
    let members =
        |n: usize| -> Value { (0..n).map(|i| (format!("k{i}"), json!(1))).collect::<serde_json::Map<_, _>>().into() };
    for (body, code, place) in [
        (json!({"set_once": null}), "INVALID_TYPE", "set_once"),
        (json!({"set_once": {"email": null}}), "INVALID_TYPE", "/set_once/email"),
        (json!({"set_once": {"email": "nobody"}}), "INVALID_VALUE", "/set_once/email"),
        (json!({"set_once": {"properties": {"a": {"b": null}}}}), "INVALID_TYPE", "/set_once/properties/a/b"),
        (json!({"set_once": {"origin": []}}), "INVALID_TYPE", "/set_once/origin"),
        (json!({"set_once": {"plan": 1}}), "UNKNOWN_FIELD", "/set_once/plan"),
        (json!({"set_once": {"properties": members(301)}}), "INVALID_VALUE", "/set_once/properties"),
        (json!({"properties": {"a": 1}, "set_once": {"properties": members(300)}}), "INVALID_VALUE", "properties"),
    ] {
        let mut body = body;
        body["user_id"] = "u".into();
        let answer = project.post(400, &body);
        assert_eq!((answer.code().as_str(), answer.places()[0].as_str()), (code, place), "{body}");
    }
    project.get(404, "/v1/users/u");
    // What the body sets itself is not added once more.
    project.post(200, &json!({"user_id": "u", "properties": members(300), "set_once": {"properties": members(200)}}));
    project.post(200, &json!({"user_id": "v", "origin": members(300), "set_once": {"origin": members(200)}}));
}
