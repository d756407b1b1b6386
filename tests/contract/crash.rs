//! Promise 1 under `kill -9`: what was answered is there, and what was not is there wholly or not at all.

use roster::placement::Buckets;
use roster_harness::server::{Server, State, node};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Lasting, Project};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

const KILLS: usize = 10;
const WRITERS: usize = 32;
/// Users that all writers write to.
const SHARED: [&str; 4] = ["shared-0", "shared-1", "shared-2", "shared-3"];

/// Reads the databases that match a pattern beside the Worker that serves them, by another SQLite than the Worker's.
const READ: &str = r"
    const { DatabaseSync } = require('node:sqlite');
    const [path, pattern] = process.argv.slice(1);
    const files = require('node:fs').globSync(`${path}/v3/${pattern}`);
    const databases = files.map((file) => new DatabaseSync(file, { readOnly: true }));
    const all = (sql) => databases.flatMap((database) => database.prepare(sql).all().map(Object.values));
    console.log(JSON.stringify({
        integrity: all('pragma integrity_check').flat(),
        miscounted: all(`
            select external_id from users
            where property_keys <> (select count(*) from json_each(profile, '$.properties'))
               or origin_keys <> (select count(*) from json_each(profile, '$.origin'))`).flat(),
        misplaced: all(`
            select external_id from users full join changes using (project, gone, revision, external_id)
            where users.project is null or changes.project is null`).flat(),
        rows: all('select external_id, id, revision, created_at, updated_at, profile from users where not gone'),
        contacts: all('select contact, external_id from contacts'),
    }));
";

#[derive(Deserialize, Debug, PartialEq)]
struct Stored {
    integrity: Vec<String>,
    miscounted: Vec<String>,
    misplaced: Vec<String>,
    rows: Vec<(String, String, u64, u64, u64, String)>,
    contacts: BTreeSet<(String, String)>,
}

type Profiles = BTreeMap<String, Value>;

impl Stored {
    fn read(state: &State, pattern: &str) -> Self {
        let mut stored: Stored = serde_json::from_str(&node(state, READ, &[pattern])).unwrap();
        stored.rows.sort();
        stored
    }

    fn profiles(&self) -> Profiles {
        self.rows.iter().map(|row| (row.0.clone(), serde_json::from_str(&row.5).unwrap())).collect()
    }

    /// Holds the tables against each other.
    #[track_caller]
    fn check_consistency(&self) {
        assert!(!self.integrity.is_empty() && self.integrity.iter().all(|line| line == "ok"), "{:?}", self.integrity);
        assert_eq!((&self.miscounted, &self.misplaced), (&vec![], &vec![]));
        let contacts = self.profiles().into_iter().flat_map(|(user, profile)| {
            ["email", "phone"].map(|kind| (profile[kind].as_str().unwrap().to_owned(), user.clone()))
        });
        assert_eq!(self.contacts, contacts.collect());
    }
}

/// A client that knows what it was answered.
struct Writer {
    name: String,
    /// A call is one atomic step in each.
    buckets: Buckets,
    random: fastrand::Rng,
    bodies: usize,
    /// The users it wrote to, as they would be if nobody else had.
    heard: Profiles,
    /// The bodies of the call that was cut off.
    unheard: Vec<Value>,
}

impl Writer {
    fn new(number: usize, buckets: Buckets) -> Self {
        let random = fastrand::Rng::with_seed(number as u64);
        Writer { name: format!("w{number}"), buckets, random, bodies: 0, heard: Profiles::new(), unheard: Vec::new() }
    }

    /// A body whose every part names its writer and number, so that parts of two in one user show.
    fn body(&self, user: &str, n: usize) -> Value {
        let (name, digits) = (&self.name, &self.name[1..]);
        let (slot, emptied) = (format!("slot{}", n % 5), format!("slot{}", (n + 2) % 5));
        json!({
            "user_id": user,
            "email": format!("{name}.{n}@example.com"),
            "phone": format!("+1{digits:0>2}{n:07}"),
            "properties": {name: {"n": n, slot: "x".repeat(n * 37 % 600), emptied: null}},
            "origin": {name: {"n": n}},
        })
    }

    /// To a new user, to one of its own, or to a shared one.
    fn next_body(&mut self) -> Value {
        self.bodies += 1;
        let own: Vec<&String> = self.heard.keys().filter(|user| !SHARED.contains(&user.as_str())).collect();
        let user = match self.random.u8(0..10) {
            0..3 => SHARED[self.random.usize(0..SHARED.len())].to_owned(),
            3..6 if !own.is_empty() => own[self.random.usize(0..own.len())].clone(),
            _ => format!("{}-{}", self.name, self.bodies),
        };
        self.body(&user, self.bodies)
    }

