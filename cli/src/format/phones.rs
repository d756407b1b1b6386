//! What to do with phones that are not in E.164 form.

use clap::ValueEnum;
use roster::user::Phone;

/// The property that keeps such a phone.
pub const KEPT_AS: &str = "phone";
/// Digits that a number has at least before a country code is written before it.
const MIN_NATIONAL_DIGITS: usize = 6;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Phones {
    /// Send it as it is, so that the server refuses it
    #[default]
    Refuse,
    /// Write + and the country code before it, else refuse it
    Tidy,
    /// Write + and the country code before it, else keep it as the property `phone`
    Keep,
}

/// Where a phone goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Placed {
    Phone(String),
    Property(String),
}

impl Phones {
    pub fn place(self, text: &str, country_code: Option<&str>) -> Placed {
        let as_it_is = || Placed::Phone(text.into());
        if self == Phones::Refuse || Phone::parse(text).is_ok() {
            return as_it_is();
        }
        match (tidy(text, country_code), self) {
            (Some(phone), _) => Placed::Phone(phone),
            (None, Phones::Keep) => Placed::Property(text.into()),
            (None, _) => as_it_is(),
        }
    }
}

/// The number with + and a country code: its own behind 00, else this one.
fn tidy(text: &str, country_code: Option<&str>) -> Option<String> {
    let is_separator = |c: char| " \u{a0}\u{202f}-./()".contains(c);
    let digits: String = text.chars().filter(|c| !is_separator(*c)).collect();
    let phone = if let Some(international) = digits.strip_prefix("00") {
        format!("+{international}")
    } else if digits.starts_with('+') {
        digits
    } else {
        let code = country_code.filter(|_| digits.len() >= MIN_NATIONAL_DIGITS)?;
        let national = match code {
            // In North America 1 is what one dials first too; in Italy the 0 is a part of the number.
            "1" => digits.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(&digits),
            "39" => &digits,
            _ => digits.strip_prefix('0').unwrap_or(&digits),
        };
        format!("+{code}{national}")
    };
    Phone::parse(&phone).is_ok().then_some(phone)
}
