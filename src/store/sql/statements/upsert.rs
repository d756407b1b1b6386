//! The statements that write users.

use super::once::{self, fill};
use super::times::{self, SENT_MEMBERS, VALUES};
use crate::bounds::{MAX_MEMBERS, MAX_PROFILE_BYTES};

/// The profile into which the first patch of a user is merged, and that of a user who is gone.
pub const EMPTY_PROFILE: &str = r#"'{"properties":{},"origin":{}}'"#;

/// Merges the patch ?5 into the user ?3, who gets the id ?4 if it is new, and sets what ?6 says once if `fills`. Answers the
/// user's id and whether it is new, or no row if the calling key is not live.
///
/// `json_patch` is the whole merge. A patch that changes nothing rewrites the row as it was.
pub fn upsert(writer: &str, fills: bool) -> String {
    let members = fills.then_some("?6");
    format!(
        "{writer}, first as (
    select project, revision, (select merged from {merged}) as profile from next
)
insert into users
    (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
select project, ?3, ?4, profile, {property_keys}, {origin_keys}, revision, ?2, ?2
from first
where true
on conflict (project, external_id) do update set {reviving}, {merging}
returning id, id = ?4 as created, 0 as stale",
        merged = once::merged(EMPTY_PROFILE, members),
        property_keys = keys("profile", "properties"),
        origin_keys = keys("profile", "origin"),
        reviving = reviving("null"),
        merging = merging(members),
    )
}

/// A condition on a row: it is of a user who is gone, and a body as of a moment creates the user again, or a body of now if
/// that is null.
fn revives(as_of: &str) -> String {
    format!("(gone and ifnull({as_of} >= {absent}, true))", absent = times::absent())
}

/// What `update set` takes to create the user of a row again, if a body as of a moment does so.
fn reviving(as_of: &str) -> String {
    format!(
        "(id, created_at, gone) = (
        select iif(revives, excluded.id, id), iif(revives, ?2, created_at), gone and not revives
        from (select {revives} as revives)
    )",
        revives = revives(as_of),
    )
}

/// What `update set` takes to merge the patch ?5 into a row, and to set members once.
pub fn merging(members: Option<&str>) -> String {
    let at = if members.is_some() { "json_patch(at, filled_at)" } else { "at" };
    format!(
        "
    (profile, property_keys, origin_keys, revision, updated_at, times) = (
        select
            merged, {merged_property_keys}, {merged_origin_keys},
            iif(
                merged is not profile or gone or times is not null and (select leaving from next),
                (select revision from next), revision
            ),
            iif(merged is not profile or gone, max(updated_at, ?2), updated_at),
            case when times is not null then (with sent as ({sent}), {effect} select {times} from effect) end
        from {merged}
    )",
        merged_property_keys = keys("merged", "properties"),
        merged_origin_keys = keys("merged", "origin"),
        sent = times::sent_by_patch("?5"),
        effect = times::effect("null"),
        times = times::after_effect(at),
        merged = once::merged("profile", members),
    )
}

/// A condition on a row: to merge the patch ?5 and to set members once leaves its profile as it is.
pub fn merges_nothing(members: Option<&str>) -> String {
    format!("(select merged is profile from {})", once::merged("profile", members))
}

/// Sets the members ?5 of the user ?3, an array of `[member, value]`, unless they were set later than ?6, and sets what ?7 says
/// once if `fills`. Answers what [`upsert`] does, and whether any of ?5 was left.
pub fn upsert_as_of(writer: &str, fills: bool) -> String {
    let members = fills.then_some("?7");
    let (profile, times) = filled_by(members, "profile", "times", AS_OF);
    format!(
        "{writer}, sent as materialized (
    select {SENT_MEMBERS} from json_each(?5)
), set_first as materialized (
    select project, revision, {first} as profile, {first_times} as times from next
), first as materialized (
    select project, revision, {profile} as profile, {times} as times from set_first
)
insert into users
    (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at, times)
select project, ?3, ?4, profile, {property_keys}, {origin_keys}, revision, ?2, ?2, times
from first
where true
on conflict (project, external_id) do update set {reviving}, {setting}
returning id, id = ?4 as created, gone or times ->> '$.left' > 0 as stale",
        first = set_all(EMPTY_PROFILE, "sent"),
        first_times = times::of_new("sent", AS_OF),
        property_keys = keys("profile", "properties"),
        origin_keys = keys("profile", "origin"),
        reviving = reviving(AS_OF),
        setting = setting(members),
    )
}

