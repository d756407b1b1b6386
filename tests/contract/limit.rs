//! The rate limit where the Worker is killed.

use crate::scripts::limit::flood;
use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Client, Project};

#[test]
fn a_worker_that_was_killed_admits_no_more() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "20/3600")];
    let state = State::new();
    let server = Server::start(&state, &variables);
    let project = server.project();
    let before = flood(&project, 12);
    assert_eq!(before, 12);
    let (name, key) = (project.name.clone(), project.key.clone());
    let state = server.kill();
    let server = Server::start(&state, &variables);
    let project = Project { server: &server, name, key };
    // Leases that died with the isolate are lost, never doubled.
    let after = flood(&project, 30);
    assert!((1..=8).contains(&after), "{after}");
    // What was answered 200 before the kill is still there.
    for i in 0..12 {
        let stored = project.server.call(
            "GET",
            &format!("/v1/users/u{i}"),
            &[("Authorization", &format!("Bearer {}", project.key))],
            "",
        );
        assert_eq!(stored.status, 429);
    }
    project.limit(100, 3600);
    (0..12).for_each(|i| assert_eq!(project.user(&format!("u{i}"))["external_id"], format!("u{i}")));
}
