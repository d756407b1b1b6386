//! `roster export`, and the way there and back.

use crate::tool::{Told, Tool};
use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Client};
use serde_json::{Value, json};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Users in the order of an export, with all that is hard to carry.
const USERS: &str = concat!(
    r#"{"user_id":"1","email":"user@example.com","phone":"+1234567890","properties":{"#,
    r#""name":"John, \"Doe\"","big":12345678901234567890123,"cents":1.10,"exp":1E+2,"a.b":{"c.d":[null,1.0,{"x":null}]},"#,
    r#""a":{"b":{}},"comma,":"007","\"quoted\"":"1.10","line\nfeed":"a\r\nb\r"," ":" ","=1+1":"","é😀":"é😀"},"#,
    r#""origin":{"channel":"ios-app","properties.x":"null","\u0001":"\u0001\b"}}"#,
    "\n",
    r#"{"user_id":"2","properties":{},"origin":{}}"#,
    "\n",
    r#"{"user_id":"null,\"x","phone":"+4912345","properties":{"big":"12345678901234567890123","cents":true,"exp":-0.0,"#,
    r#""a":"{","comma,":"[1]"," ":"\"","=1+1":"-","é😀":1e400},"origin":{"properties.x":" 5 ","\u0001":false}}"#,
    "\n",
);

#[test]
fn an_export_imported_elsewhere_gives_the_same_users_digit_for_digit() {
    let (one, two, three) = (Tool::new(), Tool::new(), Tool::new());
    one.write("users.ndjson", USERS);
    one.run(0, "import users.ndjson");
    assert_eq!(one.export(), USERS);

    one.run(0, "export --output users.csv").says("3 users exported");
    two.write("users.csv", one.read("users.csv"));
    two.run(0, "import users.csv");
    assert_eq!(two.export(), USERS);

    two.run(0, "export --output users.ndjson").says("3 users exported");
    assert_eq!(two.files(), ["users.csv", "users.ndjson"]);
    three.write("users.ndjson", two.read("users.ndjson"));
    three.run(0, "import users.ndjson");
    assert_eq!(three.run(0, "export --format csv").stdout, one.read("users.csv"));
}

#[test]
fn a_project_of_no_users_is_an_empty_file_or_a_header() {
    let tool = Tool::new();
    assert_eq!(tool.export(), "");
    assert_eq!(tool.run(0, "export --format csv").stdout, "user_id,email,phone\n");
}

