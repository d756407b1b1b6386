//! The statements for stores on SQLite. Each statement on users checks the calling key itself, and none reads more than
//! it needs.

use crate::limits::{MAX_MEMBERS, MAX_PAGE_BYTES, MAX_PROFILE_BYTES};
use std::sync::LazyLock;

/// Reads one row, or none, to see that the database answers.
pub const PING: &str = "select id from api_keys order by id limit 1";

/// The key with the hash ?1.
pub static FIND_KEY: LazyLock<String> = LazyLock::new(|| format!("{KEYS} where hash = ?1"));

/// All keys, or those of the project ?1, in the order they were made.
pub static LIST_KEYS: LazyLock<String> =
    LazyLock::new(|| format!("{KEYS} where ?1 is null or project = ?1 order by api_keys.id"));

/// A key without a project is one whose users are in D1.
const KEYS: &str = "
select api_keys.id, hash, api_keys.name, project, prefix, scopes, api_keys.created_at, expires_at, revoked_at,
    last_used_at, storage, buckets, jurisdiction, location
from api_keys left join projects on projects.name = project";

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

/// The key with the id ?1.
pub static FIND_KEY_BY_ID: LazyLock<String> = LazyLock::new(|| format!("{KEYS} where api_keys.id = ?1"));

/// Moves `last_used_at` of the key with the hash ?1 forward to ?2.
pub const TOUCH_KEY: &str = "update api_keys set last_used_at = max(ifnull(last_used_at, 0), ?2) where hash = ?1";

/// The project of the calling key ?1, if it is live at ?2: where `api_keys` stands beside the users. Every statement on
/// users begins with this, or with another one that answers the same.
const CALLER: &str = "
with caller as (
    select project from api_keys
    where hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2)
)";

/// The profile into which the first patch of a user is merged.
const EMPTY_PROFILE: &str = r#"'{"properties":{},"origin":{}}'"#;

/// [`upsert`] in D1.
pub static UPSERT: LazyLock<String> = LazyLock::new(|| upsert(CALLER));

/// Answers the user's id and whether it is new, or no row if the calling key is not live.
///
/// `json_patch` is the whole merge. The first revision is the moment of creation in microseconds, so that a user who is
/// deleted and created again never repeats one: nobody changes a user a thousand times within a millisecond. A patch that changes nothing rewrites the row as it was.
pub fn upsert(caller: &str) -> String {
    format!(
        "{caller}, first as (
    select project, json_patch({EMPTY_PROFILE}, ?5) as profile from caller
)
insert into users
    (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
select project, ?3, ?4, profile, {property_keys}, {origin_keys}, ?2 * 1000, ?2, ?2
from first
where true
on conflict (project, external_id) do update set
    (profile, property_keys, origin_keys, revision, updated_at) = (
        select
            merged, {merged_property_keys}, {merged_origin_keys},
            revision + (merged is not profile),
            iif(merged is not profile, max(updated_at, ?2), updated_at)
        from (select json_patch(profile, ?5) as merged)
    )
returning id, id = ?4 as created",
        property_keys = keys("profile", "properties"),
        origin_keys = keys("profile", "origin"),
        merged_property_keys = keys("merged", "properties"),
        merged_origin_keys = keys("merged", "origin"),
    )
}

/// The users ?3, an array of `[external_id, new id, patch]`, as they would be stored if they were new, and the limit
/// that each breaks as such. It breaks it whatever is stored, since a merge only adds to what the patch holds.
static BATCH_INPUT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{CALLER}, batch as materialized (
    select jsonb(?3) as list
), parsed as (
    select
        project, key as place, value ->> 0 as external_id, value ->> 1 as id,
        json_patch({EMPTY_PROFILE}, value -> 2) as profile
    from caller cross join batch cross join json_each(list)
), counted as (
    select *, {property_keys} as property_keys, {origin_keys} as origin_keys from parsed
), given as (
    select *, {refusal} as refusal from counted
)",
        property_keys = keys("profile", "properties"),
        origin_keys = keys("profile", "origin"),
        refusal = refusal("profile", "property_keys", "origin_keys"),
    )
});

/// Returns a row for each user that was not refused as a new one: its outcome, and its place in the array.
///
/// Rows are merged one after the other, so a user who occurs twice is merged twice. A user that would break a limit keeps
/// its row, apart from `batch_refusal`. `materialized` computes each document once, not once for every use.
pub static UPSERT_BATCH: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{input}
insert into users
    (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at, batch_place)
select project, external_id, id, profile, property_keys, origin_keys, ?2 * 1000, ?2, ?2, place
from given
where refusal is null
order by place
on conflict (project, external_id) do update set
    (profile, property_keys, origin_keys, revision, updated_at, batch_place, batch_refusal) = (
        with merged as materialized (
            select json_patch(profile, (select list -> ('$[' || excluded.batch_place || '][2]') from batch)) as document
        ), measured as materialized (
            select document, {merged_property_keys} as in_properties, {merged_origin_keys} as in_origin from merged
        ), judged as materialized (
            select *, {refusal} as refusal, document is not profile as news from measured
        )
        select
            iif(refusal is null, document, profile),
            iif(refusal is null, in_properties, property_keys),
            iif(refusal is null, in_origin, origin_keys),
            revision + (refusal is null and news),
            iif(refusal is null and news, max(updated_at, ?2), updated_at),
            excluded.batch_place,
            refusal
        from judged
    )
