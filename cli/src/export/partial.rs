//! An export to a file that is under way, and can resume.

use super::page::Page;
use super::selection::Selection;
use super::{Totals, table};
use crate::args::{ExportArgs, partial_paths};
use crate::client::BaseUrl;
use crate::error::CliError;
use crate::format::Format;
use crate::format::csv_value::Style;
use crate::resume::state_file::RESTART;
use crate::resume::{AppendFile, state_file};
use roster::key::ApiKey;
use roster::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The saved state of an export: what it reads, and how far it has come.
#[derive(Debug, Serialize, Deserialize)]
struct ExportState {
    url: String,
    /// Another key may belong to another project.
    key_prefix: String,
    columns: Vec<String>,
    #[serde(default)]
    since: Option<String>,
    /// Which users, as JSON.
    #[serde(default)]
    filter: Option<String>,
    /// Where the next page begins. None at the beginning.
    cursor: Option<String>,
    users: u64,
    #[serde(default)]
    deletions: u64,
    /// Committed bytes of the partial file.
    bytes: u64,
}

impl ExportState {
    fn check_same_export(&self, saved: &ExportState) -> Result<(), &'static str> {
        if self.url != saved.url {
            Err("it was from another URL")
        } else if self.key_prefix != saved.key_prefix {
            Err("it had another key, which may be another project's")
        } else if self.columns != saved.columns {
            Err("it was begun with other columns")
        } else if self.since != saved.since {
            Err("it was of users changed since another moment, or of all")
        } else if self.filter != saved.filter {
            Err("it was of other users")
        } else {
            Ok(())
        }
    }
}

/// The users read so far. They are kept as NDJSON whatever the format of the output, because the columns of a CSV file
/// are known only at the end.
pub struct PartialExport {
    output: PathBuf,
    file: AppendFile,
    state_path: PathBuf,
    state: ExportState,
}

impl PartialExport {
    /// Opens what an earlier run of the same export left, unless it is to restart, or starts anew.
    pub fn open(
        output: &Path,
        url: &BaseUrl,
        key: &ApiKey,
        selection: &Selection,
        filter: Option<&str>,
        args: &ExportArgs,
    ) -> Result<Self, CliError> {
        let (path, state_path) = partial_paths(output);
        let (url, key_prefix) = (url.as_str().into(), key.prefix().into());
        let (columns, since) = (selection.names(), args.since.as_ref().map(Timestamp::to_string));
        let filter = filter.map(str::to_owned);
        let mut state =
            ExportState { url, key_prefix, columns, since, filter, cursor: None, users: 0, deletions: 0, bytes: 0 };
        let saved = if args.restart { None } else { state_file::load::<ExportState>(&state_path, RESTART)? };
        if let Some(saved) = saved {
            state.check_same_export(&saved).map_err(|problem| state_file::mismatch(&state_path, problem, RESTART))?;
            state = saved;
        }
        let file = AppendFile::open(&path, state.bytes)?;
        Ok(PartialExport { output: output.into(), file, state_path, state })
    }

    pub fn users(&self) -> u64 {
        self.state.users
    }

    /// Where the next page begins. None at the beginning.
    pub fn cursor(&self) -> Option<String> {
        self.state.cursor.clone()
    }

    /// Appends a page. The last page leaves the saved state alone: a run that resumes reads it again and so finds the end.
    pub fn append(&mut self, page: Page) -> Result<(), CliError> {
        self.state.bytes = self.file.append(&page.lines)?;
        self.state.users += page.users;
        self.state.deletions += page.deletions;
        if page.next_cursor.is_some() {
            self.state.cursor = page.next_cursor;
            state_file::save(&self.state_path, &self.state)?;
        }
        Ok(())
    }

    /// Turns the complete export into the output file.
    pub fn finish(mut self, format: Format, selection: &Selection, style: Style) -> Result<Totals, CliError> {
        match format {
            Format::Ndjson => fs::rename(self.file.path(), &self.output).map_err(CliError::file(&self.output))?,
            Format::Csv => {
                let directory = self.output.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = directory.unwrap_or(Path::new("."));
                let mut csv = NamedTempFile::new_in(directory).map_err(CliError::file(directory))?;
                table::write(&mut self.file.reader()?, csv.as_file_mut(), selection, style)?;
                csv.as_file().sync_all().map_err(CliError::file(&self.output))?;
                csv.persist(&self.output).map_err(|error| CliError::file(&self.output)(error.error))?;
                self.file.remove()?;
            }
        }
        state_file::remove(&self.state_path)?;
        Ok(Totals { users: self.state.users, deletions: self.state.deletions })
    }

    /// Closes an export that stopped early. Returns the number of users kept, or None if there is nothing to resume.
    pub fn suspend(self) -> Result<Option<u64>, CliError> {
        if self.state.cursor.is_none() {
            self.file.remove()?;
            return Ok(None);
        }
        Ok(Some(self.state.users))
    }
}
