//! The merge: RFC 7396 on the stored profile, atomic, and idempotent to the letter.

use roster_harness::{Client, Project, project};
use serde_json::{Value, json};

/// What stands behind `name` in the stored user's JSON text, up to the next member.
#[track_caller]
fn text_of(project: &Project, id: &str, name: &str) -> String {
    let text = project.stored(id);
    let at = text.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
    let end = ["\"origin\":", "\"created_at\":"].iter().filter_map(|next| text[at..].find(next)).min().unwrap();
    text[at..at + end - 1].to_owned()
}

#[test]
fn what_is_left_out_stays_and_what_is_sent_replaces() {
    let project = project();
    project.post(
        200,
        &json!({"user_id": "u", "email": "a@b.c", "phone": "+123", "properties": {"a": 1, "b": {"c": 1, "d": [1, 2]}}}),
    );
    project.post(200, &json!({"user_id": "u", "properties": {"b": {"d": [3]}, "e": "new"}, "origin": {"x": true}}));
    let user = project.user("u");
    assert_eq!((&user["email"], &user["phone"]), (&json!("a@b.c"), &json!("+123")));
    assert_eq!(user["properties"], json!({"a": 1, "b": {"c": 1, "d": [3]}, "e": "new"}));
    assert_eq!(user["origin"], json!({"x": true}));
}

#[test]
fn null_clears_and_removes_at_any_depth() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "email": "a@b.c", "phone": "+123", "properties": {"a": {"b": {"c": 1, "d": 2}}, "e": 1}}));
    project.post(200, &json!({"user_id": "u", "email": null, "phone": null, "properties": {"a": {"b": {"c": null}}, "e": null, "never": null}}));
    let user = project.user("u");
    assert_eq!((&user["email"], &user["phone"]), (&Value::Null, &Value::Null));
    assert_eq!(user["properties"], json!({"a": {"b": {"d": 2}}}));
}

#[test]
fn a_null_in_an_array_is_a_value() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "properties": {"a": [null, {"b": null}]}}));
    assert_eq!(project.user("u")["properties"], json!({"a": [null, {"b": null}]}));
}

#[test]
fn a_first_write_with_nulls_stores_none_of_them() {
    let project = project();
    project.post(
        200,
        &json!({"user_id": "u", "email": null, "properties": {"a": null, "b": {"c": null}}, "origin": {"d": null}}),
    );
    let user = project.user("u");
    assert_eq!((&user["email"], &user["properties"], &user["origin"]), (&Value::Null, &json!({"b": {}}), &json!({})));
}

#[test]
fn an_object_replaces_a_scalar_and_a_scalar_an_object() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "properties": {"a": 1, "b": {"c": 1}, "d": [1]}}));
    project.post(200, &json!({"user_id": "u", "properties": {"a": {"x": 1, "y": null}, "b": "s", "d": {"e": 1}}}));
    assert_eq!(project.user("u")["properties"], json!({"a": {"x": 1}, "b": "s", "d": {"e": 1}}));
}

