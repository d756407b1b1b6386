//! The storage ports, by the models of the merge and of last write wins.

use crate::last_write_wins::{MemberTimes, fill};
use crate::walk::walked;
use roster::bounds::{DELETION_MS, MAX_MEMBERS, MAX_PAGE_BYTES, MAX_PROFILE_BYTES, MAX_WEBHOOKS};
use roster::json::merge::merge;
use roster::json::{self, Object, Value};
use roster::key::{KeyHash, KeyRecord, Project, ProjectRecord, WebhookRecord};
use roster::placement::{Phase, Place, Residence, Storage};
use roster::store::moving::{Done, Move, Moving, Places, Task};
use roster::store::{
    Access, Caller, ChangedUser, ChangesEnd, ChangesPage, ControlStore, DeletedUser, Filter, FollowFrom, IfMatch,
    Outcome, OwnReads, Page, RevokedKey, Share, StoreError, StoredLimit, StoredUser, Upserted, UserStore, UserWrite,
    Walk, Walked, Written,
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
    projects: RefCell<BTreeMap<Project, Known>>,
    webhooks: RefCell<Vec<WebhookRecord>>,
    users: RefCell<BTreeMap<(Project, String), User>>,
    /// The greatest revision of a deletion that was forgotten, of each project.
    forgotten: RefCell<BTreeMap<Project, u64>>,
    hops: Rc<Cell<u32>>,
}

/// A project, where it is, and its last move.
struct Known {
    record: ProjectRecord,
    residence: Residence,
    last: Option<Move>,
}

impl Known {
    fn new(record: ProjectRecord) -> Self {
        Known { residence: Residence::new(record.storage), record, last: None }
    }
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
    /// It was deleted, and was not created again.
    gone: bool,
    /// When it was last deleted, in milliseconds; 0 if never.
    deleted_at: u64,
}

impl User {
    /// The deletion that a body at `now` meets; 0 if none, or none that is known for sure.
    fn deletion(&self, now: Timestamp) -> u64 {
        if self.deleted_at + DELETION_MS > now.as_ms() { self.deleted_at } else { 0 }
    }

    /// The times of its members, as a body with `as_of` meets them.
    fn times(&self, now: Timestamp) -> MemberTimes {
        let floor = self.updated_at.as_ms().max(if self.deleted_at > 0 { self.deleted_at + 1 } else { 0 });
        self.times.clone().unwrap_or_else(|| MemberTimes::since(floor)).deleted_at(self.deletion(now))
    }
}

impl MemoryStore {
    /// An empty store, for users and for keys and projects; each call adds to `hops`.
    pub fn new(hops: &Rc<Cell<u32>>) -> (Rc<Self>, Rc<Self>) {
        let store = Rc::new(MemoryStore { hops: Rc::clone(hops), ..MemoryStore::default() });
        (Rc::clone(&store), store)
    }

    /// Adds a key, without a request.
    pub fn add_key(&self, hash: KeyHash, record: KeyRecord) {
        let KeyRecord { project: name, residence, created_at, .. } = record.clone();
        let new = ProjectRecord { name: name.clone(), storage: residence.place.storage, generation: 0, created_at };
        self.projects.borrow_mut().entry(name).or_insert(Known::new(new));
        self.keys.borrow_mut().push((hash, record));
    }

    fn count_hop(&self) {
        self.hops.set(self.hops.get() + 1);
    }

    /// A key's record, with where its project is.
    fn placed(&self, record: &KeyRecord) -> KeyRecord {
        let residence = self.projects.borrow().get(&record.project).map(|known| known.residence).unwrap_or_default();
        KeyRecord { residence, ..record.clone() }
    }

    /// The project of a caller whose key is live, and who asks where the project is.
    fn project_of(&self, access: Access<'_>) -> Result<Project, StoreError> {
        self.count_hop();
        let keys = self.keys.borrow();
        let known = keys.iter().find(|(known, record)| *known == access.caller.hash && record.is_live(access.now));
        let known = known.map(|(_, record)| self.placed(record));
        let is_here = |record: &KeyRecord| record.residence.place == access.caller.record.residence.place;
        known.filter(is_here).map(|record| record.project).ok_or(StoreError::KeyNotLive)
    }

