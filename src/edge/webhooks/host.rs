//! What the object of a webhook has around it.

use super::post::Sender;
use crate::edge::d1::D1;
use crate::edge::objects::RemoteObjects;
use crate::edge::runtime::{self, Hops};
use crate::edge::worker::{Users, settings};
use crate::key::{Project, ProjectRecord};
use crate::store::objects::ObjectStore;
use crate::store::sql::SqlStore;
use crate::store::{ChangedUser, ChangesPage, ControlStore, FollowFrom, OwnReads, RoutedStore, StoreError};
use crate::time::Timestamp;
use crate::webhooks::{Answer, Host, Post, Waits};
use js_sys::Date;
use std::rc::Rc;
use worker::durable::ScheduledTime;
use worker::wasm_bindgen::JsValue;
use worker::{Env, State};

pub struct WorkerHost {
    state: State,
    env: Env,
    sender: Sender,
}

impl WorkerHost {
    pub fn new(state: State, env: Env) -> Self {
        WorkerHost { state, env, sender: Sender::default() }
    }

    /// Made for each read: its deadline is that of one request.
    fn d1(&self) -> Result<SqlStore<D1>, StoreError> {
        D1::bound(&self.env, Hops::default()).map(SqlStore).ok_or_else(|| StoreError::Failed("DB is not bound".into()))
    }

    fn users(&self) -> Result<Users, StoreError> {
        let objects = self.env.durable_object("USERS").map_err(|error| StoreError::Failed(error.to_string()))?;
        let objects = ObjectStore(RemoteObjects { objects, hops: Hops::default() });
        Ok(RoutedStore { d1: Rc::new(self.d1()?), objects })
    }
}

impl OwnReads for WorkerHost {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        self.users()?.changes_of(project, from, limit).await
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        self.users()?.states_of(project, ids).await
    }
}

impl Host for WorkerHost {
    fn now(&self) -> Timestamp {
        runtime::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        runtime::fill_random(bytes);
    }

    fn waits(&self) -> Waits {
        settings(&self.env).map_or(Waits { hurry: 1 }, |settings| settings.webhook_waits)
    }

    fn allows_insecure(&self) -> bool {
        settings(&self.env).is_ok_and(|settings| settings.allow_insecure_webhooks)
    }

    async fn project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        self.d1()?.find_project(name).await
    }

    async fn post(&self, post: Post) -> Result<Answer, String> {
        self.sender.post(post).await
    }

    fn abort(&self) {
        self.sender.abort();
    }

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    async fn set_alarm(&self, at: Option<Timestamp>) -> Result<(), String> {
        let storage = self.state.storage();
        let set = match at {
            Some(at) => storage.set_alarm(ScheduledTime::new(Date::new(&JsValue::from_f64(at.as_ms() as f64)))).await,
            None => storage.delete_alarm().await,
        };
        set.map_err(|error| format!("alarm: {error}"))
    }

    async fn erase(&self) -> Result<(), String> {
        let storage = self.state.storage();
        let erased = async {
            storage.delete_alarm().await?;
            storage.delete_all().await
        };
        erased.await.map_err(|error| format!("storage: {error}"))
    }

    fn log(&self, line: &str) {
        worker::console_warn!("{line}");
    }
}
