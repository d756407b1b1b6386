//! A file that a run appends to, and that the next run continues.

use crate::error::CliError;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub struct AppendFile {
    path: PathBuf,
    file: File,
    /// Length of the file: all of it is durable.
    bytes: u64,
}

impl AppendFile {
    /// Opens the file and cuts off all behind its committed bytes. Locks it, so that only one run at a time writes.
    pub fn open(path: &Path, committed_bytes: u64) -> Result<Self, CliError> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(CliError::file(path))?;
        if file.try_lock().is_err() {
            return Err(CliError::Failed(format!("{}: another run of roster writes to this file", path.display())));
        }
        let length = file.metadata().map_err(CliError::file(path))?.len();
        if length < committed_bytes {
            let message = format!("{}: was cut since the last run; --restart starts anew", path.display());
            return Err(CliError::Failed(message));
        }
        file.set_len(committed_bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(CliError::file(path))?;
        Ok(AppendFile { path: path.to_owned(), file, bytes: committed_bytes })
    }

    /// Appends durably. Returns the new length in bytes.
    pub fn append(&mut self, text: &[u8]) -> Result<u64, CliError> {
        if !text.is_empty() {
            let written = self.file.write_all(text).and_then(|()| self.file.sync_data());
            written.map_err(CliError::file(&self.path))?;
            self.bytes += text.len() as u64;
        }
        Ok(self.bytes)
    }

    /// Reads the file from its start.
    pub fn reader(&mut self) -> Result<impl Read + Seek, CliError> {
        self.file.rewind().map_err(CliError::file(&self.path))?;
        Ok(&self.file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file if it is empty.
    pub fn close(self) -> Result<(), CliError> {
        if self.bytes == 0 { self.remove() } else { Ok(()) }
    }

    pub fn remove(self) -> Result<(), CliError> {
        fs::remove_file(&self.path).map_err(CliError::file(&self.path))
    }
}
