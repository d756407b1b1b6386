//! Where a project's users live.

use roster_harness::{Answer, Client, Transport, shared, start};
use serde_json::{Value, json};

/// Sends a project its storage.
#[track_caller]
fn choose(expected: u16, project: &str, storage: &Value) -> Answer {
    shared().admin(expected, "PUT", &format!("/v1/projects/{project}"), &json!({"storage": storage}))
}

/// A project's storage, as GET shows it.
#[track_caller]
fn shown(server: &dyn Transport, project: &str) -> Value {
    server.admin(200, "GET", &format!("/v1/projects/{project}"), &Value::Null).json()["project"]["storage"].clone()
}

#[test]
fn it_can_be_chosen_until_the_project_has_a_key_and_is_fixed_then() {
    let four = json!({"kind": "objects", "buckets": 4, "jurisdiction": null, "location": "afr"});
    let chosen = choose(200, "chosen", &json!({"kind": "objects", "buckets": 4, "location": "afr"}));
    assert_eq!(chosen.json()["project"]["storage"], four);
    // Before there is a key it can change, there and back; what is left out stays.
    choose(200, "chosen", &json!({"kind": "d1"}));
    assert_eq!(shown(shared(), "chosen"), json!({"kind": "d1"}));
    choose(200, "chosen", &four);
    choose(200, "chosen", &json!({"kind": "objects"}));
    choose(200, "chosen", &json!({"kind": "objects", "buckets": 16, "jurisdiction": "eu", "location": null}));
    let last = json!({"kind": "objects", "buckets": 16, "jurisdiction": "eu", "location": null});
    assert_eq!(shown(shared(), "chosen"), last);

    let key = shared().admin(201, "POST", "/v1/keys", &json!({"name": "first", "project": "chosen"})).json();
    let key = format!("/v1/keys/{}", key["key_id"].as_str().unwrap());
    shared().admin(200, "DELETE", &key, &Value::Null);
    // Revoked ones count.
    for other in [json!({"kind": "d1"}), json!({"kind": "objects", "buckets": 4})] {
        let limits = json!({"users": {"limit": 7, "window_seconds": 60}});
        let body = json!({"storage": other, "rate_limits": limits});
        let refused = shared().admin(409, "PUT", "/v1/projects/chosen", &body);
        assert_eq!(refused.code(), "STORAGE_FIXED");
    }
    for same in [last.clone(), json!({"kind": "objects"}), json!({"kind": "objects", "buckets": 16})] {
        choose(200, "chosen", &same);
    }
    let project = shared().admin(200, "GET", "/v1/projects/chosen", &Value::Null).json()["project"].clone();
    assert_eq!((&project["storage"], &project["rate_limits"]["users"]["default"]), (&last, &json!(true)));
    let listed = shared().admin(200, "GET", "/v1/projects", &Value::Null).json()["projects"].clone();
    let listed = listed.as_array().unwrap().iter().find(|project| project["name"] == "chosen").unwrap().clone();
    assert_eq!(listed["storage"], last);
}

#[test]
fn what_can_not_be_chosen_is_told_by_its_place() {
    for (storage, places) in [
        (json!(null), vec!["storage"]),
        (json!({}), vec!["/storage/kind"]),
        (json!({"kind": "kv"}), vec!["/storage/kind"]),
        (json!({"kind": "d1", "buckets": 4}), vec!["/storage/buckets"]),
        (json!({"kind": "objects", "buckets": 2}), vec!["/storage/buckets"]),
        (
            json!({"kind": "objects", "buckets": "4", "jurisdiction": "EU"}),
            vec!["/storage/buckets", "/storage/jurisdiction"],
        ),
        (json!({"kind": "objects", "location": "mars", "place": 1}), vec!["/storage/location", "/storage/place"]),
    ] {
        let answer = choose(400, "never", &storage);
        assert_eq!(answer.places(), places, "{storage}");
    }
    shared().admin(404, "GET", "/v1/projects/never", &Value::Null);
}

#[test]
fn a_new_project_has_the_storage_of_the_variable_and_one_that_says_has_its_own() {
    let server = start(&[("ADMIN_TOKEN", roster_harness::ADMIN_TOKEN), ("STORAGE", "objects")]);
    server.key(&json!({"name": "first", "project": "silent"}));
    let silent = shown(&*server, "silent");
    let anywhere = json!({"kind": "objects", "buckets": 1, "jurisdiction": null, "location": null});
    assert_eq!(silent, anywhere);
    server.admin(200, "PUT", "/v1/projects/brief", &json!({"storage": {"kind": "objects"}}));
    assert_eq!(shown(&*server, "brief"), anywhere);
    server.admin(200, "PUT", "/v1/projects/said", &json!({"storage": {"kind": "d1"}}));
    server.key(&json!({"name": "first", "project": "said"}));
    assert_eq!(shown(&*server, "said"), json!({"kind": "d1"}));
    shared().key(&json!({"name": "first", "project": "unset"}));
    assert_eq!(shown(shared(), "unset")["kind"], json!("d1"));
}

#[test]
fn users_of_one_project_in_sixteen_objects_are_listed_as_one() {
    choose(200, "sixteen", &json!({"kind": "objects", "buckets": 16}));
    let key = shared().key(&json!({"name": "first", "project": "sixteen"}));
    let bearer = format!("Bearer {key}");
    let call = |method: &str, path: &str, body: &Value| {
        shared().call(method, path, &[("Authorization", &bearer)], body.to_string())
    };
    let ids: Vec<String> = (0..200).map(|n| format!("u{n:03}")).collect();
    let users: Vec<Value> = ids.iter().map(|id| json!({"user_id": id, "email": "a@b.c"})).collect();
    assert_eq!(call("POST", "/v1/users/batch", &json!({"users": users})).status, 200);
    for query in ["limit=7", "limit=7&email=a%40b.c"] {
        let (mut met, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = call("GET", &format!("/v1/users?{query}{cursor}"), &Value::Null).json();
            met.extend(
                page["users"].as_array().unwrap().iter().map(|user| user["external_id"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["pagination"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(met, ids, "{query}");
    }
}
