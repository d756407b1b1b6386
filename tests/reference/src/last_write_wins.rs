//! Last write wins, member by member: a body with `as_of` sets members of a profile, unless they were set later.
//!
//! A member is `email`, `phone`, `p/` and a key of `properties`, or `o/` and a key of `origin`. Each keeps the time of what set
//! or removed it. As of a moment it is set if its time is not later; of equal times the later arrival stands. So bodies that
//! arrive late, repeatedly and in any order make the same profile. A patch is always the newest write of what it touches.
//!
//! This is the model of what the statements in `src/store/sql/statements/times.rs` do; `tests/histories/order.rs` compares them.

use roster::bounds::MAX_MEMBER_TIMES;
use roster::json::merge::merge;
use roster::json::{Object, Value};
use roster::time::Timestamp;
use roster::user::fields::CONTACTS;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// When each member of a profile was set, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberTimes {
    /// That of a member that stands and has no time of its own.
    floor: u64,
    /// That of a member that is absent and has none: when the user was deleted, if that is still known; or 0.
    absent: u64,
    at: BTreeMap<String, u64>,
}

impl MemberTimes {
    /// Those of a profile that was last changed at a moment, before any body with `as_of`; 0 of one that there is not yet.
    pub fn since(floor: u64) -> Self {
        MemberTimes { floor, absent: 0, at: BTreeMap::new() }
    }

    /// The same, of a user who was deleted at a moment; 0 of one who was not, or of whom nobody knows any more.
    pub fn deleted_at(self, absent: u64) -> Self {
        MemberTimes { absent, ..self }
    }

    /// The newest of them.
    pub fn newest(&self) -> u64 {
        self.at.values().copied().max().unwrap_or(0).max(self.floor)
    }

    fn of(&self, member: &str, profile: &Value) -> u64 {
        let unknown = if find(profile, member).is_some() { self.floor } else { self.absent };
        self.at.get(member).copied().unwrap_or(unknown)
    }

    /// Sets members of a profile as of a moment. Also: whether any of them was left, because it was set later.
    pub fn set<'a>(
        &mut self,
        mut profile: Value<'a>,
        members: Vec<(Cow<'a, str>, Value<'a>)>,
        as_of: Timestamp,
    ) -> (Value<'a>, bool) {
        let sent = members.len();
        let is_accepted = |member: &str| self.of(member, &profile) <= as_of.as_ms();
        let accepted: Vec<_> = members.into_iter().filter(|(member, _)| is_accepted(member)).collect();
        let is_any_left = accepted.len() < sent;
        for (member, value) in accepted {
            self.at.insert(member.clone().into_owned(), as_of.as_ms());
            set_member(&mut profile, &member, value);
        }
        self.forget_the_oldest(&profile);
        (profile, is_any_left)
    }

    /// Merges a patch into a profile. All that it touches is set now, or just after what stands if that is ahead.
    pub fn merge<'a>(&mut self, profile: Value<'a>, patch: Value<'a>, now: Timestamp) -> Value<'a> {
        for member in members_of(&patch) {
            let time = (self.of(&member, &profile) + 1).max(now.as_ms());
            self.at.insert(member, time);
        }
        let merged = merge(profile, patch);
        self.forget_the_oldest(&merged);
        merged
    }

    fn forget_the_oldest(&mut self, profile: &Value) {
        while self.at.len() > MAX_MEMBER_TIMES {
            let removed = self.at.iter().filter(|(member, _)| find(profile, member).is_none());
            let Some(oldest) = removed.min_by_key(|(_, time)| **time).map(|(member, _)| member.clone()) else { return };
            self.at.remove(&oldest);
        }
    }
}

/// Sets members that are absent, `origin` as a whole if it is empty, as of a moment.
pub fn fill<'a>(
    profile: &mut Value<'a>,
    mut times: Option<&mut MemberTimes>,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
    as_of: Timestamp,
) {
    let is_empty = |origin: &Value| matches!(origin, Value::Object(origin) if origin.members.is_empty());
    let has_origin = !find(profile, "origin").is_some_and(is_empty);
    let each = members.into_iter().flat_map(|(member, value)| match value {
        Value::Object(origin) if member == "origin" => {
            let members = if has_origin { Vec::new() } else { origin.members };
            members.into_iter().map(|(key, value)| (format!("o/{key}").into(), value)).collect()
        }
        value => vec![(member, value)],
    });
    for (member, value) in each {
        if find(profile, &member).is_none() {
            set_member(profile, &member, value);
            if let Some(times) = &mut times {
                times.at.insert(member.into_owned(), as_of.as_ms());
            }
        }
    }
}

/// In which object of a profile a member is, if in any, and by which key.
fn location(member: &str) -> (Option<&'static str>, &str) {
    match member.split_at_checked(2) {
        Some(("p/", key)) => (Some("properties"), key),
        Some(("o/", key)) => (Some("origin"), key),
        _ => (None, member),
    }
}

fn find<'v, 'a>(profile: &'v Value<'a>, member: &str) -> Option<&'v Value<'a>> {
    let Value::Object(profile) = profile else { return None };
    let (section, key) = location(member);
    match (section, section.and_then(|section| profile.get(section))) {
        (None, _) => profile.get(key),
        (_, Some(Value::Object(section))) => section.get(key),
        _ => None,
    }
}

fn members_of(document: &Value) -> Vec<String> {
    let Value::Object(document) = document else { return Vec::new() };
    let contacts =
        CONTACTS.iter().filter(|field| document.get(field.name).is_some()).map(|field| field.name.to_owned());
    let section = |section: char, name| {
        let object = if let Some(Value::Object(object)) = document.get(name) { object.members.as_slice() } else { &[] };
        object.iter().map(move |(key, _)| format!("{section}/{key}"))
    };
    contacts.chain(section('p', "properties")).chain(section('o', "origin")).collect()
}

/// Sets one member, where it stands if it does. An object replaces an object, and its nulls mean nothing.
fn set_member<'a>(profile: &mut Value<'a>, member: &str, value: Value<'a>) {
    let (section, key) = location(member);
    let target = match (section, profile) {
        (None, Value::Object(profile)) => Some(profile),
        (Some(section), Value::Object(profile)) => match profile.members.iter_mut().find(|(name, _)| name == section) {
            Some((_, Value::Object(section))) => Some(section),
            _ => None,
        },
        _ => None,
    };
    let Some(Object { members }) = target else { return };
    let known = members.iter().position(|(name, _)| name == key);
    match (known, merge(Value::Null, value)) {
        (Some(known), Value::Null) => drop(members.remove(known)),
        (Some(known), value) => members[known].1 = value,
        (None, Value::Null) => {}
        (None, value) => members.push((key.to_owned().into(), value)),
    }
}
