//! What the object of a webhook runs, on its own SQLite.

mod delivery;

use super::choice::{ChangeWebhook, parse_change};
use super::host::{Host, Post};
use super::message::Message;
use super::queue::Queue;
use super::request::{WebhookAnswer, WebhookRequest};
use super::show;
use super::sign::Secret;
use super::storage;
use super::webhook::{Choice, Position, Webhook};
use crate::bounds::MAX_TEST_ANSWER_BYTES;
use crate::json;
use crate::key::ProjectRecord;
use crate::store::sql::LocalDatabase;
use crate::store::{ChangedUser, ChangesPage, FollowFrom, StoreError};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};

/// For how long an alarm begins something new, in milliseconds: an object may work for a quarter of an hour at a time.
const WORK_MS: u64 = 30_000;

/// What is known of what is stored.
#[derive(Default)]
enum Stored {
    #[default]
    Unknown,
    Nothing,
    Webhook(Box<Queue>),
}

/// A webhook in its object.
pub struct Endpoint<D, H> {
    database: D,
    host: H,
    stored: RefCell<Stored>,
    /// Whether an alarm is at work.
    works: Cell<bool>,
    /// Alarms that have begun.
    alarms: Cell<u32>,
    /// The alarm that is set, if one is known to be, in milliseconds.
    alarm: Cell<Option<u64>>,
}

impl<D: LocalDatabase, H: Host> Endpoint<D, H> {
    /// The webhook that is kept in a database, if there is one.
    pub fn new(database: D, host: H) -> Self {
        Endpoint {
            database,
            host,
            stored: RefCell::default(),
            works: Cell::default(),
            alarms: Cell::default(),
            alarm: Cell::default(),
        }
    }

    fn now_ms(&self) -> u64 {
        self.host.now().as_ms()
    }

    /// Answers a [`WebhookRequest`] by a [`WebhookAnswer`]; both are JSON. The error, for the log, says that the request is of
    /// another version.
    pub async fn answer(&self, request: &str) -> Result<String, String> {
        let request =
            json::from_str(request).map_err(|error| format!("not a request of this version, at byte {}", error.at))?;
        let answer = match self.respond(request).await {
            Err(StoreError::KeyNotLive) => WebhookAnswer::NotThere,
            Err(StoreError::CursorExpired) => WebhookAnswer::CursorExpired,
            Err(error) => WebhookAnswer::Unavailable(error.to_string()),
            Ok(answer) => answer,
        };
        serde_json::to_string(&answer).map_err(|error| error.to_string())
    }

    async fn respond(&self, request: WebhookRequest) -> Result<WebhookAnswer, StoreError> {
        let is_there = self.load()?;
        match request {
            WebhookRequest::Delete => {
                self.delete().await?;
                Ok(WebhookAnswer::Deleted)
            }
            WebhookRequest::Create { id, project, choice, secret } => {
                if !is_there {
                    self.create(id, project, choice, secret).await?;
                }
                self.describe().await
            }
            _ if !is_there => Ok(WebhookAnswer::NotThere),
            WebhookRequest::Describe => self.describe().await,
            WebhookRequest::Change(change) => {
                let now = self.now_ms();
                let change = json::parse_object(change.as_bytes()).ok();
                let change = change.and_then(|change| parse_change(&change, self.host.allows_insecure()).ok());
                let change = change.ok_or_else(|| failed("a change of another version"))?;
                self.with(|queue| change_webhook(queue, change, now))?;
                self.store()?;
                self.wake().await?;
                self.describe().await
            }
            WebhookRequest::Rotate(secret) => {
                let now = self.now_ms();
                self.with(|queue| {
                    queue.webhook.rotate(secret, now);
                    queue.changed(false, now);
                })?;
                self.store()?;
                self.describe().await
            }
            WebhookRequest::Test => self.test().await,
            WebhookRequest::Replay(since) => self.replay(since).await,
            WebhookRequest::Poke => {
                self.with(Queue::look)?;
                self.wake().await?;
                Ok(WebhookAnswer::Poked)
            }
        }
    }

