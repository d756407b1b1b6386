//! An object of users breaks, hangs, is overloaded or of another version; a revocation fails half way.

use super::{Faulty, check_refusal, faulty, meet};
use roster::placement::Buckets;
use roster_harness::server::Server;
use roster_harness::{ADMIN_TOKEN, Answer, Client, Project, Transport};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

const BUCKETS: Buckets = Buckets::Four;
const RESET: &str = "Durable Object reset because its code was updated.";
const OVERLOADED: &str = "Durable Object is overloaded. Too many requests queued.";

/// A project whose users are in four objects, all of which are there, and whose key the isolate knows.
fn warm() -> Project<'static, Server> {
    let project = faulty().project_in(Some(BUCKETS.count()));
    project.get(200, "/v1/users");
    project
}

/// An id for each bucket, in turn.
fn ids() -> [String; 4] {
    [0, 1, 2, 3].map(|bucket| (0..99).map(|n| format!("u{n}")).find(|id| BUCKETS.bucket_of(id) == bucket).unwrap())
}

/// The user and its revision, or null.
#[track_caller]
fn found(project: &Project<Server>, id: &str) -> (Value, String) {
    let bearer = format!("Bearer {}", project.key);
    let answer = project.server.call("GET", &format!("/v1/users/{id}"), &[("Authorization", &bearer)], "");
    (answer.json()["user"].clone(), answer.header("etag").into())
}

fn fault(how: &str, times: u32, error: &str) -> Value {
    json!({"on": "USERS", "how": how, "times": times, "error": error})
}

#[test]
fn an_object_that_broke_is_asked_once_more_and_what_is_sent_again_converges() {
    let project = warm();
    for (how, times, error, expected) in [
        ("before", 1, RESET, (200, 2)),
        ("after", 1, RESET, (200, 2)),
        ("midway", 1, RESET, (200, 2)),
        ("before", 9, "Network connection lost.", (503, 2)),
        ("after", 9, "Network connection lost.", (503, 2)),
        // To ask at once would add to its load.
        ("before", 1, OVERLOADED, (503, 1)),
        ("after", 1, OVERLOADED, (503, 1)),
    ] {
        let case = format!("{how} {times} {error}");
        let id = format!("{how}-{times}-{}", error.len());
        let body = json!({"user_id": id, "properties": {"n": 1, "gone": null}});
        let answer = project.meet(&fault(how, times, error), "POST", "/v1/users", &body);
        assert_eq!((answer.status, project.store_hops(&answer)), expected, "{case}");
        if answer.status == 503 {
            check_refusal(faulty(), &answer, error);
        }
        let stored = found(&project, &id);
        assert_eq!(stored.0.is_null(), answer.status == 503 && how == "before", "{case}");
        project.post(200, &body);
        let again = found(&project, &id);
        assert_eq!(again.0["properties"], json!({"n": 1}), "{case}");
        if !stored.0.is_null() {
            assert_eq!(again, stored, "{case}: stored twice");
        }
    }
}

#[test]
fn reads_and_deletions_take_no_harm_from_an_object_that_broke() {
    let project = warm();
    for (how, times, status) in [("before", 1, 200), ("after", 1, 200), ("before", 9, 503), ("after", 9, 503)] {
        let fault = fault(how, times, RESET);
        project.post(200, &json!({"user_id": "u", "email": "a@b.c"}));
        for path in ["/v1/users/u", "/v1/users", "/v1/users?email=a%40b.c"] {
            let answer = project.meet(&fault, "GET", path, &Value::Null);
            assert_eq!(answer.status, status, "{how} {times} {path}");
        }
        let deleted = project.meet(&fault, "DELETE", "/v1/users/u", &Value::Null);
        assert_eq!(deleted.status, status, "{how} {times}");
        if status == 200 {
            // The answer of the try that took effect may be the one that was lost.
            assert_eq!(deleted.json()["deleted"], how == "before");
        }
        project.delete(200, "/v1/users/u");
        assert_eq!(project.listed("?email=a%40b.c"), [""; 0]);
    }
}

#[test]
fn an_object_that_hangs_is_waited_for_five_seconds() {
    let project = warm();
    std::thread::scope(|threads| {
        for how in ["hang", "late"] {
            let project = &project;
            threads.spawn(move || {
                let begun = Instant::now();
                let body = json!({"user_id": how});
                let answer = project.meet(&fault(how, 9, ""), "POST", "/v1/users", &body);
                assert_eq!(answer.status, 503, "{how}");
                check_refusal(faulty(), &answer, "no answer within 5s");
                assert!((5.0..10.0).contains(&begun.elapsed().as_secs_f32()), "{how}: {:?}", begun.elapsed());
                assert_eq!(found(project, how).0.is_null(), how == "hang");
                project.post(200, &body);
            });
        }
    });
}

#[test]
fn an_answer_that_can_not_be_is_a_500_and_what_another_version_does_not_know_a_503() {
    let project = warm();
    let key = project.key.clone();
    for garbage in [
        json!("{\"email\":\"log-7f3@example.com\""),
        json!("{}"),
        json!("\"Revoked\""),
        json!({"Upserted": {"Ok": {}}}).to_string().into(),
        json!({"Failed": "disk I/O error: SQLITE_IOERR"}).to_string().into(),
    ] {
        let fault = json!({"on": "USERS", "how": "garbage", "with": garbage});
        let answer = project.meet(&fault, "POST", "/v1/users", &json!({"user_id": "u"}));
        assert_eq!(answer.code(), "INTERNAL_ERROR", "{garbage}");
        let line = faulty().log_line(answer.header("x-request-id"));
        assert!(!line.to_string().contains("log-7f3"), "{line}");
    }
    for fault in [
        json!({"on": "USERS", "how": "old", "times": 9}),
        json!({"on": "USERS", "how": "garbage", "with": 7, "times": 9}),
    ] {
        let answer = meet(faulty(), &json!([fault]), &key, "POST", "/v1/users", &json!({"user_id": "u"}));
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{fault}");
    }
}

