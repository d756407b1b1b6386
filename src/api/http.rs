//! A request and a response as values.

/// A request, less its body, which is read only once the caller may send one.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub method: String,
    /// As sent: still percent-encoded.
    pub path: String,
    /// What stands behind the `?`, as sent.
    pub query: String,
    pub authorization: Option<String>,
    pub origin: Option<String>,
    pub if_none_match: Option<String>,
    pub content_encoding: Option<String>,
    /// The IP address that the call comes from.
    pub client_address: Option<String>,
    /// Names the request in the answer and in the log.
    pub request_id: String,
}

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
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
    Identity,
    Gzip,
}
