//! A project moves while it serves: no answered write is lost or applied twice, none is read older than it was answered, ids,
//! times and revisions stay, and whoever follows goes on; also through a mover that ends at any moment.

use crate::roster::{T0, call, seed};
use fastrand::Rng;
use roster::api::Call;
use roster::key::{Project, WebhookRecord};
use roster::placement::{Buckets, Place, Placement, Storage};
use roster::store::moving::{Advance, Done, Move, Mover, Moving, Pace, Places, Step, Task, give_up};
use roster::store::objects::{ObjectStore, Objects};
use roster::store::sql::{Database, SqlStore, Statement};
use roster::store::{ControlStore, OwnReads, RoutedStore, StoreError, UserStore};
use roster::time::Timestamp;
use roster_reference::{Clock, LocalObjects, Memory, MemoryStore, Sqlite};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Unless HISTORIES says how many.
const HISTORIES: usize = 4;
const STEPS: usize = 60;
const USERS: usize = 10;
const DAY_MS: u64 = 86_400_000;
const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// What others do whenever somebody waits for a store.
type Others = Rc<RefCell<Option<Rc<dyn Fn(u64)>>>>;

fn let_others(others: &Others) {
    let others = others.borrow().clone();
    if let Some(others) = others {
        others(0);
    }
}

/// A store at whose calls others have their turn, before and after.
#[derive(Clone)]
struct Shared<T> {
    store: Rc<T>,
    others: Others,
}

impl Database for Shared<Sqlite> {
    async fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        let_others(&self.others);
        let rows = self.store.query(statement).await;
        let_others(&self.others);
        rows
    }

    async fn query_all<T: DeserializeOwned>(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<T>>, StoreError> {
        let_others(&self.others);
        let rows = self.store.query_all(statements).await;
        let_others(&self.others);
        rows
    }

    async fn query_pair<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        first: Statement<'_>,
        second: Statement<'_>,
    ) -> Result<(Vec<T>, Vec<U>), StoreError> {
        let_others(&self.others);
        let rows = self.store.query_pair(first, second).await;
        let_others(&self.others);
        rows
    }

    async fn run_in_background(&self, statement: Statement<'_>) -> Result<(), StoreError> {
        self.store.run_in_background(statement).await
    }
}

/// Each bucket has the request at another moment.
impl Objects for Shared<LocalObjects> {
    async fn call(
        &self,
        project: &Project,
        generation: u32,
        placement: Placement,
        requests: Vec<(u8, String)>,
    ) -> Result<Vec<String>, StoreError> {
        let mut answers = Vec::new();
        for request in requests {
            let_others(&self.others);
            answers.extend(self.store.call(project, generation, placement, vec![request]).await?);
        }
        let_others(&self.others);
        Ok(answers)
    }
}

type Users = RoutedStore<SqlStore<Shared<Sqlite>>, ObjectStore<Shared<LocalObjects>>>;
type Roster = Memory<Users, SqlStore<Shared<Sqlite>>>;

/// Pending once.
async fn wait() {
    let mut waited = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// What the mover calls: it can end, and calls can fail, before and after each.
#[derive(Clone)]
struct Cut<T> {
    store: Rc<T>,
    /// One call of so many fails, or none.
    failing: Rc<Cell<u32>>,
    rng: Rc<RefCell<Rng>>,
}

impl<T> Cut<T> {
    fn chance(&self) -> Result<(), StoreError> {
        let fails = self.failing.get() > 0 && self.rng.borrow_mut().u32(..self.failing.get()) == 0;
        if fails { Err(StoreError::Unavailable("out of reach".into())) } else { Ok(()) }
    }

    async fn call<R>(&self, work: impl Future<Output = Result<R, StoreError>>) -> Result<R, StoreError> {
        wait().await;
        self.chance()?;
        let outcome = work.await;
        wait().await;
        self.chance().and(outcome)
    }
}

impl Places for Cut<Users> {
    async fn ask(&self, project: &Project, place: Place, tasks: Vec<(u8, Task)>) -> Result<Vec<Done>, StoreError> {
        let mut done = Vec::new();
        for task in tasks {
            done.extend(self.call(self.store.ask(project, place, vec![task])).await?);
        }
        Ok(done)
    }
}

/// The part of the control store that a mover calls.
struct Control(Cut<SqlStore<Shared<Sqlite>>>);

macro_rules! unused {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$out, StoreError> {
            $(let _ = $argument;)*
            unreachable!("a mover calls it")
        })*
    };
}

