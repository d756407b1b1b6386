//! The rate limit where the Worker is killed, and where what it stored can't be read.

use crate::scripts::limit::flood;
use roster_harness::server::{Server, State, node};
use roster_harness::{ADMIN_TOKEN, Client, Transport};
use serde_json::{Value, json};

/// Leaves of each ledger its own limit alone, and prints how many there were. An object that was only read has no table.
const BREAK: &str = r"
    const { DatabaseSync } = require('node:sqlite');
    const files = require('node:fs').globSync(`${process.argv[1]}/v3/do/*LimiterObject*/[0-9a-f]*.sqlite`);
    const databases = files.map((file) => new DatabaseSync(file));
    const stored = databases.filter((one) => one.prepare(`select 1 from sqlite_master where name = 'account'`).get());
    stored.forEach((one) => one.exec(`update account set ledger = json_set(ledger, '$.window', 7)`));
    console.log(stored.length);
";

#[test]
fn a_worker_that_was_killed_admits_no_more() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "20/3600")];
    let state = State::new();
    let server = Server::start(&state, &variables);
    let project = server.project();
    let before = flood(&project, 12);
    assert_eq!(before, 12);
    let lasting = project.lasting();
    let state = server.kill();
    let server = Server::start(&state, &variables);
    let project = lasting.on(&server);
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

#[test]
fn a_ledger_that_can_not_be_read_refuses_one_window_and_keeps_the_limit() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN)];
    let state = State::new();
    let server = Server::start(&state, &variables);
    let project = server.project();
    project.limit(5, 8);
    assert_eq!(flood(&project, 1), 1);
    let lasting = project.lasting();
    let state = server.kill();
    assert_eq!(node(&state, BREAK, &[]).trim(), "1");
    let server = Server::start(&state, &variables);
    let project = lasting.on(&server);
    assert_eq!(flood(&project, 10), 0);
    while flood(&project, 1) == 0 {}
    let shown = server.admin(200, "GET", &format!("/v1/projects/{}", project.name), &Value::Null).json();
    assert_eq!(shown["project"]["rate_limits"]["users"], json!({"limit": 5, "window_seconds": 8, "default": false}));
    assert!(server.printed().contains("can't be read"));
}
