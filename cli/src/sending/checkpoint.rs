//! The saved state of a run: what it sends, and how far it has come.

use crate::error::CliError;
use crate::record::Position;
use crate::resume::state_file;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes at the beginning of a file whose hash tells it from another file of the same length.
const HEAD_BYTES: u64 = 65_536;

/// What an import reads and where it writes. An import resumes only if all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub input_bytes: u64,
    input_head_sha256: String,
    url: String,
    /// Another key may belong to another project.
    key_prefix: String,
    refused_file: PathBuf,
    /// How the input is read.
    read: String,
}

impl Identity {
    /// `input` is None for the standard input.
    pub fn new(
        input: Option<&Path>,
        url: &str,
        key_prefix: &str,
        refused_file: &Path,
        read: &impl Debug,
    ) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut input_bytes = 0;
        if let Some(input) = input {
            let file = File::open(input)?;
            input_bytes = file.metadata()?.len();
            file.take(HEAD_BYTES).read_to_end(&mut head)?;
        }
        Ok(Identity {
            input_bytes,
            input_head_sha256: Sha256::digest(&head).iter().map(|byte| format!("{byte:02x}")).collect(),
            url: url.into(),
            key_prefix: key_prefix.into(),
            refused_file: refused_file.into(),
            read: format!("{read:?}"),
        })
    }

    /// What differs from `saved`, for people.
    fn difference(&self, saved: &Identity) -> &'static str {
        if (self.input_bytes, &self.input_head_sha256) != (saved.input_bytes, &saved.input_head_sha256) {
            "the file has changed"
        } else if self.url != saved.url {
            "it went to another URL"
        } else if self.key_prefix != saved.key_prefix {
            "it had another key, which may be another project's"
        } else if self.read != saved.read {
            "it read the file by other options"
        } else {
            "it had another file for refused records"
        }
    }
}

/// *Invariant:* each record before `offset` is committed: stored, or written to the file of refused records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    #[serde(flatten)]
    pub identity: Identity,
    offset: u64,
    lines: u64,
    /// Records stored.
    pub stored: u64,
    /// Records stored of which something was left, because what stands is newer.
    #[serde(default)]
    pub stale: u64,
    /// Deletions done of users whom nobody had stored.
    #[serde(default)]
    pub absent: u64,
    /// Records refused.
    pub refused: u64,
    /// Committed bytes of the file of refused records.
    pub refused_bytes: u64,
}

impl Checkpoint {
    pub fn start(identity: Identity) -> Self {
        Checkpoint { identity, offset: 0, lines: 0, stored: 0, stale: 0, absent: 0, refused: 0, refused_bytes: 0 }
    }

    /// Loads what an earlier run of the same import saved, or starts anew. Fails if another import saved it.
    pub fn load(path: &Path, identity: Identity) -> Result<Self, CliError> {
        match state_file::load::<Checkpoint>(path, state_file::RESTART)? {
            None => Ok(Checkpoint::start(identity)),
            Some(saved) if saved.identity == identity => Ok(saved),
            Some(saved) => Err(state_file::mismatch(path, identity.difference(&saved.identity), state_file::RESTART)),
        }
    }

    pub fn position(&self) -> Position {
        Position { offset: self.offset, lines: self.lines }
    }

    pub fn advance(&mut self, to: Position) {
        self.offset = to.offset;
        self.lines = to.lines;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_the_same_import_loads_a_checkpoint() {
        let directory = tempfile::tempdir().unwrap();
        let (input, path) = (directory.path().join("u.csv"), directory.path().join("u.csv.progress"));
        fs::write(&input, "user_id\n").unwrap();
        let identity =
            |url: &str, key: &str| Identity::new(Some(&input), url, key, Path::new("r"), &"as it is").unwrap();
        let mut checkpoint = Checkpoint::load(&path, identity("http://a", "ros_AAAA")).unwrap();
        assert_eq!(checkpoint, Checkpoint::start(identity("http://a", "ros_AAAA")));
        checkpoint.advance(Position { offset: 5, lines: 1 });
        state_file::save(&path, &checkpoint).unwrap();
        assert_eq!(Checkpoint::load(&path, identity("http://a", "ros_AAAA")).unwrap(), checkpoint);

        let error = |identity: Identity| Checkpoint::load(&path, identity).unwrap_err().to_string();
        assert!(error(identity("http://b", "ros_AAAA")).contains("another URL"));
        assert!(error(identity("http://a", "ros_BBBB")).contains("another key"));
        fs::write(&input, "user_ID\n").unwrap();
        assert!(error(identity("http://a", "ros_AAAA")).contains("has changed"));
        fs::write(&path, "{").unwrap();
        assert!(error(identity("http://a", "ros_AAAA")).contains("no progress file"));
    }
}
