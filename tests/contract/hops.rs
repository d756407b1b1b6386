//! Promise 2: a warm upsert waits for one remote call. Every call of the limiter, of D1 and of objects takes [`LONGER`]
//! here.

use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Transport};
use serde_json::json;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How much longer each remote call takes. Two of them, one after the other, take twice as long on any machine, so
/// whatever takes less has waited for one: what the machine itself adds may be as much as this.
const LONGER: Duration = Duration::from_millis(500);

/// How often a machine that is slow for a moment may try.
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

#[track_caller]
fn timed(call: impl FnOnce() -> Answer) -> (Duration, Answer) {
    let begun = Instant::now();
    let answer = call();
    (begun.elapsed(), answer)
}

/// The median time of `n` calls, `at_once` of them at a time.
fn median(n: usize, at_once: usize, call: impl Fn(String) -> Answer + Sync) -> Duration {
    let work = |worker: usize| -> Vec<Duration> {
        (0..n / at_once).map(|i| timed(|| call(format!("{worker}-{i}"))).0).collect()
    };
    let work = &work;
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
    for (buckets, at_once) in [(None, 1), (None, 8), (Some(4), 1), (Some(4), 8)] {
        let project = server.project_in(buckets);
        let upsert = |id: String| project.post(200, &json!({"user_id": id}));
        // Key and lease are asked for.
        median(3 * at_once, at_once, upsert);
        let mut times = (0..TRIES).map(|_| median(5 * at_once, at_once, upsert));
        let waits_for_one = times.find(|time| {
            println!("{LONGER:?} longer a call, {at_once} at once, in {buckets:?} buckets: {time:?}");
            *time < 2 * LONGER
        });
        assert!(waits_for_one.expect("no upsert waits for a second call") >= LONGER);

        let line = server.log_line(upsert("last".into()).header("x-request-id"));
        assert_eq!((&line["hops"], &line["limiter"]), (&json!(1), &json!("lease")));
        let read = project.get(200, "/v1/users/last");
        assert_eq!(project.store_hops(&read), 1);
    }
}

#[test]
fn a_refusal_waits_for_none() {
    let server = slow();
    let project = server.project();
    project.limit(1, 60);
    project.post(200, &json!({"user_id": "u"}));
    let refusals: Vec<_> = (0..20).map(|_| timed(|| project.post(429, &json!({"user_id": "u"})))).collect();
    // The object is asked once more every 1.25 s, which 20 refusals may take on a slow machine.
    let waited_for_none = refusals.iter().filter(|(time, answer)| {
        let line = server.log_line(answer.header("x-request-id"));
        *time < LONGER && (&line["hops"], &line["limiter"]) == (&json!(0), &json!("denial"))
    });
    assert!(waited_for_none.count() > refusals.len() / 2, "{refusals:?}");
    let (rest, last) = project.key.split_at(41);
    let bearer = format!("Bearer {rest}{}", if last == "0" { "1" } else { "0" });
    let answer = server.call("POST", "/v1/users", &[("Authorization", &bearer)], "{}");
    assert_eq!(answer.code(), "INVALID_API_KEY");
    assert_eq!(server.log_line(answer.header("x-request-id"))["hops"], 0);
}
