//! One message of Segment's protocol.

use super::arrival::{Arrival, Warning};
use super::{clock, first_touch, traits};
use crate::bounds::{MAX_BATCH_BYTES, MAX_MEMBERS, MAX_NAME_CHARS};
use crate::input::fields::{Fault, FaultKind, FaultList, Faults, cut};
use crate::json::{Object, Value};
use crate::time::Timestamp;
use crate::user::NewUser;
use crate::user::fields::CONTACTS;
use std::borrow::Cow;

/// The types of messages that store nothing. Their traits never apply.
const IGNORED: [&str; 5] = ["track", "page", "screen", "group", "alias"];

/// A message that was read.
#[derive(Debug)]
pub struct SegmentMessage {
    /// Its `messageId`.
    pub id: Option<String>,
    /// Its `userId`, if it is a text or a number.
    pub user_id: Option<String>,
    /// What there is to store.
    pub content: Content,
    /// What was not taken as it was sent.
    pub warnings: Vec<Warning>,
}

/// What a message has to store.
#[derive(Debug)]
pub enum Content {
    /// A user.
    User(NewUser),
    /// Nothing. It is counted by this name.
    Ignored(&'static str),
    /// A user that breaks a rule.
    Refused(FaultList),
}

impl SegmentMessage {
    /// Reads a message. `kind` is its type if the path says it; `sent_at` is when the client sent the request.
    pub fn read(message: Value, kind: Option<&'static str>, sent_at: Option<Timestamp>, arrival: &Arrival) -> Self {
        let mut faults = Faults::default();
        let Value::Object(mut message) = message else {
            faults.wrong_type::<()>("object", &message);
            return SegmentMessage::refused(faults);
        };
        let repeated = if arrival.strict { None } else { message.keep_last() };
        let mut read = SegmentMessage {
            id: message.get("messageId").and_then(text_of).filter(|id| id.chars().count() <= MAX_NAME_CHARS),
            user_id: message.get("userId").and_then(text_of),
            content: Content::Ignored("anonymous"),
            warnings: Vec::new(),
        };
        if let Some(first) = repeated {
            let message = "A name stands twice in one object; its last value counts".into();
            read.warnings.push(Warning { field: cut(&first).into(), message });
        }
        read.content = match kind.map_or_else(|| kind_of(&message), Ok) {
            Err(list) => Content::Refused(list),
            Ok("identify") => match message.get("userId") {
                None | Some(Value::Null) if message.get("anonymousId").is_some_and(|id| *id != Value::Null) => {
                    Content::Ignored("anonymous")
                }
                _ => read.identify(&mut message, sent_at, arrival),
            },
            Ok(ignored) => Content::Ignored(ignored),
        };
        read
    }

    /// The user to store, if there is one.
    pub fn user(&self) -> Option<&NewUser> {
        match &self.content {
            Content::User(user) => Some(user),
            _ => None,
        }
    }

    fn refused(faults: Faults) -> Self {
        let content = faults.finish(None).map_or_else(Content::Refused, Content::User);
        SegmentMessage { id: None, user_id: None, content, warnings: Vec::new() }
    }

