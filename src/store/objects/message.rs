//! The messages between a Worker and the object of a bucket.
//!
//! They outlive deploys: a Worker and its objects may be of two versions for minutes. The test pins their forms. A new
//! member may only say what an object of an earlier version may ignore; what narrows a write is a new variant, which such
//! an object refuses.

use crate::store::moving::{Done, Task};
use crate::store::{
    Behind, ChangedUser, DeletedUser, GroupCount, IfMatch, PropertyCount, Reach, Reached, StoredLimit, StoredUser,
    Upserted, Written,
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is sent to an object.
#[derive(Debug, Serialize, Deserialize)]
pub struct BucketRequest {
    /// The bucket that is meant.
    pub bucket: BucketId,
    /// The hash of the calling key, in hexadecimal digits. None: Roster itself calls, and may do what `Operation::is_own` says.
    pub key: Option<String>,
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
    /// That of the place: buckets of different moves never meet.
    pub generation: u32,
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
    /// Answered by `States`.
    FindStates {
        /// The callers' own ids.
        external_ids: Vec<String>,
    },
    /// Answered by `FoundAll`.
    FindAll {
        /// The callers' own ids.
        external_ids: Vec<String>,
    },
    /// Answered by `Walked`.
    Walk(WalkUsers),
    /// From the answer on, which is `Revoked`, the calling key is answered `KeyNotLive`.
    Revoke,
    /// A task of a move, whoever calls. Answered by `Moved`.
    Move(Task),
}

impl Operation {
    /// Whether it changes users.
    pub(super) fn writes(&self) -> bool {
        matches!(self, Operation::Upsert { .. } | Operation::WriteAll(_) | Operation::Delete { .. })
    }
}

impl Operation {
    /// Whether Roster itself may do it, without a key.
    pub fn is_own(&self) -> bool {
        matches!(self, Operation::ListChanges(_) | Operation::FindStates { .. })
    }
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

/// Which users to examine, and what to ask of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct WalkUsers {
    /// Which users it is about, as a client writes a filter. None: all.
    pub filter: Option<Box<RawValue>>,
    /// What it asks of them.
    pub question: AskUsers,
    /// Only users behind the one with this id.
    pub after: String,
    /// Only users before the one with this id.
    pub before: Option<String>,
    /// How many users to examine at most.
    pub users: u32,
    /// Bytes of their profiles at most.
    pub max_bytes: usize,
    /// After how many found users to end.
    pub limit: u32,
}

/// What a walk asks of users.
#[derive(Debug, Serialize, Deserialize)]
pub enum AskUsers {
    /// Who they are.
    Users,
    /// How many they are; by the values of a field, if there is one.
    Count(Option<String>),
    /// Which names their properties and origins have.
    Properties,
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
    /// Some users as they are, those who are gone too.
    States(Vec<BucketChange>),
    /// A deletion was forgotten that the follower has not met.
    CursorExpired,
    /// The users who are there, in any order. None: they are too large together.
    FoundAll(Option<Vec<BucketUser>>),
    /// What was found.
    Walked {
        /// How far it went.
        reach: Reach,
        /// Who they are, in order.
        users: Vec<BucketUser>,
        /// How many they are, in groups.
        groups: Vec<GroupCount>,
        /// The names of their members.
        properties: Vec<PropertyCount>,
    },
    /// The key is dead.
    Revoked,
    /// The user is not one that the condition means, but of this revision, or not there. Nothing was done.
    RevisionChanged(Option<u64>),
    /// What came of the task.
    Moved(Done),
    /// The calling key is dead, or this is not the project's place for what it asks. Nothing was done.
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
mod tests;
