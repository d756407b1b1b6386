//! `roster import`: stores the users of a file, in batches.

mod check;

use crate::args::ImportArgs;
use crate::error::CliError;
use crate::format::RecordSource;
use crate::interrupt::Interrupt;
use crate::progress_bar::count;
use crate::sending::{Sending, Task};

/// Imports the file, from where an earlier run stopped.
pub fn run(args: &ImportArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let format = args.format()?;
    let task = Task {
        command: "import",
        done: "stored",
        file: &args.file,
        args: &args.sending,
        rejections: args.rejections_path()?,
        checkpoint: args.checkpoint_path(),
    };
    let sending = Sending::new(task, &args.read)?;
    let source = RecordSource::open(&args.file, format, &args.read, sending.position())?;
    if args.check {
        return check::run(source, &args.file);
    }
    sending.run(source, interrupt, |done| {
        let left =
            if done.stale > 0 { format!("; in {} of them newer values were left", done.stale) } else { String::new() };
        eprintln!("roster: {} stored{left}", count(done.stored, "user"));
    })
}
