//! What a webhook is, as its object stores it.

use super::sign::Secret;
use crate::bounds::OLD_SECRET_MS;
use crate::filter::{self, Filter};
use crate::input::fields::Faults;
use crate::json;
use crate::store::{ChangedUser, FollowFrom, Reached};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A webhook: what its admin chose, and what has become of it. Its serialised form outlives deploys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// `whk_` and a ULID.
    pub id: String,
    /// Whose users it is about.
    pub project: String,
    /// What the admin chose.
    pub choice: Choice,
    /// When it was made, in milliseconds.
    pub created_at: u64,
    /// Whether the admin has it wait.
    pub paused: bool,
    /// Why and since when it has ended by itself, if it has.
    pub disabled: Option<Disabled>,
    /// The latest first, and when the one before ends, in milliseconds.
    pub secrets: (Secret, Option<(Secret, u64)>),
    /// How often it was sent back. Those before have other ids of messages.
    pub replays: u32,
    /// How far the changes were delivered, but for users who are held back.
    pub position: Position,
    /// When something was last delivered, in milliseconds; 0 if never.
    pub delivered_at: u64,
    /// States that were given up.
    pub given_up: u64,
    /// Why the last try that failed did so.
    pub last_failure: Option<Failure>,
}

/// What the admin chooses of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// Where messages go.
    pub url: String,
    /// Which changes they are about.
    pub events: Vec<Event>,
    /// Which users they are about, as the admin wrote it. None: all.
    #[serde(rename = "where")]
    pub filter: Option<Box<RawValue>>,
    /// Changes in one message, at most.
    pub batch: u32,
}

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A user was created or changed.
    Changed,
    /// A user was deleted.
    Deleted,
}

impl Event {
    /// Every kind.
    pub const ALL: [Event; 2] = [Event::Changed, Event::Deleted];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Changed => "changed",
            Event::Deleted => "deleted",
        }
    }
}

/// Why a webhook has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// The reason.
    pub reason: DisabledReason,
    /// Since when, in milliseconds.
    pub at: u64,
}

/// See [`Disabled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisabledReason {
    /// The receiver answered 410.
    Gone,
    /// All tries of a message failed, and nothing was delivered meanwhile.
    Undelivered,
}

/// Why a try failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// The receiver answered with this status.
    Status(u16),
    /// It did not answer. Why is Roster's own word for it.
    Error(String),
}

/// How far changes were followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// Nowhere yet.
    Beginning,
    /// To this moment, in milliseconds.
    Moment(u64),
    /// So far in D1, or in each bucket.
    Reached(Vec<Reached>),
}

impl From<Position> for FollowFrom {
    fn from(position: Position) -> Self {
        match position {
            Position::Beginning => FollowFrom::Beginning,
            Position::Moment(ms) => FollowFrom::Moment(Timestamp::from_ms(ms)),
            Position::Reached(reached) => FollowFrom::Reached(reached),
        }
    }
}

impl Webhook {
    /// Whether it calls anybody.
    pub fn is_active(&self) -> bool {
        !self.paused && self.disabled.is_none()
    }

    /// Makes another secret the latest. The one before signs for a day. The same again changes nothing.
    pub fn rotate(&mut self, secret: Secret, now_ms: u64) {
        if self.secrets.0 != secret {
            let before = std::mem::replace(&mut self.secrets.0, secret);
            self.secrets.1 = Some((before, now_ms + OLD_SECRET_MS));
        }
    }

    /// The header `webhook-signature` of a message.
    pub fn signatures(&self, id: &str, now_ms: u64, body: &str) -> String {
        let latest = self.secrets.0.sign(id, now_ms / 1000, body);
        match &self.secrets.1 {
            Some((before, end)) if now_ms < *end => format!("{latest} {}", before.sign(id, now_ms / 1000, body)),
            _ => latest,
        }
    }
}

/// Which changes a webhook is about: its choice, parsed.
#[derive(Debug)]
pub struct Selection {
    events: Vec<Event>,
    filter: Option<Filter>,
}

impl Selection {
    /// That of a choice. A filter that can't be read any more means nobody, rather than everybody.
    pub fn of(choice: &Choice) -> Self {
        let filter = choice.filter.as_ref().map(|text| parse(text.get()).unwrap_or(Filter::Any(Vec::new())));
        Selection { events: choice.events.clone(), filter }
    }

    /// Whether a change is to be sent. Deletions pass the filter.
    pub fn includes(&self, change: &ChangedUser) -> bool {
        match change {
            ChangedUser::Deleted(_) => self.events.contains(&Event::Deleted),
            ChangedUser::Stored(user) => {
                self.events.contains(&Event::Changed)
                    && self.filter.as_ref().is_none_or(|filter| filter.matches(&user.to_filter()))
            }
        }
    }
}

fn parse(text: &str) -> Option<Filter> {
    let mut faults = Faults::default();
    let value = json::parse(text.as_bytes()).ok()?;
    let filter = filter::filter(&value, &mut faults);
    faults.finish(filter).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook() -> Webhook {
        let choice = Choice { url: "https://a.example/".into(), events: vec![Event::Changed], filter: None, batch: 2 };
        Webhook {
            id: "whk_1".into(),
            project: "p".into(),
            choice,
            created_at: 1,
            paused: false,
            disabled: Some(Disabled { reason: DisabledReason::Undelivered, at: 2 }),
            secrets: (Secret::generate(|bytes| bytes.fill(0)), None),
            replays: 3,
            position: Position::Reached(vec![Reached { revision: 4, begun: 5 }]),
            delivered_at: 6,
            given_up: 7,
            last_failure: Some(Failure::Error("out of reach".into())),
        }
    }

    #[test]
    fn the_stored_forms_are_pinned() {
        let secret = format!("whsec_{}=", "A".repeat(43));
        let json = format!(
            r#"{{"id":"whk_1","project":"p","choice":{{"url":"https://a.example/","events":["changed"],"where":null,"batch":2}},"created_at":1,"paused":false,"disabled":{{"reason":"undelivered","at":2}},"secrets":["{secret}",null],"replays":3,"position":{{"Reached":[{{"revision":4,"begun":5}}]}},"delivered_at":6,"given_up":7,"last_failure":{{"error":"out of reach"}}}}"#
        );
        assert_eq!(serde_json::to_string(&webhook()).unwrap(), json);
        let read: Webhook = json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }

    #[test]
    fn a_second_secret_signs_beside_the_first_for_a_day_and_a_third_ends_the_first() {
        let secret = |byte| Secret::generate(|bytes| bytes.fill(byte));
        let mut webhook = webhook();
        let signed = |webhook: &Webhook, now| webhook.signatures("msg_1", now, "{}");
        let by = |byte, now: u64| secret(byte).sign("msg_1", now / 1000, "{}");
        webhook.rotate(secret(1), 1000);
        webhook.rotate(secret(1), 5000);
        let end = 1000 + OLD_SECRET_MS;
        assert_eq!(signed(&webhook, end - 1), format!("{} {}", by(1, end - 1), by(0, end - 1)));
        assert_eq!(signed(&webhook, end), by(1, end));
        webhook.rotate(secret(2), 6000);
        assert_eq!(signed(&webhook, 6000), format!("{} {}", by(2, 6000), by(1, 6000)));
    }
}
