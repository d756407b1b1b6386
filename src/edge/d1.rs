//! The store in D1. Each method is one statement.

use super::{Hops, fill_random};
use crate::key::{KeyHash, KeyRecord, Project, Scope};
use crate::store::{Store, StoreError, StoredLimit, StoredUser, Upserted};
use crate::time::Timestamp;
use crate::user::{ExternalId, NewUser};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1SessionConstraint, Delay};

/// Tries of one statement.
const TRIES: u32 = 3;
/// Milliseconds that the first pause between two tries can last; each further one can last twice as long.
const FIRST_PAUSE_MS: u64 = 50;

/// Answers the user's id and whether it is new, or no row if the calling key is not live.
///
/// `json_patch` is the whole merge. The first revision is the moment of creation, so that a user who is deleted and
/// created again never repeats one. Where it changes nothing, the row is written as it was.
const UPSERT: &str = "
with caller as (
    select project from api_keys
    where hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2)
), first as (
    select project, json_patch('{\"properties\":{},\"origin\":{}}', ?5) as profile from caller
)
insert into users
    (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
select
    project, ?3, ?4, profile,
    (select count(*) from json_each(profile, '$.properties')),
    (select count(*) from json_each(profile, '$.origin')),
    ?2, ?2, ?2
from first
where true
on conflict (project, external_id) do update set
    (profile, property_keys, origin_keys, revision, updated_at) = (
        select
            merged,
            (select count(*) from json_each(merged, '$.properties')),
            (select count(*) from json_each(merged, '$.origin')),
            revision + (merged is not profile),
            iif(merged is not profile, max(updated_at, ?2), updated_at)
        from (select json_patch(profile, ?5) as merged)
    )
returning id, id = ?4 as created";

/// Answers no row if the calling key is not live, and a row of nulls if there is no such user.
const FIND_USER: &str = "
with caller as (
    select project from api_keys
    where hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2)
)
select
    id, external_id, email, phone, profile -> '$.properties' as properties, profile -> '$.origin' as origin,
    created_at, updated_at, revision
from caller left join users on users.project = caller.project and external_id = ?3";

const KEY_COLUMNS: &str = "id, name, project, prefix, scopes, created_at, expires_at, revoked_at, last_used_at";

pub struct D1Store {
    database: D1Database,
    hops: Hops,
}

#[derive(Deserialize)]
struct UpsertedRow {
    id: String,
    created: u8,
}

#[derive(Deserialize)]
struct UserRow {
    id: Option<String>,
    external_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    properties: Option<String>,
    origin: Option<String>,
    created_at: Option<f64>,
    updated_at: Option<f64>,
    revision: Option<f64>,
}

#[derive(Deserialize)]
struct KeyRow {
    id: String,
    name: String,
    project: String,
    prefix: String,
    scopes: String,
    created_at: f64,
    expires_at: Option<f64>,
    revoked_at: Option<f64>,
    last_used_at: Option<f64>,
}

#[derive(Deserialize)]
struct IdRow {
    #[expect(dead_code, reason = "that there is a row is the answer")]
    id: String,
}

impl Store for D1Store {
    async fn ping(&self) -> Result<(), StoreError> {
        self.rows::<IdRow>("select id from api_keys limit 1", &[]).await.map(drop)
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        let sql = format!("select {KEY_COLUMNS} from api_keys where hash = ?1");
        let row = self.rows::<KeyRow>(&sql, &[text(&hash.to_hex())]).await?.pop();
        row.map(KeyRecord::try_from).transpose()
    }

    async fn upsert_user(
        &self,
        caller: &KeyHash,
        user: &NewUser,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Option<Upserted>, StoreError> {
        let values = [
            text(&caller.to_hex()),
            moment(now),
            text(user.external_id.as_str()),
            text(new_id),
            text(user.patch.as_str()),
        ];
        let row = self.rows::<UpsertedRow>(UPSERT, &values).await?.pop();
        Ok(row.map(|UpsertedRow { id, created }| Upserted { id, created: created != 0 }))
    }

    async fn find_user(
        &self,
        caller: &KeyHash,
        id: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<Option<StoredUser>>, StoreError> {
        let values = [text(&caller.to_hex()), moment(now), text(id.as_str())];
        let row = self.rows::<UserRow>(FIND_USER, &values).await?.pop();
        match row {
            Some(row) if row.id.is_none() => Ok(Some(None)),
            Some(row) => stored_user(row).map(|user| Some(Some(user))),
            None => Ok(None),
        }
    }

    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        // The conflict can only be a second try of a first one that took effect.
        let sql = "insert into api_keys (id, hash, prefix, name, project, scopes, created_at, expires_at)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (id) do nothing";
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let values = [
            text(&key.id),
            text(&hash.to_hex()),
            text(&key.prefix),
            text(&key.name),
            text(key.project.as_str()),
            text(&scopes.join(" ")),
            moment(key.created_at),
            key.expires_at.map_or(JsValue::NULL, moment),
        ];
        self.rows::<IdRow>(sql, &values).await.map(drop)
    }

    async fn list_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let sql = format!("select {KEY_COLUMNS} from api_keys order by id");
        self.rows::<KeyRow>(&sql, &[]).await?.into_iter().map(KeyRecord::try_from).collect()
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "update api_keys set revoked_at = ifnull(revoked_at, ?2) where id = ?1 returning id";
        Ok(!self.rows::<IdRow>(sql, &[text(id), moment(now)]).await?.is_empty())
    }

    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update api_keys set last_used_at = max(ifnull(last_used_at, 0), ?2) where hash = ?1";
        // One try, and no hop counted: nobody waits for it.
        let outcome = self.run::<IdRow>(sql, &[text(&hash.to_hex()), moment(now)]).await;
        outcome.map(drop).map_err(|error| StoreError::Failed(message(&error)))
    }
}

