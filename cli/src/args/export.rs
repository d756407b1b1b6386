//! The arguments of `roster export`.

use super::filter::FilterArgs;
use super::server::ServerArgs;
use super::{unknown_format, with_suffix};
use crate::error::CliError;
use crate::format::Format;
use crate::format::csv_value::Style;
use clap::Args;
use roster::time::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const DETAILS: &str = "\
The output can be imported as it is and gives the same users, digit for digit. In CSV, keys stand in the order of the
columns, and an absent e-mail or phone is an empty cell.

An export counts as questions do, and leaves a fifth of the project's limit of them to others. While less than that remains, it uses a
twentieth of the limit in a window: of 60 a minute, one call in 20 s. With --rate it sends that many calls a second instead, each
for up to 1,000 users, and waits only when the limit is reached.

With --as-of, each user says as of when it is as it is, which is its last change: so an import of the file leaves what has
changed since.

With --columns, a file has these parts of each user alone, in CSV in this order; properties and origin stand for all of
their keys. Only a file with user_id is for import, and only one without created_at and updated_at.

With --since, it is of the users that changed at that moment or later. Whoever changes during the export may stand in it twice,
the later state below. Deletions are left out, and their number is printed at the end; roster follow has them. It must
lie within the last 30 days, if anybody was deleted before that.

With --for-spreadsheets, a CSV file begins with a byte order mark, has the times created_at and updated_at, and a cell that
begins with =, +, -, @, a tab or a line
end has an apostrophe before it, so that no spreadsheet calculates what somebody stored. Such a file is not for import.

With --output, the same command resumes after Ctrl-C, a failure or a crash. The users read so far are kept in FILE.part,
always as NDJSON, and the position in FILE.part.progress; both are removed when FILE appears. Each user is exported as it
was when it was read. An export to the standard output can't resume.

";

#[derive(Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Format of the output [default: from the name of the output file, else ndjson]
    #[arg(long)]
    format: Option<Format>,
    /// File to write, which appears when it is complete; - is the standard output [default: -]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Calls per second, instead of leaving a fifth of the rate limit to others
    #[arg(long = "rate", value_name = "N", value_parser = parse_rate)]
    pub call_interval: Option<Duration>,
    /// Only these, in this order: user_id, email, phone, as_of, created_at, updated_at, properties, properties.KEY, origin, origin.KEY
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Write as_of, the time of the last change, so that an import leaves what is newer
    #[arg(long, conflicts_with = "columns")]
    pub as_of: bool,
    /// Write only users that changed at this moment or later, for example 2027-01-01T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<Timestamp>,
    /// Write a CSV file that is safe to open in a spreadsheet, and not for import
    #[arg(long)]
    pub for_spreadsheets: bool,
    /// Start anew, whatever an earlier run did
    #[arg(long)]
    pub restart: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

impl ExportArgs {
    /// The output file. None for the standard output.
    pub fn output(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    pub fn format(&self) -> Result<Format, CliError> {
        let format = self.named_format()?;
        if self.for_spreadsheets && format != Format::Csv {
            return Err(CliError::Usage("--for-spreadsheets is for CSV: add --format csv".into()));
        }
        Ok(format)
    }

    pub fn style(&self) -> Style {
        if self.for_spreadsheets { Style::ForSpreadsheets } else { Style::Exact }
    }

    fn named_format(&self) -> Result<Format, CliError> {
        let Some(path) = self.output() else { return Ok(self.format.unwrap_or(Format::Ndjson)) };
        match (self.format, Format::from_path(path)) {
            (Some(option), Some(named)) if option != named => {
                let path = path.display();
                Err(CliError::Usage(format!("{path} is the name of a {named} file, and --format says {option}")))
            }
            (option, named) => option.or(named).ok_or_else(|| unknown_format(path)),
        }
    }
}

/// The file of the users read so far, and the file of the position.
pub fn partial_paths(output: &Path) -> (PathBuf, PathBuf) {
    (with_suffix(output, ".part"), with_suffix(output, ".part.progress"))
}

/// Turns calls per second into the interval between two calls.
fn parse_rate(per_second: &str) -> Result<Duration, &'static str> {
    let per_second: f64 = per_second.parse().map_err(|_| "not a number")?;
    if (0.001..=1000.0).contains(&per_second) {
        Ok(Duration::from_secs_f64(1.0 / per_second))
    } else {
        Err("must be 0.001 to 1000 a second")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser;

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
            ("--for-spreadsheets", "--for-spreadsheets is for CSV: add --format csv"),
        ] {
            let error = export(line).format().unwrap_err();
            assert_eq!((error.exit_code(), error.to_string().as_str()), (2, message));
        }
    }

    #[test]
    fn a_rate_becomes_an_interval() {
        assert_eq!(export("--rate 0.5").call_interval, Some(Duration::from_secs(2)));
        for rate in ["0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(parse_rate(rate).is_err(), "{rate}");
        }
    }
}
