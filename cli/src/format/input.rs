//! Opens a file as UTF-8, and finds out how its records stand in it.

use super::raw_record::Layout;
use super::{Format, is_stdin};
use crate::error::CliError;
use crate::record::Position;
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes at the beginning of a file that say what it is.
const HEAD_BYTES: u64 = 65_536;
/// What separates the cells of a table, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A file in UTF-8.
pub struct Input {
    path: PathBuf,
    /// A copy of what can't be read twice, or is in another encoding. It goes when this does.
    copy: Option<NamedTempFile>,
    pub layout: Layout,
    /// Whether spreadsheets are to take it for UTF-8.
    pub has_mark: bool,
}

impl Input {
    pub fn new(path: &Path, format: Format, encoding: Option<&'static Encoding>) -> Result<Self, CliError> {
        let failed = |error| CliError::file(path)(error);
        let mut head = head(path).map_err(failed)?;
        if let Some(what) = foreign(&head) {
            return Err(CliError::Usage(format!("{}: {what}", path.display())));
        }
        let marked = Encoding::for_bom(&head).map(|(encoding, _)| encoding);
        let encoding = marked.or(encoding).filter(|encoding| *encoding != encoding_rs::UTF_8);
        if encoding.is_none() && first_line(&head).contains(&0) {
            return Err(CliError::Usage(format!("{}: {UNMARKED_UTF_16}", path.display())));
        }
        let has_mark = marked.is_some() || encoding.is_some();
        let is_table = format == Format::Csv;
        // A table is read twice: once to learn the types of its columns.
        let mut copy = None;
        if encoding.is_some() || is_table && is_stdin(path) {
            let file = copied(path, encoding).map_err(failed)?;
            head = self::head(file.path()).map_err(failed)?;
            copy = Some(file);
        }
        let layout = if is_table { Layout::Table { delimiter: delimiter(&head) } } else { json_layout(&head) };
        Ok(Input { path: path.to_owned(), copy, layout, has_mark })
    }

    /// The text from a position on.
    pub fn open(&self, position: Position) -> Result<Box<dyn BufRead>, CliError> {
        if self.copy.is_none() && is_stdin(&self.path) {
            return Ok(Box::new(BufReader::new(io::stdin())));
        }
        let open = || {
            let mut file = File::open(self.copy.as_ref().map_or(self.path.as_path(), NamedTempFile::path))?;
            file.seek(SeekFrom::Start(position.offset))?;
            Ok(Box::new(BufReader::with_capacity(65_536, file)) as Box<dyn BufRead>)
        };
        open().map_err(CliError::file(&self.path))
    }

    /// Whether it can be opened twice.
    pub fn is_rereadable(&self) -> bool {
        self.copy.is_some() || !is_stdin(&self.path)
    }
}

/// What stands at the beginning. The standard input keeps it.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    if is_stdin(path) {
        return Ok(io::stdin().lock().fill_buf()?.to_vec());
    }
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// A copy in UTF-8.
fn copied(path: &Path, encoding: Option<&'static Encoding>) -> io::Result<NamedTempFile> {
    let source: Box<dyn Read> = if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut copy = NamedTempFile::new()?;
    match encoding {
        Some(encoding) => {
            let mut decoded = DecodeReaderBytesBuilder::new().encoding(Some(encoding)).build(source);
            io::copy(&mut decoded, &mut copy)?;
        }
        None => {
            io::copy(&mut BufReader::new(source), &mut copy)?;
        }
    }
    Ok(copy)
}

/// What a file is that is no text, and what to do about it.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let files: [(&[u8], &str); 3] = [
        (b"PK\x03\x04", "this is a workbook (.xlsx) or another archive: open it, and save the sheet as \"CSV UTF-8\""),
        (b"\xd0\xcf\x11\xe0", "this is an old workbook (.xls): open it, and save the sheet as \"CSV UTF-8\""),
        (b"\x1f\x8b", "this is compressed: unpack it with gunzip first"),
    ];
    files.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

/// Neither JSON nor the names of columns have a NUL.
const UNMARKED_UTF_16: &str =
    "there are NUL bytes in its first line: if it is UTF-16, add --encoding utf-16le, or save it as UTF-8";

/// The first that is not blank.
fn first_line(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default()
}

/// The delimiter that stands most often in the first line, outside of quotes.
fn delimiter(head: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in first_line(head) {
        is_quoted ^= *byte == b'"';
        if let Some(index) = DELIMITERS.iter().position(|known| !is_quoted && known == byte) {
            counts[index] += 1;
        }
    }
    let most = (0..DELIMITERS.len()).rev().max_by_key(|index| counts[*index]).unwrap_or(0);
    DELIMITERS[most]
}

/// A list of objects, or an object whose member `users` is one; else each line has one.
fn json_layout(head: &[u8]) -> Layout {
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let rest = text.trim_ascii_start();
    let (list, is_member) = (rest.strip_prefix(b"["), rest.starts_with(b"{"));
    let list = list.or_else(|| {
        let name = rest.strip_prefix(b"{")?.trim_ascii_start();
        let behind = name.strip_prefix(b"\"users\"").or_else(|| name.strip_prefix(b"\"Users\""))?;
        behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"[")
    });
    let is_of_objects = |list: &&[u8]| list.trim_ascii_start().first().is_none_or(|byte| b"{]".contains(byte));
    let Some(list) = list.filter(is_of_objects) else { return Layout::Lines };
    let before = &head[..head.len() - list.len()];
    let lines = before.iter().map(|byte| u64::from(*byte == b'\n')).sum();
    Layout::Array { first: Position { offset: before.len() as u64, lines }, is_member }
}
