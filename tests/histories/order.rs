//! Bodies with `as_of`: the statements of D1 and of objects against the model, answer by answer, and the promise that the
//! order of arrival makes no difference.

use crate::roster::{Roster, T0, call, objects, roster, seed};
use fastrand::Rng;
use roster::api::Reply;
use roster::json::{self, Object, Value};
use roster::store::sql::{self, Statement};
use roster::time::Timestamp;
use roster_reference::{Clock, Sqlite};
use serde_json::json;
use std::rc::Rc;

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
        for (name, storage) in [("model", None), ("D1", Some(json!({}))), ("objects", Some(objects(1)))] {
            let (roster, key) = roster(&clock, storage.as_ref());
            rosters.each.push((name, roster, key));
        }
        rosters
    }

    /// The answer, which is the same of each, but for the revision: only its order is promised.
    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let send = |(name, roster, key): &(&'static str, Box<dyn Roster>, String)| {
            let mut answer = roster.send(&call(method, path, key), body);
            answer.headers.retain(|(name, _)| *name != "ETag");
            (*name, answer)
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

/// What a body sets once, as its last member; often nothing.
fn any_set_once(rng: &mut Rng) -> String {
    let mut members = Vec::new();
    if rng.bool() {
        members.push(format!("\"email\":\"once{}@b.c\"", rng.u8(..3)));
    }
    for name in ["properties", "origin"] {
        let object = any_object(rng);
        // Nulls may stand in arrays alone.
        if !object.replace("[null,{\"x\":null}]", "").contains(":null") {
            members.push(format!("\"{name}\":{{{object}}}"));
        }
    }
    if rng.u8(..3) == 0 { format!(",\"set_once\":{{{}}}", members.join(",")) } else { String::new() }
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
            let body = body(["u", "v"][rng.usize(..2)], as_of, &any_members(rng));
            format!("{}{}}}", &body[..body.len() - 1], any_set_once(rng))
        };
        for _ in 0..25 {
            rosters.wait(rng.u64(1..300));
            match rng.u8(0..10) {
                0 => drop(rosters.send("DELETE", ["/v1/users/u", "/v1/users/v"][rng.usize(..2)], "")),
                1..=3 => {
                    let any = |rng: &mut Rng| match rng.u8(..6) {
                        0 => format!("{{\"user_id\":\"{}\",\"delete\":true}}", ["u", "v"][rng.usize(..2)]),
                        _ => any_body(rng),
                    };
                    let bodies: Vec<String> = (0..rng.usize(1..5)).map(|_| any(&mut rng)).collect();
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
    let as_of = |moment| single(sql::statements::D1.upsert_as_of.of(false), &members, Some(moment));
    vec![
        ("new", as_of(100)),
        ("earlier", as_of(50)),
        ("later", as_of(200)),
        ("patch", single(sql::statements::D1.upsert.of(false), &patch, None)),
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
