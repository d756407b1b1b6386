//! `POST /v1/users` where all is well.

use roster_harness::{Client, project, shared};
use serde_json::json;

#[test]
fn a_user_is_created_and_then_updated() {
    let project = project();
    let body = json!({
        "user_id": "user_123",
        "email": "user@example.com",
        "phone": "+1234567890",
        "properties": {"name": "John Doe", "plan": "premium", "signup_date": "2023-06-15"},
        "origin": {"channel": "ios-app", "campaign": "spring-launch", "label": "Onboarding Flow"}
    });
    let created = project.post(200, &body);
    assert_eq!(created.header("location"), "/v1/users/user_123");
    assert_eq!(created.header("x-user-created"), "true");
    let answer = created.json();
    let id = answer["user_id"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.starts_with("usr_"));
    assert!(id[4..].bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    assert_eq!(
        answer,
        json!({"success": true, "user_id": id, "external_id": "user_123", "message": "User created/updated successfully"})
    );

    let updated = project.post(200, &json!({"user_id": "user_123", "properties": {"plan": "free"}}));
    assert_eq!(updated.header("x-user-created"), "false");
    assert_eq!(updated.json()["user_id"], id);

    let user = project.user("user_123");
    assert_eq!(user["user_id"], id);
    assert_eq!(user["email"], "user@example.com");
    assert_eq!(user["properties"], json!({"name": "John Doe", "plan": "free", "signup_date": "2023-06-15"}));
    assert_eq!(user["origin"], body["origin"]);
}

#[test]
fn ids_are_ordered_by_time() {
    let project = project();
    let ids: Vec<String> =
        (0..5).map(|i| project.post(200, &json!({"user_id": i.to_string()})).json()["user_id"].to_string()).collect();
    assert!(ids.is_sorted_by_key(|id| id[..14].to_owned()), "{ids:?}");
}

#[test]
fn the_path_works_without_its_prefix_and_any_content_type_will_do() {
    let project = project();
    let headers = [("authorization", &*format!("bEARER {}", project.key)), ("content-type", "text/plain")];
    let answer = project.server.call("POST", "/users", &headers, r#"{"user_id":"a/b é"}"#);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("location"), "/v1/users/a%2Fb%20%C3%A9");
    assert_eq!(project.get(200, answer.header("location")).json()["user"]["external_id"], "a/b é");
}

#[test]
fn user_ids_are_compared_byte_for_byte() {
    let project = project();
    for id in ["a", "A", "\u{e9}", "e\u{301}", "a\u{200b}"] {
        assert_eq!(project.post(200, &json!({"user_id": id})).header("x-user-created"), "true", "{id:?}");
    }
}

#[test]
fn neither_email_nor_phone_is_unique() {
    let project = project();
    for id in ["a", "b"] {
        project.post(200, &json!({"user_id": id, "email": "same@example.com", "phone": "+4912345"}));
    }
    assert_eq!(project.user("a")["email"], project.user("b")["email"]);
}

#[test]
fn two_projects_do_not_see_each_other() {
    let (one, two) = (project(), project());
    one.post(200, &json!({"user_id": "u", "email": "one@example.com"}));
    assert_eq!(two.get(404, "/v1/users/u").code(), "USER_NOT_FOUND");
    assert_eq!(two.post(200, &json!({"user_id": "u"})).header("x-user-created"), "true");
    assert_eq!(two.user("u")["email"], json!(null));
    assert_ne!(one.user("u")["user_id"], two.user("u")["user_id"]);
}

#[test]
fn the_budget_stands_in_the_headers() {
    let project = project();
    project.limit(5, 60);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let answer = project.post(200, &json!({"user_id": "u"}));
    assert_eq!(answer.header("x-ratelimit-limit"), "5");
    assert_eq!(answer.header("x-ratelimit-remaining"), "4");
    assert_eq!(answer.header("ratelimit-policy"), "\"users\";q=5;w=60");
    let seconds: u64 = answer.header("ratelimit").strip_prefix("\"users\";r=4;t=").unwrap().parse().unwrap();
    assert!((61..=62).contains(&seconds), "{seconds}");
    let reset: u64 = answer.header("x-ratelimit-reset").parse().unwrap();
    assert!((now + 59..=now + 70).contains(&reset), "{reset} at {now}");
}

#[test]
fn the_service_says_that_it_is_well() {
    for path in ["/health", "/health/ready"] {
        let answer = shared().call("GET", path, &[], "");
        assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
        assert_eq!(shared().call("HEAD", path, &[], "").status, 200);
    }
    let answer = shared().call("GET", "/health", &[], "");
    assert_eq!(shared().log_line(answer.header("x-request-id"))["hops"], 0);
}
