//! The statement that deletes a user. The row stays for 30 days, emptied of all but the two ids and the time of the deletion:
//! those who follow the changes learn of it, and bodies that are older bring nobody back. The table's triggers forget it then.

use super::times::NEWEST;
use super::upsert::EMPTY_PROFILE;

/// Deletes the user ?3. Returns a row if there was such a user. No row can also mean that the calling key is not live.
pub fn delete_user(writer: &str) -> String {
    format!(
        "{writer}
update users set {emptying}
where project = (select project from caller) and external_id = ?3 and not gone
returning id",
        emptying = emptying("(select revision from next)"),
    )
}

/// Deletes the users ?3, an array of their ids. Returns a row for each that there was.
///
/// It inserts those who are there once more, and updates them instead: an `update from` would scan all users.
pub fn delete_users(writer: &str) -> String {
    format!(
        "{writer}
insert into users (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
select users.project, users.external_id, users.id, {EMPTY_PROFILE}, 0, 0, next.revision + listed.key, 0, 0
from next cross join json_each(?3) as listed cross join users
    on users.project = next.project and users.external_id = listed.value and not gone
where true
on conflict (project, external_id) do update set {emptying}
where not gone
returning external_id",
        emptying = emptying("excluded.revision"),
    )
}

/// What `update set` takes to delete the user of a row. The deletion counts as now, or as just after the newest word of the
/// user if that is ahead: a fast clock's retry must not bring anybody back.
pub fn emptying(revision: &str) -> String {
    format!(
        "
    gone = 1, deleted_at = max(cast(?2 as integer), 1 + {NEWEST}), revision = {revision},
    profile = {EMPTY_PROFILE}, property_keys = 0, origin_keys = 0, times = null, created_at = 0, updated_at = 0"
    )
}
