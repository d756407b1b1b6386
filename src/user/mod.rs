//! A user as the caller sends it: each part is parsed once into a type that cannot be wrong, the whole into a merge patch.

mod email;
mod external_id;
pub mod fields;
mod free_form;
mod phone;
mod set_once;
mod text;

pub use email::Email;
pub use external_id::ExternalId;
pub use phone::Phone;
pub use set_once::SetOnce;

use self::fields::{CONTACTS, Contact, SECTIONS};
use crate::bounds::{MAX_AHEAD_MS, MAX_MEMBERS};
use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::{self, Object, ObjectWriter, Value};
use crate::rule::BrokenRule;
use crate::time::Timestamp;

/// A JSON Merge Patch (RFC 7396) on a stored profile `{email, phone, properties, origin}`: it keeps every rule that
/// does not depend on the stored profile, and its text has no white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch(String);

impl Patch {
    /// The JSON text, without white space.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Members of a profile with the values that they are to have, as a JSON array of `[member, value]` without white space.
/// A member is `email`, `phone`, `p/` and a key of `properties`, or `o/` and a key of `origin`; null removes it. It keeps every
/// rule that does not depend on the stored profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members(String);

impl Members {
    /// The JSON text, without white space.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What to do with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Merge a patch into it, whatever it holds.
    Merge(Patch),
    /// Set members of it, but for those that were set later than `as_of`.
    Set {
        /// Which, to what.
        members: Members,
        /// When this was true.
        as_of: Timestamp,
    },
}

/// What `POST /v1/users` asks to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Whom to create or to change.
    pub external_id: ExternalId,
    /// What to change.
    pub change: Change,
    /// What to set of what is absent then, if anything.
    pub set_once: Option<SetOnce>,
}

impl NewUser {
    /// Reads a body. On failure it reports every fault: first those of the known members, in the order of the contract's
    /// table, then unknown and repeated ones.
    pub fn parse(body: &Object, now: Timestamp) -> Result<Self, FaultList> {
        let mut faults = Faults::default();
        let mut fields = Fields::new(body, &mut faults);
        let external_id = fields.required("user_id", |value, faults| {
            let text = faults.string(value)?;
            faults.parsed(text.parse())
        });
        let contacts =
            CONTACTS.each_ref().map(|field| fields.optional(field.name, |value, faults| contact(field, value, faults)));
        let sections = SECTIONS.each_ref().map(|section| fields.optional(section.name, free_form::parse));
        let set_once = fields.optional("set_once", set_once::parse);
        let as_of = fields.optional("as_of", |value, faults| {
            if *value == Value::Null {
                return None;
            }
            let text = faults.string(value)?;
            faults.parsed(text.parse().and_then(|as_of| not_ahead(as_of, now)))
        });
        fields.deny_unknown_with(hint_on);
        if as_of.is_some() {
            // The time of each is kept, and so is that of a removal.
            for (section, object) in SECTIONS.iter().zip(sections) {
                if object.is_some_and(|object| object.members.len() > MAX_MEMBERS) {
                    let rule =
                        format!("Must have at most {MAX_MEMBERS} keys beside as_of, those that are null included");
                    faults.within(section.name, |faults| faults.invalid(rule));
                }
            }
        }

        if let Some(set_once) = &set_once {
            // In a new user all of them are set that the body leaves out.
            for (section, object) in SECTIONS.iter().zip(sections) {
                let set: Vec<&str> = object
                    .into_iter()
                    .flat_map(|object| &object.members)
                    .filter(|(_, value)| *value != Value::Null)
                    .map(|(key, _)| key.as_ref())
                    .collect();
                if set.len() + set_once.adds_to(section, &set) > MAX_MEMBERS {
                    let rule = format!("Must have at most {MAX_MEMBERS} keys, those of set_once included");
                    faults.within(section.name, |faults| faults.invalid(rule));
                }
            }
        }
        let change = match as_of {
            None => Change::Merge(patch(contacts, sections)),
            Some(as_of) => Change::Set { members: members(contacts, sections), as_of },
        };
        faults.finish(external_id.map(|external_id| NewUser { external_id, change, set_once }))
    }
}