/// What `update set` takes to set the members in `sent` of a row, as of ?6, and to set members once.
pub fn setting(members: Option<&str>) -> String {
    let (profile, times) = filled_by(members, "document", "new_times", AS_OF);
    format!(
        "
    (profile, property_keys, origin_keys, revision, updated_at, times) = (
        with {effect}, set_once as materialized (
            select {document} as document, {effect_times} as new_times, {revives} as revives from effect
        ), merged as materialized (
            select
                iif(gone and not revives, document, {profile}) as document, iif(gone and not revives, null, {times}) as times,
                revives
            from set_once
        )
        select
            document, {merged_property_keys}, {merged_origin_keys},
            iif(
                document is not profile or revives or merged.times is not users.times and (select leaving from next),
                (select revision from next), revision
            ),
            iif(document is not profile or revives, max(updated_at, ?2), updated_at),
            merged.times
        from merged
    )",
        effect = times::effect(AS_OF),
        document = set("profile"),
        effect_times = times::after_effect("at"),
        revives = revives(AS_OF),
        merged_property_keys = keys("document", "properties"),
        merged_origin_keys = keys("document", "origin"),
    )
}

/// Two expressions: a document and its times, in which members are set once, as of a moment.
fn filled_by(members: Option<&str>, document: &str, times: &str, moment: &str) -> (String, String) {
    match members {
        None => (document.to_owned(), times.to_owned()),
        Some(members) => {
            let filled = fill(document, members, moment);
            let at = format!("json_patch({times} -> '$.at', {filled} -> '$.at')");
            (format!("({filled} -> '$.document')"), format!("json_set({times}, '$.at', {at})"))
        }
    }
}

/// A condition on a row: to set the members in `sent`, as of ?6, and to set members once leaves its profile as it is.
pub fn sets_nothing(members: Option<&str>) -> String {
    let (profile, _) = filled_by(members, "document", "null", AS_OF);
    format!(
        "(
        with {effect}, set_once as materialized (select {document} as document from effect)
        select {profile} is profile from set_once
    )",
        effect = times::effect(AS_OF),
        document = set("profile"),
    )
}

const AS_OF: &str = "cast(?6 as integer)";

/// An expression: a document in which [`VALUES`] are set. `json_patch` merges an object into an object: so a zero takes the
/// place of each first.
fn set(document: &str) -> String {
    format!(
        "json_patch(
            json_patch({document}, json_object('properties', json(property_zeros), 'origin', json(origin_zeros))),
            json_set(contacts, '$.properties', json(properties), '$.origin', json(origins))
        )"
    )
}

/// An expression: a document in which all rows are set.
fn set_all(document: &str, rows: &str) -> String {
    format!("(select {set} from (select {VALUES} from (select *, true as is_set from {rows})))", set = set(document))
}

/// Does what [`upsert`] does to a user who is there, if that changes anything; else it writes nothing, and answers no row.
pub fn update(writer: &str, fills: bool) -> String {
    let members = fills.then_some("?6");
    format!(
        "{writer}
update users set {merging}
where project = (select project from caller) and external_id = ?3 and not gone
    and (not {merges_nothing} or times is not null)
returning id, 0 as created, 0 as stale",
        merging = merging(members),
        merges_nothing = merges_nothing(members),
    )
}

/// The users ?3, an array of `[external_id, new id, patch, null, members to set once]` or `[external_id, new id, members, as of,
/// members to set once]`, as they would be stored if they were new, and the limit that each breaks as such. Such a user is
/// refused whatever is stored. What is null at the end may be left out.
fn batch_input(caller: &str) -> String {
    let sent = format!("(select {SENT_MEMBERS} from json_each(body))");
    let (filled_profile, filled_times) = filled_by(Some("members"), "profile", "times", "as_of");
    format!(
        "{caller}, batch as materialized (
    select jsonb(?3) as list
), parsed as materialized (
    select
        project, element.key as batch_index, element.value ->> 0 as external_id, element.value ->> 1 as id,
        element.value -> 2 as body, element.value ->> 3 as as_of, element.value ->> 4 as members
    from caller cross join batch cross join json_each(list) as element
), merged as materialized (
    select
        project, batch_index, external_id, id, as_of, members,
        iif(as_of is null, json_patch({EMPTY_PROFILE}, body), {set}) as profile,
        iif(as_of is null, null, {times}) as times
    from parsed
), filled as materialized (
    select
        project, batch_index, external_id, id,
        iif(members is null, profile, {filled_profile}) as profile, iif(members is null or times is null, times, {filled_times}) as times
    from merged
), counted as materialized (
    select *, {property_keys} as property_keys, {origin_keys} as origin_keys from filled
), checked as (
    select *, {refusal} as refusal from counted
)",
        set = set_all(EMPTY_PROFILE, &sent),
        times = times::of_new(&sent, "as_of"),
        property_keys = keys("profile", "properties"),
        origin_keys = keys("profile", "origin"),
        refusal = refusal("profile", "property_keys", "origin_keys"),
    )
}

