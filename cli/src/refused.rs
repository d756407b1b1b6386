//! The file of the records that were refused.

use crate::failure::Failure;
use crate::record::Refused;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub struct RefusedFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl RefusedFile {
    /// Opens it with so many bytes of an earlier run, cutting off what that run wrote but did not settle. It is locked, so
    /// that one import runs at a time.
    pub fn open(path: &Path, bytes: u64) -> Result<Self, Failure> {
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(Failure::of_file(path))?;
        if file.try_lock().is_err() {
            return Err(Failure::Stopped(format!("{}: another import writes here", path.display())));
        }
        let length = file.metadata().map_err(Failure::of_file(path))?.len();
        if length < bytes {
            let message = format!("{}: was cut since the import stopped; --restart starts anew", path.display());
            return Err(Failure::Stopped(message));
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(Failure::of_file(path))?;
        Ok(RefusedFile { path: path.to_owned(), file, bytes })
    }

    /// Appends durably, and answers how many bytes there are.
    pub fn append(&mut self, refused: &[Refused]) -> Result<u64, Failure> {
        let mut lines = Vec::new();
        for refused in refused {
            serde_json::to_writer(&mut lines, refused).map_err(|error| Failure::Stopped(error.to_string()))?;
            lines.push(b'\n');
        }
        if !lines.is_empty() {
            let written = self.file.write_all(&lines).and_then(|()| self.file.sync_data());
            written.map_err(Failure::of_file(&self.path))?;
            self.bytes += lines.len() as u64;
        }
        Ok(self.bytes)
    }

    /// Leaves no empty file behind.
    pub fn close(self) -> Result<(), Failure> {
        if self.bytes == 0 { fs::remove_file(&self.path).map_err(Failure::of_file(&self.path)) } else { Ok(()) }
    }
}
