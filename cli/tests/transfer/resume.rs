//! An import that is interrupted goes on where it stopped.

use crate::tool::{Told, Tool};
use serde_json::json;
use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

/// Sends a signal once the saved progress has come further than so many bytes. Answers how far it has come.
pub fn interrupt(tool: &Tool, running: &mut Child, progress: &str, signal: &str, beyond: u64) -> u64 {
    loop {
        assert!(running.try_wait().unwrap().is_none(), "ended before it could be interrupted");
        let saved = offset(tool, progress);
        if saved > beyond {
            let sent = Command::new("kill").args(["-s", signal, &running.id().to_string()]).status().unwrap();
            assert!(sent.success());
            return saved;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

const PROGRESS: &str = "users.ndjson.progress";

fn offset(tool: &Tool, progress: &str) -> u64 {
    let saved = fs::read(tool.path(progress)).unwrap_or_default();
    let saved: serde_json::Value = serde_json::from_slice(&saved).unwrap_or_default();
    saved["offset"].as_u64().unwrap_or_default()
}

#[test]
fn twenty_thousand_users_survive_ctrl_c_and_a_crash() {
    let tool = Tool::new();
    let user = |i: u32| {
        format!(
            r#"{{"user_id":"u{i:05}","email":"u{i}@example.com","properties":{{"n":{i}.10,"plan":"premium"}},"origin":{{"channel":"ios"}}}}"#
        )
    };
    let refused = |i: u32| (i % 333 == 5).then(|| format!(r#"{{"user_id":"u{i:05}","zip":{i}}}"#));
    let sent: Vec<String> = (0..20_000).map(|i| refused(i).unwrap_or_else(|| user(i))).collect();
    tool.write("users.ndjson", sent.join("\n"));

    let (line, third) = ("import users.ndjson --batch-size 250", tool.read("users.ndjson").len() as u64 / 3);
    let mut running = tool.start(line);
    let reached = interrupt(&tool, &mut running, PROGRESS, "INT", third);
    Told::new(130, &running.wait_with_output().unwrap()).says("the same command goes on from there");
    assert!(offset(&tool, PROGRESS) >= reached);

    let mut running = tool.start(line);
    let reached = interrupt(&tool, &mut running, PROGRESS, "KILL", 2 * third);
    assert_eq!(running.wait().unwrap().code(), None);
    assert!(offset(&tool, PROGRESS) >= reached);

    // As if it had been killed between the two writes of a step.
    let written = tool.read("users.ndjson.refused.ndjson");
    tool.write("users.ndjson.refused.ndjson", written + "{\"line\":");
    let all = (0..20_000).filter(|i| refused(*i).is_none());
    tool.run(1, line)
        .says("going on at line")
        .says(&format!("{} users stored", all.clone().count()))
        .says("61 records refused");

    assert!(tool.export() == all.map(|i| user(i) + "\n").collect::<String>());
    let written = tool.lines("users.ndjson.refused.ndjson");
    let told: Vec<_> = written.iter().map(|r| json!([r["line"], r["record"]["zip"]])).collect();
    assert_eq!(told, (0..61).map(|k| json!([k * 333 + 6, k * 333 + 5])).collect::<Vec<_>>());
    assert_eq!(tool.files(), ["users.ndjson", "users.ndjson.refused.ndjson"]);
}

#[test]
fn only_the_same_import_goes_on() {
    let tool = Tool::new();
    let line = |i: u32| json!({"user_id": format!("u{i:05}")}).to_string() + "\n";
    let users: String = (0..3000).map(line).collect();
    tool.write("users.ndjson", &users);
    let mut running = tool.start("import users.ndjson --batch-size 10 --concurrency 1");
    interrupt(&tool, &mut running, PROGRESS, "INT", 0);
    Told::new(130, &running.wait_with_output().unwrap());

    tool.write("users.ndjson", users.clone() + &line(3000));
    tool.run(1, "import users.ndjson").says("the file has changed").says("--restart");
    tool.run(1, "import users.ndjson --url http://127.0.0.1:1").says("the file has changed");
    tool.run(0, "import users.ndjson --restart").says("3001 users stored");
    assert_eq!(tool.export().lines().count(), 3001);
    assert_eq!(tool.files(), ["users.ndjson"]);
}

#[test]
fn a_table_goes_on_too() {
    let tool = Tool::new();
    let row = |i: u32| format!("{i}.10,u{i:05},\"a\r\n{i}\"\r\n");
    let rows: String = (0..3000).map(row).collect();
    tool.write("users.ndjson", format!("\u{feff}properties.n,user_id,properties.text\r\n{rows}"));
    let line = "import users.ndjson --format csv --batch-size 20 --concurrency 1";
    let mut running = tool.start(line);
    interrupt(&tool, &mut running, PROGRESS, "KILL", 0);
    running.wait().unwrap();
    tool.run(0, line).says("going on at line").says("3000 users stored");
    let user = |i: u32| {
        format!(r#"{{"user_id":"u{i:05}","properties":{{"n":{i}.10,"text":"a\r\n{i}"}},"origin":{{}}}}"#) + "\n"
    };
    assert!(tool.export() == (0..3000).map(user).collect::<String>());
}
