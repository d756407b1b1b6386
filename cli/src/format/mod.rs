//! The file formats: what an import reads and an export writes.

mod cell_count;
mod cell_type;
pub mod column;
mod csv;
pub mod csv_value;
mod ids;
mod input;
mod ndjson;
mod nesting;
mod objects;
mod phones;
mod plan;
mod presets;
mod raw_record;
mod reader;
mod user_json;

pub use reader::{RecordSource, TableForm, is_stdin};

use clap::{Args, ValueEnum};
use encoding_rs::Encoding;
use phones::Phones;
use std::fmt;
use std::path::Path;
use user_json::PhoneRule;

/// What a file holds that is none of Roster's own.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct ReadOptions {
    /// Take columns of other names where they seem to belong: see above
    #[arg(long)]
    pub guess: bool,
    /// Where a column goes, as in --map user_id=id; several times for several columns, or places of one
    #[arg(long, value_name = "PLACE=COLUMN")]
    pub map: Vec<String>,
    /// A column to leave out
    #[arg(long, value_name = "COLUMN")]
    pub skip: Vec<String>,
    /// The type of a CSV column: text, number, boolean or json [default: by all of its cells]
    #[arg(long = "type", value_name = "COLUMN=TYPE")]
    pub types: Vec<String>,
    /// What to do with phones that do not begin with + and a country code
    #[arg(long, value_enum, default_value_t)]
    pub phones: Phones,
    /// The country code of phones without one, as in 49; for --phones tidy or keep
    #[arg(long, value_name = "DIGITS", value_parser = parse_country_code)]
    pub country_code: Option<String>,
    /// Encoding of a file that is neither UTF-8 nor UTF-16, such as windows-1252
    #[arg(long, value_name = "NAME", value_parser = parse_encoding)]
    pub encoding: Option<&'static Encoding>,
    /// Drop the apostrophe that begins a CSV cell, as exports for spreadsheets and those of Auth0 write it
    #[arg(long, conflicts_with = "allow_apostrophes")]
    pub strip_apostrophes: bool,
    /// Take a CSV user_id, e-mail or phone that begins with an apostrophe as it is
    #[arg(long)]
    pub allow_apostrophes: bool,
    /// Take a CSV user_id such as 1.23457E+17 as it is, though a spreadsheet may have made one of several
    #[arg(long)]
    pub allow_scientific: bool,
    /// Of a table the column `user_id` alone: each row is the deletion of its user.
    #[arg(skip)]
    pub only_ids: bool,
}

impl ReadOptions {
    fn phone_rule(&self, is_taken: bool) -> PhoneRule {
        PhoneRule { phones: self.phones, country_code: self.country_code.clone(), is_taken }
    }

    /// Whether they say anything of a JSON object's members.
    fn map_members(&self) -> bool {
        self.guess || !self.map.is_empty() || !self.skip.is_empty() || self.phones != Phones::Refuse
    }
}

fn parse_country_code(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_code = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_code && !digits.starts_with('0') { Ok(digits.into()) } else { Err("write 1 to 3 digits, as in 49") }
}

fn parse_encoding(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| format!("{label:?} is no encoding; Excel's in western Europe is windows-1252"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line
    Ndjson,
    /// Comma-separated values, with a header
    Csv,
}

impl Format {
    /// The format that the name of a file says. None if it says none.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_ascii_lowercase().to_str()? {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    /// The same of a file to read: a `.json` has a list of users or one a line, a `.tsv` is a table.
    pub fn of_input(path: &Path) -> Option<Self> {
        match path.extension()?.to_ascii_lowercase().to_str()? {
            "json" => Some(Format::Ndjson),
            "tsv" => Some(Format::Csv),
            _ => Format::from_path(path),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_format() {
        for (path, format) in [
            ("a.ndjson", Some(Format::Ndjson)),
            ("a.JSONL", Some(Format::Ndjson)),
            ("b/a.csv", Some(Format::Csv)),
            ("a.txt", None),
            ("csv", None),
        ] {
            assert_eq!(Format::from_path(Path::new(path)), format, "{path}");
        }
    }
}
