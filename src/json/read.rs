//! Reading JSON (RFC 8259), strictly. An error says line and column.

use super::error::{ObjectError, SyntaxError};
use super::{Object, Value};
use std::borrow::Cow;

/// Containers below this depth are checked for syntax and come back empty, so that no input can grow the stack.
/// Every rule on depth (see [`crate::user`]) is stricter.
const MAX_DEPTH: usize = 32;

/// Reads one JSON text that is an object.
pub fn parse_object(bytes: &[u8]) -> Result<Object<'_>, ObjectError> {
    object_of(parse(bytes))
}

/// Does what [`parse_object`] does, but reads a lone surrogate as U+FFFD. JavaScript and Python write them when a text was cut
/// in the middle of an emoji.
pub fn parse_object_lossy(bytes: &[u8]) -> Result<Object<'_>, ObjectError> {
    object_of(parse_with(bytes, Some(char::REPLACEMENT_CHARACTER)))
}

fn object_of(parsed: Result<Value<'_>, SyntaxError>) -> Result<Object<'_>, ObjectError> {
    match parsed.map_err(ObjectError::Syntax)? {
        Value::Object(object) => Ok(object),
        other => Err(ObjectError::Type(other.type_name())),
    }
}

/// A container that has not ended yet.
enum Open<'a> {
    Array(Vec<Value<'a>>),
    Object(Object<'a>, Cow<'a, str>),
}

/// Reads one JSON text. It does not recurse, so any depth of nesting is safe.
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, SyntaxError> {
    parse_with(bytes, None)
}

fn parse_with(bytes: &[u8], lone_surrogate: Option<char>) -> Result<Value<'_>, SyntaxError> {
    let text = text_of(bytes)?;
    let mut reader = Reader { text, at: 0, lone_surrogate };
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut value = match reader.begin()? {
            Begun::Value(value) => value,
            Begun::Container(container) => {
                open.push(container);
                continue;
            }
        };
        // The value is complete: add it to its container, and close each container that ends here.
        loop {
            let keep = open.len() <= MAX_DEPTH;
            value = match open.pop() {
                None => return reader.end(value),
                Some(Open::Array(mut items)) => {
                    if keep {
                        items.push(value);
                    }
                    if reader.closes(b']', "expected `,` or `]`")? {
                        Value::Array(items)
                    } else {
                        open.push(Open::Array(items));
                        break;
                    }
                }
                Some(Open::Object(mut object, name)) => {
                    if keep {
                        object.members.push((name, value));
                    }
                    if reader.closes(b'}', "expected `,` or `}`")? {
                        Value::Object(object)
                    } else {
                        let name = reader.name()?;
                        open.push(Open::Object(object, name));
                        break;
                    }
                }
            };
        }
    }
}

/// The bytes as UTF-8, or an error that names the encoding they seem to have.
fn text_of(bytes: &[u8]) -> Result<&str, SyntaxError> {
    let encoding = match bytes {
        [0x1f, 0x8b, ..] => Some("gzip data; say so with `Content-Encoding: gzip`"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => Some("UTF-16 or UTF-32; send UTF-8"),
        [0xef, 0xbb, 0xbf, ..] => Some("byte order mark; send UTF-8 without one"),
        _ => None,
    };
    if let Some(problem) = encoding {
        return Err(SyntaxError::behind("", problem));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        SyntaxError::behind(&before, "invalid UTF-8")
    })
}

/// Values of other languages, and what to write in JSON.
const FOREIGN_VALUES: [(&str, &str); 8] = [
    ("NaN", "NaN is not JSON; write null, or a string"),
    ("Infinity", "Infinity is not JSON; write null, or a string"),
    ("undefined", "undefined is not JSON; write null, or leave the member out"),
    ("None", "None is not JSON; write null"),
    ("True", "True is not JSON; write true"),
    ("False", "False is not JSON; write false"),
    ("'", "a string needs double quotes, not single ones"),
    ("/", "a comment is not JSON; leave it out"),
];

