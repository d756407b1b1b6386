//! API keys and projects, as the admin manages them.

use roster_harness::{ADMIN_TOKEN, Client, Project, project, shared, start};
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
    // The same path, by RFC 3986 section 6.2.2.2.
    let encoded = path.replace("key_", "key%5F");
    assert_eq!(shared().admin(200, "DELETE", &encoded, &Value::Null).json(), expected);
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
fn a_key_is_told_what_it_may_do_whatever_that_is() {
    let project = project().name;
    for scopes in [json!(["users:write", "users:read"]), json!(["ingest"])] {
        let body = json!({"name": "ci", "project": project, "scopes": scopes, "expires_at": "2127-01-01T00:00:00Z"});
        let made = shared().admin(201, "POST", "/v1/keys", &body).json();
        let bearer = format!("Bearer {}", made["key"].as_str().unwrap());
        let ask = || shared().call("GET", "/v1/key", &[("Authorization", &bearer)], "");
        let expected = json!({
            "key_id": made["key_id"], "name": "ci", "project": project, "scopes": scopes,
            "expires_at": "2127-01-01T00:00:00.000Z"
        });
        for _ in 0..2 {
            let told = ask();
            assert_eq!((told.status, told.json()), (200, json!({"success": true, "key": expected})));
            assert!(told.header("ratelimit-policy").starts_with("\"users\""), "{:?}", told.headers);
        }
        // The isolate knows the key by now, and the store is asked nevertheless.
        let path = format!("/v1/keys/{}", made["key_id"].as_str().unwrap());
        shared().admin(200, "DELETE", &path, &Value::Null);
        assert_eq!((ask().status, ask().code().as_str()), (401, "REVOKED_API_KEY"));
    }
}

#[test]
fn to_ask_what_a_key_may_do_costs_one_call_of_the_store_and_a_token_of_users() {
    let project = project();
    project.limit(2, 3600);
    project.get(200, "/v1/key");
    let answer = project.get(200, "/v1/key");
    assert_eq!((project.store_hops(&answer), answer.header("x-ratelimit-remaining")), (1, "0"));
    let refused = project.get(429, "/v1/key");
    assert_eq!(project.store_hops(&refused), 0);
}

