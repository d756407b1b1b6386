//! The messages between a Worker and the object of a bucket.
//!
//! They outlive deploys: a Worker and its objects may be of two versions for minutes. The test pins their forms. A new
//! member may only say what an object of an earlier version may ignore; what narrows a write is a new variant, which such
//! an object refuses.

use crate::store::{Behind, ChangedUser, DeletedUser, IfMatch, Reached, StoredLimit, StoredUser, Upserted, Written};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is sent to an object.
#[derive(Debug, Serialize, Deserialize)]
pub struct BucketRequest {
    /// The bucket that is meant.
    pub bucket: BucketId,
    /// The hash of the calling key, in hexadecimal digits.
    pub key: String,
    /// When that key expires, if it does, in milliseconds.
    pub expires_at: Option<u64>,
    /// The Worker's clock in milliseconds.
    pub now: u64,
    /// What to do.
    pub operation: Operation,
}

/// A bucket of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketId {
    /// The project's name.
    pub project: String,
    /// The bucket's number, from 0.
    pub number: u8,
    /// How many buckets the project has.
    pub buckets: u8,
}

/// What an object can do. All of it is harmless to repeat.
#[derive(Debug, Serialize, Deserialize)]
pub enum Operation {
    /// Answered by `Upserted`, or by `RevisionChanged`.
    Upsert {
        /// The user.
        user: UpsertUser,
        /// If the user must be there: of which revision, unless nothing would change.
        if_match: Option<IfMatch>,
    },
    /// Writes users in turn, all or none. Answered by `WrittenAll`.
    WriteAll(Vec<WriteUser>),
    /// Answered by `Found`.
    Find {
        /// The caller's own id.
        external_id: String,
    },
    /// Answered by `Deleted`, or by `RevisionChanged`.
    Delete {
        /// The caller's own id.
        external_id: String,
        /// Of which revision the user must be.
        if_match: Option<IfMatch>,
    },
    /// Answered by `Listed`.
    List(ListUsers),
    /// Answered by `Changes`, or by `CursorExpired`.
    ListChanges(ListChanges),
    /// From the answer on, which is `Revoked`, the calling key is answered `KeyNotLive`.
    Revoke,
}

/// What to do with one of several users.
#[derive(Debug, Serialize, Deserialize)]
pub enum WriteUser {
    /// Create or change it.
    Upsert(UpsertUser),
    /// Delete the one with this id of the caller's own.
    Delete(String),
}

/// A user to create or to change.
#[derive(Debug, Serialize, Deserialize)]
pub struct UpsertUser {
    /// The caller's own id.
    pub external_id: String,
    /// The id that it gets if it is new.
    pub new_id: String,
    /// What to do with its profile.
    pub change: ChangeProfile,
    /// What to set of what is absent then: an array of `[member, value]`, digit for digit.
    pub set_once: Option<Box<RawValue>>,
}

/// What to do with a profile.
#[derive(Debug, Serialize, Deserialize)]
pub enum ChangeProfile {
    /// Merge a patch, digit for digit.
    Merge(Box<RawValue>),
    /// Set members that were not set later.
    Set {
        /// An array of `[member, value]`, digit for digit.
        members: Box<RawValue>,
        /// When they were so, in milliseconds.
        as_of: u64,
    },
}

/// Which users to list.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListUsers {
    /// Only users with this address, in whatever case.
    pub email: Option<String>,
    /// Only users with this number.
    pub phone: Option<String>,
    /// Only users behind the one with this id.
    pub after: Option<String>,
    /// How many users at most.
    pub limit: u32,
    /// Bytes of profiles after which to end.
    pub max_bytes: usize,
}

/// Which changes to list.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListChanges {
    /// From where on.
    pub behind: Behind,
    /// How many at most.
    pub limit: u32,
    /// Bytes of profiles after which to end.
    pub max_bytes: usize,
}

/// What an object answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum BucketAnswer {
    /// The user as it is stored, or the limit that it would break, in which case it is as it was.
    Upserted(Result<Upserted, StoredLimit>),
    /// What became of each user, in turn; one that would break a limit is as it was.
    WrittenAll(Vec<Result<Written, StoredLimit>>),
    /// The user, if there is one.
    Found(Option<BucketUser>),
    /// Whether there was such a user.
    Deleted(bool),
    /// Users, and whether there are more behind them.
    Listed {
        /// In order.
        users: Vec<BucketUser>,
        /// Whether there are more.
        has_more: bool,
    },
    /// Users who changed, or are gone.
    Changes {
        /// In the order of their revisions.
        changes: Vec<BucketChange>,
        /// Whether there are more.
        has_more: bool,
        /// How far they go.
        reached: Reached,
    },
    /// A deletion was forgotten that the follower has not met.
    CursorExpired,
    /// The key is dead.
    Revoked,
    /// The user is not one that the condition means, but of this revision, or not there. Nothing was done.
    RevisionChanged(Option<u64>),
    /// The calling key is dead. Nothing was done.
    KeyNotLive,
    /// It failed. Nothing was done, and another try will not help.
    Failed(String),
}

