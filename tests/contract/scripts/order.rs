//! Bodies with `as_of`: the newest word on each member wins.

use roster_harness::{Answer, Project, in_ms, project};
use serde_json::{Value, json};

const NOON: &str = "2026-01-01T12:00:00.000Z";
const LATER: &str = "2026-01-01T12:00:00.001Z";

#[track_caller]
fn is_stale(answer: &Answer) -> bool {
    match answer.header("x-user-stale") {
        "" => false,
        "true" => true,
        other => panic!("{other}"),
    }
}

/// Sends a body as of a moment. Whether anything of it was left.
#[track_caller]
fn send(project: &Project, as_of: &str, members: &Value) -> bool {
    let mut body = members.clone();
    body["user_id"] = "u".into();
    body["as_of"] = as_of.into();
    is_stale(&project.post(200, &body))
}

#[test]
fn a_late_message_leaves_what_a_newer_one_has_set() {
    let project = project();
    assert!(!send(&project, LATER, &json!({"email": "new@b.c", "properties": {"plan": "new", "x": null}})));
    assert!(send(
        &project,
        NOON,
        &json!({"email": "old@b.c", "phone": "+1234", "properties": {"plan": "old", "x": 1, "y": 1}, "origin": {"o": 1}})
    ));
    let user = project.user("u");
    assert_eq!((&user["email"], &user["phone"]), (&json!("new@b.c"), &json!("+1234")));
    assert_eq!((&user["properties"], &user["origin"]), (&json!({"plan": "new", "y": 1}), &json!({"o": 1})));
    assert!(user.get("times").is_none() && user.get("as_of").is_none(), "{user}");
    assert_eq!(project.listed("?email=old%40b.c"), [""; 0]);
}

#[test]
fn of_equal_times_the_later_arrival_wins() {
    let project = project();
    for plan in ["a", "b"] {
        assert!(!send(&project, NOON, &json!({"properties": {"plan": plan}})));
    }
    let answer = project.batch(
        200,
        &json!([
            {"user_id": "u", "as_of": LATER, "properties": {"plan": "c"}},
            {"user_id": "u", "as_of": LATER, "properties": {"plan": "d"}},
            {"user_id": "u", "as_of": NOON, "properties": {"plan": "e", "new": 1}},
            {"user_id": "v", "properties": {"plan": "f"}},
        ]),
    );
    let results = answer.json()["results"].clone();
    let stale: Vec<_> = results.as_array().unwrap().iter().map(|result| result.get("stale").cloned()).collect();
    assert_eq!(stale, [None, None, Some(json!(true)), None]);
    assert_eq!(project.user("u")["properties"], json!({"plan": "d", "new": 1}));
}

#[test]
fn an_object_replaces_what_stands_digit_for_digit() {
    let project = project();
    project.post_bytes(200, r#"{"user_id":"u","properties":{"a":{"x":1,"y":2},"n":0}}"#);
    let as_of = in_ms(1000);
    project.post_bytes(
        200,
        format!(r#"{{"user_id":"u","as_of":"{as_of}","properties":{{"a":{{"y":1.10,"z":null}},"n":12345678901234567890123}}}}"#),
    );
    let stored = project.stored("u");
    assert!(stored.contains(r#""properties":{"a":{"y":1.10},"n":12345678901234567890123}"#), "{stored}");
}

#[test]
fn a_body_without_as_of_always_takes_effect_and_is_the_newest_word() {
    let project = project();
    let ahead = in_ms(240_000).to_string();
    assert!(!send(&project, &ahead, &json!({"properties": {"a": {"x": 1}, "b": 1}})));
    project.post(200, &json!({"user_id": "u", "properties": {"a": {"y": 2}, "b": null}}));
    assert!(send(&project, &ahead, &json!({"properties": {"a": "again", "b": "again", "c": "new"}})));
    assert_eq!(project.user("u")["properties"], json!({"a": {"x": 1, "y": 2}, "c": "new"}));
}

#[test]
fn what_stood_before_counts_as_of_its_last_change() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "properties": {"a": 1}}));
    assert!(send(&project, NOON, &json!({"properties": {"a": "late", "b": "absent"}})));
    assert_eq!(project.user("u")["properties"], json!({"a": 1, "b": "absent"}));
}

