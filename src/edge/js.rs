//! Values of JavaScript.

use crate::store::sql::Value;
use js_sys::{JSON, Reflect};
use std::cell::RefCell;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Env, ObjectNamespace};

thread_local! {
    /// Each with its text in Rust: there are few.
    static KEPT: RefCell<Vec<(Box<str>, JsValue)>> = const { RefCell::new(Vec::new()) };
}

/// A text of the program as one of JavaScript, made once and kept: to make one takes longer than most of what it is for.
pub fn kept(text: &str) -> JsValue {
    KEPT.with_borrow_mut(|kept| {
        if let Some((_, made)) = kept.iter().find(|(one, _)| **one == *text) {
            return made.clone();
        }
        let made = JsValue::from_str(text);
        kept.push((text.into(), made.clone()));
        made
    })
}

/// A member of an object, if it is there. The name is one of the program's.
pub fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &kept(name)).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// A variable or a secret.
pub fn variable(env: &Env, name: &str) -> Option<String> {
    member(env, name)?.as_string()
}

/// A binding of objects. The crate `worker` asks it for the name of its class, which takes a refusal longer than to parse it.
pub fn objects(env: &Env, name: &str) -> Result<ObjectNamespace, String> {
    member(env, name).map(JsCast::unchecked_into).ok_or_else(|| format!("Binding `{name}` is undefined."))
}

/// Rows as JSON text. None if they are no rows.
pub fn rows_as_json(rows: &JsValue) -> Option<String> {
    JSON::stringify(rows).ok()?.as_string()
}

/// A value as SQLite takes it. D1's own integer type is 32 bits wide.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub fn js_value(value: Value<'_>) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Text(text) => JsValue::from_str(text),
        Value::Number(number) => JsValue::from_f64(number as f64),
    }
}
