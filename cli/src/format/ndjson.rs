//! NDJSON: one JSON object a line.

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

/// Parses a line with the server's own reader, so that a line that is not JSON can't spoil its batch. A line of a file of
/// refused records stands for the record in it.
pub fn parse_line(raw: RawRecord) -> Result<Record, Rejection> {
    let RawRecord { line, mut text, .. } = raw;
    if let Ok(rejection) = serde_json::from_slice::<RejectionIn>(&text) {
        // A record that was no JSON object is the text inside a string.
        let record = rejection.record.get();
        text = serde_json::from_str(record).map_or_else(|_| record.into(), String::into_bytes);
    }
    let record = json::parse_object(&text).map(|object| Record::from_object(&object)).map_err(|error| match error {
        ObjectError::Syntax(error) => RejectReason::Unreadable(format!("Not JSON: {}", in_file(error, line))),
        ObjectError::Type(received) => RejectReason::NotAnObject(received),
    });
    let record = record.map_err(|reason| Rejection::from_text(line, &text, &reason))?;
    Ok(record(line, String::from_utf8(text).unwrap_or_default(), None))
}

/// Gives the error the line of the file: the reader counts from the record, which is one line.
fn in_file(error: SyntaxError, line: u64) -> SyntaxError {
    let mut error = error;
    error.line = usize::try_from(line).unwrap_or(error.line);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    fn parse(text: &str) -> Result<Record, Rejection> {
        parse_line(RawRecord { line: 4, text: text.into(), is_cut: false, misquoted: None, end: Position::default() })
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
