//! Promise 8: who follows the changes misses nothing, and meets nothing older after something newer.

use crate::roster::{Roster, T0, call, objects, roster, seed};
use fastrand::Rng;
use roster::time::Timestamp;
use roster_reference::Clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Unless HISTORIES says how many.
const HISTORIES: usize = 40;
const STEPS: usize = 40;
const USERS: usize = 12;
const DAY_MS: u64 = 86_400_000;

/// A Roster, and all that its users were.
struct World {
    clock: Clock,
    roster: Box<dyn Roster>,
    key: String,
    rng: Rng,
    /// Of each user the states that it had one after the other. Null: it was deleted.
    states: BTreeMap<String, Vec<Value>>,
}

impl World {
    fn new(project: Option<&Value>, rng: Rng) -> Self {
        let clock = Clock::at(Timestamp::from_ms(T0));
        let (roster, key) = roster(&clock, project);
        World { clock, roster, key, rng, states: BTreeMap::new() }
    }

    fn wait(&self, ms: u64) {
        self.clock.set(Timestamp::from_ms(self.clock.now().as_ms() + ms));
    }

    fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = roster::api::Call { query: query.into(), ..call(method, path, &self.key) };
        let reply = self.roster.send(&call, body);
        (reply.status, serde_json::from_str(&reply.body).unwrap())
    }

    fn any_user(&mut self) -> String {
        format!("u{}", self.rng.usize(..USERS))
    }

    fn any_body(&mut self, id: &str) -> Value {
        let mut body = json!({"user_id": id, "properties": {["a", "b"][self.rng.usize(..2)]: self.rng.u8(..3)}});
        if self.rng.bool() {
            let now = self.clock.now().as_ms();
            let ago = self.rng.u64(..4) * self.rng.u64(..40) * DAY_MS / 4;
            body["as_of"] = Timestamp::from_ms(now - ago + self.rng.u64(..1000)).to_string().into();
        }
        if self.rng.u8(..4) == 0 {
            body["email"] = [json!(null), json!("a@b.c"), json!("d@e.f")][self.rng.usize(..3)].clone();
        }
        body
    }

    /// Does something to users, and notes what they are then.
    fn step(&mut self) {
        // The clocks of isolates differ, and a call may wait between its clock and the store.
        let now = self.clock.now().as_ms();
        let passed = if self.rng.u8(..12) == 0 { self.rng.u64(..20) * DAY_MS } else { self.rng.u64(..200) };
        self.clock.set(Timestamp::from_ms(now + passed - self.rng.u64(..60)));
        let ids = match self.rng.u8(..5) {
            0 => {
                let ids: Vec<String> = (0..self.rng.usize(1..6)).map(|_| self.any_user()).collect();
                let users: Vec<Value> = ids.iter().map(|id| self.any_body(id)).collect();
                assert_eq!(self.send("POST", "/v1/users/batch", &json!({"users": users}).to_string()).0, 200);
                ids
            }
            1 | 2 => {
                let id = self.any_user();
                assert_eq!(self.send("DELETE", &format!("/v1/users/{id}"), "").0, 200);
                vec![id]
            }
            _ => {
                let id = self.any_user();
                let body = self.any_body(&id).to_string();
                assert_eq!(self.send("POST", "/v1/users", &body).0, 200);
                vec![id]
            }
        };
        for id in ids {
            self.note(id);
        }
    }

    fn create(&mut self, id: &str) {
        assert_eq!(self.send("POST", "/v1/users", &json!({"user_id": id}).to_string()).0, 200);
        self.note(id.into());
    }

    fn delete(&mut self, id: &str) {
        assert_eq!(self.send("DELETE", &format!("/v1/users/{id}"), "").0, 200);
        self.note(id.into());
    }

    /// Notes what a user is now.
    fn note(&mut self, id: String) {
        let state = match self.send("GET", &format!("/v1/users/{id}"), "") {
            (200, answer) => answer["user"].clone(),
            _ => Value::Null,
        };
        let states = self.states.entry(id).or_default();
        if states.last().unwrap_or(&Value::Null) != &state {
            states.push(state);
        }
    }

    fn export(&self) -> BTreeMap<String, Value> {
        let (_, page) = self.send("GET", "/v1/users?limit=100", "");
        let users = page["users"].as_array().unwrap();
        users.iter().map(|user| (user["external_id"].as_str().unwrap().to_owned(), user.clone())).collect()
    }
}

/// Who follows: a copy, and of each user the last of its states that was met.
struct Follower {
    limit: u32,
    cursor: Option<String>,
    copy: BTreeMap<String, Value>,
    met: BTreeMap<String, usize>,
    /// How often a deletion was forgotten first.
    expired: usize,
}