enum Begun<'a> {
    Value(Value<'a>),
    Container(Open<'a>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What a lone surrogate is read as. None: it is an error.
    lone_surrogate: Option<char>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn error(&self, problem: &'static str) -> SyntaxError {
        let problem = if self.at == self.text.len() { "unexpected end" } else { problem };
        SyntaxError::behind(&self.text[..self.at], problem)
    }

    /// Reads a scalar, an empty container, or the opening of any other container.
    fn begin(&mut self) -> Result<Begun<'a>, SyntaxError> {
        self.skip_space();
        let value = match self.peek() {
            Some(b'{') => {
                self.at += 1;
                self.skip_space();
                if !self.eat(b'}') {
                    return Ok(Begun::Container(Open::Object(Object::default(), self.name()?)));
                }
                Value::Object(Object::default())
            }
            Some(b'[') => {
                self.at += 1;
                self.skip_space();
                if !self.eat(b']') {
                    return Ok(Begun::Container(Open::Array(Vec::new())));
                }
                Value::Array(Vec::new())
            }
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            _ if self.word("null") => Value::Null,
            _ if self.word("true") => Value::Bool(true),
            _ if self.word("false") => Value::Bool(false),
            Some(b']' | b'}') if self.text[..self.at].trim_end().ends_with(',') => {
                return Err(self.error("trailing comma; remove it"));
            }
            Some(b'+') => return Err(self.error("a number must not begin with `+`")),
            Some(b'.') => return Err(self.error("a number needs a digit before its `.`")),
            _ => return Err(self.error(self.foreign_value().unwrap_or("expected a value"))),
        };
        Ok(Begun::Value(value))
    }

    /// The problem with a value that is not JSON's, if one is here.
    fn foreign_value(&self) -> Option<&'static str> {
        let text = &self.text[self.at..];
        FOREIGN_VALUES.iter().find(|(word, _)| text.starts_with(word)).map(|(_, problem)| *problem)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn end(mut self, value: Value<'a>) -> Result<Value<'a>, SyntaxError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(value) } else { Err(self.error("unexpected trailing characters")) }
    }

    /// After a member: true if the container ends with `close` here, false if a comma promises another.
    fn closes(&mut self, close: u8, expected: &'static str) -> Result<bool, SyntaxError> {
        self.skip_space();
        if self.eat(close) {
            Ok(true)
        } else if self.eat(b',') {
            Ok(false)
        } else {
            Err(self.error(expected))
        }
    }

    fn name(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => {}
            Some(b'}') => return Err(self.error("trailing comma; remove it")),
            Some(b'/') => return Err(self.error("a comment is not JSON; leave it out")),
            _ => return Err(self.error("expected a member name in double quotes")),
        }
        let name = self.string()?;
        self.skip_space();
        if self.eat(b':') { Ok(name) } else { Err(self.error("expected `:`")) }
    }

    fn number(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits().map_err(|error| self.foreign_value().map_or(error, |problem| self.error(problem)))?;
        } else if let Some(b'0'..=b'9') = self.peek() {
            return Err(self.error("a number must not begin with 0; leave it out, or send a string"));
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.error("expected a digit")) }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        self.at += 1;
        let mut decoded = String::new();
        let mut start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let tail = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(if decoded.is_empty() { Cow::Borrowed(tail) } else { Cow::Owned(decoded + tail) });
                }
                Some(b'\\') => {
                    decoded.push_str(&self.text[start..self.at]);
                    self.at += 1;
                    decoded.push(self.escape()?);
                    start = self.at;
                }
                Some(b'\n' | b'\r') => return Err(self.error("line break in a string; write \\n, or end it with `\"`")),
                Some(b'\t') => return Err(self.error("tab in a string; write \\t")),
                Some(0..=0x1f) => return Err(self.error("control character in a string; write \\u and four digits")),
                Some(_) => self.at += 1,
                None => return Err(self.error("unexpected end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.error("invalid escape in a string")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.at;
        let mut unit = self.code_unit()?;
        let after_first = self.at;
        if (0xd800..0xdc00).contains(&unit) && self.word("\\") && self.peek() == Some(b'u') {
            let low = self.code_unit()?;
            if (0xdc00..0xe000).contains(&low) {
                unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        if let Some(c) = char::from_u32(unit) {
            return Ok(c);
        }
        self.at = if self.lone_surrogate.is_some() { after_first } else { start };
        self.lone_surrogate.ok_or_else(|| self.error("lone surrogate in a string"))
    }

    /// `uXXXX`, after its backslash.
    fn code_unit(&mut self) -> Result<u32, SyntaxError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit * 16 + digit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lone_surrogate_is_replaced_where_that_is_wanted() {
        for (text, read) in [
            (r"\ud83d", "\u{fffd}"),
            (r"a\ud83db", "a\u{fffd}b"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ude00", "😀"),
        ] {
            let json = format!(r#"{{"k":"{text}"}}"#);
            let object = parse_object_lossy(json.as_bytes()).unwrap();
            assert_eq!(object.get("k"), Some(&Value::String(read.into())), "{text}");
        }
    }

    #[track_caller]
    fn rewritten(text: &str) -> String {
        parse(text.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn numbers_keep_their_digits_and_strings_lose_needless_escapes() {
        let text = " { \"a\" : [ 1.10 , -0, 1e400, 12345678901234567890123 ], \"\\u0041\\/\" : \"\\ud83d\\ude00\\u0000\\n\" } ";
        assert_eq!(rewritten(text), r#"{"a":[1.10,-0,1e400,12345678901234567890123],"A/":"😀\u0000\n"}"#);
    }

    #[test]
    fn equal_names_are_all_kept() {
        assert_eq!(rewritten(r#"{"a":1,"a":2}"#), r#"{"a":1,"a":2}"#);
    }

    #[test]
    fn an_error_says_what_is_wrong_and_where() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "unexpected end at line 1, column 1"),
            (b"{\"a\":1", "unexpected end at line 1, column 7"),
            (b"{\n  \"a\": 1,\n}", "trailing comma at line 3, column 1; remove it"),
            (b"[1, ]", "trailing comma at line 1, column 5; remove it"),
            (b"{\"a\":]", "expected a value at line 1, column 6"),
            (b"[1 2]", "expected `,` or `]` at line 1, column 4"),
            (b"{} x", "unexpected trailing characters at line 1, column 4"),
            (b"-01", "a number must not begin with 0 at line 1, column 3; leave it out, or send a string"),
            (b"+1", "a number must not begin with `+` at line 1, column 1"),
            (b".5", "a number needs a digit before its `.` at line 1, column 1"),
            (b"[NaN]", "NaN is not JSON at line 1, column 2; write null, or a string"),
            (b"-Infinity", "Infinity is not JSON at line 1, column 2; write null, or a string"),
            (b"undefined", "undefined is not JSON at line 1, column 1; write null, or leave the member out"),
            (b"None", "None is not JSON at line 1, column 1; write null"),
            (b"'a'", "a string needs double quotes, not single ones at line 1, column 1"),
            (b"// a", "a comment is not JSON at line 1, column 1; leave it out"),
            (b"{/* a */}", "a comment is not JSON at line 1, column 2; leave it out"),
            (b"1.x", "expected a digit at line 1, column 3"),
            (b"nul", "expected a value at line 1, column 1"),
            (b"\"a\x00\"", "control character in a string at line 1, column 3; write \\u and four digits"),
            (b"\"a\n\"", "line break in a string at line 1, column 3; write \\n, or end it with `\"`"),
            (b"\"a\t\"", "tab in a string at line 1, column 3; write \\t"),
            (b"\"\\x\"", "invalid escape in a string at line 1, column 3"),
            (b"\"\\u12g4\"", "expected four hexadecimal digits at line 1, column 6"),
            (b"\"\\ud800\"", "lone surrogate in a string at line 1, column 3"),
            (b"\"\\ud800\\u0041\"", "lone surrogate in a string at line 1, column 3"),
            (b"\"\\udc00\"", "lone surrogate in a string at line 1, column 3"),
            (b"\xef\xbb\xbf{}", "byte order mark at line 1, column 1; send UTF-8 without one"),
            (b"\xff\xfe{\0", "UTF-16 or UTF-32 at line 1, column 1; send UTF-8"),
            (b"{\0}\0", "UTF-16 or UTF-32 at line 1, column 1; send UTF-8"),
            (b"\0{\0}", "UTF-16 or UTF-32 at line 1, column 1; send UTF-8"),
            (b"\x1f\x8b\x08", "gzip data at line 1, column 1; say so with `Content-Encoding: gzip`"),
            (b"\"\xc3\xa9\xff\"", "invalid UTF-8 at line 1, column 3"),
            (b"{'a':1}", "expected a member name in double quotes at line 1, column 2"),
            (b"{\"a\" 1}", "expected `:` at line 1, column 6"),
        ];
        for (body, message) in cases {
            assert_eq!(parse(body).unwrap_err().to_string(), *message, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn any_depth_is_read_without_recursion() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let mut depth = 0;
        let mut value = parse(deep.as_bytes()).unwrap();
        while let Value::Array(mut items) = value {
            depth += 1;
            value = items.pop().unwrap_or(Value::Null);
        }
        assert_eq!(depth, MAX_DEPTH + 1);
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn it_accepts_exactly_what_serde_json_accepts(text in r#"[ \[\]{}:,"a\\u0-9.eE+\-tfnrl]{0,24}"#) {
            let theirs = serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_ok()
                && serde_json::from_str::<serde_json::Value>(&text).map_or_else(|e| e.to_string().contains("out of range"), |_| true);
            prop_assert_eq!(parse(text.as_bytes()).is_ok(), theirs);
        }
    }
}
