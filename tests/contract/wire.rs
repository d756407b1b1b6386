//! Requests byte by byte, as no client library sends them.

use roster_harness::server::shared;
use roster_harness::{ADMIN_TOKEN, Client};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

/// A request as text, with these lines behind the first one.
fn request(line: &str, headers: &[&str]) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n\r\n", headers.join("\r\n")).into_bytes()
}

/// Status and code of a raw answer.
#[track_caller]
fn outcome(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let code = answer.split_once("\"code\":\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    (status.unwrap_or_else(|| panic!("no status: {answer}")), code.to_owned())
}

/// Sends a request as it is, byte by byte, and returns the answer.
fn raw(request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", shared().port)).unwrap();
    // The server may answer and close before all is sent.
    let _ = stream.write_all(request);
    // What waits for more of it waits in vain.
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A POST that does not say its length.
fn chunked(key: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunks =
        body.chunks(16_384).flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    head.into_bytes().into_iter().chain(chunks).chain(*b"0\r\n\r\n").collect()
}

#[test]
fn a_body_that_does_not_say_its_length_has_the_same_limit() {
    let project = shared().project();
    let body =
        |bytes: usize| format!(r#"{{"user_id":"u","properties":{{"k":"{}"}}}}"#, "x".repeat(bytes - 37)).into_bytes();
    let fits = raw(&chunked(&project.key, &body(102_400)));
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
    let over = raw(&chunked(&project.key, &body(102_401)));
    assert!(over.starts_with("HTTP/1.1 413") && over.contains("PAYLOAD_TOO_LARGE"), "{over}");
}

/// The runtime resolves these as every parser of URLs does, before the Worker sees the path.
#[test]
fn an_id_that_is_a_dot_segment_reaches_no_user() {
    let project = shared().project();
    let authorization = format!("Authorization: Bearer {}", project.key);
    for id in [".", "..", "%2E", "%2e%2E", ".%2e"] {
        for method in ["GET", "DELETE"] {
            let answer = raw(&request(&format!("{method} /v1/users/{id}"), &[&authorization]));
            assert_eq!(outcome(&answer), (404, "NOT_FOUND".into()), "{method} {id}");
        }
    }
}

#[test]
fn of_two_authorizations_none_is_believed() {
    let project = shared().project();
    let (key, admin) = (format!("Bearer {}", project.key), format!("Bearer {ADMIN_TOKEN}"));
    for (path, first, second) in [
        ("/v1/users", key.as_str(), "Bearer x"),
        ("/v1/users", "Bearer x", &key),
        ("/v1/users", &key, &key),
        ("/v1/users", &key, &admin),
        ("/v1/keys", &admin, &key),
        ("/v1/keys", &key, &admin),
        ("/v1/keys", &admin, &admin),
    ] {
        let twice = [format!("Authorization: {first}"), format!("authorization: {second}")];
        let joined = [format!("Authorization: {first}, {second}")];
        for headers in [&twice[..], &joined] {
            let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            let answer = raw(&request(&format!("GET {path}"), &headers));
            assert_eq!(outcome(&answer), (401, "INVALID_API_KEY".into()), "{path} {headers:?}");
        }
    }
}

#[test]
fn odd_paths_name_what_they_say_or_nothing() {
    let project = shared().project();
    project.post(200, &json!({"user_id": "a/../b"}));
    let key = format!("Authorization: Bearer {}", project.key);
    for (path, status, code) in [
        // URLs resolve these before anybody routes them: they are the admin's list of keys, for the admin alone.
        ("/v1/users/%2e%2e/keys", 401, "INVALID_API_KEY"),
        ("/v1/users/../keys", 401, "INVALID_API_KEY"),
        ("/v1/users/.%2E/keys", 401, "INVALID_API_KEY"),
        ("/v1/users/..%2fkeys", 404, "USER_NOT_FOUND"),
        ("/v1/users/%2e%2e%2fkeys", 404, "USER_NOT_FOUND"),
        ("/v1/users/a%2F..%2Fb", 200, ""),
        ("/v1/users/a%252F..%252Fb", 404, "USER_NOT_FOUND"),
        ("/v1/users/%00", 400, "INVALID_VALUE"),
        ("/v1/users/u%0d%0aX-Evil:%201", 400, "INVALID_VALUE"),
        ("/v1/users/%ff", 400, "INVALID_VALUE"),
        ("/v1/users/%", 400, "INVALID_VALUE"),
        ("/v1/users/%20", 400, "INVALID_VALUE"),
        ("/v1/users%00", 404, "NOT_FOUND"),
        ("/v1/users%2fu", 404, "NOT_FOUND"),
        ("/v1/%75sers", 404, "NOT_FOUND"),
        ("//v1/users", 404, "NOT_FOUND"),
        ("/v1//users", 404, "NOT_FOUND"),
        ("/v1/users/", 404, "NOT_FOUND"),
        ("/v1/users;admin=1", 404, "NOT_FOUND"),
        ("/v1/users?limit=1&limit=2", 400, "INVALID_REQUEST"),
        ("/v1/users?_method=DELETE", 400, "UNKNOWN_FIELD"),
        ("/v1/users?api_key=x", 400, "UNKNOWN_FIELD"),
        ("/v1/users?limit=1e1", 400, "INVALID_VALUE"),
        ("/v1/users?limit=08", 400, "INVALID_VALUE"),
        ("/v1/users?limit=%2B5", 400, "INVALID_VALUE"),
    ] {
        assert_eq!(outcome(&raw(&request(&format!("GET {path}"), &[&key]))), (status, code.into()), "{path}");
    }
}

#[test]
fn no_header_makes_another_request_of_it() {
    let project = shared().project();
    project.post(200, &json!({"user_id": "u"}));
    let key = format!("Authorization: Bearer {}", project.key);
    for header in [
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /v1/keys",
        "X-Rewrite-URL: /v1/keys",
        "X-Forwarded-Prefix: /v1/keys",
        "X-Forwarded-For: 127.0.0.1",
        "X-Request-Id: mine",
        "X-Project: default",
    ] {
        let answer = raw(&request("GET /v1/users/u", &[&key, header]));
        assert_eq!(outcome(&answer).0, 200, "{header}");
        assert!(answer.contains("\"external_id\":\"u\"") && !answer.contains("mine"), "{header}");
    }
    // Absolute-form (RFC 9112 section 3.2.2): the host is not ours to judge, the path is.
    for (line, status) in
        [("GET http://elsewhere.example/v1/users/u", 200), ("GET http://elsewhere.example/v1/keys", 401)]
    {
        assert_eq!(outcome(&raw(&request(line, &[&key]))).0, status, "{line}");
    }
    project.get(200, "/v1/users/u");
}

/// Those without a code are refused before the Worker.
#[test]
fn requests_that_are_none_are_refused_and_do_not_hurt() {
    let project = shared().project();
    let key = format!("Authorization: Bearer {}", project.key);
    let long = "x".repeat(65_536);
    let framed_twice = request("POST /v1/users", &[&key, "Content-Length: 5", "Transfer-Encoding: chunked"]);
    for (name, request, expected) in [
        ("64 KiB of header", request("GET /v1/users", &[&key, &format!("X-Long: {long}")]), (200, "")),
        (
            "64 KiB of token",
            request("GET /v1/users", &[&format!("Authorization: Bearer ros_{long}")]),
            (401, "INVALID_API_KEY"),
        ),
        ("64 KiB of path", request(&format!("GET /v1/users/{long}"), &[&key]), (414, "")),
        ("15 KB of path", request(&format!("GET /v1/users/{}", &long[..15_000]), &[&key]), (400, "INVALID_VALUE")),
        ("two lengths", request("POST /v1/users", &[&key, "Content-Length: 1", "Content-Length: 2"]), (400, "")),
        ("a length and chunks", [framed_twice, b"0\r\n\r\n".to_vec()].concat(), (400, "INVALID_REQUEST")),
        ("a negative length", request("POST /v1/users", &[&key, "Content-Length: -1"]), (400, "")),
        ("a huge length", request("POST /v1/users", &[&key, "Content-Length: 99999999999999999999"]), (400, "")),
        (
            "a token of other letters",
            request("GET /v1/users", &["Authorization: Bearer \u{e9}\u{1f600}"]),
            (401, "INVALID_API_KEY"),
        ),
        ("a NUL in a header", request("GET /v1/users", &["Authorization: Bearer \u{0}"]), (400, "")),
        ("a method in lower case", request("get /v1/users", &[&key]), (501, "")),
        ("a method of a NUL", request("\u{0} /v1/users", &[&key]), (400, "")),
        ("a path without a slash", request("GET v1/users", &[&key]), (400, "")),
        ("another protocol", b"\x16\x03\x01\x02\x00".to_vec(), (400, "")),
    ] {
        let (status, code) = outcome(&raw(&request));
        assert_eq!((status, code.as_str()), expected, "{name}");
    }
    project.post(200, &json!({"user_id": "u"}));
}
