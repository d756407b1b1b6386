//! Writes down what became of the batches, in the file's order, whatever order they end in.

use crate::batch::Settled;
use crate::failure::Failure;
use crate::partial::PartialFile;
use crate::progress::Progress;
use crate::record::Refused;
use crate::saved;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub struct Ledger {
    pub progress: Progress,
    /// Where to save it. None if the input can't be read again.
    path: Option<PathBuf>,
    refused: PartialFile,
    /// Batches that ended before one that stands before them.
    early: BTreeMap<u64, Settled>,
    /// The first batch that has not ended.
    next: u64,
}

impl Ledger {
    pub fn new(progress: Progress, path: Option<PathBuf>, refused: PartialFile) -> Self {
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
            self.progress.refused_bytes = self.refused.append(&lines(&settled.refused)?)?;
            self.progress.stored += settled.stored;
            self.progress.refused += settled.refused.len() as u64;
            self.progress.advance(settled.end);
        }
        match &self.path {
            Some(path) if self.next > before => saved::save(path, &self.progress),
            _ => Ok(()),
        }
    }

    /// Ends an import that came to the end of its file.
    pub fn close(self) -> Result<Progress, Failure> {
        self.path.as_deref().map_or(Ok(()), saved::remove)?;
        self.stop()
    }

    /// Ends an import that did not.
    pub fn stop(self) -> Result<Progress, Failure> {
        self.refused.close()?;
        Ok(self.progress)
    }
}

fn lines(refused: &[Refused]) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for refused in refused {
        serde_json::to_writer(&mut lines, refused).map_err(|error| Failure::Stopped(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Identity;
    use crate::record::{LocalError, Mark};
    use std::fs;
    use std::path::Path;

    fn settled(offset: u64) -> Settled {
        let refused = vec![Refused::text(offset, b"x", &LocalError::Unreadable("bad".into()))];
        Settled { stored: 1, refused, end: Mark { offset, lines: offset } }
    }

    fn numbers(path: &Path) -> Vec<u64> {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["line"].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn only_what_nothing_stands_before_is_settled_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let [input, saved, refused] = ["u", "u.progress", "u.refused"].map(|name| directory.path().join(name));
        fs::write(&input, "").unwrap();
        let identity = || Identity::of(Some(&input), "http://a", "ros_AAAA", &refused).unwrap();
        let file = PartialFile::open(&refused, 0).unwrap();
        assert!(PartialFile::open(&refused, 0).is_err(), "one import runs at a time");
        let mut ledger = Ledger::new(Progress::start(identity()), Some(saved.clone()), file);

        ledger.settle(1, settled(20)).unwrap();
        assert!(!saved.exists() && numbers(&refused).is_empty());
        ledger.settle(2, settled(30)).unwrap();
        ledger.settle(0, settled(10)).unwrap();
        assert_eq!((ledger.next(), numbers(&refused)), (3, vec![10, 20, 30]));
        let loaded = Progress::load(&saved, identity()).unwrap();
        assert_eq!((loaded.mark().offset, loaded.stored, loaded.refused), (30, 3, 3));

        ledger.close().unwrap();
        assert!(!saved.exists() && refused.exists());
    }
}