#[test]
fn a_key_dies_when_it_expires() {
    let in_four_seconds = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 4;
    let expires_at = roster::time::Timestamp::from_ms(in_four_seconds * 1000).to_string();
    let key = shared().key(&json!({"name": "brief", "project": "brief", "expires_at": expires_at}));
    let call =
        || shared().call("POST", "/v1/users", &[("Authorization", &format!("Bearer {key}"))], r#"{"user_id":"u"}"#);
    assert_eq!(call().status, 200);
    let dead = loop {
        let answer = call();
        if answer.status != 200 {
            break answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert_eq!((dead.status, dead.code().as_str()), (401, "REVOKED_API_KEY"));
    assert!(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() >= in_four_seconds);
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
fn who_shows_the_wrong_thing_is_told_what_is_wanted() {
    let key = project().key;
    let message = |path: &str, authorization: &str| {
        shared().call("GET", path, &[("Authorization", authorization)], "").json()["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (path, authorization, told) in [
        ("/v1/keys", format!("Bearer {key}"), "This call needs the admin token, not an API key"),
        ("/v1/users", format!("Bearer {ADMIN_TOKEN}"), "This call needs an API key, not the admin token"),
        ("/v1/keys", "Bearer secret".into(), "Invalid admin token: this call needs the one that the operator set"),
        ("/v1/users", "Bearer secret".into(), "Invalid API key"),
        (
            "/v1/users",
            format!("ApiKey {key}"),
            "The Authorization header must be `Bearer YOUR_API_KEY`: the word Bearer, a space, and an API key",
        ),
        (
            "/v1/users",
            key.clone(),
            "The Authorization header must be `Bearer YOUR_API_KEY`: the word Bearer, a space, and an API key",
        ),
        (
            "/v1/keys",
            "Basic eDp5".into(),
            "The Authorization header must be `Bearer YOUR_ADMIN_TOKEN`: the word Bearer, a space, and the admin token",
        ),
    ] {
        assert_eq!(message(path, &authorization), told);
    }
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
            json!({"rate_limits": {"users": {"limit": "many"}, "batches": null}, "storage": "d1"}),
            vec!["/rate_limits/users/limit", "/rate_limits/users/window_seconds", "/rate_limits/batches", "storage"],
        ),
    ] {
        assert_eq!(shared().admin(400, method, path, &body).places(), places);
    }
    assert_eq!(shared().admin(404, "DELETE", "/v1/keys/key_nobody", &Value::Null).code(), "KEY_NOT_FOUND");
    for at in ["1970-01-01T00:00:00Z", "2020-02-02T02:02:02Z"] {
        let answer = shared().admin(400, "POST", "/v1/keys", &json!({"name": "n", "expires_at": at}));
        assert_eq!((answer.places(), answer.code().as_str()), (vec!["expires_at".to_owned()], "INVALID_VALUE"));
    }
}

#[test]
fn keys_of_one_project_can_be_listed_alone() {
    let project = project();
    shared().key(&json!({"name": "second", "project": project.name}));
    let list = |query: &str| {
        let keys = shared().admin(200, "GET", &format!("/v1/keys{query}"), &Value::Null).json()["keys"].clone();
        keys.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&format!("?project={}", project.name)), ["test", "second"]);
    assert_eq!(list("?project=of-nobody"), Vec::<String>::new());
    assert!(list("").len() > 2);
    assert_eq!(shared().admin(400, "GET", "/v1/keys?project=No", &Value::Null).places(), ["project"]);
}

#[test]
fn a_project_shows_its_limits_and_each_policy_has_its_own() {
    let path = |name: &str| format!("/v1/projects/{name}");
    let put = |name: &str, body: Value| shared().admin(200, "PUT", &path(name), &body).json()["project"].clone();
    let get = |name: &str| shared().admin(200, "GET", &path(name), &Value::Null).json()["project"].clone();
    assert_eq!(shared().admin(404, "GET", &path("nobody"), &Value::Null).code(), "PROJECT_NOT_FOUND");
    let limit = |limit: u32, window_seconds: u32, default: bool| json!({"limit": limit, "window_seconds": window_seconds, "default": default});
    let (users, batch) = (limit(500, 60, true), limit(100, 60, true));
    let (ingest, query) = (limit(600, 60, true), limit(60, 60, true));

    let made = put("limits", json!({}));
    assert_eq!(
        (&made["name"], &made["rate_limits"]),
        (&json!("limits"), &json!({"users": users, "batch": batch, "ingest": ingest, "query": query}))
    );
    assert_eq!(get("limits"), made);
    let names = shared().admin(200, "GET", "/v1/projects", &Value::Null).json()["projects"].clone();
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|project| project["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"limits") && names.is_sorted(), "{names:?}");

    let more = put("limits", json!({"rate_limits": {"batch": {"limit": 1000, "window_seconds": 30}}}));
    assert_eq!(
        more["rate_limits"],
        json!({"users": users, "batch": limit(1000, 30, false), "ingest": ingest, "query": query})
    );
    let first = put("limits", json!({"rate_limits": {"users": {"limit": 9, "window_seconds": 60}}}));
    assert_eq!(
        first["rate_limits"],
        json!({"users": limit(9, 60, false), "batch": limit(1000, 30, false), "ingest": ingest, "query": query})
    );
    assert_eq!(first["created_at"], made["created_at"]);
    let older = json!({"rate_limit": {"limit": 9, "window_seconds": 60}});
    let refused = shared().admin(400, "PUT", "/v1/projects/limits", &older);
    assert_eq!(refused.code(), "UNKNOWN_FIELD");
    assert_eq!(refused.json()["details"]["issue"], r#"Unknown field; write rate_limits: {"users": …}"#);
    let project = Project {
        server: shared(),
        name: "limits".into(),
        key: shared().key(&json!({"name": "k", "project": "limits"})),
    };
    assert_eq!(project.batch(200, &json!([{"user_id": "u"}])).header("x-ratelimit-limit"), "1000");
    assert_eq!(project.get(200, "/v1/users/u").header("x-ratelimit-limit"), "9");

    assert_eq!(put("limits", json!({"rate_limits": {"users": null, "batch": null}})), made);
    assert_eq!(project.batch(200, &json!([{"user_id": "u"}])).header("x-ratelimit-limit"), "100");
    assert_eq!(get("limits"), made);
}

#[test]
fn what_is_no_name_of_a_project_is_told_the_rule_and_not_repeated() {
    let key = project().key;
    for name in [key.as_str(), "Not%20One", "a%2Fb", "%zz", "%C3%A9", &"a".repeat(65)] {
        for method in ["GET", "PUT"] {
            let answer = shared().admin(400, method, &format!("/v1/projects/{name}"), &json!({}));
            let details = json!({"field": "project", "issue": "Must be 1 to 64 characters of a-z, 0-9, _ and -"});
            assert_eq!((answer.code().as_str(), &answer.json()["details"]), ("INVALID_VALUE", &details));
            assert!(!answer.text.contains(name), "{name}");
        }
    }
}

#[test]
fn without_a_good_admin_token_nobody_is_admin_and_the_log_says_why() {
    for variables in [vec![], vec![("ADMIN_TOKEN", "fifteen letters")]] {
        let server = start(&variables);
        for bearer in ["Bearer fifteen letters", "Bearer ", "Bearer undefined"] {
            let answer = server.call("GET", "/v1/keys", &[("Authorization", bearer)], "");
            assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_API_KEY"));
            let cause = server.log_line(answer.header("x-request-id"))["cause"].clone();
            assert_eq!(cause, "ADMIN_TOKEN is unset or shorter than 16 characters");
        }
    }
}
