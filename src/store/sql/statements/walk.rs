//! A share of a walk as one statement: its first part finds which users it examines, by their ids and sizes alone, its second
//! part looks into their profiles.
//!
//! Parameters, beside the calling key ?1 and the moment ?2: users behind the id ?3 and before ?4, if it is not null; ?5 of
//! them at most, deleted ones included, who have ?6 bytes together, but the first in any case; ?7 found ones at most; ?8 the values of the filter.

use super::filter::{Place, Translation};
use super::user_columns;
use crate::bounds::{MAX_GROUP_BYTES, MAX_GROUPS};
use crate::store::{Question, Walk};

/// A statement, and the value of its parameter ?8.
pub struct WalkStatement {
    /// The text.
    pub sql: String,
    /// A JSON array.
    pub values: String,
}

/// The statement of a walk. It answers no row if the calling key is not live, and one at least if it is.
pub fn walk(caller: &str, walk: &Walk) -> WalkStatement {
    let mut translation = Translation::new("?8");
    let condition = walk.filter.map_or_else(|| "true".into(), |filter| translation.condition(filter));
    let sql = match walk.question {
        Question::Users => users(caller, &condition),
        Question::Count(by) => groups(caller, &condition, by.map(|by| translation.place(by)).as_ref()),
        Question::Properties => properties(caller, &condition),
    };
    WalkStatement { sql, values: translation.values() }
}

/// How many users are examined, and the last of them, as a table `walked`. Their sizes are summed up one by one only where all
/// together are too large, for that reads each user three times more. No text is greater than a blob.
fn walked(caller: &str) -> String {
    let sized = "select users.external_id, gone, iif(gone, 0, octet_length(profile)) as bytes
        from caller cross join users on users.project = caller.project
        where users.external_id > ?3 and users.external_id < ifnull(?4, x'')
        order by users.external_id
        limit ?5";
    let fitting = format!(
        "from (
            select external_id, gone, bytes, sum(bytes) over (rows between unbounded preceding and current row) as sum
            from ({sized})
        ) where sum <= ?6 or sum = bytes"
    );
    format!(
        "{caller}, whole as (
    select count(*) filter (where not gone) as examined, max(external_id) as last, sum(bytes) as bytes from ({sized})
), walked as materialized (
    select iif(bytes > ?6, (select count(*) filter (where not gone) {fitting}), examined) as examined,
        iif(bytes > ?6, (select max(external_id) {fitting}), last) as last
    from whole
)"
    )
}

/// The examined users, with tables that stand beside each, that pass a condition.
fn passing(beside: &str, condition: &str) -> String {
    format!(
        "caller cross join users on users.project = caller.project
        and users.external_id > ?3 and users.external_id <= (select last from walked){beside}
    where ?8 is not null and not gone and {condition}"
    )
}

/// The columns of every answer, of a table that says how far it goes.
fn reach(table: &str) -> String {
    format!(
        "{table}.examined, {table}.last, exists (
        select 1 from users where users.project = caller.project and users.external_id > {table}.last
    ) as has_more"
    )
}

fn users(caller: &str, condition: &str) -> String {
    format!(
        "{walked}, found as materialized (
    select users.external_id from {passing} order by users.external_id limit ?7
), full as (select max(external_id) as last from found having count(*) = ?7
), reached as materialized (
    select ifnull((select last from full), last) as last, iif(exists (select 1 from full), (
        select count(*) from caller cross join users on users.project = caller.project
        where users.external_id > ?3 and users.external_id <= (select last from full) and not gone
    ), examined) as examined
    from walked
)
select {reach}, found.external_id, {user_columns}
from caller cross join reached
left join found on true
left join users on users.project = caller.project and users.external_id = found.external_id
order by found.external_id",
        walked = walked(caller),
        passing = passing("", condition),
        reach = reach("reached"),
        user_columns = user_columns(),
    )
}

/// Grouped by a value, of which `1` and `1.0` are one: SQLite compares numbers by value. Text, because D1 makes doubles of
/// integers.
fn groups(caller: &str, condition: &str, by: Option<&Place>) -> String {
    let (kind, value) = by.map_or_else(|| ("'null'".into(), "null".into()), |by| (by.scalar_kind(), by.scalar_value()));
    format!(
        "{walked}, found as (
    select users.external_id, {kind} as kind, {value} as value from {passing}
), classed as (
    select external_id, value, case
            when kind = 'text' and octet_length(value) <= {MAX_GROUP_BYTES} then 'text'
            when kind in ('integer', 'real') and abs(value + 0.0) <= 1.7976931348623157e308 then 'number'
            when kind in ('null', 'true', 'false') then kind
            else 'other'
        end as kind
    from found
), grouped as (
    select kind, value, count(*) as count, min(external_id) as first
    from (select external_id, kind, iif(kind in ('text', 'number'), value, null) as value from classed)
    group by kind, value
    order by first
    limit {limit}
)
select {reach}, kind,
    case typeof(value) when 'real' then printf('%!.17g', value) else cast(value as text) end as value, count, first
from caller cross join walked left join grouped on true
order by first",
        walked = walked(caller),
        reach = reach("walked"),
        passing = passing("", condition),
        limit = MAX_GROUPS + 1,
    )
}

fn properties(caller: &str, condition: &str) -> String {
    let members = |section: &str| {
        let member = format!(" cross join json_each(users.profile, '$.{section}') as member");
        format!(
            "select users.external_id, '{section}' as section, member.key as name, member.type as type from {}",
            passing(&member, condition)
        )
    };
    format!(
        "{walked}, members as (
    {properties}
    union all {origin}
), named as (
    select section, name, count(*) as users, sum(type = 'text') as string, sum(type in ('integer', 'real')) as number,
        sum(type in ('true', 'false')) as boolean, sum(type = 'object') as object, sum(type = 'array') as array,
        min(external_id) as first
    from members
    group by section, name
    order by first, section, name
    limit {limit}
)
select {reach}, section, name, users, string, number, boolean, object, array, first
from caller cross join walked left join named on true
order by first, section, name",
        walked = walked(caller),
        reach = reach("walked"),
        properties = members("properties"),
        origin = members("origin"),
        limit = MAX_GROUPS + 1,
    )
}

/// The users whose ids are in the JSON array ?3, and no user, but their bytes, if those are more than ?4 together. It answers
/// no row if the calling key is not live, and one at least if it is.
pub fn find_users(caller: &str) -> String {
    format!(
        "{caller}, found as materialized (
    select users.external_id, octet_length(profile) as bytes
    from caller cross join json_each(?3) as wanted
    cross join users on users.project = caller.project and users.external_id = wanted.value and not gone
), total as (select ifnull(sum(bytes), 0) as bytes from found)
select total.bytes, found.external_id, {user_columns}
from caller cross join total
left join found on total.bytes <= ?4
left join users on users.project = caller.project and users.external_id = found.external_id",
        user_columns = user_columns(),
    )
}
