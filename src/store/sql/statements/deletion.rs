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
        emptying = emptying(),
    )
}

/// What `update set` takes to delete the user of a row. The deletion counts as now, or as just after the newest word of the
/// user if that is ahead: a fast clock's retry must not bring anybody back.
pub fn emptying() -> String {
    format!(
        "
    gone = 1, deleted_at = max(cast(?2 as integer), 1 + {NEWEST}), revision = (select revision from next),
    profile = {EMPTY_PROFILE}, property_keys = 0, origin_keys = 0, times = null, created_at = 0, updated_at = 0"
    )
}
