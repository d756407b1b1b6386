//! Values of Rust's types from JSON, by serde: rows, and the messages and states of Roster's own parts.
//!
//! serde_json writes them. To read them too, it leaves several times as much code of each type: it reads a struct from an array
//! as well, and says in words what it can't read.
//!
//! What is read: structs; enums by the names of their variants; tuples, lists, options, booleans, owned texts and `RawValue`;
//! whole numbers that are not negative; maps, whose names are texts, or such numbers in quotes. All of that is read as
//! serde_json reads it, but a struct from an array. What else there is, as negative numbers, fractions and borrowed texts, is an
//! error and never another value.
//!
//! The types bound how deep it goes, so none of them may contain itself. None has flattened members or an enum with another
//! tag either: serde reads those into a buffer first, and then by a second reader of each type.

mod parts;

use super::Value;
use super::token::Reader;
use parts::{Items, Variant};
use serde::de::value::MapDeserializer;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::fmt;

/// By this name serde_json's `RawValue` asks for a value's own text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Reads a text that is one value of JSON.
pub fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, breakable_depth: usize::MAX, lone_surrogate: None };
    let value = T::deserialize(&mut reader);
    reader.skip_space();
    match value {
        Ok(value) if reader.at == text.len() => Ok(value),
        _ => Err(Unreadable { at: reader.at }),
    }
}

/// A text is not what it should be. It repeats nothing of the text, which may be user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Behind how many bytes that shows.
    pub at: usize,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't be read at byte {}", self.at)
    }
}

impl std::error::Error for Unreadable {}

/// Something does not fit, where the reader stands.
#[derive(Debug)]
pub(super) struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unfit")
    }
}

impl std::error::Error for Unfit {}

impl de::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Unfit
    }
}

impl<'de> Reader<'de> {
    fn expect(&mut self, byte: u8) -> Result<(), Unfit> {
        self.skip_space();
        if self.eat(byte) { Ok(()) } else { Err(Unfit) }
    }

    /// The next value, which is in no container.
    fn plain(&mut self) -> Result<Value<'de>, Unfit> {
        self.skip_space();
        self.scalar().map_err(|_| Unfit)
    }

    fn text(&mut self) -> Result<Cow<'de, str>, Unfit> {
        match self.plain()? {
            Value::String(text) => Ok(text),
            _ => Err(Unfit),
        }
    }

    fn whole_number(&mut self) -> Result<u64, Unfit> {
        match self.plain()? {
            Value::Number(digits) => digits.parse().map_err(|_| Unfit),
            _ => Err(Unfit),
        }
    }

    fn skip_name(&mut self) -> Result<(), Unfit> {
        self.text()?;
        self.expect(b':')
    }

    /// The text of the next value, whatever it is. It does not recurse.
    fn any(&mut self) -> Result<&'de str, Unfit> {
        self.skip_space();
        let start = self.at;
        let mut ends = Vec::new();
        loop {
            self.skip_space();
            let end = match self.peek() {
                Some(b'{') => Some(b'}'),
                Some(b'[') => Some(b']'),
                _ => None,
            };
            if let Some(end) = end {
                self.at += 1;
                self.skip_space();
                if !self.eat(end) {
                    ends.push(end);
                    if end == b'}' {
                        self.skip_name()?;
                    }
                    continue;
                }
            } else {
                self.plain()?;
            }
            while let Some(&end) = ends.last() {
                self.skip_space();
                if self.eat(b',') {
                    if end == b'}' {
                        self.skip_name()?;
                    }
                    break;
                }
                self.expect(end)?;
                ends.pop();
            }
            if ends.is_empty() {
                return self.text_from(start).map_err(|_| Unfit);
            }
        }
    }

    /// The same, in which half of a surrogate pair may stand.
    fn raw(&mut self) -> Result<&'de str, Unfit> {
        self.lone_surrogate = Some(char::REPLACEMENT_CHARACTER);
        let text = self.any();
        self.lone_surrogate = None;
        text
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
            visitor.visit_u64(self.whole_number()?)
        })*
    };
}
use whole_numbers;

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unfit;

    whole_numbers!(deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    forward_to_deserialize_any!(bool i8 i16 i32 i64 f32 f64 char bytes byte_buf unit unit_struct identifier);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'0'..=b'9') => self.deserialize_u64(visitor),
            _ => match self.plain()? {
                Value::Null => visitor.visit_unit(),
                Value::Bool(value) => visitor.visit_bool(value),
                Value::String(text) => visitor.visit_string(text.into_owned()),
                _ => Err(Unfit),
            },
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_string(self.text()?.into_owned())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.skip_space();
        if self.peek() != Some(b'n') {
            return visitor.visit_some(self);
        }
        self.plain()?;
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Unfit> {
        if name != RAW_VALUE {
            return visitor.visit_newtype_struct(self);
        }
        visitor.visit_map(MapDeserializer::new([(RAW_VALUE, self.raw()?)].into_iter()))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.raw()?;
        visitor.visit_unit()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.expect(b'[')?;
        let mut items = Items::new(self, b']');
        let value = visitor.visit_seq(&mut items)?;
        items.finish().map(|()| value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.expect(b'{')?;
        let mut items = Items::new(self, b'}');
        let value = visitor.visit_map(&mut items)?;
        items.finish().map(|()| value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.skip_space();
        let has_value = self.eat(b'{');
        let value = visitor.visit_enum(Variant::new(self, has_value))?;
        if has_value {
            self.expect(b'}')?;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
