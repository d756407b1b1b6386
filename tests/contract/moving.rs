//! A project moves through all storages under 64 clients and two followers: what was answered stands, who follows goes on, and
//! nobody waits for long; also under `kill -9`.

use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Lasting, Project};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 64;
/// Users whom nobody changes meanwhile.
const QUIET: usize = 1500;
/// Kills in each move.
const KILLS: [usize; 4] = [3, 3, 2, 2];

fn storages() -> [Value; 4] {
    let objects = |buckets: u8| json!({"kind": "objects", "buckets": buckets});
    [objects(1), objects(4), objects(16), json!({"kind": "d1"})]
}

fn start(state: &State) -> Server {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "1000000/60"), ("BATCH_RATE_LIMIT", "1000000/60")];
    Server::start(state, &variables)
}

/// What goes on in one life of a Worker.
struct Life<'s> {
    project: Project<'s, Server>,
    is_over: AtomicBool,
    /// Its Worker is killed: a call may be cut off.
    is_killed: AtomicBool,
    unavailable: AtomicUsize,
}

impl Life<'_> {
    /// The answer, and how long it took. None: it was cut off.
    fn send(&self, method: &str, path: &str, body: &str) -> Option<(Answer, Duration)> {
        let begun = Instant::now();
        let bearer = format!("Bearer {}", self.project.key);
        let answer = match self.project.server.try_send(method, path, &[("Authorization", &bearer)], body) {
            Ok(answer) => answer,
            Err(error) => {
                assert!(self.is_killed.load(Ordering::SeqCst), "{method} {path}: {error}");
                return None;
            }
        };
        if answer.status == 503 || answer.status == 500 && self.is_killed.load(Ordering::SeqCst) {
            self.unavailable.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        assert!([200, 404].contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text);
        Some((answer, begun.elapsed()))
    }
}

/// A client whose users count up. Nobody else writes to them.
struct Counter {
    name: String,
    random: fastrand::Rng,
    users: [Counted; 3],
    longest: Duration,
    calls: usize,
}

/// A user: what was answered of it, and what was sent since and may be stored.
#[derive(Clone, Default)]
struct Counted {
    id: String,
    count: u64,
    sent: u64,
    /// A deletion was sent, and not answered.
    may_be_gone: bool,
}

impl Counter {
    fn new(number: usize) -> Self {
        let (users, longest) = (Default::default(), Duration::ZERO);
        Counter { name: format!("c{number}"), random: fastrand::Rng::new(), users, longest, calls: 0 }
    }

    fn id(&self, i: usize) -> String {
        format!("{}-{i}", self.name)
    }

    fn body(&mut self, i: usize) -> Value {
        self.users[i].sent += 1;
        json!({"user_id": self.id(i), "properties": {"n": self.users[i].sent}})
    }

    fn note(&mut self, took: Duration) {
        self.longest = self.longest.max(took);
        self.calls += 1;
    }

    /// What was answered of a user stands.
    fn stored(&mut self, i: usize, id: &Value) {
        let user = &mut self.users[i];
        let id = id.as_str().unwrap();
        assert!(user.id.is_empty() || user.may_be_gone || user.id == id, "{} is {id}, not {}", self.name, user.id);
        *user = Counted { id: id.into(), count: user.sent, sent: user.sent, may_be_gone: false };
    }

    fn write(&mut self, life: &Life) -> Option<()> {
        match self.random.u8(..8) {
            0 => {
                let bodies = [0, 1, 2].map(|i| self.body(i));
                let (answer, took) = life.send("POST", "/v1/users/batch", &json!({"users": bodies}).to_string())?;
                self.note(took);
                for (i, result) in answer.json()["results"].as_array().unwrap().iter().enumerate() {
                    self.stored(i, &result["user_id"]);
                }
            }
            1 => {
                let path = format!("/v1/users/{}", self.id(2));
                self.users[2].may_be_gone = true;
                let (_, took) = life.send("DELETE", &path, "")?;
                self.note(took);
                let sent = self.users[2].sent;
                self.users[2] = Counted { sent, ..Counted::default() };
            }
            _ => {
                let i = self.random.usize(..3);
                let body = self.body(i).to_string();
                let (answer, took) = life.send("POST", "/v1/users", &body)?;
                self.note(took);
                self.stored(i, &answer.json()["user_id"]);
            }
        }
        Some(())
    }

