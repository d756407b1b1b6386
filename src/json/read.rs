//! Reading JSON (RFC 8259), strictly. An error says line and column.
//!
//! Of a list of users, what is wrong in one must not cost the others their data. So a reader may go on behind what is not
//! JSON, as long as its end is beyond doubt, and leave [`Value::Broken`] in its place.

use super::error::{ObjectError, SyntaxError};
use super::token::{COMMENT, Problem, Reader, TRAILING_COMMA};
use super::{Object, Value};
use std::borrow::Cow;

/// Containers below this depth are checked for syntax and come back empty, so that no input can grow the stack.
/// Every rule on depth (see [`crate::user`]) is stricter.
const MAX_DEPTH: usize = 32;

/// Reads one JSON text.
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, SyntaxError> {
    Reader { bytes, at: 0, breakable_depth: usize::MAX, lone_surrogate: None }.read()
}

/// Reads one JSON text that is an object.
pub fn parse_object(bytes: &[u8]) -> Result<Object<'_>, ObjectError> {
    object_of(parse(bytes))
}

/// Reads one JSON text that is an object. The elements of its arrays, and what is in them, may be broken.
pub fn parse_elements(bytes: &[u8]) -> Result<Object<'_>, ObjectError> {
    object_of(Reader { bytes, at: 0, breakable_depth: 2, lone_surrogate: None }.read())
}

/// Reads one JSON text that is an object, as SDKs write it: its members may be broken, and a lone surrogate is U+FFFD.
/// JavaScript and Python write one when a text was cut in the middle of an emoji.
pub fn parse_object_lossy(bytes: &[u8]) -> Result<Object<'_>, ObjectError> {
    let lone_surrogate = Some(char::REPLACEMENT_CHARACTER);
    object_of(Reader { bytes, at: 0, breakable_depth: 1, lone_surrogate }.read())
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
    /// With the name of the member that is read.
    Object(Object<'a>, Cow<'a, str>),
}

