//! A request and a response as values.

/// A request without its body, which is read only after admission.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// As sent; methods are case-sensitive.
    pub method: String,
    /// As sent: still percent-encoded.
    pub path: String,
    /// The part after the `?`, as sent.
    pub query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `X-Write-Key` header, where `Authorization` has no bearer token.
    pub write_key: Option<String>,
    /// The scheme and the host that were asked: `https://roster.example.com`.
    pub base_url: String,
    /// The `Origin` header.
    pub origin: Option<String>,
    /// The `If-Match` header, of a request that may write.
    pub if_match: Option<String>,
    /// The `If-None-Match` header, of one that may not.
    pub if_none_match: Option<String>,
    /// The `Cache-Control` header.
    pub cache_control: Option<String>,
    /// The `Content-Encoding` header.
    pub content_encoding: Option<String>,
    /// The `traceparent` header.
    pub traceparent: Option<String>,
    /// The IP address that the call comes from.
    pub client_address: Option<String>,
    /// Identifies the request in the answer and in the log.
    pub request_id: String,
    /// The id of the Worker's version that answers, if the platform says it.
    pub version: Option<String>,
}

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to this reply alone, but for `Content-Type`.
    pub headers: Vec<(&'static str, String)>,
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// Text, or nothing.
    pub body: String,
}

impl Reply {
    #[expect(clippy::expect_used, reason = "derived serialisers of structs and strings do not fail")]
    pub(super) fn json(status: u16, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_string(body).expect("serialisable");
        Reply { body, ..Reply::empty(status) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Reply { status, headers: Vec::new(), content_type: "application/json", body: String::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// How a body is encoded (RFC 9110 section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not encoded.
    Identity,
    /// One gzip member (RFC 1952).
    Gzip,
}
