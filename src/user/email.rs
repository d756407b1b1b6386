//! An e-mail address.

use super::text::invisible;
use crate::bounds::MAX_EMAIL_BYTES;
use crate::rule::BrokenRule;

/// An e-mail address that `<input type=email>` accepts, at most 254 bytes, kept as sent but for ASCII white space at its
/// ends. Source: WHATWG HTML, "valid e-mail address" and the field's value sanitization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Email<'a>(&'a str);

impl<'a> Email<'a> {
    /// Checks an address. It borrows, as `FromStr` can't.
    pub fn parse(text: &'a str) -> Result<Self, BrokenRule> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let valid = text.len() <= MAX_EMAIL_BYTES
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
                    && domain.split('.').all(is_domain_label)
            });
        valid.then_some(Email(text)).ok_or_else(|| broken_rule(text))
    }

    /// The address, as sent but for white space at its ends.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

fn broken_rule(text: &str) -> BrokenRule {
    BrokenRule::new(match text.chars().find_map(invisible) {
        Some(character) => format!("Must not contain {character}"),
        None => format!("Must be a valid e-mail address of at most {MAX_EMAIL_BYTES} bytes"),
    })
}

fn is_domain_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_are_what_an_html_input_accepts() {
        let label = "a".repeat(63);
        let longest = format!("{}@{label}.{label}.{label}", "a".repeat(62));
        assert_eq!(longest.len(), 254);
        for email in ["user@example.com", "a@b", "A.b+c@x-y.z", ".@a", "a..b@c", "!#$%&'*+/=?^_`{|}~-@x", &longest] {
            for sent in [email.to_owned(), format!(" \t{email}\r\n\u{c} ")] {
                assert_eq!(Email::parse(&sent).map(Email::as_str), Ok(email));
            }
        }
        let long_label = format!("a@{}", "a".repeat(64));
        let too_long = format!("a{longest}");
        for email in [
            "",
            " ",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@b.",
            "é@b",
            "a@é",
            "a@b\u{b}",
            "a@b\u{a0}",
            "\"a\"@b",
            "a@[1.2.3.4]",
            &long_label,
            &too_long,
        ] {
            assert!(Email::parse(email).is_err(), "{email:?}");
        }
    }

    #[test]
    fn a_character_that_nobody_sees_is_named() {
        for (email, rule) in [
            ("a b@c", "Must not contain a space (U+0020)"),
            ("a@b \u{a0}", "Must not contain a space (U+0020)"),
            ("a@b\u{a0} ", "Must not contain a no-break space (U+00A0)"),
            ("\u{feff}a@b", "Must not contain a zero-width character (U+FEFF)"),
        ] {
            assert_eq!(Email::parse(email).unwrap_err().to_string(), rule, "{email:?}");
        }
    }

    #[test]
    fn an_address_keeps_its_case() {
        assert_eq!(Email::parse("Ann@Example.COM ").unwrap().as_str(), "Ann@Example.COM");
    }
}
