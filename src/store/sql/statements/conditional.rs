//! The statements that write users on a condition: that a user is of one of the revisions that are expected, an array as
//! JSON, or whatever it is if that is null. They add no user, and [`find_revision`] tells why one has answered no row.

use super::times::SENT_MEMBERS;
use super::{deletion, upsert};

/// Does what [`upsert`](upsert::upsert()) does to a user who is there, if its revision is expected by ?6 or the patch changes
/// nothing.
pub fn update_if(writer: &str) -> String {
    format!(
        "{writer}
update users set {merging}
where project = (select project from caller) and external_id = ?3 and not gone
    and ({is_expected} or json_patch(profile, ?5) is profile)
returning id, 0 as created, 0 as stale",
        merging = upsert::merging(),
        is_expected = is_expected("?6"),
    )
}

/// Does what [`upsert_as_of`](upsert::upsert_as_of) does to a user who is there, if its revision is expected by ?7 or the
/// members change nothing.
pub fn update_as_of_if(writer: &str) -> String {
    format!(
        "{writer}, sent as materialized (
    select {SENT_MEMBERS} from json_each(?5)
)
update users set {setting}
where project = (select project from caller) and external_id = ?3 and not gone
    and ({is_expected} or {sets_nothing})
returning id, 0 as created, times ->> '$.left' > 0 as stale",
        setting = upsert::setting(),
        is_expected = is_expected("?7"),
        sets_nothing = upsert::sets_nothing(),
    )
}

/// Does what [`delete_user`](deletion::delete_user) does, if the user's revision is expected by ?4.
pub fn delete_user_if(writer: &str) -> String {
    format!(
        "{writer}
update users set {emptying}
where project = (select project from caller) and external_id = ?3 and not gone and {is_expected}
returning id, 0 as created, 0 as stale",
        emptying = deletion::emptying(),
        is_expected = is_expected("?4"),
    )
}

/// Answers no row if the calling key is not live, and a row of null if there is no such user.
pub fn find_revision(caller: &str) -> String {
    format!(
        "{caller}
select revision
from caller left join users on users.project = caller.project and external_id = ?3 and not gone"
    )
}

fn is_expected(revisions: &str) -> String {
    format!("({revisions} is null or revision in (select value from json_each({revisions})))")
}
