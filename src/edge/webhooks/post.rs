//! Requests to receivers.

use crate::edge::js::member;
use crate::webhooks::{Answer, Post};
use futures_core::Stream;
use js_sys::{Array, JSON, Object, Reflect};
use serde::Serialize;
use std::cell::OnceCell;
use std::future::poll_fn;
use std::pin::Pin;
use worker::ByteStream;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::web_sys::Response;

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn fetch(url: &str, options: &JsValue) -> Result<JsValue, JsValue>;

    type AbortController;

    #[wasm_bindgen(constructor)]
    fn new() -> AbortController;

    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);

    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> AbortSignal;

    type AbortSignal;

    #[wasm_bindgen(static_method_of = AbortSignal)]
    fn timeout(ms: f64) -> AbortSignal;

    #[wasm_bindgen(static_method_of = AbortSignal)]
    fn any(signals: &Array) -> AbortSignal;
}

#[derive(Serialize)]
struct OptionsOut<'a> {
    method: &'static str,
    redirect: &'static str,
    headers: HeadersOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct HeadersOut<'a> {
    content_type: &'static str,
    user_agent: &'static str,
    webhook_id: &'a str,
    webhook_timestamp: &'a str,
    webhook_signature: &'a str,
}

/// Sends requests, until it has to end them all.
#[derive(Default)]
pub struct Sender {
    controller: OnceCell<AbortController>,
}

impl Sender {
    /// Ends all requests, those to come too.
    pub fn abort(&self) {
        self.controller().abort();
    }

    fn controller(&self) -> &AbortController {
        self.controller.get_or_init(AbortController::new)
    }

    pub async fn post(&self, post: Post) -> Result<Answer, String> {
        let options = self.options(&post).map_err(|error| word_for(&error))?;
        let response: Response = fetch(&post.url, &options).await.map_err(|error| word_for(&error))?.unchecked_into();
        let retry_after = response.headers().get("Retry-After").ok().flatten();
        let text = match response.body() {
            Some(body) if post.answer_bytes > 0 => beginning(ByteStream::from(body), post.answer_bytes).await,
            Some(body) => {
                // Nobody waits for it to be dropped.
                let _ = body.cancel();
                String::new()
            }
            None => String::new(),
        };
        Ok(Answer { status: response.status(), retry_after, text })
    }

    #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
    fn options(&self, Post { id, timestamp, signature, body, answer_ms, .. }: &Post) -> Result<JsValue, JsValue> {
        let headers = HeadersOut {
            content_type: "application/json",
            user_agent: concat!("Roster/", env!("CARGO_PKG_VERSION")),
            webhook_id: id,
            webhook_timestamp: timestamp,
            webhook_signature: signature,
        };
        let options = OptionsOut { method: "POST", redirect: "manual", headers };
        let options = serde_json::to_string(&options).map_err(|error| JsValue::from_str(&error.to_string()))?;
        let options: Object = JSON::parse(&options)?.unchecked_into();
        let signals = Array::of2(&self.controller().signal(), &AbortSignal::timeout(*answer_ms as f64));
        Reflect::set(&options, &"signal".into(), &AbortSignal::any(&signals))?;
        Reflect::set(&options, &"body".into(), &JsValue::from_str(body))?;
        Ok(options.into())
    }
}

/// What a stream begins with, as text. One that breaks has ended.
async fn beginning(mut stream: ByteStream, bytes: usize) -> String {
    let mut read = Vec::new();
    while read.len() < bytes
        && let Some(Ok(chunk)) = poll_fn(|task| Pin::new(&mut stream).poll_next(task)).await
    {
        read.extend(chunk);
    }
    read.truncate(bytes);
    String::from_utf8_lossy(&read).into_owned()
}

/// The runtime's own words may hold what a log must not have.
fn word_for(error: &JsValue) -> String {
    let name = member(error, "name").and_then(|name| name.as_string());
    if name.as_deref() == Some("TimeoutError") { "no answer in time" } else { "out of reach" }.into()
}