impl ControlStore for Control {
    async fn find_move(&self, name: &Project) -> Result<Option<Moving>, StoreError> {
        self.0.call(self.0.store.find_move(name)).await
    }

    async fn save_move(
        &self,
        name: &Project,
        before: Option<&Move>,
        after: &Move,
        residence: roster::placement::Residence,
    ) -> Result<bool, StoreError> {
        self.0.call(self.0.store.save_move(name, before, after, residence)).await
    }

    async fn revoked_keys(&self, name: &Project) -> Result<Vec<String>, StoreError> {
        self.0.call(self.0.store.revoked_keys(name)).await
    }

    unused! {
        ping() -> ();
        find_key(hash: &roster::key::KeyHash) -> Option<roster::key::KeyRecord>;
        create_key(key: &roster::key::KeyRecord, hash: &roster::key::KeyHash) -> ();
        list_keys(project: Option<&Project>) -> Vec<roster::key::KeyRecord>;
        revoke_key(id: &str, now: Timestamp) -> Option<roster::store::RevokedKey>;
        touch_key(hash: &roster::key::KeyHash, now: Timestamp) -> ();
        ensure_project(name: &Project, storage: Storage, change: bool, now: Timestamp) -> roster::key::ProjectRecord;
        find_project(name: &Project) -> Option<roster::key::ProjectRecord>;
        list_projects() -> Vec<roster::key::ProjectRecord>;
        create_webhook(webhook: &WebhookRecord) -> bool;
        list_webhooks(project: Option<&Project>) -> Vec<WebhookRecord>;
        find_webhook(id: &str) -> Option<WebhookRecord>;
        delete_webhook(id: &str) -> ();
    }
}

struct Ticking(Clock);

impl Pace for Ticking {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn rest(&self, _: u64) {
        wait().await;
    }
}

type Run = Pin<Box<dyn Future<Output = Result<Advance, StoreError>>>>;

/// A mover that may end at any moment, and begins anew.
struct Machine {
    control: Rc<Control>,
    places: Rc<Cut<Users>>,
    pace: Rc<Ticking>,
    rng: Rc<RefCell<Rng>>,
    run: RefCell<Option<Run>>,
    /// Movers that were cut off, whose last call may still be on its way.
    stray: RefCell<Vec<Run>>,
    /// One turn of so many ends it, or none.
    ending: Cell<u32>,
    /// At one wait of so many somebody gives the move up, or never.
    giving_up: Cell<usize>,
}

impl Machine {
    fn begin(&self) -> Run {
        let (control, places, pace) = (Rc::clone(&self.control), Rc::clone(&self.places), Rc::clone(&self.pace));
        Box::pin(async move {
            let mover = Mover { control: &*control, places: &*places, pace: &*pace };
            let mut advance = mover.advance(&Project::default(), None).await;
            while let Ok(Advance::Urgent(next)) = advance {
                advance = mover.advance(&Project::default(), Some(*next)).await;
            }
            advance
        })
    }

    /// Goes on up to its next call.
    fn turn(&self) {
        // Nobody else has taken it: calls of the mover let nobody else have a turn.
        let mut run = self.run.take().unwrap_or_else(|| self.begin());
        let ends = self.ending.get() > 0 && self.rng.borrow_mut().u32(..self.ending.get()) == 0;
        if ends {
            if self.rng.borrow_mut().bool() {
                self.stray.borrow_mut().push(run);
            }
            return;
        }
        if run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.run.replace(Some(run));
        }
        let stray = self.stray.borrow_mut().pop();
        if let Some(mut stray) = stray
            && (self.rng.borrow_mut().bool()
                || stray.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending())
        {
            self.stray.borrow_mut().push(stray);
        }
    }
}

/// A Roster whose project moves, the model of what it answers, and all that goes on.
struct World {
    clock: Clock,
    roster: Rc<Roster>,
    model: Memory,
    machine: Rc<Machine>,
    others: Others,
    rng: Rc<RefCell<Rng>>,
    admin_keys: RefCell<Vec<(String, String)>>,
    key: String,
    model_key: String,
    revoked: RefCell<Vec<String>>,
    followers: RefCell<Vec<Follower>>,
    /// What each user was when a write of it was answered.
    seen: RefCell<BTreeMap<String, (String, Value)>>,
    /// Whether a move has ever begun.
    has_moved: Cell<bool>,
    /// How often something had to wait for longer than a call waits.
    unavailable: Cell<usize>,
}

