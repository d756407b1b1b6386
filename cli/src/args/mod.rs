//! The command line.

use crate::failure::Failure;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use roster::key::{ApiKey, Project};
use roster::rule::BrokenRule;
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
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
stands in FILE.progress, which is gone when all is done. The standard input can't be read again: an import from it shows no
percentage and can't go on.

Refused records are written to FILE.refused.ndjson, each with its line and the reason. Mend them there, and import that
file.

A record that has an object of more than 300 members below properties or origin is sent in parts, which do the same one
after the other. If the server refuses a part because of what is stored, the record is refused, and its other parts stay.

";

const EXPORT_DETAILS: &str = "\
What it writes can be imported as it is, and gives the same users, digit for digit. In CSV, keys stand in the order of the
columns, and an absent e-mail or phone is an empty cell.

An export leaves a fifth of the project's rate limit to others. While less than that remains, it takes a twentieth of the
limit in a window: of 500 a minute it sends one call in 2.4 s. With --rate it sends that many calls a second instead, each
for up to 100 users, and waits only when the limit is reached.

With --output, the same command goes on after Ctrl-C, a failure or a crash. The users read so far stand in FILE.part, always
as NDJSON, and how far it is in FILE.part.progress; both are gone when FILE appears. A user is exported as it was when it
was read. An export to the standard output can't go on.

";

const KEYS_DETAILS: &str = "\
All of this needs the admin token of the server, the secret ADMIN_TOKEN.

";

/// Moves users in and out of Roster
#[derive(Parser)]
#[command(name = "roster", version, after_help = EXIT_CODES)]
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
    /// Make, list and revoke API keys
    #[command(subcommand, after_long_help = format!("{KEYS_DETAILS}{EXIT_CODES}"))]
    Keys(KeysCommand),
}

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Make a key, and write it to the standard output: it is shown only once
    Create(CreateKeyArgs),
    /// List the keys, without what is secret
    List(ListKeysArgs),
    /// Revoke a key: it is dead at once
    Revoke(RevokeKeyArgs),
}

#[derive(Group)]
pub struct UrlArgs {
    /// Where Roster is, for example https://roster.example.com
    #[arg(long, env = "ROSTER_URL", value_parser = BaseUrl::parse)]
    url: Option<BaseUrl>,
}

impl UrlArgs {
    pub fn url(&self) -> Result<&BaseUrl, Failure> {
        let missing = || Failure::Usage("where is Roster? Say so with --url URL, or set ROSTER_URL".into());
        self.url.as_ref().ok_or_else(missing)
    }
}

#[derive(Group)]
pub struct ServerArgs {
    #[command(flatten)]
    url: UrlArgs,
    // A value that clap itself refuses would be printed.
    /// The API key; better given in the environment, where other users of this machine can't read it
    #[arg(long, env = "ROSTER_KEY", hide_env_values = true, value_parser = presented)]
    key: Option<Result<ApiKey, BrokenRule>>,
}

impl ServerArgs {
    pub fn url(&self) -> Result<&BaseUrl, Failure> {
        self.url.url()
    }

    pub fn key(&self) -> Result<&ApiKey, Failure> {
        let missing = || Failure::Usage("there is no API key: set ROSTER_KEY".into());
        self.key.as_ref().ok_or_else(missing)?.as_ref().map_err(|_| {
            Failure::Usage(
                "not an API key: a key is ros_ and 38 letters and digits, the last six of which check the others"
                    .into(),
            )
        })
    }
}

#[derive(Group)]
pub struct AdminArgs {
    #[command(flatten)]
    url: UrlArgs,
    /// The admin token; better given in the environment, where other users of this machine can't read it
    #[arg(long, env = "ROSTER_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
}

impl AdminArgs {
    pub fn url(&self) -> Result<&BaseUrl, Failure> {
        self.url.url()
    }

    pub fn token(&self) -> Result<&str, Failure> {
        let usage = |problem: &str| Failure::Usage(problem.into());
        let token =
            self.admin_token.as_deref().ok_or_else(|| usage("there is no admin token: set ROSTER_ADMIN_TOKEN"))?;
        let can_be_sent = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if can_be_sent {
            Ok(token)
        } else {
            Err(usage("the admin token must be visible ASCII characters, without spaces"))
        }
    }
}

#[derive(Group)]
pub struct CreateKeyArgs {
    /// What the key is for
    pub name: String,
    /// The project whose users it may see [default: default]
    #[arg(long)]
    pub project: Option<String>,
    /// What it may do: users:write, users:read, users:delete; give it once for each [default: all]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// When it ends, for example 2027-01-01T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires_at: Option<String>,
    #[command(flatten)]
    pub admin: AdminArgs,
}

#[derive(Group)]
pub struct ListKeysArgs {
    /// Only the keys of this project
    #[arg(long, value_parser = str::parse::<Project>)]
    pub project: Option<Project>,
    /// Write JSON, as the server has it
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub admin: AdminArgs,
}

