//! The caller's own id for a user.

use super::text::is_white_space;
use crate::bounds::MAX_USER_ID_CHARS;
use crate::id;
use crate::rule::BrokenRule;
use std::str::FromStr;

/// Texts into which buggy clients turn a missing id.
const PLACEHOLDER_IDS: [&str; 5] = ["null", "undefined", "NaN", "None", "[object Object]"];
/// Path segments that URL resolution removes (RFC 3986 section 5.2.4): no request could read or delete such a user.
const DOT_SEGMENTS: [&str; 2] = [".", ".."];

/// The caller's own id for a user: 1–256 characters, none a control character, no white space at either end, and not an
/// id that Roster assigns. Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalId(String);

impl FromStr for ExternalId {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let rule = if text.is_empty() {
            "Must not be empty".into()
        } else if text.chars().count() > MAX_USER_ID_CHARS {
            format!("Must have at most {MAX_USER_ID_CHARS} characters")
        } else if text.chars().any(char::is_control) {
            "Must not contain control characters".into()
        } else if text.starts_with(is_white_space) || text.ends_with(is_white_space) {
            "Must not begin or end with white space".into()
        } else if PLACEHOLDER_IDS.contains(&text) {
            "Looks like a missing id".into()
        } else if DOT_SEGMENTS.contains(&text) {
            "Must not be . or .., which no URL can name".into()
        } else if id::is_of_user(text) {
            "This is Roster's own id; send yours, which answers call `external_id`".into()
        } else {
            return Ok(ExternalId(text.to_owned()));
        };
        Err(BrokenRule::new(rule))
    }
}

impl ExternalId {
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
        for id in [
            "",
            " a",
            "a\u{a0}",
            "\u{feff}a",
            "a\u{feff}",
            "a\u{0}b",
            "a\u{85}b",
            "null",
            "undefined",
            "NaN",
            "None",
            "[object Object]",
            ".",
            "..",
            "usr_01aryz6s410000000000000000mo",
            &long,
        ] {
            assert!(id.parse::<ExternalId>().is_err(), "{id:?}");
        }
    }

    #[test]
    fn user_ids_that_are_taken() {
        let long = "é".repeat(256);
        for id in [
            "0",
            "Null",
            "nan",
            "a b",
            "user/1?#%",
            "...",
            "./a",
            "a\u{feff}b",
            "😀",
            // A TypeID, and ids of Roster that are not whole.
            "usr_01aryz6s410000000000000000",
            "usr_01aryz6s410000000000000000m",
            "usr_01aryz6s410000000000000000mp",
            &long,
        ] {
            assert_eq!(id.parse::<ExternalId>().unwrap().as_str(), id);
        }
    }
}
