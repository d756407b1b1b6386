//! An edge in memory: the ports as their docs have it, the store by the model of the merge.

use roster::api::{self, Answer, BodyError, Call, Edge, Encoding, KeyCache, Network, Settings};
use roster::json::{self, Value};
use roster::key::{ApiKey, KeyHash, KeyRecord, Project, ProjectRecord, Scope};
use roster::limit::{Account, Ask, Decider, Decision, Ledger, Limiter, LimiterAway, Policy, Quota};
use roster::merge::merge;
use roster::store::{Filter, MAX_PROFILE_BYTES, Page, Position, Store, StoreError, StoredLimit, StoredUser, Upserted};
use roster::time::Timestamp;
use roster::user::{ExternalId, MAX_KEYS, NewUser};
use serde_json::value::RawValue;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The only key at first: it may do all.
pub const KEY: &str = "ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYj";
pub const ADMIN_TOKEN: &str = "admin-token-of-the-fuzzer";
/// When the clock begins.
pub const T0: Timestamp = Timestamp::from_ms(1_700_000_000_000);

pub struct Memory {
    pub store: Rc<MemoryStore>,
    pub now: Rc<Cell<Timestamp>>,
    settings: Settings,
    limiter: MemoryLimiter,
    key_cache: RefCell<KeyCache>,
    body: RefCell<Vec<u8>>,
}

impl Memory {
    pub fn new() -> Self {
        let now = Rc::new(Cell::new(T0));
        let variable = |name: &str| match name {
            "ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
            "RATE_LIMIT" | "BATCH_RATE_LIMIT" => Some("1000000/60".to_owned()),
            _ => None,
        };
        Memory {
            store: Rc::default(),
            now: Rc::clone(&now),
            settings: Settings::read(variable).unwrap(),
            limiter: MemoryLimiter { ledgers: RefCell::default(), now },
            key_cache: RefCell::default(),
            body: RefCell::default(),
        }
    }

    /// Sends a call with the key, and checks the answer's form.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.send_as(&format!("Bearer {KEY}"), method, target, body)
    }

    #[track_caller]
    pub fn send_as(&self, authorization: &str, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: Some(authorization.to_owned()),
            request_id: "request".to_owned(),
            ..Call::default()
        };
        self.body.replace(body.into());
        let answer = ready(api::handle(&call, self));
        check_form(&answer);
        answer
    }
}

/// What the contract says of every answer, and that none is our fault.
#[track_caller]
fn check_form(answer: &Answer) {
    let reply = &answer.reply;
    let statuses = [200, 201, 204, 207, 304, 400, 401, 403, 404, 405, 413, 415, 429];
    assert!(statuses.contains(&reply.status), "{answer:?}");
    for name in ["X-Request-Id", "Content-Type", "Cache-Control", "X-Content-Type-Options"] {
        assert_eq!(header(answer, name).len(), 1, "{name}");
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
        assert_eq!(body["code"].as_str(), answer.code);
    } else if reply.content_type == "application/json" && !reply.body.is_empty() {
        json::parse(reply.body.as_bytes()).unwrap();
    }
}

/// The values of the headers with this name.
pub fn header<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    answer.reply.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_str()).collect()
}

/// Nothing in here ever waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("waits for nothing"),
    }
}

impl Edge for Memory {
    type Store = MemoryStore;
    type Limiter = MemoryLimiter;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn store(&self) -> Rc<MemoryStore> {
        Rc::clone(&self.store)
    }

    fn limiter(&self) -> &MemoryLimiter {
        &self.limiter
    }

    fn key_cache(&self) -> &RefCell<KeyCache> {
        &self.key_cache
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    async fn body(&self, _: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.body.take();
        if body.len() > limit_bytes { Err(BodyError::TooLarge) } else { Ok(body) }
    }

    async fn file(&self, path: &str) -> Result<String, String> {
        Ok(path.to_owned())
    }

    async fn admit_stranger(&self, _: &Network) -> bool {
        true
    }

    fn in_background(&self, work: impl Future<Output = ()> + 'static) {
        ready(work);
    }
}

pub struct MemoryLimiter {
    ledgers: RefCell<BTreeMap<(Project, Policy), Ledger>>,
    now: Rc<Cell<Timestamp>>,
}

impl Limiter for MemoryLimiter {
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Decision {
        let mut ledgers = self.ledgers.borrow_mut();
        let ledger = ledgers.entry((account.project.clone(), account.policy)).or_default();
        let grant = ledger.grant(Ask { default, cost, ahead: 0 }, self.now.get().as_ms());
        Decision { verdict: grant.verdict, by: Decider::Object }
    }

