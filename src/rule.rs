//! The one error of everything that is parsed from a text.

use std::borrow::Cow;
use std::fmt;

/// The rule that a text breaks: a sentence without its full stop. It never repeats the text, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule(Cow<'static, str>);

impl BrokenRule {
    /// A rule in words.
    pub fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        BrokenRule(rule.into())
    }
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BrokenRule {}

impl From<BrokenRule> for Cow<'static, str> {
    fn from(BrokenRule(rule): BrokenRule) -> Self {
        rule
    }
}
