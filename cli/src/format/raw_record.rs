//! Cuts a file into the texts of its records. Of a record that is too large it keeps only the beginning.

use crate::record::Position;
use std::io::{self, BufRead};

/// One record's text.
#[derive(Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Without the line end. Cut at the bound if `is_cut`.
    pub text: Vec<u8>,
    pub is_cut: bool,
    /// Only in CSV.
    pub misquoted: Option<Misquoted>,
    /// Where the next record begins.
    pub end: Position,
}

/// A quoted cell that is not as RFC 4180 has it: nobody knows where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misquoted {
    /// The line where its quote opens, from 1.
    pub line: u64,
    /// Whether a quote follows that ends it. Text stands behind that quote.
    pub is_closed: bool,
}

/// What separates two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// A line feed.
    Line,
    /// A line feed outside of quotes (RFC 4180).
    CsvRow,
}

/// The quoting at a place in CSV.
#[derive(Clone, Copy, PartialEq, Eq)]
enum QuoteState {
    CellStart,
    Unquoted,
    Quoted,
    /// Behind a quote in a quoted cell: it ends the cell, or escapes the quote that follows.
    QuoteInQuoted,
    /// Behind that quote and a carriage return: the line ends.
    ReturnAfterQuote,
}

impl QuoteState {
    fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (QuoteState::Quoted, b'"') => QuoteState::QuoteInQuoted,
            (QuoteState::Quoted, _) | (QuoteState::CellStart | QuoteState::QuoteInQuoted, b'"') => QuoteState::Quoted,
            (_, b',' | b'\n') => QuoteState::CellStart,
            (QuoteState::QuoteInQuoted, b'\r') => QuoteState::ReturnAfterQuote,
            _ => QuoteState::Unquoted,
        }
    }

    fn is_behind_quote(self) -> bool {
        matches!(self, QuoteState::QuoteInQuoted | QuoteState::ReturnAfterQuote)
    }
}

/// Follows the quoting of one row.
struct Quoting {
    state: QuoteState,
    line: u64,
    /// The line where the last quoted cell begins.
    opened: u64,
    misquoted: Option<Misquoted>,
}

impl Quoting {
    fn new(line: u64) -> Self {
        Quoting { state: QuoteState::CellStart, line, opened: line, misquoted: None }
    }

    /// Whether this byte ends the row.
    fn is_end(&mut self, byte: u8) -> bool {
        let before = self.state;
        self.state = before.next(byte);
        match (before, self.state) {
            (QuoteState::CellStart, QuoteState::Quoted) => self.opened = self.line,
            (before, QuoteState::Unquoted) if before.is_behind_quote() => self.misquote(true),
            _ => {}
        }
        self.line += u64::from(byte == b'\n');
        byte == b'\n' && before != QuoteState::Quoted
    }

    /// The first fault counts.
    fn misquote(&mut self, is_closed: bool) {
        self.misquoted.get_or_insert(Misquoted { line: self.opened, is_closed });
    }

    fn finish(mut self) -> Option<Misquoted> {
        match self.state {
            QuoteState::Quoted => self.misquote(false),
            QuoteState::ReturnAfterQuote => self.misquote(true),
            _ => {}
        }
        self.misquoted
    }
}

pub struct RawRecords<R> {
    input: R,
    delimiter: Delimiter,
    max_bytes: usize,
    position: Position,
}

impl<R: BufRead> RawRecords<R> {
    /// Reads from `position`, where `input` must stand. Skips a byte order mark at the beginning of the file. Keeps at
    /// most `max_bytes` of a record.
    pub fn new(mut input: R, delimiter: Delimiter, max_bytes: usize, position: Position) -> io::Result<Self> {
        let mut position = position;
        if position.offset == 0 && input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
            input.consume(3);
            position.offset = 3;
        }
        Ok(RawRecords { input, delimiter, max_bytes, position })
    }

    /// The next record that is not a blank line.
    pub fn next(&mut self) -> io::Result<Option<RawRecord>> {
        loop {
            let record = self.next_line_or_row()?;
            match record {
                Some(record) if record.text.iter().all(|byte| b" \t".contains(byte)) => {}
                record => return Ok(record),
            }
        }
    }

    fn next_line_or_row(&mut self) -> io::Result<Option<RawRecord>> {
        let begin = self.position;
        let mut text = Vec::new();
        let mut is_cut = false;
        let mut quoting = Quoting::new(begin.lines + 1);
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let end = end_of_record(chunk, self.delimiter, &mut quoting);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let kept = part.len().min(self.max_bytes - text.len());
            text.extend_from_slice(&part[..kept]);
            is_cut |= kept < part.len();
            let taken = part.len();
            self.position.lines += part.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
            self.position.offset += taken as u64;
            self.input.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if self.position == begin {
            return Ok(None);
        }
        trim_line_end(&mut text);
        let misquoted = quoting.finish();
        Ok(Some(RawRecord { line: begin.lines + 1, text, is_cut, misquoted, end: self.position }))
    }
}

