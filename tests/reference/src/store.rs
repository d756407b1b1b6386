//! The storage ports, by the models of the merge and of last write wins.

use crate::last_write_wins::MemberTimes;
use roster::bounds::{MAX_MEMBERS, MAX_PAGE_BYTES, MAX_PROFILE_BYTES};
use roster::json::merge::merge;
use roster::json::{self, Object, Value};
use roster::key::{KeyHash, KeyRecord, Project, ProjectRecord};
use roster::placement::Storage;
use roster::store::{
    Access, Caller, ControlStore, Filter, IfMatch, Page, Position, StoreError, StoredLimit, StoredUser, Upserted,
    UserStore,
};
use roster::time::Timestamp;
use roster::user::{Change, ExternalId, NewUser};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Keeps users, keys and projects in memory.
#[derive(Default)]
pub struct MemoryStore {
    keys: RefCell<Vec<(KeyHash, KeyRecord)>>,
    projects: RefCell<BTreeMap<Project, ProjectRecord>>,
    users: RefCell<BTreeMap<(Project, String), User>>,
    hops: Rc<Cell<u32>>,
}

#[derive(Clone)]
struct User {
    id: String,
    profile: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: u64,
    /// If a body with `as_of` has touched it.
    times: Option<MemberTimes>,
}

impl MemoryStore {
    /// An empty store, for users and for keys and projects; each call adds to `hops`.
    pub fn new(hops: &Rc<Cell<u32>>) -> (Rc<Self>, Rc<Self>) {
        let store = Rc::new(MemoryStore { hops: Rc::clone(hops), ..MemoryStore::default() });
        (Rc::clone(&store), store)
    }

    /// Adds a key, without a request.
    pub fn add_key(&self, hash: KeyHash, mut record: KeyRecord) {
        let KeyRecord { project, storage, created_at, .. } = &record;
        let new = ProjectRecord { name: project.clone(), storage: *storage, created_at: *created_at };
        record.storage = self.projects.borrow_mut().entry(new.name.clone()).or_insert(new).storage;
        self.keys.borrow_mut().push((hash, record));
    }

    fn count_hop(&self) {
        self.hops.set(self.hops.get() + 1);
    }

    /// The project of a caller whose key is live.
    fn project_of(&self, access: Access<'_>) -> Result<Project, StoreError> {
        self.count_hop();
        let keys = self.keys.borrow();
        let known = keys.iter().find(|(known, record)| *known == access.caller.hash && record.is_live(access.now));
        known.map(|(_, record)| record.project.clone()).ok_or(StoreError::KeyNotLive)
    }

    /// Refuses a change of a user whom `if_match` does not mean, unless it changes nothing.
    fn check_revision(
        &self,
        project: &Project,
        user: &NewUser,
        if_match: &IfMatch,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let users = self.users.borrow();
        let key = (project.clone(), user.external_id.as_str().to_owned());
        let known = users.get(&key).ok_or(StoreError::RevisionChanged(None))?;
        let (mut times, floor) = (known.times.clone(), known.updated_at.as_ms());
        let mut changes = || {
            let made = changed(&known.profile, &mut times, floor, &user.change, now);
            made.map_or(true, |(profile, _)| profile != known.profile)
        };
        if if_match.includes(known.revision) || !changes() {
            Ok(())
        } else {
            Err(StoreError::RevisionChanged(Some(known.revision)))
        }
    }

    fn upsert(&self, project: &Project, user: &NewUser, new_id: &str, now: Timestamp) -> Result<Upserted, StoredLimit> {
        let mut users = self.users.borrow_mut();
        let key = (project.clone(), user.external_id.as_str().to_owned());
        let known = users.get(&key).cloned();
        let document = known.as_ref().map_or(EMPTY_PROFILE, |known| &known.profile);
        let mut times = known.as_ref().and_then(|known| known.times.clone());
        let floor = known.as_ref().map_or(0, |known| known.updated_at.as_ms());
        let (profile, stale) = changed(document, &mut times, floor, &user.change, now)?;
        let stored = match known {
            Some(known) if known.profile == profile => User { times, ..known },
            Some(known) => {
                User { profile, updated_at: known.updated_at.max(now), revision: known.revision + 1, times, ..known }
            }
            None => {
                let revision = now.as_ms() * 1000;
                User { id: new_id.to_owned(), profile, created_at: now, updated_at: now, revision, times }
            }
        };
        let id = stored.id.clone();
        users.insert(key, stored);
        Ok(Upserted { created: id == new_id, id, stale })
    }
}

