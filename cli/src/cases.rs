//! What the tool and the console both do with files: the cases of tests/cases/files.json, which the console runs too.

use crate::error::CliError;
use crate::export::page::Page;
use crate::export::table;
use crate::format::csv_value::{self, Style};
use crate::format::{CsvOptions, Format, RecordSource};
use crate::record::{Parsed, Position, REFUSED_COLUMNS};
use roster::json::{self, Value};
use serde::Deserialize;
use std::io::{Cursor, Write};
use tempfile::NamedTempFile;

#[derive(Deserialize)]
struct Cases {
    cells: Vec<Cell>,
    values: Vec<Cell>,
    tables: Vec<File>,
    refused_headers: Vec<String>,
    unclosed_quotes: Vec<Unclosed>,
    corrections: Vec<Correction>,
    lines: Vec<File>,
    exports: Vec<Export>,
}

#[derive(Deserialize)]
struct Cell {
    cell: String,
    json: Option<String>,
}

#[derive(Deserialize)]
struct File {
    about: String,
    #[serde(alias = "csv", alias = "ndjson")]
    text: String,
    #[serde(default)]
    options: Vec<String>,
    records: Vec<Expected>,
}

#[derive(Deserialize)]
struct Unclosed {
    about: String,
    csv: String,
    line: u64,
}

#[derive(Deserialize)]
struct Correction {
    about: String,
    csv: String,
    refused: String,
}

/// A user, or why there is none.
#[derive(Deserialize)]
struct Expected {
    line: u64,
    json: Option<String>,
    code: Option<String>,
    message: Option<String>,
    place: Option<String>,
}

#[derive(Deserialize)]
struct Export {
    users: Vec<String>,
    #[serde(default)]
    as_of: bool,
    ndjson: String,
    csv: String,
    spreadsheet: Option<String>,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../tests/cases/files.json")).unwrap()
}

/// Fails unless two texts are the same JSON, digit for digit.
#[track_caller]
fn assert_same(json: &str, expected: &str) {
    assert_eq!(parse(json), parse(expected));
}

fn parse(json: &str) -> Value<'_> {
    json::parse(json.as_bytes()).unwrap()
}

fn open(text: &str, format: Format, options: CsvOptions) -> Result<RecordSource, CliError> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    RecordSource::open(file.path(), format, options, Position::default())
}

fn read(text: &str, format: Format, options: CsvOptions) -> Result<Vec<Parsed>, CliError> {
    let mut source = open(text, format, options)?;
    std::iter::from_fn(|| source.next().transpose()).collect()
}

fn options(names: &[String]) -> CsvOptions {
    let has = |name: &str| names.iter().any(|one| one == name);
    CsvOptions {
        strip_apostrophes: has("strip-apostrophes"),
        allow_apostrophes: has("allow-apostrophes"),
        allow_scientific: has("allow-scientific"),
    }
}

fn check(files: &[File], format: Format) {
    for File { about, text, options: names, records } in files {
        let read = read(text, format, options(names)).unwrap();
        assert_eq!(read.len(), records.len(), "{about}");
        for (parsed, expected) in read.into_iter().zip(records) {
            match (parsed.outcome, &expected.json) {
                (Ok(record), Some(json)) => {
                    assert_eq!(record.line, expected.line, "{about}");
                    assert_same(&record.json, json);
                }
                (Err(rejection), None) => {
                    assert_eq!(rejection.line, expected.line, "{about}");
                    expected.check_error(rejection.error.get());
                }
                (outcome, _) => panic!("{about}: {:?}", outcome.map(|record| record.json)),
            }
        }
    }
}

impl Expected {
    fn check_error(&self, error: &str) {
        let error: serde_json::Value = serde_json::from_str(error).unwrap();
        let message = error["message"].as_str().unwrap();
        assert_eq!(error["code"].as_str(), self.code.as_deref());
        // The tool adds the names of its options.
        assert!(self.message.as_ref().is_none_or(|expected| message.starts_with(expected)), "{message}");
        assert!(self.place.as_ref().is_none_or(|place| message.ends_with(&format!(" at {place}"))), "{message}");
    }
}

#[test]
fn a_cell_stands_for_the_json_that_it_stands_for_in_the_console() {
    for Cell { cell, json } in cases().cells {
        match (csv_value::to_json(&cell), json) {
            (Some(read), Some(json)) => assert_same(&read, &json),
            (read, json) => assert_eq!(read, json, "{cell}"),
        }
    }
}

#[test]
fn a_value_is_written_as_the_cell_that_the_console_writes() {
    for Cell { cell, json } in cases().values {
        assert_eq!(csv_value::from_json(&parse(&json.unwrap())), cell);
    }
}

#[test]
fn a_table_holds_the_users_that_it_holds_for_the_console() {
    check(&cases().tables, Format::Csv);
}

#[test]
fn a_header_that_the_console_refuses_is_refused() {
    for header in cases().refused_headers {
        assert!(read(&header, Format::Csv, CsvOptions::default()).is_err(), "{header}");
    }
}

#[test]
fn a_quote_that_is_never_closed_ends_the_import_with_its_line() {
    for Unclosed { about, csv, line } in cases().unclosed_quotes {
        let Err(error) = read(&csv, Format::Csv, CsvOptions::default()) else { panic!("{about}") };
        let expected = format!("he quote that opens in line {line} is never closed");
        assert!(error.to_string().contains(&expected) && error.exit_code() == 2, "{about}: {error}");
    }
}

#[test]
fn refused_rows_are_written_as_the_console_writes_them() {
    for Correction { about, csv, refused } in cases().corrections {
        let mut source = open(&csv, Format::Csv, CsvOptions::default()).unwrap();
        let mut written = format!("{},", REFUSED_COLUMNS.join(",")).into_bytes();
        written.extend_from_slice(source.header().unwrap());
        written.push(b'\n');
        while let Some(parsed) = source.next().unwrap() {
            if let Err(rejection) = parsed.outcome {
                rejection.write_csv(&mut written);
            }
        }
        let written = String::from_utf8(written).unwrap().replace(" (--strip-apostrophes, --allow-apostrophes)", "");
        assert_eq!(written, refused, "{about}");
    }
}

#[test]
fn ndjson_holds_the_users_that_it_holds_for_the_console() {
    check(&cases().lines, Format::Ndjson);
}

#[test]
fn an_export_is_the_file_that_the_console_writes() {
    for Export { users, as_of, ndjson, csv, spreadsheet } in cases().exports {
        let page = format!(r#"{{"users":[{}],"pagination":{{"next_cursor":null}}}}"#, users.join(","));
        let lines = Page::parse(&page, as_of).unwrap().lines;
        assert_eq!(String::from_utf8(lines.clone()).unwrap(), ndjson);
        let table = |style| {
            let mut table = Vec::new();
            table::write(&mut Cursor::new(&lines), &mut table, style).unwrap();
            String::from_utf8(table).unwrap()
        };
        assert_eq!(table(Style::Exact), csv);
        assert_eq!(spreadsheet.unwrap_or_else(|| table(Style::ForSpreadsheets)), table(Style::ForSpreadsheets));
    }
}
