//! Who may do what: every route by every kind of caller.

use roster::api::Operation;
use roster::key::ApiKey;
use roster_harness::{ADMIN_TOKEN, Answer, Client, project, shared};
use serde_json::{Value, json};

/// Who a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Anyone,
    AnyKey,
    Scope(&'static str),
    Admin,
}

const WRITE: For = For::Scope("users:write");
const READ: For = For::Scope("users:read");
const DELETE: For = For::Scope("users:delete");
const INGEST: For = For::Scope("ingest");

/// Every path with each of its methods, and what that answers to whom it is for.
const ROUTES: [(&str, &str, For, u16); 51] = [
    ("POST", "/v1/users", WRITE, 200),
    ("POST", "/users", WRITE, 200),
    ("POST", "/v1/users/batch", WRITE, 200),
    ("POST", "/v1/users/query", READ, 200),
    ("POST", "/v1/users/count", READ, 200),
    ("POST", "/v1/users/get", READ, 200),
    ("GET", "/v1/users/query", READ, 404),
    ("GET", "/v1/users/count", READ, 404),
    ("GET", "/v1/users/get", READ, 404),
    ("DELETE", "/v1/users/query", DELETE, 200),
    ("DELETE", "/v1/users/count", DELETE, 200),
    ("DELETE", "/v1/users/get", DELETE, 200),
    ("GET", "/v1/properties", READ, 200),
    ("GET", "/v1/users", READ, 200),
    ("GET", "/users", READ, 200),
    ("GET", "/v1/users/u", READ, 200),
    ("GET", "/v1/users/batch", READ, 404),
    ("DELETE", "/v1/users/u", DELETE, 200),
    ("DELETE", "/v1/users/batch", DELETE, 200),
    ("GET", "/v1/changes", READ, 200),
    ("POST", "/v1/batch", INGEST, 200),
    ("POST", "/v1/identify", INGEST, 200),
    ("GET", "/v1/key", For::AnyKey, 200),
    ("POST", "/v1/keys", For::Admin, 201),
    ("GET", "/v1/keys", For::Admin, 200),
    ("DELETE", "/v1/keys/key_nobody", For::Admin, 404),
    ("GET", "/v1/projects", For::Admin, 200),
    ("PUT", "/v1/projects/access", For::Admin, 200),
    ("GET", "/v1/projects/access", For::Admin, 200),
    ("GET", "/v1/projects/access/usage", For::Admin, 200),
    ("POST", "/v1/projects/access/move", For::Admin, 200),
    ("GET", "/v1/projects/access/move", For::Admin, 404),
    ("DELETE", "/v1/projects/access/move", For::Admin, 404),
    ("POST", "/v1/webhooks", For::Admin, 404),
    ("GET", "/v1/webhooks", For::Admin, 200),
    ("GET", "/v1/webhooks/whk_nobody", For::Admin, 404),
    ("PATCH", "/v1/webhooks/whk_nobody", For::Admin, 404),
    ("DELETE", "/v1/webhooks/whk_nobody", For::Admin, 404),
    ("POST", "/v1/webhooks/whk_nobody/rotate", For::Admin, 404),
    ("POST", "/v1/webhooks/whk_nobody/test", For::Admin, 404),
    ("POST", "/v1/webhooks/whk_nobody/replay", For::Admin, 404),
    ("GET", "/health", For::Anyone, 200),
    ("GET", "/health/ready", For::Anyone, 200),
    ("GET", "/", For::Anyone, 200),
    ("GET", "/openapi.yaml", For::Anyone, 200),
    ("GET", "/openapi.json", For::Anyone, 200),
    ("GET", "/llms.txt", For::Anyone, 200),
    ("GET", "/page.js", For::Anyone, 200),
    ("GET", "/page.css", For::Anyone, 200),
    ("GET", "/swagger-ui-bundle.js", For::Anyone, 200),
    ("GET", "/swagger-ui.css", For::Anyone, 200),
];

fn body_of(method: &str, path: &str) -> String {
    match (method, path) {
        ("POST", "/v1/users/batch") => json!({"users": [{"user_id": "u"}]}).to_string(),
        ("POST", "/v1/users/query" | "/v1/users/count") => json!({}).to_string(),
        ("POST", "/v1/users/get") => json!({"user_ids": ["u"]}).to_string(),
        ("POST", "/v1/batch") => json!({"batch": [{"type": "identify", "userId": "u"}]}).to_string(),
        ("POST", "/v1/identify") => json!({"userId": "u"}).to_string(),
        ("POST", "/v1/keys") => json!({"name": "made", "project": "access"}).to_string(),
        ("POST", "/v1/projects/access/move") => json!({"storage": {"kind": "d1"}}).to_string(),
        ("POST", "/v1/webhooks") => json!({"project": "nobodys", "url": "https://hooks.invalid/"}).to_string(),
        ("POST", "/v1/webhooks/whk_nobody/replay") => json!({"since": "2026-01-01T00:00:00Z"}).to_string(),
        ("PATCH", _) => "{}".into(),
        ("POST", _) => json!({"user_id": "u"}).to_string(),
        ("PUT", _) => json!({"rate_limits": {"users": {"limit": 1000, "window_seconds": 60}}}).to_string(),
        _ => String::new(),
    }
}