    /// Makes of an identify the body that `POST /v1/users` would take.
    fn identify(&mut self, message: &mut Object, sent_at: Option<Timestamp>, arrival: &Arrival) -> Content {
        let as_of = clock::as_of(message, sent_at, arrival, &mut self.warnings);
        let origin = first_touch::origin(message);
        let mut traits = match traits::of(message) {
            Ok(traits) => traits,
            Err(list) => return Content::Refused(list),
        };
        if !arrival.strict
            && let Some(first) = traits.null_non_finite()
        {
            self.warnings.push(Warning {
                field: cut(&format!("/traits{first}")).into(),
                message: "NaN and the infinities are not JSON; each counts as null".into(),
            });
        }
        let mut body = Object::default();
        if let Some(user_id) = message.take("userId").filter(|id| *id != Value::Null) {
            let user_id = if let Value::Number(digits) = user_id { Value::String(digits.into()) } else { user_id };
            body.members.push(("user_id".into(), user_id));
        }
        let mut properties = Object::default();
        for (name, value) in traits.members {
            // SDKs clear a field of a form by an empty text.
            let is_cleared = !arrival.strict && value == Value::String("".into());
            match CONTACTS.iter().find(|contact| contact.name == name) {
                Some(_) if is_cleared => body.members.push((name, Value::Null)),
                Some(contact) if arrival.strict || traits::fits(contact, &value) => body.members.push((name, value)),
                Some(contact) => {
                    self.warnings.push(Warning {
                        field: format!("/traits/{name}").into(),
                        message: format!("Not {}; stored as a property instead", contact.noun).into(),
                    });
                    properties.members.push((name, value));
                }
                None => properties.members.push((name, value)),
            }
        }
        // An earlier message may have left a property in the contact's place.
        let contacts = body.members.iter().filter(|(name, _)| CONTACTS.iter().any(|contact| contact.name == name));
        let left_behind: Vec<_> = contacts.map(|(name, _)| (name.clone(), Value::Null)).collect();
        if properties.members.len() + left_behind.len() <= MAX_MEMBERS {
            properties.members.extend(left_behind);
        }
        if !properties.members.is_empty() {
            body.members.push(("properties".into(), Value::Object(properties)));
        }
        if let Some(origin) = origin {
            let set_once = Object { members: vec![("origin".into(), Value::Object(origin))] };
            body.members.push(("set_once".into(), Value::Object(set_once)));
        }
        body.members.push(("as_of".into(), as_of));
        let parsed = NewUser::parse(&body, arrival.now).map_err(in_segments_words);
        match parsed.and_then(|user| if user.bytes() <= MAX_BATCH_BYTES { Ok(user) } else { Err(too_large()) }) {
            Ok(user) => Content::User(user),
            Err(list) => Content::Refused(list),
        }
    }
}

/// A text, or a number's digits.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(digits) => Some((*digits).to_owned()),
        _ => None,
    }
}

fn kind_of(message: &Object) -> Result<&'static str, FaultList> {
    let mut faults = Faults::default();
    let kind = faults.within("type", |faults| {
        let Some(value) = message.get("type") else {
            faults.push(FaultKind::Missing);
            return None;
        };
        let text = faults.string(value)?;
        let known = IGNORED.into_iter().chain(["identify"]).find(|kind| *kind == text);
        if known.is_none() {
            faults.invalid("Must be identify, track, page, screen, group or alias");
        }
        known
    });
    faults.finish(kind)
}

/// Renames the places of a user's body to those of the message.
fn in_segments_words(mut list: FaultList) -> FaultList {
    for Fault { field, pointer, .. } in &mut list.faults {
        let (name, deeper) = match field.as_str() {
            "user_id" => ("userId", None),
            "as_of" => ("timestamp", None),
            "set_once" => {
                ("context", pointer.as_deref().map(|pointer| pointer.replacen("/set_once/origin", "/context", 1)))
            }
            "properties" => ("traits", pointer.as_deref().map(|pointer| pointer.replacen("/properties", "/traits", 1))),
            contact => ("traits", Some(format!("/traits/{contact}"))),
        };
        (*field, *pointer) = (name.to_owned(), deeper);
    }
    list
}

