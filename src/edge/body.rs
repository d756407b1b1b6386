//! Reads and decodes a request's body, up to its limit.

use crate::api::{BodyError, Encoding};
use futures_core::Stream;
use js_sys::Uint8Array;
use std::future::poll_fn;
use std::pin::Pin;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::ByteStream;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{ReadableStream, Request};

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    /// WHATWG Compression, which `web_sys` calls unstable.
    type DecompressionStream;

    #[wasm_bindgen(constructor)]
    fn new(format: &str) -> DecompressionStream;

    /// WHATWG Streams.
    type Packed;

    #[wasm_bindgen(method, js_name = pipeThrough)]
    fn pipe_through(this: &Packed, transform: &DecompressionStream) -> ReadableStream;

    /// What `web_sys` has of this awaits nothing.
    type Whole;

    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    async fn array_buffer(this: &Whole) -> Result<JsValue, JsValue>;
}

/// The decoded body. Refuses it as soon as it exceeds `limit_bytes`.
pub async fn read(request: &Request, encoding: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let declared =
        request.headers().get("Content-Length").ok().flatten().and_then(|length| length.parse::<usize>().ok());
    if let (Encoding::Identity, Some(length)) = (encoding, declared) {
        // The runtime ends a body that is longer or shorter than that.
        return if length > limit_bytes { Err(BodyError::TooLarge) } else { read_at_once(request).await };
    }
    let Some(stream) = request.body() else { return Ok(Vec::new()) };
    let (stream, broken) = match encoding {
        Encoding::Identity => (stream, BodyError::Broken),
        Encoding::Gzip => {
            let packed: &Packed = stream.unchecked_ref();
            (packed.pipe_through(&DecompressionStream::new("gzip")), BodyError::Undecodable)
        }
    };
    let mut chunks = ByteStream::from(stream);
    let mut body = Vec::new();
    while let Some(chunk) = poll_fn(|task| Pin::new(&mut chunks).poll_next(task)).await {
        body.extend(chunk.map_err(|_| broken.clone())?);
        if body.len() > limit_bytes {
            return Err(BodyError::TooLarge);
        }
    }
    Ok(body)
}

async fn read_at_once(request: &Request) -> Result<Vec<u8>, BodyError> {
    let body = request.unchecked_ref::<Whole>().array_buffer().await.map_err(|_| BodyError::Broken)?;
    Ok(Uint8Array::new(&body).to_vec())
}
