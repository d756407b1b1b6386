//! Webhooks: whatever the receiver answers, and wherever the object is killed, each user's last state arrives, and none older
//! after a newer.

use crate::roster::{T0, call, objects, seed};
use fastrand::Rng;
use roster::key::{Project, ProjectRecord};
use roster::store::moving::Places;
use roster::store::objects::ObjectStore;
use roster::store::sql::{LocalDatabase, SqlStore, Statement};
use roster::store::{ChangedUser, ChangesPage, ControlStore, FollowFrom, OwnReads, RoutedStore, StoreError, UserStore};
use roster::time::Timestamp;
use roster::webhooks::{Answer, Choice, Endpoint, Event, Host, Post, Secret, Waits, WebhookAnswer, WebhookRequest};
use roster_reference::{Clock, LocalObjects, LocalSqlite, Memory, MemoryStore, Sqlite};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

const HISTORIES: usize = 60;
const STEPS: usize = 60;
const USERS: usize = 8;
const ADMIN_TOKEN: &str = "admin-token-of-the-tests";
const HOUR_MS: u64 = 3_600_000;

/// What surrounds an endpoint, and outlives it.
struct World {
    clock: Clock,
    rng: RefCell<Rng>,
    /// The alarm that the runtime keeps.
    alarm: Cell<Option<u64>>,
    /// Effects until the object is killed. None: it is not.
    kill_in: Cell<Option<u32>>,
    dead: Cell<bool>,
    /// In hundreds, how often the receiver refuses, and the store or the alarm fails.
    refuses: Cell<u8>,
    fails: Cell<u8>,
    /// How often each user was refused in a row.
    refused: RefCell<BTreeMap<String, u32>>,
    /// How often one may be: a state that is refused ten times is given up.
    may_refuse: Cell<u32>,
    /// Of each user the states that it had, one after the other. Null: it was deleted.
    states: RefCell<BTreeMap<String, Vec<Value>>>,
    in_flight: RefCell<BTreeSet<String>>,
    /// Of each user the place among its states of the last that arrived.
    arrived: RefCell<BTreeMap<String, usize>>,
    delivered: RefCell<BTreeMap<String, Value>>,
    data: RefCell<BTreeMap<String, Value>>,
    secret: Secret,
    messages: Cell<usize>,
}

impl World {
    fn new(rng: Rng) -> Rc<Self> {
        Rc::new(World {
            clock: Clock::at(Timestamp::from_ms(T0)),
            rng: RefCell::new(rng),
            alarm: Cell::default(),
            kill_in: Cell::default(),
            dead: Cell::default(),
            refuses: Cell::default(),
            fails: Cell::default(),
            refused: RefCell::default(),
            may_refuse: Cell::new(u32::MAX),
            states: RefCell::default(),
            in_flight: RefCell::default(),
            arrived: RefCell::default(),
            delivered: RefCell::default(),
            data: RefCell::default(),
            secret: Secret::generate(|bytes| bytes.fill(1)),
            messages: Cell::default(),
        })
    }

    fn now(&self) -> u64 {
        self.clock.now().as_ms()
    }

    fn pass(&self, ms: u64) {
        self.clock.set(Timestamp::from_ms(self.now() + ms));
    }

    fn any(&self, below: u8) -> u8 {
        self.rng.borrow_mut().u8(..below)
    }

    /// One moment at which the object may be killed.
    fn effect(&self) {
        if let Some(left) = self.kill_in.get() {
            self.kill_in.set(Some(left.saturating_sub(1)));
            self.dead.set(self.dead.get() || left == 0);
        }
    }

    /// A moment before or after an effect of a call that waits: who is dead waits for ever. Whether the call fails.
    async fn moment(&self) -> bool {
        self.effect();
        if self.dead.get() {
            pending::<()>().await;
        }
        self.any(100) < self.fails.get()
    }

