//! The object that moves a project: one for each project that is moved. It keeps the project's name, and an alarm.

use crate::edge::d1::D1;
use crate::edge::objects::RemoteObjects;
use crate::edge::rpc;
use crate::edge::runtime::{self, Hops, now};
use crate::edge::sqlite::Sqlite;
use crate::json;
use crate::key::Project;
use crate::store::moving::{Advance, Move, Mover, MoverRequest, Pace};
use crate::store::objects::ObjectStore;
use crate::store::sql::{LocalDatabase, SqlStore, Statement, Value};
use crate::store::{RoutedStore, StoreError};
use crate::time::Timestamp;
use serde::Deserialize;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, ObjectNamespace, Request, Response, Result, State, durable_object};

/// Steps of one alarm: each makes up to some hundred calls, and the platform allows an alarm so many. While callers wait, it
/// goes on.
const STEPS: u32 = 4;
/// After how many milliseconds it goes on by itself if it ended in the middle of a step.
const SAFETY_MS: u64 = 30_000;
/// Milliseconds of the wait if the control store can't be asked.
const CONTROL_WAIT_MS: u64 = 1000;

#[derive(Deserialize)]
struct Row {
    name: String,
}

/// Moves the project that it was woken for, step by step, each time its alarm rings.
#[durable_object(alarm)]
pub struct MoverObject {
    state: State,
    sqlite: Sqlite,
    env: Env,
    /// It was woken since its last step began.
    woken: Cell<bool>,
}

impl DurableObject for MoverObject {
    fn new(state: State, env: Env) -> Self {
        MoverObject { sqlite: Sqlite::new(&state), state, env, woken: Cell::default() }
    }

    async fn fetch(&self, _: Request) -> Result<Response> {
        Response::error("called by RPC alone", 501)
    }

    async fn alarm(&self) -> Result<Response> {
        // First of all: whatever comes next, it rings again.
        self.ring_in(SAFETY_MS).await?;
        match self.go_on().await {
            Some(wait_ms) => self.ring_in(wait_ms).await?,
            None if self.woken.get() => self.ring_in(0).await?,
            None => self.state.storage().delete_alarm().await?,
        }
        Response::empty()
    }
}

/// What the object offers by RPC.
#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
impl MoverObject {
    /// Answers a [`MoverRequest`] once the alarm is set.
    pub async fn answer(&self, request: String) -> std::result::Result<String, JsValue> {
        let MoverRequest::Wake { project } =
            json::from_str(&request).map_err(|error| JsValue::from_str(&error.to_string()))?;
        self.woken.set(true);
        self.query("create table if not exists project (name text primary key) strict", &[])?;
        self.query("insert into project (name) values (?1) on conflict (name) do nothing", &[(&project).into()])?;
        self.ring_in(0).await?;
        Ok("null".into())
    }
}

impl MoverObject {
    fn query(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        self.sqlite.query(Statement { sql, values }).map_err(|error| error.to_string().into())
    }

    async fn ring_in(&self, ms: u64) -> Result<()> {
        self.state.storage().set_alarm(Duration::from_millis(ms)).await
    }

    /// Does some steps. None: there is nothing left to do, else after so many milliseconds.
    async fn go_on(&self) -> Option<u64> {
        self.woken.set(false);
        let Row { name } = self.query("select name from project", &[]).ok()?.pop()?;
        let project: Project = name.parse().ok()?;
        let (mut steps, mut now) = (0, None);
        loop {
            match self.advance(&project, now.take()).await {
                Ok(Advance::Urgent(next)) => now = Some(*next),
                Ok(Advance::Next) if steps < STEPS => {}
                Ok(Advance::Next) => return Some(0),
                Ok(Advance::Again(ms)) => return Some(ms),
                Ok(Advance::End) => return None,
                Err(error) => {
                    worker::console_error!("mover: {}: {error}", project.as_str());
                    return Some(CONTROL_WAIT_MS);
                }
            }
            steps += 1;
        }
    }

    /// Each step has the time of a request for its calls of D1.
    async fn advance(&self, project: &Project, now: Option<Move>) -> std::result::Result<Advance, StoreError> {
        let hops = Hops::default();
        let unbound = |what: &str| StoreError::Failed(format!("binding {what} is undefined"));
        let control = Rc::new(SqlStore(D1::bound(&self.env, hops.clone()).ok_or_else(|| unbound("DB"))?));
        let objects = self.env.durable_object("USERS").map_err(|_| unbound("USERS"))?;
        let objects = ObjectStore(RemoteObjects { objects, hops });
        let places = RoutedStore { d1: Rc::clone(&control), objects };
        Mover { control: &*control, places: &places, pace: &Clock }.advance(project, now).await
    }
}

/// The runtime's.
struct Clock;

impl Pace for Clock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn rest(&self, ms: u64) {
        runtime::sleep(Duration::from_millis(ms)).await;
    }
}

/// Wakes the object of a project.
pub async fn wake(movers: &ObjectNamespace, project: &Project, hops: &Hops) -> std::result::Result<(), StoreError> {
    hops.add();
    let request = MoverRequest::Wake { project: project.as_str().into() };
    let request = serde_json::to_string(&request).map_err(|error| StoreError::Failed(error.to_string()))?;
    let woken = rpc::call(|| movers.get_by_name(project.as_str()), &request, &request, hops).await;
    woken.map(drop).map_err(|error| StoreError::Unavailable(format!("mover: {error}")))
}
