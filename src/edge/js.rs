//! Values of JavaScript.

use crate::store::sql::Value;
use js_sys::{JSON, Reflect};
use worker::Env;
use worker::wasm_bindgen::JsValue;

/// A member of an object, if it is there.
pub fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// A variable or a secret.
pub fn variable(env: &Env, name: &str) -> Option<String> {
    member(env, name)?.as_string()
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
