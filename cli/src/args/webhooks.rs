//! The arguments of `roster webhooks`.

use super::checked_id;
use super::filter::FilterArgs;
use super::server::AdminArgs;
use crate::error::CliError;
use clap::{Args, Subcommand, ValueEnum};
use roster::key::Project;
use roster::time::Timestamp;

pub const DETAILS: &str = "\
A webhook calls a URL with what becomes of a project's users, from the moment on when it is made: the newest state of each who
changes, and each deletion. It tries again for days what a receiver has not taken, and signs what it sends as
https://www.standardwebhooks.com describes. A project has at most 10.

These commands need the server's admin token, its secret ADMIN_TOKEN.

";

pub const CREATE_DETAILS: &str = "\
The secret with which messages are signed is written to the standard output alone, and is shown only once:

  ROSTER_WEBHOOK_SECRET=$(roster webhooks create https://example.com/roster --project shop)

With conditions, only users for whom they hold are sent, as they are then; whoever no longer matches is not sent. Deletions are always
sent. To keep a copy, take no conditions.

";

pub const ROTATE_DETAILS: &str = "\
The new secret is written to the standard output alone, and is shown only once. For 24 hours messages have two signatures, by the old
and the new one, so that a receiver can change it at any time. Who rotates twice in that time ends the oldest at once.

";

pub const REPLAY_DETAILS: &str = "\
Sends what changed at that moment or later, each user in its newest state. The messages have new ids, so that a receiver that drops
repeats takes them.

";

#[derive(Subcommand)]
pub enum WebhooksCommand {
    /// Make a webhook and write its secret to the standard output: it is shown only once
    #[command(after_long_help = format!("{}{CREATE_DETAILS}", super::filter::DETAILS))]
    Create(CreateWebhookArgs),
    /// List the webhooks, how they fare and how far they are behind
    List(ListWebhooksArgs),
    /// Send a test message, and write what the receiver answers to the standard output
    Test(WebhookArgs),
    /// Make another secret and write it to the standard output: it is shown only once
    #[command(after_long_help = ROTATE_DETAILS)]
    Rotate(WebhookArgs),
    /// Send nothing until it is resumed
    Pause(WebhookArgs),
    /// Go on where it was paused or disabled
    Resume(WebhookArgs),
    /// Go back to a moment, and send all from there on again
    #[command(after_long_help = REPLAY_DETAILS)]
    Replay(ReplayArgs),
    /// Delete a webhook, effective at once
    Delete(WebhookArgs),
}

#[derive(Args)]
pub struct CreateWebhookArgs {
    /// URL that is called, for example https://example.com/roster
    #[arg(value_name = "RECEIVER_URL")]
    pub receiver: String,
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Project whose users it is about
    #[arg(long, default_value = "default", value_parser = str::parse::<Project>)]
    pub project: Project,
    /// What it sends; repeat for both [default: both]
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<Event>,
    /// Changes in one message, at most, 1 to 100. With more than 1 a message has a list of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub batch: Option<u32>,
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Event {
    /// A user was created or changed
    Changed,
    /// A user was deleted
    Deleted,
}

impl Event {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Event::Changed => "changed",
            Event::Deleted => "deleted",
        }
    }
}

#[derive(Args)]
pub struct ListWebhooksArgs {
    /// List only those of this project
    #[arg(long, value_parser = str::parse::<Project>)]
    pub project: Option<Project>,
    /// Write the server's JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub admin: AdminArgs,
}

#[derive(Args)]
pub struct WebhookArgs {
    /// Id of the webhook, as `roster webhooks list` shows it
    #[arg(value_name = "WEBHOOK_ID")]
    id: String,
    #[command(flatten)]
    pub admin: AdminArgs,
}

impl WebhookArgs {
    pub fn id(&self) -> Result<&str, CliError> {
        checked_id(&self.id, "webhook", "whk_")
    }
}

#[derive(Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub webhook: WebhookArgs,
    /// The moment to go back to, for example 2027-01-01T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser;

    fn parse(line: &str) -> Result<WebhooksCommand, String> {
        let words = ["roster", "webhooks"].into_iter().chain(line.split_whitespace());
        match Args::try_parse_from(words).map_err(|error| error.to_string())?.command {
            Command::Webhooks(command) => Ok(command),
            _ => Err(format!("{line} is about no webhook")),
        }
    }

    #[test]
    fn a_webhook_is_of_all_changes_of_the_default_project_unless_more_is_said() {
        let Ok(WebhooksCommand::Create(args)) = parse("create https://a.example") else { panic!() };
        assert_eq!((args.receiver.as_str(), args.project.as_str(), args.batch), ("https://a.example", "default", None));
        assert_eq!((args.filter.to_json().unwrap(), args.events.len()), (None, 0));
        let line = "create https://a.example properties.plan=premium email? --project b --event deleted --batch 100";
        let Ok(WebhooksCommand::Create(args)) = parse(line) else { panic!() };
        assert!(args.filter.to_json().unwrap().unwrap().starts_with(r#"{"all":[{"field":"properties.plan""#));
        assert_eq!(
            (args.project.as_str(), args.events.as_slice(), args.batch),
            ("b", &[Event::Deleted][..], Some(100))
        );
    }

    #[test]
    fn what_is_wrong_is_answered_with_what_to_write() {
        for (line, message) in [
            ("create", "<RECEIVER_URL>"),
            ("create https://a.example --event created", "[possible values: changed, deleted]"),
            ("create https://a.example --batch 101", "1..=100"),
            ("create https://a.example --project A", "Must be 1 to 64 characters"),
            ("replay whk_1", "--since <MOMENT>"),
            ("replay whk_1 --since yesterday", "2027-01-01T00:00:00Z"),
            ("test", "<WEBHOOK_ID>"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("{line}"));
            assert!(error.contains(message), "{line}: {error}");
        }
    }

    #[test]
    fn an_id_that_may_be_a_secret_is_not_printed() {
        for id in ["whsec_c2VjcmV0", "whk_../keys", "key_1"] {
            let Ok(WebhooksCommand::Rotate(args)) = parse(&format!("rotate {id}")) else { panic!("{id}") };
            let error = args.id().unwrap_err().to_string();
            assert_eq!(error, "not the id of a webhook, which begins with whk_: see `roster webhooks list`", "{id}");
        }
    }
}
