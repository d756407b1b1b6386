//! Packs the records of a file into batches.

use super::batch::Batch;
use crate::error::CliError;
use crate::format::RecordSource;
use crate::record::Parsed;
use std::mem;

pub struct Packer {
    source: RecordSource,
    max_users: usize,
    batch: Batch,
    /// A record that had no room in the last batch: the first of the next one.
    pending: Option<Parsed>,
}

impl Packer {
    pub fn new(source: RecordSource, max_users: usize) -> Self {
        Packer { source, max_users, batch: Batch::default(), pending: None }
    }

    /// The next batch. None at the end of the file.
    pub fn next(&mut self) -> Result<Option<Batch>, CliError> {
        while let Some(parsed) = self.next_record()? {
            if !self.batch.has_room_for(&parsed, self.max_users) {
                self.pending = Some(parsed);
                return Ok(Some(mem::take(&mut self.batch)));
            }
            self.batch.push(parsed);
        }
        if self.batch.is_empty() { Ok(None) } else { Ok(Some(mem::take(&mut self.batch))) }
    }

    fn next_record(&mut self) -> Result<Option<Parsed>, CliError> {
        match self.pending.take() {
            Some(parsed) => Ok(Some(parsed)),
            None => self.source.next(),
        }
    }
}