    /// Some polls go by.
    async fn yields(&self) {
        let mut left = self.any(6);
        std::future::poll_fn(|_| {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// What a receiver notes of a message.
    fn arrives(&self, post: &Post) -> Vec<(String, Value)> {
        let body: Value = serde_json::from_str(&post.body).unwrap();
        let second = post.timestamp.parse().unwrap();
        assert_eq!(post.signature, self.secret.sign(&post.id, second, &post.body));
        let known = self.data.borrow_mut().insert(post.id.clone(), body.clone());
        assert!(known.is_none_or(|known| known == body), "{} names two states", post.id);
        assert_eq!(body["data"]["project"], "default");
        let entries = match body["type"].as_str().unwrap() {
            "user.changed" => vec![(body["data"].clone(), body["data"]["user"].clone())],
            "user.deleted" => vec![(body["data"].clone(), Value::Null)],
            "users.changes" => {
                let changes = body["data"]["changes"].as_array().unwrap();
                assert!(!changes.is_empty());
                changes.iter().map(|change| (change.clone(), change["user"].clone())).collect()
            }
            other => panic!("{other}"),
        };
        let users: Vec<_> = entries
            .into_iter()
            .map(|(entry, user)| (entry["external_id"].as_str().unwrap().to_owned(), user))
            .collect();
        for (id, state) in &users {
            let states = self.states.borrow();
            let place = states[id].iter().rposition(|known| known == state);
            let place = place.unwrap_or_else(|| panic!("{id} never was {state}"));
            let before = self.arrived.borrow_mut().insert(id.clone(), place);
            assert!(before.is_none_or(|before| before <= place), "{id}: an older state after a newer");
        }
        users
    }
}

/// A database that outlives its object, and whose writes are moments to be killed at.
#[derive(Clone)]
struct Kept(Rc<LocalSqlite>, Rc<World>);

impl LocalDatabase for Kept {
    fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        self.0.query(statement)
    }

    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn run_script(&self, script: &str) -> Result<(), StoreError> {
        self.0.run_script(script)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.clear()
    }

    fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.1.effect();
        if self.1.dead.get() {
            return Err(StoreError::Unavailable("killed".into()));
        }
        let outcome = self.0.in_transaction(work);
        self.1.effect();
        outcome
    }
}

struct TestHost<U, C> {
    world: Rc<World>,
    users: Rc<U>,
    control: Rc<C>,
}

impl<U: OwnReads, C> OwnReads for TestHost<U, C> {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        if self.world.moment().await {
            return Err(StoreError::Unavailable("away".into()));
        }
        self.world.yields().await;
        // Small pages, so that there are several.
        let page = self.users.changes_of(project, from, limit.min(3)).await;
        self.world.yields().await;
        page
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        if self.world.moment().await {
            return Err(StoreError::Unavailable("away".into()));
        }
        let states = self.users.states_of(project, ids).await;
        self.world.yields().await;
        states
    }
}