impl Follower {
    fn new(limit: u32) -> Self {
        Follower { limit, cursor: None, copy: BTreeMap::new(), met: BTreeMap::new(), expired: 0 }
    }

    /// Takes a page, and answers whether there are more.
    fn page(&mut self, world: &World) -> bool {
        let cursor = self.cursor.as_ref().map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let (status, page) = world.send("GET", &format!("/v1/changes?limit={}{cursor}", self.limit), "");
        if status == 410 {
            assert_eq!(page["code"], "CURSOR_EXPIRED");
            assert!(self.cursor.is_some(), "who begins is never too late");
            *self = Follower { expired: self.expired + 1, ..Follower::new(self.limit) };
            return true;
        }
        let changes = page["changes"].as_array().unwrap();
        assert!(changes.len() <= self.limit as usize, "{page}");
        for change in changes {
            self.meet(world, change);
        }
        self.cursor = Some(page["pagination"]["next_cursor"].as_str().unwrap().to_owned());
        page["pagination"]["has_more"].as_bool().unwrap()
    }

    fn meet(&mut self, world: &World, change: &Value) {
        let id = change["external_id"].as_str().unwrap().to_owned();
        let state = if change["type"] == "deleted" { &Value::Null } else { &change["user"] };
        let states = &world.states[&id];
        assert_eq!(states.last().unwrap(), state, "{id} is met as it is");
        let met = self.met.insert(id.clone(), states.len());
        assert!(met.is_none_or(|met| met <= states.len()), "{id} went back");
        match state {
            Value::Null => self.copy.remove(&id),
            user => self.copy.insert(id, user.clone()),
        };
    }
}

/// Runs histories on one storage.
fn follow(name: &str, project: Option<&Value>) {
    let seed = seed();
    println!("SEED={seed} {name}");
    let mut rng = Rng::with_seed(seed);
    let mut expired = 0;
    let histories = std::env::var("HISTORIES").map_or(HISTORIES, |count| count.parse().unwrap());
    for _ in 0..histories {
        let mut world = World::new(project, rng.fork());
        let mut followers = [1, 3, 1000].map(Follower::new);
        for _ in 0..STEPS {
            world.step();
            for follower in &mut followers {
                if world.rng.u8(..3) == 0 {
                    follower.page(&world);
                }
            }
        }
        let export = world.export();
        for follower in &mut followers {
            while follower.page(&world) {}
            assert_eq!(follower.copy, export, "{name}, pages of {}", follower.limit);
            expired += follower.expired;
        }
    }
    println!("{name}: {histories} histories, {expired} followers too late");
}

#[test]
fn a_follower_of_the_model_has_what_an_export_has() {
    follow("model", None);
}

#[test]
fn a_follower_of_d1_has_what_an_export_has() {
    follow("D1", Some(&json!({})));
}

#[test]
fn a_follower_of_objects_has_what_an_export_has() {
    for buckets in [1, 4, 16] {
        follow("objects", Some(&objects(buckets)));
    }
}

#[test]
fn who_comes_back_within_30_days_meets_the_deletions_and_who_comes_later_starts_over() {
    for project in [None, Some(json!({})), Some(objects(1)), Some(objects(4)), Some(objects(16))] {
        for (days, expired) in [(29, 0), (31, 1)] {
            let mut world = World::new(project.as_ref(), Rng::with_seed(1));
            for n in 0..40 {
                world.create(&format!("gone{n}"));
            }
            let mut follower = Follower::new(100);
            while follower.page(&world) {}
            for n in 0..40 {
                world.delete(&format!("gone{n}"));
            }
            world.wait(days * DAY_MS);
            // Writes forget, each in its own bucket.
            for n in 0..40 {
                world.create(&format!("new{n}"));
            }
            while follower.page(&world) {}
            assert_eq!(follower.expired, expired, "{project:?}, {days} days");
            assert_eq!(follower.copy, world.export());
        }
    }
}

/// Deletions of a month ago are forgotten all the time: that must not concern who begins now.
#[test]
fn a_snapshot_ends_though_a_deletion_is_forgotten_behind_each_of_its_pages() {
    for project in [None, Some(json!({})), Some(objects(4))] {
        let mut world = World::new(project.as_ref(), Rng::with_seed(1));
        for n in 0..40 {
            world.create(&format!("stays{n}"));
        }
        let create_and_delete = |world: &mut World, id: &str| {
            world.wait(DAY_MS);
            world.create(id);
            world.delete(id);
        };
        for day in 0..60 {
            create_and_delete(&mut world, &format!("gone{day}"));
        }
        let mut follower = Follower::new(5);
        for page in 0.. {
            if !follower.page(&world) {
                break;
            }
            create_and_delete(&mut world, &format!("later{page}"));
            assert!(page < 100, "it does not end");
        }
        assert_eq!((follower.expired, &follower.copy), (0, &world.export()));
    }
}
