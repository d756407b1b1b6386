//! A file that grows step by step, and goes on where an earlier run settled it.

use crate::failure::Failure;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub struct PartialFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl PartialFile {
    /// Opens it with so many bytes of an earlier run, cutting off what that run wrote but did not settle. It is locked,
    /// so that one run at a time writes here.
    pub fn open(path: &Path, bytes: u64) -> Result<Self, Failure> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(Failure::of_file(path))?;
        if file.try_lock().is_err() {
            return Err(Failure::Stopped(format!("{}: another run of roster writes here", path.display())));
        }
        let length = file.metadata().map_err(Failure::of_file(path))?.len();
        if length < bytes {
            let message = format!("{}: was cut since the last run; --restart starts anew", path.display());
            return Err(Failure::Stopped(message));
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(Failure::of_file(path))?;
        Ok(PartialFile { path: path.to_owned(), file, bytes })
    }

    /// Appends durably, and answers how many bytes there are.
    pub fn append(&mut self, text: &[u8]) -> Result<u64, Failure> {
        if !text.is_empty() {
            let written = self.file.write_all(text).and_then(|()| self.file.sync_data());
            written.map_err(Failure::of_file(&self.path))?;
            self.bytes += text.len() as u64;
        }
        Ok(self.bytes)
    }

    /// From its beginning.
    pub fn read(&mut self) -> Result<impl Read + Seek, Failure> {
        self.file.rewind().map_err(Failure::of_file(&self.path))?;
        Ok(&self.file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves no empty file behind.
    pub fn close(self) -> Result<(), Failure> {
        if self.bytes == 0 { self.remove() } else { Ok(()) }
    }

    pub fn remove(self) -> Result<(), Failure> {
        fs::remove_file(&self.path).map_err(Failure::of_file(&self.path))
    }
}
