//! `roster erase`: who is deleted, who is not, and that it asks first.

use crate::resume::interrupt;
use crate::tool::{Told, Tool};
use serde_json::json;
use std::process::Stdio;
use std::time::Instant;

/// Stores the users `u00000` and on, and answers their ids, one a line.
fn stored(tool: &Tool, count: u32) -> String {
    let ids: Vec<_> = (0..count).map(|i| format!("u{i:05}")).collect();
    let users: String = ids.iter().map(|id| json!({"user_id": id}).to_string() + "\n").collect();
    tool.run_with_input(0, "import -", &users).says(" stored");
    ids.join("\n") + "\n"
}

#[test]
fn whom_a_list_names_is_erased_and_nobody_else() {
    let tool = Tool::new();
    stored(&tool, 5);
    tool.write("gone.txt", "\u{feff}u00001\r\n\n  u00003 \nnobody\n{\"user_id\":\"u00002\"}\n");
    let told = tool.run(0, "erase gone.txt --yes");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", "roster: 2 users erased; 2 were not there\n"));
    assert_eq!(tool.project.listed(""), ["u00000", "u00002", "u00004"]);
    assert_eq!(tool.files(), ["gone.txt"]);
    tool.run_with_input(0, "erase - --yes", "u00000\n").says("1 user erased\n");
}

#[test]
fn of_a_table_the_column_user_id_counts() {
    let tool = Tool::new();
    stored(&tool, 3);
    tool.write("gone.csv", "email;zip;user_id\na@b.c;1;u00000\n;\"2\n3\";u00002\n");
    tool.run(0, "erase gone.csv --yes").says("2 users erased\n");
    assert_eq!(tool.project.listed(""), ["u00001"]);
    tool.write("table", "user_id,x\nu00001,1\n");
    tool.run(0, "erase table --csv --yes").says("1 user erased\n");
    tool.write("ids.csv", "id,email\nu1,a@b.c\n");
    tool.run(2, "erase ids.csv --yes").says("there is no column \"user_id\"");
}

#[test]
fn refused_ids_are_written_with_their_lines_to_correct_and_send_again() {
    let tool = Tool::new();
    stored(&tool, 3);
    tool.write("gone.txt", "u00000\nnull\na,\"b\nu00001\n".replace("a,\"b", &format!("a,\"{}", "b".repeat(300))));
    tool.run(1, "erase gone.txt --yes").says("2 users erased\n").says(
        "2 records refused: see gone.txt.erase.refused.csv; correct that file and send it again with `roster erase",
    );
    let refused = tool.read("gone.txt.erase.refused.csv");
    let lines: Vec<_> = refused.lines().collect();
    assert_eq!(lines[0], "refused_line,refused_reason,user_id");
    assert!(lines[1].starts_with("2,\"INVALID_VALUE: ") && lines[1].ends_with("\",null"), "{refused}");
    assert!(
        lines[2].starts_with("3,\"") && lines[2].ends_with(&format!(",\"a,\"\"{}\"", "b".repeat(300))),
        "{refused}"
    );
    tool.run(2, "erase gone.txt --yes").says("has the refused records of an earlier erase");
    tool.write("gone.txt.erase.refused.csv", refused.replace("\",null", "\",u00002").replace(lines[2], ""));
    tool.run(0, "erase gone.txt.erase.refused.csv --yes").says("1 user erased\n");
    assert!(tool.project.listed("").is_empty());
}

#[test]
fn it_asks_first_and_without_a_terminal_it_wants_to_be_sure() {
    let tool = Tool::new();
    tool.write("gone.txt", stored(&tool, 1));
    let output = tool.command("erase gone.txt").stdin(Stdio::null()).output().unwrap();
    Told::new(2, &output).says("add --yes");
    tool.run_with_input(2, "erase -", "u00000\n").says("add --yes");
    tool.write("gone.ndjson", "{\"user_id\":\"u00000\"}\n");
    tool.run(2, "erase gone.ndjson --yes").says("gone.ndjson is JSON");
    assert_eq!(tool.project.listed(""), ["u00000"]);
}

#[test]
fn a_key_that_may_not_delete_ends_it_at_once() {
    let tool = Tool::new();
    tool.write("gone.txt", stored(&tool, 2));
    for scopes in [json!(["users:write"]), json!(["users:delete"])] {
        let key = json!({"name": "k", "project": tool.project.name, "scopes": scopes});
        let key = roster_harness::Client::key(tool.project.server, &key);
        let told = tool.run(1, &format!("erase gone.txt --yes --batch-size 1 --key {key}"));
        told.says("INSUFFICIENT_PERMISSIONS");
    }
    assert_eq!((tool.files(), tool.project.listed("").len()), (vec!["gone.txt".to_owned()], 2));
}

#[test]
fn ten_thousand_erasures_are_one_command() {
    let tool = Tool::new();
    tool.write("gone.txt", stored(&tool, 10_000));
    let started = Instant::now();
    tool.run(0, "erase gone.txt --yes").says("10000 users erased\n");
    println!("10,000 users erased in {:.1} s", started.elapsed().as_secs_f64());
    assert!(tool.project.listed("").is_empty());
}

#[test]
fn it_survives_a_crash_in_the_middle() {
    let tool = Tool::new();
    tool.write("gone.txt", stored(&tool, 5000));
    let line = "erase gone.txt --yes --batch-size 50 --concurrency 2";
    let mut running = tool.start(line);
    interrupt(&tool, &mut running, "gone.txt.erase.progress", "KILL", 7 * 1000);
    assert_eq!(running.wait().unwrap().code(), None);
    let left = tool.export().lines().count();
    assert!(left > 0, "it was over before it was killed");

    let told = tool.run(0, line);
    let numbers: Vec<u32> =
        told.says("going on at line ").stderr.split([' ', '\n', ';']).filter_map(|word| word.parse().ok()).collect();
    // What was sent and not yet saved was not there any more.
    let absent = numbers.get(2).copied().unwrap_or_default();
    assert_eq!(numbers[1] + absent, 5000, "{}", told.stderr);
    assert!(absent <= 2 * 50 + 256, "{}", told.stderr);
    assert!(tool.project.listed("").is_empty());
    assert_eq!(tool.files(), ["gone.txt"]);
}
