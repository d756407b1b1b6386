//! Roster's own module panics or traps, with other requests in flight.

use super::{ENTRY, Faulty, check_refusal, warm_on};
use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Project, Transport};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Has eight upserts hang in D1, then sends one with the fault, and answers it with the others.
fn with_others_in_flight(project: &Project<Server>, fault: &Value, round: &str) -> (Answer, Vec<Answer>) {
    let hang = json!({"on": "DB", "how": "hang"});
    let hanging = || project.server.printed().matches("a call hangs").count();
    let hung_before = hanging();
    let begun = Instant::now();
    std::thread::scope(|threads| {
        let others: Vec<_> = (0..8)
            .map(|n| {
                let (id, hang) = (format!("{round}-{n}"), &hang);
                threads.spawn(move || project.meet(hang, "POST", "/v1/users", &json!({"user_id": id})))
            })
            .collect();
        while hanging() < hung_before + others.len() {
            assert!(begun.elapsed() < Duration::from_secs(5), "they are not in flight");
            std::thread::sleep(Duration::from_millis(10));
        }
        let answer = project.meet(fault, "POST", "/v1/users", &json!({"user_id": round}));
        (answer, others.into_iter().map(|other| other.join().unwrap()).collect())
    })
}

#[test]
fn a_panic_ends_its_request_with_a_500_the_others_in_flight_with_a_503_and_nothing_else() {
    // A server of its own: no other test's request is to be in flight.
    let server = Server::start_entry(ENTRY, &State::new(), &[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let project = warm_on(&server);
    project.limit(240, 60);
    let mut taken = 1;
    for (round, fault, status, cause) in [
        // The first random number is that of the request's id, the second that of the user.
        ("user", json!({"on": "RANDOM", "skip": 1}), 500, "panicked at"),
        ("id", json!({"on": "RANDOM", "skip": 0}), 500, "panicked at"),
        ("trap", json!({"on": "TRAP"}), 503, "another request of this isolate panicked"),
    ] {
        project.get(404, "/v1/users/nobody");
        let (answer, others) = with_others_in_flight(&project, &fault, round);
        assert_eq!(answer.status, status, "{round}");
        check_refusal(&server, &answer, cause);
        for other in others {
            assert_eq!(other.status, 503, "{round}");
            check_refusal(&server, &other, "another request of this isolate panicked");
        }
        for n in 0..8 {
            let id = format!("{round}-{n}");
            project.get(404, &format!("/v1/users/{id}"));
            project.post(200, &json!({"user_id": id}));
        }
        // To warm up, eight that hung, and sixteen to look after them. Of the ninth it depends how far it came.
        taken += 1 + 8 + 16;
    }
    let bearer = format!("Bearer {}", project.key);
    let again = || server.call("GET", "/v1/users/id-0", &[("Authorization", &bearer)], "").status;
    let admitted = (0..240).filter(|_| again() == 200).count();
    // More of them are gone with the leases that the module held.
    assert!((1..=240 - taken).contains(&admitted), "{admitted}");
}