const EMPTY_PROFILE: &str = r#"{"properties":{},"origin":{}}"#;

/// The profile that a change makes of a document, and whether any of it was left.
fn changed(
    document: &str,
    times: &mut Option<MemberTimes>,
    floor: u64,
    change: &Change,
    now: Timestamp,
) -> Result<(String, bool), StoredLimit> {
    let document = Value::Object(parsed(document));
    let (merged, stale) = match (change, &mut *times) {
        (Change::Merge(patch), None) => (merge(document, Value::Object(parsed(patch.as_str()))), false),
        (Change::Merge(patch), Some(times)) => {
            (times.merge(document, Value::Object(parsed(patch.as_str())), now), false)
        }
        (Change::Set { members, as_of }, times) => {
            // What breaks a limit by itself is refused, whatever is stored.
            let new = MemberTimes::since(0)
                .set(Value::Object(parsed(EMPTY_PROFILE)), pairs(members.as_str()), *as_of)
                .0
                .to_string();
            check_limits(&parsed(&new), new.len())?;
            times.get_or_insert_with(|| MemberTimes::since(floor)).set(document, pairs(members.as_str()), *as_of)
        }
    };
    let profile = merged.to_string();
    check_limits(&parsed(&profile), profile.len())?;
    Ok((profile, stale))
}

/// The pairs of an array of `[member, value]`.
fn pairs(text: &str) -> Vec<(Cow<'_, str>, Value<'_>)> {
    let Ok(Value::Array(pairs)) = json::parse(text.as_bytes()) else { return Vec::new() };
    let pair = |pair| match pair {
        Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
            Ok([Value::String(member), value]) => Some((member, value)),
            _ => None,
        },
        _ => None,
    };
    pairs.into_iter().filter_map(pair).collect()
}

fn check_limits(profile: &Object, bytes: usize) -> Result<(), StoredLimit> {
    let members = |name| if let Some(Value::Object(object)) = profile.get(name) { object.members.len() } else { 0 };
    if bytes > MAX_PROFILE_BYTES {
        Err(StoredLimit::ProfileBytes)
    } else if members("properties") > MAX_MEMBERS {
        Err(StoredLimit::PropertyKeys)
    } else if members("origin") > MAX_MEMBERS {
        Err(StoredLimit::OriginKeys)
    } else {
        Ok(())
    }
}

/// A text that is known to be an object.
fn parsed(text: &str) -> Object<'_> {
    json::parse_object(text.as_bytes()).unwrap_or_default()
}

