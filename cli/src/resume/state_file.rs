//! A small file of JSON that says how far a run has come.

use crate::failure::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces what was saved before, so that a crash leaves either the one or the other.
pub fn save(path: &Path, progress: &impl Serialize) -> Result<(), Failure> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let text = serde_json::to_vec(progress).map_err(|error| Failure::Stopped(error.to_string()))?;
    let written = File::create(&new).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_data()));
    written.and_then(|()| fs::rename(&new, path)).map_err(Failure::of_file(path))
}

/// What was saved, if anything was.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|_| other(path, "this is no progress file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of_file(path)(error)),
    }
}

pub fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::of_file(path)(error)),
        _ => Ok(()),
    }
}

/// That what was saved is no progress of this run.
pub fn other(path: &Path, problem: &str) -> Failure {
    Failure::Stopped(format!("{}: can't go on where a run stopped: {problem}; --restart starts anew", path.display()))
}