/// Sends the request of a route and answers status and code.
#[track_caller]
fn send(method: &str, path: &str, authorization: Option<&str>) -> (u16, String) {
    let headers = authorization.map(|value| ("Authorization", value));
    let answer = shared().send(method, path, headers.as_slice(), body_of(method, path));
    let code = if answer.status < 400 { String::new() } else { answer.code() };
    (answer.status, code)
}

fn unknown_key() -> String {
    ApiKey::generate(|bytes| bytes.fill_with(|| fastrand::u8(..))).reveal().to_owned()
}

/// Status and code, or None: it is answered.
type Refusal = Option<(u16, &'static str)>;

#[test]
fn no_route_is_forgotten_here() {
    for (method, pattern, operation) in roster::api::ROUTES {
        let is_of_pattern = |path: &str| match pattern.split_once('{') {
            Some((prefix, _)) => path.starts_with(prefix),
            None => path == pattern,
        };
        // All other routes of Segment's protocol are those tried here by other names. The settings take a key in the path.
        if matches!(operation, Operation::IngestBatch | Operation::IngestMessage(_) | Operation::IngestSettings) {
            continue;
        }
        let is_tried = ROUTES.iter().any(|(tried, path, ..)| *tried == method && is_of_pattern(path));
        assert!(is_tried, "{method} {pattern} is in route.rs, and no caller is tried on it");
    }
}

#[test]
fn every_route_answers_every_kind_of_caller_as_it_should() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let key = |with: Value| {
        let mut body = json!({"name": "n", "project": project.name});
        body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        shared().admin(201, "POST", "/v1/keys", &body).json()
    };
    let text = |made: &Value| made["key"].as_str().unwrap().to_owned();
    let revoked = key(json!({}));
    shared().admin(200, "DELETE", &format!("/v1/keys/{}", revoked["key_id"].as_str().unwrap()), &Value::Null);
    let expired = shared().expired_key(&project.name);
    let mut misspelt = project.key.clone();
    misspelt.replace_range(20..21, if &misspelt[20..21] == "x" { "y" } else { "x" });
    let bearer = |token: &str| Some(format!("Bearer {token}"));

    let missing = (401, "MISSING_AUTH");
    let invalid = (401, "INVALID_API_KEY");
    let dead = (401, "REVOKED_API_KEY");
    // What is sent, and how a route for users and one for the admin refuse it.
    let callers: [(&str, Option<String>, Refusal, Refusal); 14] = [
        ("nobody", None, Some(missing), Some(missing)),
        ("another scheme", Some(format!("Basic {}", project.key)), Some(missing), Some(missing)),
        ("a key without a scheme", Some(project.key.clone()), Some(missing), Some(missing)),
        ("no token", Some("Bearer ".into()), Some(invalid), Some(invalid)),
        ("a misspelt key", bearer(&misspelt), Some(invalid), Some(invalid)),
        ("an unknown key", bearer(&unknown_key()), Some(invalid), Some(invalid)),
        ("a revoked key", bearer(&text(&revoked)), Some(dead), Some(invalid)),
        ("an expired key", bearer(&expired), Some(dead), Some(invalid)),
        ("a key", bearer(&project.key), None, Some(invalid)),
        ("a key in lower case", bearer(&project.key.to_lowercase()), Some(invalid), Some(invalid)),
        ("the admin", bearer(ADMIN_TOKEN), Some(invalid), None),
        ("the admin, less a letter", bearer(&ADMIN_TOKEN[1..]), Some(invalid), Some(invalid)),
        ("the admin, and a letter", bearer(&format!("{ADMIN_TOKEN}x")), Some(invalid), Some(invalid)),
        ("the admin in upper case", bearer(&ADMIN_TOKEN.to_uppercase()), Some(invalid), Some(invalid)),
    ];
    for (method, path, whom, well) in ROUTES {
        let code = match path {
            _ if well < 400 => "",
            "/v1/keys/key_nobody" => "KEY_NOT_FOUND",
            "/v1/projects/access/move" => "MOVE_NOT_FOUND",
            "/v1/webhooks" => "PROJECT_NOT_FOUND",
            _ if path.starts_with("/v1/webhooks/") => "WEBHOOK_NOT_FOUND",
            _ => "USER_NOT_FOUND",
        };
        let well = (well, code);
        for (who, authorization, to_users, to_admin) in &callers {
            let expected = match whom {
                For::Anyone => well,
                For::AnyKey | For::Scope(_) => to_users.unwrap_or(well),
                For::Admin => to_admin.unwrap_or(well),
            };
            let (status, code) = send(method, path, authorization.as_deref());
            assert_eq!((status, code.as_str()), expected, "{method} {path} by {who}");
        }
        for scope in ["users:write", "users:read", "users:delete", "ingest"] {
            let scoped = text(&key(json!({"scopes": [scope]})));
            let (status, code) = send(method, path, bearer(&scoped).as_deref());
            let expected = match whom {
                For::Scope("ingest") if scope == "users:write" => well,
                For::Scope(needed) if needed != scope => (403, "INSUFFICIENT_PERMISSIONS"),
                For::Admin => invalid,
                _ => well,
            };
            assert_eq!((status, code.as_str()), expected, "{method} {path} with {scope}");
        }
    }
}

