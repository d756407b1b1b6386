//! A small JSON file that holds the state of a run.

use crate::error::CliError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The advice of commands that have this option.
pub const RESTART: &str = "--restart starts anew";

/// Replaces the file atomically: a crash leaves either the old state or the new one.
pub fn save(path: &Path, state: &impl Serialize) -> Result<(), CliError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let text = serde_json::to_vec(state).map_err(|error| CliError::Failed(error.to_string()))?;
    let written = File::create(&new).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_data()));
    written.and_then(|()| fs::rename(&new, path)).map_err(CliError::file(path))
}

/// Reads the saved state. None if there is no file. `advice` says how to do without it.
pub fn load<T: DeserializeOwned>(path: &Path, advice: &str) -> Result<Option<T>, CliError> {
    match fs::read(path) {
        Ok(text) => {
            serde_json::from_slice(&text).map(Some).map_err(|_| mismatch(path, "this is no progress file", advice))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::file(path)(error)),
    }
}

pub fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CliError::file(path)(error)),
        _ => Ok(()),
    }
}

/// The saved state does not belong to this run.
pub fn mismatch(path: &Path, problem: &str, advice: &str) -> CliError {
    CliError::Failed(format!("{}: can't resume: {problem}; {advice}", path.display()))
}
