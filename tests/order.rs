//! Bodies with `as_of`: the statements of D1 and of objects against the model, answer by answer, and the promise that the
//! order of arrival makes no difference.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fastrand::Rng;
use roster::api::{Call, Reply};
use roster::json::{self, Object, Value};
use roster::store::objects::ObjectStore;
use roster::store::sql::{self, SqlStore, Statement};
use roster::store::{ControlStore, RoutedStore, UserStore};
use roster::time::Timestamp;
use roster_reference::{Clock, LocalObjects, Memory, MemoryStore, Sqlite};
use serde_json::json;
use std::rc::Rc;

const ADMIN_TOKEN: &str = "admin-token-of-the-tests";
const T0: u64 = 1_700_000_000_000;

const KEYS: [&str; 8] = ["a", "b", "a.b", "\"", "p/a", "é\n", "$", "\\u0061"];
const VALUES: [&str; 12] = [
    "null",
    "null",
    "1.10",
    "12345678901234567890123",
    "-0.0",
    "\"s\"",
    "[null,{\"x\":null}]",
    "{}",
    "{\"x\":1}",
    "{\"x\":{\"y\":null,\"z\":[1.0]}}",
    "{\"y\":2}",
    "true",
];

/// One whole Roster, of whatever stores.
trait Roster {
    fn send(&self, call: &Call, body: &str) -> Reply;
}

impl<U: UserStore + 'static, C: ControlStore + 'static> Roster for Memory<U, C> {
    fn send(&self, call: &Call, body: &str) -> Reply {
        self.handle(call, body.into()).0.reply
    }
}

/// The same Roster by the model, by D1's statements and by those of objects: all answer alike.
struct Rosters {
    clock: Clock,
    each: Vec<(&'static str, Box<dyn Roster>, String)>,
    seed: u64,
}

impl Rosters {
    fn new(seed: u64) -> Self {
        let clock = Clock::at(Timestamp::from_ms(T0));
        let mut rosters = Rosters { clock: clock.clone(), each: Vec::new(), seed };
        let variable = |name: &str| match name {
            "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
            "RATE_LIMIT" | "BATCH_RATE_LIMIT" => Some("1000000/60".to_owned()),
            _ => None,
        };
        rosters.add("model", &json!({}), Memory::new(clock.clone(), 7, variable, MemoryStore::new).unwrap());
        for (name, storage) in [("D1", json!({})), ("objects", json!({"storage": {"kind": "objects"}}))] {
            let memory = Memory::new(clock.clone(), 7, variable, |hops| {
                let d1 = Rc::new(SqlStore(Sqlite::new(Rc::clone(hops)).unwrap()));
                let objects = ObjectStore(LocalObjects::new(Rc::clone(hops)));
                (Rc::new(RoutedStore { d1: Rc::clone(&d1), objects }), d1)
            });
            rosters.add(name, &storage, memory.unwrap());
        }
        rosters
    }

    fn add(&mut self, name: &'static str, project: &serde_json::Value, roster: impl Roster + 'static) {
        let admin = |method: &str, path: &str, body: String| {
            let reply = roster.send(&call(method, path, ADMIN_TOKEN), &body);
            assert!(reply.status < 300, "{name}: {}", reply.body);
            serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()
        };
        admin("PUT", "/v1/projects/default", project.to_string());
        let key = admin("POST", "/v1/keys", json!({"name": "test"}).to_string())["key"].as_str().unwrap().to_owned();
        self.each.push((name, Box::new(roster), key));
    }

    /// The answer, which is the same of each.
    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let send = |(name, roster, key): &(&'static str, Box<dyn Roster>, String)| {
            (*name, roster.send(&call(method, path, key), body))
        };
        let mut answers = self.each.iter().map(send);
        let (_, first) = answers.next().unwrap();
        for (name, answer) in answers {
            assert_eq!(answer, first, "SEED={} {name}: {method} {path} {body}", self.seed);
        }
        first
    }

    fn wait(&self, ms: u64) {
        self.clock.set(Timestamp::from_ms(self.clock.now().as_ms() + ms));
    }

