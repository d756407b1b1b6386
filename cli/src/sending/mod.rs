//! Sends the records of a file in batches, from where an earlier run stopped.

mod batch;
mod checkpoint;
mod commit;
mod dispatcher;
mod packer;

pub use checkpoint::Checkpoint;

use crate::args::SendArgs;
use crate::client::{Client, Pace};
use crate::error::CliError;
use crate::format::{RecordSource, is_stdin};
use crate::interrupt::Interrupt;
use crate::progress_bar::{ProgressBar, count};
use crate::record::Position;
use crate::resume::AppendFile;
use checkpoint::Identity;
use commit::CommitLog;
use dispatcher::Dispatcher;
use packer::Packer;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

/// What a command does with the records of a file.
pub struct Task<'a> {
    /// The command, as in `import`.
    pub command: &'static str,
    /// What has happened to a user, as in `stored`.
    pub done: &'static str,
    pub file: &'a Path,
    pub args: &'a SendArgs,
    /// File to write refused records to.
    pub rejections: PathBuf,
    /// File to save the progress in. None of the standard input, which can't be read again.
    pub checkpoint: Option<PathBuf>,
}

/// A task that goes on where an earlier run stopped.
pub struct Sending<'a> {
    task: Task<'a>,
    checkpoint: Checkpoint,
}

impl<'a> Sending<'a> {
    /// `read` says how the file is read: another run of the same task reads it the same way.
    pub fn new(task: Task<'a>, read: &impl Debug) -> Result<Self, CliError> {
        let (url, key) = (task.args.server.url()?, task.args.server.key()?);
        check_paths(task.file, &task.rejections)?;
        let identity = Identity::new(task.input(), url.as_str(), key.prefix(), &task.rejections, read)
            .map_err(|error| CliError::Usage(format!("{}: {error}", task.file.display())))?;
        let checkpoint = match &task.checkpoint {
            Some(path) if !task.args.restart => Checkpoint::load(path, identity)?,
            _ => Checkpoint::start(identity),
        };
        Ok(Sending { task, checkpoint })
    }

    /// Where to read on.
    pub fn position(&self) -> Position {
        self.checkpoint.position()
    }

    /// Sends what comes from there. `report` says what became of a whole file. It fails if records were refused.
    pub fn run(
        self,
        source: RecordSource,
        interrupt: &Interrupt,
        report: impl FnOnce(&Checkpoint),
    ) -> Result<(), CliError> {
        let Sending { task, checkpoint } = self;
        let (args, position) = (task.args, checkpoint.position());
        task.check_refused_file()?;
        let rejections = AppendFile::open(&task.rejections, checkpoint.refused_bytes)?;
        let bytes = task.input().map(|_| (checkpoint.identity.input_bytes, position.offset));
        let bar = ProgressBar::new(bytes, checkpoint.stored, checkpoint.refused);
        if position.offset > 0 {
            bar.message(&format!("going on at line {}", position.lines + 1));
        }
        let form = source.form().cloned();
        let packer = Packer::new(source, args.batch_size.into());
        let log = CommitLog::new(checkpoint, task.checkpoint.clone(), rejections, form);
        let client = Client::new(args.server.url()?, args.server.key()?.reveal(), Pace::Full, interrupt, &bar);
        let (log, outcome) = Dispatcher::new(&client, interrupt, &bar, log, args.concurrency.into()).run(packer);
        bar.clear();
        match outcome {
            Ok(()) => {
                let done = log.finish()?;
                report(&done);
                task.check_refused(done.refused)
            }
            Err(error) => {
                task.report_stop(log, &error)?;
                Err(error)
            }
        }
    }
}

/// It must not write into what it reads.
fn check_paths(input: &Path, rejections: &Path) -> Result<(), CliError> {
    match (fs::canonicalize(input), fs::canonicalize(rejections)) {
        (Ok(input), Ok(rejections)) if input == rejections => {
            Err(CliError::Usage("the file of refused records must be another file than the input".into()))
        }
        _ => Ok(()),
    }
}

impl Task<'_> {
    /// The input file. None for the standard input, which can't be read again.
    fn input(&self) -> Option<&Path> {
        (!is_stdin(self.file)).then_some(self.file)
    }

    /// One that starts anew must not write over what somebody corrects.
    fn check_refused_file(&self) -> Result<(), CliError> {
        let resumes = !self.args.restart && self.checkpoint.as_ref().is_some_and(|path| path.exists());
        if resumes || fs::metadata(&self.rejections).map_or(0, |file| file.len()) == 0 {
            return Ok(());
        }
        let (path, command) = (self.rejections.display(), self.command);
        Err(CliError::Usage(format!(
            "{path} has the refused records of an earlier {command}: correct it and {command} it, then remove it; \
             or name another file with --refused"
        )))
    }

    fn check_refused(&self, refused: u64) -> Result<(), CliError> {
        if refused == 0 {
            return Ok(());
        }
        let (refused, path, command) = (count(refused, "record"), self.rejections.display(), self.command);
        Err(CliError::RecordsRefused(format!(
            "{refused} refused: see {path}; correct that file and send it again with `roster {command} {path}`"
        )))
    }

    /// Reports what a run that stopped early has committed.
    fn report_stop(&self, log: CommitLog, error: &CliError) -> Result<(), CliError> {
        let checkpoint = log.suspend()?;
        let advice = match (self.input().is_some(), error.can_resume()) {
            (false, _) => "; the standard input can't be read again: send all of it again",
            (true, true) => "; the same command goes on from there",
            (true, false) => "",
        };
        if checkpoint.position().offset > 0 {
            let Checkpoint { stored, refused, .. } = checkpoint;
            eprintln!("roster: {} {}, {refused} refused so far{advice}", count(stored, "user"), self.done);
        }
        Ok(())
    }
}
