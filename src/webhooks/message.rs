//! The messages that a webhook sends.

use super::webhook::Webhook;
use crate::store::{ChangedUser, StoredUser};
use crate::time::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A message, without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The header `webhook-id`: it names one state of one user, or of several. So a receiver may drop what it has met.
    pub id: String,
    /// JSON.
    pub body: String,
}

#[derive(Serialize)]
struct MessageOut<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: &'a T,
}

#[derive(Serialize)]
struct ChangedOut<'a> {
    project: &'a str,
    external_id: &'a str,
    user: &'a StoredUser,
}

#[derive(Serialize)]
struct DeletedOut<'a> {
    project: &'a str,
    external_id: &'a str,
    user_id: &'a str,
    deleted_at: Timestamp,
}

#[derive(Serialize)]
struct ChangesOut<'a> {
    project: &'a str,
    changes: &'a [ChangedUser],
}

#[derive(Serialize)]
struct TestOut<'a> {
    project: &'a str,
    webhook_id: &'a str,
}

impl Message {
    /// That of some changes, one at least. All of it follows from them, so that the same states make the same message.
    pub fn of(webhook: &Webhook, changes: &[ChangedUser]) -> Self {
        let project = &webhook.project;
        let body = match changes {
            [ChangedUser::Stored(user)] if webhook.choice.batch == 1 => {
                let data = ChangedOut { project, external_id: &user.external_id, user };
                body("user.changed", user.updated_at, &data)
            }
            [ChangedUser::Deleted(user)] if webhook.choice.batch == 1 => {
                let (external_id, user_id, deleted_at) = (&user.external_id, &user.id, user.deleted_at);
                body("user.deleted", deleted_at, &DeletedOut { project, external_id, user_id, deleted_at })
            }
            _ => {
                let latest = changes.iter().map(ChangedUser::changed_at).max().unwrap_or(Timestamp::from_ms(0));
                body("users.changes", latest, &ChangesOut { project, changes })
            }
        };
        Message { id: id(webhook, changes), body }
    }

    /// One to see that they arrive. `random` makes its id.
    pub fn test(webhook: &Webhook, now: Timestamp, random: [u8; 10]) -> Self {
        let data = TestOut { project: &webhook.project, webhook_id: &webhook.id };
        Message { id: crate::id::new("msg_", now, random), body: body("test", now, &data) }
    }
}

#[expect(clippy::expect_used, reason = "derived serialisers of structs and strings do not fail")]
fn body(kind: &'static str, timestamp: Timestamp, data: &impl Serialize) -> String {
    serde_json::to_string(&MessageOut { kind, timestamp, data }).expect("serialisable")
}

/// An id that these states always have with this webhook, until it is sent back, and no others.
fn id(webhook: &Webhook, changes: &[ChangedUser]) -> String {
    let mut hash = Sha256::new_with_prefix(format!("{} {} {}", webhook.id, webhook.replays, webhook.choice.batch));
    for change in changes {
        let id = change.external_id();
        hash.update(format!(" {} {id} {}", id.len(), change.revision()));
    }
    let digits = hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("msg_{digits}")
}
