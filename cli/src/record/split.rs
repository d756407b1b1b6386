//! Splits a record with an object that is too large for the server into several records of the same user.
//!
//! An object inside an array can't be split, because an array replaces the stored one: the server refuses such a record.

use super::MAX_RECORD_BYTES;
use roster::bounds::{BATCH_USERS, MAX_MEMBERS, MAX_OBJECT_MEMBERS, MAX_PROFILE_BYTES};
use roster::json::merge::merge;
use roster::json::{Object, Value};
use roster::time::Timestamp;
use roster::user::NewUser;
use std::collections::HashSet;

/// The records to send instead of this one. Merged one after the other, they give the same user.
///
/// Empty if the record must be sent as it is: because no object is too large, or because the server would refuse one of
/// the parts and the others would leave half a user.
pub fn split(record: &Object) -> Vec<String> {
    // As of a moment an object replaces what stands: parts of it would not be merged.
    if record.get("as_of").is_some() || record.members.iter().all(|(_, value)| fits(value, 0)) {
        return Vec::new();
    }
    if !names_differ(record) {
        return Vec::new();
    }
    let parts = parts(record, MAX_OBJECT_MEMBERS);
    if parts.len() > *BATCH_USERS.end() || !parts.iter().all(is_sound) || !can_be_stored(&parts) {
        return Vec::new();
    }
    let texts: Vec<String> = parts.iter().map(Object::to_string).collect();
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    if bytes <= MAX_RECORD_BYTES { texts } else { Vec::new() }
}

/// Whether no object in this value is too large. Level 0 is `properties` and `origin`, which have a bound of their own.
fn fits(value: &Value, level: usize) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| fits(item, level + 1)),
        Value::Object(Object { members }) => {
            (level == 0 || members.len() <= MAX_OBJECT_MEMBERS)
                && members.iter().all(|(_, value)| fits(value, level + 1))
        }
        _ => true,
    }
}

/// Whether no object outside of arrays has two equal names. Parts would hide the duplicate from the server.
fn names_differ(object: &Object) -> bool {
    let mut names = HashSet::new();
    object
        .members
        .iter()
        .all(|(name, value)| names.insert(name) && !matches!(value, Value::Object(object) if !names_differ(object)))
}

fn parts<'a>(record: &Object<'a>, max_members: usize) -> Vec<Object<'a>> {
    let is_id = |name: &str| name == "user_id";
    let id = record.members.iter().find(|(name, _)| is_id(name));
    let mut parts = object_parts(record, 0, max_members);
    for part in parts.iter_mut().skip(1) {
        part.members.splice(..0, id.cloned());
    }
    parts
}

/// The patches that, merged one after the other, do what this one does.
fn value_parts<'a>(value: &Value<'a>, level: usize, max_members: usize) -> Vec<Value<'a>> {
    match value {
        Value::Object(object) if !object.members.is_empty() => {
            object_parts(object, level, max_members).into_iter().map(Value::Object).collect()
        }
        value => vec![value.clone()],
    }
}

/// The first round has the first part of every member, so that new members are appended in the original order; the next
/// round has the second part of those that have one, and so on. Level 0 is the record, level 1 `properties` and `origin`.
fn object_parts<'a>(object: &Object<'a>, level: usize, max_members: usize) -> Vec<Object<'a>> {
    let max_here = if level < 2 { usize::MAX } else { max_members };
    let mut left: Vec<_> = object
        .members
        .iter()
        .map(|(name, value)| (name, value_parts(value, level + 1, max_members).into_iter()))
        .collect();
    let mut parts = Vec::new();
    loop {
        let next = left.iter_mut().filter_map(|(name, values)| Some((name.clone(), values.next()?)));
        let round: Vec<_> = next.collect();
        if round.is_empty() {
            return parts;
        }
        parts.extend(round.chunks(max_here).map(|members| Object { members: members.to_vec() }));
        left.retain(|(_, values)| values.len() > 0);
    }
}

/// Whether the server accepts this part, as far as that does not depend on what is stored.
fn is_sound(part: &Object) -> bool {
    part.members.iter().all(|(_, value)| fits(value, 0)) && NewUser::parse(part, Timestamp::from_ms(0)).is_ok()
}

