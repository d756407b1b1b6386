//! `DELETE /v1/users/{user_id}`

use roster_harness::{Client, project, shared};
use serde_json::json;

#[test]
fn a_user_is_deleted_once_and_nothing_of_the_person_stays() {
    let project = project();
    project.post(200, &json!({"user_id": "a/b", "email": "a@b.c", "phone": "+123", "properties": {"k": 1}}));
    project.post(200, &json!({"user_id": "other", "email": "a@b.c"}));
    let deleted = project.delete(200, "/v1/users/a%2Fb").json();
    assert_eq!(deleted, json!({"success": true, "deleted": true, "external_id": "a/b", "message": "User deleted"}));
    assert_eq!(project.get(404, "/v1/users/a%2Fb").code(), "USER_NOT_FOUND");
    for query in ["", "?email=a%40b.c"] {
        assert_eq!(project.listed(query), ["other"], "{query}");
    }
    assert_eq!(project.listed("?phone=%2B123"), Vec::<String>::new());
    let again = project.delete(200, "/v1/users/a%2Fb").json();
    assert_eq!((&again["success"], &again["deleted"]), (&json!(true), &json!(false)));
}

#[test]
fn a_user_who_comes_back_is_a_new_one() {
    let project = project();
    let first = project.post(200, &json!({"user_id": "u", "properties": {"k": 1}}));
    let etag = project.get(200, "/v1/users/u").header("etag").to_owned();
    project.delete(200, "/v1/users/u");
    let second = project.post(200, &json!({"user_id": "u"}));
    assert_eq!(second.header("x-user-created"), "true");
    assert_ne!(first.json()["user_id"], second.json()["user_id"]);
    assert_eq!(project.user("u")["properties"], json!({}));
    assert_ne!(project.get(200, "/v1/users/u").header("etag"), etag);
}

#[test]
fn it_deletes_in_its_own_project_only_and_wants_the_scope() {
    let (one, two) = (project(), project());
    one.post(200, &json!({"user_id": "u"}));
    assert_eq!(two.delete(200, "/v1/users/u").json()["deleted"], false);
    let key = shared().key(&json!({"name": "rw", "project": one.name, "scopes": ["users:read", "users:write"]}));
    let answer = shared().call("DELETE", "/v1/users/u", &[("Authorization", &format!("Bearer {key}"))], "");
    assert_eq!((answer.status, answer.code().as_str()), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(answer.json()["details"]["required_permission"], "users:delete");
    one.get(200, "/v1/users/u");
    for path in ["/v1/users/%zz", "/v1/users/null"] {
        assert_eq!(one.delete(400, path).places(), ["user_id"]);
    }
}

#[test]
fn a_revoked_key_deletes_lists_and_stores_nothing_though_the_isolate_knows_it() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    project.revoke();
    assert_eq!(project.delete(401, "/v1/users/u").code(), "REVOKED_API_KEY");
    assert_eq!(project.delete(401, "/v1/users/nobody").code(), "REVOKED_API_KEY");
    assert_eq!(project.get(401, "/v1/users").code(), "REVOKED_API_KEY");
    assert_eq!(project.batch(401, &json!([{"user_id": "v"}])).code(), "REVOKED_API_KEY");

    let project = project.with_new_key();
    assert_eq!(project.listed(""), ["u"]);
}

#[test]
fn a_warm_delete_waits_for_the_store_and_for_the_copy_whether_there_was_a_user_or_not() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    for deleted in [true, false] {
        let answer = project.delete(200, "/v1/users/u");
        assert_eq!((&answer.json()["deleted"], project.store_hops(&answer)), (&json!(deleted), 2));
    }
}

#[test]
fn a_user_may_be_called_batch() {
    let project = project();
    let created = project.post(200, &json!({"user_id": "batch"}));
    assert_eq!(project.get(200, created.header("location")).json()["user"]["external_id"], "batch");
    assert_eq!(project.delete(200, "/v1/users/batch").json()["deleted"], true);
}
