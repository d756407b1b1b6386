//! The statements that write users on a condition: that a user is of one of the revisions that are expected, an array as
//! JSON, or whatever it is if that is null. They add no user, and [`find_current`] tells why one has answered no row.

use super::times::SENT_MEMBERS;
use super::{deletion, upsert};

/// Does what [`upsert`](upsert::upsert()) does to a user who is there, if its revision is expected by ?6 or nothing changes.
/// ?7 is what it sets once.
pub fn update_if(writer: &str, fills: bool) -> String {
    let members = fills.then_some("?7");
    format!(
        "{writer}
update users set {merging}
where project = (select project from caller) and external_id = ?3 and not gone
    and ({is_expected} or {merges_nothing})
returning id, 0 as created, 0 as stale",
        merging = upsert::merging(members),
        merges_nothing = upsert::merges_nothing(members),
        is_expected = is_expected("?6"),
    )
}

/// Does what [`upsert_as_of`](upsert::upsert_as_of) does to a user who is there, if its revision is expected by ?7 or
/// nothing changes. ?8 is what it sets once.
pub fn update_as_of_if(writer: &str, fills: bool) -> String {
    let members = fills.then_some("?8");
    format!(
        "{writer}, sent as materialized (
    select {SENT_MEMBERS} from json_each(?5)
)
update users set {setting}
where project = (select project from caller) and external_id = ?3 and not gone
    and ({is_expected} or {sets_nothing})
returning id, 0 as created, times ->> '$.left' > 0 as stale",
        setting = upsert::setting(members),
        is_expected = is_expected("?7"),
        sets_nothing = upsert::sets_nothing(members),
    )
}

/// Does what [`delete_user`](deletion::delete_user) does, if the user's revision is expected by ?4.
pub fn delete_user_if(writer: &str) -> String {
    format!(
        "{writer}
update users set {emptying}
where project = (select project from caller) and external_id = ?3 and not gone and {is_expected}
returning id, 0 as created, 0 as stale",
        emptying = deletion::emptying("(select revision from next)"),
        is_expected = is_expected("?4"),
    )
}

/// Answers no row if the calling key is not live, and a row of nulls if there is no such user.
pub fn find_current(caller: &str) -> String {
    format!(
        "{caller}
select id, revision
from caller left join users on users.project = caller.project and external_id = ?3 and not gone"
    )
}

fn is_expected(revisions: &str) -> String {
    format!("({revisions} is null or revision in (select value from json_each({revisions})))")
}
