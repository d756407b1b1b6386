//! The objects of a user that have members of any name: `properties` and `origin`.

use crate::bounds::{MAX_MEMBERS, MAX_NAME_CHARS, MAX_NESTING, MAX_OBJECT_MEMBERS};
use crate::input::fields::{FaultKind, Faults};
use crate::json::{Object, Value};

/// An object, if its keys and nesting are within the limits.
pub fn parse<'v, 'a>(value: &'v Value<'a>, faults: &mut Faults) -> Option<&'v Object<'a>> {
    let object = faults.object(value)?;
    // A null removes its member. The others are all stored, whatever the profile holds already.
    let kept = object.members.iter().filter(|(_, value)| *value != Value::Null).count();
    if kept > MAX_MEMBERS {
        faults.invalid(format!("Must have at most {MAX_MEMBERS} keys"));
    }
    check_object(object, MAX_NESTING, faults);
    Some(object)
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
        (Value::Broken(problem), _) => faults.push(FaultKind::NotJson(problem)),
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
    use crate::input::fields::FaultList;
    use crate::json;
    use crate::time::Timestamp;
    use crate::user::NewUser;

    fn parse(body: &str) -> Result<NewUser, FaultList> {
        NewUser::parse(&json::parse_object(body.as_bytes()).unwrap(), Timestamp::from_ms(0))
    }

    /// Each fault as `place: issue`.
    #[track_caller]
    fn faults(body: &str) -> Vec<String> {
        parse(body).unwrap_err().faults.iter().map(|f| format!("{}: {}", f.place(), f.kind)).collect()
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
}
