//! Converts a value of `properties` or `origin` between JSON and a CSV cell.
//!
//! A cell that is valid JSON stands for that JSON, digit for digit; any other text is a string; an empty cell is no value.
//! Therefore a string that is empty or valid JSON itself is written with JSON's quotes; and so is one that a spreadsheet
//! would have written of another type, so that it can be known for one: `007`, `TRUE`.

use roster::json::{self, Value};
use std::borrow::Cow;

/// What a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For import: each cell says what it stands for.
    Exact,
    /// For people: no spreadsheet calculates what somebody stored.
    ForSpreadsheets,
}

impl Style {
    /// What stands before the table. Spreadsheets take a file without a byte order mark for one of an older encoding.
    pub fn prefix(self) -> &'static str {
        match self {
            Style::Exact => "",
            Style::ForSpreadsheets => "\u{feff}",
        }
    }

    /// The cell as it is written. In a spreadsheet, an apostrophe says that the rest is a text.
    /// Source: OWASP, "CSV Injection".
    pub fn cell(self, cell: &str) -> Cow<'_, str> {
        let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        if self == Style::ForSpreadsheets && is_formula { format!("'{cell}").into() } else { cell.into() }
    }
}

/// The JSON text of a cell. None if it is empty.
pub fn to_json(cell: &str) -> Option<String> {
    if cell.is_empty() {
        return None;
    }
    if is_json(cell) {
        return Some(cell.into());
    }
    Some(json::string(cell))
}

/// The cell of a value.
pub fn from_json(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !is_json(text) && !is_typed(text) => text.clone().into_owned(),
        value => value.to_string(),
    }
}

fn is_json(text: &str) -> bool {
    json::parse(text.as_bytes()).is_ok()
}

/// Whether a cell is a number with a zero before it.
pub fn is_zip(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_typed(text: &str) -> bool {
    is_zip(text) || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cell_stands_for_json_or_a_string() {
        for (cell, json) in [
            ("", None),
            ("premium", Some(r#""premium""#)),
            ("1.10", Some("1.10")),
            ("12345678901234567890123", Some("12345678901234567890123")),
            ("007", Some(r#""007""#)),
            ("+49", Some(r#""+49""#)),
            ("true", Some("true")),
            ("True", Some(r#""True""#)),
            ("null", Some("null")),
            (r#""""#, Some(r#""""#)),
            (r#""5""#, Some(r#""5""#)),
            (r#""5"#, Some(r#""\"5""#)),
            (r#"{"a": [1]}"#, Some(r#"{"a": [1]}"#)),
            ("[1,]", Some(r#""[1,]""#)),
            ("a\nb", Some(r#""a\nb""#)),
            (" ", Some(r#"" ""#)),
        ] {
            assert_eq!(to_json(cell).as_deref(), json, "{cell}");
        }
    }

    #[test]
    fn a_string_that_is_valid_json_is_quoted() {
        for (text, cell) in [
            ("x", "x"),
            ("", r#""""#),
            ("5", r#""5""#),
            (" 5 ", r#"" 5 ""#),
            ("007", r#""007""#),
            ("TRUE", r#""TRUE""#),
            ("null", r#""null""#),
            (r#""""#, r#""\"\"""#),
            ("2023-06-15", "2023-06-15"),
        ] {
            assert_eq!(from_json(&Value::String(text.into())), cell);
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof!["\\PC{0,12}", r#"[ \[\]{}:,"a\\u0-9.eE+\-tfnrl\r\n]{0,10}"#, "-?[0-9]{1,30}(\\.[0-9]{1,9})?"]
    }

    proptest! {
        #[test]
        fn any_string_comes_back(text in any_text()) {
            let json = to_json(&from_json(&Value::String(text.as_str().into()))).unwrap();
            prop_assert_eq!(json::parse(json.as_bytes()).unwrap(), Value::String(text.into()));
        }

        #[test]
        fn any_json_comes_back_digit_for_digit(text in any_text(), key in "\\PC{1,4}") {
            let [string, name] = [&text, &key].map(|text| json::string(text));
            for json in [string.clone(), format!("[{string},1.10]"), format!("{{{name}:{string}}}"), text] {
                if let Ok(value) = json::parse(json.as_bytes()) {
                    let cell = from_json(&value);
                    let back = to_json(&cell).unwrap();
                    prop_assert_eq!(json::parse(back.as_bytes()).unwrap(), value);
                }
            }
        }
    }
}