    async fn set_quota(&self, account: Account<'_>, quota: Option<Quota>) -> Result<(), LimiterAway> {
        let mut ledgers = self.ledgers.borrow_mut();
        ledgers.entry((account.project.clone(), account.policy)).or_default().set_quota(quota);
        Ok(())
    }

    async fn own_quota(&self, account: Account<'_>) -> Result<Option<Quota>, LimiterAway> {
        let ledgers = self.ledgers.borrow();
        Ok(ledgers.get(&(account.project.clone(), account.policy)).and_then(Ledger::own_quota))
    }
}

pub struct MemoryStore {
    keys: RefCell<Vec<(KeyHash, KeyRecord)>>,
    projects: RefCell<BTreeMap<Project, ProjectRecord>>,
    users: RefCell<BTreeMap<(Project, String), User>>,
    /// How often a key was looked up.
    pub look_ups: Cell<usize>,
}

#[derive(Clone)]
struct User {
    id: String,
    profile: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: u64,
}

impl Default for MemoryStore {
    fn default() -> Self {
        let record = KeyRecord {
            id: "key_1".to_owned(),
            name: "fuzz".to_owned(),
            project: Project::parse("default").unwrap(),
            prefix: "ros_0123".to_owned(),
            scopes: Scope::ALL.to_vec(),
            created_at: T0,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        let keys = vec![(ApiKey::parse(KEY).unwrap().hash(), record)];
        let projects = RefCell::default();
        MemoryStore { keys: RefCell::new(keys), projects, users: RefCell::default(), look_ups: Cell::default() }
    }
}

impl MemoryStore {
    /// The project of a key that is live.
    fn caller(&self, hash: &KeyHash, now: Timestamp) -> Option<Project> {
        let keys = self.keys.borrow();
        let (_, record) = keys.iter().find(|(known, _)| known == hash)?;
        record.is_live(now).then(|| record.project.clone())
    }

    fn upsert(&self, project: Project, user: &NewUser, new_id: &str, now: Timestamp) -> Result<Upserted, StoredLimit> {
        let mut users = self.users.borrow_mut();
        let place = (project, user.external_id.as_str().to_owned());
        let known = users.get(&place).cloned();
        let document = known.as_ref().map_or(r#"{"properties":{},"origin":{}}"#, |known| &known.profile);
        let merged = merge(parsed(document), parsed(user.patch.as_str()));
        let keys = |name| match member(&merged, name) {
            Some(Value::Object(members)) => members.len(),
            _ => 0,
        };
        let profile = text(&merged);
        if profile.len() > MAX_PROFILE_BYTES {
            return Err(StoredLimit::ProfileBytes);
        } else if keys("properties") > MAX_KEYS {
            return Err(StoredLimit::PropertyKeys);
        } else if keys("origin") > MAX_KEYS {
            return Err(StoredLimit::OriginKeys);
        }
        let created = known.is_none();
        let stored = match known {
            Some(known) if known.profile == profile => known,
            Some(known) => {
                User { profile, updated_at: known.updated_at.max(now), revision: known.revision + 1, ..known }
            }
            None => User { id: new_id.to_owned(), profile, created_at: now, updated_at: now, revision: now.as_ms() },
        };
        let id = stored.id.clone();
        users.insert(place, stored);
        Ok(Upserted { id, created })
    }
}

fn parsed(text: &str) -> Value<'_> {
    json::parse(text.as_bytes()).unwrap()
}

pub fn text(value: &Value) -> String {
    let mut text = String::new();
    value.write(&mut text);
    text
}

pub fn member<'v, 'a>(value: &'v Value<'a>, name: &str) -> Option<&'v Value<'a>> {
    let Value::Object(members) = value else { return None };
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn stored_user(external_id: &str, user: &User) -> StoredUser {
    let profile = parsed(&user.profile);
    let string = |name| match member(&profile, name) {
        Some(Value::String(text)) => Some(text.to_string()),
        _ => None,
    };
    let object = |name| RawValue::from_string(text(member(&profile, name).unwrap())).unwrap();
    StoredUser {
        id: user.id.clone(),
        external_id: external_id.to_owned(),
        email: string("email"),
        phone: string("phone"),
        properties: object("properties"),
        origin: object("origin"),
        created_at: user.created_at,
        updated_at: user.updated_at,
        revision: user.revision,
    }
}

impl Store for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        self.look_ups.set(self.look_ups.get() + 1);
        Ok(self.keys.borrow().iter().find(|(known, _)| known == hash).map(|(_, record)| record.clone()))
    }

