//! `roster move`.

use crate::fake::{admin, run_as_admin, server_that_answers};
use crate::tool::Tool;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const BEGIN: &str = r#"POST /v1/projects/shop/move {"storage":{"buckets":16,"kind":"objects"}}"#;
const LOOK: &str = "GET /v1/projects/shop/move";

/// The state of a move of 1,000 users from D1 to 16 objects.
fn state(state: &str, copied: u64, error: &str) -> &'static str {
    let storages = r#""from":{"kind":"d1"},"to":{"kind":"objects","buckets":16,"jurisdiction":null,"location":null}"#;
    let counts =
        format!(r#""copied":{copied},"total":1000,"behind":null,"since":"2026-11-28T12:00:00.000Z","error":{error}"#);
    format!(r#"{{"success":true,"move":{{"state":"{state}",{storages},{counts}}}}}"#).leak()
}

#[test]
fn a_move_is_followed_to_its_end() {
    let calls = vec![
        (BEGIN, "202 Accepted", state("preparing", 0, "null")),
        (LOOK, "200 OK", state("copying", 400, "null")),
        (LOOK, "200 OK", state("copying", 700, r#""D1 is overloaded""#)),
        (LOOK, "200 OK", state("switching", 1000, "null")),
        (LOOK, "200 OK", state("done", 1010, "null")),
    ];
    let told = run_as_admin(0, "move shop --to objects:16", calls.leak());
    assert_eq!(told.stdout, "");
    assert_eq!(
        told.stderr.lines().collect::<Vec<_>>(),
        [
            "roster: preparing from D1 to 16 objects",
            "roster: copying from D1 to 16 objects",
            "roster: the server tries again: D1 is overloaded",
            "roster: switching from D1 to 16 objects",
            "roster: shop is in 16 objects: 1000 users moved",
        ]
    );
}

#[test]
fn a_move_that_is_given_up_meanwhile_is_a_failure() {
    let calls =
        vec![(BEGIN, "202 Accepted", state("copying", 0, "null")), (LOOK, "200 OK", state("given up", 400, "null"))];
    run_as_admin(1, "move shop --to objects:16", calls.leak()).says("was given up; all stays in D1");
}

#[test]
fn a_move_is_only_begun_or_needs_not_be() {
    let law = r#"POST /v1/projects/shop/move {"storage":{"buckets":16,"jurisdiction":"eu","kind":"objects"}}"#;
    run_as_admin(
        0,
        "move shop --to objects:16 --jurisdiction eu --detach",
        vec![(law, "202 Accepted", state("copying", 0, "null"))].leak(),
    )
    .says("shop moves to 16 objects; `roster move shop --to objects:16 --jurisdiction eu` follows it");
    run_as_admin(0, "move shop --to objects:16", vec![(BEGIN, "200 OK", state("done", 1000, "null"))].leak())
        .says("shop is in 16 objects already");
}

#[test]
fn what_the_server_denies_is_printed_in_its_words() {
    let denied = r#"{"code":"MOVE_IN_PROGRESS","message":"Another move runs"}"#;
    let told = run_as_admin(1, "move shop --to objects:16", vec![(BEGIN, "409 Conflict", denied)].leak());
    assert!(!told.says("409 MOVE_IN_PROGRESS: Another move runs").stderr.contains("goes on"), "{}", told.stderr);
    let denied = r#"{"code":"MOVE_SWITCHING","message":"It switches"}"#;
    let call = "DELETE /v1/projects/shop/move";
    run_as_admin(1, "move shop --give-up", vec![(call, "409 Conflict", denied)].leak()).says("409 MOVE_SWITCHING");
    run_as_admin(0, "move shop --give-up", vec![(call, "200 OK", r#"{"success":true}"#)].leak()).says("is given up");
}

#[test]
fn ctrl_c_leaves_a_move_running_and_says_how_to_follow_it() {
    let url = server_that_answers("202 Accepted", state("copying", 400, "null"));
    let mut running = admin(&url, "move shop --to objects:16").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "roster: copying from D1 to 16 objects");
    assert!(Command::new("kill").args(["-s", "INT", &running.id().to_string()]).status().unwrap().success());
    let told: Vec<_> = lines.collect();
    assert_eq!(running.wait().unwrap().code(), Some(130));
    assert_eq!(
        told,
        [
            "roster: the move goes on without this command: `roster move shop --to objects:16` follows it, \
             `roster move shop --give-up` ends it",
            "roster: interrupted",
        ]
    );
}

#[test]
fn a_project_that_moves_has_the_users_that_it_had() {
    let tool = Tool::new();
    let project = &tool.project.name;
    let user = |i: u32| format!(r#"{{"user_id":"u{i:04}","properties":{{"cents":{i}.10}},"origin":{{}}}}"#) + "\n";
    let users: String = (0..2500).map(user).collect();
    tool.write("users.ndjson", &users);
    tool.run(0, "import users.ndjson");
    let before = tool.project.user("u0007");

    let line = format!("move {project} --to objects:4");
    tool.run(0, &format!("{line} --detach")).says(&format!("{project} moves to 4 objects; `roster {line}` follows it"));
    tool.run(0, &line).says(&format!("{project} is in 4 objects"));
    tool.run(0, &line).says(&format!("{project} is in 4 objects already"));
    tool.run(1, &format!("move {project} --give-up")).says("409 MOVE_SWITCHING");
    assert_eq!(tool.project.user("u0007"), before);
    let export = tool.export();
    let mut lines: Vec<_> = export.split_inclusive('\n').collect();
    lines.sort_unstable();
    assert!(lines.concat() == users);

    tool.run(1, "move nobody --to d1").says("404 PROJECT_NOT_FOUND");
    tool.run(0, &format!("move {project} --to d1")).says(&format!("{project} is in D1: 2500 users moved"));
    assert_eq!(tool.project.user("u0007"), before);
}
