//! Requests to a binding. What the crate `worker` has for them takes 9 KB more of the gzipped Worker.

use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{RequestInit, Response};

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    /// The files of the page, or an object.
    pub type Fetcher;

    #[wasm_bindgen(method, catch)]
    async fn fetch(this: &Fetcher, url: &str, init: &RequestInit) -> Result<JsValue, JsValue>;
}

impl Fetcher {
    /// The status and the text that it answers to a `GET`, or to a `POST` if there is a body.
    pub async fn send(&self, url: &str, body: Option<String>) -> worker::Result<(u16, String)> {
        let init = RequestInit::new();
        if let Some(body) = body {
            init.set_method("POST");
            init.set_body(&body.into());
        }
        let response = Response::from(self.fetch(url, &init).await?);
        let text = JsFuture::from(response.text()?).await?;
        Ok((response.status(), text.as_string().unwrap_or_default()))
    }
}
