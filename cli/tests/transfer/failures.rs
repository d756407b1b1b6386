//! What goes wrong, and how it ends.

use crate::fake::{answer, request};
use crate::tool::{Told, Tool};
use roster_harness::Client;
use std::net::TcpListener;
use std::thread;

#[test]
fn wrong_use_is_told_and_sends_nothing() {
    let tool = Tool::new();
    tool.write("users.csv", "user_id,zip\nu,1\n");
    tool.write("users.txt", "");
    tool.write("none.csv", "");
    let secret = "ros_notAKeyButSecret";
    for (line, message) in [
        ("import users.csv", "unknown column \"zip\""),
        ("import users.txt", "Say so with --format"),
        ("import none.csv", "there is no header"),
        ("import absent.csv", "absent.csv: No such file"),
        ("import users.csv --refused users.csv", "must be another"),
        ("import users.csv --refused bad.ndjson", "bad.ndjson is the name of a ndjson file, and the records are csv"),
        ("export --for-spreadsheets", "--for-spreadsheets is for CSV: add --format csv"),
        ("import users.csv --url roster.example.com", "must be http"),
        ("import users.csv --concurrency 0", "0 is not in 1..=64"),
        (&format!("import users.csv --key {secret}"), "a key is ros_ and 38 letters and digits"),
        ("export --format xml", "invalid value 'xml'"),
        ("export --format ndjson --output out.csv", "out.csv is the name of a csv file, and --format says ndjson"),
        ("export --output out", "is out NDJSON or CSV? Say so with --format"),
        ("export --rate 0", "must be 0.001 to 1000 a second"),
        ("", "unrecognized subcommand"),
    ] {
        let told = tool.run(2, line);
        assert!(!told.says(message).stderr.contains(secret), "{}", told.stderr);
    }
    assert_eq!(tool.read("users.csv"), "user_id,zip\nu,1\n");
    assert_eq!(tool.files(), ["none.csv", "users.csv", "users.txt"]);
    for (missing, message) in [("ROSTER_URL", "set ROSTER_URL"), ("ROSTER_KEY", "set ROSTER_KEY")] {
        let output = tool.command("export").env_remove(missing).output().unwrap();
        Told::new(2, &output).says(message);
    }
    let told = tool.run(0, "import --help").stdout;
    assert!(told.contains("properties.KEY") && told.contains("Exit codes") && !told.contains(&tool.project.key));
}

#[test]
fn the_tool_tells_its_name_and_version() {
    assert_eq!(Tool::new().run(0, "--version").stdout, concat!("roster ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_url_that_is_not_the_root_is_asked_about() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"u\"}\n");
    let url = format!("{}/v1", tool.project.server.url);
    for line in ["import users.ndjson", "export"] {
        let told = tool.run(1, &format!("{line} --url {url}"));
        told.says("404 NOT_FOUND").says("is --url the root, without /v1?");
        assert!(!told.stderr.contains("the same command"), "{}", told.stderr);
    }
}

#[test]
fn a_key_that_may_not_write_ends_it_at_once() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"u\"}\n");
    let reader = tool
        .project
        .server
        .key(&serde_json::json!({"name": "reader", "project": tool.project.name, "scopes": ["users:read"]}));
    let told = tool.run(1, &format!("import users.ndjson --key {reader}"));
    assert!(!told.says("403 INSUFFICIENT_PERMISSIONS").stderr.contains("so far"), "{}", told.stderr);
    assert_eq!(tool.files(), ["users.ndjson"]);
}

#[test]
fn failures_of_the_server_and_the_network_are_tried_again() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"u\"}\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let accept = || listener.accept().unwrap().0;
        drop(accept());
        let stream = accept();
        request(&stream);
        answer(&stream, "503 Service Unavailable", r#"{"code":"SERVICE_UNAVAILABLE","message":"Away"}"#);
        let stream = accept();
        request(&stream);
        answer(&stream, "502 Bad Gateway", "<html>");
        let stream = accept();
        assert_eq!(request(&stream), r#"{"users":[{"user_id":"u"}]}"#);
        answer(&stream, "200 OK", r#"{"success":true,"results":[{"index":0,"user_id":"usr_1","created":true}]}"#);
    });
    tool.run(0, &format!("import users.ndjson --url {url}"))
        .says(&format!("no answer from {url}: "))
        .says(" (try 1 of 8); trying again in ")
        .says("503 SERVICE_UNAVAILABLE: Away (try 2 of 8); trying again in 1.")
        .says("502, and not as Roster does: is --url right? (try 3 of 8)")
        .says("1 user stored");
    server.join().unwrap();
}
