//! Calls of an object's one remote method, `answer`: a request in, an answer out, both JSON text.

use crate::edge::runtime::Hops;
use js_sys::Reflect;
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Error, Result, Stub};

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    type Object;

    #[wasm_bindgen(method, catch)]
    async fn answer(this: &Object, request: &str) -> std::result::Result<JsValue, JsValue>;
}

/// The object's answer to a request. If the object broke, as each does within minutes of a deploy, sends `again`,
/// which adds a hop. Never asks an overloaded one again.
pub async fn call(object: impl Fn() -> Result<Stub>, request: &str, again: &str, hops: &Hops) -> Result<String> {
    match call_once(object()?, request).await {
        Err(error) if !is_overloaded(&error) => {
            hops.add();
            call_once(object()?, again).await
        }
        outcome => outcome,
    }
}

async fn call_once(object: Stub, request: &str) -> Result<String> {
    let answer = object.into_rpc::<Object>().answer(request).await?;
    answer.as_string().ok_or_else(|| Error::RustError("answer is not a text".into()))
}

/// The runtime marks errors of overloaded objects. To ask again at once would add to the load.
fn is_overloaded(error: &Error) -> bool {
    Reflect::get(&error.to_js_value(), &"overloaded".into()).is_ok_and(|overloaded| overloaded.is_truthy())
}
