//! One share of a walk, by the model of a filter.

use roster::bounds::{MAX_GROUP_BYTES, MAX_GROUPS};
use roster::filter::{Field, User};
use roster::json::Value;
use roster::store::{
    Found, Group, GroupCount, GroupKind, PropertyCount, Question, Reach, Share, StoredUser, Walk, Walked,
};
use std::collections::BTreeMap;

/// What comes of a share of the users of its part, which are in order, each with the bytes of its profile if it is not
/// deleted.
pub fn walked(part: &[(StoredUser, Option<usize>)], walk: &Walk, share: &Share) -> Walked {
    let is_before = |id: &str| share.before.as_ref().is_none_or(|before| id < before.as_str());
    let behind = part.iter().filter(|(user, _)| user.external_id > share.after);
    let (mut reach, mut met, mut bytes) = (Reach { examined: 0, last: None, has_more: false }, 0, 0);
    let mut found = Vec::new();
    for (user, size) in behind.filter(|(user, _)| is_before(&user.external_id)) {
        let is_full = matches!(walk.question, Question::Users) && found.len() >= share.limit as usize;
        let is_too_large = bytes > 0 && bytes + size.unwrap_or(0) > share.max_bytes;
        if met >= share.users || is_too_large || is_full {
            break;
        }
        (met, bytes) = (met + 1, bytes + size.unwrap_or(0));
        reach.last = Some(user.external_id.clone());
        if size.is_none() {
            continue;
        }
        reach.examined += 1;
        if walk.filter.is_none_or(|filter| filter.matches(&user.to_filter())) {
            found.push(user);
        }
    }
    let end = part.last().map(|(user, _)| &user.external_id);
    reach.has_more = reach.last.is_some() && reach.last.as_ref() != end;
    let found = match walk.question {
        Question::Users => Found { users: found.into_iter().cloned().collect(), ..Found::default() },
        Question::Count(by) => Found { groups: groups(&found, by), ..Found::default() },
        Question::Properties => Found { properties: properties(&found), ..Found::default() },
    };
    Walked { reach, found }
}

fn groups(users: &[&StoredUser], by: Option<&Field>) -> Vec<GroupCount> {
    let mut groups: Vec<(Group, GroupCount)> = Vec::new();
    for user in users {
        let new = by.map_or(of_kind(GroupKind::Null, None), |by| group(&user.to_filter(), by));
        let new = GroupCount { first: user.external_id.clone(), ..new };
        match groups.iter_mut().find(|(known, _)| *known == new.group()) {
            Some((_, known)) => known.count += 1,
            None => groups.push((new.group(), new)),
        }
    }
    groups.into_iter().map(|(_, count)| count).take(MAX_GROUPS + 1).collect()
}

fn of_kind(kind: GroupKind, value: Option<String>) -> GroupCount {
    GroupCount { kind, value, count: 1, first: String::new() }
}

fn group(user: &User, by: &Field) -> GroupCount {
    match user.value(by).as_deref() {
        None => of_kind(GroupKind::Null, None),
        Some(Value::Bool(true)) => of_kind(GroupKind::True, None),
        Some(Value::Bool(false)) => of_kind(GroupKind::False, None),
        Some(Value::Number(digits)) if roster::filter::Number::parse(digits).is_finite() => {
            of_kind(GroupKind::Number, Some((*digits).to_owned()))
        }
        Some(Value::String(text)) if text.len() <= MAX_GROUP_BYTES => of_kind(GroupKind::Text, Some(text.to_string())),
        Some(_) => of_kind(GroupKind::Other, None),
    }
}

fn properties(users: &[&StoredUser]) -> Vec<PropertyCount> {
    let mut names: BTreeMap<(&str, String), PropertyCount> = BTreeMap::new();
    for user in users {
        let filtered = user.to_filter();
        for (section, object) in [("properties", &filtered.properties), ("origin", &filtered.origin)] {
            for (name, value) in &object.members {
                let count = names.entry((section, name.to_string())).or_insert_with(|| PropertyCount {
                    section: section.into(),
                    name: name.to_string(),
                    users: 0,
                    string: 0,
                    number: 0,
                    boolean: 0,
                    object: 0,
                    array: 0,
                    first: user.external_id.clone(),
                });
                count.users += 1;
                match value {
                    Value::String(_) => count.string += 1,
                    Value::Number(_) => count.number += 1,
                    Value::Bool(_) => count.boolean += 1,
                    Value::Object(_) => count.object += 1,
                    Value::Array(_) => count.array += 1,
                    Value::Null | Value::Broken(_) => {}
                }
            }
        }
    }
    let mut counts: Vec<_> = names.into_values().collect();
    let order = |count: &PropertyCount| (count.first.clone(), count.section.clone(), count.name.clone());
    counts.sort_by_cached_key(order);
    counts.truncate(MAX_GROUPS + 1);
    counts
}
