//! JSON objects whose members have other names than Roster's.

use super::ReadOptions;
use super::column::Column;
use super::plan::{Names, Plan};
use super::presets::{PRESETS, Preset};
use super::user_json::{PhoneRule, UserJson};
use crate::error::CliError;
use crate::record::{Record, RejectReason, Rejection};
use roster::json::{self, Object, Value};
use std::collections::HashSet;

/// Whether it has Roster's own names alone, as a body of `POST /v1/users` does.
pub fn is_own(object: &Object) -> bool {
    object.members.iter().all(|(name, _)| !name.contains('.') && Column::parse_member(name).is_some())
}

/// The names that stand in objects, each once, in the order of their appearance.
#[derive(Default)]
pub struct MemberNames {
    names: Vec<String>,
    known: HashSet<String>,
    /// By the names of the first object.
    preset: Option<&'static Preset>,
}

impl MemberNames {
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn add(&mut self, object: &Object) {
        let own = object.members.iter().map(|(name, _)| name.clone().into_owned());
        if self.names.is_empty() {
            self.preset = PRESETS.of_header(&own.clone().collect::<Vec<_>>());
        }
        let inside = spread(object, self.preset.map_or(&[], |preset| &preset.spread));
        for name in own.chain(inside.into_iter().map(|(name, _)| name)) {
            if self.known.insert(name.clone()) {
                self.names.push(name);
            }
        }
    }
}

pub struct Objects {
    plan: Plan,
    phones: PhoneRule,
}

impl Objects {
    pub fn new(names: &MemberNames, options: &ReadOptions) -> Result<Self, CliError> {
        let plan = Plan::new(Names::Objects, &names.names, options)?;
        Ok(Objects { phones: options.phone_rule(plan.has_kept_phone()), plan })
    }

    /// The user that an object stands for.
    pub fn map(&self, line: u64, object: &Object) -> Result<Record, Rejection> {
        let reject = |message: String| Rejection::new(line, object.to_string(), &RejectReason::Doubtful(message));
        let preset = self.plan.preset;
        for (name, expected) in preset.iter().flat_map(|preset| &preset.only) {
            if object.get(name) != Some(&Value::String(expected.into())) {
                return Err(reject(format!("No user: its {name} is not {expected:?}")));
            }
        }
        let mut user = UserJson::default();
        let members = spread(object, preset.map_or(&[], |preset| &preset.spread));
        for (name, value) in &members {
            let column = self.plan.columns.iter().find(|column| column.name == *name);
            for place in column.into_iter().flat_map(|column| &column.places) {
                user.set_value(place, value, &self.phones);
            }
        }
        let json = user.finish();
        let parsed = json::parse_object(json.as_bytes()).unwrap_or_default();
        let record = Record::from_object(&parsed);
        Ok(record(line, json, Some(object.to_string().into())))
    }
}

/// The members of an object, and in place of these those inside of them: an object's own, or a list's of `Name` and `Value`.
pub fn spread<'o, 'a>(object: &'o Object<'a>, names: &[String]) -> Vec<(String, &'o Value<'a>)> {
    let mut members = Vec::new();
    for (name, value) in &object.members {
        match value {
            _ if !names.iter().any(|spread| spread == name) => members.push((name.clone().into_owned(), value)),
            Value::Object(inner) => {
                members.extend(inner.members.iter().map(|(name, value)| (name.clone().into_owned(), value)));
            }
            Value::Array(pairs) => members.extend(pairs.iter().filter_map(|pair| {
                let pair = pair.object()?;
                let Value::String(name) = pair.get("Name")? else { return None };
                Some((name.clone().into_owned(), pair.get("Value")?))
            })),
            _ => {}
        }
    }
    members
}
