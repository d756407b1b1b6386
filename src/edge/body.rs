//! Reads and decodes a request's body, up to its limit.

use crate::api::{BodyError, Encoding};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::JsCast;
use worker::web_sys::ReadableStream;
use worker::{ByteStream, Request};

#[wasm_bindgen]
extern "C" {
    /// WHATWG Compression, which `web_sys` calls unstable.
    type DecompressionStream;

    #[wasm_bindgen(constructor)]
    fn new(format: &str) -> DecompressionStream;

    /// WHATWG Streams.
    type Packed;

    #[wasm_bindgen(method, js_name = pipeThrough)]
    fn pipe_through(this: &Packed, transform: &DecompressionStream) -> ReadableStream;
}

/// The decoded body. Refuses it as soon as it exceeds `limit_bytes`.
pub async fn read(request: &Request, encoding: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let declared = request.headers().get("Content-Length").ok().flatten().and_then(|length| length.parse().ok());
    if encoding == Encoding::Identity && declared.is_some_and(|length: usize| length > limit_bytes) {
        return Err(BodyError::TooLarge);
    }
    let Some(stream) = request.inner().body() else { return Ok(Vec::new()) };
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
