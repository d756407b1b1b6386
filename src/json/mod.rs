//! Lossless JSON: numbers keep their digits, and objects keep every member in order, duplicates included.

mod error;
pub mod merge;
mod read;
mod token;
mod write;

pub use error::{ObjectError, SyntaxError};
pub use read::{parse, parse_elements, parse_object, parse_object_lossy};
pub use write::{ObjectWriter, string, write_string};

use std::borrow::Cow;

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

    /// Whether this is `NaN`, `Infinity` or `-Infinity`, as Python writes floats that JSON lacks.
    pub fn is_non_finite(&self) -> bool {
        matches!(self, Value::Broken(token::NAN | token::INFINITY))
    }
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

    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}
