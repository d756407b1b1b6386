//! The limiter's object fails, hangs, is reset, or its answers are lost.

use super::{Faulty, faulty, meet, warm};
use roster_harness::server::Server;
use roster_harness::{ADMIN_TOKEN, Answer, Client, Project, Transport};
use serde_json::json;
use std::time::{Duration, Instant};

/// Who decided about a request, and how often the limiter was asked and waited for. The key is known.
#[track_caller]
fn decided(project: &Project<Server>, answer: &Answer) -> (String, u64) {
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
        // An object that broke is asked once more.
        assert!(asked <= 2 * (1 + begun.elapsed().as_secs()), "{fault}: asked {asked} times");
        if fault["how"] != "garbage" {
            let limit = json!({"rate_limits": {"users": {"limit": 9, "window_seconds": 60}}});
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