fn stored_user(external_id: &str, user: &User) -> StoredUser {
    let profile = parsed(&user.profile);
    let string = |name| if let Some(Value::String(text)) = profile.get(name) { Some(text.to_string()) } else { None };
    let object = |name| {
        let text = profile.get(name).map(ToString::to_string);
        text.and_then(|text| RawValue::from_string(text).ok()).unwrap_or_default()
    };
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

impl UserStore for MemoryStore {
    async fn upsert_user(
        &self,
        access: Access<'_>,
        user: &NewUser,
        if_match: Option<&IfMatch>,
        new_id: &str,
    ) -> Result<Upserted, StoreError> {
        let project = self.project_of(access)?;
        if let Some(if_match) = if_match {
            self.check_revision(&project, user, if_match, access.now)?;
        }
        self.upsert(&project, user, new_id, access.now).map_err(StoreError::Refused)
    }

    async fn upsert_users(
        &self,
        access: Access<'_>,
        users: &[(&NewUser, String)],
    ) -> Result<Vec<Result<Upserted, StoredLimit>>, StoreError> {
        let project = self.project_of(access)?;
        Ok(users.iter().map(|(user, new_id)| self.upsert(&project, user, new_id, access.now)).collect())
    }

    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError> {
        let key = (self.project_of(access)?, id.as_str().to_owned());
        Ok(self.users.borrow().get(&key).map(|user| stored_user(id.as_str(), user)))
    }

    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError> {
        let key = (self.project_of(access)?, id.as_str().to_owned());
        let mut users = self.users.borrow_mut();
        if let (Some(known), Some(if_match)) = (users.get(&key), if_match)
            && !if_match.includes(known.revision)
        {
            return Err(StoreError::RevisionChanged(Some(known.revision)));
        }
        Ok(users.remove(&key).is_some())
    }

    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let mine = self.project_of(access)?;
        let users = self.users.borrow();
        let of_project = users.iter().filter(|((project, _), _)| *project == mine);
        let mut found: Vec<StoredUser> = of_project.map(|((_, id), user)| stored_user(id, user)).collect();
        found.retain(|user| {
            filter
                .email
                .is_none_or(|email| user.email.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(email.as_str())))
                && filter.phone.as_ref().is_none_or(|phone| user.phone.as_deref() == Some(phone.as_str()))
                && filter.updated_after.is_none_or(|at| user.updated_at > at)
        });
        let by_change = filter.updated_after.is_some();
        let position = |at: Timestamp, id: &str| (by_change.then_some(at), id.to_owned());
        found.sort_by_key(|user| position(user.updated_at, &user.external_id));
        found.retain(|user| {
            let is_behind = |after: &Position| {
                position(user.updated_at, &user.external_id) > position(after.updated_at, &after.external_id)
            };
            after.is_none_or(is_behind)
        });
        let mut bytes_before = 0;
        let fitting = found.iter().take(limit as usize).take_while(|user| {
            let fits = bytes_before < MAX_PAGE_BYTES;
            bytes_before += users[&(mine.clone(), user.external_id.clone())].profile.len();
            fits
        });
        let fitting = fitting.count();
        let has_more = found.len() > fitting;
        found.truncate(fitting);
        Ok(Page { users: found, has_more })
    }

    async fn refuse_key(&self, _: Access<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl ControlStore for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        self.count_hop();
        Ok(self.keys.borrow().iter().find(|(known, _)| known == hash).map(|(_, record)| record.clone()))
    }

    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        self.add_key(*hash, key.clone());
        Ok(())
    }

    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError> {
        let keys = self.keys.borrow();
        let records = keys.iter().map(|(_, record)| record);
        Ok(records.filter(|record| project.is_none_or(|project| record.project == *project)).cloned().collect())
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<Option<Caller>, StoreError> {
        let mut keys = self.keys.borrow_mut();
        let key = keys.iter_mut().find(|(_, record)| record.id == id);
        Ok(key.map(|(hash, record)| {
            record.revoked_at.get_or_insert(now);
            Caller { hash: *hash, record: record.clone() }
        }))
    }

    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError> {
        let mut keys = self.keys.borrow_mut();
        if let Some((_, record)) = keys.iter_mut().find(|(known, _)| known == hash) {
            record.last_used_at = record.last_used_at.max(Some(now));
        }
        Ok(())
    }

    async fn ensure_project(
        &self,
        name: &Project,
        storage: Storage,
        change: bool,
        now: Timestamp,
    ) -> Result<ProjectRecord, StoreError> {
        let new = ProjectRecord { name: name.clone(), storage, created_at: now };
        let mut projects = self.projects.borrow_mut();
        let project = projects.entry(name.clone()).or_insert(new);
        if change && !self.keys.borrow().iter().any(|(_, record)| record.project == *name) {
            project.storage = storage;
        }
        Ok(project.clone())
    }

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        Ok(self.projects.borrow().get(name).cloned())
    }

    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        Ok(self.projects.borrow().values().cloned().collect())
    }
}
