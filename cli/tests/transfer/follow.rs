//! `roster follow`, and an export of what changed.

use crate::fake::server_that_answers;
use crate::tool::{Told, Tool};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// What a reader of these lines has at their end.
#[track_caller]
fn copy_of(lines: &str) -> BTreeMap<String, Value> {
    let mut copy = BTreeMap::new();
    for line in lines.lines() {
        let change: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let id = change["external_id"].as_str().unwrap().to_owned();
        match change["type"].as_str().unwrap() {
            "changed" => copy.insert(id, change["user"].clone()),
            _ => copy.remove(&id),
        };
    }
    copy
}

#[track_caller]
fn stored(tool: &Tool) -> BTreeMap<String, Value> {
    let ids: Vec<Value> = tool.export().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    ids.iter().map(|user| user["user_id"].as_str().unwrap()).map(|id| (id.into(), tool.project.user(id))).collect()
}

/// Runs on until it is killed, with its lines in a file.
fn start(tool: &Tool, line: &str, output: &str) -> Child {
    let output = File::options().create(true).append(true).open(tool.path(output)).unwrap();
    tool.command(line).stdout(output).spawn().unwrap()
}

#[track_caller]
fn kill(mut running: Child) {
    assert!(running.try_wait().unwrap().is_none(), "it ended by itself");
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn a_change_is_printed_digit_for_digit_as_the_api_has_it() {
    let tool = Tool::new();
    tool.project.post_bytes(200, r#"{"user_id":"a","properties":{"cents":1.10,"big":12345678901234567890123}}"#);
    tool.project.post(200, &json!({"user_id": "b"}));
    tool.project.delete(200, "/v1/users/b");
    let api = tool.project.get(200, "/v1/changes").text;
    let printed = tool.run(0, "follow --once").stdout;
    assert!(printed.contains(r#""cents":1.10,"big":12345678901234567890123"#), "{printed}");
    assert_eq!(printed.lines().count(), 2);
    assert!(api.contains(&printed.trim_end().replace('\n', ",")), "{printed} is not of {api}");
}

#[test]
fn a_follower_that_is_killed_goes_on_and_loses_nothing() {
    let tool = Tool::new();
    let users: String =
        (0..300).map(|i| json!({"user_id": format!("u{i:02}"), "properties": {"n": i}}).to_string() + "\n").collect();
    tool.write("users.ndjson", users);
    tool.run(0, "import users.ndjson");
    tool.write("lines", "");
    let line = "follow --state state --limit 1";
    for round in 0..4 {
        let before = tool.read("lines").lines().count();
        let running = start(&tool, line, "lines");
        while tool.read("lines").lines().count() < before + 10 {
            std::thread::yield_now();
        }
        kill(running);
        tool.project.post(200, &json!({"user_id": format!("u{:02}", round * 7), "properties": {"round": round}}));
        tool.project.delete(200, &format!("/v1/users/u{:02}", round * 7 + 1));
        tool.project.post(200, &json!({"user_id": format!("u{:02}", round * 5 + 2), "email": "a@b.c"}));
    }
    let rest = tool.run(0, "follow --state state --once").stdout;
    let lines = tool.read("lines") + &rest;
    assert_eq!(copy_of(&lines), stored(&tool));
    // Who goes on is not shown all again: of each kill only the last call's lines may be.
    assert!(lines.lines().count() <= 300 + 4 * 3 + 4, "{}", lines.lines().count());
    assert_eq!(tool.run(0, "follow --state state --once").stdout, "");
    assert_eq!(tool.files(), ["lines", "state", "users.ndjson"]);
}

#[test]
fn a_follower_waits_at_the_end_for_what_comes() {
    let tool = Tool::new();
    tool.project.post(200, &json!({"user_id": "before"}));
    let mut running = tool.command("follow --from-now --state state").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    while !tool.path("state").exists() {
        std::thread::yield_now();
    }
    for id in ["one", "two"] {
        tool.project.post(200, &json!({"user_id": id}));
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&line["type"], &line["external_id"]), (&json!("changed"), &json!(id)));
    }
    tool.project.delete(200, "/v1/users/one");
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&line["type"], &line["external_id"]), (&json!("deleted"), &json!("one")));
    kill(running);
}

