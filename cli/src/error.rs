//! Why a run did not end with exit code 0.

use std::error::Error;
use std::fmt::{self, Display};
use std::io;
use std::path::Path;

/// Each variant has one exit code.
#[derive(Debug)]
pub enum CliError {
    /// 2: the command line or the input can't be used.
    Usage(String),
    /// 1: the run failed. The same command may succeed later.
    Failed(String),
    /// 1: the server denied a call. It will deny the same call again.
    Denied(String),
    /// 1: the import reached the end of its file, but some records were refused.
    RecordsRefused(String),
    /// 130: Ctrl-C (128 + SIGINT, as shells report it).
    Interrupted,
}

impl CliError {
    /// Makes the error of a failed operation on this file, or of what it holds.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| {
            let message = format!("{}: {error}", path.display());
            if error.kind() == io::ErrorKind::InvalidData {
                CliError::Usage(message)
            } else {
                CliError::Failed(message)
            }
        }
    }

    /// The server answered something that its contract does not allow.
    pub fn invalid_response(error: impl Display) -> Self {
        CliError::Failed(format!("can't read the server's response: {error}"))
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) => 2,
            CliError::Failed(_) | CliError::Denied(_) | CliError::RecordsRefused(_) => 1,
            CliError::Interrupted => 130,
        }
    }

    /// Whether the same command, run again, may get further.
    pub fn can_resume(&self) -> bool {
        match self {
            CliError::Failed(_) | CliError::Interrupted => true,
            CliError::Usage(_) | CliError::Denied(_) | CliError::RecordsRefused(_) => false,
        }
    }
}

impl Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CliError::Usage(message)
            | CliError::Failed(message)
            | CliError::Denied(message)
            | CliError::RecordsRefused(message) => f.write_str(message),
            CliError::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl Error for CliError {}