/// Whether a new user of these parts keeps the bounds of a stored profile. If not, no stored user can make them fit.
fn can_be_stored(parts: &[Object]) -> bool {
    let patches = parts.iter().map(|part| {
        let members = part.members.iter().filter(|(name, _)| name != "user_id").cloned().collect();
        Value::Object(Object { members })
    });
    let profile = patches.fold(Value::Null, merge);
    let bytes = profile.to_string().len();
    let Value::Object(profile) = profile else { return false };
    let has_few_members = |value: &Value| !matches!(value, Value::Object(object) if object.members.len() > MAX_MEMBERS);
    bytes <= MAX_PROFILE_BYTES && profile.members.iter().all(|(_, value)| has_few_members(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roster::json::parse_object;
    use std::fmt::Write;

    fn parse(json: &str) -> Object<'_> {
        parse_object(json.as_bytes()).unwrap()
    }

    fn object(members: impl Iterator<Item = usize>, value: &str) -> String {
        let mut json = String::new();
        for i in members {
            write!(json, ",\"k{i}\":{value}").unwrap();
        }
        format!("{{{}}}", json.get(1..).unwrap_or_default())
    }

    fn record(properties: &str) -> String {
        format!(r#"{{"email":"a@b.c","properties":{properties},"user_id":"u","origin":{{"o":1.10}}}}"#)
    }

    #[test]
    fn a_large_object_becomes_parts_in_the_order_of_the_original() {
        let json = record(&format!(r#"{{"a":{{"b":{}}},"c":1.10}}"#, object(0..700, "1.10")));
        let part = |range| format!(r#"{{"user_id":"u","properties":{{"a":{{"b":{}}}}}}}"#, object(range, "1.10"));
        assert_eq!(
            split(&parse(&json)),
            [
                record(&format!(r#"{{"a":{{"b":{}}},"c":1.10}}"#, object(0..300, "1.10"))),
                part(300..600),
                part(600..700),
            ]
        );
    }

    #[test]
    fn what_is_within_the_bound_is_sent_as_it_is() {
        let bound = object(0..MAX_OBJECT_MEMBERS, "1");
        for properties in ["{}", &object(0..400, "1"), &format!(r#"{{"a":{bound},"b":[{bound}]}}"#)] {
            assert!(split(&parse(&record(properties))).is_empty());
        }
    }

    #[test]
    fn what_the_server_would_refuse_in_part_is_sent_as_it_is() {
        let large = object(0..301, "1");
        for properties in [
            // An array can't be split.
            format!(r#"{{"a":[{large}]}}"#),
            format!(r#"{{"a":{large},"b":[{large}]}}"#),
            // A duplicate name, which would stand in another part.
            format!(r#"{{"a":{},"k0":2}}}}"#, &large[..large.len() - 1]),
            // A bad key, which would stand in another part.
            format!(r#"{{"a":{},"":2}}}}"#, &large[..large.len() - 1]),
            // A profile that could never be stored.
            format!(r#"{{"a":{}}}"#, object(0..301, &format!("\"{}\"", "x".repeat(1000)))),
            format!(r#"{{"a":{large},"b":1,{}"#, &large[1..]),
        ] {
            assert!(split(&parse(&record(&properties))).is_empty(), "{properties:.200}");
        }
        let nulls = object(0..50_000, "null");
        assert!(split(&parse(&format!(r#"{{"user_id":"{}","origin":{{"a":{nulls}}}}}"#, "u".repeat(256)))).len() > 100);
        assert!(split(&parse(&record(&format!(r#"{{"a":{}}}"#, object(0..301_000, "null"))))).is_empty());
    }

    /// Objects that are too large for a bound of two members, deep in each other.
    fn any_object() -> impl Strategy<Value = String> {
        "null|1|1\\.10|\"s\"|\\{\\}"
            .prop_recursive(5, 64, 6, |inner| {
                let members = prop::collection::vec(inner.clone(), 0..7).prop_flat_map(|values| {
                    let names = Just(["a", "b", "c", "d", "e", "f", "g"]).prop_shuffle();
                    (names, Just(values))
                });
                prop_oneof![
                    5 => members.prop_map(|(names, values)| {
                        let member = |(name, value)| format!("\"{name}\":{value}");
                        let members: Vec<_> = names.iter().zip(values).map(member).collect();
                        format!("{{{}}}", members.join(","))
                    }),
                    1 => prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                ]
            })
            .prop_filter("an object", |json| json.starts_with('{'))
    }

    proptest! {
        #[test]
        fn the_parts_do_what_the_whole_does(document in any_object(), patch in any_object()) {
            let record = format!(r#"{{"user_id":"u","properties":{patch}}}"#);
            let record = parse(&record);
            let parts = parts(&record, 2);
            for part in &parts {
                prop_assert_eq!(&part.members.iter().filter(|(name, _)| name == "user_id").count(), &1);
                let Some(Value::Object(properties)) = part.get("properties") else { panic!("{part:?}") };
                prop_assert!(properties.members.iter().all(|(_, value)| is_within(value, 2)));
            }
            let document = format!(r#"{{"properties":{document}}}"#);
            let document = Value::Object(parse(&document));
            let whole = merge(document.clone(), Value::Object(record.clone()));
            let in_turn = parts.into_iter().map(Value::Object).fold(document, merge);
            prop_assert_eq!(in_turn, whole);
        }
    }

    fn is_within(value: &Value, max: usize) -> bool {
        match value {
            Value::Object(Object { members }) => {
                members.len() <= max && members.iter().all(|(_, value)| is_within(value, max))
            }
            _ => true,
        }
    }
}
