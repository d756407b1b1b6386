//! The cursor of a list: any text in its place, and walks that are led by true ones.

use super::client::{Client, T0};
use roster::api::Handled;
use roster::input::percent;
use roster::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

const FILTERS: [&str; 4] = ["", "&email=a@b.c&phone=%2B123", "&email=a@b.c", "&phone=%2B123"];

/// The first byte chooses: a cursor as it is, or a walk through the users that the rest names.
pub fn take(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    let filter = FILTERS[usize::from(choice >> 1 & 3)];
    match std::str::from_utf8(rest) {
        Ok(text) if choice & 1 == 0 => is_a_cursor_or_none(text, filter),
        Ok(ids) => is_walked_through(ids, filter, (choice >> 3 & 7) + 1),
        Err(_) => {}
    }
}

fn list(client: &Client, cursor: &str, filter: &str, limit: u8) -> Handled {
    client.send("GET", &format!("/v1/users?cursor={}{filter}&limit={limit}", percent::encode(cursor)), "")
}

fn is_a_cursor_or_none(text: &str, filter: &str) {
    let answer = list(&Client::new(), text, filter, 1);
    match answer.reply.status {
        200 => assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{text}"),
        status => assert_eq!((status, answer.code), (400, Some("INVALID_VALUE"))),
    }
}

/// Users with an id a line are met once each, in their order.
fn is_walked_through(ids: &str, filter: &str, limit: u8) {
    let client = Client::new();
    let mut expected = BTreeSet::new();
    for (n, id) in (0..).zip(ids.lines().take(20)) {
        let now = T0.as_ms() + n / 2;
        client.memory.clock.set(Timestamp::from_ms(now));
        let body = serde_json::json!({"user_id": id, "email": "a@b.c", "phone": "+123", "properties": {"n": n}});
        if client.send("POST", "/v1/users", body.to_string()).reply.status == 200 {
            expected.insert(id);
        }
    }

    let mut met = Vec::new();
    let mut answer = client.send("GET", &format!("/v1/users?limit={limit}{filter}"), "");
    loop {
        let page: Value = serde_json::from_str(&answer.reply.body).unwrap();
        let users = page["users"].as_array().unwrap();
        assert!(users.len() <= usize::from(limit));
        met.extend(users.iter().map(|user| user["external_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        assert_eq!(page["pagination"]["has_more"], true);
        answer = list(&client, cursor, filter, limit);
        assert_eq!(answer.reply.status, 200, "{cursor}");

        for other in FILTERS {
            assert!(other == filter || list(&client, cursor, other, limit).reply.status == 400, "{other}");
        }
        let at = met.len() % cursor.len();
        let other = if cursor.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = [&cursor[..at], other, &cursor[at + 1..]].concat();
        assert_eq!(list(&client, &changed, filter, limit).reply.status, 400, "{changed}");
    }
    assert_eq!(met, expected.into_iter().collect::<Vec<_>>());
}
