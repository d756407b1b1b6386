//! The command line.

use crate::failure::Failure;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use roster::key::{ApiKey, NotAKey};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use ureq::http::Uri;

const EXIT_CODES: &str = "\
Exit codes:
  0    every record was stored, or exported
  1    some were refused, or it stopped early: the message says why
  2    wrong use
  130  interrupted by Ctrl-C";

const IMPORT_DETAILS: &str = "\
An NDJSON file has the body of one POST /v1/users in each line. A CSV file has a header of these columns, in any order:

  user_id, email, phone   the text itself; the cell null clears an e-mail or a phone
  properties.KEY          one property; KEY is all behind the first dot, taken literally
  origin.KEY              the same in the origin

A cell of properties or origin that reads as JSON is that JSON, digit for digit: 1.10, true, null (which removes the key),
{\"a\": 1}, \"007\". Anything else is a string. An empty cell leaves its field alone; the empty string is written \"\".

Records of one user are applied in the file's order. Rate limits are obeyed, and failures of the server or the network are
tried again. Ctrl-C ends it in good order: the same command goes on where it stopped, as it does after a crash. Where it is
stands in FILE.progress, which is gone when all is done.

";

const EXPORT_DETAILS: &str = "\
What it writes can be imported as it is, and gives the same users, digit for digit. In CSV, keys stand in the order of the
columns, and an absent e-mail or phone is an empty cell.

";

/// Moves users in and out of Roster
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Store the users of a file
    #[command(after_long_help = format!("{IMPORT_DETAILS}{EXIT_CODES}"))]
    Import(ImportArgs),
    /// Write all users of a project to a file, or to the standard output
    #[command(after_long_help = format!("{EXPORT_DETAILS}{EXIT_CODES}"))]
    Export(ExportArgs),
}

#[derive(Group)]
pub struct ServerArgs {
    /// Where Roster is, for example https://roster.example.com
    #[arg(long, env = "ROSTER_URL", value_parser = BaseUrl::parse)]
    pub url: BaseUrl,
    // A value that clap itself refuses would be printed.
    /// The API key; better given in the environment, where other users of this machine can't read it
    #[arg(long, env = "ROSTER_KEY", hide_env_values = true, value_parser = presented)]
    key: Result<ApiKey, NotAKey>,
}

impl ServerArgs {
    pub fn key(&self) -> Result<&ApiKey, Failure> {
        self.key.as_ref().map_err(|NotAKey| {
            Failure::Usage(
                "not an API key: a key is ros_ and 38 letters and digits, the last six of which check the others"
                    .into(),
            )
        })
    }
}

#[derive(Group)]
pub struct ImportArgs {
    /// The users: .ndjson, .jsonl or .csv
    pub file: PathBuf,
    /// What the file is, if its name does not say so
    #[arg(long)]
    pub format: Option<Format>,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Batches in flight at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Users in a batch, at most
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub batch_size: u16,
    /// Where to write the records that were refused, each with its line and reason [default: FILE.refused.ndjson]
    #[arg(long, value_name = "FILE")]
    pub refused: Option<PathBuf>,
    /// Start anew, whatever an earlier run did
    #[arg(long)]
    pub restart: bool,
}

impl ImportArgs {
    pub fn format(&self) -> Result<Format, Failure> {
        self.format
            .or_else(|| Format::of(&self.file))
            .ok_or_else(|| Failure::Usage(format!("is {} NDJSON or CSV? Say so with --format", self.file.display())))
    }

    pub fn refused(&self) -> PathBuf {
        self.refused.clone().unwrap_or_else(|| with_suffix(&self.file, ".refused.ndjson"))
    }

    pub fn progress(&self) -> PathBuf {
        with_suffix(&self.file, ".progress")
    }
}

#[derive(Group)]
pub struct ExportArgs {
    #[arg(long, default_value = "ndjson")]
    pub format: Format,
    /// A file to write, which appears when it is whole [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line
    Ndjson,
    /// Comma-separated values, with a header
    Csv,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_ascii_lowercase().to_str()? {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// An http or https URL that paths can be appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "not a URL")?;
        let is_base = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        if is_base { Ok(BaseUrl(text.trim_end_matches('/').into())) } else { Err("must be http://… or https://…") }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a value parser answers a Result")]
fn presented(text: &str) -> Result<Result<ApiKey, NotAKey>, Infallible> {
    Ok(ApiKey::parse(text))
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

    #[test]
    fn a_base_url_is_http_with_no_query() {
        for url in ["http://localhost:8787", "https://roster.example.com/", "https://example.com/roster/"] {
            assert_eq!(BaseUrl::parse(url).unwrap().as_str(), url.trim_end_matches('/'));
        }
        for url in ["", "roster.example.com", "ftp://a", "http://a?b=c", "http://a b", "/v1"] {
            assert!(BaseUrl::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_format_is_told_by_the_name() {
        for (path, format) in [
            ("a.ndjson", Some(Format::Ndjson)),
            ("a.JSONL", Some(Format::Ndjson)),
            ("b/a.csv", Some(Format::Csv)),
            ("a.txt", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of(Path::new(path)), format, "{path}");
        }
    }
}
