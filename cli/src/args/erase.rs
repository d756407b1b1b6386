//! The arguments of `roster erase`.

use super::sending::SendArgs;
use super::with_suffix;
use crate::error::CliError;
use crate::format::{Format, is_stdin};
use clap::Args;
use std::path::{Path, PathBuf};

pub const DETAILS: &str = "\
The file has a user_id a line, or it is a CSV table, by its name or --csv: then its column user_id counts, and nothing else in
it. The key needs the scopes users:write and users:delete. Nothing brings back who is erased: on a terminal the tool asks for
the number of users first, and elsewhere it wants --yes.

Whom nobody has stored is counted apart, and is no error. The erasure waits for the rate limit, retries failures, and resumes
after Ctrl-C or a crash, as an import does; who was erased just before a crash counts as not there then. It keeps its position
in FILE.erase.progress. Refused ids are written to FILE.erase.refused.csv, each with its line and the reason.

";

#[derive(Args)]
pub struct EraseArgs {
    /// File of ids; - is the standard input
    pub file: PathBuf,
    /// The file is a CSV table, whatever its name
    #[arg(long)]
    csv: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// File to write refused ids to, each with its line and reason [default: FILE.erase.refused.csv]
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    #[command(flatten)]
    pub sending: SendArgs,
}

impl EraseArgs {
    /// Whether the file is a table, and no list.
    pub fn is_table(&self) -> Result<bool, CliError> {
        match Format::of_input(&self.file) {
            Some(Format::Ndjson) if !self.csv => {
                let path = self.file.display();
                Err(CliError::Usage(format!(
                    "{path} is JSON: write a user_id a line, or a CSV file with the column user_id"
                )))
            }
            format => Ok(self.csv || format == Some(Format::Csv)),
        }
    }

    /// They are a table, whatever the file is.
    pub fn rejections_path(&self) -> PathBuf {
        let input = if is_stdin(&self.file) { Path::new("stdin") } else { &self.file };
        self.refused.clone().unwrap_or_else(|| with_suffix(input, ".erase.refused.csv"))
    }

    /// None if the erasure can't resume.
    pub fn checkpoint_path(&self) -> Option<PathBuf> {
        (!is_stdin(&self.file)).then(|| with_suffix(&self.file, ".erase.progress"))
    }
}
