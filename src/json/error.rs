//! Why a text is not JSON, or not an object.

use std::fmt;

/// Where and why a text is not JSON. Line and column count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and after `; ` what to write instead.
    problem: &'static str,
}

impl SyntaxError {
    /// A problem right after the text `before`.
    pub(super) fn behind(before: &[u8], problem: &'static str) -> Self {
        let before = String::from_utf8_lossy(before);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        SyntaxError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem,
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (problem, hint) = match self.problem.split_once("; ") {
            Some((problem, hint)) => (problem, format!("; {hint}")),
            None => (self.problem, String::new()),
        };
        write!(f, "{problem} at line {}, column {}{hint}", self.line, self.column)
    }
}

impl std::error::Error for SyntaxError {}

/// Why a text is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectError {
    /// It is not JSON.
    Syntax(SyntaxError),
    /// It is JSON of this type.
    Type(&'static str),
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectError::Syntax(error) => error.fmt(f),
            ObjectError::Type(received) => write!(f, "expected an object, received {received}"),
        }
    }
}

impl std::error::Error for ObjectError {}
