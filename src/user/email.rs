//! An e-mail address.

use crate::bounds::MAX_EMAIL_BYTES;
use crate::rule::BrokenRule;

/// An e-mail address that `<input type=email>` accepts, at most 254 bytes, kept as sent.
/// Source: WHATWG HTML, "valid e-mail address".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Email<'a>(&'a str);

impl<'a> Email<'a> {
    /// Checks an address. It borrows, as `FromStr` can't.
    pub fn parse(text: &'a str) -> Result<Self, BrokenRule> {
        let valid = text.len() <= MAX_EMAIL_BYTES
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
                    && domain.split('.').all(is_domain_label)
            });
        let rule = || BrokenRule::new(format!("Must be a valid e-mail address of at most {MAX_EMAIL_BYTES} bytes"));
        valid.then_some(Email(text)).ok_or_else(rule)
    }

    /// The address as sent.
    pub fn as_str(self) -> &'a str {
        self.0
    }
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
            assert!(Email::parse(email).is_ok(), "{email}");
        }
        let long_label = format!("a@{}", "a".repeat(64));
        let too_long = format!("a{longest}");
        for email in [
            "",
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
            "a@b\n",
            " a@b",
            "\"a\"@b",
            "a@[1.2.3.4]",
            &long_label,
            &too_long,
        ] {
            assert!(Email::parse(email).is_err(), "{email:?}");
        }
    }
}
