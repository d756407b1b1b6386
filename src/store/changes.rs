//! What the port to users takes and answers of changes, for those who follow them.

use super::{StoreError, StoredUser};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// A revision behind all that there are, which f64 holds exactly.
const BEHIND_ALL: u64 = (1 << 53) - 1;

/// From where on to follow the changes of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowFrom {
    /// From the first that is kept: all users, and what changes meanwhile.
    Beginning,
    /// From the first that was stored at a moment or later.
    Moment(Timestamp),
    /// From the first that is not stored yet.
    Now,
    /// From behind what a page before has reached.
    Reached(Vec<Reached>),
}

/// How far one SQLite's changes were followed. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The greatest revision met.
    pub revision: u64,
    /// The greatest revision that there was when the follower began: it has met nobody who was deleted before. 0 if it has met
    /// users by other means.
    pub begun: u64,
}

/// From where on to follow one SQLite's changes. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Behind this revision.
    pub revision: u64,
    /// What [`Reached::begun`] says. None: the follower begins.
    pub begun: Option<u64>,
}

/// How far one SQLite's changes go.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ChangesEnd {
    /// The greatest revision that there is.
    pub latest: u64,
    /// The greatest revision of a deletion that was forgotten.
    pub forgotten: u64,
}

/// A user who changed, as it is now.
#[derive(Clone, Debug)]
pub enum ChangedUser {
    /// Created, or changed.
    Stored(StoredUser),
    /// Deleted.
    Deleted(DeletedUser),
}

/// What is kept of a user who was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedUser {
    /// Roster's own id.
    pub id: String,
    /// The caller's own id.
    pub external_id: String,
    /// The moment that the deletion counts as: bodies that are older bring nobody back.
    pub deleted_at: Timestamp,
    /// That of the deletion.
    pub revision: u64,
}

/// Some of the changes of a project.
#[derive(Clone, Debug)]
pub struct ChangesPage {
    /// In the order of their revisions, those of one SQLite.
    pub changes: Vec<ChangedUser>,
    /// Whether there are more already.
    pub has_more: bool,
    /// From where the next page goes on: of D1, or of each bucket in turn.
    pub reached: Vec<Reached>,
}

impl FollowFrom {
    /// The same of one of some buckets. Of what was reached in another number of them, those count that had users of this one,
    /// and of several the least: changes may be met again, and none is lost.
    pub fn of_bucket(&self, number: u8, buckets: u8) -> Behind {
        let begin = |revision| Behind { revision, begun: None };
        match self {
            FollowFrom::Beginning => begin(0),
            FollowFrom::Now => begin(BEHIND_ALL),
            FollowFrom::Moment(moment) => {
                Behind { revision: (moment.as_ms() * 1000).saturating_sub(1).min(BEHIND_ALL), begun: Some(0) }
            }
            FollowFrom::Reached(reached) => {
                // All counts are powers of two, and the bucket of a user is a number modulo the count.
                let common = reached.len().min(buckets.into()).max(1);
                let had =
                    |(bucket, at): (usize, &Reached)| (bucket % common == usize::from(number) % common).then_some(*at);
                let had: Vec<Reached> = reached.iter().enumerate().filter_map(had).collect();
                let least = |of: fn(&Reached) -> u64| had.iter().map(of).min().unwrap_or(0);
                Behind { revision: least(|at| at.revision), begun: Some(least(|at| at.begun)) }
            }
        }
    }
}

impl Behind {
    /// What an answer with these changes has reached; the changes go to `end`. An error if a deletion was forgotten of somebody
    /// whom the follower may have met before.
    pub fn reached(self, changes: &[ChangedUser], end: ChangesEnd) -> Result<Reached, StoreError> {
        if self.begun.is_some_and(|begun| end.forgotten > begun.max(self.revision)) {
            return Err(StoreError::CursorExpired);
        }
        // Nothing is behind the latest: what follows may be dated by a clock that is behind.
        let revision = changes.last().map_or(self.revision.min(end.latest), ChangedUser::revision);
        Ok(Reached { revision, begun: self.begun.unwrap_or(end.latest) })
    }
}

/// As the feed shows it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ChangeOut<'a> {
    Changed { external_id: &'a str, user: &'a StoredUser },
    Deleted { external_id: &'a str, user_id: &'a str, deleted_at: Timestamp },
}

impl Serialize for ChangedUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ChangedUser::Stored(user) => ChangeOut::Changed { external_id: &user.external_id, user },
            ChangedUser::Deleted(DeletedUser { id, external_id, deleted_at, .. }) => {
                ChangeOut::Deleted { external_id, user_id: id, deleted_at: *deleted_at }
            }
        }
        .serialize(serializer)
    }
}

impl ChangedUser {
    /// The caller's own id.
    pub fn external_id(&self) -> &str {
        match self {
            ChangedUser::Stored(user) => &user.external_id,
            ChangedUser::Deleted(user) => &user.external_id,
        }
    }

    /// When it was changed, or deleted.
    pub fn changed_at(&self) -> Timestamp {
        match self {
            ChangedUser::Stored(user) => user.updated_at,
            ChangedUser::Deleted(user) => user.deleted_at,
        }
    }

    /// That of the change.
    pub fn revision(&self) -> u64 {
        match self {
            ChangedUser::Stored(user) => user.revision,
            ChangedUser::Deleted(user) => user.revision,
        }
    }
}