impl<'a> Reader<'a> {
    /// Reads the whole text. It does not recurse, so any depth of nesting is safe.
    fn read(mut self) -> Result<Value<'a>, SyntaxError> {
        if let Some(problem) = foreign_encoding(self.bytes) {
            return Err(SyntaxError::behind(b"", problem));
        }
        let mut open = Vec::new();
        loop {
            let mut value = match self.begin(&mut open) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(problem) => self.broken(&problem, &mut open)?,
            };
            // The value is complete: add it to its container, and close each container that ends here.
            loop {
                if open.is_empty() {
                    return self.end(value);
                }
                value = match self.add(value, &mut open) {
                    Ok(Some(container)) => container,
                    Ok(None) => break,
                    Err(problem) => self.broken(&problem, &mut open)?,
                };
            }
        }
    }

    /// Reads a scalar or an empty container, or opens any other container; before it the name, if it has one.
    fn begin(&mut self, open: &mut Vec<Open<'a>>) -> Result<Option<Value<'a>>, Problem> {
        if let Some(Open::Object(_, name)) = open.last_mut() {
            *name = self.name()?;
        }
        self.skip_space();
        let (close, empty, container) = match self.peek() {
            Some(b'[') => (b']', Value::Array(Vec::new()), Open::Array(Vec::new())),
            Some(b'{') => (b'}', Value::Object(Object::default()), Open::Object(Object::default(), Cow::default())),
            _ => return self.scalar().map(Some),
        };
        self.at += 1;
        self.skip_space();
        if self.eat(close) {
            return Ok(Some(empty));
        }
        open.push(container);
        Ok(None)
    }

    /// Adds a value to the innermost container, and returns that if it ends here.
    fn add(&mut self, value: Value<'a>, open: &mut Vec<Open<'a>>) -> Result<Option<Value<'a>>, Problem> {
        let keep = open.len() <= MAX_DEPTH;
        let ends = match open.last_mut() {
            Some(Open::Array(items)) => {
                if keep {
                    items.push(value);
                }
                self.closes(b']', "expected `,` or `]`")?
            }
            Some(Open::Object(object, name)) => {
                if keep {
                    object.members.push((std::mem::take(name), value));
                }
                self.closes(b'}', "expected `,` or `}`")?
            }
            None => return Ok(Some(value)),
        };
        Ok(if ends { open.pop().map(Open::into_value) } else { None })
    }

    /// What stands for something that is not JSON: for the value that has the problem, or else for its container.
    fn broken(&mut self, problem: &Problem, open: &mut Vec<Open<'a>>) -> Result<Value<'a>, SyntaxError> {
        let container = if problem.is_behind { None } else { open.pop() };
        let goes_on = open.len() >= self.breakable_depth
            && container.map_or(problem.is_behind, |container| self.skip_container(container.close()));
        if goes_on {
            Ok(Value::Broken(problem.text))
        } else {
            Err(SyntaxError::behind(&self.bytes[..problem.at], problem.text))
        }
    }

    /// Moves behind the end of a container. False: it is in doubt, because brackets don't match, or because a string
    /// begins or ends where none can, so that a quote may be missing.
    fn skip_container(&mut self, close: u8) -> bool {
        let mut closes = vec![close];
        // Of the byte before the place of the problem nothing is known.
        let mut before = b',';
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => continue,
                b'"' => {
                    let begins = matches!(before, b'{' | b'[' | b',' | b':');
                    let ends = self.skip_string() && {
                        self.skip_space();
                        matches!(self.peek(), Some(b',' | b':' | b']' | b'}'))
                    };
                    if !begins || !ends {
                        return false;
                    }
                }
                b'[' => closes.push(b']'),
                b'{' => closes.push(b'}'),
                b']' | b'}' if closes.pop() != Some(byte) => return false,
                _ if closes.is_empty() => return true,
                _ => {}
            }
            before = byte;
        }
        false
    }

    fn end(mut self, value: Value<'a>) -> Result<Value<'a>, SyntaxError> {
        self.skip_space();
        if self.at == self.bytes.len() {
            Ok(value)
        } else {
            Err(SyntaxError::behind(&self.bytes[..self.at], "unexpected trailing characters"))
        }
    }

    /// After a member: true if the container ends with `close` here, false if a comma promises another.
    fn closes(&mut self, close: u8, expected: &'static str) -> Result<bool, Problem> {
        self.skip_space();
        if self.eat(close) {
            Ok(true)
        } else if self.eat(b',') {
            Ok(false)
        } else {
            Err(self.problem(expected))
        }
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Problem> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => {}
            Some(b'}') => return Err(self.problem(TRAILING_COMMA)),
            Some(b'/') => return Err(self.problem(COMMENT)),
            _ => return Err(self.problem("expected a member name in double quotes")),
        }
        let name = self.string().map_err(|problem| Problem { is_behind: false, ..problem })?;
        self.skip_space();
        if self.eat(b':') { Ok(name) } else { Err(self.problem("expected `:`")) }
    }
}

impl<'a> Open<'a> {
    fn into_value(self) -> Value<'a> {
        match self {
            Open::Array(items) => Value::Array(items),
            Open::Object(object, _) => Value::Object(object),
        }
    }

    fn close(&self) -> u8 {
        match self {
            Open::Array(_) => b']',
            Open::Object(..) => b'}',
        }
    }
}

