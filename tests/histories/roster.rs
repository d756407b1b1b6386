//! One whole Roster in memory, of whatever stores.

use roster::api::{Call, Reply};
use roster::store::moving::Places;
use roster::store::objects::ObjectStore;
use roster::store::sql::SqlStore;
use roster::store::{ControlStore, OwnReads, RoutedStore, UserStore};
use roster_reference::{Clock, LocalObjects, Memory, MemoryStore, Sqlite};
use serde_json::{Value, json};
use std::rc::Rc;

/// The moment at which a history begins, in milliseconds.
pub const T0: u64 = 1_700_000_000_000;

const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

pub trait Roster {
    fn send(&self, call: &Call, body: &str) -> Reply;
}

impl<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static> Roster for Memory<U, C> {
    fn send(&self, call: &Call, body: &str) -> Reply {
        self.handle(call, body.into()).0.reply
    }
}

/// A Roster, and a key of the project `default` whose settings say where its users live. None: in the model.
pub fn roster(clock: &Clock, project: Option<&Value>) -> (Box<dyn Roster>, String) {
    let variable = |name: &str| match name {
        "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
        "RATE_LIMIT" | "BATCH_RATE_LIMIT" => Some("1000000/60".to_owned()),
        _ => None,
    };
    let clock = clock.clone();
    let roster: Box<dyn Roster> = match project {
        None => Box::new(Memory::new(clock, 7, variable, MemoryStore::new).unwrap()),
        Some(_) => Box::new(
            Memory::new(clock, 7, variable, |hops| {
                let d1 = Rc::new(SqlStore(Sqlite::new(Rc::clone(hops)).unwrap()));
                let objects = ObjectStore(LocalObjects::new(Rc::clone(hops)));
                (Rc::new(RoutedStore { d1: Rc::clone(&d1), objects }), d1)
            })
            .unwrap(),
        ),
    };
    let admin = |method: &str, path: &str, body: &Value| {
        let reply = roster.send(&call(method, path, ADMIN_TOKEN), &body.to_string());
        assert!(reply.status < 300, "{}", reply.body);
        serde_json::from_str::<Value>(&reply.body).unwrap()
    };
    if let Some(project) = project {
        admin("PUT", "/v1/projects/default", project);
    }
    let key = admin("POST", "/v1/keys", &json!({"name": "test"}))["key"].as_str().unwrap().to_owned();
    (roster, key)
}

/// The settings of a project in so many objects.
pub fn objects(buckets: u8) -> Value {
    json!({"storage": {"kind": "objects", "buckets": buckets}})
}

pub fn call(method: &str, path: &str, token: &str) -> Call {
    Call {
        method: method.into(),
        path: path.into(),
        authorization: Some(format!("Bearer {token}")),
        request_id: "req".into(),
        ..Call::default()
    }
}

pub fn seed() -> u64 {
    std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap())
}
