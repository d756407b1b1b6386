//! The rate limit.

use roster_harness::{Client, Project, Transport, project};
use serde_json::json;

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
    project.limit(20, 60);
    assert_eq!(flood(&project, 60), 20);
    assert_eq!(flood(&project, 10), 0);
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
    project.post(200, &json!({"user_id": "u"}));
    let admitted_at = std::time::Instant::now();
    let mut refused = 0;
    let retry_after = loop {
        let bearer = format!("Bearer {}", project.key);
        let answer = project.server.call("POST", "/v1/users", &[("Authorization", &bearer)], r#"{"user_id":"u"}"#);
        if answer.status == 200 {
            break admitted_at.elapsed();
        }
        refused += 1;
        assert!((1..=3).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    };
    // The first was admitted a little before its answer was here.
    assert!(refused > 0 && retry_after.as_millis() > 1900, "{retry_after:?}");
}

#[test]
fn a_raised_limit_takes_effect_within_a_lease_though_all_is_denied() {
    let project = project();
    project.limit(1, 3600);
    project.post(200, &json!({"user_id": "u"}));
    project.post(429, &json!({"user_id": "u"}));
    project.limit(1000, 3600);
    let raised_at = std::time::Instant::now();
    let bearer = format!("Bearer {}", project.key);
    while project.server.call("POST", "/v1/users", &[("Authorization", &bearer)], r#"{"user_id":"u"}"#).status != 200 {
        assert!(raised_at.elapsed().as_secs() < 5);
    }
}
