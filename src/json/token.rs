//! The tokens of JSON, and what a text has in their place that is not JSON.

use super::Value;
use std::borrow::Cow;

/// Something that is not JSON.
pub(super) struct Problem {
    pub at: usize,
    pub text: &'static str,
    /// Whether the reader stands behind the value that has it. If not, where the container goes on is in doubt.
    pub is_behind: bool,
}

pub(super) const NAN: &str = "NaN is not JSON; write null, or a string";
pub(super) const INFINITY: &str = "Infinity is not JSON; write null, or a string";
pub(super) const COMMENT: &str = "a comment is not JSON; leave it out";
const END: &str = "unexpected end";
pub(super) const TRAILING_COMMA: &str = "trailing comma; remove it";

/// Values of other languages, and what to write in JSON.
const FOREIGN_VALUES: [(&str, &str); 9] = [
    ("NaN", NAN),
    ("Infinity", INFINITY),
    ("-Infinity", INFINITY),
    ("undefined", "undefined is not JSON; write null, or leave the member out"),
    ("None", "None is not JSON; write null"),
    ("True", "True is not JSON; write true"),
    ("False", "False is not JSON; write false"),
    ("'", "a string needs double quotes, not single ones"),
    ("/", COMMENT),
];

pub(super) struct Reader<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    /// Values in so many containers, and in more, may be broken.
    pub breakable_depth: usize,
    /// What a lone surrogate is read as. None: it is an error.
    pub lone_surrogate: Option<char>,
}

impl<'a> Reader<'a> {
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// A problem here.
    pub fn problem(&self, text: &'static str) -> Problem {
        let text = if self.at >= self.bytes.len() { END } else { text };
        Problem { at: self.at, text, is_behind: false }
    }

    pub fn scalar(&mut self) -> Result<Value<'a>, Problem> {
        let start = self.at;
        let scalar = match self.peek() {
            Some(b'"') => return self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            _ if self.word("null") => Ok(Value::Null),
            _ if self.word("true") => Ok(Value::Bool(true)),
            _ if self.word("false") => Ok(Value::Bool(false)),
            Some(b']' | b'}') if self.bytes[..self.at].trim_ascii_end().ends_with(b",") => Err(TRAILING_COMMA),
            Some(b'+') => Err("a number must not begin with `+`"),
            Some(b'.') => Err("a number needs a digit before its `.`"),
            _ => Err("expected a value"),
        };
        scalar.map_err(|text| {
            let problem = match self.foreign_value(start) {
                Some(text) => Problem { at: start, text, is_behind: false },
                None => self.problem(text),
            };
            self.skip_word();
            Problem { is_behind: self.at > start, ..problem }
        })
    }

    /// The problem with a value that is not JSON's, if one is here.
    fn foreign_value(&self, start: usize) -> Option<&'static str> {
        let rest = &self.bytes[start..];
        FOREIGN_VALUES.iter().find(|(word, _)| rest.starts_with(word.as_bytes())).map(|(_, problem)| *problem)
    }

    /// Moves behind what a value without quotes may consist of.
    fn skip_word(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    pub fn number(&mut self) -> Result<&'a str, &'static str> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        } else if let Some(b'0'..=b'9') = self.peek() {
            return Err("a number must not begin with 0; leave it out, or send a string");
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        self.text_from(start)
    }

    fn digits(&mut self) -> Result<(), &'static str> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err("expected a digit") }
    }

    /// The text between `start` and here.
    pub fn text_from(&mut self, start: usize) -> Result<&'a str, &'static str> {
        std::str::from_utf8(&self.bytes[start..self.at]).map_err(|error| {
            self.at = start + error.valid_up_to();
            "invalid UTF-8"
        })
    }

    pub fn string(&mut self) -> Result<Cow<'a, str>, Problem> {
        self.at += 1;
        self.characters().map_err(|text| {
            let problem = self.problem(text);
            self.skip_string();
            Problem { is_behind: true, ..problem }
        })
    }

    /// Moves behind the quote that ends the string in which the reader stands. False: there is none.
    pub fn skip_string(&mut self) -> bool {
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return true;
            }
        }
        self.at = self.bytes.len();
        false
    }

    fn characters(&mut self) -> Result<Cow<'a, str>, &'static str> {
        let mut decoded = String::new();
        let mut start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let tail = self.text_from(start)?;
                    self.at += 1;
                    return Ok(if decoded.is_empty() { Cow::Borrowed(tail) } else { Cow::Owned(decoded + tail) });
                }
                Some(b'\\') => {
                    decoded.push_str(self.text_from(start)?);
                    self.at += 1;
                    decoded.push(self.escape()?);
                    start = self.at;
                }
                Some(b'\n' | b'\r') => return Err("line break in a string; write \\n, or end it with `\"`"),
                Some(b'\t') => return Err("tab in a string; write \\t"),
                Some(0..=0x1f) => return Err("control character in a string; write \\u and four digits"),
                Some(_) => self.at += 1,
                None => return Err(END),
            }
        }
    }

    fn escape(&mut self) -> Result<char, &'static str> {
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err("invalid escape in a string"),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, &'static str> {
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
        self.lone_surrogate.ok_or("lone surrogate in a string")
    }

    /// `uXXXX`, after its backslash.
    fn code_unit(&mut self) -> Result<u32, &'static str> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit * 16 + digit.ok_or("expected four hexadecimal digits")?;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object_lossy;

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
}