    /// A user's profile, the members of each part in the order of their names.
    fn profile(&self, id: &str) -> Option<[String; 4]> {
        let reply = self.send("GET", &format!("/v1/users/{id}"), "");
        if reply.status == 404 {
            return None;
        }
        let body = json::parse_object(reply.body.as_bytes()).unwrap();
        let Some(Value::Object(user)) = body.get("user") else { panic!("{body}") };
        let part = |name: &str| match user.get(name).unwrap() {
            Value::Object(Object { members }) => {
                let mut members = members.clone();
                members.sort_by(|a, b| a.0.cmp(&b.0));
                Object { members }.to_string()
            }
            other => other.to_string(),
        };
        Some(["email", "phone", "properties", "origin"].map(part))
    }
}

fn call(method: &str, path: &str, token: &str) -> Call {
    Call {
        method: method.into(),
        path: path.into(),
        authorization: Some(format!("Bearer {token}")),
        request_id: "req".into(),
        ..Call::default()
    }
}

fn seed() -> u64 {
    std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap())
}

/// The members of a body, without its ends.
fn any_members(rng: &mut Rng) -> String {
    let mut members = Vec::new();
    for (name, contact) in [("email", "\"a@b.c\""), ("phone", "\"+123\"")] {
        if rng.u8(0..3) == 0 {
            members.push(format!("\"{name}\":{}", if rng.bool() { contact } else { "null" }));
        }
    }
    for name in ["properties", "origin"] {
        if rng.bool() {
            members.push(format!("\"{name}\":{{{}}}", any_object(rng)));
        }
    }
    members.join(",")
}

fn any_object(rng: &mut Rng) -> String {
    let mut keys = KEYS;
    rng.shuffle(&mut keys);
    let count = rng.usize(0..4);
    let member = |key: &&str| format!("{}:{}", json::string(key), VALUES[rng.usize(..VALUES.len())]);
    keys.iter().take(count).map(member).collect::<Vec<_>>().join(",")
}

fn body(id: &str, as_of: Option<u64>, members: &str) -> String {
    let as_of = as_of.map_or(String::new(), |ms| format!(",\"as_of\":\"{}\"", Timestamp::from_ms(ms)));
    let comma = if members.is_empty() { "" } else { "," };
    format!("{{\"user_id\":\"{id}\"{as_of}{comma}{members}}}")
}

#[test]
fn the_statements_do_what_the_model_does() {
    let (seed, mut stale) = (seed(), 0);
    let mut rng = Rng::with_seed(seed);
    for _ in 0..60 {
        let rosters = Rosters::new(seed);
        let any_body = |rng: &mut Rng| {
            let as_of = (rng.u8(0..4) > 0).then(|| (T0 + rng.u64(0..40) * 100).saturating_sub(1000));
            body(["u", "v"][rng.usize(..2)], as_of, &any_members(rng))
        };
        for _ in 0..25 {
            rosters.wait(rng.u64(1..300));
            match rng.u8(0..10) {
                0 => drop(rosters.send("DELETE", "/v1/users/u", "")),
                1..=3 => {
                    let bodies: Vec<String> = (0..rng.usize(1..5)).map(|_| any_body(&mut rng)).collect();
                    let answer =
                        rosters.send("POST", "/v1/users/batch", &format!("{{\"users\":[{}]}}", bodies.join(",")));
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    stale += answer.body.matches("\"stale\":true").count();
                }
                _ => {
                    let answer = rosters.send("POST", "/v1/users", &any_body(&mut rng));
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    stale += usize::from(answer.headers.contains(&("X-User-Stale", "true".into())));
                }
            }
            for id in ["u", "v"] {
                rosters.profile(id);
            }
        }
    }
    assert!(stale > 80, "{stale} bodies met newer words");
}

#[test]
fn bodies_that_say_when_make_one_profile_in_whatever_order_they_arrive() {
    let seed = seed();
    let mut rng = Rng::with_seed(seed);
    for _ in 0..40 {
        // Distinct times.
        let bodies: Vec<String> =
            (0..rng.u64(2..9)).map(|n| body("u", Some(T0 + n * 1000), &any_members(&mut rng))).collect();
        let arrive = |order: &[&String]| {
            let rosters = Rosters::new(seed);
            for body in order {
                rosters.wait(1);
                assert_eq!(rosters.send("POST", "/v1/users", body).status, 200);
            }
            rosters.profile("u")
        };
        let in_order = arrive(&bodies.iter().collect::<Vec<_>>());
        for _ in 0..4 {
            let mut order: Vec<_> = bodies.iter().chain(&bodies[..bodies.len() / 2]).collect();
            rng.shuffle(&mut order);
            assert_eq!(arrive(&order), in_order, "SEED={seed}: {order:?}");
        }
    }
}

