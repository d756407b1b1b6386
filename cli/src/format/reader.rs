//! Reads a file, record by record.

use super::csv::Table;
use super::input::Input;
use super::objects::{self, MemberNames, Objects};
use super::raw_record::{Layout, Misquoted, RawRecord, RawRecords};
use super::{Format, ReadOptions};
use super::{ids, ndjson};
use crate::error::CliError;
use crate::record::{MAX_RECORD_BYTES, Parsed, Position, REFUSED_COLUMNS, Record, RejectReason, Rejection};
use roster::bounds::MAX_BATCH_BYTES;
use roster::json;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// `-` stands for the standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

pub struct RecordSource {
    path: PathBuf,
    raw_records: RawRecords<Box<dyn BufRead>>,
    names: Known,
    form: Option<TableForm>,
    /// What is read, as long as it is.
    _input: Input,
}

/// How a table of refused rows is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableForm {
    pub header: Vec<u8>,
    pub delimiter: u8,
    /// Whether it begins with a byte order mark.
    pub has_mark: bool,
}

impl TableForm {
    pub fn write_header(&self, output: &mut Vec<u8>) {
        let delimiter = char::from(self.delimiter);
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        let columns = REFUSED_COLUMNS.map(|name| format!("{name}{delimiter}")).concat();
        output.extend_from_slice(format!("{mark}{columns}").as_bytes());
        output.extend_from_slice(&self.header);
        output.push(b'\n');
    }
}

/// Where what a record has goes.
enum Known {
    Table(Table),
    Objects(Objects),
    /// To the server as it is.
    AsItIs,
    /// A line is an id.
    Ids,
}

impl RecordSource {
    /// Opens a file at a position. A table is first read to its end, for the types of its columns; and so are JSON objects
    /// of other names than Roster's.
    pub fn open(path: &Path, format: Format, options: &ReadOptions, position: Position) -> Result<Self, CliError> {
        let input = Input::new(path, format, options.encoding)?;
        let names = match input.layout {
            Layout::Table { .. } => Known::Table(survey_table(path, &input, options)?),
            _ => survey_objects(path, &input, options)?,
        };
        RecordSource::start(path, input, names, position)
    }

    /// The deletions of users: of a table those of its ids, else of the id that each line is.
    pub fn open_ids(path: &Path, is_table: bool, position: Position) -> Result<Self, CliError> {
        if is_table {
            let options = ReadOptions { only_ids: true, ..ReadOptions::default() };
            return RecordSource::open(path, Format::Csv, &options, position);
        }
        let mut input = Input::new(path, Format::Ndjson, None)?;
        input.layout = Layout::Lines;
        RecordSource::start(path, input, Known::Ids, position)
    }

    fn start(path: &Path, input: Input, names: Known, position: Position) -> Result<Self, CliError> {
        let form = match (&names, input.layout) {
            (Known::Table(table), Layout::Table { delimiter }) => {
                Some(TableForm { header: table.header().to_vec(), delimiter, has_mark: input.has_mark })
            }
            (Known::Ids, _) => Some(ids::form()),
            _ => None,
        };
        let mut raw_records = records(path, &input, position)?;
        if matches!(names, Known::Table(_)) && position == Position::default() {
            raw_records.next().map_err(CliError::file(path))?;
        }
        Ok(RecordSource { path: path.to_owned(), raw_records, names, form, _input: input })
    }

    /// None of JSON.
    pub fn form(&self) -> Option<&TableForm> {
        self.form.as_ref()
    }

    pub fn next(&mut self) -> Result<Option<Parsed>, CliError> {
        let raw = self.raw_records.next().map_err(CliError::file(&self.path))?;
        let Some(raw) = raw else { return Ok(None) };
        check_swallowed(&self.path, &raw)?;
        Ok(Some(Parsed { end: raw.end, outcome: self.parse(raw) }))
    }

    fn parse(&self, raw: RawRecord) -> Result<Record, Rejection> {
        let too_large = |kept| RejectReason::TooLarge { limit_bytes: MAX_BATCH_BYTES, kept };
        let RawRecord { line, end, .. } = raw;
        if raw.is_cut {
            return Err(match &self.form {
                // Without its cells: what is left of a row may be a row.
                Some(_) => Rejection::new(
                    line,
                    "",
                    &too_large(format!(", and is left out here (lines {line} to {} of the file)", end.lines.max(line))),
                ),
                None => Rejection::from_text(line, &raw.text, &too_large(", and is cut here".into())),
            });
        }
        let record = match &self.names {
            Known::Table(table) => table.parse_row(&raw),
            Known::Objects(objects) => ndjson::parse_record(raw, Some(objects)),
            Known::AsItIs => ndjson::parse_record(raw, None),
            Known::Ids => ids::parse_line(&raw),
        }?;
        if record.json.len() > MAX_RECORD_BYTES {
            let record = record.row.unwrap_or_else(|| record.json.into());
            return Err(Rejection::new(line, record, &too_large(String::new())));
        }
        Ok(record)
    }
}