#[test]
fn an_unknown_query_parameter_is_refused_by_name_on_every_route_of_the_api() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    for (method, path, whom, well) in ROUTES {
        let token = if whom == For::Admin { ADMIN_TOKEN } else { &project.key };
        let bearer = format!("Bearer {token}");
        let asked = format!("{path}?dry_run=true");
        let answer = shared().send(method, &asked, &[("Authorization", &bearer)], body_of(method, path));
        if whom == For::Anyone {
            assert_eq!(answer.status, well, "{path}");
        } else {
            assert_eq!((answer.status, answer.code().as_str()), (400, "UNKNOWN_FIELD"), "{method} {path}");
            assert_eq!(answer.json()["message"], "Unknown query parameter: dry_run", "{method} {path}");
        }
    }
    project.get(200, "/v1/users/u");
}

#[test]
fn head_is_for_whom_get_is() {
    let project = project();
    shared().admin(200, "PUT", "/v1/projects/access", &json!({}));
    project.post(200, &json!({"user_id": "u"}));
    let (key, admin) = (format!("Bearer {}", project.key), format!("Bearer {ADMIN_TOKEN}"));
    for (_, path, whom, well) in ROUTES.iter().filter(|(method, ..)| *method == "GET") {
        for (authorization, is_theirs) in [
            (None, *whom == For::Anyone),
            (Some(&key), *whom != For::Admin),
            (Some(&admin), !matches!(whom, For::AnyKey | For::Scope(_))),
        ] {
            let headers = authorization.map(|value| ("Authorization", value.as_str()));
            let answer = shared().send("HEAD", path, headers.as_slice(), "");
            assert_eq!((answer.status, answer.text.as_str()), (if is_theirs { *well } else { 401 }, ""), "{path}");
        }
    }
}

#[test]
fn a_key_that_is_revoked_while_the_isolate_knows_it_is_dead_on_every_route() {
    for (method, path, ..) in ROUTES.iter().filter(|(_, _, whom, _)| matches!(whom, For::AnyKey | For::Scope(_))) {
        let project = project();
        project.post(200, &json!({"user_id": "u"}));
        project.revoke();
        let outcome = send(method, path, Some(&format!("Bearer {}", project.key)));
        assert_eq!(outcome, (401, "REVOKED_API_KEY".into()), "{method} {path}");
        let next = project.with_new_key();
        assert_eq!(next.listed(""), ["u"], "{method} {path}");
    }
}

#[test]
fn a_key_of_another_project_reaches_nothing() {
    let (ours, theirs) = (project(), project());
    ours.post(200, &json!({"user_id": "u", "email": "a@example.com", "properties": {"ours": true}}));
    let before = ours.get(200, "/v1/users/u");
    theirs.get(404, "/v1/users/u");
    assert_eq!(theirs.listed(""), [""; 0]);
    assert_eq!(theirs.listed("?email=a@example.com"), [""; 0]);
    assert_eq!(theirs.get(200, "/v1/changes").json()["changes"], json!([]));
    let cursor = ours.get(200, "/v1/changes").json()["pagination"]["next_cursor"].clone();
    assert_eq!(theirs.get(400, &format!("/v1/changes?cursor={}", cursor.as_str().unwrap())).places(), ["cursor"]);
    assert_eq!(theirs.delete(200, "/v1/users/u").json()["deleted"], false);
    let created = theirs.post(200, &json!({"user_id": "u", "properties": {"theirs": true}}));
    assert_eq!(created.header("x-user-created"), "true");
    theirs.batch(200, &json!([{"user_id": "u", "email": null}]));
    assert_eq!(theirs.user("u")["properties"], json!({"theirs": true}));
    theirs.delete(200, "/v1/users/u");
    let after = ours.get(200, "/v1/users/u");
    assert_eq!((after.text.as_str(), after.header("etag")), (before.text.as_str(), before.header("etag")));
}