fn too_large() -> FaultList {
    let rule: Cow<'static, str> = format!("Must have at most {MAX_BATCH_BYTES} bytes").into();
    FaultList::one(crate::input::fields::Part::Body, "traits", rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    const NOW: u64 = 1_000_000_000_000;

    fn read_with(body: &str, kind: Option<&'static str>, sent_at: Option<u64>, strict: bool) -> SegmentMessage {
        let object = json::parse_object_lossy(body.as_bytes());
        let value = object.map_or_else(|_| json::parse(body.as_bytes()).unwrap(), Value::Object);
        let arrival = Arrival { now: Timestamp::from_ms(NOW), strict };
        SegmentMessage::read(value, kind, sent_at.map(Timestamp::from_ms), &arrival)
    }

    fn read(body: &str) -> SegmentMessage {
        read_with(body, None, None, false)
    }

    /// The body of `POST /v1/users` that is the same.
    #[track_caller]
    fn same_as(message: &SegmentMessage, body: &str) {
        let body = json::parse_object(body.as_bytes()).unwrap();
        let user = NewUser::parse(&body, Timestamp::from_ms(NOW)).unwrap();
        assert_eq!(message.user(), Some(&user), "{message:?}");
    }

    /// Each fault as `place: issue`.
    #[track_caller]
    fn faults(message: &SegmentMessage) -> Vec<String> {
        let Content::Refused(list) = &message.content else { panic!("{message:?}") };
        list.faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.kind)).collect()
    }

    fn warned(message: &SegmentMessage) -> Vec<&str> {
        message.warnings.iter().map(|warning| &*warning.field).collect()
    }

    #[test]
    fn an_identify_is_the_body_of_an_upsert() {
        let message = read(
            r#"{"type":"identify","messageId":"m","userId":"u","anonymousId":"a","timestamp":"2001-01-01T00:00:00Z","sentAt":"x",
                "traits":{"email":"a@b.c","plan":null,"n":1.10},"context":{"traits":{"x":1},"page":{"url":"y"}},"writeKey":"z"}"#,
        );
        same_as(
            &message,
            r#"{"user_id":"u","email":"a@b.c","properties":{"plan":null,"n":1.10,"email":null},"as_of":"2001-01-01T00:00:00Z"}"#,
        );
        assert_eq!((message.id.as_deref(), message.user_id.as_deref()), (Some("m"), Some("u")));
        let now = Timestamp::from_ms(NOW);
        let numbered = read(r#"{"type":"identify","userId":42,"traits":[],"context":[]}"#);
        same_as(&numbered, &format!(r#"{{"user_id":"42","as_of":"{now}"}}"#));
        let of_context = read(r#"{"type":"identify","userId":"u","traits":null,"context":{"traits":{"x":1}}}"#);
        same_as(&of_context, &format!(r#"{{"user_id":"u","properties":{{"x":1}},"as_of":"{now}"}}"#));
        let of_php = read(r#"{"type":"identify","userId":"u","traits":[],"context":{"traits":{"x":1}}}"#);
        assert_eq!(of_php.user(), of_context.user());
        let by_path = read_with(r#"{"type":"track","userId":"u"}"#, Some("identify"), None, false);
        same_as(&by_path, &format!(r#"{{"user_id":"u","as_of":"{now}"}}"#));
    }

    #[test]
    fn where_the_user_came_from_is_set_once() {
        let message = read(
            r#"{"type":"identify","userId":"u","timestamp":"2001-01-01T00:00:00Z","context":{"campaign":{"name":"spring"},"traits":{"a":1}}}"#,
        );
        same_as(
            &message,
            r#"{"user_id":"u","properties":{"a":1},"set_once":{"origin":{"campaign":"spring"}},"as_of":"2001-01-01T00:00:00Z"}"#,
        );
    }

    #[test]
    fn what_has_no_user_to_store_is_ignored_by_name() {
        for (body, name) in [
            (r#"{"type":"track","userId":"u","traits":{"a":1}}"#, "track"),
            (r#"{"type":"alias","userId":"u","previousId":"u"}"#, "alias"),
            (r#"{"type":"group","userId":"u","traits":[7]}"#, "group"),
            (r#"{"type":"identify","userId":null,"anonymousId":"a"}"#, "anonymous"),
            (r#"{"type":"identify","anonymousId":"a","traits":{"email":"a@b.c"}}"#, "anonymous"),
        ] {
            assert!(matches!(read(body).content, Content::Ignored(ignored) if ignored == name), "{body}");
        }
    }

    #[test]
    fn faults_have_the_names_of_the_message() {
        for (body, expected) in [
            ("7", ": Expected object, received number"),
            ("{}", "type: Field is required"),
            (r#"{"type":7}"#, "type: Expected string, received number"),
            (r#"{"type":"Identify"}"#, "type: Must be identify, track, page, screen, group or alias"),
            (r#"{"type":"identify"}"#, "userId: Field is required"),
            (r#"{"type":"identify","userId":null}"#, "userId: Field is required"),
            (r#"{"type":"identify","userId":""}"#, "userId: Must not be empty"),
            (r#"{"type":"identify","userId":true}"#, "userId: Expected string, received boolean"),
            (r#"{"type":"identify","userId":"u","traits":7}"#, "traits: Expected object, received number"),
            (r#"{"type":"identify","userId":"u","traits":{"a":{"":1}}}"#, "/traits/a/: A key must not be empty"),
        ] {
            assert_eq!(faults(&read(body)), [expected], "{body}");
        }
        let large = format!(r#"{{"type":"identify","userId":"u","traits":{{"a":"{}"}}}}"#, "x".repeat(MAX_BATCH_BYTES));
        assert_eq!(faults(&read(&large)), ["traits: Must have at most 1048576 bytes"]);
    }

    #[test]
    fn a_contact_that_is_none_stays_a_property_unless_it_is_strict() {
        let body = r#"{"type":"identify","userId":"u","traits":{"email":"nobody","phone":5551234,"a":1}}"#;
        let message = read(body);
        assert_eq!(warned(&message), ["/traits/email", "/traits/phone"]);
        let now = Timestamp::from_ms(NOW);
        let properties = r#"{"email":"nobody","phone":5551234,"a":1}"#;
        same_as(&message, &format!(r#"{{"user_id":"u","properties":{properties},"as_of":"{now}"}}"#));
        let strict = faults(&read_with(body, None, None, true));
        assert_eq!(strict[1], "/traits/phone: Expected string, received number");
        assert!(strict[0].starts_with("/traits/email: Must be a valid e-mail"), "{strict:?}");
        let cleared = read(r#"{"type":"identify","userId":"u","traits":{"email":null}}"#);
        same_as(&cleared, &format!(r#"{{"user_id":"u","email":null,"properties":{{"email":null}},"as_of":"{now}"}}"#));
    }

    #[test]
    fn an_empty_contact_clears_it_unless_it_is_strict() {
        let body =
            r#"{"type":"identify","userId":"u","timestamp":"2001-01-01T00:00:00Z","traits":{"phone":"","email":""}}"#;
        let message = read(body);
        same_as(
            &message,
            r#"{"user_id":"u","phone":null,"email":null,"properties":{"phone":null,"email":null},"as_of":"2001-01-01T00:00:00Z"}"#,
        );
        assert_eq!(warned(&message), [""; 0]);
        assert_eq!(faults(&read_with(body, None, None, true)).len(), 2);
    }

    #[test]
    fn a_contact_removes_the_property_that_stood_in_its_place_if_there_is_room() {
        let members: Vec<String> = (0..MAX_MEMBERS).map(|n| format!(r#""{n}":1"#)).collect();
        let body = |properties: &str| {
            format!(
                r#"{{"type":"identify","userId":"u","timestamp":"2001-01-01T00:00:00Z","traits":{{"phone":"+123"{properties}}}}}"#
            )
        };
        let as_of = r#""as_of":"2001-01-01T00:00:00Z""#;
        same_as(
            &read(&body("")),
            &format!(r#"{{"user_id":"u","phone":"+123","properties":{{"phone":null}},{as_of}}}"#),
        );
        let full = members.join(",");
        let same = format!(r#"{{"user_id":"u","phone":"+123","properties":{{{full}}},{as_of}}}"#);
        same_as(&read(&body(&format!(",{full}"))), &same);
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts_unless_it_is_strict() {
        let body = r#"{"type":"identify","userId":"u","timestamp":"2001-01-01T00:00:00Z","traits":{"a":0},"traits":{"a":1,"b":{"c":1,"c":2},"a":2}}"#;
        let message = read(body);
        same_as(&message, r#"{"user_id":"u","properties":{"b":{"c":2},"a":2},"as_of":"2001-01-01T00:00:00Z"}"#);
        assert_eq!(warned(&message), ["/traits"]);
        let strict = r#"{"type":"identify","userId":"u","traits":{"a":1,"a":2}}"#;
        assert_eq!(faults(&read_with(strict, None, None, true)), ["/traits/a: Duplicate name"]);
    }

    #[test]
    fn a_number_that_json_lacks_counts_as_null_unless_it_is_strict() {
        let body = r#"{"type":"identify","userId":"u","timestamp":"2001-01-01T00:00:00Z","traits":{"a":[{"ltv":NaN}],"b":-Infinity,"bio":"hi \ud83d"}}"#;
        let message = read(body);
        same_as(
            &message,
            "{\"user_id\":\"u\",\"properties\":{\"a\":[{\"ltv\":null}],\"b\":null,\"bio\":\"hi \u{fffd}\"},\"as_of\":\"2001-01-01T00:00:00Z\"}",
        );
        assert_eq!(warned(&message), ["/traits/a/0/ltv"]);
        let strict = faults(&read_with(body, None, None, true));
        assert_eq!(strict[0], "/traits/a/0/ltv: Invalid JSON: NaN is not JSON; write null, or a string");
        let broken = read(r#"{"type":"identify","userId":"u","traits":{"a":"\x"}}"#);
        assert_eq!(faults(&broken), ["/traits/a: Invalid JSON: invalid escape in a string"]);
    }

    #[test]
    fn a_time_is_that_of_the_clock_or_a_fault_if_it_is_strict() {
        let body = r#"{"userId":"u","timestamp":"2002-01-01T00:00:00Z"}"#;
        let message = read_with(body, Some("identify"), Some(NOW), false);
        same_as(&message, &format!(r#"{{"user_id":"u","as_of":"{}"}}"#, Timestamp::from_ms(NOW)));
        assert_eq!(warned(&message), ["timestamp"]);
        let strict = read_with(r#"{"userId":"u","timestamp":7}"#, Some("identify"), None, true);
        assert_eq!(faults(&strict), ["timestamp: Expected string, received number"]);
    }
}
