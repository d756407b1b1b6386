//! Bodies that no honest client sends, and some that an unlucky one does.

use roster_harness::{Client, project, shared};
use std::io::Write;

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
pub fn gzip(body: &[u8]) -> Vec<u8> {
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
