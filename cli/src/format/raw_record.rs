//! Cuts a file into the texts of its records. Of a record that is too large it keeps only the beginning.

use super::cell_count::CellCount;
use super::nesting::Nesting;
use crate::record::Position;
use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};
use std::io::{self, BufRead};

/// One record's text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RawRecord {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Without the line end. Cut at the bound if `is_cut`.
    pub text: Vec<u8>,
    pub is_cut: bool,
    /// Only in a table, and only of a record that is not cut.
    pub cells: Vec<RawCell>,
    /// Only in a table.
    pub misquoted: Option<Misquoted>,
    /// Where the next record begins.
    pub end: Position,
}

/// A cell without its quotes, and where the text of its row goes on behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawCell {
    pub text: Vec<u8>,
    pub end: usize,
}

/// A quoted cell that is not as RFC 4180 has it: nobody knows where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misquoted {
    /// The line where its quote opens, from 1.
    pub line: u64,
    /// Whether a quote follows that ends it. Text stands behind that quote.
    pub is_closed: bool,
}

/// How the records of a file stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One a line.
    Lines,
    /// The elements of a JSON array, from the position `first` on. `is_member`: it is the first member of an object.
    Array { first: Position, is_member: bool },
    /// Rows of cells, which this separates (RFC 4180).
    Table { delimiter: u8 },
}

pub struct RawRecords<R> {
    input: R,
    max_bytes: usize,
    position: Position,
    layout: Layout,
    csv: Reader,
    /// For what the CSV reader makes of a part of a cell.
    output: Vec<u8>,
}

impl<R: BufRead> RawRecords<R> {
    /// Reads from `position`, where `input` must stand. Skips a byte order mark at the beginning of the file. Keeps at
    /// most `max_bytes` of a record.
    pub fn new(mut input: R, layout: Layout, max_bytes: usize, position: Position) -> io::Result<Self> {
        let mut position = position;
        if position.offset == 0 && input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
            input.consume(3);
            position.offset = 3;
        }
        let delimiter = if let Layout::Table { delimiter } = layout { delimiter } else { b',' };
        // A carriage return inside of a row belongs to a cell.
        let csv = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        Ok(RawRecords { input, max_bytes, position, layout, csv, output: vec![0; 4096] })
    }

    /// The next record that is not a blank line.
    pub fn next(&mut self) -> io::Result<Option<RawRecord>> {
        loop {
            let record = match self.layout {
                Layout::Lines => self.next_line()?,
                Layout::Array { is_member, .. } => return self.next_element(is_member),
                Layout::Table { .. } => self.next_row()?,
            };
            match record {
                Some(record) if !record.is_cut && record.text.iter().all(|byte| b" \t\r".contains(byte)) => {}
                record => return Ok(record),
            }
        }
    }

    fn begin(&self) -> RawRecord {
        RawRecord { line: self.position.lines + 1, ..RawRecord::default() }
    }

    /// Takes so many bytes of the input into the record.
    fn take(&mut self, count: usize, record: &mut RawRecord) -> io::Result<()> {
        let part = &self.input.fill_buf()?[..count];
        let kept = part.len().min(self.max_bytes - record.text.len());
        record.text.extend_from_slice(&part[..kept]);
        record.is_cut |= kept < part.len();
        self.position.lines += part.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.position.offset += count as u64;
        self.input.consume(count);
        Ok(())
    }

    /// Passes over these bytes, however many there are.
    fn skip(&mut self, bytes: &[u8]) -> io::Result<()> {
        while let Some(byte) = self.input.fill_buf()?.first().copied().filter(|byte| bytes.contains(byte)) {
            self.pass(byte);
        }
        Ok(())
    }

    /// Passes over the next byte, which is this one.
    fn pass(&mut self, byte: u8) {
        self.position.lines += u64::from(byte == b'\n');
        self.position.offset += 1;
        self.input.consume(1);
    }

    fn finish(&self, mut record: RawRecord) -> RawRecord {
        trim_line_end(&mut record.text);
        RawRecord { end: self.position, ..record }
    }

    fn next_line(&mut self) -> io::Result<Option<RawRecord>> {
        let (begin, mut record) = (self.position, self.begin());
        loop {
            let chunk = self.input.fill_buf()?;
            let end = chunk.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let count = end.unwrap_or(chunk.len());
            self.take(count, &mut record)?;
            if end.is_some() || count == 0 {
                break;
            }
        }
        Ok((self.position != begin).then(|| self.finish(record)))
    }

    /// The element of an array: an object or a list ends with its last bracket, anything else before a comma or a bracket.
    fn next_element(&mut self, is_member: bool) -> io::Result<Option<RawRecord>> {
        self.skip(b" \t\r\n,")?;
        let (mut record, mut nesting) = (self.begin(), Nesting::default());
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Err(self.cut_list());
            }
            let mut end = None;
            for (at, byte) in chunk.iter().enumerate() {
                if nesting.is_outside() && b",]}".contains(byte) {
                    end = Some(at);
                    break;
                }
                let depth = nesting.depth;
                nesting.take(*byte);
                if depth > 0 && nesting.depth == 0 {
                    end = Some(at + 1);
                    break;
                }
            }
            let count = end.unwrap_or(chunk.len());
            self.take(count, &mut record)?;
            if end.is_some() {
                break;
            }
        }
        if !record.text.is_empty() {
            return Ok(Some(self.finish(record)));
        }
        self.end_list(is_member)?;
        Ok(None)
    }

    /// Reads on behind the last element: nothing follows a list, or the object whose member it is.
    fn end_list(&mut self, is_member: bool) -> io::Result<()> {
        let mut nesting = Nesting::at(1 + u32::from(is_member));
        if self.input.fill_buf()?.first() == Some(&b'}') {
            return Err(self.unusable_here("a } that nothing opens; remove it, or end the list with ]"));
        }
        while !nesting.is_outside() {
            let Some(byte) = self.input.fill_buf()?.first().copied() else { return Err(self.cut_list()) };
            nesting.take(byte);
            self.pass(byte);
        }
        self.skip(b" \t\r\n")?;
        if self.input.fill_buf()?.is_empty() {
            return Ok(());
        }
        Err(self.unusable_here("a second value after the list's end; one file holds one list, or one record per line"))
    }

    fn cut_list(&self) -> io::Error {
        unusable(format!("the list of users has no end: the file is cut after line {}", self.position.lines + 1))
    }

    fn unusable_here(&self, problem: &str) -> io::Error {
        unusable(format!("line {}: {problem}", self.position.lines + 1))
    }

    fn next_row(&mut self) -> io::Result<Option<RawRecord>> {
        self.skip(b"\n")?;
        let mut record = self.begin();
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        loop {
            match self.next_cell(&mut record)? {
                CellEnd::Cell => {}
                CellEnd::Row => return Ok(Some(self.finish(record))),
            }
        }
    }

    fn next_cell(&mut self, record: &mut RawRecord) -> io::Result<CellEnd> {
        let opened = self.position.lines + 1;
        let mut cell = CellCount::default();
        let mut text = Vec::new();
        loop {
            let chunk = self.input.fill_buf()?;
            let is_last = chunk.is_empty();
            // The last line ends, whether that is written or not.
            let (result, read, written) = self.csv.read_field(if is_last { b"\n" } else { chunk }, &mut self.output);
            if !is_last {
                cell.add_raw(&chunk[..read]);
                self.take(read, record)?;
            }
            cell.add_text(&self.output[..written]);
            if !record.is_cut {
                text.extend_from_slice(&self.output[..written]);
            }
            let record_end = match result {
                ReadFieldResult::Field { record_end } => record_end,
                ReadFieldResult::InputEmpty if is_last => {
                    record.misquoted.get_or_insert(Misquoted { line: opened, is_closed: false });
                    true
                }
                ReadFieldResult::End => true,
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => continue,
            };
            let end_bytes = usize::from(!is_last);
            if cell.is_misquoted(end_bytes as u64, record_end) {
                record.misquoted.get_or_insert(Misquoted { line: opened, is_closed: true });
            }
            if record_end && cell.ends_with_return(end_bytes) {
                text.pop();
            }
            if record.is_cut {
                record.cells.clear();
            } else {
                record.cells.push(RawCell { text, end: record.text.len() });
            }
            return Ok(if record_end { CellEnd::Row } else { CellEnd::Cell });
        }
    }
}

