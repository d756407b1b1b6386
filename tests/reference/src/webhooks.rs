//! The port to webhooks: each in a SQLite database of its own. There is no network, and no alarm goes off.

use crate::clock::Clock;
use crate::objects::LocalSqlite;
use roster::json;
use roster::key::{Project, ProjectRecord, WebhookAddress};
use roster::store::{ChangedUser, ChangesPage, ControlStore, FollowFrom, OwnReads, StoreError};
use roster::time::Timestamp;
use roster::webhooks::{Answer, Endpoint, Host, Post, Waits, WebhookAnswer, WebhookRequest, Webhooks};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The objects of all webhooks, each made at its first call.
pub struct LocalWebhooks<U, C> {
    clock: Clock,
    users: Rc<U>,
    control: Rc<C>,
    hops: Rc<Cell<u32>>,
    endpoints: RefCell<BTreeMap<String, Rc<LocalEndpoint<U, C>>>>,
    /// Those that were poked, one after the other.
    pub poked: RefCell<Vec<String>>,
}

type LocalEndpoint<U, C> = Endpoint<LocalSqlite, LocalHost<U, C>>;

struct LocalHost<U, C> {
    clock: Clock,
    users: Rc<U>,
    control: Rc<C>,
}

impl<U, C> LocalWebhooks<U, C> {
    /// None yet; each call of some of them adds one to `hops`.
    pub fn new(clock: Clock, users: Rc<U>, control: Rc<C>, hops: Rc<Cell<u32>>) -> Self {
        LocalWebhooks { clock, users, control, hops, endpoints: RefCell::default(), poked: RefCell::default() }
    }
}

impl<U: OwnReads, C: ControlStore> Webhooks for LocalWebhooks<U, C> {
    async fn call(&self, webhooks: &[WebhookAddress], request: &WebhookRequest) -> Result<Vec<WebhookAnswer>, String> {
        self.hops.set(self.hops.get() + 1);
        let request = serde_json::to_string(request).map_err(|error| error.to_string())?;
        let mut answers = Vec::new();
        for address in webhooks {
            let host = || LocalHost {
                clock: self.clock.clone(),
                users: Rc::clone(&self.users),
                control: Rc::clone(&self.control),
            };
            let new = || Rc::new(Endpoint::new(LocalSqlite::default(), host()));
            let endpoint = Rc::clone(self.endpoints.borrow_mut().entry(address.id.clone()).or_insert_with(new));
            let answer = endpoint.answer(&request).await?;
            answers.push(json::from_str(&answer).map_err(|error| error.to_string())?);
        }
        Ok(answers)
    }

    async fn poke(&self, webhooks: &[WebhookAddress], _: u64) {
        self.poked.borrow_mut().extend(webhooks.iter().map(|address| address.id.clone()));
    }
}

impl<U: OwnReads, C> OwnReads for LocalHost<U, C> {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        self.users.changes_of(project, from, limit).await
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        self.users.states_of(project, ids).await
    }
}

impl<U: OwnReads, C: ControlStore> Host for LocalHost<U, C> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
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

    async fn post(&self, _: Post) -> Result<Answer, String> {
        Err("unreachable".into())
    }

    fn abort(&self) {}

    async fn set_alarm(&self, _: Option<Timestamp>) -> Result<(), String> {
        Ok(())
    }

    async fn erase(&self) -> Result<(), String> {
        Ok(())
    }

    fn log(&self, _: &str) {}
}
