//! Bodies that no honest client sends, and some that an unlucky one does.

use crate::client::project;
use crate::server::{ADMIN_TOKEN, shared};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

fn with(value: &str) -> Vec<u8> {
    format!(r#"{{"user_id":"u","properties":{{"k":{value}}}}}"#).into_bytes()
}

#[test]
fn what_is_no_json_object_is_told_what_it_is_and_where() {
    let project = project();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", b"".to_vec(), "The body is empty; a JSON object is expected"),
        ("white space", b" \n ".to_vec(), "Invalid JSON: unexpected end at line 2, column 2"),
        ("null", b"null".to_vec(), "The body must be a JSON object, not null"),
        ("array", b"[]".to_vec(), "The body must be a JSON object, not array"),
        ("string", b"\"{}\"".to_vec(), "The body must be a JSON object, not string"),
        ("truncated", b"{\"user_id\":\"u".to_vec(), "Invalid JSON: unexpected end at line 1, column 14"),
        (
            "two documents",
            b"{\"user_id\":\"u\"}{}".to_vec(),
            "Invalid JSON: unexpected trailing characters at line 1, column 16",
        ),
        (
            "trailing comma",
            b"{\"user_id\":\"u\",}".to_vec(),
            "Invalid JSON: trailing comma at line 1, column 16; remove it",
        ),
        ("NaN", with("NaN"), "Invalid JSON: NaN is not JSON at line 1, column 34; write null, or a string"),
        (
            "byte order mark",
            b"\xef\xbb\xbf{\"user_id\":\"u\"}".to_vec(),
            "Invalid JSON: byte order mark at line 1, column 1; send UTF-8 without one",
        ),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), "Invalid JSON: UTF-16 or UTF-32 at line 1, column 1; send UTF-8"),
        (
            "wrong UTF-8",
            with("\"\u{0}\"").iter().map(|b| if *b == 0 { 0xc3 } else { *b }).collect(),
            "Invalid JSON: invalid UTF-8 at line 1, column 35",
        ),
        (
            "NUL byte",
            with("\"\u{0}\""),
            "Invalid JSON: control character in a string at line 1, column 35; write \\u and four digits",
        ),
        ("lone surrogate", with(r#""\ud800""#), "Invalid JSON: lone surrogate in a string at line 1, column 36"),
        (
            "lone low surrogate in a key",
            br#"{"user_id":"u","properties":{"\udc00":1}}"#.to_vec(),
            "Invalid JSON: lone surrogate in a string at line 1, column 32",
        ),
        (
            "a leading zero",
            with("01234"),
            "Invalid JSON: a number must not begin with 0 at line 1, column 35; leave it out, or send a string",
        ),
        (
            "a raw newline",
            with("\"a\nb\""),
            "Invalid JSON: line break in a string at line 1, column 36; write \\n, or end it with `\"`",
        ),
        (
            "gzip that is not said to be",
            b"\x1f\x8b\x08\0".to_vec(),
            "Invalid JSON: gzip data at line 1, column 1; say so with `Content-Encoding: gzip`",
        ),
    ];
    for (name, body, message) in cases {
        let answer = project.post_bytes(400, &body);
        assert_eq!(
            (answer.code().as_str(), answer.json()["message"].as_str()),
            ("INVALID_REQUEST", Some(message)),
            "{name}"
        );
    }
    project.get(404, "/v1/users/u");
}

