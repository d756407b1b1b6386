//! A telephone number.

use crate::bounds::PHONE_DIGITS;
use crate::rule::BrokenRule;

/// A telephone number in E.164 form: `+`, then 2–15 digits, the first not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone<'a>(&'a str);

impl<'a> Phone<'a> {
    /// Checks a number. It borrows, as `FromStr` can't.
    pub fn parse(text: &'a str) -> Result<Self, BrokenRule> {
        let valid = text.strip_prefix('+').is_some_and(|digits| {
            PHONE_DIGITS.contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        });
        let (fewest, most) = (PHONE_DIGITS.start(), PHONE_DIGITS.end());
        let rule = || BrokenRule::new(format!("Must be + and {fewest} to {most} digits, the first not 0 (E.164)"));
        valid.then_some(Phone(text)).ok_or_else(rule)
    }

    /// The number as sent.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_have_the_shape_of_e_164() {
        for phone in ["+12", "+1234567890", "+123456789012345"] {
            assert!(Phone::parse(phone).is_ok(), "{phone}");
        }
        for phone in ["", "+", "+1", "12", "+0123", "+1234567890123456", "+1 234", "+1-23", "++12", "+١٢"] {
            assert!(Phone::parse(phone).is_err(), "{phone}");
        }
    }
}
