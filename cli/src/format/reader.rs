//! Reads a file, record by record.

use super::csv::Header;
use super::ndjson;
use super::raw_record::{Delimiter, Misquoted, RawRecord, RawRecords};
use super::{CsvOptions, Format};
use crate::error::CliError;
use crate::record::{MAX_RECORD_BYTES, Parsed, Position, Record, RejectReason, Rejection};
use roster::bounds::MAX_BATCH_BYTES;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// `-` stands for the standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

pub struct RecordSource {
    path: PathBuf,
    raw_records: RawRecords<Box<dyn BufRead>>,
    /// Only in CSV.
    header: Option<Header>,
}

impl RecordSource {
    /// Opens a file at a position, after the header of a CSV file was read. The standard input has the default position
    /// only.
    pub fn open(path: &Path, format: Format, options: CsvOptions, position: Position) -> Result<Self, CliError> {
        let open_at = |delimiter, position| open(path, delimiter, position).map_err(CliError::file(path));
        let (raw_records, header) = match format {
            Format::Ndjson => (open_at(Delimiter::Line, position)?, None),
            Format::Csv => {
                let mut rows = open_at(Delimiter::CsvRow, Position::default())?;
                let row = rows.next().map_err(CliError::file(path))?.filter(|row| !row.is_cut);
                let row = row.ok_or_else(|| CliError::Usage(format!("{}: there is no header", path.display())))?;
                let header = Header::parse(&row, options)?;
                let rows = if position == Position::default() { rows } else { open_at(Delimiter::CsvRow, position)? };
                (rows, Some(header))
            }
        };
        Ok(RecordSource { path: path.to_owned(), raw_records, header })
    }

    /// The header of a table, as it is written.
    pub fn header(&self) -> Option<&[u8]> {
        self.header.as_ref().map(Header::text)
    }

    pub fn next(&mut self) -> Result<Option<Parsed>, CliError> {
        let Some(raw) = self.raw_records.next().map_err(CliError::file(&self.path))? else { return Ok(None) };
        match raw.misquoted {
            // What is behind the quote may be many users.
            Some(misquoted) if raw.is_cut || !misquoted.is_closed => Err(self.swallowed(misquoted)),
            _ => Ok(Some(Parsed { end: raw.end, outcome: self.parse(raw) })),
        }
    }

    fn swallowed(&self, Misquoted { line, .. }: Misquoted) -> CliError {
        let path = self.path.display();
        CliError::Usage(format!("{path}: the quote that opens in line {line} is never closed: correct that line first"))
    }

    fn parse(&self, raw: RawRecord) -> Result<Record, Rejection> {
        let too_large = |kept| RejectReason::TooLarge { limit_bytes: MAX_BATCH_BYTES, kept };
        let RawRecord { line, end, .. } = raw;
        if raw.is_cut {
            return Err(match &self.header {
                // Without its cells: what is left of a row may be a row.
                Some(_) => Rejection::new(
                    line,
                    "",
                    &too_large(format!(", and is left out here (lines {line} to {} of the file)", end.lines.max(line))),
                ),
                None => Rejection::from_text(line, &raw.text, &too_large(", and is cut here".into())),
            });
        }
        let record = match &self.header {
            Some(header) => header.parse_row(&raw),
            None => ndjson::parse_line(raw),
        }?;
        if record.json.len() > MAX_RECORD_BYTES {
            let record = record.row.unwrap_or_else(|| record.json.into());
            return Err(Rejection::new(line, record, &too_large(String::new())));
        }
        Ok(record)
    }
}

fn open(path: &Path, delimiter: Delimiter, position: Position) -> io::Result<RawRecords<Box<dyn BufRead>>> {
    if is_stdin(path) {
        return RawRecords::new(Box::new(BufReader::new(io::stdin())), delimiter, MAX_BATCH_BYTES, position);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(position.offset))?;
    RawRecords::new(Box::new(BufReader::new(file)), delimiter, MAX_BATCH_BYTES, position)
}
