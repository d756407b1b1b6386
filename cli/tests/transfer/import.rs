//! `roster import`: what is stored, what is refused, and in what order.

use crate::fake::server_that_answers;
use crate::tool::Tool;
use roster_harness::ADMIN_TOKEN;
use roster_harness::Client;
use roster_harness::server::{Server, State};
use serde_json::{Value, json};
use std::time::Instant;

#[test]
fn a_file_is_stored_and_nothing_else_is_left() {
    let tool = Tool::new();
    tool.write("users.ndjson", "\u{feff}{\"user_id\":\"a\",\"properties\":{\"n\":1.10}}\r\n\n{\"user_id\":\"b\"}");
    let told = tool.run(0, "import users.ndjson");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", "roster: 2 users stored\n"));
    assert_eq!(
        tool.export(),
        "{\"user_id\":\"a\",\"properties\":{\"n\":1.10},\"origin\":{}}\n{\"user_id\":\"b\",\"properties\":{},\"origin\":{}}\n"
    );
    assert_eq!(tool.files(), ["users.ndjson"]);
    tool.write("empty.csv", "user_id\n");
    tool.run(0, "import empty.csv");
}

#[test]
fn what_is_refused_is_written_down_as_it_was() {
    let tool = Tool::new();
    let large = format!(r#"{{"user_id":"large","properties":{{"x":"{}"}}}}"#, "x".repeat(1_048_576));
    let lines = [
        r#"{"user_id":"a"}"#,
        r#"{"user_id": "b", "properties": {"n": 1.10}, "zip": 1}"#,
        "",
        r#"{"user_id":"c""#,
        "7",
        &large,
        r#"{"email":"a@b.c"}"#,
        r#"{"user_id":"d"}"#,
    ];
    tool.write("users.ndjson", lines.join("\n"));
    tool.run(1, "import users.ndjson")
        .says("2 users stored")
        .says("5 records refused: see users.ndjson.refused.ndjson");
    assert_eq!(tool.project.listed(""), ["a", "d"]);

    let written = tool.read("users.ndjson.refused.ndjson");
    assert!(written.starts_with(&format!(r#"{{"line":2,"record":{},"error":{{"#, lines[1])));
    let refused = tool.lines("users.ndjson.refused.ndjson");
    let told: Vec<_> = refused.iter().map(|r| (&r["line"], r["error"]["code"].as_str().unwrap())).collect();
    let expected = ["UNKNOWN_FIELD", "INVALID_REQUEST", "INVALID_TYPE", "PAYLOAD_TOO_LARGE", "MISSING_FIELD"];
    assert_eq!(told, [2, 4, 5, 6, 7].map(|line| json!(line)).iter().zip(expected).collect::<Vec<_>>());
    let single = tool.project.post(400, &serde_json::from_str(lines[1]).unwrap()).json();
    assert_eq!(refused[0]["error"]["details"], single["details"]);
    assert_eq!(refused[1]["record"], lines[3]);
    assert_eq!(refused[1]["error"]["message"], "Not JSON: unexpected end at line 4, column 15");
    assert_eq!(refused[3]["record"].as_str().unwrap(), &large[..1_048_576]);
    assert_eq!(refused[4]["record"], json!({"email": "a@b.c"}));
    assert_eq!(tool.files(), ["users.ndjson", "users.ndjson.refused.ndjson"]);
}

#[test]
fn records_of_one_user_are_applied_in_the_files_order() {
    let tool = Tool::new();
    let line = |i: u32| json!({"user_id": format!("u{}", i % 7), "properties": {"n": i}}).to_string() + "\n";
    tool.write("users.jsonl", (0..280).map(line).collect::<String>());
    tool.run(0, "import users.jsonl --batch-size 3 --concurrency 8").says("280 users stored");
    (273..280).for_each(|i| assert_eq!(tool.project.user(&format!("u{}", i % 7))["properties"]["n"], i));
}

#[test]
fn large_records_make_small_batches() {
    let tool = Tool::new();
    let line = |i: u32| json!({"user_id": i.to_string(), "properties": {"x": "x".repeat(250_000)}}).to_string() + "\n";
    tool.write("users.ndjson", (0..9).map(line).collect::<String>());
    tool.run(0, "import users.ndjson").says("9 users stored");
}

#[test]
fn a_large_object_is_refused_in_one_record_and_stored_in_several() {
    let tool = Tool::new();
    let user = |members: std::ops::Range<u32>| {
        let members: Vec<_> = members.map(|i| format!("\"k{i:03}\":{i}.10")).collect();
        format!(r#"{{"user_id":"u","properties":{{"a":{{{}}}}},"origin":{{}}}}"#, members.join(",")) + "\n"
    };
    tool.write("one.ndjson", user(0..600));
    tool.run(1, "import one.ndjson").says("0 users stored").says("1 record refused");
    let written = tool.read("one.ndjson.refused.ndjson");
    assert!(
        written.starts_with(&format!(r#"{{"line":1,"record":{},"error":{{"#, user(0..600).trim_end())),
        "{written:.200}"
    );
    tool.write("several.ndjson", user(0..300) + &user(300..600));
    tool.run(0, "import several.ndjson").says("2 users stored");
    assert_eq!(tool.export(), user(0..600));
}

#[test]
fn refused_records_are_sent_again_as_they_are_written() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"a\",\"email\":\"x\"}\n{\"user_id\":\"b\"\n");
    tool.run(1, "import users.ndjson").says("send it again with `roster import users.ndjson.refused.ndjson`");
    let mended = tool.read("users.ndjson.refused.ndjson").replace("\"x\"", "\"x@y.z\"").replace("b\\\"", "b\\\"}");
    tool.write("again.ndjson", mended);
    tool.run(0, "import again.ndjson").says("2 users stored");
    assert_eq!(tool.project.user("a")["email"], "x@y.z");
}

#[test]
fn an_empty_cell_leaves_its_field_alone() {
    let tool = Tool::new();
    tool.project.post(
        200,
        &json!({"user_id": "a", "email": "a@b.c", "phone": "+123", "properties": {"p": 1, "q": 2}, "origin": {"o": 1}}),
    );
    tool.write(
        "users.csv",
        "user_id,email,phone,properties.p,properties.q,origin.o\r\na,,null,,null,\r\nb,b@b.c,+456,\"x,\"\"y\"\"\n\",007,\"\"\"5\"\"\"\r\n",
    );
    tool.run(0, "import users.csv").says("2 users stored");
    let (a, b) = (tool.project.user("a"), tool.project.user("b"));
    let part = |user: &Value| json!([user["email"], user["phone"], user["properties"], user["origin"]]);
    assert_eq!(part(&a), json!(["a@b.c", null, {"p": 1}, {"o": 1}]));
    assert_eq!(part(&b), json!(["b@b.c", "+456", {"p": "x,\"y\"\n", "q": "007"}, {"o": "5"}]));
}

#[test]
fn rows_are_refused_with_the_line_where_they_begin() {
    let tool = Tool::new();
    tool.write("users.csv", "user_id,email\na,\"two\nlines\"\n\nb\nc,c@b.c\n,d@b.c\n");
    tool.run(1, "import users.csv --refused bad.csv").says("3 records refused: see bad.csv");
    let refused = tool.read("bad.csv");
    let rows = refused.strip_prefix("refused_line,refused_reason,user_id,email\n2,\"INVALID_VALUE: ").unwrap();
    for row in ["\",a,\"two\nlines\"\n5,\"INVALID_REQUEST: ", "\",b\n7,\"MISSING_FIELD: ", "\",,d@b.c\n"] {
        assert!(rows.contains(row), "{refused}");
    }
    assert_eq!(tool.project.listed(""), ["c"]);

    let corrected = refused.replace("\"two\nlines\"", "a@b.c").replace(",b\n", ",b,\n").replace(",,d@b.c", ",d,d@b.c");
    tool.write("bad.csv", corrected);
    tool.run(0, "import bad.csv").says("3 users stored");
    assert_eq!(tool.project.listed(""), ["a", "b", "c", "d"]);
}

#[test]
fn a_quote_that_is_never_closed_swallows_nobody_in_silence() {
    let tool = Tool::new();
    tool.write("users.csv", "user_id,properties.name\nu1,\"John\nu2,Jane\nu3,Bob\n");
    tool.run(2, "import users.csv").says("users.csv: the quote that opens in line 2 is never closed");
    assert_eq!(tool.project.listed(""), [""; 0]);
    assert_eq!(tool.files(), ["users.csv"]);

    let rows: String = (0..40_000).map(|i| format!("u{i},\"a name of some length {i}\"\n")).collect();
    tool.write("users.csv", format!("user_id,properties.name\nu,\"John\n{}", rows.replace('"', "")));
    tool.run(2, "import users.csv").says("the quote that opens in line 2 is never closed");
    tool.write("users.csv", format!("user_id,properties.name\nu,\"John\n{}x,\"y\"\n", rows.replace('"', "")));
    tool.run(2, "import users.csv").says("the quote that opens in line 2 is never closed");
    assert_eq!(tool.files(), ["users.csv"]);
}

#[test]
fn a_row_that_is_too_large_is_left_out_of_the_refused_ones_and_said_to_be() {
    let tool = Tool::new();
    tool.write("users.csv", format!("user_id,properties.x\nlarge,\"{}\nx\"\na,1\n", "x".repeat(1_048_576)));
    tool.run(1, "import users.csv").says("1 user stored");
    let refused = tool.read("users.csv.refused.csv");
    assert!(
        refused.contains("\n2,\"PAYLOAD_TOO_LARGE: ") && refused.contains("left out here (lines 2 to 3 of the file)")
    );
    assert!(refused.len() < 500, "{refused:.500}");
}

#[test]
fn what_a_spreadsheet_has_changed_is_refused_until_an_option_says_what_to_do() {
    let tool = Tool::new();
    tool.write("users.csv", "user_id,email\n1.23457E+17,\n'a,'a@b.c\n");
    tool.run(1, "import users.csv").says("0 users stored").says("2 records refused");
    let refused = tool.read("users.csv.refused.csv");
    assert!(refused.contains("(--allow-scientific)") && refused.contains("(--strip-apostrophes, "), "{refused}");
    tool.run(0, "import users.csv.refused.csv --strip-apostrophes --allow-scientific").says("2 users stored");
    assert_eq!(tool.project.listed(""), ["1.23457E+17", "a"]);
}

#[test]
fn refused_records_that_somebody_corrects_are_not_written_over() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"a\"}\n7\n");
    tool.run(1, "import users.ndjson");
    tool.write("users.ndjson.refused.ndjson", "corrected");
    for line in ["import users.ndjson", "import users.ndjson --restart"] {
        tool.run(2, line).says("users.ndjson.refused.ndjson has the refused records of an earlier import");
        assert_eq!(tool.read("users.ndjson.refused.ndjson"), "corrected");
    }
    tool.run(1, "import users.ndjson --refused again.ndjson").says("1 record refused: see again.ndjson");
    let told = tool.run_with_input(1, "import -", "7\n");
    told.says("see stdin.refused.ndjson");
    tool.run_with_input(2, "import -", "7\n").says("stdin.refused.ndjson has the refused records");
}

#[test]
fn the_standard_input_is_imported_and_starts_anew() {
    let (tool, other) = (Tool::new(), Tool::new());
    tool.write("users.csv", "user_id,email\na,a@b.c\nb,b\n");
    let told = tool.run_with_input(1, "import - --format csv", &tool.read("users.csv"));
    told.says("1 user stored").says("1 record refused: see stdin.refused.csv");
    other.run_with_input(0, "import -", &tool.export()).says("1 user stored");
    assert_eq!(other.export(), tool.export());
    assert!(other.files().is_empty());

    let denied = server_that_answers("403 Forbidden", r#"{"code":"INSUFFICIENT_PERMISSIONS","message":"No"}"#);
    let told = tool.run_with_input(1, &format!("import - --batch-size 1 --url {denied}"), "7\n{}\n");
    assert!(!told.stderr.contains("the same command"), "{}", told.stderr);
}

#[test]
fn an_error_that_has_a_code_alone_is_written_down() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"a\"}");
    let results = r#"{"success":false,"results":[{"index":0,"external_id":"a","error":{"code":"INVALID_VALUE"}}]}"#;
    let url = server_that_answers("400 Bad Request", results);
    tool.run(1, &format!("import users.ndjson --url {url}")).says("1 record refused");
    assert_eq!(tool.lines("users.ndjson.refused.ndjson")[0]["error"], json!({"code": "INVALID_VALUE"}));
    let url = server_that_answers("400 Bad Request", r#"{"code":"INVALID_REQUEST"}"#);
    tool.run(1, &format!("import users.ndjson --refused other.ndjson --url {url}"))
        .says("answered 400 INVALID_REQUEST\n");
}

#[test]
fn a_rate_limit_is_obeyed_both_ways() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("BATCH_RATE_LIMIT", "2/1")];
    let server = Server::start(&State::new(), &variables);
    let project = server.project();
    let tool = Tool::on(project);
    let line = |i: u32| json!({"user_id": format!("u{i:04}")}).to_string() + "\n";
    tool.write("users.ndjson", (0..2400).map(line).collect::<String>());
    let begun = Instant::now();
    tool.run(0, "import users.ndjson --batch-size 400").says("s for the rate limit").says("2400 users stored");
    assert!(begun.elapsed().as_millis() >= 1800, "{:?}", begun.elapsed());

    let limits = json!({"rate_limits": {"query": {"limit": 1, "window_seconds": 1}}});
    server.admin(200, "PUT", &format!("/v1/projects/{}", tool.project.name), &limits);
    let exported = tool.run(0, "export");
    exported.says(" s for the rate limit").says("2400 users exported");
    assert_eq!(exported.stdout.lines().count(), 2400);
}