#[derive(Group)]
pub struct RevokeKeyArgs {
    /// The key's id, as `roster keys list` shows it
    // No key is printed, should one be given by mistake.
    #[arg(value_name = "KEY_ID")]
    id: String,
    #[command(flatten)]
    pub admin: AdminArgs,
}

impl RevokeKeyArgs {
    pub fn id(&self) -> Result<&str, Failure> {
        let is_id = self.id.starts_with("key_") && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let usage = || Failure::Usage("not the id of a key, which begins with key_: see `roster keys list`".into());
        if is_id { Ok(&self.id) } else { Err(usage()) }
    }
}

#[derive(Group)]
pub struct ImportArgs {
    /// The users: .ndjson, .jsonl or .csv; - is the standard input
    pub file: PathBuf,
    /// What the file is, if its name does not say so [default of the standard input: ndjson]
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
        let default = is_stdin(&self.file).then_some(Format::Ndjson);
        self.format.or_else(|| Format::of(&self.file)).or(default).ok_or_else(|| unknown_format(&self.file))
    }

    /// The file, if it can be read again.
    pub fn input(&self) -> Option<&Path> {
        (!is_stdin(&self.file)).then_some(&self.file)
    }

    pub fn refused(&self) -> PathBuf {
        let input = self.input().unwrap_or(Path::new("stdin"));
        self.refused.clone().unwrap_or_else(|| with_suffix(input, ".refused.ndjson"))
    }

    pub fn progress(&self) -> Option<PathBuf> {
        Some(with_suffix(self.input()?, ".progress"))
    }
}

#[derive(Group)]
pub struct ExportArgs {
    /// What to write [default: as the output's name says, or ndjson]
    #[arg(long)]
    format: Option<Format>,
    /// A file to write, which appears when it is whole; - is the standard output [default: -]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Calls per second, instead of leaving a fifth of the rate limit to others
    #[arg(long, value_name = "N", value_parser = pause)]
    pub rate: Option<Duration>,
    /// Start anew, whatever an earlier run did
    #[arg(long)]
    pub restart: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

impl ExportArgs {
    /// None means the standard output.
    pub fn output(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    pub fn format(&self) -> Result<Format, Failure> {
        let Some(path) = self.output() else { return Ok(self.format.unwrap_or(Format::Ndjson)) };
        match (self.format, Format::of(path)) {
            (Some(said), Some(named)) if said != named => {
                let path = path.display();
                Err(Failure::Usage(format!("{path} is the name of a {named} file, and --format says {said}")))
            }
            (said, named) => said.or(named).ok_or_else(|| unknown_format(path)),
        }
    }

    /// Where the users stand that were read so far, and how far that is.
    pub fn partial(output: &Path) -> (PathBuf, PathBuf) {
        (with_suffix(output, ".part"), with_suffix(output, ".part.progress"))
    }
}

fn unknown_format(path: &Path) -> Failure {
    Failure::Usage(format!("is {} NDJSON or CSV? Say so with --format", path.display()))
}

pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
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

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
        })
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
fn presented(text: &str) -> Result<Result<ApiKey, BrokenRule>, Infallible> {
    Ok(text.parse())
}

/// The pause from call to call at so many a second.
fn pause(rate: &str) -> Result<Duration, &'static str> {
    let rate: f64 = rate.parse().map_err(|_| "not a number")?;
    if (0.001..=1000.0).contains(&rate) {
        Ok(Duration::from_secs_f64(1.0 / rate))
    } else {
        Err("must be 0.001 to 1000 a second")
    }
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

    fn export(line: &str) -> ExportArgs {
        let words = ["roster", "export"].into_iter().chain(line.split_whitespace());
        match Args::try_parse_from(words).unwrap().command {
            Command::Export(args) => args,
            _ => panic!("{line} is no export"),
        }
    }

    #[test]
    fn an_export_has_the_format_of_its_name_and_no_other() {
        for (line, format) in [
            ("", Format::Ndjson),
            ("--format csv", Format::Csv),
            ("--output -", Format::Ndjson),
            ("--output - --format csv", Format::Csv),
            ("--output a.csv", Format::Csv),
            ("--output a.CSV --format csv", Format::Csv),
            ("--output a.txt --format csv", Format::Csv),
        ] {
            assert_eq!(export(line).format().unwrap(), format, "{line}");
        }
        for (line, message) in [
            ("--output a.csv --format ndjson", "a.csv is the name of a csv file, and --format says ndjson"),
            ("--output a.txt", "is a.txt NDJSON or CSV? Say so with --format"),
        ] {
            let failure = export(line).format().unwrap_err();
            assert_eq!((failure.exit_code(), failure.to_string().as_str()), (2, message));
        }
    }

    #[test]
    fn a_rate_is_a_pause() {
        assert_eq!(export("--rate 0.5").rate, Some(Duration::from_secs(2)));
        for rate in ["0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(pause(rate).is_err(), "{rate}");
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
