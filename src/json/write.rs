//! Writing JSON: the shortest text, with no white space and only the escapes that RFC 8259 demands.

use super::{Object, Value};
use std::fmt;

impl Value<'_> {
    /// Appends the JSON text of this value: null where it is broken.
    pub fn write(&self, out: &mut String) {
        match self {
            Value::Null | Value::Broken(_) => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(digits) => out.push_str(digits),
            Value::String(text) => write_string(text, out),
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(object) => object.write(out),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = String::new();
        self.write(&mut json);
        f.write_str(&json)
    }
}

impl Object<'_> {
    /// Appends the JSON text of this object.
    pub fn write(&self, out: &mut String) {
        out.push('{');
        for (i, (name, value)) in self.members.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_string(name, out);
            out.push(':');
            value.write(out);
        }
        out.push('}');
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = String::new();
        self.write(&mut json);
        f.write_str(&json)
    }
}

/// Writes an object from values that are already JSON text.
#[derive(Debug)]
pub struct ObjectWriter(String);

impl Default for ObjectWriter {
    fn default() -> Self {
        ObjectWriter("{".into())
    }
}

impl ObjectWriter {
    /// Appends a member whose value is this JSON text.
    pub fn member(&mut self, name: &str, json: &str) {
        if !self.is_empty() {
            self.0.push(',');
        }
        write_string(name, &mut self.0);
        self.0.push(':');
        self.0.push_str(json);
    }

    /// True if it has no member yet.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 1
    }

    /// The text of the whole object.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The JSON text of a string.
pub fn string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    write_string(text, &mut json);
    json
}

/// Appends a string with its quotes.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use proptest::prelude::*;

    #[test]
    fn no_string_is_written_longer_than_it_can_be_sent() {
        for text in [r#""\b\f\n\r\t\"\\""#, r#""\u0000\u001f""#, "\"/\u{7f}\u{e9}\u{2028}\""] {
            assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_object_is_written_member_by_member() {
        let mut object = ObjectWriter::default();
        assert!(object.is_empty());
        object.member("a\"", "1.10");
        object.member("b", "{}");
        assert_eq!(object.finish(), r#"{"a\"":1.10,"b":{}}"#);
    }

    proptest! {
        #[test]
        fn what_it_writes_reads_back_the_same(text in "\\PC*|[\\x00-\\x1f\"\\\\]*") {
            let json = string(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert_eq!(parse(json.as_bytes()).unwrap(), Value::String(text.into()));
        }
    }
}