#[test]
fn of_removals_of_one_moment_all_forget_the_same() {
    let rosters = Rosters::new(seed());
    let keys = |from: usize, value: &str| {
        (from..from + 300).map(|i| format!("\"key_{i}\":{value}")).collect::<Vec<_>>().join(",")
    };
    // 1,200 removals, of which the times of 1,000 are kept.
    for from in [0, 300] {
        let removals = keys(from, "null");
        let members = format!("\"properties\":{{{removals}}},\"origin\":{{{removals}}}");
        assert_eq!(rosters.send("POST", "/v1/users", &body("u", Some(T0), &members)).status, 200);
    }
    // What is forgotten may be set as of any moment.
    let mut set = 0;
    for (section, from) in [("properties", 0), ("properties", 300), ("origin", 0), ("origin", 300)] {
        let members = format!("\"{section}\":{{{}}}", keys(from, "1"));
        rosters.send("POST", "/v1/users", &body("u", Some(T0 - 1000), &members));
        let [_, _, properties, origin] = rosters.profile("u").unwrap();
        set = properties.matches("key_").count() + origin.matches("key_").count();
    }
    assert!((1..300).contains(&set), "{set} of 1,200 are set");
}

/// Steps of the statements that write `count` members in each section of a user whom as many stand in: bodies as of an
/// earlier and a later moment and a patch, each alone and in a batch.
fn steps_of_writes(count: usize) -> Vec<(&'static str, i32)> {
    let sqlite = Sqlite::new(Rc::default()).unwrap();
    let run = |sql: &'static str, values: &[sql::Value]| sqlite.steps(Statement { sql, values }).unwrap();
    let key = ["key_1", "hash", "ros_0000", "ci", "p", "users:write"].map(sql::Value::Text);
    run(sql::statements::CREATE_KEY, &[&key[..], &[sql::Value::Number(1), sql::Value::Null]].concat());
    let each = |form: &dyn Fn(char, usize) -> String, section| {
        (0..count).map(|i| form(section, i)).collect::<Vec<_>>().join(",")
    };
    let all = |form| ['p', 'o'].map(|section| each(form, section));
    let members = format!("[{}]", all(&|section, i| format!("[\"{section}/key_{i}\",{i}]")).join(","));
    let [properties, origin] = all(&|_, i| format!("\"key_{i}\":{count}"));
    let patch = format!("{{\"properties\":{{{properties}}},\"origin\":{{{origin}}}}}");
    let start = ["hash"].map(sql::Value::Text);
    let single = |sql: &'static str, body: &str, as_of: Option<u64>| {
        let values = [sql::Value::Number(T0), "u".into(), "usr_1".into(), body.into()];
        run(sql, &[&start[..], &values, as_of.map(sql::Value::Number).as_slice()].concat())
    };
    let batch = |element: String| {
        let list = format!("[[\"u\",\"usr_1\",{element}]]");
        run(&sql::statements::D1.upsert_batch, &[start[0], sql::Value::Number(T0), list.as_str().into()])
    };
    let as_of = |moment| single(&sql::statements::D1.upsert_as_of, &members, Some(moment));
    vec![
        ("new", as_of(100)),
        ("earlier", as_of(50)),
        ("later", as_of(200)),
        ("patch", single(&sql::statements::D1.upsert, &patch, None)),
        ("earlier, in a batch", batch(format!("{members},150"))),
        ("later, in a batch", batch(format!("{members},{}", T0 + 10))),
        ("patch, in a batch", batch(patch.clone())),
    ]
}

#[test]
fn a_write_costs_in_proportion_to_its_members() {
    for ((name, few), (_, many)) in steps_of_writes(30).into_iter().zip(steps_of_writes(300)) {
        assert!(many < 12 * few, "{name}: {few} steps for 30 members a section, {many} for 300");
    }
}