/// A user as an object answers it: each part of the profile as JSON within JSON, not as a text that would be escaped.
#[derive(Debug, Serialize, Deserialize)]
pub struct BucketUser {
    pub id: String,
    pub external_id: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub properties: Box<RawValue>,
    pub origin: Box<RawValue>,
    pub created_at: u64,
    pub updated_at: u64,
    pub revision: u64,
}

/// A user who changed.
#[derive(Debug, Serialize, Deserialize)]
pub enum BucketChange {
    /// Created or changed.
    Stored(BucketUser),
    /// Deleted.
    Deleted {
        id: String,
        external_id: String,
        /// As what it counts, in milliseconds.
        deleted_at: u64,
        revision: u64,
    },
}

impl From<ChangedUser> for BucketChange {
    fn from(change: ChangedUser) -> Self {
        match change {
            ChangedUser::Stored(user) => BucketChange::Stored(user.into()),
            ChangedUser::Deleted(DeletedUser { id, external_id, deleted_at, revision }) => {
                BucketChange::Deleted { id, external_id, deleted_at: deleted_at.as_ms(), revision }
            }
        }
    }
}

impl From<BucketChange> for ChangedUser {
    fn from(change: BucketChange) -> Self {
        match change {
            BucketChange::Stored(user) => ChangedUser::Stored(user.into()),
            BucketChange::Deleted { id, external_id, deleted_at, revision } => {
                let deleted_at = Timestamp::from_ms(deleted_at);
                ChangedUser::Deleted(DeletedUser { id, external_id, deleted_at, revision })
            }
        }
    }
}

impl From<StoredUser> for BucketUser {
    fn from(user: StoredUser) -> Self {
        let StoredUser { id, external_id, email, phone, properties, origin, created_at, updated_at, revision } = user;
        let (created_at, updated_at) = (created_at.as_ms(), updated_at.as_ms());
        BucketUser { id, external_id, email, phone, properties, origin, created_at, updated_at, revision }
    }
}

