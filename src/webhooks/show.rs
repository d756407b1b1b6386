//! What answers show of a webhook, as its object writes it.

use super::host::Answer;
use super::queue::Queue;
use super::webhook::{DisabledReason, Event, Failure};
use crate::time::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

#[derive(Serialize)]
struct WebhookOut<'a> {
    webhook_id: &'a str,
    project: &'a str,
    url: &'a str,
    events: &'a [Event],
    #[serde(rename = "where")]
    filter: Option<&'a RawValue>,
    batch: u32,
    state: &'static str,
    /// Seconds since the oldest change was stored that is not delivered.
    behind: Option<u64>,
    retrying: Option<RetryingOut<'a>>,
    disabled: Option<DisabledOut>,
    given_up: u64,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct RetryingOut<'a> {
    users: usize,
    since: Timestamp,
    attempts: u32,
    status: Option<u16>,
    error: Option<&'a str>,
    next_at: Timestamp,
}

#[derive(Serialize)]
struct DisabledOut {
    reason: DisabledReason,
    at: Timestamp,
}

#[derive(Serialize)]
struct TestedOut<'a> {
    success: bool,
    status: Option<u16>,
    duration_ms: u64,
    /// The beginning of the answer's body.
    body: Option<&'a str>,
    /// Why there was no answer.
    error: Option<&'a str>,
}

/// A webhook. `next` is when the first change behind its position was stored, in milliseconds, if there is one.
pub fn webhook(queue: &Queue, next: Option<u64>, now: Timestamp) -> Box<RawValue> {
    let webhook = &queue.webhook;
    let retrying = retrying(queue);
    let since = retrying.as_ref().map(|retrying| retrying.since.as_ms());
    let oldest = since.into_iter().chain(next).min();
    raw(&WebhookOut {
        webhook_id: &webhook.id,
        project: &webhook.project,
        url: &webhook.choice.url,
        events: &webhook.choice.events,
        filter: webhook.choice.filter.as_deref(),
        batch: webhook.choice.batch,
        state: match (webhook.disabled, webhook.paused, &retrying) {
            (Some(_), ..) => "disabled",
            (None, true, _) => "paused",
            (None, false, Some(_)) => "retrying",
            (None, false, None) => "active",
        },
        behind: oldest.map(|oldest| now.as_ms().saturating_sub(oldest) / 1000),
        retrying,
        disabled: webhook.disabled.map(|why| DisabledOut { reason: why.reason, at: Timestamp::from_ms(why.at) }),
        given_up: webhook.given_up,
        created_at: Timestamp::from_ms(webhook.created_at),
    })
}

fn retrying(queue: &Queue) -> Option<RetryingOut<'_>> {
    let held = || queue.held_back();
    let failure = queue.webhook.last_failure.as_ref();
    Some(RetryingOut {
        users: held().count(),
        since: Timestamp::from_ms(held().map(|held| held.since).min()?),
        attempts: held().map(|held| held.tries).max()?,
        status: if let Some(Failure::Status(status)) = failure { Some(*status) } else { None },
        error: if let Some(Failure::Error(error)) = failure { Some(error) } else { None },
        next_at: Timestamp::from_ms(held().map(|held| held.next_at).min()?),
    })
}

/// What became of a test.
pub fn tested(outcome: &Result<Answer, String>, duration_ms: u64) -> Box<RawValue> {
    let answer = outcome.as_ref().ok();
    raw(&TestedOut {
        success: true,
        status: answer.map(|answer| answer.status),
        duration_ms,
        body: answer.map(|answer| answer.text.as_str()),
        error: outcome.as_ref().err().map(String::as_str),
    })
}

#[expect(clippy::expect_used, reason = "derived serialisers of structs and strings do not fail")]
fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("serialisable")
}
