//! What a body says under `set_once`: an array of `[member, value]`, each of which is set if it is absent once the rest of the
//! body is stored. Here `origin` is one member, which is absent if it is empty.

/// An expression: what comes of a document and such an array, as JSON: `document`, and `at`, the times of the members that were
/// set, as of a moment.
///
/// Members are grouped, not joined, for the reason that [`effect`](super::times::effect) has.
pub fn fill(document: &str, members: &str, moment: &str) -> String {
    format!(
        "(
        select json_object(
            'document', json_patch({document}, json_set(
                contacts, '$.properties', json(properties), '$.origin', json(ifnull(origin, '{{}}'))
            )),
            'at', json_patch(at, (select json_group_object('o/' || key, {moment}) from json_each(origin)))
        )
        from (
            select
                json_group_object(member, json(value) order by position)
                    filter (where member not like 'p/%' and member <> 'origin') as contacts,
                json_group_object(substr(member, 3), json(value) order by position)
                    filter (where member like 'p/%') as properties,
                max(value) filter (where member = 'origin') as origin,
                json_group_object(member, {moment}) filter (where member <> 'origin') as at
            from (
                select member, max(value) as value, max(position) as position
                from (
                    select value ->> 0 as member, value -> 1 as value, key as position, 0 as stands from json_each({members})
                    union all select key, null, null, 1 from json_each({document}) where key not in ('properties', 'origin')
                    union all select 'p/' || key, null, null, 1 from json_each({document}, '$.properties')
                    union all select 'origin', null, null, 1 where {document} -> '$.origin' <> '{{}}'
                )
                group by member
                having max(stands) = 0
            )
        )
    )"
    )
}

/// A subquery of one row: the patch ?5 merged into a document, as `merged`; and with an array, `filled_at`.
pub fn merged(document: &str, members: Option<&str>) -> String {
    let patched = format!("select json_patch({document}, ?5) as merged");
    match members {
        None => format!("({patched})"),
        Some(members) => format!(
            "(
            select filled -> '$.document' as merged, filled -> '$.at' as filled_at
            from (select {filled} as filled from ({patched}))
        )",
            filled = fill("merged", members, "cast(?2 as integer)"),
        ),
    }
}
