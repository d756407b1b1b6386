//! Result rows, and their conversion to types of the core.

use super::database::limit_named;
use crate::json;
use crate::key::{KeyHash, KeyRecord, ProjectRecord, WebhookAddress, WebhookRecord};
use crate::placement::{Buckets, Phase, Place, Placement, Residence, Storage};
use crate::store::moving::{Move, Moving};
use crate::store::{
    Behind, Caller, ChangedUser, ChangesEnd, DeletedUser, Page, Reached, RevokedKey, StoreError, StoredLimit,
    StoredUser, Upserted, Written,
};
use crate::time::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct UpsertedRow {
    pub id: String,
    pub created: u8,
    pub stale: u8,
}

impl From<UpsertedRow> for Upserted {
    fn from(row: UpsertedRow) -> Self {
        Upserted { id: row.id, created: row.created != 0, stale: row.stale != 0 }
    }
}

/// Result row of one batch element, all null if nothing was rejected; or of a write on a condition.
#[derive(Deserialize)]
pub struct BatchRow {
    pub id: Option<String>,
    pub batch_index: Option<usize>,
    pub rejection: Option<String>,
    #[serde(default)]
    pub stale: u8,
    /// After a write on a condition: that of the user, if there is one.
    pub revision: Option<u64>,
    /// Of a user who was deleted.
    pub external_id: Option<String>,
}

/// A user, as a statement answers it; without an id there is none.
#[derive(Deserialize)]
pub struct UserRow {
    pub id: Option<String>,
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub properties: Option<String>,
    pub origin: Option<String>,
    pub created_at: Option<u64>,
    pub updated_at: Option<u64>,
    pub revision: Option<u64>,
    /// Among changes: of a user who is gone.
    pub deleted_at: Option<u64>,
}

#[derive(Deserialize)]
pub struct KeyRow {
    pub id: String,
    pub hash: String,
    pub name: String,
    pub project: String,
    pub prefix: String,
    pub scopes: String,
    pub created_at: u64,
    pub expires_at: Option<u64>,
    pub revoked_at: Option<u64>,
    pub last_used_at: Option<u64>,
    pub storage: String,
    pub buckets: Option<u64>,
    pub jurisdiction: Option<String>,
    pub location: Option<String>,
    pub generation: u32,
    pub phase: String,
    /// How far a move is, if there is one.
    #[serde(default)]
    pub progress: Option<String>,
    /// Each one's id, a space, and its jurisdiction; with commas between.
    pub webhooks: Option<String>,
}

#[derive(Deserialize)]
pub struct WebhookRow {
    pub id: String,
    pub project: String,
    pub jurisdiction: Option<String>,
    pub created_at: u64,
}

#[derive(Deserialize)]
pub struct ProjectRow {
    pub name: String,
    pub created_at: u64,
    pub storage: String,
    pub buckets: Option<u64>,
    pub jurisdiction: Option<String>,
    pub location: Option<String>,
    pub generation: u32,
}

#[derive(Deserialize)]
pub struct IdRow {
    pub id: String,
}

/// What became of an upsert of a batch. None: the row can't be read.
pub fn upserted(row: BatchRow, new_id: &str) -> Option<Result<Written, StoredLimit>> {
    let BatchRow { id, rejection, stale, .. } = row;
    match rejection {
        Some(name) => limit_named(&name).map(Err),
        None => id.map(|id| Ok(Written::Upserted(Upserted { created: id == new_id, id, stale: stale != 0 }))),
    }
}

impl UserRow {
    /// None: it is past the bytes of a page.
    fn into_change(self) -> Result<Option<ChangedUser>, StoreError> {
        let Some(deleted_at) = self.deleted_at else { return Ok(self.into_user()?.map(ChangedUser::Stored)) };
        let read = || {
            let deleted_at = Timestamp::from_ms(deleted_at);
            let (id, external_id, revision) = (self.id?, self.external_id?, self.revision?);
            Some(ChangedUser::Deleted(DeletedUser { id, external_id, deleted_at, revision }))
        };
        read().map(Some).ok_or_else(unreadable_user)
    }

    /// None: there is no such user.
    pub fn into_user(self) -> Result<Option<StoredUser>, StoreError> {
        let Some(id) = self.id else { return Ok(None) };
        let read = || {
            Some(StoredUser {
                id,
                external_id: self.external_id?,
                email: self.email,
                phone: self.phone,
                properties: json::from_str(&self.properties?).ok()?,
                origin: json::from_str(&self.origin?).ok()?,
                created_at: Timestamp::from_ms(self.created_at?),
                updated_at: Timestamp::from_ms(self.updated_at?),
                revision: self.revision?,
            })
        };
        read().map(Some).ok_or_else(unreadable_user)
    }
}

/// A row that each such statement answers is not there.
pub fn missing(what: &str) -> StoreError {
    StoreError::Failed(format!("{what} is missing"))
}

fn unreadable_user() -> StoreError {
    StoreError::Failed("row of a user can't be read".into())
}

/// The changes of one SQLite that a statement has answered.
pub struct ChangedRows {
    pub changes: Vec<ChangedUser>,
    pub has_more: bool,
    pub reached: Reached,
}

/// What the rows of `changes_end` and `changes` make. The latter reads one more than `limit`.
pub fn changes(behind: Behind, end: &[ChangesEnd], rows: Vec<UserRow>, limit: u32) -> Result<ChangedRows, StoreError> {
    let end = *end.first().ok_or(StoreError::KeyNotLive)?;
    let found = rows.len();
    let changes = rows.into_iter().map_while(|row| row.into_change().transpose()).take(limit as usize);
    let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
    Ok(ChangedRows { has_more: changes.len() < found, reached: behind.reached(&changes, end)?, changes })
}

