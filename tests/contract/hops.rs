//! Promise 2: a warm upsert waits for one remote call. Every call of the limiter, of D1 and of objects takes [`LONGER`]
//! here.

use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Transport};
use serde_json::json;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How much longer each remote call takes. On any machine, two of them, one after the other, take twice as long. So a
/// request that takes less has waited for one, and the machine itself may add as much as this.
const LONGER: Duration = Duration::from_millis(500);

/// How many rounds of calls are measured at most, until one shows it: a machine may be slow for a moment.
const TRIES: usize = 10;

fn slow() -> &'static Server {
    static SLOW: LazyLock<Server> = LazyLock::new(|| {
        let faults = ["DB", "LIMITER", "USERS"]
            .map(|on| json!({"on": on, "how": "slow", "ms": LONGER.subsec_millis(), "times": 1_000_000}));
        let faults = json!(faults).to_string();
        let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "100000/60"), ("FAULTS", &faults)];
        Server::start_entry("tests/doubles/faulty.mjs", &State::new(), &variables)
    });
    &SLOW
}

/// The answers to `5 * at_once` calls, `at_once` of them at a time, and how long each took.
fn timed(at_once: usize, call: impl Fn(String) -> Answer + Sync) -> Vec<(Duration, Answer)> {
    let one = |name| {
        let begun = Instant::now();
        let answer = call(name);
        (begun.elapsed(), answer)
    };
    let work = |worker: usize| -> Vec<_> { (0..5).map(|i| one(format!("{worker}-{i}"))).collect() };
    let work = &work;
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..at_once).map(|worker| threads.spawn(move || work(worker))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// Whether most of the calls waited for `hops` remote calls, by their times and by the log, which also has `limiter`. Not
/// all of them must: a lease or a denial ends after 1.25 s, which a slow machine may take for a few calls.
fn most_waited_for(hops: u32, limiter: &str, calls: &[(Duration, Answer)]) -> bool {
    let waited = calls.iter().filter(|(time, answer)| {
        let line = slow().log_line(answer.header("x-request-id"));
        *time < (hops + 1) * LONGER && (&line["hops"], &line["limiter"]) == (&json!(hops), &json!(limiter))
    });
    let waited = waited.count();
    println!("{waited} of {}, in {:?}", calls.len(), calls.iter().map(|(time, _)| time).collect::<Vec<_>>());
    waited > calls.len() / 2
}

fn a_warm_upsert_waits_for_one(buckets: Option<u8>) {
    for at_once in [1, 4] {
        let project = slow().project_in(buckets);
        let upsert = |id| project.post(200, &json!({"user_id": id}));
        // The first calls ask for the key and for a lease.
        timed(at_once, upsert);
        let waits_for_one = (0..TRIES).any(|_| {
            let calls = timed(at_once, upsert);
            assert!(calls.iter().all(|(time, _)| *time >= LONGER), "the storage is asked, which takes longer");
            most_waited_for(1, "lease", &calls)
        });
        assert!(waits_for_one, "{at_once} at once");
        let read = project.get(200, "/v1/users/0-0");
        assert_eq!(project.store_hops(&read), 1);
    }
}

#[test]
fn a_warm_upsert_waits_for_one_remote_call_in_d1() {
    a_warm_upsert_waits_for_one(None);
}

#[test]
fn a_warm_upsert_waits_for_one_remote_call_in_objects() {
    a_warm_upsert_waits_for_one(Some(4));
}

#[test]
fn a_refusal_waits_for_none() {
    let server = slow();
    let project = server.project();
    project.limit(1, 60);
    project.post(200, &json!({"user_id": "u"}));
    let refusal = |id| project.post(429, &json!({"user_id": id}));
    assert!((0..TRIES).any(|_| most_waited_for(0, "denial", &timed(1, refusal))));

    let (rest, last) = project.key.split_at(41);
    let bearer = format!("Bearer {rest}{}", if last == "0" { "1" } else { "0" });
    let answer = server.call("POST", "/v1/users", &[("Authorization", &bearer)], "{}");
    assert_eq!(answer.code(), "INVALID_API_KEY");
    assert_eq!(server.log_line(answer.header("x-request-id"))["hops"], 0);
}
