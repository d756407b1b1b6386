//! A value of `properties` or `origin` as a cell of CSV.
//!
//! A cell that reads as JSON is that JSON, with its digits; any other text is a string; an empty cell is no value. So a
//! string that is empty or would read as JSON is written with JSON's quotes.

use roster::json::{self, Value};

/// The JSON text that a cell stands for.
pub fn to_json(cell: &str) -> Option<String> {
    if cell.is_empty() {
        return None;
    }
    if is_json(cell) {
        return Some(cell.into());
    }
    Some(json::string(cell))
}

/// The cell that stands for a value.
pub fn of(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !is_json(text) => text.clone().into_owned(),
        value => value.to_string(),
    }
}

fn is_json(text: &str) -> bool {
    json::parse(text.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_and_what_they_stand_for() {
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
    fn a_string_that_reads_as_json_is_quoted() {
        for (text, cell) in [
            ("x", "x"),
            ("", r#""""#),
            ("5", r#""5""#),
            (" 5 ", r#"" 5 ""#),
            ("null", r#""null""#),
            (r#""""#, r#""\"\"""#),
            ("2023-06-15", "2023-06-15"),
        ] {
            assert_eq!(of(&Value::String(text.into())), cell);
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof!["\\PC{0,12}", r#"[ \[\]{}:,"a\\u0-9.eE+\-tfnrl\r\n]{0,10}"#, "-?[0-9]{1,30}(\\.[0-9]{1,9})?"]
    }

    proptest! {
        #[test]
        fn any_string_comes_back(text in any_text()) {
            let json = to_json(&of(&Value::String(text.as_str().into()))).unwrap();
            prop_assert_eq!(json::parse(json.as_bytes()).unwrap(), Value::String(text.into()));
        }

        #[test]
        fn any_json_comes_back_digit_for_digit(text in any_text(), key in "\\PC{1,4}") {
            let [string, name] = [&text, &key].map(|text| json::string(text));
            for json in [string.clone(), format!("[{string},1.10]"), format!("{{{name}:{string}}}"), text] {
                if let Ok(value) = json::parse(json.as_bytes()) {
                    let cell = of(&value);
                    let back = to_json(&cell).unwrap();
                    prop_assert_eq!(json::parse(back.as_bytes()).unwrap(), value);
                }
            }
        }
    }
}
