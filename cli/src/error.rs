//! Why the tool does not end with 0.

use std::fmt;
use std::io;
use std::path::Path;

/// The variants are the exit codes.
#[derive(Debug)]
pub enum Failure {
    /// 2: it was not called as it can be.
    Usage(String),
    /// 1: it could not go on.
    Stopped(String),
    /// 1: the server refused a call. It will refuse the same call again.
    Denied(String),
    /// 1: it went to the end, and this many records were refused.
    Refused(String),
    /// 130: Ctrl-C, as shells have it (128 + SIGINT).
    Interrupted,
}

impl Failure {
    /// That an operation on a file failed.
    pub fn of_file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Failure::Stopped(format!("{}: {error}", path.display()))
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Stopped(_) | Failure::Denied(_) | Failure::Refused(_) => 1,
            Failure::Interrupted => 130,
        }
    }

    /// What to say of work that is kept for another run.
    pub fn advice(&self) -> &'static str {
        match self {
            Failure::Stopped(_) | Failure::Interrupted => "; the same command goes on from there",
            Failure::Usage(_) | Failure::Denied(_) | Failure::Refused(_) => "",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message)
            | Failure::Stopped(message)
            | Failure::Denied(message)
            | Failure::Refused(message) => f.write_str(message),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}