    /// The same of a caller who writes.
    fn written_project(&self, access: Access<'_>) -> Result<Project, StoreError> {
        let project = self.project_of(access)?;
        let phase = self.projects.borrow().get(&project).map(|known| known.residence.phase);
        if phase == Some(Phase::Switching) { Err(StoreError::KeyNotLive) } else { Ok(project) }
    }

    /// The revision of the next change of a project.
    fn next_revision(&self, project: &Project, now: Timestamp) -> u64 {
        let users = self.users.borrow();
        let of_project = users.iter().filter(|((of, _), _)| of == project).map(|(_, user)| user.revision);
        of_project.max().map_or(0, |latest| latest + 1).max(now.as_ms() * 1000)
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
        let known = users.get(&key).filter(|user| !user.gone).ok_or(StoreError::RevisionChanged(None))?;
        let changes = || changed(known, user, now).map_or(true, |change| change.profile != known.profile);
        if if_match.includes(known.revision) || !changes() {
            Ok(())
        } else {
            Err(StoreError::RevisionChanged(Some(known.revision)))
        }
    }

    fn upsert(
        &self,
        project: &Project,
        user: &NewUser,
        new_id: &str,
        now: Timestamp,
        revision: u64,
    ) -> Result<Upserted, StoredLimit> {
        let mut users = self.users.borrow_mut();
        let key = (project.clone(), user.external_id.as_str().to_owned());
        let nobody = User {
            id: new_id.to_owned(),
            profile: EMPTY_PROFILE.to_owned(),
            created_at: now,
            updated_at: Timestamp::from_ms(0),
            revision,
            times: None,
            gone: true,
            deleted_at: 0,
        };
        let known = users.get(&key).unwrap_or(&nobody);
        let Changed { profile, times, is_any_left } = changed(known, user, now)?;
        let is_too_old =
            known.gone && matches!(user.change, Change::Set { as_of, .. } if as_of.as_ms() < known.deletion(now));
        if is_too_old {
            return Ok(Upserted { id: known.id.clone(), created: false, stale: true });
        }
        let stored = match known.clone() {
            known if known.gone => {
                User { profile, times, updated_at: now, deleted_at: known.deleted_at, gone: false, ..nobody }
            }
            known if known.profile == profile => User { times, ..known },
            known => User { profile, updated_at: known.updated_at.max(now), revision, times, ..known },
        };
        let (id, revision) = (stored.id.clone(), stored.revision);
        let changed = users.insert(key, stored).is_none_or(|before| before.revision != revision);
        drop(users);
        if changed {
            self.forget_old_deletions(project, revision);
        }
        Ok(Upserted { created: id == new_id, id, stale: is_any_left })
    }

    /// Whether there was such a user.
    fn delete(&self, project: &Project, id: &ExternalId, now: Timestamp) -> bool {
        let revision = self.next_revision(project, now);
        let mut users = self.users.borrow_mut();
        let key = (project.clone(), id.as_str().to_owned());
        let Some(known) = users.get_mut(&key).filter(|user| !user.gone) else { return false };
        let newest = known.times.as_ref().map_or(known.updated_at.as_ms(), MemberTimes::newest).max(known.deleted_at);
        *known = User {
            id: known.id.clone(),
            profile: EMPTY_PROFILE.to_owned(),
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
            revision,
            times: None,
            gone: true,
            deleted_at: now.as_ms().max(newest + 1),
        };
        drop(users);
        self.forget_old_deletions(project, revision);
        true
    }

    /// Forgets up to ten deletions that are older than 30 days as of a change of this revision.
    fn forget_old_deletions(&self, project: &Project, revision: u64) {
        let mut users = self.users.borrow_mut();
        let is_old = |user: &User| user.gone && user.revision + DELETION_MS * 1000 <= revision;
        let of_project = users.iter().filter(|((of, _), user)| of == project && is_old(user));
        let mut oldest: Vec<_> =
            of_project.map(|((_, id), user)| (user.revision, user.deleted_at, id.clone())).collect();
        oldest.sort();
        for (of, deleted_at, id) in oldest.into_iter().take(10) {
            if deleted_at + DELETION_MS <= revision / 1000 {
                users.remove(&(project.clone(), id));
                let mut forgotten = self.forgotten.borrow_mut();
                let greatest = forgotten.entry(project.clone()).or_default();
                *greatest = of.max(*greatest);
            }
        }
    }

