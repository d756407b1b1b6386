//! The traits of a message.

use super::message::Warning;
use crate::input::fields::{FaultList, Faults};
use crate::json::{Object, Value};
use crate::user::{Email, Phone};
use std::borrow::Cow;

/// A trait that is a member of a user, if it is valid.
pub struct Contact {
    pub name: &'static str,
    pub is_valid: fn(&Value) -> bool,
    pub warning: Warning,
}

pub const CONTACTS: [Contact; 2] = [
    Contact {
        name: "email",
        is_valid: |value| matches!(value, Value::String(text) if Email::parse(text).is_ok()),
        warning: Warning {
            field: Cow::Borrowed("/traits/email"),
            message: "Not an e-mail address; stored as a property instead",
        },
    },
    Contact {
        name: "phone",
        is_valid: |value| matches!(value, Value::String(text) if Phone::parse(text).is_ok()),
        warning: Warning {
            field: Cow::Borrowed("/traits/phone"),
            message: "Not an E.164 phone number; stored as a property instead",
        },
    },
];

/// The traits of an identify, or those of its context. PHP sends an empty object as an empty array.
pub fn of<'a>(message: &mut Object<'a>) -> Result<Object<'a>, FaultList> {
    let of_context = |message: &mut Object<'a>| match message.take("context") {
        Some(Value::Object(mut context)) => context.take("traits"),
        _ => None,
    };
    let is_empty = |traits: &Value| match traits {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.members.is_empty(),
        _ => false,
    };
    let own = message.take("traits").filter(|traits| !is_empty(traits));
    match own.or_else(|| of_context(message)) {
        Some(Value::Object(traits)) => Ok(traits),
        None | Some(Value::Null) => Ok(Object::default()),
        Some(Value::Array(items)) if items.is_empty() => Ok(Object::default()),
        Some(other) => {
            let mut faults = Faults::default();
            let traits = faults.within("traits", |faults| faults.wrong_type("object", &other));
            faults.finish(traits)
        }
    }
}
