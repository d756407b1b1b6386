//! Expressions on `users.times`, which says when each member of a profile was set: `{"revision", "floor", "newest", "at":
//! {member: milliseconds}, "left"}`. The rule is that of [`crate::order`].
//!
//! A member is `email`, `phone`, `p/` and a key of `properties`, or `o/` and a key of `origin`; `left` counts those that the
//! last body did not set. A row whose `times` are of another revision was written by a version that knows none: they are void.

use crate::order::MAX_TIMES;

/// Rows: the members of a profile, or of a patch.
fn members(document: &str) -> String {
    format!(
        "select key as member from json_each({document}) where key in ('email', 'phone')
        union all select 'p/' || key from json_each({document}, '$.properties')
        union all select 'o/' || key from json_each({document}, '$.origin')"
    )
}

/// A row: the times of a row of `users`, or those with which they begin.
const KNOWN: &str = "
    select
        ifnull(valid ->> '$.floor', updated_at) as floor, ifnull(valid ->> '$.newest', updated_at) as newest,
        ifnull(valid -> '$.at', '{}') as at
    from (select iif(times ->> '$.revision' is revision, times, null) as valid)";

/// An expression: the value of `times`.
fn times(revision: &str, floor: &str, newest: &str, at: &str, left: &str) -> String {
    format!(
        "json_object('revision', {revision}, 'floor', {floor}, 'newest', {newest}, 'at', json({at}), 'left', {left})"
    )
}

/// An expression: the times of a user that rows of (member, value) made, as of a moment.
pub fn of_new(revision: &str, given: &str, as_of: &str) -> String {
    times(revision, "0", as_of, &format!("(select json_group_object(member, {as_of}) from {given})"), "0")
}

/// An expression: a row's times after a merge of a patch, which is the newest word on all that it touches. Null if it had
/// none.
pub fn after_merge(patch: &str, merged: &str, revision: &str) -> String {
    format!(
        "case when times ->> '$.revision' is revision then (
            with known as materialized ({KNOWN}), touched as materialized (
                select
                    patched.member,
                    max(cast(?2 as integer), 1 + coalesce(time.value, iif(standing.member is null, -1, floor))) as moment
                from known cross join ({of_patch}) as patched
                left join json_each(known.at) as time on time.key = patched.member
                left join ({of_profile}) as standing on standing.member = patched.member
            )
            select {times} from known
        ) end",
        of_patch = members(patch),
        of_profile = members("profile"),
        times = times(
            revision,
            "floor",
            "max(newest, (select ifnull(max(moment), 0) from touched))",
            &newest_of("json_patch(at, (select json_group_object(member, moment) from touched))", merged),
            "0",
        ),
    )
}

/// Common table expressions: the row's times `known`, and the rows of `given` that are `accepted` at a moment.
pub fn accepted(as_of: &str) -> String {
    format!(
        "known as materialized ({KNOWN}), accepted as materialized (
            select member, value from given cross join known where {as_of} >= newest
            union all
            select given.member, given.value
            from known cross join given
            left join json_each(known.at) as time on time.key = given.member
            left join ({standing}) as standing on standing.member = given.member
            where {as_of} < newest and {as_of} >= coalesce(time.value, iif(standing.member is null, 0, floor))
        )",
        standing = members("profile"),
    )
}

/// An expression: the times after the rows of `accepted` were set as of a moment.
pub fn after_set(merged: &str, revision: &str, as_of: &str) -> String {
    times(
        revision,
        "floor",
        &format!("max(newest, {as_of})"),
        &newest_of(&format!("json_patch(at, (select json_group_object(member, {as_of}) from accepted))"), merged),
        "(select count(*) from given) - (select count(*) from accepted)",
    )
}

/// An expression: `at` without the oldest removed members, if there are too many.
fn newest_of(at: &str, merged: &str) -> String {
    format!(
        "(
            select case when (select count(*) from json_each(every)) <= {MAX_TIMES} then every else (
                select json_group_object(key, value) from (
                    select time.key, time.value
                    from json_each(every) as time left join ({standing}) as standing on standing.member = time.key
                    order by standing.member is null, time.value desc
                    limit {MAX_TIMES}
                )
            ) end
            from (select {at} as every)
        )",
        standing = members(merged),
    )
}