impl NewUser {
    /// Bytes of the texts that it consists of.
    pub fn bytes(&self) -> usize {
        let (Change::Merge(Patch(text)) | Change::Set { members: Members(text), .. }) = &self.change;
        self.external_id.as_str().len()
            + text.len()
            + self.set_once.as_ref().map_or(0, |members| members.as_str().len())
    }
}

/// Refuses a moment that no clock which is nearly right can have seen.
fn not_ahead(as_of: Timestamp, now: Timestamp) -> Result<Timestamp, BrokenRule> {
    if as_of.as_ms() <= now.as_ms().saturating_add(MAX_AHEAD_MS) {
        Ok(as_of)
    } else {
        Err(BrokenRule::new("Must be at most 5 minutes ahead of the server's clock"))
    }
}

fn patch(contacts: [Option<String>; CONTACTS.len()], sections: [Option<&Object>; SECTIONS.len()]) -> Patch {
    let texts = contacts.into_iter().chain(sections.map(|object| object.map(ToString::to_string)));
    let names = CONTACTS.iter().map(|field| field.name).chain(SECTIONS.iter().map(|section| section.name));
    let mut patch = ObjectWriter::default();
    for (name, text) in names.zip(texts).filter_map(|(name, text)| Some((name, text?))) {
        patch.member(name, &text);
    }
    Patch(patch.finish())
}

fn members(contacts: [Option<String>; CONTACTS.len()], sections: [Option<&Object>; SECTIONS.len()]) -> Members {
    let mut pairs = Vec::new();
    let contacts = CONTACTS.iter().zip(contacts);
    pairs.extend(contacts.filter_map(|(field, text)| Some((field.name.to_owned(), text?))));
    for (section, object) in SECTIONS.iter().zip(sections) {
        let members = object.into_iter().flat_map(|object| &object.members);
        pairs.extend(members.map(|(key, value)| (format!("{}{key}", section.prefix), value.to_string())));
    }
    let pairs: Vec<String> =
        pairs.into_iter().map(|(member, text)| format!("[{},{text}]", json::string(&member))).collect();
    Members(format!("[{}]", pairs.join(",")))
}

/// What to do with a member that is like none of a user's.
#[expect(clippy::unnecessary_wraps, reason = "it is the form that `Fields` asks")]
fn hint_on(name: &str) -> Option<&'static str> {
    Some(match name {
        "id" | "_id" | "uid" | "external_id" | "externalId" => "Did you mean user_id?",
        "phone_number" | "phoneNumber" | "telephone" | "mobile" => "Did you mean phone?",
        _ => "Put it into `properties`",
    })
}

