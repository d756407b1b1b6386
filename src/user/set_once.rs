//! What is known of a user from the first time, and stays.

use super::fields::{CONTACTS, SECTIONS, Section};
use super::{contact, free_form};
use crate::input::fields::{Faults, Fields};
use crate::json::{self, Object, Value};

/// The section that is one value here.
const ORIGIN: &str = "origin";

/// Members of a profile that are set if they are absent when they arrive, as a JSON array of `[member, value]` without white
/// space. A member is `email`, `phone`, `p/` and a key of `properties`, or `origin` as a whole. No value is null, and none has
/// one but in an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOnce {
    text: String,
    /// Those of each section.
    keys: [Vec<String>; SECTIONS.len()],
}

impl SetOnce {
    /// The JSON text, without white space.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many keys it adds to a section of a new user in which these are set.
    pub(super) fn adds_to(&self, section: &Section, set: &[&str]) -> usize {
        let keys = SECTIONS.iter().zip(&self.keys).find(|(known, _)| known.name == section.name);
        let keys = keys.map_or(&[] as &[String], |(_, keys)| keys);
        if section.name == ORIGIN && !set.is_empty() {
            return 0;
        }
        let mut set = set.to_vec();
        set.sort_unstable();
        keys.iter().filter(|key| set.binary_search(&key.as_str()).is_err()).count()
    }
}

/// Reads the member `set_once` of a body. None: it is faulty, or says nothing.
pub fn parse(value: &Value, faults: &mut Faults) -> Option<SetOnce> {
    let mut fields = Fields::new(faults.object(value)?, faults);
    let (mut pairs, mut keys) = (Vec::new(), SECTIONS.each_ref().map(|_| Vec::new()));
    for field in &CONTACTS {
        let text = fields.optional(field.name, |value, faults| match value {
            Value::Null => faults.wrong_type("string", value),
            Value::String(text) if text.trim().is_empty() => {
                faults.invalid("Must not be empty; leave it out");
                None
            }
            value => contact(field, value, faults),
        });
        pairs.extend(text.map(|text| (field.name.to_owned(), text)));
    }
    for (section, keys) in SECTIONS.iter().zip(&mut keys) {
        let object = fields.optional(section.name, |value, faults| {
            let object = free_form::parse(value, faults)?;
            deny_null(object, faults);
            Some(object)
        });
        keys.extend(object.into_iter().flat_map(|object| &object.members).map(|(key, _)| key.to_string()));
        match object {
            // A later advertisement must not add to what an earlier one has said.
            Some(origin) if section.name == ORIGIN => {
                let is_any = !origin.members.is_empty();
                pairs.extend(is_any.then(|| (section.name.to_owned(), origin.to_string())));
            }
            object => {
                let members = object.into_iter().flat_map(|object| &object.members);
                pairs.extend(members.map(|(key, value)| (format!("{}{key}", section.prefix), value.to_string())));
            }
        }
    }
    fields.deny_unknown();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(member, text)| format!("[{},{text}]", json::string(&member))).collect();
    (!pairs.is_empty()).then(|| SetOnce { text: format!("[{}]", pairs.join(",")), keys })
}

/// A null would be no value to set.
fn deny_null(object: &Object, faults: &mut Faults) {
    for (key, value) in &object.members {
        faults.within(key.as_ref(), |faults| match value {
            Value::Null => {
                faults.wrong_type::<()>("value", value);
            }
            Value::Object(object) => deny_null(object, faults),
            _ => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use crate::user::NewUser;

    fn read(set_once: &str) -> Result<Option<String>, Vec<String>> {
        let body = format!(r#"{{"user_id":"u","set_once":{set_once}}}"#);
        let user = NewUser::parse(&json::parse_object(body.as_bytes()).unwrap(), Timestamp::from_ms(0));
        user.map(|user| user.set_once.map(|members| members.as_str().to_owned()))
            .map_err(|list| list.faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.kind)).collect())
    }

    #[test]
    fn each_property_is_a_member_and_origin_is_one() {
        for (body, members) in [
            ("{}", None),
            (r#"{"origin":{},"properties":{}}"#, None),
            (
                r#"{"origin":{"a":{"b":1.10}},"email":" a@b.c ","phone":"+1 23"}"#,
                Some(r#"[["email","a@b.c"],["phone","+123"],["origin",{"a":{"b":1.10}}]]"#),
            ),
            (r#"{"properties":{"a":{"b":[null]},"p/":1}}"#, Some(r#"[["p/a",{"b":[null]}],["p/p/",1]]"#)),
        ] {
            assert_eq!(read(body), Ok(members.map(Into::into)), "{body}");
        }
    }

    #[test]
    fn a_null_and_what_is_unknown_are_refused_by_place() {
        for (body, fault) in [
            ("null", "set_once: Expected object, received null"),
            ("[]", "set_once: Expected object, received an empty list; send {}"),
            (r#"{"email":null}"#, "/set_once/email: Expected string, received null"),
            (r#"{"phone":""}"#, "/set_once/phone: Must not be empty; leave it out"),
            (r#"{"properties":null}"#, "/set_once/properties: Expected object, received null"),
            (r#"{"properties":{"a":null}}"#, "/set_once/properties/a: Expected value, received null"),
            (r#"{"origin":{"a":{"b":null}}}"#, "/set_once/origin/a/b: Expected value, received null"),
            (r#"{"properties":{"":1}}"#, "/set_once/properties/: A key must not be empty"),
            (r#"{"plan":1}"#, "/set_once/plan: Unknown field; it would not be stored"),
        ] {
            assert_eq!(read(body), Err(vec![fault.to_owned()]), "{body}");
        }
    }
}
