//! The statements of who follows the changes of a project.

use super::{LATEST_REVISION, user_columns};

/// How far the changes go: the revision of the latest, and the greatest of a deletion that was forgotten. No row if the calling
/// key is not live.
pub fn changes_end(caller: &str) -> String {
    format!(
        "{caller}
select {LATEST_REVISION} as latest, ifnull((select revision from forgotten where project = caller.project), 0) as forgotten
from caller"
    )
}

/// The users whose ids are in the JSON array ?3, those who are gone too. Past ?4 bytes they have no columns but `external_id`.
pub fn states(caller: &str) -> String {
    format!(
        "{caller}, found as materialized (
    select users.project, users.external_id, wanted.key as place, octet_length(profile) as bytes
    from caller cross join json_each(?3) as wanted
    cross join users on users.project = caller.project and users.external_id = wanted.value
), page as (
    select *, sum(bytes) over (order by place rows between unbounded preceding and 1 preceding) as bytes_before from found
)
select page.external_id, {user_columns}, iif(gone, deleted_at, null) as deleted_at
from page left join users on users.project = page.project and users.external_id = page.external_id
    and ifnull(bytes_before, 0) < ?4
order by page.place",
        user_columns = user_columns(),
    )
}

/// At most ?4 users with a greater revision than ?3, in order of their revisions, those who are gone too. Past ?5 bytes they
/// have no columns but `external_id`.
///
/// It is a search in each order, of those who are there and of those who are gone, and reads no more of either than it
/// may answer.
pub fn changes(caller: &str) -> String {
    let columns = format!("{}, iif(gone, deleted_at, null) as deleted_at", user_columns());
    changed(caller, &columns, "octet_length(profile)")
}

/// The same with these columns of each user, and with the bytes that this expression counts.
pub fn changed(caller: &str, columns: &str, bytes: &str) -> String {
    let of = |gone: &str| {
        format!(
            "select * from (
            select changes.project, revision, external_id
            from caller cross join changes on changes.project = caller.project and gone = {gone} and revision > ?3
            order by revision
            limit ?4
        )"
        )
    };
    format!(
        "{caller}, found as materialized (
    select project, revision, external_id
    from ({there} union all {gone})
    order by revision
    limit ?4
), sized as (
    select found.*, {bytes} as bytes
    from found cross join users on users.project = found.project and users.external_id = found.external_id
), page as (
    select
        project, external_id, revision,
        sum(bytes) over (order by revision rows between unbounded preceding and 1 preceding) as bytes_before
    from sized
)
select page.external_id, {columns}
from page left join users on users.project = page.project and users.external_id = page.external_id
    and ifnull(bytes_before, 0) < ?5
order by page.revision",
        there = of("0"),
        gone = of("1"),
    )
}
