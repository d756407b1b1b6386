//! What Roster answers, and what is stored, when D1, the limiter or its own module fail. `faulty.mjs` injects the faults.

use crate::client::{Answer, Project};
use crate::server::{ADMIN_TOKEN, Server, State};
use roster::key::ApiKey;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const ENTRY: &str = "tests/contract/faulty.mjs";

fn faulty() -> &'static Server {
    static FAULTY: LazyLock<Server> = LazyLock::new(|| {
        let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "100000/60"), ("BATCH_RATE_LIMIT", "100000/60")];
        Server::start_entry(ENTRY, &State::new(), &variables)
    });
    &FAULTY
}

/// A call that meets faults.
#[track_caller]
fn meet(server: &Server, faults: &Value, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [("Authorization", format!("Bearer {token}")), ("X-Fault", faults.to_string())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    server.call(method, path, &headers, body)
}

impl Project<'_> {
    #[track_caller]
    fn meet(&self, fault: &Value, method: &str, path: &str, body: &Value) -> Answer {
        meet(self.server, &json!([fault]), &self.key, method, path, body)
    }

    /// The user with this id, and its revision, or null.
    #[track_caller]
    fn found(&self, id: &str) -> (Value, String) {
        let bearer = format!("Bearer {}", self.key);
        let answer = self.server.call("GET", &format!("/v1/users/{id}"), &[("Authorization", &bearer)], "");
        (answer.json()["user"].clone(), answer.header("etag").into())
    }
}

fn warm() -> Project<'static> {
    warm_on(faulty())
}

/// A project whose key the isolate knows, so that the first call of D1 is the request's own.
fn warm_on(server: &Server) -> Project<'_> {
    let project = server.project();
    project.get(404, "/v1/users/nobody");
    project
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