#[test]
fn numbers_keep_their_digits() {
    let project = project();
    let digits =
        r#"{"big":12345678901234567890123,"cents":1.10,"exp":1E+2,"huge":1e400,"zero":-0.0,"deep":[{"tiny":1e-400}]}"#;
    project.post_bytes(200, format!(r#"{{"user_id":"u","properties":{digits}}}"#));
    assert_eq!(text_of(&project, "u", "properties"), digits);
    project.post_bytes(200, r#"{"user_id":"u","properties":{"cents":1.100}}"#);
    assert_eq!(text_of(&project, "u", "properties"), digits.replace("1.10", "1.100"));
}

#[test]
fn keys_that_are_written_differently_are_the_same_key() {
    let project = project();
    project.post_bytes(200, r#"{"user_id":"u","properties":{"k\u0041":1,"\u00e9":1,"q\"":1,"n\u0001":1}}"#);
    project.post_bytes(200, r#"{"user_id":"u","properties":{"kA":2,"é":2,"q\u0022":2,"n\u0001":2}}"#);
    assert_eq!(text_of(&project, "u", "properties"), "{\"kA\":2,\"é\":2,\"q\\\"\":2,\"n\\u0001\":2}");
}

#[test]
fn text_comes_back_as_it_went_in() {
    let project = project();
    let value = json!("a\u{0}b\u{7f}\u{2028}😀 '; drop table users; -- \\ / \" \u{feff}");
    project.post(200, &json!({"user_id": "u", "properties": {"k": value}}));
    assert_eq!(project.user("u")["properties"]["k"], value);
}

#[test]
fn the_same_body_twice_leaves_the_row_as_it_was() {
    let project = project();
    let bodies = [
        r#"{"user_id":"u","email":"a@b.c","properties":{"a":{"b":1.10},"c":[1]},"origin":{}}"#,
        r#"{"user_id":"u","properties":{"a":{"b":null,"z":{"y":null}}}}"#,
        r#"{"user_id":"u"}"#,
    ];
    for body in bodies {
        project.post_bytes(200, body);
        let first = project.get(200, "/v1/users/u");
        assert_eq!(project.post_bytes(200, body).header("x-user-created"), "false");
        let second = project.get(200, "/v1/users/u");
        assert_eq!(
            (first.text.as_str(), first.header("etag")),
            (second.text.as_str(), second.header("etag")),
            "{body}"
        );
    }
}

#[test]
fn a_change_moves_revision_and_updated_at_and_not_created_at() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let first = project.get(200, "/v1/users/u");
    let changed = loop {
        // Milliseconds can be equal: change it until the clock has moved.
        project.post(200, &json!({"user_id": "u", "properties": {"n": project.user("u")["properties"]["n"].as_u64().unwrap_or(0) + 1}}));
        let now = project.get(200, "/v1/users/u");
        assert_ne!(first.header("etag"), now.header("etag"));
        if now.json()["user"]["updated_at"] != first.json()["user"]["updated_at"] {
            break now.json()["user"].clone();
        }
    };
    assert_eq!(changed["created_at"], first.json()["user"]["created_at"]);
    assert!(changed["updated_at"].as_str() > first.json()["user"]["updated_at"].as_str());
}

#[test]
fn a_user_that_is_deleted_and_created_again_never_repeats_a_revision() {
    let project = project();
    let revision = || -> u64 { project.get(200, "/v1/users/u").header("etag").trim_matches('"').parse().unwrap() };
    // Far more changes than milliseconds pass until the user is created again.
    let changes: Vec<Value> = (0..1000).map(|n| json!({"user_id": "u", "properties": {"n": n}})).collect();
    project.batch(200, &json!(changes));
    let last = revision();
    project.delete(200, "/v1/users/u");
    project.post(200, &json!({"user_id": "u"}));
    assert!(revision() > last, "{} after {last}", revision());
}

#[test]
fn a_known_revision_is_not_sent_again() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let etag = project.get(200, "/v1/users/u").header("etag").to_owned();
    let auth = format!("Bearer {}", project.key);
    let ask =
        |tag: &str| project.server.call("GET", "/v1/users/u", &[("Authorization", &auth), ("If-None-Match", tag)], "");
    let answer = ask(&etag);
    assert_eq!((answer.status, answer.text.as_str(), answer.header("etag")), (304, "", etag.as_str()));
    assert_eq!(ask("\"0\"").status, 200);
}

#[test]
fn fifty_concurrent_upserts_of_different_keys_all_survive() {
    let project = project();
    std::thread::scope(|threads| {
        for i in 0..50 {
            let project = &project;
            threads.spawn(move || {
                project.post(
                    200,
                    &json!({"user_id": "u", "properties": {format!("k{i}"): i, "deep": {format!("d{i}"): i}}}),
                )
            });
        }
    });
    let properties = &project.user("u")["properties"];
    for i in 0..50 {
        assert_eq!((&properties[format!("k{i}")], &properties["deep"][format!("d{i}")]), (&json!(i), &json!(i)));
    }
}

fn keys(range: std::ops::Range<u32>) -> Value {
    range.map(|i| (format!("k{i}"), json!(i))).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn three_hundred_keys_fit_and_one_more_is_refused_however_it_comes() {
    let project = project();
    for field in ["properties", "origin"] {
        project.post(200, &json!({"user_id": "u", field: keys(0..300)}));
        let refused = project.post(400, &json!({"user_id": "u", field: {"one": "more"}}));
        assert_eq!((refused.code().as_str(), refused.places()), ("INVALID_VALUE", vec![field.to_owned()]));
        assert_eq!(project.user("u")[field].as_object().unwrap().len(), 300);
        project.post(200, &json!({"user_id": "u", field: {"k0": null, "another": 1}}));
        let at_once = project.post(400, &json!({"user_id": "new", field: keys(0..301)}));
        assert_eq!(at_once.code(), "INVALID_VALUE");
        project.get(404, "/v1/users/new");
    }
}

#[test]
fn a_profile_can_have_256_kib_and_not_a_byte_more() {
    let project = project();
    let empty = r#"{"properties":{"a":"","b":"","c":""},"origin":{}}"#.len();
    let part = |name: &str, bytes: usize| json!({"user_id": "u", "properties": {name: "x".repeat(bytes)}});
    project.post(200, &part("a", 100_000));
    project.post(200, &part("b", 100_000));
    let rest = 262_144 - 200_000 - empty;
    project.post(200, &part("c", rest));
    let before = project.stored("u");
    let refused = project.post(400, &part("c", rest + 1));
    assert_eq!(refused.code(), "INVALID_VALUE");
    assert_eq!(refused.json()["details"]["limit_bytes"], 262_144);
    assert_eq!(project.stored("u"), before);
}
