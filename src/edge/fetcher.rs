//! Requests to a binding. What the crate `worker` has for them takes 9 KB more of the gzipped Worker.

use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Response;

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    /// The files of the page.
    pub type Fetcher;

    #[wasm_bindgen(method, catch)]
    async fn fetch(this: &Fetcher, url: &str) -> Result<JsValue, JsValue>;
}

impl Fetcher {
    /// The status and the text that it answers to a `GET`.
    pub async fn get(&self, url: &str) -> worker::Result<(u16, String)> {
        let response = Response::from(self.fetch(url).await?);
        let text = JsFuture::from(response.text()?).await?;
        Ok((response.status(), text.as_string().unwrap_or_default()))
    }
}
