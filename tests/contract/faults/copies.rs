//! KV fails: the truth answers, and no deletion fails for it.

use super::{Faulty, faulty, warm};
use roster_harness::{Answer, Client, Project, Transport};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Reads the user `u` with `max-age=60`, and a fault.
#[track_caller]
fn read(project: &Project<'_, impl Client>, fault: &Value) -> Answer {
    let bearer = format!("Bearer {}", project.key);
    let fault = json!([fault]).to_string();
    let headers = [("Authorization", bearer.as_str()), ("Cache-Control", "max-age=60"), ("X-Fault", &fault)];
    project.server.call("GET", "/v1/users/u", &headers, "")
}

fn none() -> Value {
    json!({"on": "COPIES", "times": 0})
}

/// Waits until a copy answers: it is written behind an answer, and KV has a tenth of a second for each read.
#[track_caller]
fn wait_for_copy(project: &Project<'_, impl Client>) {
    let begun = Instant::now();
    while read(project, &none()).header("age").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "no copy answers");
    }
}

#[test]
fn the_truth_answers_where_a_copy_can_not_be_had() {
    let project = warm();
    project.post(200, &json!({"user_id": "u"}));
    wait_for_copy(&project);
    let body = r#"{"success":true,"user":{}}"#;
    for mut fault in [
        json!({"how": "before", "error": "KV GET failed: 429 Too Many Requests"}),
        json!({"how": "after", "error": "internal error"}),
        json!({"how": "hang"}),
        json!({"how": "garbage", "with": null}),
        json!({"how": "garbage", "with": {"value": null, "metadata": null}}),
        json!({"how": "garbage", "with": {"value": body, "metadata": {"revision": 1}}}),
        json!({"how": "garbage", "with": {"value": body, "metadata": {"revision": "1", "read_at": "x"}}}),
        // Older than a minute, and from a clock that is ahead.
        json!({"how": "garbage", "with": {"value": body, "metadata": {"revision": 1, "read_at": 1}}}),
        json!({"how": "garbage", "with": {"value": body, "metadata": {"revision": 1, "read_at": 9e12}}}),
    ] {
        fault["on"] = json!("COPIES");
        let begun = Instant::now();
        let answer = read(&project, &fault);
        assert_eq!((answer.status, answer.header("age")), (200, ""), "{fault}");
        assert_eq!(answer.json()["user"]["external_id"], "u", "{fault}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{fault}: {:?}", begun.elapsed());
        let hops = faulty().log_line(answer.header("x-request-id"))["hops"].clone();
        assert_eq!(hops, 2, "{fault}");
    }
}

#[test]
fn a_copy_that_can_not_be_written_is_not_waited_for() {
    for how in ["before", "after", "hang", "late"] {
        let project = warm();
        project.post(200, &json!({"user_id": "u"}));
        let begun = Instant::now();
        // The read goes well.
        let answer = read(&project, &json!({"on": "COPIES", "how": how, "skip": 1, "error": "429"}));
        assert_eq!(answer.status, 200, "{how}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{how}: {:?}", begun.elapsed());
    }
}

/// What is left ends by its age: whoever read with `max-age=N` may meet it for N seconds.
#[test]
fn a_deletion_stands_where_the_copy_can_not_be_removed() {
    // KV refuses a second write within a second: one more try, a second later.
    for (how, times, copy_stays) in
        [("before", 1, false), ("before", 2, true), ("after", 2, false), ("hang", 1, true), ("late", 1, false)]
    {
        let project = warm();
        project.post(200, &json!({"user_id": "u"}));
        wait_for_copy(&project);
        let error = "KV DELETE failed: 429 Too Many Requests";
        let fault = json!({"on": "COPIES", "how": how, "times": times, "error": error});
        let answer = project.meet(&fault, "DELETE", "/v1/users/u", &Value::Null);
        assert_eq!((answer.status, &answer.json()["deleted"]), (200, &json!(true)), "{how} {times}");
        project.get(404, "/v1/users/u");
        if copy_stays {
            wait_for_copy(&project);
        } else {
            assert_eq!(read(&project, &none()).status, 404, "{how} {times}");
        }
    }
    let causes = ["KV DELETE failed: 429", "removal of a copy: no answer in time"];
    for cause in causes {
        assert!(faulty().printed().contains(cause), "{cause}");
    }
}

#[test]
fn a_copy_that_is_written_after_the_deletion_of_its_user_is_removed() {
    let project = warm();
    project.post(200, &json!({"user_id": "u"}));
    // The copy comes late, and the second look at the truth later still.
    let bearer = format!("Bearer {}", project.key);
    let late = json!([
        {"on": "COPIES", "how": "slow", "skip": 1, "ms": 3000},
        {"on": "DB", "how": "slow", "skip": 1, "ms": 4000},
    ]);
    let late = late.to_string();
    let headers = [("Authorization", bearer.as_str()), ("Cache-Control", "max-age=60"), ("X-Fault", &late)];
    assert_eq!(project.server.call("GET", "/v1/users/u", &headers, "").status, 200);
    project.delete(200, "/v1/users/u");
    for status in [200, 404] {
        let begun = Instant::now();
        while read(&project, &none()).status != status {
            assert!(begun.elapsed() < Duration::from_secs(10), "no {status}");
        }
    }
}