/// The JSON text that is stored of a string, or null.
fn contact(field: &Contact, value: &Value, faults: &mut Faults) -> Option<String> {
    if *value == Value::Null {
        return Some("null".into());
    }
    let text = faults.string(value)?;
    if text.trim().is_empty() {
        faults.invalid("Must not be empty; send null to clear it");
        return None;
    }
    faults.parsed((field.tidy)(text).map(|text| json::string(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::fields::FaultKind;
    use proptest::prelude::*;

    fn parse(body: &str) -> Result<NewUser, FaultList> {
        NewUser::parse(&json::parse_object(body.as_bytes()).unwrap(), Timestamp::from_ms(1_000_000))
    }

    /// Each fault as `place: issue`.
    #[track_caller]
    fn faults(body: &str) -> Vec<String> {
        parse(body).unwrap_err().faults.iter().map(|f| format!("{}: {}", f.place(), f.kind)).collect()
    }

    #[test]
    fn a_body_becomes_its_patch() {
        let user = parse(r#"{ "origin": {"a": 1.10}, "email": null, "user_id": "u 1", "properties": {"k": [null]} }"#)
            .unwrap();
        assert_eq!(user.external_id.as_str(), "u 1");
        let patch = r#"{"email":null,"properties":{"k":[null]},"origin":{"a":1.10}}"#;
        assert_eq!(user.change, Change::Merge(Patch(patch.into())));
        assert_eq!(parse(r#"{"user_id":"u"}"#).unwrap().change, Change::Merge(Patch("{}".into())));
    }

    #[test]
    fn a_body_as_of_a_moment_becomes_its_members() {
        let body = r#"{"user_id":"u","as_of":"1970-01-01T00:21:40Z","properties":{"k":{"a":1.10},"n":null},"email":"a@b.c","origin":{"k":1}}"#;
        let members = r#"[["email","a@b.c"],["p/k",{"a":1.10}],["p/n",null],["o/k",1]]"#;
        let as_of = Timestamp::from_ms(1_300_000);
        assert_eq!(parse(body).unwrap().change, Change::Set { members: Members(members.into()), as_of });
        let ahead = body.replace("00:21:40Z", "00:21:40.001Z");
        assert_eq!(faults(&ahead), ["as_of: Must be at most 5 minutes ahead of the server's clock"]);
        let nulls = |n: usize| (0..n).map(|i| format!(r#""k{i}":null"#)).collect::<Vec<_>>().join(",");
        let with = |n: usize| format!(r#"{{"user_id":"u","as_of":"1970-01-01T00:00:00Z","origin":{{{}}}}}"#, nulls(n));
        assert!(parse(&with(300)).is_ok());
        assert_eq!(
            faults(&with(301)),
            ["origin: Must have at most 300 keys beside as_of, those that are null included"]
        );
        assert_eq!(parse(r#"{"user_id":"u","as_of":null}"#), parse(r#"{"user_id":"u"}"#));
    }

    #[test]
    fn every_fault_is_told_in_the_order_of_the_table_then_what_is_left() {
        let body =
            r#"{"zip":1,"origin":null,"phone":"+1","email":7,"a":{},"properties":{"":1,"x":{"a/b~":{"k":1,"k":2}}}}"#;
        assert_eq!(
            faults(body),
            [
                "user_id: Field is required",
                "email: Expected string, received number",
                "phone: Must be + and 2 to 15 digits, the first not 0 (E.164)",
                "/properties/: A key must not be empty",
                "/properties/x/a~1b~0/k: Duplicate name",
                "origin: Expected object, received null",
                "zip: Unknown field; it would not be stored. Put it into `properties`",
                "a: Unknown field; it would not be stored. Put it into `properties`",
            ]
        );
    }

    #[test]
    fn an_unknown_name_is_answered_with_what_is_meant() {
        for (name, advice) in [
            ("userId", "Did you mean user_id?"),
            ("id", "Did you mean user_id?"),
            ("external_id", "Did you mean user_id?"),
            ("E-Mail", "Did you mean email?"),
            ("emial", "Did you mean email?"),
            ("mail", "Did you mean email?"),
            ("phone_number", "Did you mean phone?"),
            ("first_name", "Put it into `properties`"),
            ("plan", "Put it into `properties`"),
            ("traits", "Put it into `properties`"),
            ("attributes", "Put it into `properties`"),
            ("metadata", "Put it into `properties`"),
        ] {
            let body = format!(r#"{{"user_id":"u","{name}":"x"}}"#);
            assert_eq!(faults(&body), [format!("{name}: Unknown field; it would not be stored. {advice}")]);
        }
    }

    #[test]
    fn contacts_are_tidied_and_an_empty_one_is_not_cleared() {
        let body = r#"{"user_id":"u","email":" Ann@b.c\n","phone":"+1 (415) 555-2671"}"#;
        let patch = r#"{"email":"Ann@b.c","phone":"+14155552671"}"#;
        assert_eq!(parse(body).unwrap().change, Change::Merge(Patch(patch.into())));
        for empty in ["", " ", "\u{a0}"] {
            let body = format!(r#"{{"user_id":"u","email":"{empty}","phone":"{empty}"}}"#);
            let rule = "Must not be empty; send null to clear it";
            assert_eq!(faults(&body), [format!("email: {rule}"), format!("phone: {rule}")]);
        }
    }

    #[test]
    fn what_is_no_json_is_a_fault_of_its_place() {
        let body = r#"{"users":[{"user_id":01,"email":NaN,"phone":"\x","properties":{"a":[1,"\ud800"],"b":{"c":1,}},"origin":[1,],"as_of":tomorrow}]}"#;
        let body = json::parse_elements(body.as_bytes()).unwrap();
        let Some(Value::Array(users)) = body.get("users") else { panic!("{body}") };
        let list = NewUser::parse(users[0].object().unwrap(), Timestamp::from_ms(0)).unwrap_err();
        let told: Vec<_> = list.faults.iter().map(|f| format!("{}: {}", f.place(), f.kind)).collect();
        assert_eq!(
            told,
            [
                "user_id: Invalid JSON: a number must not begin with 0; leave it out, or send a string",
                "email: Invalid JSON: NaN is not JSON; write null, or a string",
                "phone: Invalid JSON: invalid escape in a string",
                "/properties/a/1: Invalid JSON: lone surrogate in a string",
                "/properties/b: Invalid JSON: trailing comma; remove it",
                "origin: Invalid JSON: trailing comma; remove it",
                "as_of: Invalid JSON: expected a value",
            ]
        );
    }

    #[test]
    fn a_name_that_stands_three_times_is_told_once() {
        assert_eq!(faults(r#"{"user_id":"a","user_id":"a","user_id":"a"}"#), ["user_id: Duplicate name"]);
    }

    #[test]
    fn a_flood_of_faults_is_cut() {
        let unknown: String = (0..5000).map(|i| format!(r#","x{i}":1"#)).collect();
        assert_eq!(faults(&format!(r#"{{"user_id":"u"{unknown}}}"#)).len(), 100);
    }

    proptest! {
        #[test]
        fn any_patch_is_json_and_parsing_it_again_changes_nothing(body in any_object(3)) {
            let user = parse(&format!(r#"{{"user_id":"u","properties":{body}}}"#));
            if let Ok(user) = user {
                let Change::Merge(patch) = &user.change else { panic!("it has no as_of") };
                let again = format!(r#"{{"user_id":"u",{}"#, &patch.as_str()[1..]);
                prop_assert_eq!(parse(&again).unwrap(), user);
            }
        }

        #[test]
        fn no_input_panics(body in "\\PC{0,80}") {
            if let Ok(object) = json::parse_object(body.as_bytes()) {
                let _ = NewUser::parse(&object, Timestamp::from_ms(0));
            }
        }
    }

    fn any_object(depth: u32) -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "null|true|-?(0|[1-9][0-9]{0,29})(\\.[0-9]{1,9})?(e-?[0-9]{1,3})?",
            "\"[a-z\u{e9} ]{0,5}(\\\\u00[0-7]f)?\""
        ];
        leaf.prop_recursive(depth, 32, 4, |inner| {
            let member = (("[a-c]{1,2}"), inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(member, 0..4).prop_map(|members| format!("{{ {} }}", members.join(" , "))),
            ]
        })
        .prop_map(|value| format!("{{\"root\":{value}}}"))
    }

    #[test]
    fn a_wrong_type_says_both_types() {
        let fault = parse(r#"{"user_id":[]}"#).unwrap_err().faults.remove(0);
        assert_eq!(fault.kind, FaultKind::WrongType { expected: "string", received: "array", is_empty_array: true });
        assert_eq!(fault.kind.to_string(), "Expected string, received array");
        assert_eq!(
            faults(r#"{"user_id":"u","properties":[],"origin":[1]}"#),
            ["properties: Expected object, received an empty list; send {}", "origin: Expected object, received array"]
        );
    }
}
