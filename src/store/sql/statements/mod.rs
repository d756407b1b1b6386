//! The statements for stores on SQLite. Each statement on users checks the calling key itself, and none reads more than
//! it needs.

mod conditional;
mod times;
mod upsert;

use crate::user::fields::{CONTACTS, SECTIONS, Section};
use std::sync::LazyLock;

/// The statements on users, for callers that one common table expression finds.
#[expect(missing_docs, reason = "each is described at the function of its name")]
pub struct Statements {
    pub find_user: String,
    pub find_caller: String,
    pub find_revision: String,
    pub lists: Lists,
    pub look: String,
    pub upsert: String,
    pub upsert_as_of: String,
    pub upsert_batch: String,
    pub reject_batch: String,
    pub update_if: String,
    pub update_as_of_if: String,
    pub delete_user: String,
    pub delete_user_if: String,
}

impl Statements {
    /// Those of callers that `caller` finds.
    pub fn new(caller: &str) -> Self {
        Statements {
            find_user: find_user(caller),
            find_caller: find_caller(caller),
            find_revision: conditional::find_revision(caller),
            lists: Lists::new(caller),
            look: upsert::look(caller),
            upsert: upsert::upsert(caller),
            upsert_as_of: upsert::upsert_as_of(caller),
            upsert_batch: upsert::upsert_batch(caller),
            reject_batch: upsert::reject_batch(caller),
            update_if: conditional::update_if(caller),
            update_as_of_if: conditional::update_as_of_if(caller),
            delete_user: delete_user(caller),
            delete_user_if: conditional::delete_user_if(caller),
        }
    }
}

/// Those where `api_keys` stands beside the users.
pub static D1: LazyLock<Statements> = LazyLock::new(|| Statements::new(CALLER));

/// Reads one row, or none, to see that the database answers.
pub const PING: &str = "select id from api_keys order by id limit 1";

/// Reads keys, each with its project, which every key has.
macro_rules! select_keys {
    ($condition_and_order:literal) => {
        concat!(
            "select api_keys.id, hash, api_keys.name, project, prefix, scopes, api_keys.created_at, expires_at, revoked_at,
    last_used_at, storage, buckets, jurisdiction, location
from api_keys cross join projects on projects.name = project ",
            $condition_and_order
        )
    };
}

/// The key with the hash ?1.
pub const FIND_KEY: &str = select_keys!("where hash = ?1");

/// All keys, or those of the project ?1, in the order they were made.
pub const LIST_KEYS: &str = select_keys!("where ?1 is null or project = ?1 order by api_keys.id");

/// The key with the id ?1.
pub const FIND_KEY_BY_ID: &str = select_keys!("where api_keys.id = ?1");

/// Adds the project if there is none. If ?7 is 1, otherwise changes its storage, unless it has ever had a key.
pub const ADD_PROJECT: &str = "
insert into projects (name, created_at, storage, buckets, jurisdiction, location)
values (?1, ?2, ?3, ?4, ?5, ?6)
on conflict (name) do update set
    storage = excluded.storage, buckets = excluded.buckets,
    jurisdiction = excluded.jurisdiction, location = excluded.location
where ?7 = 1 and not exists (select 1 from api_keys where project = ?1)";

/// The project named ?1.
pub const FIND_PROJECT: &str =
    "select name, created_at, storage, buckets, jurisdiction, location from projects where name = ?1";

/// All projects, by name.
pub const LIST_PROJECTS: &str =
    "select name, created_at, storage, buckets, jurisdiction, location from projects order by name";

/// A conflict can only mean that an earlier try took effect.
pub const CREATE_KEY: &str = "insert into api_keys (id, hash, prefix, name, project, scopes, created_at, expires_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (id) do nothing";

/// Revokes the key ?1 as of ?2, unless it was revoked before.
pub const REVOKE_KEY: &str = "update api_keys set revoked_at = ?2 where id = ?1 and revoked_at is null";

