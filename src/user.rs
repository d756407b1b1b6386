//! A user as the caller sends it: each part is parsed once into a type that cannot be wrong, the whole into a merge patch.

use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::{self, Object, ObjectWriter, Value};
use crate::limits::{
    MAX_EMAIL_BYTES, MAX_MEMBERS, MAX_NAME_CHARS, MAX_NESTING, MAX_OBJECT_MEMBERS, MAX_USER_ID_CHARS, PHONE_DIGITS,
};
use crate::rule::BrokenRule;
use std::str::FromStr;

/// Texts into which buggy clients turn a missing id.
const PLACEHOLDER_IDS: [&str; 5] = ["null", "undefined", "NaN", "None", "[object Object]"];
/// Path segments that URL resolution removes (RFC 3986 section 5.2.4): no request could read or delete such a user.
const DOT_SEGMENTS: [&str; 2] = [".", ".."];

/// The caller's own id for a user: 1–256 characters, none a control character, no white space at either end.
/// Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalId(String);

/// Parses an id to write: a URL can name it, and no U+FEFF (a byte order mark) is at either end.
impl FromStr for ExternalId {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        if DOT_SEGMENTS.contains(&text) {
            Err(BrokenRule::new("Must not be . or .., which no URL can name"))
        } else if text.starts_with('\u{feff}') || text.ends_with('\u{feff}') {
            Err(BrokenRule::new("Must not begin or end with white space (U+FEFF)"))
        } else {
            Self::parse_stored(text)
        }
    }
}

impl ExternalId {
    /// Parses an id to read or delete: also accepts those that only an earlier version stored.
    pub fn parse_stored(text: &str) -> Result<Self, BrokenRule> {
        if text.is_empty() {
            Err(BrokenRule::new("Must not be empty"))
        } else if text.chars().count() > MAX_USER_ID_CHARS {
            Err(BrokenRule::new(format!("Must have at most {MAX_USER_ID_CHARS} characters")))
        } else if text.chars().any(char::is_control) {
            Err(BrokenRule::new("Must not contain control characters"))
        } else if text.trim() != text {
            Err(BrokenRule::new("Must not begin or end with white space"))
        } else if PLACEHOLDER_IDS.contains(&text) {
            Err(BrokenRule::new("Looks like a missing id"))
        } else {
            Ok(ExternalId(text.to_owned()))
        }
    }

    /// The id as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address that `<input type=email>` accepts, at most 254 bytes, kept as sent.
/// Source: WHATWG HTML, "valid e-mail address".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Email<'a>(&'a str);

impl<'a> Email<'a> {
    /// Checks an address. It borrows, as `FromStr` can't.
    pub fn parse(text: &'a str) -> Result<Self, BrokenRule> {
        let valid = text.len() <= MAX_EMAIL_BYTES
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
                    && domain.split('.').all(is_domain_label)
            });
        let rule = || BrokenRule::new(format!("Must be a valid e-mail address of at most {MAX_EMAIL_BYTES} bytes"));
        valid.then_some(Email(text)).ok_or_else(rule)
    }

    /// The address as sent.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

fn is_domain_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A telephone number in E.164 form: `+`, then 2–15 digits, the first not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone<'a>(&'a str);

impl<'a> Phone<'a> {
    /// Checks a number. It borrows, as `FromStr` can't.
    pub fn parse(text: &'a str) -> Result<Self, BrokenRule> {
        let valid = text.strip_prefix('+').is_some_and(|digits| {
            PHONE_DIGITS.contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        });
        let (fewest, most) = (PHONE_DIGITS.start(), PHONE_DIGITS.end());
        let rule = || BrokenRule::new(format!("Must be + and {fewest} to {most} digits, the first not 0 (E.164)"));
        valid.then_some(Phone(text)).ok_or_else(rule)
    }

    /// The number as sent.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

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

/// What `POST /v1/users` asks to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Whom to create or to merge into.
    pub external_id: ExternalId,
    /// What to merge.
    pub patch: Patch,
}

impl NewUser {
    /// Reads a body. On failure it reports every fault: first those of the known members, in the order of the contract's
    /// table, then unknown and repeated ones.
    pub fn parse(body: &Object) -> Result<Self, FaultList> {
        let mut faults = Faults::default();
        let mut fields = Fields::new(body, &mut faults);
        let external_id = fields.required("user_id", |value, faults| {
            let text = faults.string(value)?;
            faults.parsed(text.parse())
        });
        let email = fields.optional("email", |value, faults| {
            string_or_null(value, faults, |text| Email::parse(text).map(Email::as_str))
        });
        let phone = fields.optional("phone", |value, faults| {
            string_or_null(value, faults, |text| Phone::parse(text).map(Phone::as_str))
        });
        let properties = fields.optional("properties", free_form);
        let origin = fields.optional("origin", free_form);
        fields.deny_unknown();

        let parts = [("email", email), ("phone", phone), ("properties", properties), ("origin", origin)];
        let mut patch = ObjectWriter::default();
        for (name, text) in parts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            patch.member(name, &text);
        }
        faults.finish(external_id.map(|external_id| NewUser { external_id, patch: Patch(patch.finish()) }))
    }
}