    /// Loads what is stored; whether anything is.
    fn load(&self) -> Result<bool, StoreError> {
        if matches!(*self.stored.borrow(), Stored::Unknown) {
            let stored = storage::read(&self.database, self.host.waits())?
                .map_or(Stored::Nothing, |queue| Stored::Webhook(Box::new(queue)));
            self.stored.replace(stored);
        }
        Ok(matches!(*self.stored.borrow(), Stored::Webhook(_)))
    }

    /// Works on what was loaded. An error: it is no more.
    fn with<T>(&self, work: impl FnOnce(&mut Queue) -> T) -> Result<T, StoreError> {
        match &mut *self.stored.borrow_mut() {
            Stored::Webhook(queue) => Ok(work(queue)),
            Stored::Unknown | Stored::Nothing => Err(StoreError::KeyNotLive),
        }
    }

    /// Stores what changed, and logs what is to be said. After a failure all is loaded again.
    fn store(&self) -> Result<(), StoreError> {
        let ((webhook, users), log, id) = self.with(|queue| {
            let touched = queue.take_touched();
            let webhook = touched.0.then(|| serde_json::to_string(&queue.webhook));
            ((webhook, touched.1), queue.take_log(), queue.webhook.id.clone())
        })?;
        let stored = storage::write(&self.database, webhook, &users);
        for line in log {
            self.host.log(&format!("webhook {id}: {line}"));
        }
        if stored.is_err() {
            self.stored.replace(Stored::Unknown);
        }
        stored
    }

    async fn create(&self, id: String, project: String, choice: Choice, secret: Secret) -> Result<(), StoreError> {
        let reached = self.changes(&project, &FollowFrom::Now, 1).await?.reached;
        let webhook = Webhook {
            id,
            project,
            choice,
            created_at: self.now_ms(),
            paused: false,
            disabled: None,
            secrets: (secret, None),
            replays: 0,
            position: Position::Reached(reached),
            delivered_at: 0,
            given_up: 0,
            last_failure: None,
        };
        storage::make(&self.database)?;
        let mut queue = Queue::new(webhook, Vec::new(), self.host.waits());
        queue.changed(false, self.now_ms());
        self.stored.replace(Stored::Webhook(Box::new(queue)));
        self.store()?;
        self.wake().await
    }

    async fn changes(&self, project: &str, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        let project = self.project(project).await?;
        self.host.changes_of(&project, from, limit).await
    }

    async fn states(&self, project: &str, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        let project = self.project(project).await?;
        self.host.states_of(&project, ids).await
    }

    async fn project(&self, name: &str) -> Result<ProjectRecord, StoreError> {
        let name = name.parse().map_err(|_| failed("the name of a project can't be read"))?;
        self.host.project(&name).await?.ok_or_else(|| failed("its project is not there"))
    }

    async fn describe(&self) -> Result<WebhookAnswer, StoreError> {
        let (project, position) = self.with(|queue| (queue.webhook.project.clone(), queue.position()))?;
        let next = match self.changes(&project, &position.into(), 1).await {
            Ok(page) => page.changes.first().map(|change| change.revision() / 1000),
            // It is far behind: nobody knows how far.
            Err(StoreError::CursorExpired) => Some(0),
            Err(error) => return Err(error),
        };
        let now = self.host.now();
        self.with(|queue| WebhookAnswer::Described(show::webhook(queue, next, now)))
    }

    async fn test(&self) -> Result<WebhookAnswer, StoreError> {
        let now = self.host.now();
        let mut random = [0; 10];
        self.host.fill_random(&mut random);
        let post = self.with(|queue| {
            let message = Message::test(&queue.webhook, now, random);
            Post { answer_bytes: MAX_TEST_ANSWER_BYTES, ..self.post_of(&queue.webhook, message) }
        })?;
        let outcome = self.post(post).await;
        Ok(WebhookAnswer::Tested(show::tested(&outcome, self.now_ms().saturating_sub(now.as_ms()))))
    }

