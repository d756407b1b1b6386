//! A telephone number.

use super::text::invisible;
use crate::bounds::PHONE_DIGITS;
use crate::rule::BrokenRule;
use std::borrow::Cow;

/// What people write between the digits of a number: spaces, no-break spaces and punctuation.
const SEPARATORS: [char; 8] = [' ', '\u{a0}', '\u{202f}', '-', '.', '/', '(', ')'];
/// Characters of a number that a message repeats, so that it shows what to write and not the number.
const SHOWN_CHARS: usize = 6;

/// A telephone number in E.164 form: `+`, then 2–15 digits, the first not 0. Separators between digits are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone<'a>(Cow<'a, str>);

impl<'a> Phone<'a> {
    /// Checks a number. It borrows, as `FromStr` can't.
    pub fn parse(text: &'a str) -> Result<Self, BrokenRule> {
        let number = without_separators(text);
        let valid = number.strip_prefix('+').is_some_and(|digits| {
            PHONE_DIGITS.contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        });
        if valid { Ok(Phone(number)) } else { Err(broken_rule(text)) }
    }

    /// The number, without separators.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> From<Phone<'a>> for Cow<'a, str> {
    fn from(phone: Phone<'a>) -> Self {
        phone.0
    }
}

/// A number that begins and ends as one, without what stands between its digits; any other text as it is.
fn without_separators(text: &str) -> Cow<'_, str> {
    let is_framed = text.strip_prefix('+').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with(|c: char| c.is_ascii_digit())
    });
    if is_framed && text.contains(SEPARATORS) { text.replace(SEPARATORS, "").into() } else { text.into() }
}

fn broken_rule(text: &str) -> BrokenRule {
    let is_national = text.chars().all(|c| c.is_ascii_digit() || SEPARATORS.contains(&c))
        && text.contains(|c: char| c.is_ascii_digit());
    let mut ends = text.chars().next().into_iter().chain(text.chars().next_back());
    BrokenRule::new(if let Some(character) = ends.find_map(invisible) {
        format!("Must not begin or end with {character}")
    } else if let Some(character) = text.chars().filter(|c| !SEPARATORS.contains(c)).find_map(invisible) {
        format!("Must not contain {character}")
    } else if let Some(rest) = text.strip_prefix("00").filter(|_| is_national) {
        let shown: String = rest.trim_start_matches(SEPARATORS).chars().take(SHOWN_CHARS).collect();
        format!("Must begin with + and the country code; try +{shown}…")
    } else if is_national {
        "Must begin with + and the country code, as in +49 151 23456789".into()
    } else {
        let (fewest, most) = (PHONE_DIGITS.start(), PHONE_DIGITS.end());
        format!("Must be + and {fewest} to {most} digits, the first not 0 (E.164)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_have_the_shape_of_e_164() {
        for phone in ["+12", "+1234567890", "+123456789012345"] {
            assert_eq!(Phone::parse(phone).unwrap().as_str(), phone);
        }
        for phone in
            ["", "+", "+1", "12", "+0123", "+1234567890123456", "++12", "+12+3", "+1_23", "+١٢", "+1\u{200b}23"]
        {
            assert!(Phone::parse(phone).is_err(), "{phone}");
        }
    }

    #[test]
    fn what_people_write_between_digits_is_dropped() {
        for (phone, number) in [
            ("+1 (415) 555-2671", "+14155552671"),
            ("+49\u{a0}151/234.56\u{202f}78", "+491512345678"),
            ("+1--2", "+12"),
            ("+123 456 789 012 345", "+123456789012345"),
        ] {
            assert_eq!(Phone::parse(phone).unwrap().as_str(), number);
        }
        for phone in ["+ 12", "+(1)23", "+12 ", " +12", "+12)", "+0 12", "+1 ", "1 (415) 555-2671"] {
            assert!(Phone::parse(phone).is_err(), "{phone:?}");
        }
    }

    #[test]
    fn a_national_number_is_answered_with_the_international_form() {
        let as_in = "Must begin with + and the country code, as in +49 151 23456789";
        for (phone, rule) in [
            ("0049 151 23456789", "Must begin with + and the country code; try +49 151…"),
            ("00-1-415-555-2671", "Must begin with + and the country code; try +1-415-…"),
            ("(415) 555-2671", as_in),
            ("0151 23456789", as_in),
            ("+49 151\u{a0}", "Must not begin or end with a no-break space (U+00A0)"),
            ("\u{202a}+49 151", "Must not begin or end with a zero-width character (U+202A)"),
            ("+49 151\u{200b}23", "Must not contain a zero-width character (U+200B)"),
            ("call me", "Must be + and 2 to 15 digits, the first not 0 (E.164)"),
            ("+1", "Must be + and 2 to 15 digits, the first not 0 (E.164)"),
        ] {
            assert_eq!(Phone::parse(phone).unwrap_err().to_string(), rule, "{phone:?}");
        }
    }
}
