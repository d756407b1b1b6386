//! A walk through users while others write.

use roster_harness::server::{Server, shared};
use roster_harness::{Client, Project};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const WRITERS: usize = 32;
/// Users whom nobody changes.
const QUIET: usize = 400;
const WALKS: usize = 4;

/// Writes users of its own, some of whom match too and some of whom go, until it is over.
fn write(project: &Project<Server>, writer: usize, is_over: &AtomicBool, written: &AtomicUsize) {
    for n in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("w{writer}-{}", n % 9);
        if n % 5 == 4 {
            project.call("DELETE", 200, &format!("/v1/users/{id}"), "");
        } else {
            let is = ["quiet", "loud"][n % 2];
            project.post(200, &json!({"user_id": id, "properties": {"is": is, "n": n}}));
        }
        written.fetch_add(1, Ordering::Relaxed);
    }
}

/// The ids of the quiet users that a walk meets, in order.
fn quiet_users_met(project: &Project<Server>) -> Vec<String> {
    let (mut met, mut body) = (Vec::new(), json!({"where": {"field": "properties.is", "eq": "quiet"}, "limit": 30}));
    loop {
        let answer = project.call("POST", 200, "/v1/users/query", body.to_string()).json();
        let ids = answer["users"].as_array().unwrap().iter().map(|user| user["external_id"].as_str().unwrap());
        met.extend(ids.filter(|id| id.starts_with('q')).map(str::to_owned));
        body["cursor"] = answer["pagination"]["next_cursor"].clone();
        if body["cursor"].is_null() {
            met.sort_unstable();
            return met;
        }
    }
}

#[test]
fn a_walk_under_32_writers_meets_whoever_matches_throughout_once() {
    for buckets in [None, Some(4)] {
        let project = shared().project_in(buckets);
        let limit = json!({"limit": 1_000_000, "window_seconds": 60});
        let limits = json!({"rate_limits": {"users": limit, "query": limit}});
        shared().admin(200, "PUT", &format!("/v1/projects/{}", project.name), &limits);
        let ids: Vec<String> = (0..QUIET).map(|n| format!("q{n:03}")).collect();
        let users: Vec<Value> = ids.iter().map(|id| json!({"user_id": id, "properties": {"is": "quiet"}})).collect();
        project.batch(200, &users.into());
        let (is_over, written) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|threads| {
            for writer in 0..WRITERS {
                let (project, is_over, written) = (&project, &is_over, &written);
                threads.spawn(move || write(project, writer, is_over, written));
            }
            // A failure must end the writers as well.
            let walks = std::panic::catch_unwind(|| (0..WALKS).map(|_| quiet_users_met(&project)).collect::<Vec<_>>());
            is_over.store(true, Ordering::Relaxed);
            for met in walks.unwrap() {
                assert_eq!(met, ids);
            }
        });
        assert!(written.into_inner() > WRITERS, "nobody wrote");
        let counted =
            project.call("POST", 200, "/v1/users/count", r#"{"where":{"field":"properties.n","exists":false}}"#);
        assert_eq!(counted.json()["count"], QUIET);
    }
}
