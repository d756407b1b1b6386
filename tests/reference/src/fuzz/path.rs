//! Methods, paths and queries.

use super::client::{Client, header};
use roster::input::{percent, query};
use roster::json::Value;
use roster::user::ExternalId;

const METHODS: [&str; 8] = ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "get"];

/// The first byte chooses the method, the rest is what is sent with it.
pub fn take(input: &[u8]) {
    let Some((choice, target)) = input.split_first() else { return };
    let Ok(target) = std::str::from_utf8(target) else { return };
    let client = Client::new();
    client.send(METHODS[usize::from(choice & 7)], target, "{}");
    client.send("GET", &format!("/v1/users?{target}"), "");

    is_decoded_once(target);
    is_read_as_a_query(target);
    is_an_id_or_none(target, &client);
}

fn is_decoded_once(text: &str) {
    assert_eq!(percent::decode(&percent::encode(text)).as_deref(), Some(text));
    if let Some(decoded) = percent::decode(text) {
        assert!(decoded.len() <= text.len());
        assert!(text.contains('%') || decoded == text);
    }
}

fn is_read_as_a_query(text: &str) {
    let Ok(parameters) = query::parse(text) else { return };
    let mut written = Vec::new();
    for (name, value) in &parameters.members {
        let Value::String(value) = value else { panic!("{value:?}") };
        written.push(format!("{}={}", percent::encode(name), percent::encode(value)));
    }
    assert_eq!(query::parse(&written.join("&")), Ok(parameters));
}

/// A user with any id is found where the answer says, and can be deleted there.
fn is_an_id_or_none(id: &str, client: &Client) {
    let body = serde_json::json!({"user_id": id}).to_string();
    let answer = client.send("POST", "/v1/users", body);
    if id.parse::<ExternalId>().is_err() {
        assert_eq!((answer.reply.status, answer.code), (400, Some("INVALID_VALUE")));
        return;
    }
    assert_eq!(answer.reply.status, 200);
    let place = header(&answer, "Location")[0];
    for (method, status) in [("GET", 200), ("DELETE", 200), ("GET", 404)] {
        let answer = client.send(method, place, "");
        assert_eq!(answer.reply.status, status, "{method} {place}");
    }
}