#[test]
fn where_nothing_changes_revision_and_change_stay() {
    let project = project();
    send(&project, NOON, &json!({"properties": {"a": 1}}));
    let before = project.get(200, "/v1/users/u");
    assert!(!send(&project, LATER, &json!({"properties": {"a": 1}})));
    assert!(send(&project, NOON, &json!({"properties": {"a": 2}})));
    let after = project.get(200, "/v1/users/u");
    assert_eq!((before.text.as_str(), before.header("etag")), (after.text.as_str(), after.header("etag")));
}

#[test]
fn a_body_that_is_older_than_the_deletion_brings_nobody_back() {
    let project = project();
    let id = project.post(200, &json!({"user_id": "u", "email": "a@b.c"})).json()["user_id"].clone();
    project.delete(200, "/v1/users/u");
    for body in [json!({"properties": {"b": 1}}), json!({})] {
        let mut body = body.clone();
        body["user_id"] = "u".into();
        body["as_of"] = LATER.into();
        let late = project.post(200, &body);
        assert!(is_stale(&late));
        assert_eq!((late.header("x-user-created"), &late.json()["user_id"]), ("false", &id));
        let results = project.batch(200, &json!([body])).json()["results"].clone();
        assert_eq!(results, json!([{"index": 0, "external_id": "u", "user_id": id, "created": false, "stale": true}]));
    }
    assert_eq!(project.get(404, "/v1/users/u").code(), "USER_NOT_FOUND");
    assert_eq!((project.listed(""), project.listed("?email=a%40b.c")), (vec![], vec![]));
}

#[test]
fn a_newer_body_or_one_that_does_not_say_makes_a_new_user_in_whom_older_ones_set_nothing() {
    let project = project();
    let mut ids = vec![project.post(200, &json!({"user_id": "u", "properties": {"a": 1}})).json()["user_id"].clone()];
    for as_of in [json!(in_ms(240_000).to_string()), json!(null)] {
        project.delete(200, "/v1/users/u");
        let anew = project.post(200, &json!({"user_id": "u", "as_of": as_of, "properties": {"b": 1}}));
        assert_eq!(anew.header("x-user-created"), "true", "{as_of}");
        ids.push(anew.json()["user_id"].clone());
        // What is absent was removed by the deletion.
        assert!(send(&project, LATER, &json!({"email": "late@b.c", "properties": {"a": 2, "b": 2}})));
        let user = project.user("u");
        assert_eq!((&user["email"], &user["properties"]), (&json!(null), &json!({"b": 1})), "{as_of}");
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[test]
fn a_deletion_is_the_newest_word_though_a_fast_clock_has_spoken() {
    let project = project();
    let ahead = in_ms(240_000).to_string();
    send(&project, &ahead, &json!({"properties": {"a": 1}}));
    project.delete(200, "/v1/users/u");
    assert!(send(&project, &ahead, &json!({"properties": {"a": 1}})));
    project.get(404, "/v1/users/u");
    project.post(200, &json!({"user_id": "u", "properties": {"b": 1}}));
    // That was said after the deletion, which counts as ahead.
    assert!(send(&project, &ahead, &json!({"properties": {"a": 1, "b": 2}})));
    assert_eq!(project.user("u")["properties"], json!({"b": 1}));
}

#[test]
fn a_time_more_than_five_minutes_ahead_is_refused() {
    let project = project();
    let body = |as_of: String| json!({"user_id": "u", "as_of": as_of});
    project.post(200, &body(in_ms(290_000).to_string()));
    let refused = project.post(400, &body(in_ms(330_000).to_string()));
    assert_eq!((refused.code().as_str(), refused.places()), ("INVALID_VALUE", vec!["as_of".to_owned()]));
    for (as_of, code) in [(json!("noon"), "INVALID_VALUE"), (json!(1), "INVALID_TYPE")] {
        let refused = project.post(400, &json!({"user_id": "u", "as_of": as_of}));
        assert_eq!(refused.code(), code, "{as_of}");
    }
}

#[test]
fn a_profile_that_would_break_a_limit_stays_with_its_times() {
    let project = project();
    let many = |prefix: &str| -> Value {
        (0..200).map(|i| (format!("{prefix}{i}"), json!(1))).collect::<serde_json::Map<_, _>>().into()
    };
    send(&project, NOON, &json!({"properties": many("a")}));
    let as_of = LATER;
    project.post(400, &json!({"user_id": "u", "as_of": as_of, "properties": many("b")}));
    assert!(!send(&project, NOON, &json!({"properties": {"a0": 2, "b0": 2}})), "the refused body left a time");
    assert_eq!(project.user("u")["properties"]["a0"], 2);
}
