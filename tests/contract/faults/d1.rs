//! D1 fails, hangs, or answers what can't be.

use super::{Faulty, check_refusal, faulty, meet, warm};
use roster_harness::server::Server;
use roster_harness::{ADMIN_TOKEN, Answer, Client, Project, Transport};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The user with this id, and its revision, or null.
#[track_caller]
fn found(project: &Project<Server>, id: &str) -> (Value, String) {
    let bearer = format!("Bearer {}", project.key);
    let answer = project.server.call("GET", &format!("/v1/users/{id}"), &[("Authorization", &bearer)], "");
    (answer.json()["user"].clone(), answer.header("etag").into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Roster tries again by itself, and in the end leaves it to the client.
    Transient,
    /// Left to the client at once.
    Exhausted,
    /// To ask again does not help.
    Broken,
}

/// Source: Cloudflare, "Debug D1: Error list"; what the runtime says of an answer that is no JSON; and two errors that
/// SQLite has for statements that can't be run.
const ERRORS: [(&str, Kind); 14] = [
    ("D1 DB reset because its code was updated.", Kind::Transient),
    ("Internal error while starting up D1 DB storage caused object to be reset.", Kind::Transient),
    ("Network connection lost.", Kind::Transient),
    ("Internal error in D1 DB storage caused object to be reset.", Kind::Transient),
    ("Cannot resolve D1 DB due to transient issue on remote node.", Kind::Transient),
    ("Can't read from request stream because client disconnected.", Kind::Transient),
    ("Failed to parse body as JSON", Kind::Transient),
    ("D1 DB storage operation exceeded timeout which caused object to be reset.", Kind::Exhausted),
    ("D1 DB is overloaded. Requests queued for too long.", Kind::Exhausted),
    ("D1 DB is overloaded. Too many requests queued.", Kind::Exhausted),
    ("D1 DB's isolate exceeded its memory limit and was reset.", Kind::Exhausted),
    ("D1 DB exceeded its CPU time limit and was reset.", Kind::Exhausted),
    ("statement too long: SQLITE_TOOBIG", Kind::Broken),
    ("no such table: users: SQLITE_ERROR", Kind::Broken),
];

/// What is answered to an error that meets `times` tries, and how often D1 was asked.
fn expected(kind: Kind, times: u64) -> (u16, u64) {
    match kind {
        Kind::Transient if times < 3 => (200, times + 1),
        Kind::Transient => (503, 3),
        Kind::Exhausted => (503, 1),
        Kind::Broken => (500, 1),
    }
}

#[test]
fn an_upsert_that_meets_an_error_of_d1_is_stored_or_not_and_sent_again_converges() {
    for (error, kind) in ERRORS {
        let project = warm();
        for (how, times, is_new) in [("before", 1, true), ("before", 9, false), ("after", 2, true), ("after", 9, false)]
        {
            let case = format!("{error} {how} {times}");
            let id = format!("{how}-{times}");
            let body = json!({"user_id": id, "email": "a@example.com", "properties": {"new": 1, "old": null}});
            if !is_new {
                project.post(200, &json!({"user_id": id, "properties": {"old": 1, "kept": 1}}));
            }
            let before = found(&project, &id);
            let fault = json!({"on": "DB", "how": how, "times": times, "error": format!("D1_ERROR: {error}")});
            let answer = project.meet(&fault, "POST", "/v1/users", &body);
            assert_eq!((answer.status, project.store_hops(&answer)), expected(kind, times), "{case}");
            if answer.status != 200 {
                check_refusal(faulty(), &answer, error);
            }

            let properties = if is_new { json!({"new": 1}) } else { json!({"kept": 1, "new": 1}) };
            let after = found(&project, &id);
            if how == "before" && answer.status != 200 {
                assert_eq!(after, before, "{case}");
            } else {
                assert_eq!(
                    (&after.0["properties"], &after.0["email"]),
                    (&properties, &json!("a@example.com")),
                    "{case}"
                );
            }
            project.post(200, &body);
            let again = found(&project, &id);
            assert_eq!((&again.0["properties"], &again.0["email"]), (&properties, &json!("a@example.com")), "{case}");
            if after != before {
                assert_eq!(again, after, "{case}");
            }
        }
    }
}

#[test]
fn what_d1_answered_is_neither_logged_nor_judged_by() {
    let project = warm();
    for answer in ["{\"email\":\"log-7f3@example.com\"", "CHECK constraint failed: profile_bytes", "overloaded"] {
        let error = format!("D1_ERROR: Failed to parse body as JSON, got: {answer}");
        let fault = json!({"on": "DB", "how": "before", "times": 9, "error": error});
        let refusal = project.meet(&fault, "POST", "/v1/users", &json!({"user_id": "u"}));
        assert_eq!((refusal.status, project.store_hops(&refusal)), (503, 3));
        let line = faulty().log_line(refusal.header("x-request-id"));
        assert_eq!(line["cause"], "D1_ERROR: Failed to parse body as JSON");
    }
}

#[test]
fn a_user_whose_creation_went_unheard_is_answered_as_created() {
    let project = warm();
    let fault = json!({"on": "DB", "how": "after", "error": "D1_ERROR: Network connection lost."});
    let answer = project.meet(&fault, "POST", "/v1/users", &json!({"user_id": "u"}));
    assert_eq!((answer.status, answer.header("x-user-created")), (200, "true"));
    assert_eq!(answer.json()["user_id"], project.user("u")["user_id"]);
}

/// A request that can be sent again and again.
struct Sent {
    token: String,
    method: &'static str,
    path: String,
    body: Value,
}

impl Sent {
    fn upsert(token: &str, id: &str) -> Self {
        let body = json!({"user_id": id, "properties": {"k": 1}});
        Sent { token: token.into(), method: "POST", path: "/v1/users".into(), body }
    }

    #[track_caller]
    fn meet(&self, faults: &Value) -> Answer {
        meet(faulty(), faults, &self.token, self.method, &self.path, &self.body)
    }
}

/// All calls that ask D1, but for the upsert.
fn calls(project: &Project<Server>) -> Vec<Sent> {
    let new_key = json!({"name": "n", "project": project.name});
    let made = faulty().admin(201, "POST", "/v1/keys", &new_key).json();
    let users = json!({"users": [{"user_id": "b1", "properties": {"k": 1}}, {"user_id": "b2"}]});
    let revoked = format!("/v1/keys/{}", made["key_id"].as_str().unwrap());
    let calls = [
        (project.key.as_str(), "POST", "/v1/users/batch", users),
        (&project.key, "GET", "/v1/users/kept", Value::Null),
        (&project.key, "GET", "/v1/users?email=a@example.com", Value::Null),
        (&project.key, "DELETE", "/v1/users/gone", Value::Null),
        (ADMIN_TOKEN, "POST", "/v1/keys", new_key),
        (ADMIN_TOKEN, "GET", "/v1/keys", Value::Null),
        (ADMIN_TOKEN, "DELETE", &revoked, Value::Null),
        ("", "GET", "/health/ready", Value::Null),
    ];
    calls.map(|(token, method, path, body)| Sent { token: token.into(), method, path: path.into(), body }).into()
}

#[test]
fn every_call_that_meets_an_error_of_d1_says_so_and_does_its_work_when_sent_again() {
    for (error, kind) in [ERRORS[2], ERRORS[8], ERRORS[12]] {
        let project = warm();
        for (how, times) in [("before", 1), ("before", 9), ("after", 1), ("after", 9)] {
            for id in ["kept", "gone"] {
                project.post(200, &json!({"user_id": id, "email": "a@example.com"}));
            }
            for call in calls(&project) {
                let Sent { method, path, .. } = &call;
                let well = if (*method, path.as_str()) == ("POST", "/v1/keys") { 201 } else { 200 };
                let answer = call.meet(&json!([{"on": "DB", "how": how, "times": times, "error": error}]));
                let status = match expected(kind, times).0 {
                    200 => well,
                    // That the store is broken is what this one is asked to find out.
                    500 if path == "/health/ready" => 503,
                    status => status,
                };
                assert_eq!(answer.status, status, "{error} {how} {times} {method} {path}");
                if status >= 400 {
                    check_refusal(faulty(), &answer, error);
                    assert_eq!(call.meet(&json!([])).status, well, "{method} {path}");
                }
            }
            project.get(404, "/v1/users/gone");
            assert_eq!(project.user("b1")["properties"], json!({"k": 1}));
        }
    }
}

#[test]
fn a_batch_whose_answer_is_lost_is_stored_whole_or_not_at_all() {
    let project = warm();
    let users =
        |n: u32| json!({"users": [{"user_id": "a", "properties": {"n": n}}, {"user_id": "b", "properties": {"n": n}}]});
    project.batch(200, &users(0)["users"]);
    for (n, how) in [(1, "before"), (2, "after")] {
        let fault = json!({"on": "DB", "how": how, "error": ERRORS[8].0});
        assert_eq!(project.meet(&fault, "POST", "/v1/users/batch", &users(n)).status, 503);
        let stored = if how == "after" { n } else { 0 };
        for id in ["a", "b"] {
            assert_eq!(project.user(id)["properties"]["n"], stored);
        }
    }
}

#[test]
fn a_store_that_hangs_is_given_up_within_ten_seconds() {
    let project = warm();
    for id in ["kept", "gone"] {
        project.post(200, &json!({"user_id": id, "email": "a@example.com"}));
    }
    let hang = json!({"on": "DB", "how": "hang", "times": 9});
    let late = json!({"on": "DB", "how": "late", "times": 9});
    let second = json!({"on": "DB", "how": "hang", "skip": 1, "times": 9});
    let limiter = json!({"on": "LIMITER", "how": "hang", "times": 9});
    let [cold, cold_too] = [(); 2].map(|()| faulty().project().key);
    let mut cases: Vec<(Value, Sent)> = calls(&project).into_iter().map(|call| (json!([hang]), call)).collect();
    cases.extend([
        (json!([hang]), Sent::upsert(&project.key, "hang")),
        (json!([late]), Sent::upsert(&project.key, "late")),
        (json!([hang]), Sent::upsert(&cold, "cold")),
        (json!([second, limiter]), Sent::upsert(&cold_too, "all")),
    ]);
    std::thread::scope(|threads| {
        for (faults, call) in &cases {
            threads.spawn(move || {
                let begun = Instant::now();
                let answer = call.meet(faults);
                let took = begun.elapsed();
                let case = format!("{took:?} {} {} {faults}", call.method, call.path);
                assert_eq!(answer.status, 503, "{case}: {}", answer.text);
                assert!(took < Duration::from_secs(10), "{case}");
                check_refusal(faulty(), &answer, "no answer within 5s");
            });
        }
    });
    assert_eq!(project.user("late")["properties"], json!({"k": 1}));
    project.get(404, "/v1/users/hang");
    for (_, call) in cases {
        assert!(call.meet(&json!([])).status < 300, "{} {}", call.method, call.path);
    }
}

#[test]
fn rows_that_can_not_be_read_are_never_taken_for_an_answer() {
    let project = warm();
    let secret = "row-7f3@example.com";
    let user = |with: Value| {
        let mut row = json!({"id": "usr_1", "external_id": "u", "email": null, "phone": null, "properties": "{}",
            "origin": "{}", "created_at": 1, "updated_at": 1, "revision": 1});
        row.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        json!([row])
    };
    let upserted = [
        json!([{}]),
        json!([null]),
        json!(["x"]),
        json!([[]]),
        json!([{"id": 1, "created": 1}]),
        json!([{"id": "usr_1", "created": secret}]),
        json!([{"id": "usr_1"}]),
        json!([{"id": "usr_1", "created": 300}]),
    ];
    let found = [
        json!([{"id": secret}]),
        user(json!({"properties": "{"})),
        user(json!({"properties": secret})),
        user(json!({"origin": null})),
        user(json!({"updated_at": secret})),
        user(json!({"revision": null})),
        user(json!({"email": 7})),
    ];
    let batches = [
        json!([]),
        json!([[]]),
        json!([[{"id": "p"}], []]),
        json!([[{"id": "p"}], [], [{}]]),
        json!([[{"id": "p"}], [{"batch_index": 0}], [{}]]),
        json!([[{"id": "p"}], [{"batch_index": 9, "id": "usr_1"}], [{}]]),
        json!([[{"id": "p"}], [{"batch_index": -1, "id": "usr_1"}], [{}]]),
        json!([[{"id": "p"}], [{"batch_index": 0, "rejection": secret}], [{}]]),
    ];
    let one = json!({"user_id": "u"});
    let cases = upserted
        .into_iter()
        .map(|rows| ("POST", "/v1/users", one.clone(), rows))
        .chain(found.clone().into_iter().map(|rows| ("GET", "/v1/users/u", Value::Null, rows)))
        .chain(found.into_iter().map(|rows| ("GET", "/v1/users", Value::Null, rows)))
        .chain(batches.into_iter().map(|rows| ("POST", "/v1/users/batch", json!({"users": [one]}), rows)));
    for (method, path, body, rows) in cases {
        let answer = project.meet(&json!({"on": "DB", "how": "garbage", "with": rows}), method, path, &body);
        assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_ERROR"), "{method} {path} {rows}");
        assert!(!answer.text.contains(secret));
        let line = faulty().log_line(answer.header("x-request-id"));
        assert!(!line.to_string().contains(secret), "{line}");
    }

    let key = json!({"id": "key_1", "name": "n", "project": "No project", "prefix": "ros_0000", "scopes": "users:read", "created_at": 1});
    for rows in [json!([key]), json!([{}]), json!([secret])] {
        let fault = json!([{"on": "DB", "how": "garbage", "with": rows}]);
        let cold = faulty().key(&json!({"name": "cold"}));
        for (token, path) in [(cold.as_str(), "/v1/users"), (ADMIN_TOKEN, "/v1/keys")] {
            assert_eq!(meet(faulty(), &fault, token, "GET", path, &Value::Null).status, 500, "{path} {rows}");
        }
    }
    // An isolate must not go on with what it can't have learned.
    assert_eq!(project.post(200, &one).status, 200);
}

#[test]
fn a_key_that_d1_denies_and_confirms_in_one_breath_is_asked_again() {
    let project = warm();
    let answer =
        project.meet(&json!({"on": "DB", "how": "garbage", "with": []}), "POST", "/v1/users", &json!({"user_id": "u"}));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-user-created"], "true");
}