/// Moves `last_used_at` of the key with the hash ?1 forward to ?2.
pub const TOUCH_KEY: &str = "update api_keys set last_used_at = max(ifnull(last_used_at, 0), ?2) where hash = ?1";

/// The project of the calling key ?1, if it is live at ?2. Every statement on users begins with this, or with another one
/// that answers the same.
const CALLER: &str = "
with caller as (
    select project from api_keys
    where hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2)
)";

fn user_columns() -> String {
    let contacts = CONTACTS.each_ref().map(|field| field.name).join(", ");
    let sections =
        SECTIONS.each_ref().map(|Section { name, .. }| format!("profile -> '$.{name}' as {name}")).join(", ");
    format!("id, {contacts}, {sections}, created_at, users.updated_at, revision")
}

/// Answers no row if the calling key is not live, and a row of nulls if there is no such user.
fn find_user(caller: &str) -> String {
    format!(
        "{caller}
select external_id, {user_columns}
from caller left join users on users.project = caller.project and external_id = ?3",
        user_columns = user_columns(),
    )
}

/// Returns a row if there was such a user. No row can also mean that the calling key is not live.
fn delete_user(caller: &str) -> String {
    format!(
        "{caller}
delete from users where project = (select project from caller) and external_id = ?3
returning id"
    )
}

/// Answers a row if the calling key is live.
fn find_caller(caller: &str) -> String {
    format!("{caller} select project as id from caller")
}

/// The lists of users: at most ?3 after the one with the id ?6, by change after the moment ?8 and that id; no row if the
/// calling key is not live, and a row of nulls if there is no such user. Users past ?7 bytes have no columns but
/// `external_id`.
///
/// Each is a search in one primary key or another, and reads no row more than it answers. By change and by contact it reads
/// all users with that e-mail or phone, and sorts.
pub struct Lists([[String; 2]; 2]);

impl Lists {
    /// Those of callers that `caller` finds.
    fn new(caller: &str) -> Self {
        Lists([false, true].map(|by_contact| [false, true].map(|by_change| list_users(caller, by_contact, by_change))))
    }

    /// The one by contact or not, and by change or not.
    pub fn of(&self, by_contact: bool, by_change: bool) -> &str {
        &self.0[usize::from(by_contact)][usize::from(by_change)]
    }
}

/// What [`Lists`] take as ?8 and ?6 to begin behind `updated_after`, or behind a later position.
pub fn start_of_changes(updated_after: u64, position: Option<(u64, &str)>) -> (u64, &str) {
    // No id comes before the empty one.
    let first = (updated_after.saturating_add(1), "");
    position.map_or(first, |position| position.max(first))
}

/// One of [`Lists`].
fn list_users(caller: &str, by_contact: bool, by_change: bool) -> String {
    // `cross join` keeps the order of the tables.
    let (source, external_id, updated_at) = if by_contact {
        let source = "cross join contacts on contacts.project = caller.project and contact = ifnull(lower(?4), ?5)
    cross join users on users.project = caller.project and users.external_id = contacts.external_id";
        (source, "contacts.external_id", "users.updated_at")
    } else if by_change {
        let source = "cross join changes on changes.project = caller.project
    cross join users on users.project = caller.project and users.external_id = changes.external_id";
        (source, "changes.external_id", "changes.updated_at")
    } else {
        ("cross join users on users.project = caller.project", "users.external_id", "")
    };
    let (behind, order) = if by_change {
        (format!("({updated_at}, {external_id}) > (?8, ?6)"), format!("{updated_at}, {external_id}"))
    } else {
        (format!("{external_id} > ?6"), external_id.to_owned())
    };
    format!(
        "{caller}, found as (
    select users.project, users.external_id, octet_length(profile) as bytes
    from caller {source}
    where (?4 is null or lower(email) = lower(?4)) and (?5 is null or phone = ?5) and {behind}
    order by {order}
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
