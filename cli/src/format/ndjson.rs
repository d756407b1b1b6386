//! JSON: an object a line, or the elements of a list.

use super::objects::Objects;
use super::raw_record::RawRecord;
use crate::record::{Record, RejectReason, Rejection};
use roster::json::{self, ObjectError, SyntaxError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A line of a file of refused records. No user has these members, so that it can't be mistaken for one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RejectionIn<'a> {
    #[serde(rename = "line")]
    _line: u64,
    #[serde(borrow)]
    record: &'a RawValue,
    #[serde(rename = "error")]
    _error: IgnoredAny,
}

/// The text of a record. A line of a file of refused records stands for the record in it.
pub fn record_text(raw: RawRecord) -> Vec<u8> {
    let RawRecord { mut text, .. } = raw;
    if let Ok(rejection) = serde_json::from_slice::<RejectionIn>(&text) {
        // A record that was no JSON object is the text inside a string.
        let record = rejection.record.get();
        text = serde_json::from_str(record).map_or_else(|_| record.into(), String::into_bytes);
    }
    text
}

/// Parses a record with the server's own reader, so that one that is not JSON can't spoil its batch. `objects` says where
/// members of other names go.
pub fn parse_record(raw: RawRecord, objects: Option<&Objects>) -> Result<Record, Rejection> {
    let line = raw.line;
    let text = record_text(raw);
    let parsed = json::parse_object(&text);
    if let (Some(objects), Ok(object)) = (objects, &parsed) {
        return objects.map(line, object);
    }
    let record = parsed.map(|object| Record::from_object(&object)).map_err(|error| match error {
        ObjectError::Syntax(error) => RejectReason::Unreadable(format!("Not JSON: {}", in_file(error, line))),
        ObjectError::Type(received) => RejectReason::NotAnObject(received),
    });
    let record = record.map_err(|reason| Rejection::from_text(line, &text, &reason))?;
    Ok(record(line, String::from_utf8(text).unwrap_or_default(), None))
}

/// Gives the error the line of the file: the reader counts from the record.
fn in_file(error: SyntaxError, line: u64) -> SyntaxError {
    let mut error = error;
    error.line += usize::try_from(line).unwrap_or(1) - 1;
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Record, Rejection> {
        parse_record(RawRecord { line: 4, text: text.into(), ..RawRecord::default() }, None)
    }

    #[test]
    fn an_error_names_the_line_of_the_file() {
        let refused = parse(r#"{"user_id":"c""#).unwrap_err();
        assert!(refused.error.get().contains("Not JSON: unexpected end at line 4, column 15"), "{}", refused.error);
    }

    #[test]
    fn a_refused_record_is_parsed_as_the_record_it_was() {
        let refused = |record: &str| parse(&format!(r#"{{"line":9,"record":{record},"error":{{"code":"X"}}}}"#));
        for user in
            [r#"{"user_id": "u", "properties": {"n": 1.10, "n": 2}}"#, r#"{"line":1,"record":{},"error":2,"x":3}"#]
        {
            assert_eq!(refused(user).unwrap().json, user);
            assert_eq!(parse(user).unwrap().json, user);
        }
        assert_eq!(refused(r#""{\"user_id\":\"u\"}""#).unwrap().json, r#"{"user_id":"u"}"#, "mended inside the string");
        let again = refused(r#""{\"user_id\":""#).unwrap_err();
        assert_eq!((again.line, again.record.as_slice()), (4, br#""{\"user_id\":""#.as_slice()));
    }
}