/// The JSON text of a string that `parse` accepts, or of null.
fn string_or_null<'v>(
    value: &'v Value,
    faults: &mut Faults,
    parse: impl FnOnce(&'v str) -> Result<&'v str, BrokenRule>,
) -> Option<String> {
    if *value == Value::Null {
        return Some("null".into());
    }
    let text = faults.string(value)?;
    faults.parsed(parse(text).map(json::string))
}

/// The JSON text of an object, if its keys and nesting are within the limits.
fn free_form(value: &Value, faults: &mut Faults) -> Option<String> {
    let object = faults.object(value)?;
    // A null removes its member. The others are all stored, whatever the profile holds already.
    let kept = object.members.iter().filter(|(_, value)| *value != Value::Null).count();
    if kept > MAX_MEMBERS {
        faults.invalid(format!("Must have at most {MAX_MEMBERS} keys"));
    }
    check_object(object, MAX_NESTING, faults);
    Some(object.to_string())
}

fn check_object(object: &Object, levels_left: usize, faults: &mut Faults) {
    faults.check_names_differ(object);
    for (key, value) in &object.members {
        faults.within(key.as_ref(), |faults| {
            if key.is_empty() {
                faults.invalid("A key must not be empty");
            } else if key.chars().count() > MAX_NAME_CHARS {
                faults.invalid(format!("A key must have at most {MAX_NAME_CHARS} characters"));
            } else if key.contains('\0') {
                // SQLite compares keys up to it only: `a` and `a\0b` would be one.
                faults.invalid("A key must not contain U+0000");
            } else {
                check_nested(value, levels_left, faults);
            }
        });
    }
}

