//! The store in D1. Each method is one statement, or two in one batch, which is one transaction and one hop.

use super::{Hops, fill_random, now, sql, within};
use crate::json;
use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord, Scope};
use crate::store::{Filter, Page, Position, Store, StoreError, StoredLimit, StoredUser, Upserted};
use crate::time::Timestamp;
use crate::user::{ExternalId, NewUser};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1DatabaseSession, D1Result, D1SessionConstraint, Delay};

/// Tries of one statement.
const TRIES: u32 = 3;
/// How long one request waits for D1, all calls and tries together. With the limiter's deadline: less than ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Milliseconds that the first pause between two tries can last; each further one can last twice as long.
const FIRST_PAUSE_MS: u64 = 50;

pub struct D1Store {
    database: D1Database,
    hops: Hops,
    /// How long this request has waited so far.
    waited: Cell<Duration>,
}

#[derive(Deserialize)]
struct UpsertedRow {
    id: String,
    created: u8,
}

/// What became of a user of a batch. Nulls, where there is none to tell of.
#[derive(Deserialize)]
struct GivenRow {
    id: Option<String>,
    place: Option<usize>,
    refusal: Option<String>,
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
struct ProjectRow {
    name: String,
    created_at: f64,
}

#[derive(Deserialize)]
struct IdRow {
    #[expect(dead_code, reason = "that there is a row is the answer")]
    id: String,
}

impl Store for D1Store {
    async fn ping(&self) -> Result<(), StoreError> {
        self.rows::<IdRow>(sql::PING, &[]).await.map(drop)
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        let row = self.rows::<KeyRow>(sql::FIND_KEY, &[text(&hash.to_hex())]).await?.pop();
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
        let row = self.rows::<UpsertedRow>(&sql::UPSERT, &values).await?.pop();
        Ok(row.map(|UpsertedRow { id, created }| Upserted { id, created: created != 0 }))
    }

    async fn find_user(
        &self,
        caller: &KeyHash,
        id: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<Option<StoredUser>>, StoreError> {
        let values = [text(&caller.to_hex()), moment(now), text(id.as_str())];
        let row = self.rows::<UserRow>(&sql::FIND_USER, &values).await?.pop();
        match row {
            Some(row) if row.id.is_none() => Ok(Some(None)),
            Some(row) => stored_user(row).map(|user| Some(Some(user))),
            None => Ok(None),
        }
    }

    async fn upsert_users(
        &self,
        caller: &KeyHash,
        users: &[(&NewUser, String)],
        now: Timestamp,
    ) -> Result<Option<Vec<Result<Upserted, StoredLimit>>>, StoreError> {
        let values = [text(&caller.to_hex()), moment(now), text(&given(users))];
        let (stored, refused) =
            self.both::<GivenRow, GivenRow>((&sql::UPSERT_GIVEN, &values), (&sql::REFUSE_GIVEN, &values)).await?;
        if refused.is_empty() {
            return Ok(None);
        }
        let outcomes = outcomes(stored.into_iter().chain(refused), users);
        outcomes.map(Some).ok_or_else(|| StoreError::Failed("outcome of a user is missing".into()))
    }

    async fn delete_user(&self, caller: &KeyHash, id: &ExternalId, now: Timestamp) -> Result<Option<bool>, StoreError> {
        let values = [text(&caller.to_hex()), moment(now), text(id.as_str())];
        let (deleted, live) =
            self.both::<IdRow, IdRow>((&sql::DELETE_USER, &values), (&sql::FIND_CALLER, &values[..2])).await?;
        Ok((!live.is_empty()).then_some(!deleted.is_empty()))
    }

    async fn list_users(
        &self,
        caller: &KeyHash,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Page>, StoreError> {
        let Filter { email, phone, updated_after } = filter;
        let statement = sql::list_users(email.is_some() || phone.is_some(), updated_after.is_some());
        let mut values = vec![
            text(&caller.to_hex()),
            moment(now),
            // One more than asked for tells if there is one more.
            JsValue::from_f64(f64::from(limit) + 1.0),
            email.map_or(JsValue::NULL, |email| text(email.as_str())),
            phone.map_or(JsValue::NULL, |phone| text(phone.as_str())),
            text(after.map_or("", |after| &after.external_id)),
        ];
        if let Some(updated_after) = updated_after {
            values.push(moment(*updated_after));
            values.push(moment(after.map_or(Timestamp::from_ms(0), |after| after.updated_at)));
        }
        let rows = self.rows::<UserRow>(&statement, &values).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let found = rows.iter().filter(|row| row.external_id.is_some()).count();
        let fitting = rows.into_iter().take_while(|row| row.id.is_some()).take(limit as usize);
        let users: Vec<_> = fitting.map(stored_user).collect::<Result<_, _>>()?;
        Ok(Some(Page { has_more: users.len() < found, users }))
    }

    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
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
        self.rows::<IdRow>(sql::CREATE_KEY, &values).await.map(drop)
    }

    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError> {
        let project = project.map_or(JsValue::NULL, |project| text(project.as_str()));
        self.rows::<KeyRow>(sql::LIST_KEYS, &[project]).await?.into_iter().map(KeyRecord::try_from).collect()
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(!self.rows::<IdRow>(sql::REVOKE_KEY, &[text(id), moment(now)]).await?.is_empty())
    }

    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError> {
        // One try, and no hop counted: nobody waits for it.
        let values = [text(&hash.to_hex()), moment(now)];
        let outcome = within(PATIENCE, self.run::<IdRow>(sql::TOUCH_KEY, &values)).await;
        outcome.unwrap_or_else(|| Err(Failure::late())).map(drop).map_err(StoreError::from)
    }

    async fn ensure_project(&self, name: &Project, now: Timestamp) -> Result<ProjectRecord, StoreError> {
        let values = [text(name.as_str()), moment(now)];
        let (_, rows) =
            self.both::<IdRow, ProjectRow>((sql::ADD_PROJECT, &values), (sql::FIND_PROJECT, &values[..1])).await?;
        let row = rows.into_iter().next().ok_or_else(|| StoreError::Failed(format!("no row of project {name:?}")))?;
        row.try_into()
    }

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        let row = self.rows::<ProjectRow>(sql::FIND_PROJECT, &[text(name.as_str())]).await?.pop();
        row.map(ProjectRecord::try_from).transpose()
    }

    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        self.rows::<ProjectRow>(sql::LIST_PROJECTS, &[]).await?.into_iter().map(ProjectRecord::try_from).collect()
    }
}