#[test]
fn large_users_come_whole() {
    let tool = Tool::new();
    let line =
        |i: usize| format!(r#"{{"user_id":"{i:02}","properties":{{"x":"{}"}},"origin":{{}}}}"#, "é".repeat(125_000));
    let users: String = (0..40).map(|i| line(i) + "\n").collect();
    tool.write("users.ndjson", &users);
    tool.run(0, "import users.ndjson");
    assert!(tool.export() == users);
}

#[test]
fn a_file_appears_when_it_is_whole() {
    let tool = Tool::new();
    tool.write("users.ndjson", "as it was");
    let key = tool.project.key.clone();
    tool.project.revoke();
    tool.run(1, &format!("export --output users.ndjson --key {key}")).says("401 REVOKED_API_KEY");
    assert_eq!((tool.read("users.ndjson").as_str(), tool.files().len()), ("as it was", 1));
}

/// A project of its own with so many users, and their export.
fn filled(tool: &Tool, users: u32) -> String {
    let user = |i: u32| format!(r#"{{"user_id":"u{i:05}","properties":{{"k{}":1.10}},"origin":{{}}}}"#, i % 7) + "\n";
    let users: String = (0..users).map(user).collect();
    tool.write("filled.ndjson", &users);
    tool.run(0, "import filled.ndjson");
    users
}

/// Runs an export until it has saved progress, then ends it with a signal. Answers how many users it had.
fn interrupt(tool: &Tool, line: &str, progress: &str, signal: &str, expected: Option<i32>) -> u64 {
    let mut running = tool.start(line);
    let users = loop {
        assert!(running.try_wait().unwrap().is_none(), "ended before it could be interrupted");
        let saved = std::fs::read(tool.path(progress)).unwrap_or_default();
        let saved: Value = serde_json::from_slice(&saved).unwrap_or_default();
        if let Some(users @ 2000..) = saved["users"].as_u64() {
            break users;
        }
        thread::sleep(Duration::from_millis(2));
    };
    assert!(Command::new("kill").args(["-s", signal, &running.id().to_string()]).status().unwrap().success());
    let output = running.wait_with_output().unwrap();
    match expected {
        Some(code) => drop(Told::new(code, &output).says("exported so far; the same command goes on from there")),
        None => assert_eq!(output.status.code(), None),
    }
    users
}

#[test]
fn an_export_that_was_interrupted_goes_on() {
    let tool = Tool::new();
    let users = filled(&tool, 15_000);
    let table = tool.run(0, "export --format csv").stdout;
    for (name, whole) in [("out.ndjson", &users), ("out.csv", &table)] {
        let (line, progress) = (format!("export --rate 4 --output {name}"), format!("{name}.part.progress"));
        interrupt(&tool, &line, &progress, "INT", Some(130));
        let first = interrupt(&tool, &line, &progress, "KILL", None);
        // As if it had been killed between the two writes of a page.
        tool.write(&format!("{name}.part"), tool.read(&format!("{name}.part")) + "{\"user_id\":");
        assert!(!tool.path(name).exists());

        let told = tool.run(0, &format!("export --output {name}"));
        let resumed = told.says("going on after ").says("15000 users exported").stderr.clone();
        let after: u64 = resumed.split("after ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(after >= first, "{resumed}");
        assert!(tool.read(name) == *whole);
    }
    assert_eq!(tool.files(), ["filled.ndjson", "out.csv", "out.ndjson"]);
}

#[test]
fn only_the_same_export_goes_on() {
    let tool = Tool::new();
    let users = filled(&tool, 6000);
    interrupt(&tool, "export --rate 4 --output out.ndjson", "out.ndjson.part.progress", "INT", Some(130));
    let other = tool.project.server.key(&json!({"name": "other", "project": tool.project.name}));
    tool.run(1, &format!("export --output out.ndjson --key {other}")).says("another key").says("--restart starts anew");
    tool.run(1, "export --output out.ndjson --url http://127.0.0.1:1").says("another URL");
    tool.write("out.ndjson.part", "");
    tool.run(1, "export --output out.ndjson").says("was cut").says("--restart starts anew");
    let told = tool.run(0, &format!("export --output out.ndjson --key {other} --restart"));
    assert!(!told.says("6000 users exported").stderr.contains("going on"));
    assert!(tool.read("out.ndjson") == users);
    assert_eq!(tool.files(), ["filled.ndjson", "out.ndjson"]);
}

#[test]
fn an_export_leaves_others_their_part_of_the_rate_limit() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("BATCH_RATE_LIMIT", "100000/60")];
    let server = Server::start(&State::new(), &variables);
    let project = server.project();
    let tool = Tool::on(project);
    let users = filled(&tool, 24_000);
    let limits = json!({"rate_limits": {"query": {"limit": 20, "window_seconds": 5}}});
    tool.project.server.admin(200, "PUT", &format!("/v1/projects/{}", tool.project.name), &limits);
    // What was leased before the limit changed is gone.
    thread::sleep(Duration::from_secs(2));
    tool.project.post(200, &json!({"user_id": "live"}));
    let running = tool.start("export --output out.ndjson");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        tool.project.call("POST", 200, "/v1/users/count", r#"{"where":{"field":"user_id","eq":"live"}}"#);
        thread::sleep(Duration::from_secs(2));
    }
    let output = running.wait_with_output().unwrap();
    Told::new(0, &output).says("24001 users exported");
    assert!(tool.read("out.ndjson").ends_with(&users));
}

#[test]
fn an_export_is_of_the_users_who_are_meant() {
    let tool = Tool::new();
    tool.write("users.ndjson", USERS);
    tool.run(0, "import users.ndjson");
    let ids = |line: &str| tool.run(0, line).stdout.lines().map(|user| user[..14].to_owned()).collect::<Vec<_>>();
    assert_eq!(ids("export email?"), [r#"{"user_id":"1""#]);
    assert_eq!(ids("export !phone?"), [r#"{"user_id":"2""#]);
    assert_eq!(tool.run(0, "export properties.cents=true --format csv").stdout.lines().count(), 2);
    tool.run(2, "export phone").says("a condition is FIELD=VALUE");
}

#[test]
fn a_rate_paces_an_export() {
    let tool = Tool::new();
    filled(&tool, 9000);
    let begun = Instant::now();
    tool.run(0, "export --rate 10 --output out.ndjson");
    assert!((750..6000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}

#[test]
fn an_import_of_an_export_as_of_its_moment_leaves_what_is_newer() {
    let tool = Tool::new();
    tool.project.post(200, &json!({"user_id": "a", "email": "a@b.c", "properties": {"plan": "old", "n": 1}}));
    tool.project.post(200, &json!({"user_id": "b"}));
    let moment = tool.project.user("b")["updated_at"].as_str().unwrap().to_owned();
    for format in ["csv", "ndjson"] {
        tool.run(0, &format!("export --as-of --output users.{format}"));
        assert!(tool.read(&format!("users.{format}")).contains(&moment), "{format}");
    }
    assert_eq!(tool.read("users.csv").lines().next(), Some("user_id,email,phone,as_of,properties.n,properties.plan"));
    assert_eq!(tool.lines("users.ndjson")[1], json!({"user_id": "b", "as_of": moment, "properties": {}, "origin": {}}));
    tool.project.post(200, &json!({"user_id": "a", "properties": {"plan": "new"}}));
    for format in ["csv", "ndjson"] {
        tool.run(0, &format!("import users.{format}")).says("2 users stored; in 1 of them newer values were left");
    }
    assert_eq!(tool.project.user("a")["properties"], json!({"plan": "new", "n": 1}));
    assert!(!tool.export().contains("as_of"));
}