    fn changes(&self, mine: &Project, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        let users = self.users.borrow();
        let behind = from.of_bucket(0, 1);
        let of_project = users.iter().filter(|((project, _), _)| project == mine);
        let latest = of_project.clone().map(|(_, user)| user.revision).max().unwrap_or(0);
        let mut found: Vec<_> = of_project.filter(|(_, user)| user.revision > behind.revision).collect();
        found.sort_by_key(|(_, user)| user.revision);
        let (mut changes, mut bytes) = (Vec::new(), 0);
        for ((_, id), user) in found.iter().take(limit as usize).take_while(|(_, user)| {
            let fits = bytes < MAX_PAGE_BYTES;
            bytes += user.profile.len();
            fits
        }) {
            changes.push(changed_user(id, user));
        }
        let forgotten = self.forgotten.borrow().get(mine).copied().unwrap_or(0);
        let reached = behind.reached(&changes, ChangesEnd { latest, forgotten })?;
        Ok(ChangesPage { has_more: changes.len() < found.len(), changes, reached: vec![reached] })
    }
}

const EMPTY_PROFILE: &str = r#"{"properties":{},"origin":{}}"#;

/// What a change makes of a user.
struct Changed {
    profile: String,
    times: Option<MemberTimes>,
    /// Whether a member was left, because it was set later.
    is_any_left: bool,
}