    /// What was answered is read, or what was sent since.
    fn read(&mut self, life: &Life) -> Option<()> {
        let i = self.random.usize(..3);
        let (answer, took) = life.send("GET", &format!("/v1/users/{}", self.id(i)), "")?;
        self.note(took);
        let user = &self.users[i];
        if answer.status == 404 {
            assert!(user.id.is_empty() || user.may_be_gone, "{} is lost", self.id(i));
        } else {
            let stored = &answer.json()["user"];
            let count = stored["properties"]["n"].as_u64().unwrap();
            assert!((user.count..=user.sent).contains(&count), "{}: {count}, not {}", self.id(i), user.count);
            assert!(user.may_be_gone || user.id.is_empty() || stored["user_id"] == *user.id);
        }
        Some(())
    }

    fn run(&mut self, life: &Life) {
        while !life.is_over.load(Ordering::SeqCst) {
            let _ = self.write(life).and_then(|()| self.read(life));
            // Else 64 clients leave the mover little of the machine, and it goes on for as long as they do.
            std::thread::sleep(Duration::from_millis(self.random.u64(..100)));
        }
    }
}

#[derive(Default)]
struct Follower {
    limit: usize,
    cursor: String,
    copy: BTreeMap<String, Value>,
}

impl Follower {
    /// Takes a page. True: there are more, or it was cut off.
    fn page(&mut self, life: &Life) -> bool {
        let path = format!("/v1/changes?limit={}{}", self.limit, self.cursor);
        let Some((answer, _)) = life.send("GET", &path, "") else { return true };
        let page = answer.json();
        for change in page["changes"].as_array().unwrap() {
            let id = change["external_id"].as_str().unwrap().to_owned();
            if change["type"] == "deleted" {
                self.copy.remove(&id);
                continue;
            }
            let (user, count) = (change["user"].clone(), |user: &Value| user["properties"]["n"].as_u64());
            let old = self.copy.insert(id.clone(), user.clone());
            if let Some(old) = old.filter(|old| old["user_id"] == user["user_id"]) {
                assert!(count(&old) <= count(&user), "{id} went back");
            }
        }
        self.cursor = format!("&cursor={}", page["pagination"]["next_cursor"].as_str().unwrap());
        page["pagination"]["has_more"].as_bool().unwrap()
    }

