//! The object of one webhook.

use super::host::WorkerHost;
use crate::edge::sqlite::Sqlite;
use crate::webhooks::Endpoint;
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

/// A webhook, in the object's SQLite storage.
#[durable_object(alarm)]
pub struct WebhookObject {
    endpoint: Endpoint<Sqlite, WorkerHost>,
}

impl DurableObject for WebhookObject {
    fn new(state: State, env: Env) -> Self {
        let sqlite = Sqlite::new(&state);
        WebhookObject { endpoint: Endpoint::new(sqlite, WorkerHost::new(state, env)) }
    }

    async fn fetch(&self, _: Request) -> Result<Response> {
        Response::error("called by RPC alone", 501)
    }

    async fn alarm(&self) -> Result<Response> {
        self.endpoint.alarm().await.map_err(Error::RustError)?;
        Response::empty()
    }
}

/// What the object offers by RPC.
#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
impl WebhookObject {
    /// Answers a [`WebhookRequest`] by a [`WebhookAnswer`]; both are JSON.
    ///
    /// [`WebhookRequest`]: crate::webhooks::WebhookRequest
    /// [`WebhookAnswer`]: crate::webhooks::WebhookAnswer
    pub async fn answer(&self, request: String) -> std::result::Result<String, JsValue> {
        self.endpoint.answer(&request).await.map_err(|cause| Error::RustError(cause).into())
    }
}
