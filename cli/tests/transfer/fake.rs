//! A server that answers as a test wants.

use crate::tool::Told;
use roster_harness::ADMIN_TOKEN;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

/// Reads one request, and answers its body.
pub fn request(stream: &TcpStream) -> String {
    call(stream).1
}

/// Reads one request. Answers its method and path, and its body.
fn call(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
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
    (first.trim_end().trim_end_matches(" HTTP/1.1").into(), String::from_utf8(body).unwrap())
}

pub fn answer(mut stream: &TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
}

/// The URL of a server that gives every request the same answer.
pub fn server_that_answers(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            request(&stream);
            answer(&stream, status, body);
        }
    });
    url
}

/// Runs the tool as an admin of a server that expects these calls, one after the other, and answers each with a status and a body.
/// A call is method and path, and a space and the body if it has one.
#[track_caller]
pub fn run_as_admin(expected: i32, line: &str, calls: &'static [(&'static str, &'static str, &'static str)]) -> Told {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for (made, status, body) in calls {
            let stream = listener.accept().unwrap().0;
            let (first, sent) = call(&stream);
            assert_eq!(format!("{first} {sent}").trim_end(), *made);
            answer(&stream, status, body);
        }
    });
    let told = Told::new(expected, &admin(&url, line).output().unwrap());
    server.join().unwrap();
    told
}

/// The tool as an admin of this server.
pub fn admin(url: &str, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
    command.args(line.split(' ')).env("ROSTER_URL", url).env("ROSTER_ADMIN_TOKEN", ADMIN_TOKEN);
    command
}
