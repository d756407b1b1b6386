//! The command line.

mod erase;
mod export;
mod filter;
mod follow;
mod import;
mod keys;
mod moving;
mod query;
mod sending;
mod server;
mod webhooks;

pub use erase::EraseArgs;
pub use export::{ExportArgs, partial_paths};
pub use follow::FollowArgs;
pub use import::ImportArgs;
pub use keys::{CreateKeyArgs, KeysCommand, ListKeysArgs, RevokeKeyArgs};
pub use moving::MoveArgs;
pub use query::{CountArgs, PropertiesArgs, QueryArgs};
pub use sending::SendArgs;
pub use server::{AdminArgs, ServerArgs};
pub use webhooks::{CreateWebhookArgs, ListWebhooksArgs, ReplayArgs, WebhookArgs, WebhooksCommand};

use crate::error::CliError;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};

const EXIT_CODES: &str = "\
Exit codes:
  0    done: every record was stored, exported or erased
  1    some records were refused, or the run stopped early: the message says why
  2    wrong use
  130  interrupted by Ctrl-C";

/// Moves users in and out of Roster, and asks about them
#[derive(Parser)]
#[command(name = "roster", version, after_help = EXIT_CODES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Store the users of a file
    #[command(after_long_help = format!("{}{EXIT_CODES}", import::DETAILS))]
    Import(ImportArgs),
    /// Write the users of a project to a file or the standard output
    #[command(after_long_help = format!("{}{}{EXIT_CODES}", filter::DETAILS, export::DETAILS))]
    Export(ExportArgs),
    /// Print all users, and then what becomes of them, for ever
    #[command(after_long_help = format!("{}{EXIT_CODES}", follow::DETAILS))]
    Follow(FollowArgs),
    /// Count users by what is stored of them
    #[command(after_long_help = format!("{}{}{EXIT_CODES}", filter::DETAILS, query::COUNT_DETAILS))]
    Count(CountArgs),
    /// Print users by what is stored of them
    #[command(after_long_help = format!("{}{}{EXIT_CODES}", filter::DETAILS, query::QUERY_DETAILS))]
    Query(QueryArgs),
    /// Print the names of properties in use
    #[command(after_long_help = format!("{}{EXIT_CODES}", query::PROPERTIES_DETAILS))]
    Properties(PropertiesArgs),
    /// Delete the users of a list of ids
    #[command(after_long_help = format!("{}{EXIT_CODES}", erase::DETAILS))]
    Erase(EraseArgs),
    /// Create, list and revoke API keys
    #[command(subcommand, after_long_help = format!("{}{EXIT_CODES}", keys::DETAILS))]
    Keys(KeysCommand),
    /// Create, list, test and delete webhooks, which call a URL with what changes
    #[command(subcommand, after_long_help = format!("{}{EXIT_CODES}", webhooks::DETAILS))]
    Webhooks(WebhooksCommand),
    /// Move a project to another storage, while it serves
    #[command(after_long_help = format!("{}{EXIT_CODES}", moving::DETAILS))]
    Move(MoveArgs),
}

fn unknown_format(path: &Path) -> CliError {
    CliError::Usage(format!("is {} NDJSON or CSV? Say so with --format", path.display()))
}

/// An id that stands in a path. Not parsed by clap, which would print a value that it rejects: it may be a secret, given by
/// mistake.
fn checked_id<'a>(id: &'a str, thing: &str, prefix: &str) -> Result<&'a str, CliError> {
    if id.starts_with(prefix) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(id);
    }
    Err(CliError::Usage(format!("not the id of a {thing}, which begins with {prefix}: see `roster {thing}s list`")))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
