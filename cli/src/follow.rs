//! `roster follow`: prints what becomes of a project's users.

use crate::args::FollowArgs;
use crate::client::{ChangesFrom, Client, Pace};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar::ProgressBar;
use crate::resume::state_file;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{self, Write};
use std::path::Path;

/// The saved state: who is followed, and how far.
#[derive(Serialize, Deserialize)]
struct FollowState {
    url: String,
    cursor: String,
}

/// The response to `GET /v1/changes`, as far as the tool reads it.
#[derive(Deserialize)]
struct PageIn<'a> {
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
    pagination: PaginationIn,
}

#[derive(Deserialize)]
struct PaginationIn {
    has_more: bool,
    next_cursor: String,
}

pub fn run(args: &FollowArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (url, key) = (args.server.url()?, args.server.key()?);
    let mut from = match (args.state.as_deref().map(|path| load(path, url.as_str())).transpose()?.flatten(), args.since)
    {
        (Some(cursor), _) => ChangesFrom::Cursor(cursor),
        (None, Some(moment)) => ChangesFrom::Moment(moment),
        (None, None) if args.from_now => ChangesFrom::Now,
        (None, None) => ChangesFrom::Beginning,
    };
    let bar = ProgressBar::hidden();
    let client = Client::new(url, key.reveal(), Pace::Sparing, interrupt, &bar);
    let client = if args.once { client } else { client.patient() };
    loop {
        interrupt.check()?;
        let text = client.list_changes(&from, args.limit)?.ok_or_else(|| too_late(args))?;
        let PageIn { changes, pagination } = serde_json::from_str(&text).map_err(CliError::invalid_response)?;
        print(&changes).map_err(|error| CliError::Failed(format!("can't write the changes: {error}")))?;
        let next = ChangesFrom::Cursor(pagination.next_cursor);
        if next != from {
            from = next;
            save(args.state.as_deref(), url.as_str(), &from)?;
        }
        if !pagination.has_more {
            if args.once {
                return Ok(());
            }
            client.rest();
        }
    }
}

/// Prints a line for each change. What it returns from is written.
fn print(changes: &[&RawValue]) -> io::Result<()> {
    let lines: String = changes.iter().flat_map(|change| [change.get(), "\n"]).collect();
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines.as_bytes())?;
    stdout.flush()
}

fn load(path: &Path, url: &str) -> Result<Option<String>, CliError> {
    let Some(state) = state_file::load::<FollowState>(path, START_OVER)? else { return Ok(None) };
    if state.url != url {
        return Err(state_file::mismatch(path, "it was from another URL", START_OVER));
    }
    Ok(Some(state.cursor))
}

const START_OVER: &str = "delete it to start over";

fn save(path: Option<&Path>, url: &str, reached: &ChangesFrom) -> Result<(), CliError> {
    match (path, reached) {
        (Some(path), ChangesFrom::Cursor(cursor)) => {
            state_file::save(path, &FollowState { url: url.into(), cursor: cursor.clone() })
        }
        _ => Ok(()),
    }
}

/// A deletion was forgotten that this follower has not met.
fn too_late(args: &FollowArgs) -> CliError {
    let delete = args.state.as_deref().map_or(String::new(), |path| format!("delete {}, ", path.display()));
    CliError::Denied(format!(
        "the server answered 410 CURSOR_EXPIRED: a deletion was forgotten, 30 days old, that was not printed yet; \
         {delete}empty the copy, and start over without --since"
    ))
}