/// The users that the rows of `states` make: up to those past its bytes, one at least.
pub fn states(rows: Vec<UserRow>) -> Result<Vec<ChangedUser>, StoreError> {
    rows.into_iter().map_while(|row| row.into_change().transpose()).collect()
}

/// The page that the rows of a list make. The list reads one user more than `limit`, and a user past the bytes of a page has
/// no id.
pub fn page(rows: Vec<UserRow>, limit: u32) -> Result<Page, StoreError> {
    if rows.is_empty() {
        return Err(StoreError::KeyNotLive);
    }
    let found = rows.iter().filter(|row| row.external_id.is_some()).count();
    let users = rows.into_iter().map_while(|row| row.into_user().transpose()).take(limit as usize);
    let users: Vec<_> = users.collect::<Result<_, _>>()?;
    Ok(Page { has_more: users.len() < found, users })
}

/// Where a project's users live. None: it can't be read, and users must not be looked for elsewhere.
fn storage(kind: &str, buckets: Option<u64>, jurisdiction: Option<&str>, location: Option<&str>) -> Option<Storage> {
    match kind {
        "d1" => Some(Storage::D1),
        "objects" => Some(Storage::Objects(Placement {
            buckets: Buckets::of_count(buckets?)?,
            jurisdiction: jurisdiction.map(str::parse).transpose().ok()?,
            location: location.map(str::parse).transpose().ok()?,
        })),
        _ => None,
    }
}

fn phase(name: &str) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| phase.as_str() == name)
}

/// Where a project's users are, and how far its last move is.
#[derive(Deserialize)]
pub struct MovingRow {
    storage: String,
    buckets: Option<u64>,
    jurisdiction: Option<String>,
    location: Option<String>,
    generation: u32,
    phase: String,
    progress: Option<String>,
}

impl TryFrom<MovingRow> for Moving {
    type Error = StoreError;

    fn try_from(row: MovingRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed("row of a move can't be read".into());
        let storage = storage(&row.storage, row.buckets, row.jurisdiction.as_deref(), row.location.as_deref());
        let place = Place { storage: storage.ok_or_else(unreadable)?, generation: row.generation };
        let residence = Residence { place, phase: phase(&row.phase).ok_or_else(unreadable)? };
        let last = row.progress.as_deref().map(json::from_str::<Move>).transpose();
        Ok(Moving { residence, last: last.map_err(|_| unreadable())? })
    }
}

impl TryFrom<ProjectRow> for ProjectRecord {
    type Error = StoreError;

    fn try_from(row: ProjectRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed("row of a project can't be read".into());
        let storage = storage(&row.storage, row.buckets, row.jurisdiction.as_deref(), row.location.as_deref());
        Ok(ProjectRecord {
            name: row.name.parse().map_err(|_| unreadable())?,
            storage: storage.ok_or_else(unreadable)?,
            generation: row.generation,
            created_at: Timestamp::from_ms(row.created_at),
        })
    }
}

/// Those that can be read: one that can't be is woken by its alarm.
fn addresses(text: &str) -> Vec<WebhookAddress> {
    let address = |text: &str| {
        let (id, jurisdiction) = text.split_once(' ')?;
        let jurisdiction = (!jurisdiction.is_empty()).then(|| jurisdiction.parse()).transpose().ok()?;
        Some(WebhookAddress { id: id.into(), jurisdiction })
    };
    text.split(',').filter_map(address).collect()
}

impl TryFrom<WebhookRow> for WebhookRecord {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed(format!("row of {} can't be read", row.id));
        Ok(WebhookRecord {
            project: row.project.parse().map_err(|_| unreadable())?,
            address: WebhookAddress {
                jurisdiction: row.jurisdiction.as_deref().map(str::parse).transpose().map_err(|_| unreadable())?,
                id: row.id,
            },
            created_at: Timestamp::from_ms(row.created_at),
        })
    }
}

impl TryFrom<KeyRow> for RevokedKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed(format!("row of {} can't be read", row.id));
        let hash = KeyHash::from_hex(&row.hash).ok_or_else(unreadable)?;
        let moving = row.progress.as_deref().map(json::from_str::<Move>).transpose().map_err(|_| unreadable())?;
        Ok(RevokedKey { caller: Caller { hash, record: row.try_into()? }, also_in: moving.map(|moving| moving.to) })
    }
}

impl TryFrom<KeyRow> for KeyRecord {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed(format!("row of {} can't be read", row.id));
        let storage = storage(&row.storage, row.buckets, row.jurisdiction.as_deref(), row.location.as_deref());
        let place = Place { storage: storage.ok_or_else(unreadable)?, generation: row.generation };
        Ok(KeyRecord {
            project: row.project.parse().map_err(|_| unreadable())?,
            residence: Residence { place, phase: phase(&row.phase).ok_or_else(unreadable)? },
            webhooks: row.webhooks.as_deref().map_or_else(Vec::new, addresses),
            // A scope that another version knows grants nothing here.
            scopes: row.scopes.split(' ').filter_map(|scope| scope.parse().ok()).collect(),
            created_at: Timestamp::from_ms(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_ms),
            revoked_at: row.revoked_at.map(Timestamp::from_ms),
            last_used_at: row.last_used_at.map(Timestamp::from_ms),
            id: row.id,
            name: row.name,
            prefix: row.prefix,
        })
    }
}
