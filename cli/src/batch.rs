//! Packs records into batches.

use crate::record::{Mark, Read, Record, Refused, UserHash, raw};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::ops::Range;

/// Bytes of a batch's body: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1_048_576;

const OPENING: &str = r#"{"users":["#;
const CLOSING: &str = "]}";

/// Bytes of a record that a batch can hold.
pub const MAX_RECORD_BYTES: usize = MAX_BODY_BYTES - OPENING.len() - CLOSING.len();

/// Successive records of a file: those to send, and those that were refused already.
pub struct Batch {
    body: String,
    /// The line of each record to send, and its place in the body.
    records: Vec<(u64, Range<usize>)>,
    users: HashSet<UserHash>,
    refused: Vec<Refused>,
    refused_bytes: usize,
    end: Mark,
}

/// What became of a batch.
pub struct Settled {
    pub stored: u64,
    /// In the order of the file.
    pub refused: Vec<Refused>,
    pub end: Mark,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            body: OPENING.into(),
            records: Vec::new(),
            users: HashSet::new(),
            refused: Vec::new(),
            refused_bytes: 0,
            end: Mark::default(),
        }
    }
}

impl Batch {
    /// Whether there is room for what was read. An empty batch has room for anything that [`MAX_RECORD_BYTES`] admits.
    pub fn has_room_for(&self, read: &Read, max_users: usize) -> bool {
        match &read.outcome {
            Ok(record) => {
                let comma = usize::from(!self.records.is_empty());
                self.records.len() < max_users
                    && self.body.len() + comma + record.json.len() + CLOSING.len() <= MAX_BODY_BYTES
            }
            // What is not sent is bounded as well, because it is held too.
            Err(_) => self.refused.len() < max_users && self.refused_bytes < MAX_BODY_BYTES,
        }
    }

    pub fn push(&mut self, read: Read) {
        self.end = read.end;
        match read.outcome {
            Ok(record) => self.push_record(&record),
            Err(refused) => {
                self.refused_bytes += refused.record.get().len();
                self.refused.push(refused);
            }
        }
    }

    fn push_record(&mut self, record: &Record) {
        if !self.records.is_empty() {
            self.body.push(',');
        }
        let begin = self.body.len();
        self.body.push_str(&record.json);
        self.records.push((record.line, begin..self.body.len()));
        self.users.extend(record.user);
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.refused.is_empty()
    }

    /// Whether there is nothing to send.
    pub fn is_settled(&self) -> bool {
        self.records.is_empty()
    }

    pub fn users(&self) -> &HashSet<UserHash> {
        &self.users
    }

    /// How many there are to send.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn body(&self) -> String {
        format!("{}{CLOSING}", self.body)
    }

    /// Joins what was refused before with what the server refused: one answer for each record that was sent, in turn,
    /// None where it was stored.
    pub fn settle(self, answers: Vec<Option<Box<RawValue>>>) -> Settled {
        let mut refused = self.refused;
        let mut stored = 0;
        for ((line, range), answer) in self.records.into_iter().zip(answers) {
            match answer {
                None => stored += 1,
                Some(error) => refused.push(Refused { line, record: raw(self.body[range].to_owned()), error }),
            }
        }
        refused.sort_by_key(|refused| refused.line);
        Settled { stored, refused, end: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: u64, json: String) -> Read {
        Read { outcome: Ok(Record { line, json, user: None }), end: Mark { offset: line, lines: line } }
    }

    fn refused(line: u64, bytes: usize) -> Read {
        let error = crate::record::LocalError::Unreadable("bad".into());
        let refused = Refused::text(line, &vec![b'x'; bytes], &error);
        Read { outcome: Err(refused), end: Mark { offset: line, lines: line } }
    }

    fn sized(bytes: usize) -> String {
        format!("\"{}\"", "x".repeat(bytes - 2))
    }

    #[test]
    fn a_body_has_a_mebibyte_at_most_to_the_byte() {
        let mut batch = Batch::default();
        assert!(batch.has_room_for(&record(1, sized(MAX_RECORD_BYTES)), 1000));
        batch.push(record(1, sized(1000)));
        assert!(!batch.has_room_for(&record(2, sized(MAX_RECORD_BYTES - 1000)), 1000));
        let fitting = record(2, sized(MAX_RECORD_BYTES - 1001));
        assert!(batch.has_room_for(&fitting, 1000));
        batch.push(fitting);
        assert_eq!(batch.body().len(), MAX_BODY_BYTES);
    }

    #[test]
    fn a_batch_has_so_many_users_and_holds_no_more_than_it_sends() {
        let mut batch = Batch::default();
        (1..=3).for_each(|line| batch.push(record(line, "{}".into())));
        assert!(batch.has_room_for(&record(4, "{}".into()), 4) && !batch.has_room_for(&record(4, "{}".into()), 3));
        batch.push(refused(4, MAX_BODY_BYTES));
        assert!(!batch.has_room_for(&refused(5, 1), 1000));
    }

    #[test]
    fn what_is_refused_here_and_there_is_told_in_the_files_order() {
        let mut batch = Batch::default();
        for read in [record(1, r#"{"a":1}"#.into()), refused(2, 1), record(3, r#"{"a":3}"#.into()), refused(4, 1)] {
            batch.push(read);
        }
        let settled = batch.settle(vec![None, Some(raw("7".into()))]);
        let told: Vec<_> = settled.refused.iter().map(|refused| (refused.line, refused.record.get())).collect();
        assert_eq!((settled.stored, settled.end.lines), (1, 4));
        assert_eq!(told, [(2, "\"x\""), (3, r#"{"a":3}"#), (4, "\"x\"")]);
    }
}