/// Says of a text that can't be JSON what it seems to be.
fn foreign_encoding(bytes: &[u8]) -> Option<&'static str> {
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.%+[]".contains(byte);
    let name = bytes.iter().take_while(in_name).count();
    Some(match bytes {
        [0x1f, 0x8b, ..] => "gzip data; say so with `Content-Encoding: gzip`",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => "UTF-16 or UTF-32; send UTF-8",
        [0xef, 0xbb, 0xbf, ..] => "byte order mark; send UTF-8 without one",
        [b'-', b'-', ..] => "multipart form data; send JSON",
        _ if name > 0 && bytes.get(name) == Some(&b'=') => "form data; send JSON",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            (b"-Infinity", "Infinity is not JSON at line 1, column 1; write null, or a string"),
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
            (b"user_id=u&email=a%40b.c", "form data at line 1, column 1; send JSON"),
            (b"--X\r\nContent-Disposition: form-data", "multipart form data at line 1, column 1; send JSON"),
            (b"{'a':1}", "expected a member name in double quotes at line 1, column 2"),
            (b"{\"a\" 1}", "expected `:` at line 1, column 6"),
        ];
        for (body, message) in cases {
            assert_eq!(parse(body).unwrap_err().to_string(), *message, "{}", body.escape_ascii());
        }
    }

    /// What the elements of a list are read as.
    #[track_caller]
    fn elements(list: &str) -> String {
        let text = format!(r#"{{"users":[{list}]}}"#);
        let object = parse_elements(text.as_bytes()).unwrap();
        let Some(Value::Array(items)) = object.get("users") else { panic!("{object}") };
        let shown = |value: &Value| match value {
            Value::Broken(problem) => format!("({problem})"),
            other => other.to_string(),
        };
        items.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_broken_element_leaves_its_neighbours_whole() {
        for (element, read) in [
            ("NaN", "(NaN is not JSON; write null, or a string)"),
            ("-Infinity", "(Infinity is not JSON; write null, or a string)"),
            (r#""\ud800 \" \x""#, "(lone surrogate in a string)"),
            ("\"a\nb\"", "(line break in a string; write \\n, or end it with `\"`)"),
            ("1.x", "(expected a digit)"),
            ("tomorrow", "(expected a value)"),
            (r#"{"a":}"#, "(expected a value)"),
            (r#"{"a":1,}"#, "(trailing comma; remove it)"),
            (r#"{"a":1 "b":[{"c":2}]}"#, "(expected `,` or `}`)"),
            (r#"{a: "]"}"#, "(expected a member name in double quotes)"),
            ("{'a':'b'}", "(expected a member name in double quotes)"),
            (r#"{"\ud800":1}"#, "(lone surrogate in a string)"),
            (r#"{"a" "b"}"#, "(expected `:`)"),
            ("{/* a */}", "(a comment is not JSON; leave it out)"),
            (r#"{"a":NaN,"b":["\udc00",01],"c":[1,],"d":1}"#, r#"{"a":null,"b":[null,null],"c":null,"d":1}"#),
        ] {
            assert_eq!(
                elements(&format!(r#"{{"a":1}},{element},"b""#)),
                format!(r#"{{"a":1}} {read} "b""#),
                "{element}"
            );
        }
    }

    #[test]
    fn where_the_next_element_is_in_doubt_all_are_refused() {
        for (list, error) in [
            (r#"{"a":1},{"b":"}"#, "unexpected end at line 1, column 28"),
            (r#"{"a":[1},{"b":1}"#, "expected `,` or `]` at line 1, column 18"),
            (r#"{"a":1} {"b":1}"#, "expected `,` or `]` at line 1, column 19"),
            (r#"{"a":1},"#, "trailing comma at line 1, column 19; remove it"),
            (r#"{"a":"5" wide"},{"a":"5" wide"},{"b":1}"#, "expected `,` or `}` at line 1, column 20"),
            (r#"{"a":"b},{"a":"c},{"b":1}"#, "expected `,` or `}` at line 1, column 22"),
        ] {
            let text = format!(r#"{{"users":[{list}]}}"#);
            assert_eq!(parse_elements(text.as_bytes()).unwrap_err().to_string(), error, "{list}");
        }
        assert!(parse_elements(br#"{"users":NaN}"#).is_err());
        assert!(parse_elements(br#"{"users":[1],}"#).is_err());
    }

    #[test]
    fn a_member_that_an_sdk_breaks_is_read_over() {
        let mut object = parse_object_lossy(br#"{"c":"\x","d~":[1,{"e":Infinity}],"a":NaN,"b":-Infinity}"#).unwrap();
        assert_eq!(object.null_non_finite().as_deref(), Some("/d~0/1/e"));
        assert_eq!(object.null_non_finite(), None);
        assert_eq!(object.to_string(), r#"{"c":null,"d~":[1,{"e":null}],"a":null,"b":null}"#);
        assert_eq!(object.get("c"), Some(&Value::Broken("invalid escape in a string")));
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

        #[test]
        fn a_broken_element_never_swallows_its_neighbours(element in r#"[ \[\]{}:,"\\N1a\n]{0,16}"#) {
            let text = format!(r#"{{"l":[{{"a":1}},{element},{{"b":2}}]}}"#);
            if let Ok(object) = parse_elements(text.as_bytes()) {
                let Some((_, Value::Array(last))) = object.members.last() else { panic!("{object}") };
                let Some(Value::Array(first)) = object.get("l") else { panic!("{object}") };
                prop_assert_eq!(first[0].to_string(), r#"{"a":1}"#);
                prop_assert_eq!(last[last.len() - 1].to_string(), r#"{"b":2}"#);
            }
        }
    }
}
