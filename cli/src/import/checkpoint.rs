//! How far an import has come, on disk.

use crate::failure::Failure;
use crate::record::Mark;
use crate::saved;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes at the beginning of a file that tell it from another of its size.
const HEAD_BYTES: u64 = 65_536;

/// What an import is of. Only the same one goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub input_bytes: u64,
    input_head_sha256: String,
    url: String,
    /// Another key may be another project's.
    key_prefix: String,
    refused_file: PathBuf,
}

impl Identity {
    /// `input` is None for one that can't be read again.
    pub fn of(input: Option<&Path>, url: &str, key_prefix: &str, refused_file: &Path) -> io::Result<Self> {
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
        })
    }

    /// What differs in the other one, for people.
    fn difference(&self, other: &Identity) -> &'static str {
        if (self.input_bytes, &self.input_head_sha256) != (other.input_bytes, &other.input_head_sha256) {
            "the file has changed"
        } else if self.url != other.url {
            "it went to another URL"
        } else if self.key_prefix != other.key_prefix {
            "it had another key, which may be another project's"
        } else {
            "it had another file for refused records"
        }
    }
}

/// All that stands before `offset` is settled: stored, or listed as refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    #[serde(flatten)]
    pub identity: Identity,
    offset: u64,
    lines: u64,
    pub stored: u64,
    pub refused: u64,
    /// Of the file of refused records, bytes that are settled.
    pub refused_bytes: u64,
}

impl Progress {
    pub fn start(identity: Identity) -> Self {
        Progress { identity, offset: 0, lines: 0, stored: 0, refused: 0, refused_bytes: 0 }
    }

    /// What an earlier run of the same import saved, or the start. Another import's progress is refused.
    pub fn load(path: &Path, identity: Identity) -> Result<Self, Failure> {
        match saved::load::<Progress>(path)? {
            None => Ok(Progress::start(identity)),
            Some(saved) if saved.identity == identity => Ok(saved),
            Some(saved) => Err(saved::other(path, identity.difference(&saved.identity))),
        }
    }

    pub fn mark(&self) -> Mark {
        Mark { offset: self.offset, lines: self.lines }
    }

    pub fn advance(&mut self, to: Mark) {
        self.offset = to.offset;
        self.lines = to.lines;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn it_is_loaded_by_the_same_import_only() {
        let directory = tempfile::tempdir().unwrap();
        let (input, path) = (directory.path().join("u.csv"), directory.path().join("u.csv.progress"));
        fs::write(&input, "user_id\n").unwrap();
        let identity = |url: &str, key: &str| Identity::of(Some(&input), url, key, Path::new("r")).unwrap();
        let mut progress = Progress::load(&path, identity("http://a", "ros_AAAA")).unwrap();
        assert_eq!(progress, Progress::start(identity("http://a", "ros_AAAA")));
        progress.advance(Mark { offset: 5, lines: 1 });
        saved::save(&path, &progress).unwrap();
        assert_eq!(Progress::load(&path, identity("http://a", "ros_AAAA")).unwrap(), progress);

        let refused = |identity: Identity| Progress::load(&path, identity).unwrap_err().to_string();
        assert!(refused(identity("http://b", "ros_AAAA")).contains("another URL"));
        assert!(refused(identity("http://a", "ros_BBBB")).contains("another key"));
        fs::write(&input, "user_ID\n").unwrap();
        assert!(refused(identity("http://a", "ros_AAAA")).contains("has changed"));
        fs::write(&path, "{").unwrap();
        assert!(refused(identity("http://a", "ros_AAAA")).contains("no progress file"));
    }
}
