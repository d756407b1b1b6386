//! The server's URL.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use ureq::http::Uri;

/// An http or https URL that paths can be appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidUrl::Syntax)?;
        let is_base = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        if is_base { Ok(BaseUrl(text.trim_end_matches('/').into())) } else { Err(InvalidUrl::NotABase) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidUrl {
    Syntax,
    /// Another scheme, or a query.
    NotABase,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidUrl::Syntax => "not a URL",
            InvalidUrl::NotABase => "must be http://… or https://…, without a query",
        })
    }
}

impl Error for InvalidUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_http_with_no_query() {
        for url in ["http://localhost:8787", "https://roster.example.com/", "https://example.com/roster/"] {
            assert_eq!(url.parse::<BaseUrl>().unwrap().as_str(), url.trim_end_matches('/'));
        }
        for url in ["", "roster.example.com", "ftp://a", "http://a?b=c", "http://a b", "/v1"] {
            assert!(url.parse::<BaseUrl>().is_err(), "{url}");
        }
    }
}
