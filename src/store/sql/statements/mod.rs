//! The statements for stores on SQLite. Each statement on users checks the calling key itself, and none reads more than
//! it needs.

mod changes;
mod conditional;
mod deletion;
pub mod filter;
pub mod moving;
mod once;
mod times;
mod upsert;
pub mod walk;

use self::walk::WalkStatement;
use crate::store::Walk;
use crate::user::fields::{CONTACTS, SECTIONS, Section};
use std::sync::LazyLock;

/// The statements on users, for callers that common table expressions find.
#[expect(missing_docs, reason = "each is described at the function of its name")]
pub struct Statements {
    pub find_user: String,
    pub find_caller: String,
    pub find_current: String,
    pub list_users: String,
    pub list_users_by_contact: String,
    pub changes: String,
    pub changes_end: String,
    pub find_users: String,
    pub update: Filling,
    pub upsert: Filling,
    pub upsert_as_of: Filling,
    pub upsert_batch: String,
    pub reject_batch: String,
    pub update_if: Filling,
    pub update_as_of_if: Filling,
    pub delete_user: String,
    pub delete_users: String,
    pub delete_user_if: String,
}

/// The statements by which Roster itself reads users, for whom no key stands.
#[expect(missing_docs, reason = "each is described at the function of its name")]
pub struct OwnStatements {
    pub changes: String,
    pub changes_end: String,
    pub states: String,
}

impl OwnStatements {
    /// Those of a project that `caller` finds.
    pub fn new(caller: &str) -> Self {
        OwnStatements {
            changes: changes::changes(caller),
            changes_end: changes::changes_end(caller),
            states: changes::states(caller),
        }
    }
}

/// A statement for bodies without `set_once`, and for those with it: the latter is longer, and most bodies have none.
pub struct Filling {
    plain: String,
    filling: String,
}

impl Filling {
    fn new(caller: &str, statement: fn(&str, bool) -> String) -> Self {
        Filling { plain: statement(caller, false), filling: statement(caller, true) }
    }

    /// The one for a body that sets something once, or not. Only the former takes what that is, as its last parameter.
    pub fn of(&self, fills: bool) -> &str {
        if fills { &self.filling } else { &self.plain }
    }
}

impl Statements {
    /// Those of callers that `caller` finds, if they read, or `writing`, if they write.
    pub fn new(caller: &str, writing: &str) -> Self {
        let writer = &writer(writing);
        Statements {
            find_user: find_user(caller),
            find_caller: find_caller(writing),
            find_current: conditional::find_current(writing),
            list_users: list_users(caller, false),
            list_users_by_contact: list_users(caller, true),
            changes: changes::changes(caller),
            changes_end: changes::changes_end(caller),
            find_users: walk::find_users(caller),
            update: Filling::new(writer, upsert::update),
            upsert: Filling::new(writer, upsert::upsert),
            upsert_as_of: Filling::new(writer, upsert::upsert_as_of),
            upsert_batch: upsert::upsert_batch(writer),
            reject_batch: upsert::reject_batch(writing),
            update_if: Filling::new(writer, conditional::update_if),
            update_as_of_if: Filling::new(writer, conditional::update_as_of_if),
            delete_users: deletion::delete_users(writer),
            delete_user: deletion::delete_user(writer),
            delete_user_if: conditional::delete_user_if(writer),
        }
    }
}

/// The statement of a walk, where `api_keys` stands beside the users.
pub fn walk_of_d1(walk: &Walk) -> WalkStatement {
    walk::walk(CALLER, walk)
}

/// Those of the project ?1 that moves from D1 or to it, to the place of the generation ?4. At the switch D1 may be full of the
/// project's users and not yet where it is: what would empty it then comes late.
pub static MOVE_IN_D1: LazyLock<moving::MoveStatements> = LazyLock::new(|| {
    let project = "
with caller as (select name as project, floor from projects where name = ?1)";
    let is_at = |condition: &str| {
        format!(
            "exists (
    select 1 from projects cross join moves on project = name
    where name = ?1 and storage <> 'd1' and moves.generation = ?4 and {condition}
)"
        )
    };
    moving::MoveStatements::new(project, &is_at("filling = 1"), &is_at("filling = 0 and phase <> 'switching'"))
});

/// Those where `api_keys` stands beside the users.
pub static D1: LazyLock<Statements> = LazyLock::new(|| Statements::new(CALLER, WRITING_CALLER));

/// The project named ?1. ?2 is null: Roster itself has no key that must be live at a moment.
const OWN_CALLER: &str =
    "with caller as (select name as project, floor from projects where name = ?1 and ?2 is null and storage = 'd1')";

