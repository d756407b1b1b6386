//! The messages between a Worker and the object of a bucket.
//!
//! They outlive deploys: a Worker and its objects may be of two versions for minutes. The test pins their forms. A new
//! member may only say what an object of an earlier version may ignore; what narrows a write is a new variant, which such
//! an object refuses.

use crate::store::sql::UserRow;
use crate::store::{IfMatch, StoredLimit};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is sent to an object.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    /// The name of the project whose bucket is meant.
    pub project: String,
    /// The bucket's number, from 0.
    pub bucket: u8,
    /// How many buckets the project has.
    pub buckets: u8,
    /// The hash of the calling key, in hexadecimal digits.
    pub key: String,
    /// The Worker's clock in milliseconds.
    pub now: u64,
    /// What to do.
    pub message: Message,
}

impl Call {
    /// Which bucket is meant.
    pub fn place(&self) -> Place {
        Place { project: self.project.clone(), bucket: self.bucket, buckets: self.buckets }
    }
}

/// A bucket of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The project's name.
    pub project: String,
    /// The bucket's number, from 0.
    pub bucket: u8,
    /// How many buckets the project has.
    pub buckets: u8,
}

/// What an object can be asked to do. All of it is harmless to ask again.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// Answered by `Upserted`, or `Refused`.
    Upsert(Given),
    /// Answered by `Outcomes`.
    UpsertAll(Vec<Given>),
    /// Answered by `Upserted`, or `Refused`.
    Set(GivenAsOf),
    /// Answered by `Outcomes`.
    ChangeAll(Vec<GivenChange>),
    /// An `Upsert`, `Set` or `Delete` of a user who is there, if its revision is expected or nothing would change. Answered as
    /// that is, or by `RevisionChanged`.
    If(IfMatch, Box<Message>),
    /// Answered by `User`.
    Find {
        /// The caller's own id.
        external_id: String,
    },
    /// Answered by `Deleted`.
    Delete {
        /// The caller's own id.
        external_id: String,
    },
    /// Answered by `Users`.
    List {
        /// Only users with this address.
        email: Option<String>,
        /// Only users with this number.
        phone: Option<String>,
        /// Only users that changed after this moment, in milliseconds, in the order of their changes.
        updated_after: Option<u64>,
        /// Only users behind this one: when it changed, in milliseconds, and its id.
        after: Option<(u64, String)>,
        /// How many users at most.
        limit: u32,
        /// Bytes of profiles after which to end.
        max_bytes: usize,
    },
    /// From the answer on, which is `Revoked`, the calling key is answered `KeyNotLive`.
    Revoke,
}

/// A user to create or to merge into.
#[derive(Debug, Serialize, Deserialize)]
pub struct Given {
    /// The caller's own id.
    pub external_id: String,
    /// The id that it gets if it is new.
    pub new_id: String,
    /// The merge patch, digit for digit.
    pub patch: Box<RawValue>,
}

/// A user to create or to set members of.
#[derive(Debug, Serialize, Deserialize)]
pub struct GivenAsOf {
    /// The caller's own id.
    pub external_id: String,
    /// The id that it gets if it is new.
    pub new_id: String,
    /// An array of `[member, value]`, digit for digit.
    pub members: Box<RawValue>,
    /// When they were so, in milliseconds.
    pub as_of: u64,
}

/// One of several users to create or to change.
#[derive(Debug, Serialize, Deserialize)]
pub enum GivenChange {
    /// By a patch.
    Merge(Given),
    /// By members as of a moment.
    Set(GivenAsOf),
}

/// What an object answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The user is stored.
    Upserted(Outcome),
    /// The outcome of each user, in turn.
    Outcomes(Vec<Outcome>),
    /// The user, if there is one.
    User(Option<UserRow>),
    /// Whether there was such a user.
    Deleted(bool),
    /// Users, and whether there are more behind them.
    Users {
        /// In order.
        rows: Vec<UserRow>,
        /// Whether there are more.
        has_more: bool,
    },
    /// The key is dead.
    Revoked,
    /// The user is not the one that is expected, but of this revision, or not there. Nothing was done.
    RevisionChanged(Option<u64>),
    /// The calling key is dead. Nothing was done.
    KeyNotLive,
    /// It failed. Nothing was done, and asking again will not help.
    Failed(String),
}

