//! Commits the results of batches in the file's order, in whatever order they arrive.

use super::batch::BatchResult;
use super::checkpoint::Checkpoint;
use crate::error::CliError;
use crate::format::TableForm;
use crate::record::Rejection;
use crate::resume::{AppendFile, state_file};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub struct CommitLog {
    checkpoint: Checkpoint,
    /// Where to save the checkpoint. None if the import can't resume.
    path: Option<PathBuf>,
    rejections: AppendFile,
    /// Of a table: refused rows are written in the form that they came in.
    form: Option<TableForm>,
    /// Results that arrived before the result of an earlier batch.
    waiting: BTreeMap<u64, BatchResult>,
    /// Number of the first batch that is not committed.
    next: u64,
}

impl CommitLog {
    pub fn new(checkpoint: Checkpoint, path: Option<PathBuf>, rejections: AppendFile, form: Option<TableForm>) -> Self {
        CommitLog { checkpoint, path, rejections, form, waiting: BTreeMap::new(), next: 0 }
    }

    /// Number of the first batch that is not committed.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How far the import is committed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Takes the result of a batch, and commits it together with those that waited for it. The rejections are written
    /// before the checkpoint: see [`crate::resume`].
    pub fn add(&mut self, number: u64, result: BatchResult) -> Result<(), CliError> {
        self.waiting.insert(number, result);
        let before = self.next;
        while let Some(result) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.write(&result.rejections)?;
            self.checkpoint.stored += result.stored;
            self.checkpoint.stale += result.stale;
            self.checkpoint.absent += result.absent;
            self.checkpoint.refused += result.rejections.len() as u64;
            self.checkpoint.advance(result.end);
        }
        match &self.path {
            Some(path) if self.next > before => state_file::save(path, &self.checkpoint),
            _ => Ok(()),
        }
    }

    /// The checkpoint is there before the first rejection is: without one, the next run would take the file of refused
    /// records for one that somebody corrects.
    fn write(&mut self, rejections: &[Rejection]) -> Result<(), CliError> {
        if rejections.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        if self.checkpoint.refused_bytes == 0 {
            self.path.as_deref().map_or(Ok(()), |path| state_file::save(path, &self.checkpoint))?;
            self.form.iter().for_each(|form| form.write_header(&mut text));
        }
        for rejection in rejections {
            match &self.form {
                Some(form) => rejection.write_csv(form.delimiter, &mut text),
                None => rejection.write_ndjson(&mut text),
            }
        }
        self.checkpoint.refused_bytes = self.rejections.append(&text)?;
        Ok(())
    }

    /// Closes the log of a complete import, and removes its checkpoint.
    pub fn finish(self) -> Result<Checkpoint, CliError> {
        self.path.as_deref().map_or(Ok(()), state_file::remove)?;
        self.suspend()
    }

    /// Closes the log of an import that stopped early.
    pub fn suspend(self) -> Result<Checkpoint, CliError> {
        self.rejections.close()?;
        Ok(self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Position, RejectReason};
    use crate::sending::checkpoint::Identity;
    use std::fs;
    use std::path::Path;

    fn result(offset: u64) -> BatchResult {
        let rejections = vec![Rejection::from_text(offset, b"x", &RejectReason::Unreadable("bad".into()))];
        BatchResult { stored: 1, stale: 0, absent: 0, rejections, end: Position { offset, lines: offset } }
    }

    fn rejected_lines(path: &Path) -> Vec<u64> {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["line"].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn a_batch_is_committed_after_all_those_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let [input, saved, rejections] = ["u", "u.progress", "u.refused"].map(|name| directory.path().join(name));
        fs::write(&input, "").unwrap();
        let identity = || Identity::new(Some(&input), "http://a", "ros_AAAA", &rejections, &"as it is").unwrap();
        let file = AppendFile::open(&rejections, 0).unwrap();
        assert!(AppendFile::open(&rejections, 0).is_err(), "one import runs at a time");
        let mut log = CommitLog::new(Checkpoint::start(identity()), Some(saved.clone()), file, None);

        log.add(1, result(20)).unwrap();
        assert!(!saved.exists() && rejected_lines(&rejections).is_empty());
        log.add(2, result(30)).unwrap();
        log.add(0, result(10)).unwrap();
        assert_eq!((log.next(), rejected_lines(&rejections)), (3, vec![10, 20, 30]));
        let loaded = Checkpoint::load(&saved, identity()).unwrap();
        assert_eq!((loaded.position().offset, loaded.stored, loaded.refused), (30, 3, 3));

        log.finish().unwrap();
        assert!(!saved.exists() && rejections.exists());
    }
}
