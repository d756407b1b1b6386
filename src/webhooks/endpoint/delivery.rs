//! What an alarm does: it looks at the feed and sends, as the queue says.

use super::Endpoint;
use crate::bounds::MAX_WEBHOOK_REQUESTS;
use crate::store::StoreError;
use crate::store::sql::LocalDatabase;
use crate::webhooks::host::{Answer, Host, Post};
use crate::webhooks::message::Message;
use crate::webhooks::queue::{Outcome, Queue, Step};
use crate::webhooks::url;
use crate::webhooks::webhook::Webhook;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// A message under way, with its number.
type Flight<'a> = Pin<Box<dyn Future<Output = (u32, Outcome)> + 'a>>;

impl<D: LocalDatabase, H: Host> Endpoint<D, H> {
    /// Looks and sends until there is nothing more to do now. What the store fails to do is tried again later.
    pub(super) async fn deliver(&self, alarm: u32, end: u64) -> Result<(), StoreError> {
        let (mut flights, mut sent): (Vec<Flight<'_>>, _) = (Vec::new(), 0);
        // One that was cut off may yet be woken: the next one has taken over.
        let is_mine = || self.alarms.get() == alarm;
        while is_mine() {
            let now = self.now_ms();
            let Ok(step) = self.with(|queue| queue.next(now, now < end && sent < MAX_WEBHOOK_REQUESTS)) else {
                return Ok(());
            };
            match step {
                Step::Sleep => return Ok(()),
                Step::Wait => {
                    let (number, outcome) = first(&mut flights).await;
                    if !is_mine() {
                        break;
                    }
                    let mut random = [0; 2];
                    self.host.fill_random(&mut random);
                    let now = self.now_ms();
                    let _ = self.with(|queue| queue.came_back(number, &outcome, now, u16::from_le_bytes(random)));
                }
                Step::Send(number, message) => {
                    sent += 1;
                    let post = self.with(|queue| self.post_of(&queue.webhook, message))?;
                    flights.push(Box::pin(async move { (number, outcome_of(self.post(post).await)) }));
                }
                Step::Read(ids) => {
                    let project = self.with(|queue| queue.webhook.project.clone())?;
                    let states = self.states(&project, &ids).await;
                    if is_mine() {
                        self.take(states, |queue, states| queue.send_again(&ids, states));
                    }
                }
                Step::Look { number, from, limit } => {
                    // What was delivered is stored before more is.
                    self.store()?;
                    let project = self.with(|queue| queue.webhook.project.clone())?;
                    let page = self.changes(&project, &from, limit).await;
                    let now = self.now_ms();
                    match page {
                        _ if !is_mine() => break,
                        Err(StoreError::CursorExpired) => drop(self.with(|queue| queue.begin_anew(number))),
                        page => self.take(page, |queue, page| queue.met(number, page, now)),
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands on what the store answered, or notes that it did not.
    fn take<T>(&self, answer: Result<T, StoreError>, take: impl FnOnce(&mut Queue, T)) {
        let now = self.now_ms();
        let _ = self.with(|queue| match answer {
            Ok(answer) => take(queue, answer),
            Err(error) => {
                self.host.log(&format!("webhook {}: the store: {error}", queue.webhook.id));
                queue.store_is_away(now);
            }
        });
    }

    pub(super) fn post_of(&self, webhook: &Webhook, Message { id, body }: Message) -> Post {
        let now = self.now_ms();
        Post {
            url: webhook.choice.url.clone(),
            timestamp: (now / 1000).to_string(),
            signature: webhook.signatures(&id, now, &body),
            id,
            body,
            answer_ms: self.host.waits().answer_ms(),
            answer_bytes: 0,
        }
    }

    /// Sends, if the URL may be called here.
    pub(super) async fn post(&self, post: Post) -> Result<Answer, String> {
        url::check(&post.url, self.host.allows_insecure())
            .map_err(|_| "this URL must not be called here".to_owned())?;
        self.host.post(post).await
    }
}

fn outcome_of(answer: Result<Answer, String>) -> Outcome {
    match answer {
        Ok(answer) => Outcome::Answered(answer.status, answer.retry_after),
        Err(error) => Outcome::Failed(error),
    }
}

/// The outcome of the first that ends, which is one of these no more.
async fn first(flights: &mut Vec<Flight<'_>>) -> (u32, Outcome) {
    poll_fn(|task| {
        for at in 0..flights.len() {
            if let Poll::Ready(outcome) = flights[at].as_mut().poll(task) {
                drop(flights.swap_remove(at));
                return Poll::Ready(outcome);
            }
        }
        Poll::Pending
    })
    .await
}
