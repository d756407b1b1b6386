//! Bodies that no honest client sends, and some that an unlucky one does.

use crate::client::project;
use crate::server::shared;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn hostile_bodies_are_refused_by_name_and_none_is_stored() {
    let project = project();
    let with = |value: &str| format!(r#"{{"user_id":"u","properties":{{"k":{value}}}}}"#).into_bytes();
    let nested = |levels: usize| with(&("[".repeat(levels) + &"]".repeat(levels)));
    let long_key = format!(r#"{{"user_id":"u","properties":{{"{}":1}}}}"#, "k".repeat(129)).into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("empty", b"".to_vec(), "INVALID_REQUEST", "The body is empty; a JSON object is expected"),
        ("white space", b" \n ".to_vec(), "INVALID_REQUEST", "Invalid JSON: unexpected end at line 2, column 2"),
        ("null", b"null".to_vec(), "INVALID_REQUEST", "The body must be a JSON object, not null"),
        ("array", b"[]".to_vec(), "INVALID_REQUEST", "The body must be a JSON object, not array"),
        ("string", b"\"{}\"".to_vec(), "INVALID_REQUEST", "The body must be a JSON object, not string"),
        (
            "truncated",
            b"{\"user_id\":\"u".to_vec(),
            "INVALID_REQUEST",
            "Invalid JSON: unexpected end at line 1, column 14",
        ),
        (
            "two documents",
            b"{\"user_id\":\"u\"}{}".to_vec(),
            "INVALID_REQUEST",
            "Invalid JSON: expected nothing more at line 1, column 16",
        ),
        (
            "trailing comma",
            b"{\"user_id\":\"u\",}".to_vec(),
            "INVALID_REQUEST",
            "Invalid JSON: expected a member name in double quotes at line 1, column 16",
        ),
        ("NaN", with("NaN"), "INVALID_REQUEST", "Invalid JSON: expected a value at line 1, column 34"),
        (
            "byte order mark",
            b"\xef\xbb\xbf{\"user_id\":\"u\"}".to_vec(),
            "INVALID_REQUEST",
            "Invalid JSON: byte order mark at line 1, column 1",
        ),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), "INVALID_REQUEST", "Invalid JSON: invalid UTF-8 at line 1, column 1"),
        (
            "wrong UTF-8",
            with("\"\u{0}\"").iter().map(|b| if *b == 0 { 0xc3 } else { *b }).collect(),
            "INVALID_REQUEST",
            "Invalid JSON: invalid UTF-8 at line 1, column 35",
        ),
        (
            "NUL byte",
            with("\"\u{0}\""),
            "INVALID_REQUEST",
            "Invalid JSON: control character in a string at line 1, column 35",
        ),
        (
            "lone surrogate",
            with(r#""\ud800""#),
            "INVALID_REQUEST",
            "Invalid JSON: lone surrogate in a string at line 1, column 36",
        ),
        (
            "lone low surrogate in a key",
            br#"{"user_id":"u","properties":{"\udc00":1}}"#.to_vec(),
            "INVALID_REQUEST",
            "Invalid JSON: lone surrogate in a string at line 1, column 32",
        ),
        ("two user_ids", br#"{"user_id":"u","user_id":"v"}"#.to_vec(), "INVALID_REQUEST", "Repeated field: user_id"),
        ("two equal keys", with(r#"{"a":1,"\u0061":2}"#), "INVALID_REQUEST", "Repeated field: /properties/k/a"),
        ("9 levels", nested(9), "INVALID_VALUE", "Invalid value for field: /properties/k/0/0/0/0/0/0/0/0"),
        ("129 levels", nested(129), "INVALID_VALUE", "Invalid value for field: /properties/k/0/0/0/0/0/0/0/0"),
        ("50,000 levels", nested(50_000), "INVALID_VALUE", "Invalid value for field: /properties/k/0/0/0/0/0/0/0/0"),
        ("a key of 129 characters", long_key, "INVALID_VALUE", ""),
        ("a NUL in user_id", br#"{"user_id":"u\u0000"}"#.to_vec(), "INVALID_VALUE", "Invalid value for field: user_id"),
        ("__proto__", br#"{"user_id":"u","__proto__":{}}"#.to_vec(), "UNKNOWN_FIELD", "Unknown field: __proto__"),
    ];
    for (name, body, code, message) in cases {
        let answer = project.post_bytes(400, &body);
        assert_eq!(answer.code(), code, "{name}");
        if !message.is_empty() {
            assert_eq!(answer.json()["message"], message, "{name}");
        }
    }
    project.get(404, "/v1/users/u");
}

#[test]
fn odd_bodies_that_are_right_are_stored() {
    let project = project();
    let key = "k".repeat(128);
    for value in [
        "1e400",
        "-1e-400",
        "123456789012345678901234567890123456789012345678901234567890",
        r#""\u0000""#,
        "[[[[[[[[]]]]]]]]",
    ] {
        project.post_bytes(
            200,
            format!("\r\n\t {{\"user_id\":\"u\",\"properties\":{{\"{key}\":{value},\"__proto__\":{{}}}}}} \n"),
        );
        assert!(project.stored("u").contains(&format!("\"{key}\":{value}")), "{value}");
    }
}

#[test]
fn a_flood_of_faults_gets_a_bounded_answer() {
    let many: String = (0..9000).map(|i| format!(",\"x{i}\":1")).collect();
    let answer = project().post_bytes(400, format!("{{\"user_id\":\"u\"{many}}}"));
    assert_eq!(answer.places().len(), 100);
}

/// Sends a request byte by byte as given and returns the answer.
fn raw(request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", shared().port)).unwrap();
    // The server may answer and close before all is sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A POST whose length the client does not tell.
fn chunked(key: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunks =
        body.chunks(16_384).flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    head.into_bytes().into_iter().chain(chunks).chain(*b"0\r\n\r\n").collect()
}

#[test]
fn a_body_whose_length_is_not_told_has_the_same_limit() {
    let project = project();
    let body =
        |bytes: usize| format!(r#"{{"user_id":"u","properties":{{"k":"{}"}}}}"#, "x".repeat(bytes - 37)).into_bytes();
    let fits = raw(&chunked(&project.key, &body(102_400)));
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
    let over = raw(&chunked(&project.key, &body(102_401)));
    assert!(over.starts_with("HTTP/1.1 413") && over.contains("PAYLOAD_TOO_LARGE"), "{over}");
}