impl From<BucketUser> for StoredUser {
    fn from(user: BucketUser) -> Self {
        let BucketUser { id, external_id, email, phone, properties, origin, created_at, updated_at, revision } = user;
        let (created_at, updated_at) = (Timestamp::from_ms(created_at), Timestamp::from_ms(updated_at));
        StoredUser { id, external_id, email, phone, properties, origin, created_at, updated_at, revision }
    }
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

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.into()).unwrap()
    }

    #[test]
    fn the_forms_of_requests_are_pinned() {
        let user = |change, set_once| UpsertUser { external_id: "u".into(), new_id: "usr_1".into(), change, set_once };
        let merge = || user(ChangeProfile::Merge(raw(r#"{"properties":{"n":1.10}}"#)), None);
        let once = Some(r#"[["origin",{"n":1.10}]]"#);
        let set = || user(ChangeProfile::Set { members: raw(r#"[["p/n",1.10]]"#), as_of: 4 }, once.map(raw));
        let merge_json =
            r#"{"external_id":"u","new_id":"usr_1","change":{"Merge":{"properties":{"n":1.10}}},"set_once":null}"#;
        let set_json = r#"{"external_id":"u","new_id":"usr_1","change":{"Set":{"members":[["p/n",1.10]],"as_of":4}},"set_once":[["origin",{"n":1.10}]]}"#;
        let list = |email: Option<&str>, after: Option<&str>| {
            let (email, after) = (email.map(Into::into), after.map(Into::into));
            Operation::List(ListUsers { email, phone: None, after, limit: 2, max_bytes: 3 })
        };
        let changes = |revision, begun| {
            Operation::ListChanges(ListChanges { behind: Behind { revision, begun }, limit: 2, max_bytes: 3 })
        };
        let delete = |if_match| Operation::Delete { external_id: "u".into(), if_match };
        for (operation, json) in [
            (
                Operation::Upsert { user: merge(), if_match: None },
                format!(r#"{{"Upsert":{{"user":{merge_json},"if_match":null}}}}"#),
            ),
            (
                Operation::Upsert { user: set(), if_match: Some(IfMatch::Any) },
                format!(r#"{{"Upsert":{{"user":{set_json},"if_match":"Any"}}}}"#),
            ),
            (
                Operation::Upsert { user: merge(), if_match: Some(IfMatch::Revisions(vec![7, 8])) },
                format!(r#"{{"Upsert":{{"user":{merge_json},"if_match":{{"Revisions":[7,8]}}}}}}"#),
            ),
            (
                Operation::WriteAll(vec![WriteUser::Upsert(merge()), WriteUser::Delete("v".into())]),
                format!(r#"{{"WriteAll":[{{"Upsert":{merge_json}}},{{"Delete":"v"}}]}}"#),
            ),
            (Operation::Find { external_id: "u".into() }, r#"{"Find":{"external_id":"u"}}"#.into()),
            (delete(None), r#"{"Delete":{"external_id":"u","if_match":null}}"#.into()),
            (
                delete(Some(IfMatch::Revisions(vec![]))),
                r#"{"Delete":{"external_id":"u","if_match":{"Revisions":[]}}}"#.into(),
            ),
            (
                list(Some("a@b"), None),
                r#"{"List":{"email":"a@b","phone":null,"after":null,"limit":2,"max_bytes":3}}"#.into(),
            ),
            (
                list(None, Some("u")),
                r#"{"List":{"email":null,"phone":null,"after":"u","limit":2,"max_bytes":3}}"#.into(),
            ),
            (
                changes(7, None),
                r#"{"ListChanges":{"behind":{"revision":7,"begun":null},"limit":2,"max_bytes":3}}"#.into(),
            ),
            (
                changes(7, Some(6)),
                r#"{"ListChanges":{"behind":{"revision":7,"begun":6},"limit":2,"max_bytes":3}}"#.into(),
            ),
            (Operation::Revoke, r#""Revoke""#.into()),
        ] {
            let bucket = BucketId { project: "p".into(), number: 3, buckets: 4 };
            let bucket_json = r#"{"project":"p","number":3,"buckets":4}"#;
            let request = BucketRequest { bucket, key: "0f".into(), expires_at: Some(6), now: 5, operation };
            let json = format!(r#"{{"bucket":{bucket_json},"key":"0f","expires_at":6,"now":5,"operation":{json}}}"#);
            pinned(&request, &json);
        }
    }

    #[test]
    fn the_forms_of_answers_are_pinned() {
        let user = || BucketUser {
            id: "usr_1".into(),
            external_id: "u".into(),
            email: None,
            phone: Some("+1".into()),
            properties: raw("{}"),
            origin: raw(r#"{"n":1.10,"s":"\""}"#),
            created_at: 1,
            updated_at: 2,
            revision: 3,
        };
        let user_json = r#"{"id":"usr_1","external_id":"u","email":null,"phone":"+1","properties":{},"origin":{"n":1.10,"s":"\""},"created_at":1,"updated_at":2,"revision":3}"#;
        let deleted =
            || BucketChange::Deleted { id: "usr_2".into(), external_id: "v".into(), deleted_at: 8, revision: 9 };
        let deleted_json = r#"{"id":"usr_2","external_id":"v","deleted_at":8,"revision":9}"#;
        let stored = || Ok(Upserted { id: "usr_1".into(), created: true, stale: false });
        let stored_json = r#"{"Ok":{"id":"usr_1","created":true,"stale":false}}"#;
        let refused = |limit| BucketAnswer::Upserted(Err(limit));
        for (answer, json) in [
            (BucketAnswer::Upserted(stored()), format!(r#"{{"Upserted":{stored_json}}}"#)),
            (refused(StoredLimit::ProfileBytes), r#"{"Upserted":{"Err":"profile_bytes"}}"#.into()),
            (refused(StoredLimit::PropertyKeys), r#"{"Upserted":{"Err":"property_keys"}}"#.into()),
            (refused(StoredLimit::OriginKeys), r#"{"Upserted":{"Err":"origin_keys"}}"#.into()),
            (
                BucketAnswer::WrittenAll(vec![
                    stored().map(Written::Upserted),
                    Ok(Written::Deleted(true)),
                    Err(StoredLimit::OriginKeys),
                ]),
                r#"{"WrittenAll":[{"Ok":{"Upserted":{"id":"usr_1","created":true,"stale":false}}},{"Ok":{"Deleted":true}},{"Err":"origin_keys"}]}"#.into(),
            ),
            (BucketAnswer::Found(None), r#"{"Found":null}"#.into()),
            (BucketAnswer::Found(Some(user())), format!(r#"{{"Found":{user_json}}}"#)),
            (BucketAnswer::Deleted(true), r#"{"Deleted":true}"#.into()),
            (
                BucketAnswer::Listed { users: vec![user()], has_more: true },
                format!(r#"{{"Listed":{{"users":[{user_json}],"has_more":true}}}}"#),
            ),
            (
                BucketAnswer::Changes {
                    changes: vec![BucketChange::Stored(user()), deleted()],
                    has_more: false,
                    reached: Reached { revision: 5, begun: 4 },
                },
                format!(
                    r#"{{"Changes":{{"changes":[{{"Stored":{user_json}}},{{"Deleted":{deleted_json}}}],"has_more":false,"reached":{{"revision":5,"begun":4}}}}}}"#
                ),
            ),
            (BucketAnswer::CursorExpired, r#""CursorExpired""#.into()),
            (BucketAnswer::Revoked, r#""Revoked""#.into()),
            (BucketAnswer::RevisionChanged(Some(7)), r#"{"RevisionChanged":7}"#.into()),
            (BucketAnswer::RevisionChanged(None), r#"{"RevisionChanged":null}"#.into()),
            (BucketAnswer::KeyNotLive, r#""KeyNotLive""#.into()),
            (BucketAnswer::Failed("why".into()), r#"{"Failed":"why"}"#.into()),
        ] {
            pinned(&answer, &json);
        }
    }

    #[test]
    fn an_operation_of_another_version_is_none() {
        assert!(serde_json::from_str::<Operation>(r#""Revoke""#).is_ok());
        assert!(serde_json::from_str::<Operation>(r#"{"Move":{}}"#).is_err());
    }
}