enum CellEnd {
    Cell,
    Row,
}

/// A file of which nobody knows what it holds.
fn unusable(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn trim_line_end(text: &mut Vec<u8>) {
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    const CSV: Layout = Layout::Table { delimiter: b',' };

    fn records(input: &[u8], layout: Layout, max_bytes: usize, position: Position) -> Vec<RawRecord> {
        // A buffer of three bytes, so that everything falls on a boundary.
        let input = BufReader::with_capacity(3, &input[usize::try_from(position.offset).unwrap()..]);
        let mut records = RawRecords::new(input, layout, max_bytes, position).unwrap();
        std::iter::from_fn(|| records.next().unwrap()).collect()
    }

    fn texts(input: &str, layout: Layout) -> Vec<(u64, String)> {
        let text = |record: RawRecord| (record.line, String::from_utf8(record.text).unwrap());
        records(input.as_bytes(), layout, 100, Position::default()).into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_cut_and_counted() {
        let expected = |texts: &[(u64, &str)]| texts.iter().map(|(n, t)| (*n, (*t).to_owned())).collect::<Vec<_>>();
        assert_eq!(texts("", Layout::Lines), []);
        assert_eq!(texts("a\nb", Layout::Lines), expected(&[(1, "a"), (2, "b")]));
        assert_eq!(texts("\u{feff}a\r\n\n \t\r\n\"b\n", Layout::Lines), expected(&[(1, "a"), (4, "\"b")]));
        assert_eq!(texts("a,\"x\ny\"\r\nb\n", CSV), expected(&[(1, "a,\"x\ny\""), (3, "b")]));
        assert_eq!(texts("\"\"\"\n\",\n5\"\n6\"\n", CSV), expected(&[(1, "\"\"\"\n\","), (3, "5\""), (4, "6\"")]));
    }

    #[test]
    fn a_record_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let cut = records(b"12345678\n123456789\nnext\n", Layout::Lines, 8, Position::default());
        let reported: Vec<_> = cut.iter().map(|record| (record.text.len(), record.is_cut)).collect();
        assert_eq!(reported, [(8, true), (8, true), (4, false)]);
    }

    #[test]
    fn a_cell_whose_end_nobody_knows_is_misquoted() {
        let misquoted = |input: &str| {
            let records = records(input.as_bytes(), CSV, 4, Position::default());
            records.iter().map(|record| record.misquoted.map(|m| (m.line, m.is_closed))).collect::<Vec<_>>()
        };
        let (closed, open) = (|line| Some((line, true)), |line| Some((line, false)));
        assert_eq!(misquoted("a,\"b\"\"\"\r\n6\"\n\"\""), [None, None, None]);
        assert_eq!(misquoted("a\nb,\"c \"d\" e\"\nf\n"), [None, closed(2), None]);
        assert_eq!(misquoted("a\n\"b\n\",\"c\nd,\"e\""), [None, closed(3)]);
        assert_eq!(misquoted("\"a\"\rb\n\"c\"\r"), [closed(1), None]);
        assert_eq!(misquoted("\"a \"b c\"\n\"\""), [closed(1), None]);
        assert_eq!(misquoted("\"a \"b c\""), [closed(1)], "the last, and no end of its line");
        assert_eq!(misquoted("a\n\"b\n\",\"c\nd\n"), [None, open(3)]);
    }

    #[test]
    fn a_cell_knows_where_the_row_goes_on() {
        let row = &records(b"1,\"a,\"\"b\",c,\"d\"\r\n", CSV, 100, Position::default())[0];
        let cells = row.cells.iter().map(|cell| (str::from_utf8(&cell.text).unwrap(), cell.end));
        assert_eq!(cells.collect::<Vec<_>>(), [("1", 2), ("a,\"b", 10), ("c", 12), ("d", 17)]);
    }

    #[test]
    fn the_elements_of_a_list_are_cut_and_counted() {
        let text = " [1 , {\"a\": [\"]}\\\"\", {}]},\n\n\"x,\" ,\n[]\n] \n";
        let first = Position { offset: 2, lines: 0 };
        let elements = records(text.as_bytes(), Layout::Array { first, is_member: false }, 100, first);
        let elements: Vec<_> = elements.iter().map(|r| (r.line, str::from_utf8(&r.text).unwrap())).collect();
        assert_eq!(elements, [(1, "1 "), (1, "{\"a\": [\"]}\\\"\", {}]}"), (3, "\"x,\" "), (4, "[]")]);
    }

    #[test]
    fn a_list_ends_where_the_file_does() {
        let second = "a second value after the list's end; one file holds one list, or one record per line";
        for (behind, is_member, problem) in [
            ("]", false, None),
            ("] \r\n\t\n", false, None),
            (",]\n", false, None),
            ("]}", true, None),
            ("],\n\"next\": {\"a\": [\"]}\"]}}\n", true, None),
            ("]\n[{}]\n", false, Some(format!("line 2: {second}"))),
            ("][{}]", false, Some(format!("line 1: {second}"))),
            ("],{}]", false, Some(format!("line 1: {second}"))),
            ("]\n\n\u{feff}[]", false, Some(format!("line 3: {second}"))),
            ("]\0", false, Some(format!("line 1: {second}"))),
            ("]}\n{\"users\":[]}", true, Some(format!("line 2: {second}"))),
            ("]]}", true, Some(format!("line 1: {second}"))),
            ("\n},{}]", false, Some("line 2: a } that nothing opens; remove it, or end the list with ]".into())),
            ("", false, Some("the list of users has no end: the file is cut after line 1".into())),
            (",\n{\"", false, Some("the list of users has no end: the file is cut after line 2".into())),
            ("],\n\"", true, Some("the list of users has no end: the file is cut after line 2".into())),
        ] {
            let (text, layout) = (format!("{{}}{behind}"), Layout::Array { first: Position::default(), is_member });
            let mut elements = RawRecords::new(text.as_bytes(), layout, 100, Position::default()).unwrap();
            assert!(elements.next().unwrap().is_some());
            assert_eq!(elements.next().map_err(|error| error.to_string()).err(), problem, "{text}");
        }
    }

    #[test]
    fn reading_from_any_position_gives_the_rest() {
        let input = b"\xef\xbb\xbfa\r\n\"\r\n\",b\r\n\r\nc\nd";
        let all = records(input, CSV, 100, Position::default());
        assert_eq!(all.len(), 4);
        for (i, record) in all.iter().enumerate() {
            assert_eq!(records(input, CSV, 100, record.end), all[i + 1..], "{i}");
        }
    }
}
