//! Turns a Request into a [`Call`], and a [`Handled`] into a Response.

use super::js::kept;
use super::runtime::{fill_random, now};
use crate::api::{Call, Handled};
use crate::id;
use js_sys::{JSON, Uint8Array};
use serde::{Serialize, Serializer};
use worker::Result;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::web_sys::{Request, Response, ResponseInit};

#[wasm_bindgen]
extern "C" {
    /// The headers of a request. The crate's own makes a new text of each name.
    type Headers;

    #[wasm_bindgen(method)]
    fn get(this: &Headers, name: &JsValue) -> Option<String>;
}

/// The request without its body, answered by this version of the Worker.
pub fn call(request: &Request, version: Option<String>) -> Call {
    let headers: Headers = request.headers().unchecked_into();
    let header = |name: &str| headers.get(&kept(name));
    let call = Call::read(&request.method(), &request.url(), header);
    Call { request_id: header("CF-Ray").unwrap_or_else(new_request_id), version, ..call }
}

fn new_request_id() -> String {
    let mut random = [0; 10];
    fill_random(&mut random);
    id::new("req_", now(), random)
}

/// Headers as the object that the runtime takes fastest. No reply has two of one name.
struct HeadersOut<'a>(&'a [(&'static str, String)]);

impl Serialize for HeadersOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub fn response(Handled { reply, .. }: Handled) -> Result<Response> {
    let init = ResponseInit::new();
    init.set_status(reply.status);
    // As one text: to cross over for each header takes longer.
    init.set_headers(&JSON::parse(&serde_json::to_string(&HeadersOut(&reply.headers))?)?);
    let body = (!reply.body.is_empty()).then(|| Uint8Array::from(reply.body.as_bytes()));
    Ok(Response::new_with_opt_buffer_source_and_init(body.as_deref(), &init)?)
}
