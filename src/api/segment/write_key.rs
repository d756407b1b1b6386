//! Where a client of Segment's protocol has its key.

use crate::api::http::Call;
use crate::json::{Object, Value};
use base64ct::{Base64Unpadded, Encoding};

/// The key of the headers: the user name of Basic (RFC 7617) if it is not empty, Bearer, or `X-Write-Key`.
pub fn of_headers(call: &Call) -> Option<String> {
    let header = call.authorization.as_deref().unwrap_or_default().trim();
    let (scheme, token) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    let of_authorization = match scheme.to_ascii_lowercase().as_str() {
        "basic" => user_name(token.trim()).filter(|name| !name.is_empty()),
        "bearer" => Some(token.trim().to_owned()),
        _ => None,
    };
    of_authorization.or_else(|| call.write_key.clone())
}

/// The key of a body: `writeKey` there, or in the first message of its batch.
pub fn of_body<'b>(body: &'b Object) -> Option<&'b str> {
    let key = |object: &'b Object| match object.get("writeKey") {
        Some(Value::String(key)) => Some(key.as_ref()),
        _ => None,
    };
    let first = || match body.get("batch") {
        Some(Value::Array(messages)) => messages.first().and_then(Value::object).and_then(key),
        _ => None,
    };
    key(body).or_else(first)
}

fn user_name(credentials: &str) -> Option<String> {
    let decoded = Base64Unpadded::decode_vec(credentials.trim_end_matches('=')).ok()?;
    let (name, _) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_first_place_that_has_a_key_counts() {
        let key = |authorization: Option<&str>, write_key: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            of_headers(&Call { authorization: own(authorization), write_key: own(write_key), ..Call::default() })
        };
        for (authorization, write_key, expected) in [
            (Some("Basic a2V5Og=="), Some("other"), Some("key")),
            (Some("basic a2V5OnBhc3M6d29yZA"), None, Some("key")),
            (Some("Bearer  key "), None, Some("key")),
            (Some("Basic Og=="), Some("key"), Some("key")),
            (Some("Basic a2V5"), None, None),
            (Some("Basic *"), None, None),
            (Some("Digest key"), Some("key"), Some("key")),
            (Some("Bearer"), Some("key"), Some("")),
            (None, Some("key"), Some("key")),
            (None, None, None),
        ] {
            assert_eq!(key(authorization, write_key).as_deref(), expected, "{authorization:?}");
        }
    }

    #[test]
    fn a_body_has_it_at_the_top_or_in_its_first_message() {
        for (body, expected) in [
            (r#"{"writeKey":"a","batch":[{"writeKey":"b"}]}"#, Some("a")),
            (r#"{"batch":[{"writeKey":"b"},{"writeKey":"c"}]}"#, Some("b")),
            (r#"{"writeKey":null,"batch":[{"writeKey":"b"}]}"#, Some("b")),
            (r#"{"batch":[{},{"writeKey":"c"}]}"#, None),
            (r#"{"batch":[7]}"#, None),
            (r#"{"batch":[],"context":{"writeKey":"d"}}"#, None),
        ] {
            assert_eq!(of_body(&json::parse_object(body.as_bytes()).unwrap()), expected, "{body}");
        }
    }
}
