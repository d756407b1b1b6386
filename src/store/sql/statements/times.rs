//! What a body says of the members of a user, and `users.times`, which says when each was set: `{"floor", "at": {member:
//! milliseconds}, "left"}`. The last write wins: as of a moment a member is set unless it was set later, and a patch is the
//! newest write of what it touches.
//!
//! A member is `email`, `phone`, `p/` and a key of `properties`, or `o/` and a key of `origin`; `left` counts those that the
//! last body did not set. A deletion counts as a removal of every member there is, for [`DELETION_MS`].

use crate::bounds::{DELETION_MS, MAX_MEMBER_TIMES};

/// An expression: when a member of a row was removed that is absent and has no time of its own; 0 if nobody knows.
pub fn absent() -> String {
    format!("iif(deleted_at > ?2 - {DELETION_MS}, deleted_at, 0)")
}

/// An expression: the latest of a row's times, also of its removed members.
pub const NEWEST: &str = "max(
        ifnull(times ->> '$.floor', updated_at),
        ifnull((select max(value) from json_each(times, '$.at')), 0),
        ifnull(deleted_at, 0)
    )";

/// Columns of a member that a body as of a moment sets: those of an element of an array of `[member, value]`.
pub const SENT_MEMBERS: &str =
    "value ->> 0 as member, value -> 1 as value, value -> 1 = 'null' as removes, key as position";

/// Rows: the members that a patch sets or removes. They have no values, since `json_patch` sets them.
pub fn sent_by_patch(patch: &str) -> String {
    format!(
        "select member, null as value, value is null as removes, 0 as position from ({members})",
        members = members(patch)
    )
}

/// Rows: the members of a profile, or of a patch.
fn members(document: &str) -> String {
    format!(
        "select key as member, value from json_each({document}) where key not in ('properties', 'origin')
        union all select 'p/' || key, value from json_each({document}, '$.properties')
        union all select 'o/' || key, value from json_each({document}, '$.origin')"
    )
}

/// An expression: the times of a user that rows of (member, value) made, as of a moment.
pub fn of_new(sent: &str, as_of: &str) -> String {
    format!("json_object('floor', 0, 'at', json((select json_group_object(member, {as_of}) from {sent})), 'left', 0)")
}

/// An expression: the times of a row after an [`effect`], with `at` for those of its members.
pub fn after_effect(at: &str) -> String {
    format!("json_object('floor', floor, 'at', json({at}), 'left', left_out)")
}

/// An expression: an [`effect`] as JSON, with the document that it makes, so that one subquery can answer it.
pub fn effect_json(document: &str) -> String {
    format!(
        "json_object('document', json(iif(as_of is null, '{{}}', {document})), 'times', {times})",
        times = after_effect("at")
    )
}

/// Common table expressions: one row `effect`, what the rows of `sent` do to a row of `users` as of a moment, or from now on
/// if that is null. What they set is in the columns of [`VALUES`]; `at` keeps the times of all members that stand, and the
/// latest of those that were removed.
///
/// Rows of `sent`, of the times and of the profile are grouped by member, not joined: in a subquery that depends on an outer
/// row SQLite makes no index, so a join would be a loop in a loop. For the same reason nothing here reads `sent` twice.
pub fn effect(as_of: &str) -> String {
    format!(
        "known as materialized (
            select
                {as_of} as as_of, {absent} as absent, ifnull(times -> '$.at', '{{}}') as at,
                ifnull(times ->> '$.floor', max(updated_at, ifnull(deleted_at + 1, 0))) as floor
        ), found as (
            select member, value, removes, position, null as time, 0 as stands from sent
            union all select key, null, null, null, value, 0 from json_each((select at from known))
            union all select member, null, null, null, null, 1 from ({standing})
        ), judged_members as (
            select *, position is not null and ifnull(as_of >= known_time, true) as is_set
            from (
                select
                    as_of, floor, member, max(value) as value, max(removes) as removes, max(position) as position,
                    max(time) as time, max(stands) as stands, coalesce(max(time), iif(max(stands), floor, absent)) as known_time
                from known cross join found
                group by member
            )
        ), timed as (
            select
                member, value, removes, position, is_set, iif(is_set, not removes, stands) as stands,
                iif(is_set, ifnull(as_of, max(cast(?2 as integer), known_time + 1)), time) as time
            from judged_members
        ), effect as materialized (
            select
                (select floor from known) as floor, {VALUES},
                json_group_object(member, time) filter (where time is not null and age <= {MAX_MEMBER_TIMES}) as at,
                count(*) filter (where position is not null and not is_set) as left_out
            from (select *, row_number() over (order by time is null, stands desc, time desc, member desc) as age from timed)
        )",
        absent = absent(),
        standing = members("profile"),
    )
}

/// Columns: the values that are set, by where in a profile they are, and a zero for each that is no null.
pub const VALUES: &str = "
                json_group_object(member, json(value)) filter (where is_set and member not like '_/%') as contacts,
                json_group_object(substr(member, 3), json(value)) filter (where is_set and member like 'p/%') as properties,
                json_group_object(substr(member, 3), json(value)) filter (where is_set and member like 'o/%') as origins,
                json_group_object(substr(member, 3), 0 order by position)
                    filter (where is_set and not removes and member like 'p/%') as property_zeros,
                json_group_object(substr(member, 3), 0 order by position)
                    filter (where is_set and not removes and member like 'o/%') as origin_zeros";
