//! The messages between a Worker and the object of a webhook, which outlive deploys; and the port to those objects.

use super::sign::Secret;
use super::webhook::Choice;
use crate::key::WebhookAddress;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is sent to an object. All of it is harmless to repeat, but that a test is sent again.
#[derive(Debug, Serialize, Deserialize)]
pub enum WebhookRequest {
    /// Begins to follow the project's changes. Answered by `Described`.
    Create {
        /// The webhook's own id.
        id: String,
        /// Whose changes.
        project: String,
        /// What the admin chose.
        choice: Choice,
        /// What to sign with.
        secret: Secret,
    },
    /// Answered by `Described`.
    Describe,
    /// Changes what a body says, as it was sent. Answered by `Described`.
    Change(String),
    /// Makes another secret the latest. Answered by `Described`.
    Rotate(Secret),
    /// Sends a test. Answered by `Tested`.
    Test,
    /// Goes back to a moment, in milliseconds. Answered by `Described`, or by `CursorExpired`.
    Replay(u64),
    /// Ends the webhook. Answered by `Deleted`, after which nothing is sent.
    Delete,
    /// Says that the project has changes. Answered by `Poked`.
    Poke,
}

/// What an object answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum WebhookAnswer {
    /// The webhook as it is now, as clients are shown it.
    Described(Box<RawValue>),
    /// What became of a test, likewise.
    Tested(Box<RawValue>),
    /// A deletion behind that moment was forgotten. Nothing was done.
    CursorExpired,
    /// It is no more.
    Deleted,
    /// It will look.
    Poked,
    /// There is no such webhook.
    NotThere,
    /// It failed, and another try may help.
    Unavailable(String),
}

/// Calls the objects of webhooks.
///
/// An implementation MUST answer `Err` with a cause for the log if it can't reach an object, and may send a request again.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Webhooks {
    /// The answers of some objects to one request, in turn. All are asked at once.
    async fn call(&self, webhooks: &[WebhookAddress], request: &WebhookRequest) -> Result<Vec<WebhookAnswer>, String>;

    /// Sends [`WebhookRequest::Poke`] to some objects after so many milliseconds. It does not matter if it does not arrive.
    async fn poke(&self, webhooks: &[WebhookAddress], after_ms: u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::webhooks::Event;

    #[track_caller]
    fn pinned<T: Serialize + for<'a> Deserialize<'a>>(value: &T, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
        let read: T = json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.into()).unwrap()
    }

    #[test]
    fn the_forms_of_requests_are_pinned() {
        let secret = || Secret::generate(|bytes| bytes.fill(0));
        let secret_json = format!(r#""whsec_{}=""#, "A".repeat(43));
        let filter = r#"{"field":"email","exists":true}"#;
        let choice = |filter| Choice { url: "https://a.example/".into(), events: Event::ALL.into(), filter, batch: 1 };
        let choice_json = |filter: &str| {
            format!(r#"{{"url":"https://a.example/","events":["changed","deleted"],"where":{filter},"batch":1}}"#)
        };
        let create =
            |choice| WebhookRequest::Create { id: "whk_1".into(), project: "p".into(), choice, secret: secret() };
        let create_json = |choice: String| {
            format!(r#"{{"Create":{{"id":"whk_1","project":"p","choice":{choice},"secret":{secret_json}}}}}"#)
        };
        for (request, json) in [
            (create(choice(Some(raw(filter)))), create_json(choice_json(filter))),
            (create(choice(None)), create_json(choice_json("null"))),
            (WebhookRequest::Describe, r#""Describe""#.into()),
            (WebhookRequest::Change("{}".into()), r#"{"Change":"{}"}"#.into()),
            (WebhookRequest::Rotate(secret()), format!(r#"{{"Rotate":{secret_json}}}"#)),
            (WebhookRequest::Test, r#""Test""#.into()),
            (WebhookRequest::Replay(7), r#"{"Replay":7}"#.into()),
            (WebhookRequest::Delete, r#""Delete""#.into()),
            (WebhookRequest::Poke, r#""Poke""#.into()),
        ] {
            pinned(&request, &json);
        }
    }

    #[test]
    fn the_forms_of_answers_are_pinned() {
        for (answer, json) in [
            (WebhookAnswer::Described(raw(r#"{"n":1.10}"#)), r#"{"Described":{"n":1.10}}"#),
            (WebhookAnswer::Tested(raw("{}")), r#"{"Tested":{}}"#),
            (WebhookAnswer::CursorExpired, r#""CursorExpired""#),
            (WebhookAnswer::Deleted, r#""Deleted""#),
            (WebhookAnswer::Poked, r#""Poked""#),
            (WebhookAnswer::NotThere, r#""NotThere""#),
            (WebhookAnswer::Unavailable("c".into()), r#"{"Unavailable":"c"}"#),
        ] {
            pinned(&answer, json);
        }
    }
}