#[derive(Default)]
struct Follower {
    limit: u32,
    cursor: Option<String>,
    copy: BTreeMap<String, Value>,
    met: BTreeMap<String, u64>,
    expired: usize,
}

fn send<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static>(
    roster: &Memory<U, C>,
    method: &str,
    path: &str,
    token: &str,
    headers: impl FnOnce(&mut Call),
    body: &str,
) -> (u16, Value, String) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut call = Call { query: query.into(), ..call(method, path, token) };
    headers(&mut call);
    let reply = roster.answer(&call, body.into()).0.reply;
    let etag = reply.headers.iter().find(|(name, _)| *name == "ETag").map(|(_, value)| value.clone());
    (reply.status, serde_json::from_str(&reply.body).unwrap_or_default(), etag.unwrap_or_default())
}

fn variable(name: &str) -> Option<String> {
    match name {
        "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
        "RATE_LIMIT" | "BATCH_RATE_LIMIT" | "QUERY_RATE_LIMIT" => Some("1000000/60".to_owned()),
        _ => None,
    }
}

impl World {
    fn new(seed: u64, from: Storage, failing: u32, ending: u32) -> Rc<Self> {
        let clock = Clock::at(Timestamp::from_ms(T0));
        let rng = Rc::new(RefCell::new(Rng::with_seed(seed)));
        let others = Others::default();
        let mut control = None;
        let roster = Memory::new(clock.clone(), 7, variable, |hops| {
            let d1 = Shared { store: Rc::new(Sqlite::new(Rc::clone(hops)).unwrap()), others: Rc::clone(&others) };
            let objects = Shared { store: Rc::new(LocalObjects::new(Rc::clone(hops))), others: Rc::clone(&others) };
            // The mover lets nobody have a turn: it waits by itself.
            let alone = |store: &Shared<Sqlite>| Shared { store: Rc::clone(&store.store), others: Others::default() };
            let alone_objects = Shared { store: Rc::clone(&objects.store), others: Others::default() };
            let d1_alone = Rc::new(SqlStore(alone(&d1)));
            let places = RoutedStore { d1: Rc::clone(&d1_alone), objects: ObjectStore(alone_objects) };
            control = Some((d1_alone, Rc::new(places)));
            let d1 = Rc::new(SqlStore(d1));
            (Rc::new(RoutedStore { d1: Rc::clone(&d1), objects: ObjectStore(objects) }), d1)
        });
        let (d1, places) = control.unwrap();
        let failing = Rc::new(Cell::new(failing));
        let control = Control(Cut { store: d1, failing: Rc::clone(&failing), rng: Rc::clone(&rng) });
        let places = Cut { store: places, failing, rng: Rc::clone(&rng) };
        let machine = Machine {
            control: Rc::new(control),
            places: Rc::new(places),
            pace: Rc::new(Ticking(Clock::at(Timestamp::from_ms(T0)))),
            rng: Rc::clone(&rng),
            run: RefCell::default(),
            stray: RefCell::default(),
            ending: Cell::new(ending),
            giving_up: Cell::default(),
        };
        let model = Memory::new(clock.clone(), 7, variable, MemoryStore::new).unwrap();
        let roster = Rc::new(roster.unwrap());
        let storage = json!({"storage": serde_json::to_value(from).unwrap()}).to_string();
        assert_eq!(send(&roster, "PUT", "/v1/projects/default", ADMIN_TOKEN, |_| {}, &storage).0, 200);
        let new_key = |answer: (u16, Value, String)| answer.1["key"].as_str().unwrap().to_owned();
        let key = new_key(send(&roster, "POST", "/v1/keys", ADMIN_TOKEN, |_| {}, r#"{"name":"k"}"#));
        let model_key = new_key(send(&model, "POST", "/v1/keys", ADMIN_TOKEN, |_| {}, r#"{"name":"k"}"#));
        let follower = |limit| Follower { limit, ..Follower::default() };
        Rc::new(World {
            clock,
            roster,
            model,
            machine: Rc::new(machine),
            others,
            rng,
            admin_keys: RefCell::default(),
            key,
            model_key,
            revoked: RefCell::default(),
            followers: RefCell::new(vec![follower(1), follower(3), follower(1000)]),
            seen: RefCell::default(),
            has_moved: Cell::default(),
            unavailable: Cell::new(0),
        })
    }

    fn any(&self, below: usize) -> usize {
        self.rng.borrow_mut().usize(..below)
    }

    /// Lets others have turns at each call of a store from now on.
    fn interleave(self: &Rc<Self>) {
        let world = Rc::downgrade(self);
        let others = move |ms: u64| {
            let Some(world) = world.upgrade() else { return };
            // That of requests stands still in a request: the model's is of the same moment.
            let clock = &world.machine.pace.0;
            clock.set(Timestamp::from_ms(clock.now().as_ms() + ms + 1));
            let giving_up = world.machine.giving_up.get();
            if giving_up > 0 && world.any(giving_up) == 0 {
                world.give_up();
            }
            let turns = world.any(3) + usize::from(ms > 0) * 8;
            for _ in 0..turns {
                world.machine.turn();
            }
        };
        let others = Rc::new(others);
        self.others.replace(Some(Rc::clone(&others) as Rc<dyn Fn(u64)>));
        self.roster.set_on_rest(move |ms| others(ms));
    }

    fn begin_move(&self, to: Storage) {
        let control = &self.machine.control.0.store;
        let project = Project::default();
        let moving = ready(control.find_move(&project)).unwrap().unwrap();
        if moving.residence.place.storage == to || moving.last.as_ref().is_some_and(|last| !last.step.is_end()) {
            return;
        }
        self.has_moved.set(true);
        let begun = Move::begin(&moving, to, self.clock.now());
        assert!(ready(control.save_move(&project, moving.last.as_ref(), &begun, begun.residence())).unwrap());
    }

    fn step_of_move(&self) -> Option<Step> {
        let control = &self.machine.control.0.store;
        ready(control.find_move(&Project::default())).unwrap().unwrap().last.map(|last| last.step)
    }

    fn give_up(&self) {
        let (control, places) = (&self.machine.control.0.store, &self.machine.places.store);
        let project = Project::default();
        let before = ready(control.find_move(&project)).unwrap().unwrap();
        if let Some(given_up) = ready(give_up(&**control, &**places, &project)).unwrap()
            && given_up.step == Step::GiveUp
        {
            // Writes go on at once: nobody has to wait for the mover.
            assert_eq!(before.residence.place.storage, given_up.from.storage);
        }
    }

    /// One write, by the project and by the model, which answer alike.
    fn write(&self, method: &str, path: &str, body: &Value, if_match: Option<u64>, is_first: bool) -> bool {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let if_match_of = |revision: Option<u64>| {
            move |call: &mut Call| call.if_match = revision.map(|revision| format!("\"{revision}\""))
        };
        let (status, answer, _) = send(&self.roster, method, path, &self.key, if_match_of(if_match), &text);
        if status == 503 {
            // It waited in vain, for a mover that ended again and again.
            self.unavailable.set(self.unavailable.get() + 1);
            return false;
        }
        let model_match = if_match.map(|revision| self.revision_in_model(path, body, revision));
        let model = send(&self.model, method, path, &self.model_key, if_match_of(model_match), &text);
        assert_eq!(status, model.0, "{method} {path} {body}: {answer}, {}", model.1);
        let strip = |mut answer: Value| {
            strip_ids(&mut answer);
            answer
        };
        // Some buckets may have stored their part of a batch before.
        if is_first || !path.ends_with("/batch") {
            assert_eq!(strip(answer), strip(model.1), "{method} {path} {body}");
        }
        true
    }

    /// What names the same state in the model: its current revision if `revision` is the current one of the project's.
    fn revision_in_model(&self, path: &str, body: &Value, revision: u64) -> u64 {
        let id = body["user_id"].as_str().map_or_else(|| path.rsplit('/').next().unwrap().to_owned(), str::to_owned);
        let is_current = self.seen.borrow().get(&id).is_some_and(|(etag, _)| *etag == format!("\"{revision}\""));
        let (_, _, etag) = send(&self.model, "GET", &format!("/v1/users/{id}"), &self.model_key, |_| {}, "");
        let current = etag.trim_matches('"').parse().unwrap_or(0);
        if is_current { current } else { current + 1 }
    }

    fn any_body(&self, id: &str) -> Value {
        let mut body = json!({"user_id": id, "properties": {["a", "b"][self.any(2)]: self.any(3)}});
        if self.any(3) == 0 {
            let now = self.clock.now().as_ms();
            let ago = self.any(4) as u64 * self.any(40) as u64 * DAY_MS / 4;
            body["as_of"] = Timestamp::from_ms(now - ago + self.any(1000) as u64).to_string().into();
        }
        if self.any(4) == 0 {
            body["set_once"] = json!({"properties": {"first": self.any(9)}, "origin": {"campaign": "spring"}});
        }
        if self.any(4) == 0 {
            body["email"] = [json!(null), json!("a@b.c"), json!("d@e.f")][self.any(3)].clone();
        }
        body
    }

    fn any_user(&self) -> String {
        format!("u{}", self.any(USERS))
    }

    /// Somebody does something.
    fn step(&self) {
        let now = self.clock.now().as_ms();
        let passed = if self.any(20) == 0 { self.any(20) as u64 * DAY_MS } else { self.any(200) as u64 };
        self.clock.set(Timestamp::from_ms(now + passed));
        let mut written = BTreeSet::new();
        match self.any(8) {
            0 | 1 => {
                let mut ids: Vec<String> = (0..=self.any(6)).map(|_| self.any_user()).collect();
                if self.may_wait_in_vain() {
                    let mut met = BTreeSet::new();
                    ids.retain(|id| met.insert(id.clone()));
                }
                let user = |id: &String| match self.any(6) {
                    0 => json!({"user_id": id, "delete": true}),
                    _ => self.any_body(id),
                };
                let users: Vec<Value> = ids.iter().map(user).collect();
                self.write_until_done("POST", "/v1/users/batch", &json!({"users": users}), None);
                written.extend(ids);
            }
            2 => {
                let id = self.any_user();
                self.write_until_done("DELETE", &format!("/v1/users/{id}"), &Value::Null, None);
                written.insert(id);
            }
            3 => {
                let id = self.any_user();
                let body = self.any_body(&id);
                let known = self.seen.borrow().get(&id).map(|(etag, _)| etag.trim_matches('"').parse().unwrap_or(7));
                self.write_until_done(
                    "POST",
                    "/v1/users",
                    &body,
                    Some(known.unwrap_or(7) + u64::from(self.any(4) == 0)),
                );
                written.insert(id);
            }
            _ => {
                let id = self.any_user();
                self.write_until_done("POST", "/v1/users", &self.any_body(&id), None);
                written.insert(id);
            }
        }
        // What was answered is read, and what nobody wrote is as it was.
        let others = self.any_user();
        for id in written.iter().chain([&others]) {
            self.read(id, !written.contains(id));
        }
        self.count();
    }

    /// A walk through all users meets each once, though its parts are others at its end than they were at its beginning.
    fn count(&self) {
        let body = r#"{"where":{"field":"user_id","exists":true}}"#;
        let of = |answer: &Value| (answer["count"].clone(), answer["pagination"]["has_more"].clone());
        let (status, answer, _) = send(&self.roster, "POST", "/v1/users/count", &self.key, |_| {}, body);
        let (_, model, _) = send(&self.model, "POST", "/v1/users/count", &self.model_key, |_| {}, body);
        assert!(status == 503 || status == 200 && of(&answer) == of(&model), "{status} {answer}, {model}");
    }

    /// Whether a batch may be stored in part and sent again. Of a user who stands in it twice that is another body than once:
    /// it ends with what came first behind what came last.
    fn may_wait_in_vain(&self) -> bool {
        let Machine { ending, giving_up, places, .. } = &*self.machine;
        ending.get() > 0 || giving_up.get() > 0 || places.failing.get() > 0
    }

    /// A write, and again if it waited in vain.
    fn write_until_done(&self, method: &str, path: &str, body: &Value, if_match: Option<u64>) {
        let mut is_first = true;
        while !self.write(method, path, body, if_match, is_first) {
            is_first = false;
            assert!(self.unavailable.get() < 1000, "it never ends");
        }
    }

    /// Reads a user here and in the model: the same but for ids and revisions, which stay as they were while nobody writes.
    fn read(&self, id: &str, is_untouched: bool) {
        let path = format!("/v1/users/{id}");
        let (status, answer, etag) = loop {
            let read = send(&self.roster, "GET", &path, &self.key, |_| {}, "");
            if read.0 != 503 {
                break read;
            }
        };
        let (model_status, model, _) = send(&self.model, "GET", &path, &self.model_key, |_| {}, "");
        assert_eq!(status, model_status, "{id}: {answer}");
        let mut stripped = [answer["user"].clone(), model["user"].clone()];
        stripped.iter_mut().for_each(strip_ids);
        assert_eq!(stripped[0], stripped[1], "{id}");
        let mut seen = self.seen.borrow_mut();
        if status == 200 {
            let before = seen.insert(id.to_owned(), (etag.clone(), answer["user"].clone()));
            if let Some((old_etag, old)) = before {
                if is_untouched {
                    assert_eq!((&old_etag, &old), (&etag, &answer["user"]), "nobody wrote {id}");
                }
                if old["created_at"] == answer["user"]["created_at"] {
                    assert_eq!(old["user_id"], answer["user"]["user_id"], "the id of {id} stays");
                }
                let number = |etag: &str| etag.trim_matches('"').parse::<u64>().unwrap();
                if old == answer["user"] {
                    // Under a mover the times of its members have one too.
                    assert!(old_etag == etag || self.has_moved.get(), "what does not change keeps its revision");
                    assert!(number(&old_etag) <= number(&etag), "{id} went back");
                } else {
                    assert!(number(&old_etag) < number(&etag), "{id} went back");
                }
            }
        } else {
            let before = seen.remove(id);
            assert!(before.is_none() || !is_untouched, "nobody deleted {id}");
        }
    }

    /// Another key is made, or one is revoked: it does nothing any more, wherever the project is.
    fn keys(&self) {
        if self.any(2) == 0 {
            let made = send(&self.roster, "POST", "/v1/keys", ADMIN_TOKEN, |_| {}, r#"{"name":"other"}"#).1;
            let text = |name: &str| made[name].as_str().unwrap().to_owned();
            // An isolate knows it.
            let status = send(&self.roster, "GET", "/v1/users/nobody", &text("key"), |_| {}, "").0;
            assert!(status == 404 || status == 503, "{status}");
            self.admin_keys.borrow_mut().push((text("key_id"), text("key")));
        } else if let Some((id, key)) = self.admin_keys.borrow_mut().pop() {
            let (status, answer, _) = send(&self.roster, "DELETE", &format!("/v1/keys/{id}"), ADMIN_TOKEN, |_| {}, "");
            assert_eq!(status, 200, "{answer}");
            self.revoked.borrow_mut().push(key);
        }
        for key in self.revoked.borrow().iter() {
            // Also straight at the stores, as an isolate does that has known the key for long.
            let (status, answer, _) = send(&self.roster, "GET", "/v1/users/u0", key, |_| {}, "");
            assert!(status == 401 || status == 503, "{status} {answer}");
            let (status, answer, _) = send(&self.roster, "POST", "/v1/users", key, |_| {}, r#"{"user_id":"intruder"}"#);
            assert!(status == 401 || status == 503, "{status} {answer}");
        }
    }

    fn export(&self) -> BTreeMap<String, Value> {
        let (mut users, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let (status, page, _) =
                send(&self.roster, "GET", &format!("/v1/users?limit=3{cursor}"), &self.key, |_| {}, "");
            if status == 503 {
                continue;
            }
            assert_eq!(status, 200, "{page}");
            for user in page["users"].as_array().unwrap() {
                let twice = users.insert(user["external_id"].as_str().unwrap().to_owned(), user.clone());
                assert!(twice.is_none(), "a list meets nobody twice");
            }
            match page["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return users,
            }
        }
    }

    fn follow(&self, follower: &mut Follower) -> bool {
        let cursor = follower.cursor.as_ref().map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let path = format!("/v1/changes?limit={}{cursor}", follower.limit);
        let (status, page, _) = send(&self.roster, "GET", &path, &self.key, |_| {}, "");
        if status == 503 {
            return true;
        }
        if status == 410 {
            assert!(follower.cursor.is_some(), "who begins is never too late");
            *follower = Follower { limit: follower.limit, expired: follower.expired + 1, ..Follower::default() };
            return true;
        }
        assert_eq!(status, 200, "{page}");
        for change in page["changes"].as_array().unwrap() {
            let id = change["external_id"].as_str().unwrap().to_owned();
            if change["type"] == "deleted" {
                follower.copy.remove(&id);
            } else {
                let user = change["user"].clone();
                let updated_at = user["updated_at"].as_str().unwrap().parse::<Timestamp>().unwrap().as_ms();
                if let Some(old) = follower.copy.insert(id.clone(), user.clone())
                    && old["user_id"] == user["user_id"]
                {
                    assert!(follower.met[&id] <= updated_at, "{id} went back");
                }
                follower.met.insert(id, updated_at);
            }
        }
        follower.cursor = Some(page["pagination"]["next_cursor"].as_str().unwrap().to_owned());
        page["pagination"]["has_more"].as_bool().unwrap()
    }

    fn some_follow(&self) {
        let mut followers = self.followers.take();
        for follower in &mut followers {
            if self.any(3) == 0 {
                self.follow(follower);
            }
        }
        self.followers.replace(followers);
    }

    /// At the end everybody has the same.
    fn check(&self) -> usize {
        let export = self.export();
        assert!(!export.contains_key("intruder"));
        for id in 0..USERS {
            self.read(&format!("u{id}"), true);
        }
        let seen: BTreeMap<String, Value> =
            self.seen.borrow().iter().map(|(id, (_, user))| (id.clone(), user.clone())).collect();
        assert_eq!(export, seen);
        let mut followers = self.followers.take();
        let mut expired = 0;
        for follower in &mut followers {
            while self.follow(follower) {}
            assert_eq!(follower.copy, export, "pages of {}", follower.limit);
            expired += follower.expired;
        }
        self.followers.replace(followers);
        expired
    }

    /// Lets the mover come to its end, without further trouble.
    fn finish(&self) {
        self.machine.giving_up.set(0);
        self.machine.ending.set(0);
        self.machine.places.failing.set(0);
        for _ in 0..100_000 {
            if self.step_of_move().is_none_or(Step::is_end) {
                return;
            }
            self.machine.turn();
        }
        panic!("the move does not end: {:?}", self.step_of_move());
    }
}

/// Roster's own ids are random, and of revisions the order alone is promised: they are held against themselves.
fn strip_ids(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("user_id");
            members.remove("revision");
            members.values_mut().for_each(strip_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_ids),
        _ => {}
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => unreachable!("it waited"),
    }
}

fn storage(buckets: u64) -> Storage {
    match Buckets::of_count(buckets) {
        Some(buckets) => Storage::Objects(Placement { buckets, ..Placement::default() }),
        None => Storage::D1,
    }
}

fn histories() -> usize {
    std::env::var("HISTORIES").map_or(HISTORIES, |count| count.parse().unwrap())
}

/// What became of the moves of some histories.
#[derive(Debug, Default)]
struct Ended {
    done: usize,
    given_up: usize,
    unavailable: usize,
    expired: usize,
}

/// Histories of moves through some storages, one after the other.
fn run(name: &str, through: &[Storage], failing: u32, ending: u32, gives_up: bool) -> Ended {
    let seed = seed();
    println!("SEED={seed} {name}");
    let mut rng = Rng::with_seed(seed);
    let mut ended = Ended::default();
    for _ in 0..histories() {
        let world = World::new(rng.u64(..), through[0], failing, ending);
        world.interleave();
        world.machine.giving_up.set(if gives_up { 60 } else { 0 });
        let mut next = through[1..].iter();
        for step in 0..STEPS {
            if world.step_of_move().is_none_or(Step::is_end)
                && step % (STEPS / through.len()) == 0
                && let Some(to) = next.next()
            {
                world.begin_move(*to);
            }
            world.step();
            world.some_follow();
            if world.any(4) == 0 {
                world.keys();
            }
        }
        world.check();
        world.finish();
        ended.expired += world.check();
        match world.step_of_move() {
            Some(Step::Done) => ended.done += 1,
            Some(Step::GivenUp) => ended.given_up += 1,
            other => panic!("{other:?}"),
        }
        ended.unavailable += world.unavailable.get();
    }
    println!("{name}: {ended:?}");
    ended
}

const FROM_D1: [u64; 3] = [1, 4, 16];

/// A body as of a moment that says again what is stored is the newer word all the same, and goes along, whenever it comes.
#[test]
fn a_later_word_for_the_same_value_moves_too() {
    for ((from, to), turns) in
        [(0, 4), (4, 0), (1, 4)].into_iter().flat_map(|way| (0..60).map(move |turns| (way, turns)))
    {
        let world = World::new(0, storage(from), 0, 0);
        let write = |path: &str, value: u32, as_of: Option<u64>| {
            let mut user = json!({"user_id": "u0", "properties": {"a": value}});
            if let Some(second) = as_of {
                user["as_of"] = Timestamp::from_ms(T0 + second * 1000).to_string().into();
            }
            let body = if path.ends_with("batch") { json!({"users": [user]}) } else { user };
            assert!(world.write("POST", path, &body, None, true));
            world.read("u0", false);
        };
        for path in ["/v1/users", "/v1/users/batch"] {
            write(path, 1, None);
        }
        world.begin_move(storage(to));
        (0..turns).for_each(|_| world.machine.turn());
        world.interleave();
        world.clock.set(Timestamp::from_ms(T0 + 20_000));
        write(["/v1/users", "/v1/users/batch"][turns % 2], 1, Some(10));
        world.finish();
        assert_eq!(world.step_of_move(), Some(Step::Done));
        write("/v1/users", 2, Some(5));
        write("/v1/users", 3, Some(15));
    }
}

/// What was copied of a user who is deleted then must not stand in the new place, though nothing says so any more.
#[test]
fn a_deletion_that_is_forgotten_before_it_is_copied_moves_too() {
    for ((from, to), turns) in
        [(0, 4), (4, 0), (1, 4)].into_iter().flat_map(|way| (0..60).map(move |turns| (way, turns)))
    {
        let world = World::new(0, storage(from), 0, 0);
        let write = |method: &str, path: &str, id: &str, body: &Value| {
            assert!(world.write(method, path, body, None, true));
            world.read(id, false);
        };
        let users: Vec<String> = (0..USERS).map(|number| format!("u{number}")).collect();
        for id in &users {
            write("POST", "/v1/users", id, &json!({"user_id": id}));
        }
        world.begin_move(storage(to));
        (0..turns).for_each(|_| world.machine.turn());
        world.interleave();
        write("DELETE", "/v1/users/u0", "u0", &Value::Null);
        world.clock.set(Timestamp::from_ms(T0 + 31 * DAY_MS));
        // Each write forgets, in its own bucket.
        for id in &users[1..] {
            write("POST", "/v1/users", id, &json!({"user_id": id, "properties": {"a": 1}}));
        }
        world.finish();
        assert_eq!(world.step_of_move(), Some(Step::Done));
        world.check();
    }
}

/// A call that empties the new place, to be filled anew, may come when it is filled.
#[test]
fn what_empties_the_new_place_and_comes_late_removes_nobody() {
    for (from, to) in [(0, 4), (4, 0), (1, 4)] {
        let world = World::new(0, storage(from), 0, 0);
        for id in (0..USERS).map(|number| format!("u{number}")) {
            assert!(world.write("POST", "/v1/users", &json!({"user_id": id}), None, true));
            world.read(&id, false);
        }
        world.begin_move(storage(to));
        let moving = ready(world.machine.control.0.store.find_move(&Project::default())).unwrap().unwrap();
        let place = moving.last.unwrap().to;
        let empty = |part| (part, Task::Empty { generation: place.generation });
        while world.step_of_move() != Some(Step::Switch) {
            world.machine.turn();
        }
        while world.step_of_move() == Some(Step::Switch) {
            let tasks = (0..place.storage.parts()).map(empty).collect();
            ready(world.machine.places.store.ask(&Project::default(), place, tasks)).unwrap();
            world.machine.turn();
        }
        world.finish();
        world.check();
    }
}

#[test]
fn a_project_leaves_d1_while_it_serves() {
    for buckets in FROM_D1 {
        let ended = run(&format!("D1 to {buckets}"), &[Storage::D1, storage(buckets)], 0, 0, false);
        assert_eq!((ended.given_up, ended.unavailable), (0, 0));
    }
}

#[test]
fn a_project_goes_back_to_d1_or_to_other_objects_while_it_serves() {
    for (from, to) in [(16, 0), (4, 0), (1, 4), (4, 16), (16, 4), (4, 1)] {
        let ended = run(&format!("{from} to {to}"), &[storage(from), storage(to)], 0, 0, false);
        assert_eq!((ended.given_up, ended.unavailable), (0, 0));
    }
}

#[test]
fn a_mover_that_ends_at_any_moment_loses_nothing() {
    for (from, to) in [(0, 4), (4, 0), (4, 16), (16, 1)] {
        run(&format!("{from} to {to}, ending"), &[storage(from), storage(to)], 0, 12, false);
    }
}

#[test]
fn a_mover_whose_calls_fail_loses_nothing() {
    for (from, to) in [(0, 4), (4, 0), (4, 16)] {
        run(&format!("{from} to {to}, failing"), &[storage(from), storage(to)], 6, 20, false);
    }
}

#[test]
fn a_move_that_is_given_up_at_any_step_leaves_all_as_it_was() {
    let given_up = |(from, to)| {
        run(&format!("{from} to {to}, given up"), &[storage(from), storage(to), storage(to)], 12, 30, true).given_up
    };
    // Of a few histories one way, none may be given up.
    let all: usize = [(0, 4), (4, 0), (1, 16)].map(given_up).iter().sum();
    assert!(histories() < HISTORIES || all > 0);
}

#[test]
fn a_project_goes_through_all_storages_while_it_serves() {
    let through = [0, 1, 4, 16, 0].map(storage);
    run("through all", &through, 0, 0, false);
    run("through all, with trouble", &through, 20, 40, false);
}