/// Where the record ends in this chunk, its line feed included.
fn end_of_record(chunk: &[u8], delimiter: Delimiter, quoting: &mut Quoting) -> Option<usize> {
    let is_end = |byte: &u8| match delimiter {
        Delimiter::Line => *byte == b'\n',
        Delimiter::CsvRow => quoting.is_end(*byte),
    };
    chunk.iter().position(is_end).map(|at| at + 1)
}

/// What stands behind the first `cells` cells of a row; all of it if it has no more of them.
pub fn behind_cells(row: &[u8], cells: usize) -> &[u8] {
    if cells == 0 {
        return row;
    }
    let mut state = QuoteState::CellStart;
    let mut is_comma = |byte: &u8| {
        let is_comma = *byte == b',' && state != QuoteState::Quoted;
        state = state.next(*byte);
        is_comma
    };
    let commas = row.iter().enumerate().filter(|(_, byte)| is_comma(byte));
    commas.map(|(at, _)| at).nth(cells - 1).map_or(row, |at| &row[at + 1..])
}

fn trim_line_end(text: &mut Vec<u8>) {
    if text.last() == Some(&b'\n') {
        text.pop();
        if text.last() == Some(&b'\r') {
            text.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn records(input: &[u8], delimiter: Delimiter, max_bytes: usize, position: Position) -> Vec<RawRecord> {
        // A buffer of three bytes, so that everything falls on a boundary.
        let input = BufReader::with_capacity(3, &input[usize::try_from(position.offset).unwrap()..]);
        let mut records = RawRecords::new(input, delimiter, max_bytes, position).unwrap();
        std::iter::from_fn(|| records.next().unwrap()).collect()
    }

    fn texts(input: &str, delimiter: Delimiter) -> Vec<(u64, String)> {
        let text = |record: RawRecord| (record.line, String::from_utf8(record.text).unwrap());
        records(input.as_bytes(), delimiter, 100, Position::default()).into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_cut_and_counted() {
        let expected = |texts: &[(u64, &str)]| texts.iter().map(|(n, t)| (*n, (*t).to_owned())).collect::<Vec<_>>();
        assert_eq!(texts("", Delimiter::Line), []);
        assert_eq!(texts("a\nb", Delimiter::Line), expected(&[(1, "a"), (2, "b")]));
        assert_eq!(texts("\u{feff}a\r\n\n \t\r\n\"b\n", Delimiter::Line), expected(&[(1, "a"), (4, "\"b")]));
        assert_eq!(texts("a,\"x\ny\"\r\nb\n", Delimiter::CsvRow), expected(&[(1, "a,\"x\ny\""), (3, "b")]));
        assert_eq!(
            texts("\"\"\"\n\",\n5\"\n6\"\n", Delimiter::CsvRow),
            expected(&[(1, "\"\"\"\n\","), (3, "5\""), (4, "6\"")])
        );
    }

    #[test]
    fn a_record_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let cut = records(b"12345678\n123456789\nnext\n", Delimiter::Line, 8, Position::default());
        let reported: Vec<_> = cut.iter().map(|record| (record.text.len(), record.is_cut)).collect();
        assert_eq!(reported, [(8, true), (8, true), (4, false)]);
    }

    #[test]
    fn a_cell_whose_end_nobody_knows_is_misquoted() {
        let misquoted = |input: &str| {
            let records = records(input.as_bytes(), Delimiter::CsvRow, 4, Position::default());
            records.iter().map(|record| record.misquoted.map(|m| (m.line, m.is_closed))).collect::<Vec<_>>()
        };
        let (closed, open) = (|line| Some((line, true)), |line| Some((line, false)));
        assert_eq!(misquoted("a,\"b\"\"\"\r\n6\"\n\"\""), [None, None, None]);
        assert_eq!(misquoted("a\nb,\"c \"d\" e\"\nf\n"), [None, closed(2), None]);
        assert_eq!(misquoted("a\n\"b\n\",\"c\nd,\"e\""), [None, closed(3)]);
        assert_eq!(misquoted("\"a\"\rb\n\"c\"\r"), [closed(1), closed(2)]);
        assert_eq!(misquoted("a\n\"b\n\",\"c\nd\n"), [None, open(3)]);
    }

    #[test]
    fn cells_are_skipped_as_they_are_quoted() {
        let row = b"1,\"a,\"\"b\",c,\"d\"";
        let rest = |cells| String::from_utf8(behind_cells(row, cells).to_vec()).unwrap();
        assert_eq!(
            [0, 1, 2, 4].map(rest),
            ["1,\"a,\"\"b\",c,\"d\"", "\"a,\"\"b\",c,\"d\"", "c,\"d\"", "1,\"a,\"\"b\",c,\"d\""]
        );
    }

    #[test]
    fn reading_from_any_position_gives_the_rest() {
        let input = b"\xef\xbb\xbfa\r\n\"\r\n\",b\r\n\r\nc\nd";
        let all = records(input, Delimiter::CsvRow, 100, Position::default());
        assert_eq!(all.len(), 4);
        for (i, record) in all.iter().enumerate() {
            assert_eq!(records(input, Delimiter::CsvRow, 100, record.end), all[i + 1..], "{i}");
        }
    }
}
