//! Promise 2: a warm upsert waits for one remote call. Every call of the limiter and of D1 takes 100 ms longer here.

use crate::client::{Answer, Project};
use crate::server::{ADMIN_TOKEN, Server, State};
use serde_json::json;
use std::time::{Duration, Instant};

fn slow() -> Server {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "100000/60")];
    Server::start_entry("tests/contract/slow.mjs", &State::new(), &variables)
}

#[track_caller]
fn timed(call: impl FnOnce() -> Answer) -> (Duration, Answer) {
    let begun = Instant::now();
    let answer = call();
    (begun.elapsed(), answer)
}

/// The median of `n` upserts, `at_once` of them at a time.
fn median(project: &Project, n: usize, at_once: usize) -> Duration {
    let work = &|worker: usize| {
        let upsert = |i: usize| timed(|| project.post(200, &json!({"user_id": format!("{worker}-{i}")}))).0;
        (0..n / at_once).map(upsert).collect::<Vec<_>>()
    };
    let mut times: Vec<Duration> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..at_once).map(|worker| threads.spawn(move || work(worker))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn a_warm_upsert_waits_for_one_remote_call() {
    let server = slow();
    for at_once in [1, 16] {
        let project = server.project();
        let median = median(&project, 208, at_once);
        println!("median of 208 upserts, {at_once} at once, each remote call 100 ms: {median:?}");
        assert!(median >= Duration::from_millis(100) && median <= Duration::from_millis(115), "{at_once}: {median:?}");
    }
}

#[test]
fn a_refusal_waits_for_none() {
    let server = slow();
    let project = server.project();
    project.limit(1, 60);
    project.post(200, &json!({"user_id": "u"}));
    let answers = (0..20).map(|_| timed(|| project.post(429, &json!({"user_id": "u"}))));
    for (time, answer) in answers.skip(1) {
        assert!(time < Duration::from_millis(90), "{time:?}");
        let line = server.log_line(answer.header("x-request-id"));
        assert_eq!((&line["hops"], &line["limiter"]), (&json!(0), &json!("denial")));
    }
    let bearer = format!("Bearer {}0", &project.key[..41]);
    let (time, answer) = timed(|| server.call("POST", "/v1/users", &[("Authorization", &bearer)], "{}"));
    assert_eq!(answer.code(), "INVALID_API_KEY");
    assert!(time < Duration::from_millis(90), "{time:?}");
    assert_eq!(server.log_line(answer.header("x-request-id"))["hops"], 0);
}
