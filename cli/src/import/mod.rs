//! `roster import`: stores the users of a file, in batches.

mod batch;
mod check;
mod checkpoint;
mod commit;
mod dispatcher;
mod packer;

use crate::args::ImportArgs;
use crate::client::{Client, Pace};
use crate::error::CliError;
use crate::format::RecordSource;
use crate::interrupt::Interrupt;
use crate::progress_bar::{ProgressBar, count};
use crate::resume::AppendFile;
use checkpoint::{Checkpoint, Identity};
use commit::CommitLog;
use dispatcher::Dispatcher;
use packer::Packer;
use std::fs;
use std::path::Path;

/// Imports the file, from where an earlier run stopped.
pub fn run(args: &ImportArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (url, key) = (args.server.url()?, args.server.key()?);
    let (format, rejections_path, input) = (args.format()?, args.rejections_path()?, args.rereadable_file());
    check_paths(&args.file, &rejections_path)?;
    let identity = Identity::new(input, url.as_str(), key.prefix(), &rejections_path, &args.read)
        .map_err(|error| CliError::Usage(format!("{}: {error}", args.file.display())))?;
    if !args.check {
        check_refused_file(args, &rejections_path)?;
    }
    let checkpoint = match args.checkpoint_path() {
        Some(path) if !args.restart => Checkpoint::load(&path, identity)?,
        _ => Checkpoint::start(identity),
    };
    let position = checkpoint.position();
    let source = RecordSource::open(&args.file, format, &args.read, position)?;
    if args.check {
        return check::run(source, &args.file);
    }
    let rejections = AppendFile::open(&rejections_path, checkpoint.refused_bytes)?;

    let bytes = input.map(|_| (checkpoint.identity.input_bytes, position.offset));
    let bar = ProgressBar::new(bytes, checkpoint.stored, checkpoint.refused);
    if position.offset > 0 {
        bar.message(&format!("going on at line {}", position.lines + 1));
    }
    let form = source.form().cloned();
    let packer = Packer::new(source, args.batch_size.into());
    let log = CommitLog::new(checkpoint, args.checkpoint_path(), rejections, form);
    let client = Client::new(url, key.reveal(), Pace::Full, interrupt, &bar);
    let (log, outcome) = Dispatcher::new(&client, interrupt, &bar, log, args.concurrency.into()).run(packer);
    bar.clear();
    match outcome {
        Ok(()) => finish(log, &rejections_path),
        Err(error) => {
            report_stop(log, &error, input.is_some())?;
            Err(error)
        }
    }
}

/// An import must not write into what it reads.
fn check_paths(input: &Path, rejections: &Path) -> Result<(), CliError> {
    match (fs::canonicalize(input), fs::canonicalize(rejections)) {
        (Ok(input), Ok(rejections)) if input == rejections => {
            Err(CliError::Usage("the file of refused records must be another file than the input".into()))
        }
        _ => Ok(()),
    }
}

/// An import that starts anew must not write over what somebody corrects.
fn check_refused_file(args: &ImportArgs, rejections: &Path) -> Result<(), CliError> {
    let resumes = !args.restart && args.checkpoint_path().is_some_and(|path| path.exists());
    if resumes || fs::metadata(rejections).map_or(0, |file| file.len()) == 0 {
        return Ok(());
    }
    let path = rejections.display();
    Err(CliError::Usage(format!(
        "{path} has the refused records of an earlier import: correct it and import it, then remove it; \
         or name another file with --refused"
    )))
}

/// Reports a complete import. It fails if records were refused.
fn finish(log: CommitLog, rejections_path: &Path) -> Result<(), CliError> {
    let Checkpoint { stored, stale, refused, .. } = log.finish()?;
    let left = if stale > 0 { format!("; in {stale} of them newer values were left") } else { String::new() };
    eprintln!("roster: {} stored{left}", count(stored, "user"));
    if refused == 0 {
        return Ok(());
    }
    let (refused, path) = (count(refused, "record"), rejections_path.display());
    Err(CliError::RecordsRefused(format!(
        "{refused} refused: see {path}; correct that file and send it again with `roster import {path}`"
    )))
}

/// Reports what an import that stopped early has committed.
fn report_stop(log: CommitLog, error: &CliError, has_file: bool) -> Result<(), CliError> {
    let checkpoint = log.suspend()?;
    let advice = match (has_file, error.can_resume()) {
        (false, _) => "; an import from the standard input can't resume: send all of it again",
        (true, true) => "; the same command goes on from there",
        (true, false) => "",
    };
    if checkpoint.position().offset > 0 {
        let Checkpoint { stored, refused, .. } = checkpoint;
        eprintln!("roster: {} stored, {refused} refused so far{advice}", count(stored, "user"));
    }
    Ok(())
}
