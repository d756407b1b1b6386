//! Writes down what became of the batches, in the file's order, whatever order they end in.

use crate::batch::Settled;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::refused::RefusedFile;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub struct Ledger {
    pub progress: Progress,
    path: PathBuf,
    refused: RefusedFile,
    /// Batches that ended before one that stands before them.
    early: BTreeMap<u64, Settled>,
    /// The first batch that has not ended.
    next: u64,
}

impl Ledger {
    pub fn new(progress: Progress, path: PathBuf, refused: RefusedFile) -> Self {
        Ledger { progress, path, refused, early: BTreeMap::new(), next: 0 }
    }

    /// The first batch that has not ended.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Notes the end of a batch, and saves as far as everything has ended. The refused records go first: if the progress
    /// is not saved then, they are cut off and found again.
    pub fn settle(&mut self, number: u64, settled: Settled) -> Result<(), Failure> {
        self.early.insert(number, settled);
        let before = self.next;
        while let Some(settled) = self.early.remove(&self.next) {
            self.next += 1;
            self.progress.refused_bytes = self.refused.append(&settled.refused)?;
            self.progress.stored += settled.stored;
            self.progress.refused += settled.refused.len() as u64;
            self.progress.advance(settled.end);
        }
        if self.next > before { self.progress.save(&self.path) } else { Ok(()) }
    }

    /// Ends an import that came to the end of its file.
    pub fn close(self) -> Result<Progress, Failure> {
        self.refused.close()?;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::of_file(&self.path)(error)),
            _ => Ok(self.progress),
        }
    }
}
