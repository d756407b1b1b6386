//! Whether a quoted cell is as RFC 4180 has it, by what the CSV reader leaves of it.

/// Counts what a cell has in the file, and what is left of it without quotes.
///
/// A quoted cell is as RFC 4180 has it if it ends with a quote, and if all that its quotes add are one at each end and one for
/// each that stands inside.
#[derive(Default)]
pub struct CellCount {
    raw_bytes: u64,
    is_quoted: bool,
    /// Its last bytes in the file.
    last: [u8; 3],
    text_bytes: u64,
    text_quotes: u64,
}

impl CellCount {
    pub fn add_raw(&mut self, raw: &[u8]) {
        if self.raw_bytes == 0 {
            self.is_quoted = raw.first() == Some(&b'"');
        }
        self.raw_bytes += raw.len() as u64;
        for byte in &raw[raw.len().saturating_sub(3)..] {
            self.last.rotate_left(1);
            self.last[2] = *byte;
        }
    }

    pub fn add_text(&mut self, text: &[u8]) {
        self.text_bytes += text.len() as u64;
        self.text_quotes += text.iter().map(|byte| u64::from(*byte == b'"')).sum::<u64>();
    }

    /// Whether the line that the cell ends has a carriage return. `end_bytes` is what ends the cell itself.
    pub fn ends_with_return(&self, end_bytes: usize) -> bool {
        self.raw_bytes > end_bytes as u64 && self.last[2 - end_bytes] == b'\r'
    }

    pub fn is_misquoted(&self, end_bytes: u64, record_end: bool) -> bool {
        let at_end = usize::from(end_bytes > 0);
        let returned = usize::from(record_end && self.ends_with_return(at_end));
        let raw_bytes = self.raw_bytes - end_bytes - returned as u64;
        let text_bytes = self.text_bytes - returned as u64;
        let last = self.last[2 - at_end - returned];
        self.is_quoted && (last != b'"' || raw_bytes != text_bytes + self.text_quotes + 2)
    }
}
