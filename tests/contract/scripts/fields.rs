//! Each contact of `src/user/fields.rs`, through all that is done with one.

use roster::input::percent;
use roster::user::fields::CONTACTS;
use roster_harness::{Project, project};
use serde_json::{Value, json};

/// Two texts that the field takes as they are.
fn examples(name: &str) -> [&'static str; 2] {
    match name {
        "email" => ["a@b.c", "b@b.c"],
        "phone" => ["+123", "+124"],
        _ => panic!("{name} has no examples: add some"),
    }
}

#[track_caller]
fn found_by(project: &Project, name: &str, text: &str) -> Vec<Value> {
    let query = format!("/v1/users?{name}={}", percent::encode(text));
    project.get(200, &query).json()["users"].as_array().unwrap().clone()
}

#[test]
fn a_contact_is_stored_answered_found_changed_and_cleared_by_a_patch_and_as_of_a_moment() {
    for (name, [first, second]) in CONTACTS.iter().map(|field| (field.name, examples(field.name))) {
        for as_of in
            [[None; 3], [Some("2026-01-01T00:00:01Z"), Some("2026-01-01T00:00:02Z"), Some("2026-01-01T00:00:03Z")]]
        {
            let project = project();
            let write = |value: Value, as_of| project.post(200, &json!({"user_id": "u", name: value, "as_of": as_of}));
            write(first.into(), as_of[0]);
            assert_eq!(project.user("u")[name], first);
            assert_eq!(found_by(&project, name, first), [project.user("u")]);
            write(second.into(), as_of[1]);
            assert_eq!(project.user("u")[name], second);
            assert_eq!((found_by(&project, name, first).len(), found_by(&project, name, second).len()), (0, 1));
            write(Value::Null, as_of[2]);
            assert_eq!(project.user("u")[name], Value::Null);
            assert!(found_by(&project, name, second).is_empty());
        }
    }
}

#[test]
fn a_cursor_belongs_to_the_contact_that_it_was_made_for() {
    for (name, [first, second]) in CONTACTS.iter().map(|field| (field.name, examples(field.name))) {
        let project = project();
        for id in ["a", "b"] {
            project.post(200, &json!({"user_id": id, name: first}));
        }
        let page = |status, filter: &str, cursor: &str| {
            let query = format!("/v1/users?limit=1{filter}{cursor}");
            project.get(status, &query).json()
        };
        let filter = |text: &str| format!("&{name}={}", percent::encode(text));
        let begun = page(200, &filter(first), "");
        let cursor = format!("&cursor={}", begun["pagination"]["next_cursor"].as_str().unwrap());
        assert_eq!(page(200, &filter(first), &cursor)["users"][0]["external_id"], "b", "{name}");
        for other in [String::new(), filter(second)] {
            assert_eq!(page(400, &other, &cursor)["details"]["field"], "cursor", "{name} {other}");
        }
    }
}
