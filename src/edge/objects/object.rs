//! The object of one bucket.

use crate::edge::runtime::now;
use crate::edge::sqlite::Sqlite;
use crate::store::objects::Bucket;
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

/// A bucket, in the object's SQLite storage.
#[durable_object(fetch)]
pub struct UsersObject {
    bucket: Bucket<Sqlite>,
}

impl DurableObject for UsersObject {
    fn new(state: State, _: Env) -> Self {
        UsersObject { bucket: Bucket::new(Sqlite::new(&state)) }
    }

    async fn fetch(&self, _: Request) -> Result<Response> {
        Response::error("called by RPC alone", 501)
    }
}

/// What the object offers by RPC.
#[wasm_bindgen]
impl UsersObject {
    /// Answers a [`BucketRequest`] by a [`BucketAnswer`]; both are JSON. The runtime holds the answer back until what it says
    /// is durable.
    ///
    /// [`BucketRequest`]: crate::store::objects::BucketRequest
    /// [`BucketAnswer`]: crate::store::objects::BucketAnswer
    pub fn answer(&self, request: &str) -> std::result::Result<String, JsValue> {
        let now = now();
        let answer = self.bucket.answer(request, now);
        if let Some(warning) = self.bucket.size_warning(now) {
            worker::console_warn!("{warning}");
        }
        answer.map_err(|cause| Error::RustError(cause).into())
    }
}
