//! What goes wrong, and how it ends.

use crate::tool::Tool;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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
        ("import users.csv --url roster.example.com", "must be http"),
        ("import users.csv --concurrency 0", "0 is not in 1..=64"),
        (&format!("import users.csv --key {secret}"), "a key is ros_ and 38 letters and digits"),
        ("export --format xml", "invalid value 'xml'"),
        ("", "unrecognized subcommand"),
    ] {
        let told = tool.run(2, line);
        assert!(!told.says(message).stderr.contains(secret), "{}", told.stderr);
    }
    assert_eq!(tool.read("users.csv"), "user_id,zip\nu,1\n");
    let told = tool.run(0, "import --help").stdout;
    assert!(told.contains("properties.KEY") && told.contains("Exit codes") && !told.contains(&tool.project.key));
}

#[test]
fn a_key_that_may_not_write_ends_it_at_once() {
    let tool = Tool::new();
    tool.write("users.ndjson", "{\"user_id\":\"u\"}\n");
    let reader = tool
        .project
        .server
        .key(&serde_json::json!({"name": "reader", "project": tool.project.name, "scopes": ["users:read"]}));
    tool.run(1, &format!("import users.ndjson --key {reader}")).says("403 INSUFFICIENT_PERMISSIONS");
}

/// Reads one request, and answers its body.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn answer(mut stream: &TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
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
        .says("no answer")
        .says("503 SERVICE_UNAVAILABLE: Away; trying again in 1.")
        .says("502, and not as Roster does")
        .says("1 users stored");
    server.join().unwrap();
}