fn check_nested(value: &Value, levels_left: usize, faults: &mut Faults) {
    match (value, levels_left.checked_sub(1)) {
        (Value::Array(_) | Value::Object(_), None) => faults.invalid("Must not be nested more than 8 levels deep"),
        (Value::Array(items), Some(levels_left)) => {
            for (i, item) in items.iter().enumerate() {
                faults.within(i.to_string(), |faults| check_nested(item, levels_left, faults));
            }
        }
        (Value::Object(object), Some(levels_left)) => {
            if object.members.len() > MAX_OBJECT_MEMBERS {
                faults.invalid(format!("Must have at most {MAX_OBJECT_MEMBERS} members"));
            }
            check_object(object, levels_left, faults);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::fields::FaultKind;
    use proptest::prelude::*;

    fn parse(body: &str) -> Result<NewUser, FaultList> {
        NewUser::parse(&json::parse_object(body.as_bytes()).unwrap())
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
        assert_eq!(user.patch.as_str(), r#"{"email":null,"properties":{"k":[null]},"origin":{"a":1.10}}"#);
        assert_eq!(parse(r#"{"user_id":"u"}"#).unwrap().patch.as_str(), "{}");
    }

    #[test]
    fn user_ids_that_are_refused() {
        let long = "é".repeat(257);
        for id in
            ["", " a", "a\u{a0}", "a\u{0}b", "a\u{85}b", "null", "undefined", "NaN", "None", "[object Object]", &long]
        {
            assert!(id.parse::<ExternalId>().is_err() && ExternalId::parse_stored(id).is_err(), "{id:?}");
        }
        // An earlier version stored these, so that they can still be read and erased.
        for id in [".", "..", "\u{feff}a", "a\u{feff}"] {
            assert!(id.parse::<ExternalId>().is_err() && ExternalId::parse_stored(id).is_ok(), "{id:?}");
        }
        let long = "é".repeat(256);
        for id in ["0", "Null", "nan", "a b", "user/1?#%", "...", "./a", "a\u{feff}b", "😀", &long] {
            assert_eq!(id.parse::<ExternalId>().unwrap().as_str(), id);
        }
    }

    #[test]
    fn emails_are_what_an_html_input_accepts() {
        let label = "a".repeat(63);
        let longest = format!("{}@{label}.{label}.{label}", "a".repeat(62));
        assert_eq!(longest.len(), 254);
        for email in ["user@example.com", "a@b", "A.b+c@x-y.z", ".@a", "a..b@c", "!#$%&'*+/=?^_`{|}~-@x", &longest] {
            assert!(Email::parse(email).is_ok(), "{email}");
        }
        let long_label = format!("a@{}", "a".repeat(64));
        let too_long = format!("a{longest}");
        for email in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@b.",
            "é@b",
            "a@é",
            "a@b\n",
            " a@b",
            "\"a\"@b",
            "a@[1.2.3.4]",
            &long_label,
            &too_long,
        ] {
            assert!(Email::parse(email).is_err(), "{email:?}");
        }
    }

    #[test]
    fn phones_have_the_shape_of_e_164() {
        for phone in ["+12", "+1234567890", "+123456789012345"] {
            assert!(Phone::parse(phone).is_ok(), "{phone}");
        }
        for phone in ["", "+", "+1", "12", "+0123", "+1234567890123456", "+1 234", "+1-23", "++12", "+١٢"] {
            assert!(Phone::parse(phone).is_err(), "{phone}");
        }
    }

    #[test]
    fn every_fault_is_told_in_the_order_of_the_table_then_what_is_left() {
        let body =
            r#"{"zip":1,"origin":null,"phone":"1","email":7,"a":{},"properties":{"":1,"x":{"a/b~":{"k":1,"k":2}}}}"#;
        assert_eq!(
            faults(body),
            [
                "user_id: Field is required",
                "email: Expected string, received number",
                "phone: Must be + and 2 to 15 digits, the first not 0 (E.164)",
                "/properties/: A key must not be empty",
                "/properties/x/a~1b~0/k: Duplicate name",
                "origin: Expected object, received null",
                "zip: Unknown field; it would not be stored",
                "a: Unknown field; it would not be stored",
            ]
        );
    }

    #[test]
    fn a_name_of_other_case_or_punctuation_is_told_which_is_meant() {
        assert_eq!(
            faults(r#"{"userId":"u","E-Mail":"a@b.c","user_id":"u","name":"n"}"#),
            [
                "userId: Unknown field; it would not be stored. Did you mean user_id?",
                "E-Mail: Unknown field; it would not be stored. Did you mean email?",
                "name: Unknown field; it would not be stored",
            ]
        );
    }

    #[test]
    fn a_name_that_stands_three_times_is_told_once() {
        assert_eq!(faults(r#"{"user_id":"a","user_id":"a","user_id":"a"}"#), ["user_id: Duplicate name"]);
    }

    #[test]
    fn keys_and_nesting_have_limits_that_can_be_reached() {
        let key = "é".repeat(128);
        let nested = |levels: usize| format!("{}1{}", r#"{"k":["#.repeat(levels / 2), "]}".repeat(levels / 2));
        assert!(parse(&format!(r#"{{"user_id":"u","properties":{{"{key}":{}}}}}"#, nested(8))).is_ok());
        assert_eq!(
            faults(&format!(r#"{{"user_id":"u","properties":{{"{key}é":1}},"origin":{{"o":[{}]}}}}"#, nested(8))),
            [
                format!("/properties/{key}é: A key must have at most 128 characters"),
                "/origin/o/0/k/0/k/0/k/0/k: Must not be nested more than 8 levels deep".into(),
            ]
        );
    }

    #[test]
    fn a_key_with_a_nul_is_refused_at_any_depth() {
        assert_eq!(
            faults(r#"{"user_id":"u","properties":{"a\u0000":1},"origin":{"o":[{"\u0000b":1,"b":"\u0000"}]}}"#),
            ["/properties/a\0: A key must not contain U+0000", "/origin/o/0/\0b: A key must not contain U+0000",]
        );
    }

    #[test]
    fn an_object_has_at_most_300_members_and_nulls_directly_in_properties_do_not_count() {
        let members = |n: usize, value: &str| (0..n).map(|i| format!("\"k{i}\":{value}")).collect::<Vec<_>>().join(",");
        let body = |properties: &str| format!(r#"{{"user_id":"u","properties":{{{properties}}}}}"#);
        for fits in [
            members(300, "1"),
            format!(r#""o":{{{}}}"#, members(300, "null")),
            format!(r#"{},"n":null"#, members(300, "1")),
            members(5000, "null"),
        ] {
            assert!(parse(&body(&fits)).is_ok());
        }
        let issue = "Must have at most 300 members";
        for (nested, place) in [(301, "/properties/o"), (5000, "/properties/o")] {
            let nested = members(nested, "null");
            assert_eq!(faults(&body(&format!(r#""o":{{{nested}}}"#))), [format!("{place}: {issue}")]);
            assert_eq!(
                faults(&body(&format!(r#""a":[{{"o":{{{nested}}}}}]"#))),
                [format!("/properties/a/0/o: {issue}")]
            );
        }
        assert_eq!(faults(&body(&members(301, "1"))), ["properties: Must have at most 300 keys"]);
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
                let again = format!(r#"{{"user_id":"u",{}"#, &user.patch.as_str()[1..]);
                prop_assert_eq!(parse(&again).unwrap(), user);
            }
        }

        #[test]
        fn no_input_panics(body in "\\PC{0,80}") {
            if let Ok(object) = json::parse_object(body.as_bytes()) {
                let _ = NewUser::parse(&object);
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
        assert_eq!(fault.kind, FaultKind::WrongType { expected: "string", received: "array" });
    }
}
