//! What the tool and the console both do with files: the cases of tests/cases/files.json, which the console runs too.

use crate::args::{Args, Command};
use crate::clock;
use crate::error::CliError;
use crate::export::page::Page;
use crate::export::selection::Selection;
use crate::export::table;
use crate::format::csv_value::{self, Style};
use crate::format::{Format, ReadOptions, RecordSource};
use crate::record::{Parsed, Position};
use clap::Parser;
use encoding_rs::Encoding;
use roster::input::fields::FaultKind;
use roster::json::{self, Value};
use roster::time::Timestamp;
use roster::user::NewUser;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use tempfile::{NamedTempFile, TempDir};

#[derive(Deserialize)]
struct Cases {
    cells: Vec<Cell>,
    values: Vec<Cell>,
    tables: Vec<File>,
    kinds: Vec<Kind>,
    faults: Vec<Refusal>,
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

/// A file as people have them.
#[derive(Deserialize)]
struct Kind {
    about: String,
    name: String,
    text: String,
    /// Of the file.
    encoding: Option<String>,
    /// What is said of it.
    #[serde(default)]
    read: Said,
    /// What is expected of it, or why it is refused as a whole.
    records: Option<Vec<Expected>>,
    refused: Option<String>,
}

/// A user, and its first fault if it has one.
#[derive(Deserialize)]
struct Refusal {
    json: String,
    code: Option<String>,
    place: Option<String>,
    issue: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    guess: bool,
    map: Vec<(String, String)>,
    skip: Vec<String>,
    types: BTreeMap<String, String>,
    phones: Option<String>,
    country_code: Option<String>,
    encoding: Option<String>,
}

impl Said {
    /// The options of the tool that say it.
    fn options(&self) -> Vec<String> {
        let guess = self.guess.then(|| "--guess".to_owned());
        let map = self.map.iter().map(|(place, column)| format!("--map={place}={column}"));
        let skip = self.skip.iter().map(|column| format!("--skip={column}"));
        let types = self.types.iter().map(|(column, name)| format!("--type={column}={name}"));
        let phones = self.phones.iter().map(|phones| format!("--phones={phones}"));
        let code = self.country_code.iter().map(|code| format!("--country-code={code}"));
        let encoding = self.encoding.iter().map(|encoding| format!("--encoding={encoding}"));
        guess.into_iter().chain(map).chain(skip).chain(types).chain(phones).chain(code).chain(encoding).collect()
    }
}

impl Kind {
    fn bytes(&self) -> Vec<u8> {
        let units = self.text.encode_utf16();
        match self.encoding.as_deref() {
            Some("utf-16le") => units.flat_map(u16::to_le_bytes).collect(),
            Some("utf-16be") => units.flat_map(u16::to_be_bytes).collect(),
            Some("latin1") => self.text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
            Some(label) => Encoding::for_label(label.as_bytes()).unwrap().encode(&self.text).0.into_owned(),
            None => self.text.clone().into_bytes(),
        }
    }

