//! The file formats: what an import reads and an export writes.

pub mod csv;
pub mod csv_value;
mod ndjson;
mod raw_record;
mod reader;

pub use reader::{RecordSource, is_stdin};

use clap::{Args, ValueEnum};
use std::fmt;
use std::path::Path;

/// What to do with cells that a spreadsheet or an export has changed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct CsvOptions {
    /// Drop the apostrophe that begins a CSV cell, as exports for spreadsheets and those of Auth0 write it
    #[arg(long, conflicts_with = "allow_apostrophes")]
    pub strip_apostrophes: bool,
    /// Take a CSV user_id, e-mail or phone that begins with an apostrophe as it is
    #[arg(long)]
    pub allow_apostrophes: bool,
    /// Take a CSV user_id such as 1.23457E+17 as it is, though a spreadsheet may have made one of several
    #[arg(long)]
    pub allow_scientific: bool,
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