#[test]
fn nothing_else_is_reachable() {
    for (_, path, _, _) in ROUTES {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if ROUTES.iter().any(|(m, p, _, _)| (*m, *p) == (method, path)) {
                continue;
            }
            let answer = shared().call(method, path, &[], "");
            assert_eq!((answer.status, answer.code().as_str()), (405, "METHOD_NOT_ALLOWED"), "{method} {path}");
            let allowed: Vec<&str> =
                answer.header("allow").split(", ").filter(|m| !["HEAD", "OPTIONS"].contains(m)).collect();
            let mut listed: Vec<&str> =
                ROUTES.iter().filter(|(_, p, _, _)| *p == path).map(|(m, _, _, _)| *m).collect();
            listed.sort_by_key(|method| ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().position(|m| m == method));
            assert_eq!(allowed, listed, "{path}");
        }
    }
    for path in [
        "/v1",
        "/v1/",
        "/v2/users",
        "/admin",
        "/keys",
        "/v1/projects/",
        "/v1/projects/p/limits",
        "/v1/limiter",
        "/index.html",
        "/index.js",
        "/public/index.html",
        "/build/index.js",
        "/wrangler.toml",
        "/.dev.vars",
        "/.git/config",
        "/metrics",
        "/users/u",
        "/users/batch",
        "/v1/users/u/properties",
        "/V1/users",
        "/v1/Users",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            for authorization in [None, Some(format!("Bearer {ADMIN_TOKEN}"))] {
                let (status, code) = send(method, path, authorization.as_deref());
                assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{method} {path}");
            }
        }
    }
}

/// Sends a key from an address. Answers also the remote calls that it cost.
fn send_from(key: &str, address: &str) -> (Answer, u64) {
    let bearer = format!("Bearer {key}");
    let answer = shared().call("GET", "/v1/users/u", &[("Authorization", &bearer), ("CF-Connecting-IP", address)], "");
    let hops = shared().log_line(answer.header("x-request-id"))["hops"].as_u64().unwrap();
    (answer, hops)
}

#[test]
fn a_flood_of_unknown_keys_is_refused_by_its_address() {
    type Address = fn(u32) -> String;
    let same = unknown_key();
    let cases: [(&str, Address, Option<&str>); 3] = [
        ("new keys", |_| "203.0.113.1".into(), None),
        // The window of the edge's own count ends with the minute, so that this one can meet two of them.
        ("one key", |_| "203.0.113.2".into(), Some(&same)),
        ("all over one IPv6 network", |n| format!("2001:db8:0:1::{n:x}"), None),
    ];
    for (case, address, key) in cases {
        let send = |n| send_from(&key.map_or_else(unknown_key, str::to_owned), &address(n));
        let is_admitted = |n: &u32| send(*n).0.status == 401;
        let admitted = (0..250).take_while(is_admitted).count();
        assert!((100..=if key.is_some() { 200 } else { 100 }).contains(&admitted), "{case}: {admitted}");
        for n in 0..10 {
            let (answer, hops) = send(n);
            let details = json!({"limit": 100, "window": "1 minute", "retry_after": 60});
            assert_eq!((answer.status, &answer.json()["details"]), (429, &details), "{case}");
            assert_eq!((answer.header("retry-after"), hops), ("60", 0), "{case}");
        }
    }
    // A key that is known here is none of that, from wherever it comes; and other addresses are not affected.
    let project = project();
    project.get(404, "/v1/users/u");
    assert_eq!(send_from(&project.key, "203.0.113.1").0.status, 404);
    for address in ["203.0.113.3", "2001:db8:0:2::1"] {
        assert_eq!(send_from(&unknown_key(), address).0.status, 401, "{address}");
    }
}

#[test]
fn a_live_key_that_no_isolate_knows_may_come_in_a_rush() {
    let project = project();
    let outcomes = std::thread::scope(|threads| {
        let call = || send_from(&project.key, "203.0.113.6").0.status;
        let calls: Vec<_> = (0..150).map(|_| threads.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(outcomes, [404; 150]);
}

#[test]
fn a_flood_at_once_is_looked_up_a_hundred_times_at_most() {
    let outcomes = std::thread::scope(|threads| {
        let work = || (0..10).map(|_| send_from(&unknown_key(), "203.0.113.5")).collect::<Vec<_>>();
        let clients: Vec<_> = (0..20).map(|_| threads.spawn(work)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    let looked_up: u64 = outcomes.iter().map(|(_, hops)| hops).sum();
    let refused = outcomes.iter().filter(|(answer, _)| answer.status == 429).count();
    assert!(looked_up <= 100 && refused >= 100, "{looked_up} looked up, {refused} refused");
}

#[test]
fn an_unknown_key_is_looked_up_once() {
    let key = unknown_key();
    assert_eq!([(); 3].map(|()| send_from(&key, "203.0.113.4").1), [1, 0, 0]);
}