    async fn upsert_user(
        &self,
        caller: &KeyHash,
        user: &NewUser,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Option<Upserted>, StoreError> {
        let project = self.caller(caller, now);
        project.map(|project| self.upsert(project, user, new_id, now).map_err(StoreError::Refused)).transpose()
    }

    async fn find_user(
        &self,
        caller: &KeyHash,
        id: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<Option<StoredUser>>, StoreError> {
        let find = |project| {
            let users = self.users.borrow();
            users.get(&(project, id.as_str().to_owned())).map(|user| stored_user(id.as_str(), user))
        };
        Ok(self.caller(caller, now).map(find))
    }

    async fn upsert_users(
        &self,
        caller: &KeyHash,
        users: &[(&NewUser, String)],
        now: Timestamp,
    ) -> Result<Option<Vec<Result<Upserted, StoredLimit>>>, StoreError> {
        let all = |project: Project| {
            users.iter().map(|(user, new_id)| self.upsert(project.clone(), user, new_id, now)).collect()
        };
        Ok(self.caller(caller, now).map(all))
    }

    async fn delete_user(&self, caller: &KeyHash, id: &ExternalId, now: Timestamp) -> Result<Option<bool>, StoreError> {
        let delete = |project| self.users.borrow_mut().remove(&(project, id.as_str().to_owned())).is_some();
        Ok(self.caller(caller, now).map(delete))
    }

    async fn list_users(
        &self,
        caller: &KeyHash,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Page>, StoreError> {
        let Some(caller) = self.caller(caller, now) else { return Ok(None) };
        let by_change = filter.updated_after.is_some();
        let users = self.users.borrow();
        let mine = users.iter().filter(|((project, _), _)| *project == caller);
        let mut found: Vec<StoredUser> = mine.map(|((_, id), user)| stored_user(id, user)).collect();
        found.retain(|user| {
            filter.email.is_none_or(|email| user.email.as_deref() == Some(email.as_str()))
                && filter.phone.is_none_or(|phone| user.phone.as_deref() == Some(phone.as_str()))
                && filter.updated_after.is_none_or(|at| user.updated_at > at)
        });
        let place = |at: Timestamp, id: &str| (by_change.then_some(at), id.to_owned());
        found.sort_by_key(|user| place(user.updated_at, &user.external_id));
        found.retain(|user| {
            let behind = |after: &Position| {
                place(user.updated_at, &user.external_id) > place(after.updated_at, &after.external_id)
            };
            after.is_none_or(behind)
        });
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        Ok(Some(Page { users: found, has_more }))
    }

    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        self.ensure_project(&key.project, key.created_at).await?;
        self.keys.borrow_mut().push((*hash, key.clone()));
        Ok(())
    }

    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError> {
        let keys = self.keys.borrow();
        let records = keys.iter().map(|(_, record)| record);
        Ok(records.filter(|record| project.is_none_or(|project| record.project == *project)).cloned().collect())
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut keys = self.keys.borrow_mut();
        let key = keys.iter_mut().find(|(_, record)| record.id == id);
        Ok(key.map(|(_, record)| record.revoked_at.get_or_insert(now)).is_some())
    }

    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError> {
        let mut keys = self.keys.borrow_mut();
        if let Some((_, record)) = keys.iter_mut().find(|(known, _)| known == hash) {
            record.last_used_at = record.last_used_at.max(Some(now));
        }
        Ok(())
    }

    async fn ensure_project(&self, name: &Project, now: Timestamp) -> Result<ProjectRecord, StoreError> {
        let new = || ProjectRecord { name: name.clone(), created_at: now };
        Ok(self.projects.borrow_mut().entry(name.clone()).or_insert_with(new).clone())
    }

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        Ok(self.projects.borrow().get(name).cloned())
    }

    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        Ok(self.projects.borrow().values().cloned().collect())
    }
}