#[test]
fn a_batch_of_which_one_object_breaks_is_a_503_and_sent_again_it_is_stored_once() {
    for how in ["before", "after", "midway"] {
        let project = warm();
        let ids = ids();
        let users: Vec<Value> = ids.iter().map(|id| json!({"user_id": id, "properties": {"n": 1}})).collect();
        let body = json!({"users": users});
        // The last of four, and the one more try.
        let mut fault = fault(how, 2, RESET);
        fault["skip"] = json!(3);
        let answer = project.meet(&fault, "POST", "/v1/users/batch", &body);
        assert_eq!(answer.status, 503, "{how}");
        let stored: Vec<_> = ids.iter().map(|id| found(&project, id)).collect();
        assert!(stored.iter().filter(|(user, _)| !user.is_null()).count() >= 3, "{how}");
        assert_eq!(project.batch(200, &body["users"]).json()["processed_count"], 4);
        for (id, (user, revision)) in ids.iter().zip(stored) {
            let again = found(&project, id);
            assert_eq!(again.0["properties"], json!({"n": 1}), "{how}");
            assert!(user.is_null() || again == (user, revision), "{how}: stored twice");
        }
    }
}

#[track_caller]
fn revoke(project: &Project<Server>, fault: &Value) -> Answer {
    let keys = faulty().admin(200, "GET", &format!("/v1/keys?project={}", project.name), &Value::Null).json();
    let path = format!("/v1/keys/{}", keys["keys"][0]["key_id"].as_str().unwrap());
    meet(faulty(), &json!([fault]), ADMIN_TOKEN, "DELETE", &path, &Value::Null)
}

#[test]
fn a_revocation_that_fails_half_way_is_a_503_and_sent_again_it_holds_in_every_object() {
    for (how, error) in [("before", RESET), ("after", RESET), ("before", OVERLOADED), ("old", "")] {
        let project = warm();
        let mut fault = fault(how, 9, error);
        fault["skip"] = json!(2);
        let half = revoke(&project, &fault);
        assert_eq!((half.status, half.header("retry-after")), (503, "1"), "{how} {error}");
        // A batch meets an object that knows of it: all of it is refused.
        let users = json!({"users": ids().map(|id| json!({"user_id": id}))});
        assert_eq!(project.call("POST", 401, "/v1/users/batch", users.to_string()).code(), "REVOKED_API_KEY");

        assert_eq!(revoke(&project, &json!({"on": "USERS", "times": 0})).status, 200);
        assert_eq!(revoke(&project, &json!({"on": "USERS", "times": 0})).status, 200);
        for id in ids() {
            assert_eq!(project.post(401, &json!({"user_id": id})).code(), "REVOKED_API_KEY");
        }
        assert_eq!(project.get(401, "/v1/users").code(), "REVOKED_API_KEY");
    }
}

/// 32 writers against a revocation: what is sent after its answer is refused, and what was refused is not stored.
#[test]
fn no_write_succeeds_that_was_sent_after_the_answer_to_a_revocation() {
    let project = warm();
    let is_revoked = AtomicBool::new(false);
    let (answered, answers) = channel();
    let write = |writer: usize, answered: Sender<()>| {
        let mut stored = Vec::new();
        for n in 0.. {
            let id = format!("w{writer}-{n}");
            let sent_after = is_revoked.load(Ordering::SeqCst);
            let body = json!({"user_id": id, "email": "a@b.c"}).to_string();
            let bearer = format!("Bearer {}", project.key);
            let answer = faulty().call("POST", "/v1/users", &[("Authorization", &bearer)], body);
            match answer.status {
                200 if !sent_after => {
                    stored.push(id);
                    _ = answered.send(());
                }
                401 => return stored,
                status => panic!("{status}, sent after the revocation: {sent_after}"),
            }
        }
        stored
    };
    let mut stored: Vec<String> = std::thread::scope(|threads| {
        let write = &write;
        let writer = |writer| {
            let answered = answered.clone();
            threads.spawn(move || write(writer, answered))
        };
        let writers: Vec<_> = (0..32).map(writer).collect();
        assert_eq!(answers.iter().take(100).count(), 100);
        assert_eq!(revoke(&project, &json!({"on": "USERS", "times": 0})).status, 200);
        is_revoked.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    stored.sort();
    let project = project.with_new_key();
    for query in ["", "&email=a%40b.c"] {
        let mut listed = walk(&project, query);
        listed.sort();
        assert_eq!(listed, stored, "{query}");
    }
}

/// The ids of all pages.
fn walk(project: &Project<Server>, query: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = project.get(200, &format!("/v1/users?limit=70{query}{cursor}")).json();
        let users = page["users"].as_array().unwrap();
        ids.extend(users.iter().map(|user| user["external_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["pagination"]["next_cursor"].as_str() else { return ids };
        cursor = format!("&cursor={next}");
    }
}