#[test]
fn a_follower_begins_where_it_is_asked_to_unless_its_state_says_otherwise() {
    let tool = Tool::new();
    tool.project.post(200, &json!({"user_id": "a"}));
    tool.project.post(200, &json!({"user_id": "b"}));
    let moment = tool.project.user("b")["updated_at"].as_str().unwrap().to_owned();
    let ids = |line: &str| copy_of(&tool.run(0, line).stdout).into_keys().collect::<Vec<_>>();
    assert_eq!(ids("follow --once"), ["a", "b"]);
    assert_eq!(ids(&format!("follow --once --since {moment}")).last().unwrap(), "b");
    assert!(ids("follow --once --from-now --state state").is_empty());
    tool.project.post(200, &json!({"user_id": "c"}));
    assert_eq!(ids("follow --once --since 2026-01-01T00:00:00+01:00 --state state"), ["c"]);
    tool.run(1, "follow --once --state state --url http://127.0.0.1:1").says("another URL; delete it to start over");
    tool.write("state", "{}");
    tool.run(1, "follow --once --state state").says("delete it to start over");
}

#[test]
fn who_is_too_late_is_told_to_start_over() {
    let tool = Tool::new();
    let url =
        server_that_answers("410 Gone", r#"{"success":false,"error":"Gone","message":"m","code":"CURSOR_EXPIRED"}"#);
    tool.write("state", json!({"url": url, "cursor": "c"}).to_string());
    let told = tool.run(1, &format!("follow --state state --url {url}"));
    told.says("410 CURSOR_EXPIRED").says("delete state, empty the copy, and start over");
    assert_eq!(told.stdout, "");
    tool.run(1, &format!("export --since 2026-01-01T00:00:00Z --url {url}")).says("without --since");
}

#[test]
fn a_follower_waits_as_long_as_it_is_told_and_leaves_others_their_part() {
    let tool = Tool::new();
    tool.project.post(200, &json!({"user_id": "a"}));
    tool.project.limit(5, 5);
    // What was leased before the limit changed is gone.
    std::thread::sleep(std::time::Duration::from_secs(2));
    for id in ["b", "c", "d", "e"] {
        tool.project.post(200, &json!({"user_id": id}));
    }
    let told = tool.run(0, "follow --once --limit 1");
    assert_eq!(copy_of(&told.says("for the rate limit").stdout).len(), 5);
}

#[test]
fn an_export_since_a_moment_has_who_changed_and_counts_the_deletions() {
    let tool = Tool::new();
    for id in ["a", "b", "gone"] {
        tool.project.post(200, &json!({"user_id": id, "properties": {"n": 1}}));
    }
    tool.project.post(200, &json!({"user_id": "mark"}));
    let after = tool.project.user("mark")["updated_at"].as_str().unwrap().to_owned();
    tool.project.post_bytes(200, r#"{"user_id":"b","properties":{"cents":1.10}}"#);
    tool.project.delete(200, "/v1/users/gone");
    let says = "2 users exported; 1 deletion since then left out, which roster follow has";
    let told = tool.run(0, &format!("export --since {after}"));
    let b = r#"{"user_id":"b","properties":{"n":1,"cents":1.10},"origin":{}}"#;
    assert_eq!(told.says(says).stdout, format!("{}\n{b}\n", r#"{"user_id":"mark","properties":{},"origin":{}}"#));
    tool.run(0, &format!("export --since {after} --as-of --output users.csv")).says(says);
    assert_eq!(tool.read("users.csv").lines().next(), Some("user_id,email,phone,as_of,properties.n,properties.cents"));
    assert_eq!(tool.files(), ["users.csv"]);
    Told::new(2, &tool.command("export --since yesterday").output().unwrap()).says("--since");
}