fn changed(known: &User, user: &NewUser, now: Timestamp) -> Result<Changed, StoredLimit> {
    let document = Value::Object(parsed(&known.profile));
    let once = user.set_once.as_ref().map_or_else(Vec::new, |members| pairs(members.as_str()));
    let as_of = if let Change::Set { as_of, .. } = user.change { as_of } else { now };
    let (mut merged, mut times, is_any_left) = match &user.change {
        Change::Merge(patch) => {
            let patch = Value::Object(parsed(patch.as_str()));
            match known.times.is_some().then(|| known.times(now)) {
                None => (merge(document, patch), None, false),
                Some(mut times) => (times.merge(document, patch, now), Some(times), false),
            }
        }
        Change::Set { members, as_of } => {
            // What breaks a limit by itself is refused, whatever is stored.
            let mut new =
                MemberTimes::since(0).set(Value::Object(parsed(EMPTY_PROFILE)), pairs(members.as_str()), *as_of).0;
            fill(&mut new, None, once.clone(), *as_of);
            let new = new.to_string();
            check_limits(&parsed(&new), new.len())?;
            let mut times = known.times(now);
            let (merged, is_any_left) = times.set(document, pairs(members.as_str()), *as_of);
            (merged, Some(times), is_any_left)
        }
    };
    fill(&mut merged, times.as_mut(), once, as_of);
    let profile = merged.to_string();
    check_limits(&parsed(&profile), profile.len())?;
    Ok(Changed { profile, times, is_any_left })
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

fn changed_user(external_id: &str, user: &User) -> ChangedUser {
    if user.gone {
        let deleted_at = Timestamp::from_ms(user.deleted_at);
        let (id, external_id) = (user.id.clone(), external_id.to_owned());
        ChangedUser::Deleted(DeletedUser { id, external_id, deleted_at, revision: user.revision })
    } else {
        ChangedUser::Stored(stored_user(external_id, user))
    }
}

impl OwnReads for MemoryStore {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        self.changes(&project.name, from, limit)
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        let users = self.users.borrow();
        let state = |id: &String| users.get(&(project.name.clone(), id.clone())).map(|user| changed_user(id, user));
        Ok(ids.iter().filter_map(state).collect())
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
        let project = self.written_project(access)?;
        if let Some(if_match) = if_match {
            self.check_revision(&project, user, if_match, access.now)?;
        }
        let revision = self.next_revision(&project, access.now);
        self.upsert(&project, user, new_id, access.now, revision).map_err(StoreError::Refused)
    }

    async fn write_users(&self, access: Access<'_>, writes: &[UserWrite<'_>]) -> Result<Vec<Outcome>, StoreError> {
        let project = self.written_project(access)?;
        let write = |write: &UserWrite| match write {
            UserWrite::Upsert { user, new_id } => {
                let revision = self.next_revision(&project, access.now);
                self.upsert(&project, user, new_id, access.now, revision).map(Written::Upserted)
            }
            UserWrite::Delete(id) => Ok(Written::Deleted(self.delete(&project, id, access.now))),
        };
        Ok(writes.iter().map(write).map(Some).collect())
    }

    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError> {
        let key = (self.project_of(access)?, id.as_str().to_owned());
        Ok(self.users.borrow().get(&key).filter(|user| !user.gone).map(|user| stored_user(id.as_str(), user)))
    }

    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError> {
        let project = self.written_project(access)?;
        let key = (project.clone(), id.as_str().to_owned());
        let revision = self.users.borrow().get(&key).filter(|user| !user.gone).map(|user| user.revision);
        match (if_match, revision) {
            (Some(if_match), Some(revision)) if !if_match.includes(revision) => {
                Err(StoreError::RevisionChanged(Some(revision)))
            }
            _ => Ok(self.delete(&project, id, access.now)),
        }
    }

    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let mine = self.project_of(access)?;
        let users = self.users.borrow();
        let of_project = users.iter().filter(|((project, _), user)| *project == mine && !user.gone);
        let mut found: Vec<StoredUser> = of_project.map(|((_, id), user)| stored_user(id, user)).collect();
        found.retain(|user| {
            filter
                .email
                .is_none_or(|email| user.email.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(email.as_str())))
                && filter.phone.as_ref().is_none_or(|phone| user.phone.as_deref() == Some(phone.as_str()))
                && after.is_none_or(|after| *user.external_id > *after)
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

    async fn list_changes(&self, access: Access<'_>, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        self.changes(&self.project_of(access)?, from, limit)
    }

    async fn find_users(&self, access: Access<'_>, ids: &[ExternalId]) -> Result<Option<Vec<StoredUser>>, StoreError> {
        let project = self.project_of(access)?;
        let users = self.users.borrow();
        let found = |id: &ExternalId| users.get_key_value(&(project.clone(), id.as_str().to_owned()));
        let found: Vec<_> = ids.iter().filter_map(found).filter(|(_, user)| !user.gone).collect();
        let bytes: usize = found.iter().map(|(_, user)| user.profile.len()).sum();
        let users = found.into_iter().map(|((_, id), user)| stored_user(id, user)).collect();
        Ok((bytes <= MAX_PAGE_BYTES).then_some(users))
    }

    async fn walk_users(
        &self,
        access: Access<'_>,
        walk: &Walk<'_>,
        shares: &[Share],
    ) -> Result<Vec<Walked>, StoreError> {
        let mine = self.project_of(access)?;
        let part_of = |id: &str| access.caller.record.residence.place.storage.part_of(id);
        let users = self.users.borrow();
        let part = |number: u8| {
            let of_part = users.iter().filter(|((project, id), _)| *project == mine && part_of(id) == number);
            let bytes = |user: &User| (!user.gone).then_some(user.profile.len());
            of_part.map(|((_, id), user)| (stored_user(id, user), bytes(user))).collect::<Vec<_>>()
        };
        Ok(shares.iter().map(|share| walked(&part(share.part), walk, share)).collect())
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
        let keys = self.keys.borrow();
        let known = keys.iter().find(|(known, _)| known == hash).map(|(_, record)| self.placed(record));
        let webhooks = self.webhooks.borrow();
        Ok(known.map(|record| {
            let of_project = webhooks.iter().filter(|webhook| webhook.project == record.project);
            KeyRecord { webhooks: of_project.map(|webhook| webhook.address.clone()).collect(), ..record }
        }))
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

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<Option<RevokedKey>, StoreError> {
        let mut keys = self.keys.borrow_mut();
        let key = keys.iter_mut().find(|(_, record)| record.id == id);
        Ok(key.map(|(hash, record)| {
            record.revoked_at.get_or_insert(now);
            RevokedKey { caller: Caller { hash: *hash, record: self.placed(record) }, also_in: None }
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
        let new = ProjectRecord { name: name.clone(), storage, generation: 0, created_at: now };
        let mut projects = self.projects.borrow_mut();
        let known = projects.entry(name.clone()).or_insert(Known::new(new));
        if change && known.last.is_none() && !self.keys.borrow().iter().any(|(_, record)| record.project == *name) {
            known.record.storage = storage;
            known.residence = Residence::new(storage);
        }
        Ok(known.record.clone())
    }

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        Ok(self.projects.borrow().get(name).map(|known| known.record.clone()))
    }

    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        Ok(self.projects.borrow().values().map(|known| known.record.clone()).collect())
    }

    async fn find_move(&self, name: &Project) -> Result<Option<Moving>, StoreError> {
        let moving = |known: &Known| Moving { residence: known.residence, last: known.last.clone() };
        Ok(self.projects.borrow().get(name).map(moving))
    }

    async fn save_move(
        &self,
        name: &Project,
        before: Option<&Move>,
        after: &Move,
        residence: Residence,
    ) -> Result<bool, StoreError> {
        let mut projects = self.projects.borrow_mut();
        let Some(known) = projects.get_mut(name).filter(|known| known.last.as_ref() == before) else {
            return Ok(false);
        };
        (known.record.storage, known.record.generation) = (residence.place.storage, residence.place.generation);
        (known.residence, known.last) = (residence, Some(after.clone()));
        Ok(true)
    }

    async fn revoked_keys(&self, name: &Project) -> Result<Vec<String>, StoreError> {
        let keys = self.keys.borrow();
        let revoked = keys.iter().filter(|(_, record)| record.project == *name && record.revoked_at.is_some());
        Ok(revoked.map(|(hash, _)| hash.to_hex()).collect())
    }

    async fn create_webhook(&self, webhook: &WebhookRecord) -> Result<bool, StoreError> {
        let mut webhooks = self.webhooks.borrow_mut();
        let has_room = webhooks.iter().filter(|known| known.project == webhook.project).count() < MAX_WEBHOOKS;
        if has_room {
            webhooks.push(webhook.clone());
        }
        Ok(has_room)
    }

    async fn list_webhooks(&self, project: Option<&Project>) -> Result<Vec<WebhookRecord>, StoreError> {
        let webhooks = self.webhooks.borrow();
        let listed = webhooks.iter().filter(|webhook| project.is_none_or(|project| webhook.project == *project));
        Ok(listed.cloned().collect())
    }

    async fn find_webhook(&self, id: &str) -> Result<Option<WebhookRecord>, StoreError> {
        Ok(self.webhooks.borrow().iter().find(|webhook| webhook.address.id == id).cloned())
    }

    async fn delete_webhook(&self, id: &str) -> Result<(), StoreError> {
        self.webhooks.borrow_mut().retain(|webhook| webhook.address.id != id);
        Ok(())
    }
}

/// All places are one: what changes is where callers look for it.
impl Places for MemoryStore {
    async fn ask(&self, project: &Project, _: Place, tasks: Vec<(u8, Task)>) -> Result<Vec<Done>, StoreError> {
        let users = self.users.borrow();
        let done = |(_, task)| match task {
            Task::Show { .. } => {
                let forgotten = self.forgotten.borrow().get(project).copied().unwrap_or(0);
                let latest = users.iter().filter(|((of, _), _)| of == project).map(|(_, user)| user.revision).max();
                Done::Shown { users: Vec::new(), has_more: false, latest: latest.unwrap_or(0), forgotten }
            }
            Task::Count { .. } => Done::Counted { users: 0, sum: 0 },
            Task::Empty { .. } => Done::Emptied(true),
            _ => Done::Done,
        };
        Ok(tasks.into_iter().map(done).collect())
    }
}
