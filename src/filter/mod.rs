//! Which users a question is about: a filter, parsed once into a type that cannot be wrong.
//!
//! [`Filter::matches`] judges a user in Rust. The stores on SQLite judge by the statement that
//! `store/sql/statements/filter.rs` makes of a filter; a test holds one against the other.

mod field;
mod json;
mod matches;
mod number;
mod parse;

pub use field::{Field, FieldError};
pub use matches::User;
pub use number::Number;
pub use parse::{field, filter};

use crate::rule::BrokenRule;
use crate::time;
use std::cmp::Ordering;
use std::fmt;

/// Which users are meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Those whom all of these mean.
    All(Vec<Filter>),
    /// Those whom one of these means.
    Any(Vec<Filter>),
    /// Those whom this does not mean.
    Not(Box<Filter>),
    /// Those whose field passes a test.
    Condition(Condition),
}

/// A field and the test that it must pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Of which field.
    pub field: Field,
    /// Which test. Texts that it compares `email` or `phone` with are in the form in which these are compared.
    pub test: Test,
}

/// What must be true of a value. A value that is missing or null passes `Exists(false)` alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is the same.
    Equal(Scalar),
    /// It is another.
    NotEqual(Scalar),
    /// It is one of these.
    In(Vec<Scalar>),
    /// Whether it is there.
    Exists(bool),
    /// It is of the bound's type, and so beside it.
    Compare(Comparison, Bound),
    /// It is a moment, this one or later.
    Since(Moment),
    /// It is a moment before this one.
    Before(Moment),
    /// It is a text that begins so.
    StartsWith(String),
    /// It is a text that holds this.
    Contains(String),
    /// It is an array that holds this.
    Has(Scalar),
}

/// A value that another can be equal to.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A text, compared byte for byte.
    Text(String),
    /// A number that a double holds, compared by value.
    Number(Number),
    /// A truth value.
    Boolean(bool),
}

/// On which side of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Above it.
    Greater,
    /// Above it or on it.
    GreaterOrEqual,
    /// Below it.
    Less,
    /// Below it or on it.
    LessOrEqual,
}

impl Comparison {
    /// Whether it includes what is so beside the bound.
    pub fn includes(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
        }
    }
}

/// What is greater than some and less than others of its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// A number that a double holds.
    Number(Number),
    /// A text, ordered by its bytes.
    Text(String),
}

/// A moment of the years 0000 to 9999: milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// Reads an RFC 3339 date and time, or a date alone, which is its midnight in UTC.
    pub fn parse(text: &str) -> Result<Self, BrokenRule> {
        let ms = if text.len() == "2023-06-01".len() {
            time::rfc3339_ms(&format!("{text}T00:00:00Z"))
        } else {
            time::rfc3339_ms(text)
        };
        let rule =
            "Must be an RFC 3339 date, or date and time with its offset, as in 2023-06-01 or 2023-06-01T12:00:00Z";
        ms.map(Moment).ok_or_else(|| BrokenRule::new(rule))
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }
}

/// As RFC 3339 with milliseconds.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        time::write_rfc3339(self.0, f)
    }
}