    fn run(&mut self, life: &Life) {
        while !life.is_over.load(Ordering::SeqCst) {
            if !self.page(life) {
                // At the tip.
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

struct World {
    moved: Lasting,
    counters: Vec<Counter>,
    followers: [Follower; 2],
    /// By their ids: tag and text.
    quiet: BTreeMap<String, (String, String)>,
}

impl World {
    fn new(server: &Server) -> Self {
        let project = server.project_in(None);
        let users: Vec<Value> =
            (0..QUIET).map(|n| json!({"user_id": format!("quiet-{n}"), "properties": {"n": n}})).collect();
        users.chunks(500).for_each(|users| drop(project.batch(200, &json!(users))));
        let quiet = (0..QUIET).step_by(75).map(|n| seen(&project, &format!("quiet-{n}"))).collect();
        let follower = |limit| Follower { limit, ..Follower::default() };
        World {
            moved: project.lasting(),
            counters: (0..CLIENTS).map(Counter::new).collect(),
            followers: [follower(1000), follower(70)],
            quiet,
        }
    }

    /// Everybody does what they do while `work` goes on. Answers how often a call was not served.
    fn live(&mut self, server: &Server, work: impl FnOnce(&Life)) -> usize {
        let life = Life {
            project: self.moved.on(server),
            is_over: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
            unavailable: AtomicUsize::new(0),
        };
        std::thread::scope(|threads| {
            for counter in &mut self.counters {
                threads.spawn(|| counter.run(&life));
            }
            for follower in &mut self.followers {
                threads.spawn(|| follower.run(&life));
            }
            work(&life);
            life.is_over.store(true, Ordering::SeqCst);
        });
        life.unavailable.load(Ordering::SeqCst)
    }

    /// All is as it was answered, for everybody.
    fn check(&mut self, server: &Server) {
        let project = self.moved.on(server);
        for (id, user) in &self.quiet {
            assert_eq!(&seen(&project, id).1, user, "nobody wrote {id}");
        }
        let (mut export, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = project.get(200, &format!("/v1/users?limit=100{cursor}")).json();
            for user in page["users"].as_array().unwrap() {
                export.insert(user["external_id"].as_str().unwrap().to_owned(), user.clone());
            }
            let Some(next) = page["pagination"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let life = Life {
            project: self.moved.on(server),
            is_over: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
            unavailable: AtomicUsize::new(0),
        };
        for counter in &self.counters {
            for (i, user) in counter.users.iter().enumerate() {
                match export.get(&counter.id(i)) {
                    None => assert!(user.id.is_empty() || user.may_be_gone, "{} is lost", counter.id(i)),
                    Some(stored) => {
                        let count = stored["properties"]["n"].as_u64().unwrap();
                        assert!((user.count..=user.sent).contains(&count), "{}: {count}", counter.id(i));
                        assert!(user.may_be_gone || user.id.is_empty() || stored["user_id"] == *user.id);
                    }
                }
            }
        }
        for follower in &mut self.followers {
            while follower.page(&life) {}
            assert_eq!(follower.copy, export, "pages of {}", follower.limit);
        }
    }
}

/// A user: its id, its tag and its text.
fn seen(project: &Project<Server>, id: &str) -> (String, (String, String)) {
    let answer = project.get(200, &format!("/v1/users/{id}"));
    (id.to_owned(), (answer.header("etag").to_owned(), answer.text))
}

/// How far the project's move is. None: that could not be read.
fn state_of(server: &Server, name: &str) -> Option<Value> {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/v1/projects/{name}/move");
    let answer = server.try_send("GET", &path, &[("Authorization", &bearer)], "").ok()?;
    (answer.status == 200).then(|| answer.json()["move"].clone())
}

fn begin(server: &Server, name: &str, storage: &Value) {
    let answer = server.admin(202, "POST", &format!("/v1/projects/{name}/move"), &json!({"storage": storage}));
    assert_eq!(answer.json()["move"]["state"], "preparing");
}

#[track_caller]
fn wait_for_end(server: &Server, name: &str) -> Value {
    let begun = Instant::now();
    loop {
        let state = state_of(server, name).unwrap_or_default();
        if state["state"] == "done" {
            return state;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "it does not end: {state}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn nobody_waits_for_long_while_a_project_goes_through_all_storages() {
    let server = start(&State::new());
    let mut world = World::new(&server);
    let upsert = |world: &World| {
        let project = world.moved.on(&server);
        project.post(200, &json!({"user_id": "warm"}));
        project.store_hops(&project.post(200, &json!({"user_id": "warm"})))
    };
    assert_eq!(upsert(&world), 1);
    let quiet = world.live(&server, |_| std::thread::sleep(Duration::from_secs(3)));
    assert_eq!(quiet, 0);
    let of_quiet = longest(&mut world);
    for storage in storages() {
        let name = world.moved.name.clone();
        let begun = Instant::now();
        let unserved = world.live(&server, |_| {
            begin(&server, &name, &storage);
            wait_for_end(&server, &name);
        });
        let longest = longest(&mut world);
        println!("to {storage}: {:?}, longest wait {longest:?}, in a quiet run {of_quiet:?}", begun.elapsed());
        assert_eq!(unserved, 0, "a call was not served");
        world.check(&server);
        assert_eq!(upsert(&world), 1);
    }
}

fn longest(world: &mut World) -> Duration {
    world.counters.iter_mut().map(|counter| std::mem::take(&mut counter.longest)).max().unwrap()
}

#[test]
fn nothing_is_lost_though_the_worker_is_killed_while_a_project_moves() {
    let state = State::new();
    let mut server = start(&state);
    let mut world = World::new(&server);
    let name = world.moved.name.clone();
    let mut random = fastrand::Rng::new();
    for (storage, kills) in storages().iter().zip(KILLS) {
        let mut is_begun = false;
        for life in 0..=kills {
            let is_last = life == kills;
            world.live(&server, |life| {
                if !std::mem::replace(&mut is_begun, true) {
                    begin(&server, &name, storage);
                }
                if is_last {
                    wait_for_end(&server, &name);
                } else {
                    std::thread::sleep(Duration::from_millis(random.u64(20..2500)));
                    life.is_killed.store(true, Ordering::SeqCst);
                    server.send_kill();
                }
            });
            if !is_last {
                drop(server.kill());
                server = start(&state);
            }
        }
        world.check(&server);
    }
}