returning id, batch_place as place, batch_refusal as rejection",
        input = *BATCH_INPUT,
        merged_property_keys = keys("document", "properties"),
        merged_origin_keys = keys("document", "origin"),
        refusal = refusal("document", "in_properties", "in_origin"),
    )
});

/// Answers the users that are refused even as new ones, a row of nulls if there is none, and no row if the calling key
/// is not live.
pub static REJECT_BATCH: LazyLock<String> = LazyLock::new(|| {
    format!("{}\nselect place, refusal as rejection from caller left join given on refusal is not null", *BATCH_INPUT)
});

/// An expression: the number of keys directly in a member of a profile.
fn keys(profile: &str, member: &str) -> String {
    format!("(select count(*) from json_each({profile}, '$.{member}'))")
}

/// An expression: the name of the limit that a profile breaks, or null. The table's constraints have the same names.
fn refusal(profile: &str, property_keys: &str, origin_keys: &str) -> String {
    format!(
        "case
            when octet_length({profile}) > {MAX_PROFILE_BYTES} then 'profile_bytes'
            when {property_keys} > {MAX_MEMBERS} then 'property_keys'
            when {origin_keys} > {MAX_MEMBERS} then 'origin_keys'
        end"
    )
}

const USER_COLUMNS: &str = "id, email, phone, profile -> '$.properties' as properties, profile -> '$.origin' as origin,
    created_at, users.updated_at, revision";

/// [`find_user`] in D1.
pub static FIND_USER: LazyLock<String> = LazyLock::new(|| find_user(CALLER));

/// Answers no row if the calling key is not live, and a row of nulls if there is no such user.
pub fn find_user(caller: &str) -> String {
    format!(
        "{caller}
select external_id, {USER_COLUMNS}
from caller left join users on users.project = caller.project and external_id = ?3"
    )
}

/// [`delete_user`] in D1.
pub static DELETE_USER: LazyLock<String> = LazyLock::new(|| delete_user(CALLER));

/// Returns a row if there was such a user. No row can also mean that the calling key is not live.
pub fn delete_user(caller: &str) -> String {
    format!(
        "{caller}
delete from users where project = (select project from caller) and external_id = ?3
returning id"
    )
}

/// [`find_caller`] in D1.
pub static FIND_CALLER: LazyLock<String> = LazyLock::new(|| find_caller(CALLER));

/// Answers a row if the calling key is live.
pub fn find_caller(caller: &str) -> String {
    format!("{caller} select project as id from caller")
}

/// [`list_users_of`] in D1.
pub fn list_users(by_contact: bool, by_change: bool) -> String {
    list_users_of(CALLER, by_contact, by_change, MAX_PAGE_BYTES)
}

/// At most ?3 users after the one with the id ?6 (and, `by_change`, the moment ?8); no row if the calling key is not
/// live, and a row of nulls if there is no such user. Users past `max_bytes` have no columns but `external_id`.
///
/// In the order of ids it is a search in one primary key or the other, and reads no row more than it answers. `by_change`
/// it reads every user of the project, or with that e-mail or phone, and sorts: an index on `updated_at` would double
/// what every update writes, and such a walk is rare.
pub fn list_users_of(caller: &str, by_contact: bool, by_change: bool, max_bytes: usize) -> String {
    // `cross join` keeps the order of the tables.
    let (source, external_id) = if by_contact {
        let source = "cross join contacts on contacts.project = caller.project and contact = ifnull(?4, ?5)
    cross join users on users.project = caller.project and users.external_id = contacts.external_id";
        (source, "contacts.external_id")
    } else {
        ("cross join users on users.project = caller.project", "users.external_id")
    };
    let (behind, order) = if by_change {
        (format!("updated_at > ?7 and (updated_at, {external_id}) > (?8, ?6)"), format!("updated_at, {external_id}"))
    } else {
        (format!("{external_id} > ?6"), external_id.to_owned())
    };
    format!(
        "{caller}, found as (
    select users.project, users.external_id, octet_length(profile) as bytes
    from caller {source}
    where (?4 is null or email = ?4) and (?5 is null or phone = ?5) and {behind}
    order by {order}
    limit ?3
), page as (
    select *, sum(bytes) over (rows between unbounded preceding and 1 preceding) as bytes_before from found
)
select page.external_id, {USER_COLUMNS}
from caller
left join page on true
left join users on users.project = page.project and users.external_id = page.external_id
    and ifnull(bytes_before, 0) < {max_bytes}"
    )
}