    async fn replay(&self, since: u64) -> Result<WebhookAnswer, StoreError> {
        let project = self.with(|queue| queue.webhook.project.clone())?;
        let from = if since >= self.now_ms() { FollowFrom::Now } else { Position::Moment(since).into() };
        let now_reached = self.changes(&project, &from, 1).await?.reached;
        self.with(|queue| {
            queue.webhook.replays += 1;
            queue.go_to(if from == FollowFrom::Now { Position::Reached(now_reached) } else { Position::Moment(since) });
        })?;
        self.store()?;
        self.wake().await?;
        self.describe().await
    }

    async fn delete(&self) -> Result<(), StoreError> {
        self.stored.replace(Stored::Nothing);
        self.host.abort();
        self.alarm.set(None);
        self.host.erase().await.map_err(StoreError::Unavailable)
    }

    /// Sets the alarm to now, unless one is at work, which then goes on, or is about to go off.
    async fn wake(&self) -> Result<(), StoreError> {
        let is_active = self.with(|queue| queue.webhook.is_active())?;
        let now = self.now_ms();
        // One that did not go off in a minute never will.
        let is_due = |at: u64| at <= now && now < at + self.host.waits().guard_ms();
        if is_active && !self.works.get() && !self.alarm.get().is_some_and(is_due) {
            self.set_alarm(Some(now)).await?;
        }
        Ok(())
    }

    async fn set_alarm(&self, at: Option<u64>) -> Result<(), StoreError> {
        self.host.set_alarm(at.map(Timestamp::from_ms)).await.map_err(StoreError::Unavailable)?;
        self.alarm.set(at);
        Ok(())
    }

    /// What the runtime calls at the time of the alarm.
    ///
    /// First it sets the next one, so that whatever happens here, the runtime calls again: it gives up an alarm that throws
    /// several times.
    pub async fn alarm(&self) -> Result<(), String> {
        self.work().await.map_err(|error| error.to_string())
    }

    async fn work(&self) -> Result<(), StoreError> {
        if self.works.replace(false) {
            // One alarm is at work at a time: the last one was cut off, with all that it had in flight.
            self.stored.replace(Stored::Unknown);
        }
        let alarm = self.alarms.get().wrapping_add(1);
        self.alarms.set(alarm);
        if !self.load()? || !self.with(|queue| queue.webhook.is_active())? {
            return Ok(());
        }
        let begun = self.now_ms();
        self.set_alarm(Some(begun + self.host.waits().guard_ms())).await?;
        self.with(Queue::look)?;
        self.works.set(true);
        let outcome = self.deliver(alarm, begun + WORK_MS).await;
        if self.alarms.get() != alarm {
            return Ok(());
        }
        self.works.set(false);
        if self.with(Queue::rest).is_err() {
            // It was deleted meanwhile.
            return Ok(());
        }
        self.store()?;
        let now = self.now_ms();
        self.set_alarm(self.with(|queue| queue.wake_at(now))?).await?;
        outcome
    }
}

fn change_webhook(queue: &mut Queue, change: ChangeWebhook, now: u64) {
    let ChangeWebhook { url, events, filter, batch, paused } = change;
    let webhook = &mut queue.webhook;
    let choice = &mut webhook.choice;
    choice.url = url.unwrap_or_else(|| std::mem::take(&mut choice.url));
    choice.events = events.unwrap_or_else(|| std::mem::take(&mut choice.events));
    if let Some(filter) = filter {
        choice.filter = filter;
    }
    choice.batch = batch.unwrap_or(choice.batch);
    let resumes = paused == Some(false) && !webhook.is_active();
    webhook.paused = paused.unwrap_or(webhook.paused);
    if resumes {
        webhook.disabled = None;
    }
    queue.changed(resumes, now);
}

fn failed(cause: &str) -> StoreError {
    StoreError::Failed(cause.into())
}