#[test]
fn hostile_bodies_are_refused_by_name_and_none_is_stored() {
    let project = project();
    let nested = |levels: usize| with(&("[".repeat(levels) + &"]".repeat(levels)));
    let members = |n: usize| {
        let members: Vec<String> = (0..n).map(|i| format!("\"{i:x}\":0")).collect();
        with(&format!("{{{}}}", members.join(",")))
    };
    let long_key = format!(r#"{{"user_id":"u","properties":{{"{}":1}}}}"#, "k".repeat(129)).into_bytes();
    let long_key_message = format!("Invalid value for field: /properties/{}", "k".repeat(129));
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("the id .", br#"{"user_id":"."}"#.to_vec(), "INVALID_VALUE", "Invalid value for field: user_id"),
        ("the id ..", br#"{"user_id":".."}"#.to_vec(), "INVALID_VALUE", "Invalid value for field: user_id"),
        ("U+FEFF at an end", "{\"user_id\":\"u\u{feff}\"}".into(), "INVALID_VALUE", "Invalid value for field: user_id"),
        ("301 members", members(301), "INVALID_VALUE", "Invalid value for field: /properties/k"),
        ("11,000 members", members(11_000), "INVALID_VALUE", "Invalid value for field: /properties/k"),
        ("two user_ids", br#"{"user_id":"u","user_id":"v"}"#.to_vec(), "INVALID_REQUEST", "Duplicate field: user_id"),
        ("two equal keys", with(r#"{"a":1,"\u0061":2}"#), "INVALID_REQUEST", "Duplicate field: /properties/k/a"),
        ("9 levels", nested(9), "INVALID_VALUE", "Invalid value for field: /properties/k/0/0/0/0/0/0/0/0"),
        ("129 levels", nested(129), "INVALID_VALUE", "Invalid value for field: /properties/k/0/0/0/0/0/0/0/0"),
        ("50,000 levels", nested(50_000), "INVALID_VALUE", "Invalid value for field: /properties/k/0/0/0/0/0/0/0/0"),
        ("a key of 129 characters", long_key, "INVALID_VALUE", &long_key_message),
        (
            "a NUL in a key",
            with(r#"{"a\u0000b":1}"#),
            "INVALID_VALUE",
            "Invalid value for field: /properties/k/a\u{0}b",
        ),
        ("a NUL in user_id", br#"{"user_id":"u\u0000"}"#.to_vec(), "INVALID_VALUE", "Invalid value for field: user_id"),
        ("__proto__", br#"{"user_id":"u","__proto__":{}}"#.to_vec(), "UNKNOWN_FIELD", "Unknown field: __proto__"),
    ];
    for (name, body, code, message) in cases {
        let answer = project.post_bytes(400, &body);
        assert_eq!((answer.code().as_str(), answer.json()["message"].as_str()), (code, Some(message)), "{name}");
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
    assert_eq!(answer.json()["details"]["more"], 8900);
}

#[test]
fn no_body_brings_back_more_than_32_kib_of_details() {
    let project = project();
    let long: String = (0..250).map(|i| format!(",\"{i}{}\":1", "\\u0001".repeat(300 + i % 3))).collect();
    let deep: String = (0..100).map(|i| format!(",\"{}{i}\":1", "😀".repeat(129))).collect();
    let bodies = [
        format!(r#"{{"user_id":"u"{}}}"#, &long[..100_000 - 100_000 % 7].rsplit_once(",\"").unwrap().0),
        format!(r#"{{"user_id":"u","properties":{{"{}":{{"k":1{deep}}}}}}}"#, "😀".repeat(128)),
    ];
    for body in bodies {
        let answer = project.post_bytes(400, &body);
        let details = answer.json()["details"].to_string();
        assert!(details.len() <= 32_768 && answer.text.len() < 36_000, "{}", answer.text.len());
        let errors = answer.json()["details"]["errors"].as_array().unwrap().len() as u64;
        assert!(errors > 10 && answer.json()["details"]["more"].as_u64().is_some_and(|more| more > 0), "{errors}");
        let of = format!(r#"{{"users":[{}]}}"#, vec![body; 9].join(","));
        let batch = project.call("POST", 400, "/v1/users/batch", of);
        assert!(batch.text.len() < 40_000, "{}", batch.text.len());
        assert_eq!(batch.json()["results"][8]["error"].as_object().unwrap().len(), 1, "the code alone");
    }
    let name = "n".repeat(90_000);
    let answer = project.post_bytes(400, format!(r#"{{"user_id":"u","{name}":1}}"#));
    assert_eq!(answer.json()["details"]["field"], format!("{}…", &name[..200]));
    assert!(answer.text.len() < 1000, "{}", answer.text);
}

/// Of gzip (RFC 1952), the body stored as it is.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_body_may_be_packed_and_its_limit_counts_what_comes_out() {
    let project = project();
    let bearer = format!("Bearer {}", project.key);
    let send = |path: &str, encoding: &str, body: &[u8]| {
        shared().call("POST", path, &[("Authorization", &bearer), ("Content-Encoding", encoding)], body)
    };
    let body =
        |bytes: usize| format!(r#"{{"user_id":"u","properties":{{"k":"{}"}}}}"#, "x".repeat(bytes - 37)).into_bytes();
    for (encoding, sent) in [
        ("gzip", gzip(&body(102_400))),
        ("GZIP", gzip(&body(100))),
        ("x-gzip", gzip(&body(99))),
        ("identity", body(98)),
    ] {
        assert_eq!(send("/v1/users", encoding, &sent).status, 200, "{encoding}");
        assert_eq!(send("/users", encoding, &sent).status, 200, "{encoding}");
    }
    assert!(project.stored("u").contains("\"k\":\"xxx"));
    let batch = gzip(br#"{"users":[{"user_id":"v","properties":{"cents":1.10}}]}"#);
    assert_eq!(send("/v1/users/batch", "gzip", &batch).status, 200);
    assert!(project.stored("v").contains("1.10"));

    // Half a gigabyte in half a megabyte.
    for bytes in [102_401, 500_000_000] {
        let packed = if bytes < 1_000_000 { gzip(&body(bytes)) } else { gzip(&vec![b' '; bytes]) };
        let answer = send("/v1/users", "gzip", &packed);
        assert_eq!((answer.status, answer.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    }
    let whole = gzip(&body(100));
    let message = "The body is not one whole gzip member, though Content-Encoding says gzip";
    for broken in [&body(100), &whole[..whole.len() - 9], &[&whole[..], b"x"].concat(), &[&whole[..], &whole].concat()]
    {
        let answer = send("/v1/users", "gzip", broken);
        assert_eq!((answer.status, answer.json()["message"].as_str()), (400, Some(message)));
    }
    for encoding in ["banana", "br", "gzip, gzip", "deflate"] {
        for path in ["/v1/users", "/v1/users/batch"] {
            let answer = send(path, encoding, &whole);
            assert_eq!((answer.status, answer.code().as_str()), (415, "UNSUPPORTED_ENCODING"), "{encoding}");
            assert_eq!(answer.header("accept-encoding"), "gzip");
        }
    }
}

/// A request as text, with the lines given behind the first one.
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

/// Sends a request byte by byte as given and returns the answer.
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

#[test]
fn of_two_authorizations_none_is_believed() {
    let project = project();
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
    let project = project();
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
    let project = project();
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
    let project = project();
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
