//! `roster erase`: deletes the users of a list of ids, in batches.

use crate::args::EraseArgs;
use crate::error::CliError;
use crate::format::{RecordSource, is_stdin};
use crate::interrupt::Interrupt;
use crate::progress_bar::count;
use crate::sending::{Sending, Task};
use std::io::{self, BufRead, IsTerminal};

/// Erases the users of the file, from where an earlier run stopped.
pub fn run(args: &EraseArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let task = Task {
        command: "erase",
        done: "done",
        file: &args.file,
        args: &args.sending,
        rejections: args.rejections_path(),
        checkpoint: args.checkpoint_path(),
    };
    let is_table = args.is_table()?;
    let sending = Sending::new(task, &is_table)?;
    let open = || RecordSource::open_ids(&args.file, is_table, sending.position());
    if !args.yes {
        if is_stdin(&args.file) || !io::stdin().is_terminal() {
            return Err(CliError::Usage("nobody is here to confirm what can't be undone: add --yes".into()));
        }
        confirm(ids(open()?)?, &mut io::stdin().lock())?;
    }
    let source = open()?;
    sending.run(source, interrupt, |done| {
        let absent = if done.absent > 0 { format!("; {} were not there", done.absent) } else { String::new() };
        eprintln!("roster: {} erased{absent}", count(done.stored - done.absent, "user"));
    })
}

/// How many there are.
fn ids(mut source: RecordSource) -> Result<u64, CliError> {
    let mut ids = 0;
    while let Some(parsed) = source.next()? {
        ids += u64::from(parsed.outcome.is_ok());
    }
    Ok(ids)
}

/// Asks for the number, which nobody types by mistake.
fn confirm(ids: u64, answers: &mut impl BufRead) -> Result<(), CliError> {
    eprint!("roster: this erases {} for good. Type {ids} to do it: ", count(ids, "user"));
    let mut answer = String::new();
    answers.read_line(&mut answer).map_err(|error| CliError::Failed(error.to_string()))?;
    if answer.trim() == ids.to_string() { Ok(()) } else { Err(CliError::Usage("nothing was erased".into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_alone_confirms() {
        assert!(confirm(1200, &mut &b"1200\n"[..]).is_ok());
        for answer in ["", "\n", "y\n", "yes\n", "120\n", "12000\n", "1,200\n"] {
            assert_eq!(confirm(1200, &mut answer.as_bytes()).unwrap_err().exit_code(), 2, "{answer}");
        }
    }
}
