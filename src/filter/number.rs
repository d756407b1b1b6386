//! Numbers of JSON, by value.

use crate::json::nearest;
use std::cmp::Ordering;
use std::fmt;

/// A number: a whole one of 64 bits exactly, any other as a double.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Integer(i64),
    /// One that is not whole, or has more than 64 bits; an infinity, if it is past the doubles.
    Double(f64),
}

impl Number {
    /// The number that JSON digits spell. `1.0` and `1` are one.
    pub fn parse(digits: &str) -> Self {
        if let Ok(integer) = digits.parse() {
            return Number::Integer(integer);
        }
        // Not by serde_json, which may be off by the last bit: SQL is not.
        let value = nearest(digits);
        whole(value).map_or(Number::Double(value), Number::Integer)
    }

    /// Whether a double holds it.
    pub fn is_finite(self) -> bool {
        !matches!(self, Number::Double(value) if value.is_infinite())
    }
}

/// As JSON. An infinity, which JSON does not have, is a number past the doubles.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(integer) => integer.fmt(f),
            Number::Double(value) if value.is_infinite() => f.write_str(if *value > 0.0 { "1e999" } else { "-1e999" }),
            Number::Double(value) => f.write_str(&serde_json::to_string(value).unwrap_or_default()),
        }
    }
}

/// By value, exactly. None is NaN, which JSON does not have.
impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        match (self, other) {
            (Number::Integer(one), Number::Integer(other)) => one.cmp(other),
            (Number::Double(one), Number::Double(other)) => one.total_cmp(other),
            (Number::Integer(integer), Number::Double(value)) => compare(*integer, *value),
            (Number::Double(value), Number::Integer(integer)) => compare(*integer, *value).reverse(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Number {}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

/// 2^63.
const END: f64 = 9_223_372_036_854_775_808.0;

/// The whole number of 64 bits that a double is.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and in its bounds")]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && (-END..END).contains(&value)).then_some(value as i64)
}

/// A whole number beside a double that is not a whole number of 64 bits.
fn compare(integer: i64, double: f64) -> Ordering {
    // Rounded down, it is not the double, so that an equal one is less.
    let is_less = whole(double.floor()).map_or(double > 0.0, |floor| integer <= floor);
    if is_less { Ordering::Less } else { Ordering::Greater }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let groups: [&[&str]; 14] = [
            &["-1e400"],
            &["-1e19", "-10000000000000000000"],
            &["-9223372036854775808", "-9223372036854775808.0"],
            &["-1.5", "-15e-1"],
            &["0", "-0", "0.0", "-0.0", "0e5", "1e-400"],
            &["0.1", "1e-1", "0.10"],
            &["1", "1.0", "10e-1"],
            &["1.5"],
            &["9007199254740992", "9007199254740993.0"],
            &["9007199254740993"],
            &["9223372036854775807"],
            &["9223372036854775808", "9223372036854775807.0"],
            &["12345678901234567890123"],
            &["1e400", "1e999"],
        ];
        for (i, group) in groups.iter().enumerate() {
            for (j, others) in groups.iter().enumerate() {
                for (one, other) in group.iter().flat_map(|one| others.iter().map(move |other| (one, other))) {
                    assert_eq!(Number::parse(one).cmp(&Number::parse(other)), i.cmp(&j), "{one} {other}");
                }
            }
        }
        for number in groups.iter().copied().flatten() {
            let shown = Number::parse(number).to_string();
            assert_eq!(Number::parse(&shown), Number::parse(number), "{shown}");
        }
        assert!(Number::parse("1e308").is_finite() && !Number::parse("-1e309").is_finite());
    }
}