    fn read(&self) -> Result<Vec<Parsed>, CliError> {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(&self.name);
        fs::write(&path, self.bytes()).unwrap();
        let words = ["roster".into(), "import".into(), path.to_str().unwrap().into()].into_iter();
        let Command::Import(args) = Args::parse_from(words.chain(self.read.options())).command else { panic!() };
        let format = args.format().unwrap_or(Format::Csv);
        let mut source = RecordSource::open(&path, format, &args.read, Position::default())?;
        std::iter::from_fn(|| source.next().transpose()).collect()
    }
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
    #[serde(default)]
    columns: Vec<String>,
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

fn open(text: &str, format: Format, options: &ReadOptions) -> Result<RecordSource, CliError> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    RecordSource::open(file.path(), format, options, Position::default())
}

fn read(text: &str, format: Format, options: &ReadOptions) -> Result<Vec<Parsed>, CliError> {
    let mut source = open(text, format, options)?;
    std::iter::from_fn(|| source.next().transpose()).collect()
}

fn options(names: &[String]) -> ReadOptions {
    let has = |name: &str| names.iter().any(|one| one == name);
    ReadOptions {
        strip_apostrophes: has("strip-apostrophes"),
        allow_apostrophes: has("allow-apostrophes"),
        allow_scientific: has("allow-scientific"),
        ..ReadOptions::default()
    }
}

fn check(files: &[File], format: Format) {
    for File { about, text, options: names, records } in files {
        check_records(about, read(text, format, &options(names)).unwrap(), records);
    }
}

fn check_records(about: &str, read: Vec<Parsed>, records: &[Expected]) {
    assert_eq!(read.len(), records.len(), "{about}");
    for (parsed, expected) in read.into_iter().zip(records) {
        match (parsed.outcome, &expected.json) {
            (Ok(record), Some(json)) => {
                assert_eq!(record.line, expected.line, "{about}");
                assert_eq!(parse(&record.json), parse(json), "{about}");
            }
            (Err(rejection), None) => {
                assert_eq!(rejection.line, expected.line, "{about}");
                expected.check_error(rejection.error.get());
            }
            (outcome, _) => panic!("{about}: {:?}", outcome.map(|record| record.json)),
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
fn every_kind_of_file_is_read_or_refused_with_what_to_do() {
    for kind in cases().kinds {
        match (kind.read(), &kind.records, &kind.refused) {
            (Ok(read), Some(records), _) => check_records(&kind.about, read, records),
            (Err(error), None, Some(refused)) => {
                assert!(error.to_string().contains(refused.as_str()), "{}: {error}", kind.about);
            }
            (read, _, _) => panic!("{}: {:?}", kind.about, read.err().map(|error| error.to_string())),
        }
    }
}

#[test]
fn a_user_is_refused_for_what_the_console_says_beforehand() {
    for Refusal { json, code, place, issue } in cases().faults {
        let user = json::parse_object(json.as_bytes()).unwrap();
        let fault = NewUser::parse(&user, Timestamp::from_ms(clock::now_ms())).err().map(|mut list| {
            let fault = list.faults.swap_remove(0);
            let code = match fault.kind {
                FaultKind::Missing => "MISSING_FIELD",
                FaultKind::WrongType { .. } => "INVALID_TYPE",
                FaultKind::Invalid(_) => "INVALID_VALUE",
                FaultKind::Unknown(_) => "UNKNOWN_FIELD",
                FaultKind::Duplicate | FaultKind::NotJson(_) => "INVALID_REQUEST",
            };
            (Some(code.to_owned()), Some(fault.place().to_owned()), Some(fault.kind.to_string()))
        });
        assert_eq!(fault.unwrap_or_default(), (code, place, issue), "{json}");
    }
}

#[test]
fn a_header_that_the_console_refuses_is_refused() {
    for header in cases().refused_headers {
        assert!(read(&header, Format::Csv, &ReadOptions::default()).is_err(), "{header}");
    }
}

#[test]
fn a_quote_that_is_never_closed_ends_the_import_with_its_line() {
    for Unclosed { about, csv, line } in cases().unclosed_quotes {
        let Err(error) = read(&csv, Format::Csv, &ReadOptions::default()) else { panic!("{about}") };
        let expected = format!("he quote that opens in line {line} is never closed");
        assert!(error.to_string().contains(&expected) && error.exit_code() == 2, "{about}: {error}");
    }
}

#[test]
fn refused_rows_are_written_as_the_console_writes_them() {
    for Correction { about, csv, refused } in cases().corrections {
        let mut source = open(&csv, Format::Csv, &ReadOptions::default()).unwrap();
        let form = source.form().unwrap().clone();
        let mut written = Vec::new();
        form.write_header(&mut written);
        while let Some(parsed) = source.next().unwrap() {
            if let Err(rejection) = parsed.outcome {
                rejection.write_csv(form.delimiter, &mut written);
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
    for Export { users, as_of, columns, ndjson, csv, spreadsheet } in cases().exports {
        let page = format!(r#"{{"users":[{}],"pagination":{{"has_more":false,"next_cursor":null}}}}"#, users.join(","));
        let lines = |style| {
            let selection = Selection::new(&columns, as_of, style).unwrap();
            (Page::parse(&page, &selection).unwrap().lines, selection)
        };
        assert_eq!(String::from_utf8(lines(Style::Exact).0).unwrap(), ndjson);
        let table = |style| {
            let ((lines, selection), mut table) = (lines(style), Vec::new());
            table::write(&mut Cursor::new(&lines), &mut table, &selection, style).unwrap();
            String::from_utf8(table).unwrap()
        };
        assert_eq!(table(Style::Exact), csv);
        assert_eq!(spreadsheet.unwrap_or_else(|| table(Style::ForSpreadsheets)), table(Style::ForSpreadsheets));
    }
}
