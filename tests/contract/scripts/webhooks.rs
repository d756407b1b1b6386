//! The calls on webhooks. What is sent is tried with a receiver, in `webhooks`.

use roster_harness::{Answer, Client, Project, project, shared};
use serde_json::{Value, json};

/// A URL that nobody answers at.
const URL: &str = "https://hooks.invalid/roster";

fn create(project: &Project, more: &Value) -> Answer {
    let mut body = json!({"project": project.name, "url": URL});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    project.server.admin(201, "POST", "/v1/webhooks", &body)
}

fn id_of(answer: &Answer) -> String {
    answer.json()["webhook_id"].as_str().unwrap().into()
}

#[test]
fn a_webhook_is_made_shown_changed_and_deleted() {
    let project = project();
    let created = create(&project, &json!({}));
    let (id, secret) = (id_of(&created), created.json()["secret"].as_str().unwrap().to_owned());
    assert_eq!(created.json()["project"], *project.name);
    let path = format!("/v1/webhooks/{id}");
    let shown = project.server.admin(200, "GET", &path, &Value::Null).json()["webhook"].clone();
    let mut expected = json!({
        "webhook_id": id, "project": project.name, "url": URL, "events": ["changed", "deleted"], "where": null, "batch": 1,
        "state": "active", "behind": null, "retrying": null, "disabled": null, "given_up": 0,
    });
    expected["created_at"] = shown["created_at"].clone();
    assert_eq!(shown, expected);
    let list = format!("/v1/webhooks?project={}", project.name);
    let listed = project.server.admin(200, "GET", &list, &Value::Null);
    assert_eq!(listed.json()["webhooks"], json!([expected]));
    assert!(!listed.text.contains(&secret));
    let everybodys = project.server.admin(200, "GET", "/v1/webhooks", &Value::Null).json();
    assert!(everybodys["webhooks"].as_array().unwrap().contains(&expected));

    let filter = json!({"field": "/properties/n", "eq": 1});
    let change = json!({"paused": true, "where": filter, "events": ["deleted"], "batch": 7, "url": format!("{URL}/2")});
    let changed = project.server.admin(200, "PATCH", &path, &change).json()["webhook"].clone();
    for (member, value) in change.as_object().unwrap() {
        let shown = if member == "paused" { json!(changed["state"] == "paused") } else { changed[member].clone() };
        assert_eq!(shown, *value, "{member}");
    }
    let resumed = project.server.admin(200, "PATCH", &path, &json!({"paused": false, "where": null})).json();
    assert_eq!((&resumed["webhook"]["state"], &resumed["webhook"]["where"]), (&json!("active"), &Value::Null));

    let deleted = project.server.admin(200, "DELETE", &path, &Value::Null).json();
    assert_eq!(deleted, json!({"success": true, "webhook_id": id, "message": "Webhook deleted"}));
    assert_eq!(project.server.admin(200, "GET", &list, &Value::Null).json()["webhooks"], json!([]));
    for (method, path, body) in [
        ("GET", path.clone(), Value::Null),
        ("DELETE", path.clone(), Value::Null),
        ("PATCH", path.clone(), json!({})),
        ("POST", format!("{path}/rotate"), Value::Null),
        ("POST", format!("{path}/test"), Value::Null),
        ("POST", format!("{path}/replay"), json!({"since": "2026-01-01T00:00:00Z"})),
        ("GET", "/v1/webhooks/whk_nobody".into(), Value::Null),
    ] {
        assert_eq!(project.server.admin(404, method, &path, &body).code(), "WEBHOOK_NOT_FOUND", "{method} {path}");
    }
}