/// The records from a position on; from the first one on by default.
fn records(path: &Path, input: &Input, position: Position) -> Result<RawRecords<Box<dyn BufRead>>, CliError> {
    let position = match input.layout {
        Layout::Array { first, .. } if position == Position::default() => first,
        _ => position,
    };
    let mut text = input.open(position)?;
    if !input.is_rereadable() {
        // It stands at its beginning, wherever the list of users does.
        let mut left = position.offset;
        while left > 0 {
            let count =
                text.fill_buf().map_err(CliError::file(path))?.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 {
                break;
            }
            text.consume(count);
            left -= count as u64;
        }
    }
    RawRecords::new(text, input.layout, MAX_BATCH_BYTES, position).map_err(CliError::file(path))
}

/// What is behind a quote that is never closed may be many users.
fn check_swallowed(path: &Path, raw: &RawRecord) -> Result<(), CliError> {
    match raw.misquoted {
        Some(Misquoted { line, is_closed }) if raw.is_cut || !is_closed => Err(CliError::Usage(format!(
            "{}: the quote that opens in line {line} is never closed: correct that line first",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Learns where the columns of a table go, and what they hold.
fn survey_table(path: &Path, input: &Input, options: &ReadOptions) -> Result<Table, CliError> {
    let mut rows = records(path, input, Position::default())?;
    let mut next = || rows.next().map_err(CliError::file(path));
    let header = next()?.filter(|row| !row.is_cut);
    let header = header.ok_or_else(|| CliError::Usage(format!("{}: there is no header", path.display())))?;
    let mut table = Table::new(&header, options)?;
    let mut columns = Vec::new();
    while let Some(row) = next()? {
        check_swallowed(path, &row)?;
        table.survey_row(&row, &mut columns)?;
    }
    table.set_types(&columns);
    Ok(table)
}

/// Learns where the members of JSON objects go, unless the first has Roster's own names alone.
fn survey_objects(path: &Path, input: &Input, options: &ReadOptions) -> Result<Known, CliError> {
    if !input.is_rereadable() {
        if options.map_members() {
            let advice = "the standard input is read once: to map what it has, save it as a file first";
            return Err(CliError::Usage(advice.into()));
        }
        return Ok(Known::AsItIs);
    }
    let mut records = records(path, input, Position::default())?;
    let mut next = || records.next().map_err(CliError::file(path));
    let mut names = MemberNames::default();
    while let Some(raw) = next()? {
        let text = ndjson::record_text(raw);
        let Ok(object) = json::parse_object(&text) else { continue };
        if names.is_empty() && objects::is_own(&object) && !options.map_members() {
            // Only the end of a list says whether it is all of the file.
            while matches!(input.layout, Layout::Array { .. }) && next()?.is_some() {}
            return Ok(Known::AsItIs);
        }
        names.add(&object);
    }
    if names.is_empty() { Ok(Known::AsItIs) } else { Objects::new(&names, options).map(Known::Objects) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn open(name: &str, text: &[u8]) -> Result<RecordSource, CliError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        let format = Format::of_input(&path).unwrap();
        RecordSource::open(&path, format, &ReadOptions::default(), Position::default())
    }

    #[test]
    fn a_list_that_is_not_all_of_its_file_is_refused_before_anything_is_sent() {
        for (text, problem) in [
            ("[{\"user_id\":\"a\"}]\n[{\"user_id\":\"b\"}]\n", "line 2: a second value after the list's end; "),
            ("{\"users\":[{\"user_id\":\"a\"}]}\n{\"users\":[]}", "line 2: a second value after the list's end; "),
            ("[{\"user_id\":\"a\"}},{\"user_id\":\"b\"}]", "line 1: a } that nothing opens; "),
            ("[{\"user_id\":\"a\"},\n{\"user_id\":\"b\"", "the list of users has no end: "),
        ] {
            let error = open("a.json", text.as_bytes()).err().unwrap();
            assert!(error.to_string().contains(&format!("a.json: {problem}")), "{text}: {error}");
            assert_eq!(error.exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn a_second_file_behind_a_table_does_not_make_a_user_of_its_header() {
        for header in ["user_id,properties.n", "\u{feff}user_id,properties.n", "\u{feff}\"user_id\",\"properties.n\""] {
            let text = format!("{header}\na,1\n{header}\nb,2\n");
            let mut table = open("a.csv", text.as_bytes()).unwrap();
            let mut next = || table.next().unwrap().unwrap().outcome;
            assert!(next().is_ok());
            let refused = next().unwrap_err();
            assert_eq!(
                (refused.line, refused.reason().contains("This is the header again")),
                (3, true),
                "{}",
                refused.reason()
            );
            assert!(next().is_ok());
        }
    }

    #[test]
    fn utf_16_without_its_mark_is_refused_with_the_option_that_reads_it() {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for (name, text) in [("a.csv", "user_id\na\n"), ("a.ndjson", "{\"user_id\":\"a\"}\n")] {
            let error = open(name, &utf_16(text)).err().unwrap();
            assert!(error.to_string().contains("add --encoding utf-16le"), "{error}");
        }
    }
}