/// Those of Roster itself, on D1.
pub static OWN: LazyLock<OwnStatements> = LazyLock::new(|| OwnStatements::new(OWN_CALLER));

/// Reads one row, or none, to see that the database answers.
pub const PING: &str = "select id from api_keys order by id limit 1";

/// Reads keys, each with its project, which every key has.
macro_rules! select_keys {
    ($condition_and_order:literal) => {
        concat!(
            "select api_keys.id, hash, api_keys.name, project, prefix, scopes, api_keys.created_at, expires_at, revoked_at,
    last_used_at, storage, buckets, jurisdiction, location, generation, phase,
    (select group_concat(webhooks.id || ' ' || ifnull(webhooks.jurisdiction, ''), ',')
     from webhooks where webhooks.project = api_keys.project) as webhooks
from api_keys cross join projects on projects.name = project ",
            $condition_and_order
        )
    };
}

/// The key with the hash ?1.
pub const FIND_KEY: &str = select_keys!("where hash = ?1");

/// All keys, or those of the project ?1, in the order they were made.
pub const LIST_KEYS: &str = select_keys!("where ?1 is null or project = ?1 order by api_keys.id");

/// The key with the id ?1, and how far a move of its project is.
pub const FIND_KEY_BY_ID: &str = concat!(
    "select *, (select progress from moves where moves.project = key.project and key.phase <> 'settled') as progress from (",
    select_keys!("where api_keys.id = ?1"),
    ") as key"
);

/// Adds the project if there is none. If ?7 is 1, otherwise changes its storage, unless it has ever had a key or is moved.
pub const ADD_PROJECT: &str = "
insert into projects (name, created_at, storage, buckets, jurisdiction, location)
values (?1, ?2, ?3, ?4, ?5, ?6)
on conflict (name) do update set
    storage = excluded.storage, buckets = excluded.buckets,
    jurisdiction = excluded.jurisdiction, location = excluded.location
where ?7 = 1 and generation = 0 and phase = 'settled' and not exists (select 1 from api_keys where project = ?1)";

/// The project named ?1.
pub const FIND_PROJECT: &str =
    "select name, created_at, storage, buckets, jurisdiction, location, generation from projects where name = ?1";

/// All projects, by name.
pub const LIST_PROJECTS: &str =
    "select name, created_at, storage, buckets, jurisdiction, location, generation from projects order by name";

/// Adds a webhook, unless its project has ?5 others. A conflict can only mean that an earlier try took effect.
pub const CREATE_WEBHOOK: &str = "insert into webhooks (project, id, jurisdiction, created_at)
select ?1, ?2, ?3, ?4 where (select count(*) from webhooks where project = ?1 and id <> ?2) < ?5
on conflict (id) do nothing";

/// The webhook with the id ?1.
pub const FIND_WEBHOOK: &str = "select project, id, jurisdiction, created_at from webhooks where id = ?1";

/// All webhooks, or those of the project ?1, in the order they were made.
pub const LIST_WEBHOOKS: &str =
    "select project, id, jurisdiction, created_at from webhooks where ?1 is null or project = ?1 order by id";

/// Removes the webhook with the id ?1.
pub const DELETE_WEBHOOK: &str = "delete from webhooks where id = ?1";

/// A conflict can only mean that an earlier try took effect.
pub const CREATE_KEY: &str = "insert into api_keys (id, hash, prefix, name, project, scopes, created_at, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (id) do nothing";

/// Where the project ?1 is, and how far its last move is.
pub const FIND_MOVE: &str = "
select storage, buckets, jurisdiction, location, projects.generation, phase, progress
from projects left join moves on moves.project = projects.name where projects.name = ?1";

/// Stores how far the move of the project ?1 is, ?3, if ?2 is stored, or nothing if that is null. Again is harmless.
pub const SAVE_MOVE: &str = "
insert into moves (project, progress, generation, filling) values (?1, ?3, ?4, ?5)
on conflict (project) do update set progress = ?3, generation = ?4, filling = ?5 where progress in (?2, ?3)
returning project as id";

/// Stores where the project ?1 is, if its move is as far as ?2 says.
pub const SETTLE_PROJECT: &str = "
update projects set
    storage = ?3, buckets = ?4, jurisdiction = ?5, location = ?6, generation = ?7, phase = ?8, floor = max(floor, ?9)
where name = ?1 and exists (select 1 from moves where project = ?1 and progress = ?2)";