impl<U: OwnReads, C: ControlStore> Host for TestHost<U, C> {
    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.world.rng.borrow_mut().fill(bytes);
    }

    fn waits(&self) -> Waits {
        Waits { hurry: 1 }
    }

    fn allows_insecure(&self) -> bool {
        false
    }

    async fn project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        self.control.find_project(name).await
    }

    async fn post(&self, post: Post) -> Result<Answer, String> {
        let world = &self.world;
        world.moment().await;
        world.messages.set(world.messages.get() + 1);
        let users = world.arrives(&post);
        for (id, _) in &users {
            assert!(world.in_flight.borrow_mut().insert(id.clone()), "two messages of {id} are in flight");
        }
        assert!(world.in_flight.borrow().len() <= 600);
        world.yields().await;
        world.moment().await;
        for (id, _) in &users {
            assert!(world.in_flight.borrow_mut().remove(id));
        }
        let mut refused = world.refused.borrow_mut();
        let may_refuse =
            users.iter().all(|(id, _)| refused.get(id).is_none_or(|times| *times < world.may_refuse.get()));
        if may_refuse && world.any(100) < world.refuses.get() {
            for (id, _) in users {
                *refused.entry(id).or_default() += 1;
            }
            return match world.any(5) {
                0 => Err("no answer in time".into()),
                1 => Ok(Answer { status: 301, ..Answer::default() }),
                2 => Ok(Answer { status: 503, retry_after: Some("3600".into()), ..Answer::default() }),
                3 => Ok(Answer { status: 429, retry_after: Some("1".into()), ..Answer::default() }),
                _ => Ok(Answer { status: 500, ..Answer::default() }),
            };
        }
        refused.retain(|id, _| !users.iter().any(|(user, _)| user == id));
        world.delivered.borrow_mut().extend(users);
        Ok(Answer { status: 204, ..Answer::default() })
    }

    fn abort(&self) {}

    async fn set_alarm(&self, at: Option<Timestamp>) -> Result<(), String> {
        if self.world.moment().await {
            return Err("not set".into());
        }
        self.world.alarm.set(at.map(Timestamp::as_ms));
        self.world.moment().await;
        Ok(())
    }

    async fn erase(&self) -> Result<(), String> {
        Ok(())
    }

    fn log(&self, _: &str) {}
}

type TestEndpoint<U, C> = Endpoint<Kept, TestHost<U, C>>;

/// A Roster with a webhook.
struct History<U, C> {
    world: Rc<World>,
    roster: Memory<U, C>,
    key: String,
    database: Kept,
    endpoint: Rc<TestEndpoint<U, C>>,
    /// Users who changed since the webhook began.
    changed: BTreeSet<String>,
    /// Where the project moves now and then.
    storages: Vec<Value>,
}

impl<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static> History<U, C> {
    fn new(world: Rc<World>, roster: Memory<U, C>, project: &Value) -> Self {
        admin(&roster, "PUT", "/v1/projects/default", project);
        let key = admin(&roster, "POST", "/v1/keys", &json!({"name": "test"}))["key"].as_str().unwrap().to_owned();
        let database = Kept(Rc::default(), Rc::clone(&world));
        let endpoint = endpoint(&world, &roster, &database);
        History { world, roster, key, database, endpoint, changed: BTreeSet::new(), storages: Vec::new() }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let reply = self.roster.handle(&call(method, path, &self.key), body.to_string().into()).0.reply;
        (reply.status, serde_json::from_str(&reply.body).unwrap())
    }

    /// Changes or deletes a user, and notes what it is then. The project may have moved before.
    fn write(&mut self) {
        if !self.storages.is_empty() && self.world.any(12) == 0 {
            let to = &self.storages[usize::from(self.world.any(u8::try_from(self.storages.len()).unwrap()))];
            admin(&self.roster, "POST", "/v1/projects/default/move", to);
        }
        let id = format!("u{}", self.world.any(u8::try_from(USERS).unwrap()));
        if self.world.any(4) == 0 {
            assert_eq!(self.send("DELETE", &format!("/v1/users/{id}"), &Value::Null).0, 200);
        } else {
            let body = json!({"user_id": id, "properties": {"n": self.world.any(4)}});
            assert_eq!(self.send("POST", "/v1/users", &body).0, 200);
        }
        let state = match self.send("GET", &format!("/v1/users/{id}"), &Value::Null) {
            (200, answer) => answer["user"].clone(),
            _ => Value::Null,
        };
        let mut states = self.world.states.borrow_mut();
        let states = states.entry(id.clone()).or_default();
        if states.last().unwrap_or(&Value::Null) != &state {
            states.push(state);
            self.changed.insert(id);
        }
        // Each change has a moment of its own.
        self.world.pass(1);
    }

    /// None: the object was killed.
    fn ask(&self, request: &WebhookRequest) -> Option<WebhookAnswer> {
        let request = serde_json::to_string(request).unwrap();
        let mut answer = pin!(self.endpoint.answer(&request));
        for _ in 0..1000 {
            let poll = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if self.world.dead.get() {
                return None;
            }
            if let Poll::Ready(answer) = poll {
                return Some(roster::json::from_str(&answer.unwrap()).unwrap());
            }
        }
        panic!("an answer never comes");
    }

