//! The merge of a document and a patch: JSON Merge Patch (RFC 7396), to the byte.
//!
//! Where the RFC leaves a choice, it does as SQLite's `json_patch`: an existing member keeps its place, a new one is
//! appended in the order of the patch, and numbers keep their digits. A test compares the two.

use crate::json::{Object, Value};

/// Applies a patch to a document, neither of which has an object with equal names. It recurses as deep as the patch,
/// which [`crate::json::parse`] bounds.
pub fn merge<'a>(document: Value<'a>, patch: Value<'a>) -> Value<'a> {
    let Value::Object(patch) = patch else { return patch };
    let Object { mut members } = match document {
        Value::Object(object) => object,
        _ => Object::default(),
    };
    for (name, value) in patch.members {
        let place = members.iter().position(|(known, _)| *known == name);
        match (place, value) {
            (Some(place), Value::Null) => drop(members.remove(place)),
            (Some(place), value) => {
                let known = std::mem::replace(&mut members[place].1, Value::Null);
                members[place].1 = merge(known, value);
            }
            (None, Value::Null) => {}
            // RFC 7396: nulls inside a new object are dropped too.
            (None, value) => members.push((name, merge(Value::Null, value))),
        }
    }
    Value::Object(Object { members })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use proptest::prelude::*;

    #[track_caller]
    fn merged(document: &str, patch: &str) -> String {
        let [document, patch] = [document, patch].map(|text| json::parse(text.as_bytes()).unwrap());
        merge(document, patch).to_string()
    }

    #[test]
    fn it_does_what_appendix_a_of_the_rfc_shows() {
        for (document, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged(document, patch), result, "{document} {patch}");
        }
    }

    #[test]
    fn what_is_there_keeps_its_place_and_what_is_new_is_appended() {
        assert_eq!(merged(r#"{"a":1,"b":2,"c":3}"#, r#"{"d":4,"c":5,"a":6}"#), r#"{"a":6,"b":2,"c":5,"d":4}"#);
        assert_eq!(
            merged(r#"{"a":1,"b":2}"#, r#"{"a":null,"c":null,"b":{"x":null,"y":[null]}}"#),
            r#"{"b":{"y":[null]}}"#
        );
    }

    #[test]
    fn keys_are_compared_as_text_and_digits_are_kept() {
        assert_eq!(
            merged(r#"{"\u0061":1,"é":1}"#, r#"{"a":1.10,"e\u0301":-0}"#),
            "{\"a\":1.10,\"é\":1,\"e\u{301}\":-0}"
        );
    }

    proptest! {
        #[test]
        fn the_same_patch_twice_changes_nothing_more(document in any_json(), patch in any_json()) {
            let once = merged(&document, &patch);
            prop_assert_eq!(merged(&once, &patch), once);
        }
    }

    fn any_json() -> impl Strategy<Value = String> {
        "null|1|\"s\"".prop_recursive(4, 24, 4, |inner| {
            let members = prop::collection::btree_map("[a-d]", inner.clone(), 0..4);
            let member = |(key, value)| format!("\"{key}\":{value}");
            prop_oneof![
                3 => members.prop_map(move |members| members.into_iter().map(member).collect::<Vec<_>>().join(",")).prop_map(|members| format!("{{{members}}}")),
                1 => prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            ]
        })
    }
}
