//! One JSON object a line.

use crate::frame::Frame;
use crate::record::{LocalError, Record, Refused};
use roster::json::{self, ObjectError, SyntaxError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A line of a file of refused records. No user has these members, so that the two can't be confused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedIn<'a> {
    #[serde(rename = "line")]
    _line: u64,
    #[serde(borrow)]
    record: &'a RawValue,
    #[serde(rename = "error")]
    _error: IgnoredAny,
}

/// Reads a line as the server will, so that one that is not JSON can't spoil a batch. Of a refused record it takes the
/// record.
pub fn read(frame: Frame) -> Result<Record, Refused> {
    let Frame { line, mut text, .. } = frame;
    if let Ok(refused) = serde_json::from_slice::<RefusedIn>(&text) {
        // What was no JSON stands there as a string.
        text =
            serde_json::from_str(refused.record.get()).map_or_else(|_| refused.record.get().into(), String::into_bytes);
    }
    let record = json::parse_object(&text).map(|object| Record::of(&object)).map_err(|error| match error {
        ObjectError::Syntax(error) => LocalError::Unreadable(format!("Not JSON: {}", in_file(error, line))),
        ObjectError::Type(received) => LocalError::NotAnObject(received),
    });
    let record = record.map_err(|error| Refused::text(line, &text, &error))?;
    Ok(record(line, String::from_utf8(text).unwrap_or_default()))
}

/// The place in the file: a record is one line.
fn in_file(error: SyntaxError, line: u64) -> SyntaxError {
    let mut error = error;
    error.line = usize::try_from(line).unwrap_or(error.line);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Mark;

    fn read_line(text: &str) -> Result<Record, Refused> {
        read(Frame { line: 4, text: text.into(), is_cut: false, end: Mark::default() })
    }

    #[test]
    fn an_error_is_told_with_the_line_of_the_file() {
        let refused = read_line(r#"{"user_id":"c""#).unwrap_err();
        assert!(refused.error.get().contains("Not JSON: unexpected end at line 4, column 15"), "{}", refused.error);
    }

    #[test]
    fn a_refused_record_is_read_as_the_record_it_was() {
        let refused = |record: &str| read_line(&format!(r#"{{"line":9,"record":{record},"error":{{"code":"X"}}}}"#));
        for user in
            [r#"{"user_id": "u", "properties": {"n": 1.10, "n": 2}}"#, r#"{"line":1,"record":{},"error":2,"x":3}"#]
        {
            assert_eq!(refused(user).unwrap().json, user);
            assert_eq!(read_line(user).unwrap().json, user);
        }
        assert_eq!(refused(r#""{\"user_id\":\"u\"}""#).unwrap().json, r#"{"user_id":"u"}"#, "mended inside the string");
        let again = refused(r#""{\"user_id\":""#).unwrap_err();
        assert_eq!((again.line, again.record.get()), (4, r#""{\"user_id\":""#));
    }
}