/// What became of a user to upsert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is stored.
    Stored {
        /// Roster's own id.
        id: String,
        /// Whether it is new.
        created: bool,
        /// Whether any of it was left as it was, because it was set later.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stale: bool,
    },
    /// It would break a limit, and is as it was.
    Refused(StoredLimit),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn pinned<T: Serialize + for<'a> Deserialize<'a>>(value: &T, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
        let read: T = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }

    #[test]
    fn the_forms_of_calls_are_pinned() {
        let given = || Given {
            external_id: "u".into(),
            new_id: "usr_1".into(),
            patch: RawValue::from_string(r#"{"properties":{"n":1.10}}"#.into()).unwrap(),
        };
        let given_as_of = || GivenAsOf {
            external_id: "u".into(),
            new_id: "usr_1".into(),
            members: RawValue::from_string(r#"[["p/n",1.10]]"#.into()).unwrap(),
            as_of: 4,
        };
        let list = |email: Option<&str>, updated_after, after| Message::List {
            email: email.map(Into::into),
            phone: None,
            updated_after,
            after,
            limit: 2,
            max_bytes: 3,
        };
        for (message, json) in [
            (
                Message::Upsert(given()),
                r#"{"Upsert":{"external_id":"u","new_id":"usr_1","patch":{"properties":{"n":1.10}}}}"#,
            ),
            (
                Message::UpsertAll(vec![given()]),
                r#"{"UpsertAll":[{"external_id":"u","new_id":"usr_1","patch":{"properties":{"n":1.10}}}]}"#,
            ),
            (
                Message::Set(given_as_of()),
                r#"{"Set":{"external_id":"u","new_id":"usr_1","members":[["p/n",1.10]],"as_of":4}}"#,
            ),
            (
                Message::ChangeAll(vec![GivenChange::Merge(given()), GivenChange::Set(given_as_of())]),
                r#"{"ChangeAll":[{"Merge":{"external_id":"u","new_id":"usr_1","patch":{"properties":{"n":1.10}}}},{"Set":{"external_id":"u","new_id":"usr_1","members":[["p/n",1.10]],"as_of":4}}]}"#,
            ),
            (
                Message::If(IfMatch::Revisions(vec![7, 8]), Box::new(Message::Upsert(given()))),
                r#"{"If":[{"Revisions":[7,8]},{"Upsert":{"external_id":"u","new_id":"usr_1","patch":{"properties":{"n":1.10}}}}]}"#,
            ),
            (
                Message::If(IfMatch::Any, Box::new(Message::Set(given_as_of()))),
                r#"{"If":["Any",{"Set":{"external_id":"u","new_id":"usr_1","members":[["p/n",1.10]],"as_of":4}}]}"#,
            ),
            (
                Message::If(IfMatch::Revisions(vec![]), Box::new(Message::Delete { external_id: "u".into() })),
                r#"{"If":[{"Revisions":[]},{"Delete":{"external_id":"u"}}]}"#,
            ),
            (Message::Find { external_id: "u".into() }, r#"{"Find":{"external_id":"u"}}"#),
            (Message::Delete { external_id: "u".into() }, r#"{"Delete":{"external_id":"u"}}"#),
            (
                list(Some("a@b"), None, None),
                r#"{"List":{"email":"a@b","phone":null,"updated_after":null,"after":null,"limit":2,"max_bytes":3}}"#,
            ),
            (
                list(None, Some(7), Some((8, "u".into()))),
                r#"{"List":{"email":null,"phone":null,"updated_after":7,"after":[8,"u"],"limit":2,"max_bytes":3}}"#,
            ),
            (Message::Revoke, r#""Revoke""#),
        ] {
            let call = Call { project: "p".into(), bucket: 3, buckets: 4, key: "0f".into(), now: 5, message };
            pinned(&call, &format!(r#"{{"project":"p","bucket":3,"buckets":4,"key":"0f","now":5,"message":{json}}}"#));
        }
    }

    #[test]
    fn the_forms_of_answers_are_pinned() {
        let row = UserRow {
            id: Some("usr_1".into()),
            external_id: Some("u".into()),
            properties: Some("{}".into()),
            origin: Some(r#"{"n":1.10}"#.into()),
            created_at: Some(1.0),
            updated_at: Some(2.0),
            revision: Some(3.0),
            ..UserRow::default()
        };
        let json = r#"{"id":"usr_1","external_id":"u","email":null,"phone":null,"properties":"{}","origin":"{\"n\":1.10}","created_at":1.0,"updated_at":2.0,"revision":3.0}"#;
        let stored = || Outcome::Stored { id: "usr_1".into(), created: true, stale: false };
        let stored_json = r#"{"Stored":{"id":"usr_1","created":true}}"#;
        let refused = |limit| Answer::Upserted(Outcome::Refused(limit));
        for (answer, json) in [
            (Answer::Upserted(stored()), format!(r#"{{"Upserted":{stored_json}}}"#)),
            (refused(StoredLimit::ProfileBytes), r#"{"Upserted":{"Refused":"profile_bytes"}}"#.into()),
            (refused(StoredLimit::PropertyKeys), r#"{"Upserted":{"Refused":"property_keys"}}"#.into()),
            (refused(StoredLimit::OriginKeys), r#"{"Upserted":{"Refused":"origin_keys"}}"#.into()),
            (
                Answer::Upserted(Outcome::Stored { id: "usr_1".into(), created: false, stale: true }),
                r#"{"Upserted":{"Stored":{"id":"usr_1","created":false,"stale":true}}}"#.into(),
            ),
            (Answer::Outcomes(vec![stored()]), format!(r#"{{"Outcomes":[{stored_json}]}}"#)),
            (Answer::User(None), r#"{"User":null}"#.into()),
            (Answer::User(Some(row.clone())), format!(r#"{{"User":{json}}}"#)),
            (Answer::Deleted(true), r#"{"Deleted":true}"#.into()),
            (
                Answer::Users { rows: vec![row], has_more: true },
                format!(r#"{{"Users":{{"rows":[{json}],"has_more":true}}}}"#),
            ),
            (Answer::Revoked, r#""Revoked""#.into()),
            (Answer::RevisionChanged(Some(7)), r#"{"RevisionChanged":7}"#.into()),
            (Answer::RevisionChanged(None), r#"{"RevisionChanged":null}"#.into()),
            (Answer::KeyNotLive, r#""KeyNotLive""#.into()),
            (Answer::Failed("why".into()), r#"{"Failed":"why"}"#.into()),
        ] {
            pinned(&answer, &json);
        }
    }

    #[test]
    fn a_message_of_another_version_is_none() {
        let call = r#"{"project":"p","bucket":0,"buckets":1,"key":"","now":1,"message":{"UpsertIf":{}}}"#;
        assert!(serde_json::from_str::<Call>(call).is_err());
    }
}
