//! Values of JavaScript.

use crate::store::sql::Value;
use js_sys::{JSON, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Env, ObjectNamespace};

/// A member of an object, if it is there.
pub fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
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
