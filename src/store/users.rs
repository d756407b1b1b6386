//! The port to users.

use super::{ChangesPage, FollowFrom, Share, StoreError, StoredLimit, Walk, Walked};
use crate::filter;
use crate::json::{self, Object};
use crate::key::{KeyHash, KeyRecord};
use crate::time::Timestamp;
use crate::user::{Email, ExternalId, NewUser, Phone};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Keeps users.
///
/// An implementation MUST
/// - make every write durable and readable before it answers `Ok`;
/// - merge a patch to the byte as [`crate::json::merge`] does, and set a member as of a moment unless it was set later,
///   atomically with respect to every other write to the same user;
/// - leave a user as it is, revision and `updated_at` included, if nothing changes;
/// - check in the same atomic step that the calling key is live, neither revoked nor expired, and that its project's users are
///   where the caller's record says, and answer `Err(KeyNotLive)` and write nothing if not;
/// - show a caller its own project only;
/// - write nothing when it answers `Err(Refused)`, and make it harmless to try again after any other error.
///
/// It does NOT check scopes, rate limits or the shape of a user, and it does not cache.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait UserStore {
    /// Creates the user with the id `new_id`, or changes the existing one.
    ///
    /// With `if_match`, it creates none, and changes only a user whom that means: `Err(RevisionChanged)` otherwise. A write
    /// that would change nothing succeeds at any revision.
    async fn upsert_user(
        &self,
        access: Access<'_>,
        user: &NewUser,
        if_match: Option<&IfMatch>,
        new_id: &str,
    ) -> Result<Upserted, StoreError>;

    /// Does what [`UserStore::upsert_user`] and [`UserStore::delete_user`] do, each in turn, in one atomic step, and answers for
    /// each in turn. An upsert that would break a limit is refused alone. One user is deleted at most
    /// [`MAX_DELETIONS_OF_USER`](crate::bounds::MAX_DELETIONS_OF_USER) times.
    ///
    /// Where users live in several buckets, the step is one for each bucket. So after any error but `KeyNotLive`, the users of
    /// some buckets may be written. If the calling key is live for some buckets alone, nothing is done with the users of the
    /// others, and their outcome is None.
    async fn write_users(&self, access: Access<'_>, writes: &[UserWrite<'_>]) -> Result<Vec<Outcome>, StoreError>;

    /// The user with this id. None: the project has none.
    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError>;

    /// Deletes a user and everything derived from it, but for the two ids and the time, which are kept for
    /// [`DELETION_MS`](crate::bounds::DELETION_MS) at least. False: there was none. If the answer of a try that took effect
    /// is lost, the next try answers false. With `if_match`, it deletes only a user whom that means: `Err(RevisionChanged)`
    /// otherwise.
    ///
    /// The deletion counts as now, or as 1 ms after the newest time of the user if that is ahead. A body that is older is
    /// stale and creates nobody.
    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError>;

    /// The users that pass the filter, after the one with the id `after`, in the order of their `external_id`'s bytes: at most
    /// `limit`, and fewer if they would be too large to hold in memory, but at least one if there is one.
    ///
    /// It MUST cost what the page costs, however many users there are.
    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, StoreError>;

    /// Users who changed, as they are now, and users who were deleted: at most `limit`, and fewer as in a list.
    ///
    /// Who goes on from what each page has reached MUST meet every change that is committed, or a later one of the same user,
    /// and of one user never an older state after a newer. `Err(CursorExpired)` if that can't be, since a deletion was
    /// forgotten that the follower has not met.
    async fn list_changes(&self, access: Access<'_>, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError>;

    /// The users with these ids, in any order. None: they have more than [`MAX_PAGE_BYTES`](crate::bounds::MAX_PAGE_BYTES).
    async fn find_users(&self, access: Access<'_>, ids: &[ExternalId]) -> Result<Option<Vec<StoredUser>>, StoreError>;

    /// Examines users in some parts of the project, all at once, and says of each share what it found there, in turn.
    ///
    /// In a part, users are in the order of their `external_id`'s bytes. It MUST examine no more of them than a share says, and
    /// see them as they are stored; it examines one at least if there is one.
    async fn walk_users(
        &self,
        access: Access<'_>,
        walk: &Walk<'_>,
        shares: &[Share],
    ) -> Result<Vec<Walked>, StoreError>;

    /// Answers once no call with this key can succeed any more. Its revocation is stored already.
    async fn refuse_key(&self, access: Access<'_>) -> Result<(), StoreError>;
}

/// The key of a call, as it was known at admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The hash by which statements check the key again.
    pub hash: KeyHash,
    /// The key's project and scopes.
    pub record: KeyRecord,
}

impl Caller {
    /// This caller's access at a moment.
    pub fn at(&self, now: Timestamp) -> Access<'_> {
        Access { caller: self, now }
    }
}