impl D1Store {
    pub fn new(database: D1Database, hops: Hops) -> Self {
        D1Store { database, hops }
    }

    /// Runs a statement that is harmless to run again, and does so on errors that Cloudflare calls transient.
    async fn rows<T: for<'a> Deserialize<'a>>(&self, sql: &str, values: &[JsValue]) -> Result<Vec<T>, StoreError> {
        let mut tried = 0;
        loop {
            tried += 1;
            self.hops.add();
            let cause = match self.run(sql, values).await {
                Ok(rows) => return Ok(rows),
                Err(error) => message(&error),
            };
            match failure(cause) {
                Failure::Transient(_) if tried < TRIES => pause(tried).await,
                Failure::Transient(cause) => return Err(StoreError::Unavailable(cause)),
                Failure::Final(error) => return Err(error),
            }
        }
    }

    async fn run<T: for<'a> Deserialize<'a>>(&self, sql: &str, values: &[JsValue]) -> worker::Result<Vec<T>> {
        // The primary, because a replica may not have heard yet that a key was revoked.
        let session = self.database.with_session_constraint(D1SessionConstraint::FirstPrimary)?;
        session.prepare(sql).bind(values)?.all().await?.results()
    }
}

enum Failure {
    Transient(String),
    Final(StoreError),
}

/// Sorts D1's errors by their text, which is all there is to go by.
/// Source: Cloudflare, "D1: Retry queries" and "D1: Errors".
fn failure(cause: String) -> Failure {
    const TRANSIENT: [&str; 6] = [
        "Network connection lost",
        "caused object to be reset",
        "reset because its code was updated",
        "Cannot resolve D1 DB due to transient issue",
        "Can't read from request stream because client disconnected",
        "Internal error while starting up D1 DB storage",
    ];
    const LIMITS: [(&str, StoredLimit); 3] = [
        ("CHECK constraint failed: property_keys", StoredLimit::PropertyKeys),
        ("CHECK constraint failed: origin_keys", StoredLimit::OriginKeys),
        ("CHECK constraint failed: profile_bytes", StoredLimit::ProfileBytes),
    ];
    if let Some((_, limit)) = LIMITS.iter().find(|(text, _)| cause.contains(text)) {
        Failure::Final(StoreError::Refused(*limit))
    } else if TRANSIENT.iter().any(|text| cause.contains(text)) {
        Failure::Transient(cause)
    } else if cause.contains("overloaded") {
        Failure::Final(StoreError::Unavailable(cause))
    } else {
        Failure::Final(StoreError::Failed(cause))
    }
}

/// Waits with full jitter.
async fn pause(tried: u32) {
    let mut random = [0; 8];
    fill_random(&mut random);
    let at_most_ms = FIRST_PAUSE_MS << (tried - 1);
    Delay::from(Duration::from_millis(u64::from_le_bytes(random) % (at_most_ms + 1))).await;
}

/// The text of an error. Not its `Display`, which can throw for one of D1's.
fn message(error: &worker::Error) -> String {
    match error {
        worker::Error::D1(error) => AsRef::<js_sys::Error>::as_ref(error).message().into(),
        worker::Error::UnknownJsError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

fn text(value: &str) -> JsValue {
    JsValue::from_str(value)
}

/// Milliseconds fit an f64 exactly, and D1's own integer type is 32 bits wide.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 ms, the year 287396")]
fn moment(at: Timestamp) -> JsValue {
    JsValue::from_f64(at.as_ms() as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn timestamp(ms: f64) -> Timestamp {
    Timestamp::from_ms(ms as u64)
}

fn stored_user(row: UserRow) -> Result<StoredUser, StoreError> {
    let read = |row: UserRow| {
        Some(StoredUser {
            id: row.id?,
            external_id: row.external_id?,
            email: row.email,
            phone: row.phone,
            properties: RawValue::from_string(row.properties?).ok()?,
            origin: RawValue::from_string(row.origin?).ok()?,
            created_at: timestamp(row.created_at?),
            updated_at: timestamp(row.updated_at?),
            revision: timestamp(row.revision?).as_ms(),
        })
    };
    read(row).ok_or_else(|| StoreError::Failed("row of a user can't be read".into()))
}

impl TryFrom<KeyRow> for KeyRecord {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed(format!("row of {} can't be read", row.id));
        Ok(KeyRecord {
            project: Project::parse(&row.project).ok_or_else(unreadable)?,
            scopes: row.scopes.split(' ').map(Scope::parse).collect::<Option<_>>().ok_or_else(unreadable)?,
            created_at: timestamp(row.created_at),
            expires_at: row.expires_at.map(timestamp),
            revoked_at: row.revoked_at.map(timestamp),
            last_used_at: row.last_used_at.map(timestamp),
            id: row.id,
            name: row.name,
            prefix: row.prefix,
        })
    }
}
