//! The arguments of `roster move`.

use super::server::AdminArgs;
use crate::error::CliError;
use clap::{Args, ValueEnum};
use roster::key::Project;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

pub const DETAILS: &str = "\
Moves all users of a project to another storage while it serves: D1, or 1, 4 or 16 Durable Objects of its own. Ids, times,
revisions, deletions and the places of followers stay as they are. In the end, writes wait for a second or two.

It follows the move to its end. Ctrl-C leaves the move running, and so does --detach; the same command follows it again. With
--give-up all stays where it was; while the move switches, that is refused.

This command needs the server's admin token, its secret ADMIN_TOKEN.

";

#[derive(Args)]
#[group(id = "what", required = true, multiple = false, args = ["to", "give_up"])]
pub struct MoveArgs {
    /// Project to move
    #[arg(value_parser = str::parse::<Project>)]
    pub project: Project,
    /// Where to: d1, objects:1, objects:4 or objects:16
    #[arg(long, value_name = "STORAGE")]
    to: Option<Storage>,
    /// Law that the objects stay under
    #[arg(long, value_enum, conflicts_with = "give_up")]
    jurisdiction: Option<Jurisdiction>,
    /// Only begin, and leave the move running
    #[arg(long, conflicts_with = "give_up")]
    pub detach: bool,
    /// End the running move, and leave all where it is
    #[arg(long)]
    pub give_up: bool,
    #[command(flatten)]
    pub admin: AdminArgs,
}

impl MoveArgs {
    /// Where to, as the API has it. None: the move is given up.
    pub fn storage(&self) -> Result<Option<Value>, CliError> {
        match (self.to, self.jurisdiction) {
            (None, _) => Ok(None),
            (Some(Storage::D1), None) => Ok(Some(json!({"kind": "d1"}))),
            (Some(Storage::D1), Some(_)) => {
                Err(CliError::Usage("--jurisdiction is for objects: D1 stays where it was made".into()))
            }
            (Some(Storage::Objects(buckets)), None) => Ok(Some(json!({"kind": "objects", "buckets": buckets}))),
            (Some(Storage::Objects(buckets)), Some(law)) => {
                Ok(Some(json!({"kind": "objects", "buckets": buckets, "jurisdiction": law.name()})))
            }
        }
    }

    /// The command that follows the move.
    pub fn follow_command(&self) -> String {
        let to = self.to.map_or(String::new(), |to| format!(" --to {to}"));
        let law = self.jurisdiction.map_or(String::new(), |law| format!(" --jurisdiction {}", law.name()));
        format!("roster move {}{to}{law}", self.project.as_str())
    }
}

/// Where a project's users can live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    D1,
    /// In so many objects.
    Objects(u8),
}

impl FromStr for Storage {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "d1" => Ok(Storage::D1),
            "objects:1" => Ok(Storage::Objects(1)),
            "objects:4" => Ok(Storage::Objects(4)),
            "objects:16" => Ok(Storage::Objects(16)),
            _ => Err("write d1, objects:1, objects:4 or objects:16"),
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Storage::D1 => f.write_str("d1"),
            Storage::Objects(buckets) => write!(f, "objects:{buckets}"),
        }
    }
}

/// A law that objects can be kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Jurisdiction {
    /// The European Union
    Eu,
    /// The United States
    Us,
    /// FedRAMP, of the United States
    Fedramp,
}

impl Jurisdiction {
    fn name(self) -> &'static str {
        match self {
            Jurisdiction::Eu => "eu",
            Jurisdiction::Us => "us",
            Jurisdiction::Fedramp => "fedramp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser;

    fn parse(line: &str) -> Result<MoveArgs, String> {
        let words = ["roster", "move"].into_iter().chain(line.split_whitespace());
        match Args::try_parse_from(words).map_err(|error| error.to_string())?.command {
            Command::Move(args) => Ok(args),
            _ => Err(format!("{line} moves nothing")),
        }
    }

    #[test]
    fn a_storage_is_what_the_api_takes_and_the_command_says_it_again() {
        for (line, storage) in [
            ("shop --to d1", json!({"kind": "d1"})),
            ("shop --to objects:1", json!({"kind": "objects", "buckets": 1})),
            ("shop --to objects:16 --jurisdiction eu", json!({"kind": "objects", "buckets": 16, "jurisdiction": "eu"})),
        ] {
            let args = parse(line).unwrap();
            assert_eq!(args.storage().unwrap(), Some(storage), "{line}");
            assert_eq!(args.follow_command(), format!("roster move {line}"));
        }
        assert_eq!(parse("shop --give-up").unwrap().storage().unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_answered_with_what_to_write() {
        for (line, message) in [
            ("shop", "<--to <STORAGE>|--give-up>"),
            ("shop --to objects", "write d1, objects:1, objects:4 or objects:16"),
            ("shop --to objects:8", "write d1, objects:1, objects:4 or objects:16"),
            ("shop --to d1 --give-up", "cannot be used with"),
            ("shop --give-up --detach", "cannot be used with"),
            ("shop --to objects:1 --jurisdiction de", "[possible values: eu, us, fedramp]"),
            ("A --to d1", "Must be 1 to 64 characters"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("{line}"));
            assert!(error.contains(message), "{line}: {error}");
        }
        let error = parse("shop --to d1 --jurisdiction eu").unwrap().storage().unwrap_err();
        assert_eq!(error.to_string(), "--jurisdiction is for objects: D1 stays where it was made");
    }
}
