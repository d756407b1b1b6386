//! Lossless JSON: numbers keep their digits, and objects keep every member in order, duplicates included.

mod double;
mod error;
pub mod merge;
mod read;
mod token;
mod typed;
mod write;

pub use double::nearest;
pub use error::{ObjectError, SyntaxError};
pub use read::{parse, parse_elements, parse_object, parse_object_lossy};
pub use typed::{Unreadable, from_str};
pub use write::{ObjectWriter, string, write_string};

use std::borrow::Cow;
use std::collections::BTreeSet;

/// One JSON value, borrowing from the text where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The number's own text, never passed through a float.
    Number(&'a str),
    /// A string, its escapes decoded.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
    /// Stands for what is not JSON, where [`parse_elements`] or [`parse_object_lossy`] could read on behind it; says why.
    Broken(&'static str),
}

impl<'a> Value<'a> {
    /// The object, if it is one.
    pub fn object(&self) -> Option<&Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The JSON name of this value's type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Broken(_) => "invalid JSON",
        }
    }

    fn null_non_finite(&mut self) -> Option<String> {
        match self {
            Value::Broken(token::NAN | token::INFINITY) => {
                *self = Value::Null;
                Some(String::new())
            }
            Value::Array(items) => {
                let mut first = None;
                for (i, item) in items.iter_mut().enumerate() {
                    let found = item.null_non_finite();
                    first = first.or_else(|| Some(format!("/{i}{}", found?)));
                }
                first
            }
            Value::Object(object) => object.null_non_finite(),
            _ => None,
        }
    }

    fn keep_last(&mut self) -> Option<String> {
        match self {
            Value::Array(items) => {
                let found =
                    items.iter_mut().enumerate().map(|(i, item)| item.keep_last().map(|found| format!("/{i}{found}")));
                found.fold(None, Option::or)
            }
            Value::Object(object) => object.keep_last(),
            _ => None,
        }
    }
}

/// A name as a step of a pointer (RFC 6901 section 3).
pub fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Members in their order, duplicates included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    /// Names and values.
    pub members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    /// Takes out the value of the first member of this name; null stays.
    pub fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let (_, value) = self.members.iter_mut().find(|(known, _)| known == name)?;
        Some(std::mem::replace(value, Value::Null))
    }

    /// Makes null of each `NaN`, `Infinity` and `-Infinity` at any depth, as JavaScript does. Returns the pointer (RFC 6901)
    /// to the first. It recurses as deep as the object, which the reader bounds.
    pub fn null_non_finite(&mut self) -> Option<String> {
        let mut first = None;
        for (name, value) in &mut self.members {
            let found = value.null_non_finite();
            first = first.or_else(|| Some(format!("/{}{}", pointer_step(name), found?)));
        }
        first
    }

    /// Keeps the last of members of one name, at any depth, as JavaScript does. Returns the pointer (RFC 6901) to the first
    /// name that stands twice. It recurses as deep as the object, which the reader bounds.
    pub fn keep_last(&mut self) -> Option<String> {
        let (mut names, mut first) = (BTreeSet::new(), None);
        let mut members = std::mem::take(&mut self.members);
        // From the end, so that the last of a name is met first.
        members.reverse();
        members.retain_mut(|(name, value)| {
            let is_last = names.insert(name.clone());
            let found = if is_last { value.keep_last() } else { Some(String::new()) };
            first = found.map(|found| format!("/{}{found}", pointer_step(name))).or(first.take());
            is_last
        });
        members.reverse();
        self.members = members;
        first
    }

    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}
