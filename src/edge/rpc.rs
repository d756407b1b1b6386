//! Calls of an object's one remote method, `answer`: a message in, an answer out, both JSON text.

use js_sys::Reflect;
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Error, Result, Stub};

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    type Object;

    #[wasm_bindgen(method, catch)]
    async fn answer(this: &Object, message: &str) -> std::result::Result<JsValue, JsValue>;
}

/// The object's answer to a message.
pub async fn call(object: Stub, message: &str) -> Result<String> {
    let answer = object.into_rpc::<Object>().answer(message).await?;
    answer.as_string().ok_or_else(|| Error::RustError("answer is not a text".into()))
}

/// The runtime marks errors of overloaded objects. To ask again at once would add to the load.
pub fn is_overloaded(error: &Error) -> bool {
    Reflect::get(&error.to_js_value(), &"overloaded".into()).is_ok_and(|overloaded| overloaded.is_truthy())
}

/// True if the object is of a version that has no such method.
pub fn is_unknown_method(error: &Error) -> bool {
    error.to_string().contains("does not implement the method")
}
