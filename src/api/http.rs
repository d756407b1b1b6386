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
    /// The `Cache-Control` header, of one that may not.
    pub cache_control: Option<String>,
    /// The `Accept` header, of one that may not write and has no `Authorization`, as a browser's navigation.
    pub accept: Option<String>,
    /// The `Content-Encoding` header, of one that may.
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

impl Call {
    /// Reads a request: its method, its whole URL in normal form, and a header by its name. The platform adds the id and
    /// the version.
    pub fn read(method: &str, url: &str, header: impl Fn(&str) -> Option<String>) -> Self {
        let (base_url, path, query) = split_url(url);
        // Asking for a header takes a while, so nothing is asked for that no route would read.
        let reads = ["GET", "HEAD"].contains(&method);
        let if_read = |name| reads.then(|| header(name)).flatten();
        let unless_read = |name| (!reads).then(|| header(name)).flatten();
        let authorization = header("Authorization");
        let is_bearer = authorization.as_deref().is_some_and(|value| value.starts_with("Bearer "));
        let accept = if authorization.is_none() { if_read("Accept") } else { None };
        Call {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            write_key: (!is_bearer).then(|| header("X-Write-Key")).flatten(),
            authorization,
            base_url: base_url.into(),
            origin: header("Origin"),
            if_match: unless_read("If-Match"),
            if_none_match: if_read("If-None-Match"),
            cache_control: if_read("Cache-Control"),
            accept,
            content_encoding: unless_read("Content-Encoding"),
            traceparent: header("traceparent"),
            client_address: header("CF-Connecting-IP"),
            request_id: String::new(),
            version: None,
        }
    }
}

/// The base, the path and the query of a URL: `https://host`, `/path`, `query`.
fn split_url(url: &str) -> (&str, &str, &str) {
    let host_at = url.find("://").map_or(0, |at| at + "://".len());
    let (base, path) = url.split_at(url[host_at..].find('/').map_or(url.len(), |at| host_at + at));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (base, if path.is_empty() { "/" } else { path }, query)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_base_a_path_and_a_query() {
        for (url, parts) in [
            ("https://host/v1/users", ("https://host", "/v1/users", "")),
            ("http://127.0.0.1:8787/a%2Fb?x=/?y", ("http://127.0.0.1:8787", "/a%2Fb", "x=/?y")),
            ("https://host/?", ("https://host", "/", "")),
            ("https://host", ("https://host", "/", "")),
        ] {
            assert_eq!(split_url(url), parts, "{url}");
        }
    }

    #[test]
    fn only_the_headers_that_a_route_would_read_are_read() {
        let read = |method, authorization: &str| {
            Call::read(method, "https://host/v1/users", |name| {
                Some(if name == "Authorization" { authorization.into() } else { name.to_owned() })
            })
        };
        let (get, post) = (read("GET", "Bearer key"), read("POST", "Basic a2V5Og=="));
        assert_eq!((get.if_match, get.if_none_match.as_deref(), get.write_key), (None, Some("If-None-Match"), None));
        assert_eq!((post.if_match.as_deref(), post.if_none_match), (Some("If-Match"), None));
        assert_eq!(post.write_key.as_deref(), Some("X-Write-Key"));
    }
}
