//! Walks by the statements of D1 and of objects against the model, answer by answer.

use crate::any::{KEYS, any_field, any_filter, any_user, one};
use fastrand::Rng;
use roster::api::{Call, Reply};
use roster::json::{self, Object, Value};
use roster::store::moving::Places;
use roster::store::objects::ObjectStore;
use roster::store::sql::SqlStore;
use roster::store::{ControlStore, OwnReads, RoutedStore, UserStore};
use roster::time::Timestamp;
use roster_reference::{Clock, LocalObjects, Memory, MemoryStore, Sqlite};
use serde_json::json;
use std::rc::Rc;

const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// One whole Roster, of whatever stores.
trait Roster {
    fn send(&self, call: &Call, body: &str) -> Reply;
}

impl<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static> Roster for Memory<U, C> {
    fn send(&self, call: &Call, body: &str) -> Reply {
        self.handle(call, body.into()).0.reply
    }
}

fn call(method: &str, path: &str, token: &str) -> Call {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (method, path, query) = (method.into(), path.into(), query.into());
    Call { method, path, query, authorization: Some(format!("Bearer {token}")), ..Call::default() }
}

/// The same Roster by the model and by statements: all answer alike.
struct Rosters {
    each: Vec<(Box<dyn Roster>, String)>,
    seed: u64,
}

impl Rosters {
    /// Users in D1, or in so many objects.
    fn new(seed: u64, storage: &serde_json::Value) -> Self {
        let clock = Clock::at(Timestamp::from_ms(1_700_000_000_000));
        let variable = |name: &str| match name {
            "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
            name if name.ends_with("RATE_LIMIT") => Some("1000000/60".to_owned()),
            _ => None,
        };
        let model = Memory::new(clock.clone(), 7, variable, MemoryStore::new).unwrap();
        let statements = Memory::new(clock, 7, variable, |hops| {
            let d1 = Rc::new(SqlStore(Sqlite::new(Rc::clone(hops)).unwrap()));
            let objects = ObjectStore(LocalObjects::new(Rc::clone(hops)));
            (Rc::new(RoutedStore { d1: Rc::clone(&d1), objects }), d1)
        });
        let each: [Box<dyn Roster>; 2] = [Box::new(model), Box::new(statements.unwrap())];
        let with_key = |roster: Box<dyn Roster>| {
            let admin = |method, path, body: serde_json::Value| {
                let reply = roster.send(&call(method, path, ADMIN_TOKEN), &body.to_string());
                serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()
            };
            admin("PUT", "/v1/projects/default", json!({"storage": storage}));
            let key = admin("POST", "/v1/keys", json!({"name": "test"}))["key"].as_str().unwrap().to_owned();
            (roster, key)
        };
        Rosters { each: each.map(with_key).into(), seed }
    }

    /// The answer, which is the same of each.
    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut answers = self.each.iter().map(|(roster, key)| roster.send(&call(method, path, key), body));
        let first = answers.next().unwrap();
        for answer in answers {
            assert_eq!(answer.body, first.body, "SEED={}: {method} {path} {body}", self.seed);
        }
        first
    }

    /// How many users a whole walk examines.
    fn walk(&self, path: &str, members: &str) -> u64 {
        let (mut cursor, mut examined) = (String::new(), 0);
        loop {
            let body = format!("{{{members}{cursor}}}");
            let reply = self.send("POST", path, &body);
            // As text: some numbers are past those of this parser.
            let answer = json::parse_object(reply.body.as_bytes()).unwrap();
            let number = |value: &Value| value.to_string().parse::<u64>().unwrap();
            examined += number(answer.get("examined").unwrap_or_else(|| panic!("{body}: {answer}")));
            match pagination(&answer).get("next_cursor") {
                Some(Value::String(next)) => cursor = format!(",\"cursor\":\"{next}\""),
                _ => return examined,
            }
        }
    }
}

fn pagination<'o, 'a>(answer: &'o Object<'a>) -> &'o Object<'a> {
    answer.get("pagination").and_then(Value::object).unwrap()
}

#[test]
fn statements_walk_as_the_model_does() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut rng = Rng::with_seed(seed);
    let storages = [json!({"kind": "d1"}), json!({"kind": "objects"}), json!({"kind": "objects", "buckets": 4})];
    for storage in storages.iter().cycle().take(12) {
        let rosters = Rosters::new(seed, storage);
        let users: Vec<_> = (0..50).map(|i| any_user(&mut rng, i)).collect();
        for user in &users {
            let body = format!("{{\"user_id\":{},{}", json::string(&user.external_id), &user.profile[1..]);
            rosters.send("POST", "/v1/users", &body);
        }
        for user in &users[..10] {
            rosters.send("DELETE", &format!("/v1/users/{}", roster::input::percent::encode(&user.external_id)), "");
        }
        for _ in 0..15 {
            let (filter, limit) = (any_filter(&mut rng, 2), rng.u32(1..20));
            if rosters.send("POST", "/v1/users/count", &format!("{{\"where\":{filter}}}")).status == 400 {
                continue;
            }
            let filter = format!("\"where\":{filter}");
            let stored = rosters.walk("/v1/users/query", &format!("{filter},\"limit\":{limit}"));
            assert!(stored <= 40, "SEED={seed}: {stored} examined");
            rosters.walk("/v1/users/count", &filter);
            rosters.walk("/v1/users/count", &format!("{filter},\"by\":{}", json::string(&any_field(&mut rng))));
            rosters
                .walk("/v1/users/count", &format!("{filter},\"by\":\"properties.{}\"", escaped(one(&mut rng, &KEYS))));
        }
        rosters.send("GET", "/v1/properties", "");
    }
}

fn escaped(key: &str) -> String {
    let quoted = json::string(key);
    quoted[1..quoted.len() - 1].to_owned()
}