/// Returns a row for each user that was not refused as a new one: its outcome, and its index in the array.
///
/// Rows are merged one after the other, so a user who occurs twice is merged twice. A user that would break a limit keeps
/// its row, apart from `batch_refusal`. `materialized` computes each document once, not once for every use.
pub fn upsert_batch(writer: &str) -> String {
    let now = "ifnull(as_of, cast(?2 as integer))";
    let (filled_document, filled_times) = filled_by(Some("members"), "document", "new_times", now);
    format!(
        "{input}
insert into users (
    project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at, times, batch_index
)
select
    checked.project, external_id, id, profile, property_keys, origin_keys, revision + batch_index, ?2, ?2, times, batch_index
from checked cross join next
where refusal is null
order by batch_index
on conflict (project, external_id) do update set
    (
        id, created_at, gone,
        profile, property_keys, origin_keys, revision, updated_at, times, batch_index, batch_refusal
    ) = (
        with element as materialized (
            select element -> 2 as body, element ->> 3 as as_of, element ->> 4 as members
            from (select list -> ('$[' || excluded.batch_index || ']') as element from batch)
        ), effect_of_element as materialized (
            select case when as_of is not null or times is not null then (
                with sent as materialized (
                    select {SENT_MEMBERS} from json_each(iif(as_of is null, '[]', body))
                    union all {sent_by_patch}
                ), {effect}
                select {effect_json} from effect
            ) end as effect
            from element
        ), merged as materialized (
            select
                as_of, members, effect -> '$.times' as new_times, {revives} as revives,
                iif(as_of is null, json_patch(profile, body), effect -> '$.document') as document
            from element cross join effect_of_element
        ), filled as materialized (
            select
                revives, iif(members is null or gone and not revives, document, {filled_document}) as document,
                iif(members is null or new_times is null, new_times, {filled_times}) as new_times
            from merged
        ), measured as materialized (
            select *, {merged_property_keys} as in_properties, {merged_origin_keys} as in_origin from filled
        ), judged as materialized (
            select
                document, in_properties, in_origin, refusal,
                iif(refusal is null, iif(gone and not revives, null, new_times), users.times) as stored_times,
                refusal is null and (document is not profile or revives) as changes, refusal is null and revives as revives
            from (select *, {refusal} as refusal from measured)
        )
        select
            iif(revives, excluded.id, id),
            iif(revives, ?2, created_at),
            gone and not revives,
            iif(refusal is null, document, profile),
            iif(refusal is null, in_properties, property_keys),
            iif(refusal is null, in_origin, origin_keys),
            iif(changes or stored_times is not users.times and (select leaving from next), excluded.revision, revision),
            iif(changes, max(updated_at, ?2), updated_at),
            stored_times,
            excluded.batch_index,
            refusal
        from judged
    )
returning
    id, batch_index, batch_refusal as rejection, gone or ifnull(times ->> '$.left', 0) > 0 as stale",
        revives = revives("as_of"),
        input = batch_input(writer),
        sent_by_patch = times::sent_by_patch("iif(as_of is null, body, '{}')"),
        effect = times::effect("as_of"),
        effect_json = times::effect_json(&set("profile")),
        merged_property_keys = keys("document", "properties"),
        merged_origin_keys = keys("document", "origin"),
        refusal = refusal("document", "in_properties", "in_origin"),
    )
}

/// Answers the users that are refused even as new ones, a row of nulls if there is none, and no row if the calling key
/// is not live.
pub fn reject_batch(caller: &str) -> String {
    let input = batch_input(caller);
    format!("{input}\nselect batch_index, refusal as rejection from caller left join checked on refusal is not null")
}

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