#[track_caller]
fn check_refusal(server: &Server, answer: &Answer, cause: &str) {
    let code = if answer.status == 503 { "SERVICE_UNAVAILABLE" } else { "INTERNAL_ERROR" };
    assert_eq!(answer.code(), code);
    assert_eq!(answer.header("retry-after"), if answer.status == 503 { "1" } else { "" });
    assert!(!answer.text.contains(cause) && !answer.text.contains("D1"), "{}", answer.text);
    let line = server.log_line(answer.header("x-request-id"));
    assert!(line["cause"].as_str().unwrap().contains(cause), "{line}");
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
            let before = project.found(&id);
            let fault = json!({"on": "DB", "how": how, "times": times, "error": format!("D1_ERROR: {error}")});
            let answer = project.meet(&fault, "POST", "/v1/users", &body);
            assert_eq!((answer.status, project.store_hops(&answer)), expected(kind, times), "{case}");
            if answer.status != 200 {
                check_refusal(faulty(), &answer, error);
            }

            let properties = if is_new { json!({"new": 1}) } else { json!({"kept": 1, "new": 1}) };
            let after = project.found(&id);
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
            let again = project.found(&id);
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
fn a_user_created_in_a_try_that_went_unheard_is_told_as_created() {
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
fn calls(project: &Project) -> Vec<Sent> {
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
        json!([[], [{}]]),
        json!([[{"place": 0}], [{}]]),
        json!([[{"place": 9, "id": "usr_1"}], [{}]]),
        json!([[{"place": -1, "id": "usr_1"}], [{}]]),
        json!([[{"place": 0, "rejection": secret}], [{}]]),
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
fn a_key_that_d1_denies_and_confirms_in_one_breath_is_neither_served_nor_called_dead() {
    let project = warm();
    let answer =
        project.meet(&json!({"on": "DB", "how": "garbage", "with": []}), "POST", "/v1/users", &json!({"user_id": "u"}));
    assert_eq!(answer.status, 503);
    project.post(200, &json!({"user_id": "u"}));
}

/// Who decided about a request, and how often the limiter was asked and waited for. The key is known.
#[track_caller]
fn decided(project: &Project, answer: &Answer) -> (String, u64) {
    let line = project.server.log_line(answer.header("x-request-id"));
    (line["limiter"].as_str().unwrap().into(), line["hops"].as_u64().unwrap() - u64::from(answer.status == 200))
}

#[test]
fn an_isolate_that_can_not_reach_the_limiter_leaves_it_alone_and_counts_by_itself() {
    for fault in [
        json!({"how": "before", "error": "Durable Object is overloaded. Requests queued for too long."}),
        json!({"how": "before", "error": "internal error"}),
        json!({"how": "after", "error": "Network connection lost."}),
        json!({"how": "garbage", "with": "<html>"}),
        json!({"how": "garbage", "with": "{}"}),
        json!({"how": "hang"}),
    ] {
        let mut fault = fault;
        fault.as_object_mut().unwrap().extend([("on".into(), json!("LIMITER")), ("times".into(), json!(9))]);
        let project = warm();
        project.limit(5, 60);
        // The isolate hears of the limit.
        project.get(404, "/v1/users/nobody");
        let begun = Instant::now();
        let mut asked = 0;
        let statuses = [(); 8].map(|()| {
            let answer = project.meet(&fault, "POST", "/v1/users", &json!({"user_id": "u"}));
            let (by, waited) = decided(&project, &answer);
            assert_eq!(by, "fallback", "{fault}");
            asked += waited;
            answer.status
        });
        assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429], "{fault}");
        assert!(asked <= 1 + begun.elapsed().as_secs(), "{fault}: asked {asked} times");
        if fault["how"] != "garbage" {
            let limit = json!({"rate_limit": {"limit": 9, "window_seconds": 60}});
            let path = format!("/v1/projects/{}", project.name);
            assert_eq!(meet(faulty(), &json!([fault]), ADMIN_TOKEN, "PUT", &path, &limit).status, 503);
        }

        let back = loop {
            let answer =
                project.server.call("GET", "/v1/users/u", &[("Authorization", &format!("Bearer {}", project.key))], "");
            if decided(&project, &answer).0 != "fallback" {
                break answer;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{fault}: never asked again");
        };
        assert_eq!(back.status, 200);
    }
}

#[test]
fn a_limiter_that_broke_is_asked_once_more_and_one_that_is_overloaded_is_not() {
    let overloaded = "Durable Object is overloaded. Too many requests queued.";
    for (error, by) in [("Durable Object reset because its code was updated.", "object"), (overloaded, "fallback")] {
        for how in ["before", "after"] {
            let project = warm();
            project.limit(9, 60);
            let fault = json!({"on": "LIMITER", "how": how, "times": 1, "error": error});
            let answer = project.meet(&fault, "POST", "/v1/users", &json!({"user_id": "u"}));
            assert_eq!((answer.status, decided(&project, &answer).0.as_str()), (200, by), "{error} {how}");
        }
    }
}

#[test]
fn the_limit_holds_when_its_object_is_reset_or_its_answers_are_lost() {
    for fault in [
        json!({"on": "LIMITER", "how": "reset"}),
        json!({"on": "LIMITER", "how": "after", "error": "Network connection lost."}),
    ] {
        let project = warm();
        project.limit(20, 60);
        let statuses: Vec<u16> = (0..60)
            .map(|n| {
                let faults = if n % 3 == 0 { json!([fault]) } else { json!([]) };
                let answer = meet(faulty(), &faults, &project.key, "POST", "/v1/users", &json!({"user_id": "u"}));
                assert_ne!(decided(&project, &answer).0, "fallback", "{fault}");
                answer.status
            })
            .collect();
        let admitted = statuses.iter().filter(|status| **status == 200).count();
        // One was taken to warm up, and each lost answer wastes what was booked.
        assert!((10..20).contains(&admitted), "{fault}: {statuses:?}");
    }
}

/// Has eight upserts hang in D1, then sends one with the fault, and answers it with the others.
fn with_others_in_flight(project: &Project, fault: &Value, round: &str) -> (Answer, Vec<Answer>) {
    let hang = json!({"on": "DB", "how": "hang"});
    let hanging = || project.server.printed().matches("a call hangs").count();
    let hung_before = hanging();
    let begun = Instant::now();
    std::thread::scope(|threads| {
        let others: Vec<_> = (0..8)
            .map(|n| {
                let (id, hang) = (format!("{round}-{n}"), &hang);
                threads.spawn(move || project.meet(hang, "POST", "/v1/users", &json!({"user_id": id})))
            })
            .collect();
        while hanging() < hung_before + others.len() {
            assert!(begun.elapsed() < Duration::from_secs(5), "they are not in flight");
            std::thread::sleep(Duration::from_millis(10));
        }
        let answer = project.meet(fault, "POST", "/v1/users", &json!({"user_id": round}));
        (answer, others.into_iter().map(|other| other.join().unwrap()).collect())
    })
}

#[test]
fn a_panic_ends_its_request_with_a_500_the_others_in_flight_with_a_503_and_nothing_else() {
    // A server of its own: no other test's request is to be in flight.
    let server = Server::start_entry(ENTRY, &State::new(), &[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let project = warm_on(&server);
    project.limit(240, 60);
    let mut taken = 1;
    for (round, fault, status, cause) in [
        // The first random number is that of the request's id, the second that of the user.
        ("user", json!({"on": "RANDOM", "skip": 1}), 500, "panicked at"),
        ("id", json!({"on": "RANDOM", "skip": 0}), 500, "panicked at"),
        ("trap", json!({"on": "TRAP"}), 503, "another request of this isolate panicked"),
    ] {
        project.get(404, "/v1/users/nobody");
        let (answer, others) = with_others_in_flight(&project, &fault, round);
        assert_eq!(answer.status, status, "{round}");
        check_refusal(&server, &answer, cause);
        for other in others {
            assert_eq!(other.status, 503, "{round}");
            check_refusal(&server, &other, "another request of this isolate panicked");
        }
        for n in 0..8 {
            let id = format!("{round}-{n}");
            project.get(404, &format!("/v1/users/{id}"));
            project.post(200, &json!({"user_id": id}));
        }
        // To warm up, eight that hung, and sixteen to look after them. Of the ninth it depends how far it came.
        taken += 1 + 8 + 16;
    }
    let bearer = format!("Bearer {}", project.key);
    let again = || server.call("GET", "/v1/users/id-0", &[("Authorization", &bearer)], "").status;
    let admitted = (0..240).filter(|_| again() == 200).count();
    // More of them are gone with the leases that the module held.
    assert!((1..=240 - taken).contains(&admitted), "{admitted}");
}

#[test]
fn whom_the_edge_counted_too_often_is_not_looked_up_again() {
    let address = "203.0.113.9";
    let stranger = |fault: &Value| {
        let key = ApiKey::generate(|bytes| bytes.fill_with(|| fastrand::u8(..)));
        let headers = [
            ("Authorization", format!("Bearer {}", key.reveal())),
            ("CF-Connecting-IP", address.into()),
            ("X-Fault", fault.to_string()),
        ];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = faulty().call("GET", "/v1/users", &headers, "");
        (answer.status, faulty().log_line(answer.header("x-request-id"))["hops"].as_u64())
    };
    assert_eq!(stranger(&json!([])), (401, Some(1)));
    let refused = json!([{"on": "STRANGERS", "how": "garbage", "with": {"success": false}}]);
    assert_eq!(stranger(&refused), (429, Some(1)));
    assert_eq!(stranger(&json!([])), (429, Some(0)));
}

#[test]
fn what_is_beside_the_point_may_fail() {
    let key = "Bearer ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYj";
    for how in ["before", "after", "hang", "garbage"] {
        let fault =
            json!([{"on": "STRANGERS", "how": how, "times": 9, "error": "internal error", "with": "x"}]).to_string();
        let answer = faulty().call("GET", "/v1/users", &[("Authorization", key), ("X-Fault", &fault)], "");
        assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_API_KEY"), "{how}");
        let fault =
            json!([{"on": "ASSETS", "how": how, "times": 9, "error": "internal error", "with": "x"}]).to_string();
        let answer = faulty().send("GET", "/openapi.yaml", &[("X-Fault", &fault)], "");
        assert_eq!(answer.status, if how == "garbage" { 200 } else { 500 }, "{how}");
    }
}
