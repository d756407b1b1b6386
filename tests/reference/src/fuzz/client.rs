//! A client of a Roster in memory, that checks the form of every answer.

use crate::{Clock, Memory, MemoryStore};
use roster::api::{Call, Handled};
use roster::json;
use roster::key::{ApiKey, KeyRecord, Project, Scope};
use roster::placement::Residence;
use roster::time::Timestamp;

/// The only key at first: it may do all.
pub const KEY: &str = "ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYj";
pub const ADMIN_TOKEN: &str = "admin-token-of-the-fuzzer";
/// When the clock begins.
pub const T0: Timestamp = Timestamp::from_ms(1_700_000_000_000);

pub struct Client {
    pub memory: Memory,
}

impl Client {
    pub fn new() -> Self {
        let variable = |name: &str| match name {
            "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
            "RATE_LIMIT" | "BATCH_RATE_LIMIT" => Some("1000000/60".to_owned()),
            _ => None,
        };
        let memory = Memory::new(Clock::at(T0), 7, variable, MemoryStore::new).unwrap();
        let record = KeyRecord {
            id: "key_1".to_owned(),
            name: "fuzz".to_owned(),
            project: Project::default(),
            residence: Residence::default(),
            webhooks: Vec::new(),
            prefix: "ros_0123".to_owned(),
            scopes: Scope::ALL.to_vec(),
            created_at: T0,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        memory.control.add_key(KEY.parse::<ApiKey>().unwrap().hash(), record);
        Client { memory }
    }

    /// Sends a call with the key.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Handled {
        self.send_as(&format!("Bearer {KEY}"), method, target, body).0
    }

    /// Sends a call; answers also how many calls of ports it waited for.
    #[track_caller]
    pub fn send_as(&self, authorization: &str, method: &str, target: &str, body: impl Into<Vec<u8>>) -> (Handled, u32) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: Some(authorization.to_owned()),
            request_id: "request".to_owned(),
            ..Call::default()
        };
        let (handled, hops) = self.memory.handle(&call, body.into());
        check_form(&handled);
        (handled, hops)
    }
}

/// What the contract says of every answer, and that none is our fault.
#[track_caller]
fn check_form(handled: &Handled) {
    let reply = &handled.reply;
    let statuses = [200, 201, 204, 207, 304, 400, 401, 403, 404, 405, 413, 415, 429];
    assert!(statuses.contains(&reply.status), "{handled:?}");
    for name in ["X-Request-Id", "Content-Type", "Cache-Control", "X-Content-Type-Options"] {
        assert_eq!(header(handled, name).len(), 1, "{name}");
    }
    for (name, value) in &reply.headers {
        assert!(value.bytes().all(|b| (b' '..=b'~').contains(&b)), "{name}: {value:?}");
    }
    if reply.status >= 400 {
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["success"], false);
        for name in ["error", "message", "code"] {
            assert!(body[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {body}");
        }
        assert_eq!(body["code"].as_str(), handled.code);
        assert!(body["details"].to_string().len() <= roster::bounds::MAX_DETAILS_BYTES);
    } else if reply.content_type == "application/json" && !reply.body.is_empty() {
        json::parse(reply.body.as_bytes()).unwrap();
    }
}

/// The values of the headers with this name.
pub fn header<'a>(handled: &'a Handled, name: &str) -> Vec<&'a str> {
    handled.reply.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_str()).collect()
}