#[test]
fn a_paused_webhook_falls_behind() {
    let project = project();
    let path = format!("/v1/webhooks/{}", id_of(&create(&project, &json!({}))));
    project.server.admin(200, "PATCH", &path, &json!({"paused": true}));
    project.post(200, &json!({"user_id": "u"}));
    let shown = project.server.admin(200, "GET", &path, &Value::Null).json()["webhook"].clone();
    assert!(shown["behind"].as_u64().is_some_and(|seconds| seconds < 60), "{shown}");
    let replay = json!({"since": "2126-01-01T00:00:00Z"});
    let ahead = project.server.admin(200, "POST", &format!("{path}/replay"), &replay).json();
    assert_eq!((&ahead["webhook"]["behind"], &ahead["webhook"]["state"]), (&Value::Null, &json!("paused")));
    let replay = json!({"since": "2026-01-01T00:00:00Z"});
    let back = project.server.admin(200, "POST", &format!("{path}/replay"), &replay).json();
    assert!(back["webhook"]["behind"].is_u64(), "{back}");
    project.server.admin(200, "DELETE", &path, &Value::Null);
}

#[test]
fn a_secret_is_shown_when_it_is_made_and_a_test_says_why_nobody_answered() {
    let project = project();
    let created = create(&project, &json!({}));
    let path = format!("/v1/webhooks/{}", id_of(&created));
    let rotated = project.server.admin(200, "POST", &format!("{path}/rotate"), &Value::Null).json();
    assert_ne!(rotated["secret"], created.json()["secret"]);
    let tested = project.server.admin(200, "POST", &format!("{path}/test"), &Value::Null).json();
    assert_eq!((&tested["status"], &tested["body"], tested["error"].is_string()), (&Value::Null, &Value::Null, true));
    project.server.admin(200, "DELETE", &path, &Value::Null);
}

#[test]
fn every_fault_of_a_body_is_reported() {
    let project = project();
    let admin = |status, body: &Value| project.server.admin(status, "POST", "/v1/webhooks", body);
    let body =
        json!({"url": "http://127.0.0.1/", "events": [], "where": {"field": "nope", "eq": 1}, "batch": 101, "x": 1});
    let answer = admin(400, &body);
    assert_eq!(answer.places(), ["project", "url", "events", "/where/field", "batch", "x"]);
    assert_eq!(admin(404, &json!({"project": "nobodys", "url": URL})).code(), "PROJECT_NOT_FOUND");
    let path = format!("/v1/webhooks/{}", id_of(&create(&project, &json!({}))));
    assert_eq!(
        project.server.admin(400, "PATCH", &path, &json!({"paused": 1, "project": "p"})).places(),
        ["paused", "project"]
    );
    assert_eq!(
        project.server.admin(400, "POST", &format!("{path}/replay"), &json!({"since": "soon"})).places(),
        ["since"]
    );
    assert_eq!(project.server.admin(400, "GET", "/v1/webhooks?page=1", &Value::Null).places(), ["page"]);
    project.server.admin(200, "DELETE", &path, &Value::Null);
    let bearer = format!("Bearer {}", project.key);
    let refused = project.server.call("GET", "/v1/webhooks", &[("Authorization", &bearer)], "");
    assert_eq!((refused.status, refused.code().as_str()), (401, "INVALID_API_KEY"));
}

#[test]
fn a_project_has_ten_webhooks_at_most() {
    let project = project();
    let ids: Vec<String> = (0..10).map(|_| id_of(&create(&project, &json!({})))).collect();
    let body = json!({"project": project.name, "url": URL});
    assert_eq!(project.server.admin(409, "POST", "/v1/webhooks", &body).code(), "TOO_MANY_WEBHOOKS");
    let list = format!("/v1/webhooks?project={}", project.name);
    let listed = project.server.admin(200, "GET", &list, &Value::Null).json()["webhooks"].clone();
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|webhook| webhook["webhook_id"].clone()).collect();
    assert_eq!(listed, ids);
    for id in ids {
        project.server.admin(200, "DELETE", &format!("/v1/webhooks/{id}"), &Value::Null);
    }
    assert_eq!(shared().admin(200, "GET", &list, &Value::Null).json()["webhooks"], json!([]));
    create(&project, &json!({}));
}
