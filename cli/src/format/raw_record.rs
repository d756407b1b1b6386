//! Cuts a file into records without reading any of them whole that is too large.

use crate::record::Mark;
use std::io::{self, BufRead};

/// One record's text.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Without the line end; cut where the limit was reached.
    pub text: Vec<u8>,
    pub is_cut: bool,
    /// The place behind it.
    pub end: Mark,
}

/// What ends a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Every line feed.
    Line,
    /// A line feed outside of quotes (RFC 4180).
    Row,
}

/// Where in a row of CSV a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    CellStart,
    Plain,
    Quotes,
    /// Behind a quote that ends the quotes, or is the first of two.
    Closing,
}

impl Within {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Within::Quotes, b'"') => Within::Closing,
            (Within::Quotes, _) | (Within::CellStart | Within::Closing, b'"') => Within::Quotes,
            (_, b',' | b'\n') => Within::CellStart,
            _ => Within::Plain,
        }
    }
}

pub struct Frames<R> {
    input: R,
    ends: Ends,
    max_bytes: usize,
    at: Mark,
}

impl<R: BufRead> Frames<R> {
    /// Reads on at a mark, where `input` must stand; a byte order mark at the very beginning is skipped. Of a record
    /// longer than `max_bytes` only so much is kept.
    pub fn new(mut input: R, ends: Ends, max_bytes: usize, at: Mark) -> io::Result<Self> {
        let mut at = at;
        if at.offset == 0 && input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
            input.consume(3);
            at.offset = 3;
        }
        Ok(Frames { input, ends, max_bytes, at })
    }

    /// The next record that is not an empty line.
    pub fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let frame = self.frame()?;
            match frame {
                Some(frame) if frame.text.iter().all(|byte| b" \t".contains(byte)) => {}
                frame => return Ok(frame),
            }
        }
    }

    fn frame(&mut self) -> io::Result<Option<Frame>> {
        let begin = self.at;
        let mut text = Vec::new();
        let mut is_cut = false;
        let mut within = Within::CellStart;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let end = end_of_record(chunk, self.ends, &mut within);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let kept = part.len().min(self.max_bytes - text.len());
            text.extend_from_slice(&part[..kept]);
            is_cut |= kept < part.len();
            let taken = part.len();
            self.at.lines += part.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
            self.at.offset += taken as u64;
            self.input.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if self.at == begin {
            return Ok(None);
        }
        trim_line_end(&mut text);
        Ok(Some(Frame { line: begin.lines + 1, text, is_cut, end: self.at }))
    }
}

/// Where the record ends in this chunk, its line feed included.
fn end_of_record(chunk: &[u8], ends: Ends, within: &mut Within) -> Option<usize> {
    let is_end = |byte: &u8| match ends {
        Ends::Line => *byte == b'\n',
        Ends::Row => {
            let is_end = *byte == b'\n' && *within != Within::Quotes;
            *within = within.after(*byte);
            is_end
        }
    };
    chunk.iter().position(is_end).map(|at| at + 1)
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

    fn frames(input: &[u8], ends: Ends, max_bytes: usize, at: Mark) -> Vec<Frame> {
        // A buffer of three bytes, so that everything falls on a boundary.
        let input = BufReader::with_capacity(3, &input[usize::try_from(at.offset).unwrap()..]);
        let mut frames = Frames::new(input, ends, max_bytes, at).unwrap();
        std::iter::from_fn(|| frames.next().unwrap()).collect()
    }

    fn texts(input: &str, ends: Ends) -> Vec<(u64, String)> {
        let text = |frame: Frame| (frame.line, String::from_utf8(frame.text).unwrap());
        frames(input.as_bytes(), ends, 100, Mark::default()).into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_cut_and_counted() {
        let told = |texts: &[(u64, &str)]| texts.iter().map(|(n, t)| (*n, (*t).to_owned())).collect::<Vec<_>>();
        assert_eq!(texts("", Ends::Line), []);
        assert_eq!(texts("a\nb", Ends::Line), told(&[(1, "a"), (2, "b")]));
        assert_eq!(texts("\u{feff}a\r\n\n \t\r\n\"b\n", Ends::Line), told(&[(1, "a"), (4, "\"b")]));
        assert_eq!(texts("a,\"x\ny\"\r\nb\n", Ends::Row), told(&[(1, "a,\"x\ny\""), (3, "b")]));
        assert_eq!(texts("\"\"\"\n\",\n5\"\n6\"\n", Ends::Row), told(&[(1, "\"\"\"\n\","), (3, "5\""), (4, "6\"")]));
    }

    #[test]
    fn what_is_too_long_is_cut_and_the_next_record_is_whole() {
        let cut = frames(b"12345678\n123456789\nnext\n", Ends::Line, 8, Mark::default());
        let told: Vec<_> = cut.iter().map(|frame| (frame.text.len(), frame.is_cut)).collect();
        assert_eq!(told, [(8, true), (8, true), (4, false)]);
    }

    #[test]
    fn reading_on_at_any_mark_gives_the_rest() {
        let input = b"\xef\xbb\xbfa\r\n\"\r\n\",b\r\n\r\nc\nd";
        let all = frames(input, Ends::Row, 100, Mark::default());
        assert_eq!(all.len(), 4);
        for (i, frame) in all.iter().enumerate() {
            assert_eq!(frames(input, Ends::Row, 100, frame.end), all[i + 1..], "{i}");
        }
    }
}
