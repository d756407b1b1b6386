//! The arguments of `roster import`.

use super::sending::SendArgs;
use super::with_suffix;
use crate::error::CliError;
use crate::format::{Format, ReadOptions, is_stdin};
use clap::Args;
use std::path::{Path, PathBuf};

pub const DETAILS: &str = "\
Each line of an NDJSON file is the body of one POST /v1/users. A .json file may also have a list of them, or an object whose
member users is that list. A CSV file, separated by commas, semicolons, tabs or |, begins with a header of these columns, in
any order:

  user_id, email, phone   the text itself; the cell null removes an e-mail or a phone
  as_of                   when the row was true: newer values stay as they are
  properties.KEY          one property; KEY is everything after the first dot, taken literally
  origin.KEY              the same in the origin
  set_once.PLACE          the same where nothing is stored; PLACE is email, phone, properties.KEY or origin.KEY

Of set_once the origin is one value: who has any origin keeps it whole. A cell of properties or origin that is valid JSON is read as that JSON, digit for digit: 1.10, true, null (which removes the
key), {\"a\": 1}, \"007\". Any other text is a string. An empty cell leaves its field unchanged; write \"\" for the empty
string. A column with numbers such as 01067 has texts alone, and one of TRUE and FALSE in any case has booleans.

Columns, or members of JSON objects, of other names are refused, all at once, with what --guess would make of them: it knows
user_id, email and phone by their usual names, and the exports of Auth0, Cognito, Firebase, HubSpot, Mailchimp, Segment,
Shopify and Stripe; the rest become properties, whose columns have one type each. --map and --skip say it column by column:
--map user_id=Mail --map email=Mail puts one column in two places. --check tries all of it, and sends nothing.

A file in UTF-16 is read as such; one in another encoding, such as Excel's windows-1252, with --encoding. With --phones tidy
a phone such as 0049 151 23456789 gets its +, and one without a country code that of --country-code; --phones keep keeps the
others as the property phone.

Records of one user are applied in the file's order. The import waits for the rate limit and retries failures of the server
and the network. After Ctrl-C or a crash the same command resumes where it stopped. It keeps its position in FILE.progress
and removes that file when it is done. The standard input can't be read again: an import from it shows no percentage and
can't resume.

Refused records are written to FILE.refused.ndjson or FILE.refused.csv, in the format that they came in, each with its line
and the reason. Correct them there and import that file. An import never writes over such a file: it refuses to start.

A CSV file in which a quote is never closed is refused with the line, and so is a row whose quotes end in the middle of a
cell. A user_id such as 1.23457E+17 is what a spreadsheet makes of a long number, and a user_id, e-mail or phone that begins
with an apostrophe is what an export for spreadsheets makes of it: such rows are refused, unless an option says what to do.

An object below properties or origin has at most 300 members in one record, and a record at most 1 MiB. A larger one is
refused: send its members in several records of this user.

";

#[derive(Args)]
pub struct ImportArgs {
    /// File of users: .ndjson, .jsonl or .csv; - is the standard input
    pub file: PathBuf,
    /// Format of the file, if its name does not say [default for the standard input: ndjson]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    pub sending: SendArgs,
    /// File to write refused records to, each with its line and reason [default: FILE.refused.ndjson or .csv]
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// Only check every record, and say which would be refused: nothing is sent or written
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub read: ReadOptions,
}

impl ImportArgs {
    pub fn format(&self) -> Result<Format, CliError> {
        let default = is_stdin(&self.file).then_some(Format::Ndjson);
        self.format
            .or_else(|| Format::of_input(&self.file))
            .or(default)
            .ok_or_else(|| super::unknown_format(&self.file))
    }

    /// The input file. None for the standard input, which can't be read again.
    fn rereadable_file(&self) -> Option<&Path> {
        (!is_stdin(&self.file)).then_some(&self.file)
    }

    /// Its name says the format, which is that of the input.
    pub fn rejections_path(&self) -> Result<PathBuf, CliError> {
        let format = self.format()?;
        let Some(path) = &self.refused else {
            let input = self.rereadable_file().unwrap_or(Path::new("stdin"));
            return Ok(with_suffix(input, &format!(".refused.{format}")));
        };
        match Format::from_path(path) {
            Some(named) if named != format => {
                let path = path.display();
                Err(CliError::Usage(format!("{path} is the name of a {named} file, and the records are {format}")))
            }
            _ => Ok(path.clone()),
        }
    }

    /// None if the import can't resume.
    pub fn checkpoint_path(&self) -> Option<PathBuf> {
        Some(with_suffix(self.rereadable_file()?, ".progress"))
    }
}
