//! The rate limit.

use roster::time::Timestamp;
use roster_harness::{Client, Project, Transport, in_ms, project, shared};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Sends `n` upserts at once and counts the admitted ones.
pub fn flood<T: Transport + ?Sized>(project: &Project<T>, n: usize) -> usize {
    std::thread::scope(|threads| {
        let calls: Vec<_> = (0..n)
            .map(|i| {
                threads.spawn(move || {
                    let bearer = format!("Bearer {}", project.key);
                    let body = json!({"user_id": format!("u{i}")}).to_string();
                    project.server.call("POST", "/v1/users", &[("Authorization", &bearer)], body).status
                })
            })
            .collect();
        let statuses: Vec<u16> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
        statuses.iter().filter(|status| **status == 200).count()
    })
}

#[test]
fn of_sixty_at_once_a_limit_of_twenty_admits_exactly_twenty() {
    let project = project();
    project.limit(20, 3600);
    let (begun, mut admitted) = (Instant::now(), flood(&project, 60));
    // A lease whose answer was long under way gives back what ended unspent.
    while admitted < 20 && begun.elapsed() < Duration::from_secs(20) {
        admitted += flood(&project, 1);
    }
    assert_eq!((admitted, flood(&project, 10)), (20, 0));
}

#[test]
fn a_second_key_does_not_double_the_quota_and_another_project_has_its_own() {
    let (one, other) = (project(), project());
    one.limit(3, 60);
    let second = Project {
        server: one.server,
        name: one.name.clone(),
        key: one.server.key(&json!({"name": "2", "project": one.name})),
    };
    assert_eq!(flood(&one, 2) + flood(&second, 2), 3);
    assert_eq!(flood(&other, 4), 4);
}

#[test]
fn a_token_can_be_had_when_the_answer_said_and_not_before() {
    let project = project();
    project.limit(1, 2);
    let sent_at = Instant::now();
    project.post(200, &json!({"user_id": "u"}));
    let mut refused = 0;
    let retry_after = loop {
        let bearer = format!("Bearer {}", project.key);
        let answer = project.server.call("POST", "/v1/users", &[("Authorization", &bearer)], r#"{"user_id":"u"}"#);
        if answer.status == 200 {
            break sent_at.elapsed();
        }
        refused += 1;
        assert!((1..=3).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    };
    assert!(refused > 0 && retry_after.as_millis() >= 1990, "{retry_after:?}");
}

#[test]
fn a_raised_limit_takes_effect_within_a_lease_though_all_is_denied() {
    let project = project();
    project.limit(1, 86_400);
    project.post(200, &json!({"user_id": "u"}));
    project.post(429, &json!({"user_id": "u"}));
    project.limit(1000, 86_400);
    let raised_at = Instant::now();
    let bearer = format!("Bearer {}", project.key);
    while project.server.call("POST", "/v1/users", &[("Authorization", &bearer)], r#"{"user_id":"u"}"#).status != 200 {
        assert!(raised_at.elapsed().as_secs() < 5);
    }
}

/// What is booked of a project's limits.
#[track_caller]
fn usage(name: &str) -> Value {
    let answer = shared().admin(200, "GET", &format!("/v1/projects/{name}/usage"), &Value::Null).json();
    assert_eq!(answer["success"], true);
    answer["usage"].clone()
}

/// How many tokens a policy has booked. Its slots are in order, of the last window, and none is empty.
#[track_caller]
fn booked(usage: &Value, policy: &str) -> u64 {
    let slots = usage[policy]["slots"].as_array().unwrap();
    let at = |slot: &Value| slot["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let moments: Vec<Timestamp> = slots.iter().map(at).collect();
    assert!(moments.is_sorted() && slots.iter().all(|slot| slot["at"].as_str().unwrap().len() == 24), "{slots:?}");
    let window_ms = u128::from(usage[policy]["window_seconds"].as_u64().unwrap()) * 1000;
    let now_ms = u128::from(in_ms(0).as_ms());
    for moment in moments {
        // A slot began within the window, or a lease is to end in it; and a clock may be a little off.
        let at_ms = u128::from(moment.as_ms());
        assert!(at_ms + window_ms + 1000 > now_ms && at_ms < now_ms + 3000, "{moment}");
    }
    slots.iter().map(|slot| slot["booked"].as_u64().filter(|booked| *booked > 0).unwrap()).sum()
}

#[test]
fn usage_shows_what_each_policy_has_booked_and_looking_takes_nothing() {
    let project = project();
    let unused = usage(&project.name);
    assert_eq!(unused["users"], json!({"limit": 500, "window_seconds": 60, "slots": []}));
    assert_eq!(unused["batch"], json!({"limit": 100, "window_seconds": 60, "slots": []}));
    assert_eq!(unused["ingest"], json!({"limit": 600, "window_seconds": 60, "slots": []}));
    assert_eq!(unused["query"], json!({"limit": 60, "window_seconds": 60, "slots": []}));

    project.limit(20, 120);
    for n in 0..3 {
        project.post(200, &json!({"user_id": "u", "properties": {"n": n}}));
    }
    project.batch(200, &json!([{"user_id": "u"}]));
    let used = usage(&project.name);
    assert_eq!((&used["users"]["limit"], &used["users"]["window_seconds"]), (&json!(20), &json!(120)));
    // Leases that go unspent count too.
    assert!((3..=20).contains(&booked(&used, "users")), "{used}");
    assert!((1..=100).contains(&booked(&used, "batch")), "{used}");
    assert_eq!(used["ingest"]["slots"], json!([]));
    for _ in 0..30 {
        usage(&project.name);
    }
    assert!(flood(&project, 40) >= 1);
    while flood(&project, 1) > 0 {}
    assert!(booked(&usage(&project.name), "users") <= 20);
    let answer = project.call("POST", 429, "/v1/users", "{}");
    assert_eq!(answer.header("x-ratelimit-limit"), "20");
}

#[test]
fn usage_is_of_a_project_that_there_is() {
    let answer = shared().admin(404, "GET", "/v1/projects/of-nobody/usage", &Value::Null);
    assert_eq!(answer.code(), "PROJECT_NOT_FOUND");
    assert_eq!(shared().admin(400, "GET", "/v1/projects/No/usage", &Value::Null).places(), ["project"]);
}