/// The hashes of the revoked keys of the project ?1.
pub const REVOKED_KEYS: &str = "select hash as id from api_keys where project = ?1 and revoked_at is not null";

/// Revokes the key ?1 as of ?2, unless it was revoked before.
pub const REVOKE_KEY: &str = "update api_keys set revoked_at = ?2 where id = ?1 and revoked_at is null";

/// Moves `last_used_at` of the key with the hash ?1 forward to ?2.
pub const TOUCH_KEY: &str = "update api_keys set last_used_at = max(ifnull(last_used_at, 0), ?2) where hash = ?1";

/// The project of the calling key ?1, if that is live at ?2 and the project's users are in D1: also the floor of its revisions,
/// which part of how many this is, and whether a mover follows. Every statement on users begins with this, or with another one that answers the same.
macro_rules! caller {
    ($and:literal) => {
        concat!(
            "
with caller as (
    select project, floor, 0 as part, 1 as parts, phase = 'copying' as leaving
    from api_keys cross join projects on projects.name = project
    where hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2) and storage = 'd1'",
            $and,
            "
)"
        )
    };
}

const CALLER: &str = caller!("");
/// The same of a caller who writes: there is none while the project is about to leave.
const WRITING_CALLER: &str = caller!(" and phase <> 'switching'");

/// An expression: the greatest revision of the caller's project, or 0.
const LATEST_REVISION: &str = "max(
        floor,
        ifnull((select max(revision) from changes where project = caller.project and gone = 0), 0),
        ifnull((select max(revision) from changes where project = caller.project and gone = 1), 0)
    )";

/// What finds a caller who writes: with `next`, the revision of the users whom the statement changes. That is the moment in
/// microseconds, or one more than the greatest there is; of several parts, the next of those that no other part takes, so that a
/// project's users can be brought together. It is taken within the statement, and writes are made one after the other: so
/// revisions are in the order of commits.
///
/// A mover finds by its revision what it has to copy. So while one follows, also what changes but the times of a user's members
/// gets a new revision.
fn writer(caller: &str) -> String {
    format!(
        "{caller}, next as materialized (
    select project, leaving, least + (part - least % parts + parts) % parts as revision
    from (
        select project, leaving, part, parts, max(cast(?2 * 1000 as integer), 1 + {LATEST_REVISION}) as least from caller
    )
)"
    )
}

fn user_columns() -> String {
    let contacts = CONTACTS.each_ref().map(|field| field.name).join(", ");
    let sections =
        SECTIONS.each_ref().map(|Section { name, .. }| format!("profile -> '$.{name}' as {name}")).join(", ");
    format!("id, {contacts}, {sections}, created_at, updated_at, users.revision")
}

/// Answers no row if the calling key is not live, and a row of nulls if there is no such user.
fn find_user(caller: &str) -> String {
    format!(
        "{caller}
select external_id, {user_columns}
from caller left join users on users.project = caller.project and external_id = ?3 and not gone",
        user_columns = user_columns(),
    )
}

/// Answers a row if the calling key is live.
fn find_caller(caller: &str) -> String {
    format!("{caller} select project as id from caller")
}

/// A list of users: at most ?3 after the one with the id ?6; no row if the calling key is not live, and a row of nulls if there
/// is no such user. Users past ?7 bytes have no columns but `external_id`. By contact it is of those with the e-mail ?4 and the
/// phone ?5, if they are not null.
///
/// It is a search in one primary key or the other, and reads no row more than it answers, but for those of users who were
/// deleted in the last 30 days.
fn list_users(caller: &str, by_contact: bool) -> String {
    // `cross join` keeps the order of the tables.
    let (source, external_id) = if by_contact {
        let source = "cross join contacts on contacts.project = caller.project and contact = ifnull(lower(?4), ?5)
    cross join users on users.project = caller.project and users.external_id = contacts.external_id
        and (?4 is null or lower(email) = lower(?4)) and (?5 is null or phone = ?5)";
        (source, "contacts.external_id")
    } else {
        ("cross join users on users.project = caller.project and not gone", "users.external_id")
    };
    format!(
        "{caller}, found as (
    select users.project, users.external_id, octet_length(profile) as bytes
    from caller {source}
    where {external_id} > ?6
    order by {external_id}
    limit ?3
), page as (
    select *, sum(bytes) over (rows between unbounded preceding and 1 preceding) as bytes_before from found
)
select page.external_id, {user_columns}
from caller
left join page on true
left join users on users.project = page.project and users.external_id = page.external_id
    and ifnull(bytes_before, 0) < ?7",
        user_columns = user_columns(),
    )
}