/// What became of one of several users. None: nothing, the calling key was not live where that user is.
pub type Outcome = Option<Result<Written, StoredLimit>>;

/// Who reads or writes users, and when.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The calling key.
    pub caller: &'a Caller,
    /// The moment at which the key must be live, and with which a write is dated.
    pub now: Timestamp,
}

/// Which user a write is meant for. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfMatch {
    /// Whichever there is.
    Any,
    /// The user of one of these revisions.
    Revisions(Vec<u64>),
}

impl IfMatch {
    /// Whether it means a user of this revision.
    pub fn includes(&self, revision: u64) -> bool {
        match self {
            IfMatch::Any => true,
            IfMatch::Revisions(revisions) => revisions.contains(&revision),
        }
    }

    /// As statements take it: an array as JSON text, or null.
    pub(super) fn to_sql(&self) -> Option<String> {
        match self {
            IfMatch::Any => None,
            IfMatch::Revisions(revisions) => {
                let revisions: Vec<String> = revisions.iter().map(u64::to_string).collect();
                Some(format!("[{}]", revisions.join(",")))
            }
        }
    }
}

/// What to do with one of several users.
#[derive(Clone, Copy, Debug)]
pub enum UserWrite<'a> {
    /// Create it, or change it.
    Upsert {
        /// The user.
        user: &'a NewUser,
        /// The id that it gets if it is new.
        new_id: &'a str,
    },
    /// Delete it.
    Delete(&'a ExternalId),
}

impl UserWrite<'_> {
    /// The caller's own id of the user.
    pub fn external_id(&self) -> &str {
        match self {
            UserWrite::Upsert { user, .. } => user.external_id.as_str(),
            UserWrite::Delete(id) => id.as_str(),
        }
    }
}

/// What was done with one of several users. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Written {
    /// It is stored.
    Upserted(Upserted),
    /// It is deleted, or was not there.
    Deleted(bool),
}

/// A stored user, as an upsert answers it. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upserted {
    /// Roster's own id.
    pub id: String,
    /// True if it was created, by this try of a request or an earlier one; false if it was there.
    pub created: bool,
    /// True if a member was left as it was, because it was set later than the body's `as_of`.
    pub stale: bool,
}

/// A user as it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct StoredUser {
    /// Roster's own id.
    #[serde(rename = "user_id")]
    pub id: String,
    /// The caller's own id.
    pub external_id: String,
    /// The e-mail address, as sent.
    pub email: Option<String>,
    /// The phone number, as sent.
    pub phone: Option<String>,
    /// JSON text, digit for digit as it is stored.
    pub properties: Box<RawValue>,
    /// JSON text, as `properties`.
    pub origin: Box<RawValue>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// That of the last change. Those of all users of a project, or of one bucket of it, are in the order of commits.
    #[serde(skip)]
    pub revision: u64,
}

/// Which users to list.
impl StoredUser {
    /// What of it a filter can ask for.
    pub fn to_filter(&self) -> filter::User<'_> {
        filter::User {
            external_id: &self.external_id,
            email: self.email.as_deref(),
            phone: self.phone.as_deref(),
            properties: members_of(&self.properties),
            origin: members_of(&self.origin),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

fn members_of(section: &RawValue) -> Object<'_> {
    json::parse_object(section.get().as_bytes()).unwrap_or_default()
}

/// Which users to list. They come in the order of their `external_id`'s bytes, or with `updated_after` in that of
/// (`updated_at`, `external_id`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only users with this address, whatever the ASCII case of either.
    pub email: Option<Email<'a>>,
    /// Only users with this number.
    pub phone: Option<Phone<'a>>,
}

/// Some of the users that pass a filter.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order of their ids.
    pub users: Vec<StoredUser>,
    /// Whether there are more after the last one.
    pub has_more: bool,
}
