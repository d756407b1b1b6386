//! Copies that are written late, behind an answer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use roster::api::{Call, Reply};
use roster::time::Timestamp;
use roster_reference::{Clock, Memory, MemoryStore};
use serde_json::{Value, json};

const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

struct Roster {
    memory: Memory,
    key: String,
}

impl Roster {
    fn new() -> Self {
        let variable = |name: &str| (name == "ADMIN_TOKEN").then(|| ADMIN_TOKEN.to_owned());
        let clock = Clock::at(Timestamp::from_ms(1_700_000_000_000));
        let memory = Memory::new(clock, 7, variable, MemoryStore::new).unwrap();
        let mut roster = Roster { memory, key: ADMIN_TOKEN.into() };
        let made: Value = serde_json::from_str(&roster.send("POST", "/v1/keys", r#"{"name":"test"}"#).body).unwrap();
        roster.key = made["key"].as_str().unwrap().into();
        roster
    }

    /// What it leaves to the background is not done.
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let call = Call {
            method: method.into(),
            path: path.into(),
            authorization: Some(format!("Bearer {}", self.key)),
            cache_control: Some("max-age=3600".into()),
            request_id: "req".into(),
            ..Call::default()
        };
        self.memory.answer(&call, body.into()).0.reply
    }

    fn post(&self, name: &str) {
        let body = json!({"user_id": "u", "properties": {"name": name}}).to_string();
        assert_eq!(self.send("POST", "/v1/users", &body).status, 200);
    }

    /// The name of the user, and whether a copy said it. None: there is no such user.
    fn name(&self) -> Option<(String, bool)> {
        let reply = self.send("GET", "/v1/users/u", "");
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        let name = body["user"]["properties"]["name"].as_str()?.to_owned();
        Some((name, reply.headers.iter().any(|(name, _)| *name == "Age")))
    }
}

#[test]
fn a_copy_of_a_user_who_stands_stands() {
    let roster = Roster::new();
    roster.post("Ann");
    assert_eq!(roster.name(), Some(("Ann".into(), false)));
    roster.post("Ann Lee");
    roster.memory.run_background();
    assert_eq!(roster.name(), Some(("Ann".into(), true)));
}

#[test]
fn a_copy_that_is_written_after_the_deletion_of_its_user_does_not_stand() {
    let roster = Roster::new();
    roster.post("Ann");
    assert_eq!(roster.name(), Some(("Ann".into(), false)));
    assert_eq!(roster.send("DELETE", "/v1/users/u", "").status, 200);
    roster.memory.run_background();
    assert_eq!(roster.name(), None);
}

#[test]
fn a_copy_of_a_user_who_has_gone_does_not_stand_for_the_next_of_that_id() {
    let roster = Roster::new();
    roster.post("Ann");
    assert_eq!(roster.name(), Some(("Ann".into(), false)));
    assert_eq!(roster.send("DELETE", "/v1/users/u", "").status, 200);
    roster.post("Bob");
    roster.memory.run_background();
    assert_eq!(roster.name(), Some(("Bob".into(), false)));
}
