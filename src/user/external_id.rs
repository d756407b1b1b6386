//! The caller's own id for a user.

use crate::bounds::MAX_USER_ID_CHARS;
use crate::rule::BrokenRule;
use std::str::FromStr;

/// Texts into which buggy clients turn a missing id.
const PLACEHOLDER_IDS: [&str; 5] = ["null", "undefined", "NaN", "None", "[object Object]"];
/// Path segments that URL resolution removes (RFC 3986 section 5.2.4): no request could read or delete such a user.
const DOT_SEGMENTS: [&str; 2] = [".", ".."];

/// The caller's own id for a user: 1–256 characters, none a control character, no white space at either end.
/// Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalId(String);

/// Parses an id to write: a URL can name it, and no U+FEFF (a byte order mark) is at either end.
impl FromStr for ExternalId {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        if DOT_SEGMENTS.contains(&text) {
            Err(BrokenRule::new("Must not be . or .., which no URL can name"))
        } else if text.starts_with('\u{feff}') || text.ends_with('\u{feff}') {
            Err(BrokenRule::new("Must not begin or end with white space (U+FEFF)"))
        } else {
            Self::parse_stored(text)
        }
    }
}

impl ExternalId {
    /// Parses an id to read or delete: also accepts those that only an earlier version stored.
    pub fn parse_stored(text: &str) -> Result<Self, BrokenRule> {
        if text.is_empty() {
            Err(BrokenRule::new("Must not be empty"))
        } else if text.chars().count() > MAX_USER_ID_CHARS {
            Err(BrokenRule::new(format!("Must have at most {MAX_USER_ID_CHARS} characters")))
        } else if text.chars().any(char::is_control) {
            Err(BrokenRule::new("Must not contain control characters"))
        } else if text.trim() != text {
            Err(BrokenRule::new("Must not begin or end with white space"))
        } else if PLACEHOLDER_IDS.contains(&text) {
            Err(BrokenRule::new("Looks like a missing id"))
        } else {
            Ok(ExternalId(text.to_owned()))
        }
    }

    /// The id as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_that_are_refused() {
        let long = "é".repeat(257);
        for id in
            ["", " a", "a\u{a0}", "a\u{0}b", "a\u{85}b", "null", "undefined", "NaN", "None", "[object Object]", &long]
        {
            assert!(id.parse::<ExternalId>().is_err() && ExternalId::parse_stored(id).is_err(), "{id:?}");
        }
        // An earlier version stored these, so that they can still be read and erased.
        for id in [".", "..", "\u{feff}a", "a\u{feff}"] {
            assert!(id.parse::<ExternalId>().is_err() && ExternalId::parse_stored(id).is_ok(), "{id:?}");
        }
        let long = "é".repeat(256);
        for id in ["0", "Null", "nan", "a b", "user/1?#%", "...", "./a", "a\u{feff}b", "😀", &long] {
            assert_eq!(id.parse::<ExternalId>().unwrap().as_str(), id);
        }
    }
}