impl D1Store {
    pub fn new(database: D1Database, hops: Hops) -> Self {
        D1Store { database, hops, waited: Cell::default() }
    }

    /// Runs a statement that is harmless to run again.
    async fn rows<T: for<'a> Deserialize<'a>>(&self, sql: &str, values: &[JsValue]) -> Result<Vec<T>, StoreError> {
        self.retried(async || self.run(sql, values).await).await
    }

    /// Runs two statements in one transaction, each with its values, that are harmless to run again.
    async fn both<T: for<'a> Deserialize<'a>, U: for<'a> Deserialize<'a>>(
        &self,
        first: (&str, &[JsValue]),
        second: (&str, &[JsValue]),
    ) -> Result<(Vec<T>, Vec<U>), StoreError> {
        self.retried(async || {
            let session = self.session()?;
            let statements = [first, second].map(|(sql, values)| session.prepare(sql).bind(values));
            let statements = statements.into_iter().collect::<worker::Result<_>>()?;
            match &session.batch(statements).await?[..] {
                [first, second] => Ok((read(first)?, read(second)?)),
                _ => Err(Failure::unreadable()),
            }
        })
        .await
    }

    /// Tries again on errors that Cloudflare calls transient.
    async fn retried<T>(&self, run: impl AsyncFn() -> Result<T, Failure>) -> Result<T, StoreError> {
        let mut tried = 0;
        loop {
            tried += 1;
            self.hops.add();
            match self.in_time(run()).await {
                Ok(outcome) => return Ok(outcome),
                Err(Failure::Transient(_)) if tried < TRIES => pause(tried).await,
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn run<T: for<'a> Deserialize<'a>>(&self, sql: &str, values: &[JsValue]) -> Result<Vec<T>, Failure> {
        read(&self.session()?.prepare(sql).bind(values)?.all().await?)
    }

    /// Waits for D1 while this request's patience lasts. What it then still does is harmless, like anything tried twice.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let patience = PATIENCE.saturating_sub(self.waited.get());
        if patience.is_zero() {
            return Err(Failure::late());
        }
        let asked_ms = now().as_ms();
        let outcome = within(patience, work).await;
        let waited = Duration::from_millis(now().as_ms().saturating_sub(asked_ms));
        self.waited.set(self.waited.get() + waited);
        outcome.unwrap_or_else(|| Err(Failure::late()))
    }

    /// On the primary, because a replica may not have heard yet that a key was revoked.
    fn session(&self) -> worker::Result<D1DatabaseSession> {
        self.database.with_session_constraint(D1SessionConstraint::FirstPrimary)
    }
}

/// The rows of a result. What is wrong with one is not told: the log must not learn what is in it.
fn read<T: for<'a> Deserialize<'a>>(result: &D1Result) -> Result<Vec<T>, Failure> {
    result.results().map_err(|_| Failure::unreadable())
}

enum Failure {
    /// To be tried again.
    Transient(String),
    Final(StoreError),
}

impl Failure {
    fn unreadable() -> Self {
        Failure::Final(StoreError::Failed("D1: rows can't be read".into()))
    }

    fn late() -> Self {
        Failure::Final(StoreError::Unavailable(format!("D1: no answer within {PATIENCE:?}")))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Transient(cause) => StoreError::Unavailable(cause),
            Failure::Final(error) => error,
        }
    }
}

impl From<worker::Error> for Failure {
    /// Sorts D1's errors by their text, which is all there is to go by.
    /// Source: Cloudflare, "Debug D1: Error list".
    fn from(error: worker::Error) -> Self {
        const TRANSIENT: [&str; 7] = [
            "Network connection lost",
            "reset because its code was updated",
            "Internal error while starting up D1 DB storage",
            "Internal error in D1 DB storage",
            "Cannot resolve D1 DB due to transient issue",
            "Can't read from request stream because client disconnected",
            UNREADABLE,
        ];
        // At its limits: to try again at once would add to the load.
        const EXHAUSTED: [&str; 4] =
            ["overloaded", "exceeded timeout", "exceeded its memory limit", "exceeded its CPU time limit"];
        let cause = message(&error);
        let is_broken = |name: &str| cause.contains(&format!("CHECK constraint failed: {name}"));
        let tells = |texts: &[&str]| texts.iter().any(|text| cause.contains(text));
        if let Some((_, limit)) = LIMITS.iter().find(|(name, _)| is_broken(name)) {
            Failure::Final(StoreError::Refused(*limit))
        } else if tells(&TRANSIENT) {
            Failure::Transient(cause)
        } else if tells(&EXHAUSTED) {
            Failure::Final(StoreError::Unavailable(cause))
        } else {
            Failure::Final(StoreError::Failed(cause))
        }
    }
}

/// The limits by the names of the table's constraints.
const LIMITS: [(&str, StoredLimit); 3] = [
    ("profile_bytes", StoredLimit::ProfileBytes),
    ("property_keys", StoredLimit::PropertyKeys),
    ("origin_keys", StoredLimit::OriginKeys),
];

/// The limit whose constraint has this name.
fn limit(name: &str) -> Option<StoredLimit> {
    LIMITS.iter().find(|(known, _)| *known == name).map(|(_, limit)| *limit)
}

/// The users of a batch as `sql::GIVEN` reads them. Not longer than the body that they came in, but for the new ids: far
/// below the 2 MB that D1 takes.
fn given(users: &[(&NewUser, String)]) -> String {
    let mut list = String::from("[");
    for (i, (user, new_id)) in users.iter().enumerate() {
        list.push_str(if i > 0 { ",[" } else { "[" });
        json::write_string(user.external_id.as_str(), &mut list);
        list.push(',');
        json::write_string(new_id, &mut list);
        list.push(',');
        list.push_str(user.patch.as_str());
        list.push(']');
    }
    list.push(']');
    list
}

/// What became of each user, or None if a row is missing.
fn outcomes(
    rows: impl Iterator<Item = GivenRow>,
    users: &[(&NewUser, String)],
) -> Option<Vec<Result<Upserted, StoredLimit>>> {
    let mut outcomes = vec![None; users.len()];
    for GivenRow { id, place, refusal } in rows {
        let Some(place) = place else { continue };
        let (_, new_id) = users.get(place)?;
        outcomes[place] = match refusal {
            Some(name) => limit(&name).map(Err),
            None => id.map(|id| Ok(Upserted { created: id == *new_id, id })),
        };
    }
    outcomes.into_iter().collect()
}

/// Waits with full jitter.
async fn pause(tried: u32) {
    let mut random = [0; 8];
    fill_random(&mut random);
    let at_most_ms = FIRST_PAUSE_MS << (tried - 1);
    Delay::from(Duration::from_millis(u64::from_le_bytes(random) % (at_most_ms + 1))).await;
}

/// What the runtime calls an answer that is no JSON. Behind it comes the answer.
const UNREADABLE: &str = "Failed to parse body as JSON";

/// The text of an error. Not its `Display`, which can throw for one of D1's.
fn message(error: &worker::Error) -> String {
    let mut message = match error {
        worker::Error::D1(error) => AsRef::<js_sys::Error>::as_ref(error).message().into(),
        worker::Error::UnknownJsError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    if let Some(at) = message.find(UNREADABLE) {
        // What D1 answered is not for the log, nor to be judged by.
        message.truncate(at + UNREADABLE.len());
    }
    message
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

impl TryFrom<ProjectRow> for ProjectRecord {
    type Error = StoreError;

    fn try_from(ProjectRow { name, created_at }: ProjectRow) -> Result<Self, StoreError> {
        let name = Project::parse(&name).ok_or_else(|| StoreError::Failed("row of a project can't be read".into()))?;
        Ok(ProjectRecord { name, created_at: timestamp(created_at) })
    }
}

impl TryFrom<KeyRow> for KeyRecord {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Failed(format!("row of {} can't be read", row.id));
        Ok(KeyRecord {
            project: Project::parse(&row.project).ok_or_else(unreadable)?,
            // A scope that another version knows grants nothing here.
            scopes: row.scopes.split(' ').filter_map(Scope::parse).collect(),
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