    /// The bodies of one call: mostly one, else those of a batch.
    fn next_call(&mut self) -> Vec<Value> {
        let bodies = if self.random.u8(0..10) == 0 { self.random.usize(2..20) } else { 1 };
        (0..bodies).map(|_| self.next_body()).collect()
    }

    /// Writes until a call has no answer; tells if it was cut off, and not refused before it began.
    fn write(&mut self, project: &Project<Server>, killed: &AtomicBool, answered: &Sender<()>) -> bool {
        loop {
            self.unheard = self.next_call();
            match send(project, &self.unheard) {
                Ok(answer) if answer.status == 200 => self.hear(),
                outcome => {
                    assert!(killed.load(Ordering::SeqCst), "{outcome:?}");
                    let refused = |e: &std::io::Error| e.kind() == std::io::ErrorKind::ConnectionRefused;
                    return !matches!(outcome, Err(ureq::Error::Io(e)) if refused(&e));
                }
            }
            // Nobody counts any more once it was killed.
            let _ = answered.send(());
        }
    }

    /// Takes the call that was under way for answered.
    fn hear(&mut self) {
        self.heard = self.with_unheard(u16::MAX);
        self.unheard.clear();
    }

    /// With what was under way in those buckets whose bits are set.
    fn with_unheard(&self, buckets: u16) -> Profiles {
        let mut profiles = self.heard.clone();
        let is_in = |body: &&Value| buckets >> self.buckets.bucket_of(body["user_id"].as_str().unwrap()) & 1 == 1;
        for body in self.unheard.iter().filter(is_in) {
            let mut patch = body.clone();
            let user = patch.as_object_mut().unwrap().remove("user_id").unwrap();
            merge(profiles.entry(user.as_str().unwrap().into()).or_default(), &patch);
        }
        profiles
    }

    /// What the writer's bodies left in the members that are its own.
    fn parts(&self, profiles: &Profiles) -> BTreeMap<String, [Value; 2]> {
        let part = |profile: &Value| ["properties", "origin"].map(|member| profile[member][&self.name].clone());
        let parts = profiles.iter().map(|(user, profile)| (user.clone(), part(profile)));
        parts.filter(|(_, part)| *part != [Value::Null, Value::Null]).collect()
    }

    /// The users as the writer finds them: in each bucket with the call that was cut off, or without it.
    #[track_caller]
    fn find(&self, stored: &Profiles) -> Profiles {
        let found = self.parts(stored);
        let mut possible = (0..1 << self.buckets.count()).map(|buckets| self.with_unheard(buckets));
        possible.find(|profiles| self.parts(profiles) == found).unwrap_or_else(|| {
            let heard = self.parts(&self.heard);
            let lost: Vec<_> = heard.iter().filter(|(user, part)| found.get(*user) != Some(part)).collect();
            panic!("{}: {lost:?} is not stored; not answered: {:?}", self.name, self.unheard)
        })
    }
}

/// RFC 7396, on what D1 is to do by itself.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// One body alone, and more as a batch.
fn send(project: &Project<Server>, bodies: &[Value]) -> Result<Answer, ureq::Error> {
    let (path, body) = match bodies {
        [body] => ("/v1/users", body.to_string()),
        _ => ("/v1/users/batch", json!({"users": bodies}).to_string()),
    };
    project.server.try_send("POST", path, &[("Authorization", &format!("Bearer {}", project.key))], body)
}

/// Users in one storage, and who writes to them.
struct Side {
    project: Lasting,
    /// Where its databases are.
    pattern: &'static str,
    writers: Vec<Writer>,
}

impl Side {
    fn new(server: &Server, buckets: Option<Buckets>, pattern: &'static str) -> Self {
        let project = server.project_in(buckets.map(Buckets::count)).lasting();
        let writers = (0..WRITERS).map(|number| Writer::new(number, buckets.unwrap_or_default())).collect();
        Side { project, pattern, writers }
    }

