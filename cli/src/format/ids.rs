//! A list of ids, one a line.

use super::raw_record::RawRecord;
use super::reader::TableForm;
use super::user_json::UserJson;
use crate::record::{Record, RejectReason, Rejection};
use roster::json;

/// Refused ids are a table, whose rows have room for the reason.
pub fn form() -> TableForm {
    TableForm { header: b"user_id".to_vec(), delimiter: b',', has_mark: false }
}

/// The deletion of the user whose id the line is. No id has white space at its ends.
pub fn parse_line(raw: &RawRecord) -> Result<Record, Rejection> {
    let text = raw.text.trim_ascii();
    let Ok(id) = str::from_utf8(text) else {
        return Err(Rejection::new(raw.line, cell(text), &RejectReason::Unreadable("Not UTF-8".into())));
    };
    let deletion = UserJson::deletion(id).finish();
    let record = Record::from_object(&json::parse_object(deletion.as_bytes()).unwrap_or_default());
    Ok(record(raw.line, deletion, Some(cell(text))))
}

/// As it stands in a table.
fn cell(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| b"\",\r\n".contains(byte)) {
        return text.to_vec();
    }
    let quoted = text.iter().flat_map(|byte| if *byte == b'"' { vec![b'"', b'"'] } else { vec![*byte] });
    [b'"'].into_iter().chain(quoted).chain([b'"']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_deletion_of_its_id() {
        for (line, json, row) in [
            ("user_123", r#"{"user_id":"user_123","delete":true}"#, "user_123"),
            (" a b\t\r", r#"{"user_id":"a b","delete":true}"#, "a b"),
            (r#"a"b,c"#, r#"{"user_id":"a\"b,c","delete":true}"#, r#""a""b,c""#),
            ("{}", r#"{"user_id":"{}","delete":true}"#, "{}"),
        ] {
            let record = parse_line(&RawRecord { line: 7, text: line.into(), ..RawRecord::default() }).unwrap();
            assert_eq!((record.line, record.json.as_str()), (7, json));
            assert_eq!(String::from_utf8(record.row.unwrap()).unwrap(), row);
        }
        let refused = parse_line(&RawRecord { line: 7, text: b"a\xff".to_vec(), ..RawRecord::default() });
        assert_eq!(refused.unwrap_err().record, b"a\xff");
    }
}
