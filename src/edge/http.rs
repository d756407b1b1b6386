//! Turns a Request into a [`Call`], and a [`Handled`] into a Response.

use super::runtime::{fill_random, now};
use crate::api::{Call, Handled};
use crate::id;
use js_sys::{JSON, Uint8Array};
use serde::{Serialize, Serializer};
use worker::Result;
use worker::web_sys::{Request, Response, ResponseInit};

/// The base, the path and the query of a URL that the runtime has parsed: `https://host/path?query`.
fn parts_of(url: &str) -> (&str, &str, &str) {
    let behind_scheme = url.find("://").map_or(0, |at| at + 3);
    let (base, path) = url.split_at(url[behind_scheme..].find('/').map_or(url.len(), |at| behind_scheme + at));
    let path = if path.is_empty() { "/" } else { path };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (base, path, query)
}

/// The request without its body, answered by this version of the Worker.
pub fn call(request: &Request, version: Option<String>) -> Call {
    let headers = request.headers();
    let header = |name| headers.get(name).ok().flatten();
    let url = request.url();
    let (base_url, path, query) = parts_of(&url);
    let authorization = header("Authorization");
    // To ask for one more header takes a while.
    let is_bearer = authorization.as_deref().is_some_and(|value| value.starts_with("Bearer "));
    let method = request.method();
    let reads = ["GET", "HEAD"].contains(&method.as_str());
    Call {
        method,
        path: path.into(),
        query: query.into(),
        write_key: if is_bearer { None } else { header("X-Write-Key") },
        authorization,
        base_url: base_url.into(),
        origin: header("Origin"),
        if_match: if reads { None } else { header("If-Match") },
        if_none_match: if reads { header("If-None-Match") } else { None },
        cache_control: header("Cache-Control"),
        content_encoding: header("Content-Encoding"),
        traceparent: header("traceparent"),
        client_address: header("CF-Connecting-IP"),
        request_id: header("CF-Ray").unwrap_or_else(|| {
            let mut random = [0; 10];
            fill_random(&mut random);
            id::new("req_", now(), random)
        }),
        version,
    }
}

/// Headers as the object that the runtime takes fastest. No reply has two of one name.
struct Headers<'a>(&'a [(&'static str, String)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub fn response(Handled { reply, .. }: Handled) -> Result<Response> {
    let init = ResponseInit::new();
    init.set_status(reply.status);
    // As one text: to cross over for each header takes longer.
    init.set_headers(&JSON::parse(&serde_json::to_string(&Headers(&reply.headers))?)?);
    let body = (!reply.body.is_empty()).then(|| Uint8Array::from(reply.body.as_bytes()));
    Ok(Response::new_with_opt_buffer_source_and_init(body.as_deref(), &init)?)
}