    fn described(&self, request: &WebhookRequest) -> Value {
        match self.ask(request) {
            Some(WebhookAnswer::Described(webhook)) => serde_json::from_str(webhook.get()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn create(&self, choice: Choice) {
        let secret = self.world.secret.clone();
        let (id, project) = ("whk_1".into(), "default".into());
        self.described(&WebhookRequest::Create { id, project, choice, secret });
    }

    /// Lets the alarm go off, if it is due. The runtime forgets it when it has gone off well, or another one is set.
    fn go_off(&mut self, writes: bool) {
        let Some(at) = self.world.alarm.get().filter(|at| *at <= self.world.now()) else { return };
        self.world.alarm.set(None);
        let (endpoint, world) = (Rc::clone(&self.endpoint), Rc::clone(&self.world));
        let mut alarm = Box::pin(endpoint.alarm());
        let outcome = (0..100_000).find_map(|_| {
            let poll = alarm.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            match poll {
                _ if world.dead.get() => return Some(Err("killed".into())),
                Poll::Ready(outcome) => return Some(outcome),
                Poll::Pending => {}
            }
            if writes && world.any(8) == 0 {
                self.write();
                if world.any(2) == 0 {
                    self.ask(&WebhookRequest::Poke);
                }
            }
            world.dead.get().then(|| Err("killed".into()))
        });
        drop(alarm);
        if outcome.unwrap().is_err() && world.alarm.get().is_none() {
            world.alarm.set(Some(at));
        }
        if world.dead.get() {
            self.restart();
        }
    }

    /// Begins anew with what is stored.
    fn restart(&mut self) {
        self.world.dead.set(false);
        self.world.kill_in.set(None);
        self.world.in_flight.borrow_mut().clear();
        self.endpoint = endpoint(&self.world, &self.roster, &self.database);
    }

    /// Lets alarms go off until nothing is left to do.
    fn settle(&mut self) {
        self.world.refuses.set(0);
        self.world.fails.set(0);
        let mut next_at = 0;
        for _ in 0..200 {
            // An alarm may be late: so it is at the time of the next try.
            // An active webhook always has one.
            let at = self.world.alarm.get().unwrap();
            self.world.clock.set(Timestamp::from_ms(at.max(self.world.now()).max(next_at)));
            self.go_off(false);
            let webhook = self.described(&WebhookRequest::Describe);
            if webhook["behind"].is_null() {
                assert_eq!(webhook["retrying"], Value::Null);
                return;
            }
            next_at = next_try(&webhook).unwrap_or_default();
        }
        panic!("it does not settle: {:?}", self.described(&WebhookRequest::Describe));
    }
}

/// What the administrator is answered.
fn admin<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static>(
    roster: &Memory<U, C>,
    method: &str,
    path: &str,
    body: &Value,
) -> Value {
    let (handled, _) = roster.handle(&call(method, path, ADMIN_TOKEN), body.to_string().into());
    assert!(handled.reply.status < 300, "{}", handled.reply.body);
    serde_json::from_str(&handled.reply.body).unwrap()
}

fn endpoint<U: OwnReads, C: ControlStore>(
    world: &Rc<World>,
    roster: &Memory<U, C>,
    database: &Kept,
) -> Rc<TestEndpoint<U, C>> {
    let (users, control) = (Rc::clone(&roster.users), Rc::clone(&roster.control));
    Rc::new(Endpoint::new(database.clone(), TestHost { world: Rc::clone(world), users, control }))
}

/// When the next try of a webhook is due, in milliseconds.
fn next_try(webhook: &Value) -> Option<u64> {
    let at: Timestamp = webhook["retrying"]["next_at"].as_str()?.parse().unwrap();
    Some(at.as_ms())
}

fn choice(events: &[Event], filter: Option<&str>, batch: u32) -> Choice {
    let filter = filter.map(|text| RawValue::from_string(text.into()).unwrap());
    Choice { url: "https://hooks.example.com/".into(), events: events.into(), filter, batch }
}

/// Whether a state is one that a webhook of this choice is about; the filters here ask for one value of `n`.
fn is_meant(choice: &Choice, state: &Value) -> bool {
    match state {
        Value::Null => choice.events.contains(&Event::Deleted),
        user => {
            choice.events.contains(&Event::Changed) && (choice.filter.is_none() || user["properties"]["n"] == json!(1))
        }
    }
}

/// Random histories of a project, which is in one storage or moves between some.
fn deliver<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static>(
    name: &str,
    project: &Value,
    storages: &[Value],
    roster: impl Fn(&Clock) -> Memory<U, C>,
) {
    let seed = seed();
    println!("SEED={seed} {name}");
    let mut rng = Rng::with_seed(seed);
    let histories = std::env::var("HISTORIES").map_or(HISTORIES, |count| count.parse().unwrap());
    let (mut messages, mut kills) = (0, 0);
    for _ in 0..histories {
        let world = World::new(rng.fork());
        world.may_refuse.set(8);
        let mut history = History::new(Rc::clone(&world), roster(&world.clock), project);
        for _ in 0..world.any(12) {
            history.write();
        }
        history.changed.clear();
        history.storages = storages.to_vec();
        let events = [&Event::ALL[..], &[Event::Changed], &[Event::Deleted]][usize::from(world.any(3))];
        let filter = (world.any(3) == 0).then_some(r#"{"field":"/properties/n","eq":1}"#);
        let choice = choice(events, filter, [1, 1, 3, 100][usize::from(world.any(4))]);
        history.create(choice.clone());
        for _ in 0..STEPS {
            match world.any(12) {
                0..5 => history.write(),
                5 => {
                    history.ask(&WebhookRequest::Poke);
                }
                6 => world.refuses.set([0, 30, 100][usize::from(world.any(3))]),
                7 => world.fails.set([0, 0, 30][usize::from(world.any(3))]),
                8 => world.pass(u64::from(world.any(60)) * 100_000),
                _ => world.pass(u64::from(world.any(100)) * 100),
            }
            if world.any(3) == 0 {
                world.kill_in.set(Some(u32::from(world.any(40))));
                kills += 1;
            }
            history.go_off(true);
            if world.dead.get() {
                history.restart();
            }
            world.kill_in.set(None);
        }
        history.settle();
        let webhook = history.described(&WebhookRequest::Describe);
        assert_eq!((&webhook["given_up"], &webhook["state"]), (&json!(0), &json!("active")));
        for id in &history.changed {
            let states = world.states.borrow();
            let last = states[id].last().unwrap();
            if is_meant(&choice, last) {
                assert_eq!(world.delivered.borrow().get(id), Some(last), "{id}");
            }
        }
        messages += world.messages.get();
    }
    println!("{name}: {histories} histories, {kills} kills, {messages} messages");
}

fn variable(name: &str) -> Option<String> {
    match name {
        "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
        "RATE_LIMIT" => Some("1000000/60".to_owned()),
        _ => None,
    }
}

fn model(clock: &Clock) -> Memory<MemoryStore, MemoryStore> {
    Memory::new(clock.clone(), 7, variable, MemoryStore::new).unwrap()
}

type SqliteUsers = RoutedStore<SqlStore<Sqlite>, ObjectStore<LocalObjects>>;

fn sqlite(clock: &Clock) -> Memory<SqliteUsers, SqlStore<Sqlite>> {
    let stores = |hops: &Rc<Cell<u32>>| {
        let d1 = Rc::new(SqlStore(Sqlite::new(Rc::clone(hops)).unwrap()));
        let objects = ObjectStore(LocalObjects::new(Rc::clone(hops)));
        (Rc::new(RoutedStore { d1: Rc::clone(&d1), objects }), d1)
    };
    Memory::new(clock.clone(), 7, variable, stores).unwrap()
}

#[test]
fn every_last_state_of_the_model_arrives() {
    deliver("model", &json!({}), &[], model);
}

#[test]
fn every_last_state_of_d1_arrives() {
    deliver("D1", &json!({}), &[], sqlite);
}

#[test]
fn every_last_state_of_objects_arrives() {
    for buckets in [1, 4] {
        deliver("objects", &objects(buckets), &[], sqlite);
    }
}

#[test]
fn every_last_state_arrives_though_the_project_moves() {
    let storages = [objects(1), objects(4), json!({"storage": {"kind": "d1"}})];
    deliver("moving", &json!({}), &storages, sqlite);
}

/// A history of one user whose message is refused.
fn refused() -> History<MemoryStore, MemoryStore> {
    let world = World::new(Rng::with_seed(3));
    let mut history = History::new(Rc::clone(&world), model(&world.clock), &json!({}));
    history.create(choice(&Event::ALL, None, 1));
    world.refuses.set(100);
    history.write();
    history
}

/// Lets a day pass after the other.
fn wait_days(
    history: &mut History<MemoryStore, MemoryStore>,
    days: u64,
    mut each_hour: impl FnMut(&mut History<MemoryStore, MemoryStore>),
) {
    for _ in 0..days * 24 {
        history.world.pass(HOUR_MS);
        history.go_off(false);
        each_hour(history);
    }
}

#[test]
fn an_endpoint_that_nothing_was_delivered_to_is_disabled_and_goes_on_when_it_is_asked_to() {
    let mut history = refused();
    wait_days(&mut history, 6, |_| ());
    let webhook = history.described(&WebhookRequest::Describe);
    assert_eq!((&webhook["state"], &webhook["disabled"]["reason"]), (&json!("disabled"), &json!("undelivered")));
    assert_eq!((&webhook["given_up"], &webhook["retrying"]["attempts"]), (&json!(0), &json!(9)));
    assert_eq!(history.world.messages.get(), 10);
    assert_eq!(history.world.alarm.get(), None);
    let resume = WebhookRequest::Change(json!({"paused": false}).to_string());
    assert_eq!(history.described(&resume)["disabled"], Value::Null);
    history.settle();
    assert_eq!(history.world.delivered.borrow().len(), 1);
}

#[test]
fn a_state_is_given_up_if_others_were_delivered_meanwhile() {
    let mut history = refused();
    let refused = history.changed.clone();
    history.go_off(false);
    wait_days(&mut history, 6, |history| {
        // The receiver takes whatever is not of this user.
        let world = Rc::clone(&history.world);
        if next_try(&history.described(&WebhookRequest::Describe)).is_some_and(|at| at > world.now()) {
            world.refuses.set(0);
            while history.changed.len() < 2 {
                history.write();
            }
            history.ask(&WebhookRequest::Poke);
            history.go_off(false);
            world.refuses.set(100);
        }
    });
    let webhook = history.described(&WebhookRequest::Describe);
    assert_eq!((&webhook["given_up"], &webhook["state"]), (&json!(1), &json!("active")));
    assert!(refused.iter().all(|id| !history.world.delivered.borrow().contains_key(id)));
}

#[test]
fn a_replay_sends_again_under_other_ids_and_a_rotation_signs_with_both() {
    let world = World::new(Rng::with_seed(5));
    let mut history = History::new(Rc::clone(&world), model(&world.clock), &json!({}));
    history.create(choice(&Event::ALL, None, 1));
    (0..20).for_each(|_| history.write());
    history.settle();
    let (ids, messages) = (world.data.borrow().len(), world.messages.get());
    history.described(&WebhookRequest::Replay(T0));
    history.settle();
    assert_eq!(world.messages.get(), messages + history.changed.len());
    assert_eq!(world.data.borrow().len(), ids + history.changed.len());
}
