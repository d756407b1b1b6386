//! One JSON object a line.

use crate::frame::Frame;
use crate::record::{LocalError, Record, Refused, UserHash};
use roster::json::{self, Value};

/// Reads a line as the server will, so that one that is not JSON can't spoil a batch.
pub fn read(frame: Frame) -> Result<Record, Refused> {
    let Frame { line, text, .. } = frame;
    let user = match json::parse(&text) {
        Ok(Value::Object(members)) => Ok(UserHash::of(&members)),
        Ok(other) => Err(LocalError::NotAnObject(other.type_name())),
        Err(error) => Err(LocalError::Unreadable(format!("Not JSON: {error}"))),
    };
    let user = user.map_err(|error| Refused::text(line, &text, &error))?;
    let json = String::from_utf8(text).unwrap_or_default();
    Ok(Record { line, json, user })
}
