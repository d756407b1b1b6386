//! Cross-origin resource sharing (WHATWG Fetch, section 3.3), so that browsers may call Roster. Never allows
//! credentials.

use super::http::Reply;
use crate::bounds::PREFLIGHT_MAX_AGE_S;

/// The last four are sent by clients of Segment's protocol.
const ALLOW_HEADERS: &str = "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, Cache-Control, traceparent, tracestate, \
    X-Write-Key, X-Retry-Count, AnonymousId, SentAt";
const EXPOSE_HEADERS: &str = "X-Request-Id, X-Roster-Version, Location, X-User-Created, X-User-Stale, ETag, Age, Allow, Accept-Encoding, WWW-Authenticate, Retry-After, \
    X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit-Policy, RateLimit";

/// The origins whose pages may read an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    Any,
    These(Vec<String>),
}

impl AllowedOrigins {
    /// Reads `*` or a comma-separated list.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            AllowedOrigins::Any
        } else {
            AllowedOrigins::These(text.split(',').map(|origin| origin.trim().to_owned()).collect())
        }
    }
}

/// The headers of every answer.
pub fn headers(allowed: &AllowedOrigins, origin: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("Access-Control-Expose-Headers", EXPOSE_HEADERS.to_owned())];
    match allowed {
        AllowedOrigins::Any => headers.push(("Access-Control-Allow-Origin", "*".into())),
        AllowedOrigins::These(origins) => {
            headers.push(("Vary", "Origin".into()));
            if let Some(origin) = origin.filter(|origin| origins.iter().any(|allowed| allowed == origin)) {
                headers.push(("Access-Control-Allow-Origin", origin.into()));
            }
        }
    }
    headers
}

/// The answer to `OPTIONS`.
pub fn preflight(allow: String) -> Reply {
    Reply::empty(204)
        .with("Allow", allow.clone())
        .with("Access-Control-Allow-Methods", allow)
        .with("Access-Control-Allow-Headers", ALLOW_HEADERS)
        .with("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_S.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_echoed_only_if_it_is_listed() {
        let allow = |allowed: &str, origin| {
            headers(&AllowedOrigins::parse(allowed), origin)
                .into_iter()
                .filter(|(name, _)| *name != "Access-Control-Expose-Headers")
                .map(|(name, value)| format!("{name}: {value}"))
                .collect::<Vec<_>>()
        };
        let (a, star) = ("https://a.example", "Access-Control-Allow-Origin: *");
        assert_eq!(allow("*", None), [star]);
        assert_eq!(allow(" * ", Some(a)), [star]);
        let list = "https://b.example, https://a.example";
        assert_eq!(allow(list, Some(a)), ["Vary: Origin", "Access-Control-Allow-Origin: https://a.example"]);
        assert_eq!(allow(list, Some("https://a.example.evil")), ["Vary: Origin"]);
        assert_eq!(allow(list, None), ["Vary: Origin"]);
    }
}