    /// What was answered is there, what was cut off is there wholly or not at all, and to send it again does no harm.
    fn check(&mut self, server: &Server, state: &State) {
        let project = self.project.on(server);
        let survived = Stored::read(state, self.pattern);
        survived.check_consistency();
        let profiles = survived.profiles();
        last_bodies(&self.writers, &profiles);
        check_look_ups(&project, &self.writers, &profiles);
        let whole = self.writers.iter().filter(|writer| writer.find(&profiles) != writer.heard).count();
        println!("{}: {} users, {whole} calls that were cut off are stored", self.pattern, profiles.len());

        // What was not answered is sent again, as a client would.
        for writer in &mut self.writers {
            assert_eq!(send(&project, &writer.unheard).unwrap().status, 200);
            writer.hear();
        }
        let settled = Stored::read(state, self.pattern);
        settled.check_consistency();

        // What was answered is sent again, and changes nothing.
        let bodies = last_bodies(&self.writers, &settled.profiles());
        for call in bodies.chunks(200).chain(bodies.chunks(1).step_by(64)) {
            assert_eq!(send(&project, call).unwrap().status, 200);
        }
        assert_eq!(Stored::read(state, self.pattern), settled);
    }
}

/// Has all writers write, kills the Worker after so many answers, and counts the calls of each side that were cut off.
fn kill_while_writing(server: &Server, sides: &mut [Side; 2], after_answers: usize) -> [usize; 2] {
    let killed = AtomicBool::new(false);
    let (answered, answers) = channel();
    std::thread::scope(|threads| {
        let calls = sides.each_mut().map(|side| {
            let projects: Vec<_> = side.writers.iter().map(|_| side.project.on(server)).collect();
            let writers = side.writers.iter_mut().zip(projects);
            let spawned = writers.map(|(writer, project)| {
                let (killed, answered) = (&killed, answered.clone());
                threads.spawn(move || writer.write(&project, killed, &answered))
            });
            spawned.collect::<Vec<_>>()
        });
        drop(answered);
        assert_eq!(answers.iter().take(after_answers).count(), after_answers);
        killed.store(true, Ordering::SeqCst);
        server.send_kill();
        calls.map(|calls| calls.into_iter().map(|call| usize::from(call.join().unwrap())).sum())
    })
}

/// The last body that was merged into each user: the e-mail and the phone are of one, and the rest of it is there too.
#[track_caller]
fn last_bodies(writers: &[Writer], stored: &Profiles) -> Vec<Value> {
    let found: Vec<Profiles> = writers.iter().map(|writer| writer.find(stored)).collect();
    let last_body = |(user, profile): (&String, &Value)| {
        let is_of = |known: &Value| (&known["email"], &known["phone"]) == (&profile["email"], &profile["phone"]);
        let mut known = writers.iter().zip(&found).filter_map(|(writer, found)| Some((writer, found.get(user)?)));
        let last = known.find(|(_, known)| is_of(known));
        let (writer, known) = last.unwrap_or_else(|| panic!("{user} has parts of two bodies: {profile}"));
        writer.body(user, usize::try_from(known["origin"][&writer.name]["n"].as_u64().unwrap()).unwrap())
    };
    stored.iter().map(last_body).collect()
}

/// A look-up by what a call held that was cut off finds just the users that have it.
#[track_caller]
fn check_look_ups(project: &Project<Server>, writers: &[Writer], stored: &Profiles) {
    for body in writers.iter().filter_map(|writer| writer.unheard.first()) {
        for kind in ["email", "phone"] {
            let has = stored.iter().filter(|(_, profile)| profile[kind] == body[kind]);
            let has: Vec<&str> = has.map(|(user, _)| user.as_str()).collect();
            let query = format!("?{kind}={}", body[kind].as_str().unwrap().replace('+', "%2B"));
            assert_eq!(project.listed(&query), has, "{query}");
        }
    }
}

#[test]
fn ten_kills_lose_nothing_that_was_answered_and_halve_nothing_that_was_not() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "1000000/60"), ("BATCH_RATE_LIMIT", "1000000/60")];
    let state = State::new();
    let mut server = Server::start(&state, &variables);
    let mut sides = [
        Side::new(&server, None, "d1/*/[0-9a-f]*.sqlite"),
        Side::new(&server, Some(Buckets::Four), "do/*UsersObject*/[0-9a-f]*.sqlite"),
    ];
    let mut random = fastrand::Rng::new();
    for kill in 1..=KILLS {
        let revoked_keys = [None, Some(4)].map(|buckets| {
            let revoked = server.project_in(buckets);
            revoked.revoke();
            revoked.key
        });
        let cut_off = kill_while_writing(&server, &mut sides, random.usize(128..512));
        println!("kill {kill}: {cut_off:?} calls cut off");
        assert!(cut_off.iter().all(|calls| *calls > WRITERS / 2), "{cut_off:?}");
        server = Server::start(&server.kill(), &variables);

        for side in &mut sides {
            side.check(&server, &state);
        }
        for key in revoked_keys {
            let dead = server.call("GET", "/v1/users", &[("Authorization", &format!("Bearer {key}"))], "");
            assert_eq!(dead.code(), "REVOKED_API_KEY");
        }
    }
}
