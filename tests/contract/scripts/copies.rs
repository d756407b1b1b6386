//! Copies, for who reads with `max-age`.

use roster_harness::{Answer, Client, Project, Transport, shared};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Reads the user `u` with these headers.
#[track_caller]
fn read(project: &Project<'_, dyn Transport>, headers: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {}", project.key);
    let headers = [&[("Authorization", bearer.as_str())], headers].concat();
    project.server.call("GET", "/v1/users/u", &headers, "")
}

const COPY: (&str, &str) = ("Cache-Control", "max-age=60");

/// What a copy answers. KV has a tenth of a second for it, else the truth answers: it is asked again then.
#[track_caller]
fn read_copy(project: &Project<'_, dyn Transport>, headers: &[(&str, &str)]) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = read(project, headers);
        if !answer.header("age").is_empty() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "no copy answers");
    }
}

/// A project whose user `u`, with `n` 1, has a copy, and what that copy answers: it is written behind an answer.
#[track_caller]
fn with_copy() -> (Project<'static, dyn Transport>, Answer) {
    let project = shared().project();
    project.post(200, &json!({"user_id": "u", "properties": {"n": 1}}));
    let copy = read_copy(&project, &[COPY]);
    assert_eq!(copy.status, 200);
    (project, copy)
}

fn n(answer: &Answer) -> Value {
    answer.json()["user"]["properties"]["n"].clone()
}

#[test]
fn a_copy_answers_whom_it_is_new_enough_for_and_the_truth_all_others() {
    let (project, copy) = with_copy();
    let truth = project.get(200, "/v1/users/u");
    assert_eq!((copy.text.as_str(), copy.header("etag")), (truth.text.as_str(), truth.header("etag")));
    assert_eq!((truth.header("age"), copy.header("cache-control")), ("", "no-store"));

    project.post(200, &json!({"user_id": "u", "properties": {"n": 2}}));
    let old = read_copy(&project, &[COPY]);
    assert_eq!((n(&old), old.header("etag")), (json!(1), copy.header("etag")));
    assert!(old.header("age").parse::<u64>().unwrap() <= 60, "{}", old.header("age"));
    assert_eq!(project.store_hops(&old), 1);
    for more in ["max-age=3600", "MAX-AGE=99999999999999999999"] {
        assert_eq!(n(&read_copy(&project, &[("Cache-Control", more)])), 1, "{more}");
    }
    for truth in ["max-age=59", "no-cache", "max-age=60, no-cache", "max-age=60, max-age=60", "max-age=x", ""] {
        let answer = read(&project, &[("Cache-Control", truth)]);
        assert_eq!((n(&answer), answer.header("age")), (json!(2), ""), "{truth}");
    }
    let two = read(&project, &[COPY, COPY]);
    assert_eq!((n(&two), two.header("age")), (json!(2), ""));
}

#[test]
fn a_copy_never_takes_a_caller_back_behind_the_revision_that_it_knows() {
    let (project, copy) = with_copy();
    project.post(200, &json!({"user_id": "u", "properties": {"n": 2}}));
    let known = read_copy(&project, &[COPY, ("If-None-Match", copy.header("etag"))]);
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    let weak = read_copy(&project, &[COPY, ("If-None-Match", &format!("W/{}", copy.header("etag")))]);
    assert_eq!(weak.status, 304);
    let truth = project.get(200, "/v1/users/u");
    let newest = read(&project, &[COPY, ("If-None-Match", truth.header("etag"))]);
    assert_eq!((newest.status, newest.header("age"), newest.header("etag")), (304, "", truth.header("etag")));
    let weak = read(&project, &[COPY, ("If-None-Match", &format!("W/{}", truth.header("etag")))]);
    assert_eq!((weak.status, weak.header("age"), weak.header("etag")), (304, "", truth.header("etag")));
}

#[test]
fn a_user_that_is_deleted_has_no_copy_and_one_that_is_not_there_is_not_remembered() {
    let (project, _) = with_copy();
    project.delete(200, "/v1/users/u");
    assert_eq!(read(&project, &[COPY]).code(), "USER_NOT_FOUND");
    project.post(200, &json!({"user_id": "u", "properties": {"n": 3}}));
    let again = read(&project, &[COPY]);
    assert_eq!((n(&again), again.header("age")), (json!(3), ""));
}

#[test]
fn the_isolate_that_revoked_a_key_shows_it_no_copy() {
    let (project, _) = with_copy();
    project.revoke();
    assert_eq!(read(&project, &[COPY]).code(), "REVOKED_API_KEY");
}

#[test]
fn a_copy_is_for_those_alone_who_may_read_the_user() {
    let (project, _) = with_copy();
    let other = shared().project();
    assert_eq!(read(&other, &[COPY]).status, 404);
    let write = json!({"name": "writes", "project": project.name, "scopes": ["users:write"]});
    let bearer = format!("Bearer {}", shared().key(&write));
    let refused = shared().call("GET", "/v1/users/u", &[("Authorization", &bearer), COPY], "");
    assert_eq!(refused.code(), "INSUFFICIENT_PERMISSIONS");
}

/// Copies are kept everywhere: what has to stay under one law has none.
#[test]
fn a_project_with_a_jurisdiction_has_no_copies() {
    let storage = json!({"storage": {"kind": "objects", "jurisdiction": "eu"}});
    shared().admin(200, "PUT", "/v1/projects/lawful", &storage);
    let key = shared().key(&json!({"name": "first", "project": "lawful"}));
    let project = Project { server: shared(), name: "lawful".into(), key };
    project.post(200, &json!({"user_id": "u"}));
    for _ in 0..10 {
        let answer = read(&project, &[COPY]);
        assert_eq!((answer.status, answer.header("age")), (200, ""));
        assert_eq!(project.store_hops(&answer), 1);
    }
}
