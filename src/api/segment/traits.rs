//! The traits of a message.

use crate::input::fields::{FaultList, Faults};
use crate::json::{Object, Value};
use crate::user::fields::Contact;

/// Whether a trait can be a member of a user, and not a property.
pub fn fits(contact: &Contact, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => (contact.tidy)(text).is_ok(),
        _ => false,
    }
}

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
