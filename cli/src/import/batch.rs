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

/// Users in a batch, whatever the tool is told.
pub const MAX_USERS: usize = 1000;

/// Successive records of a file: those to send, and those that were refused already.
pub struct Batch {
    body: String,
    records: Vec<Sent>,
    /// How many users the body has: a record in parts has several.
    len: usize,
    users: HashSet<UserHash>,
    refused: Vec<Refused>,
    refused_bytes: usize,
    end: Mark,
}

/// A record in the body.
struct Sent {
    line: u64,
    place: Range<usize>,
    /// Of a record in parts: how many, and the original.
    parts: Option<(usize, String)>,
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
            len: 0,
            users: HashSet::new(),
            refused: Vec::new(),
            refused_bytes: 0,
            end: Mark::default(),
        }
    }
}

impl Batch {
    /// Whether there is room for what was read. An empty batch has room for anything that [`MAX_RECORD_BYTES`] and
    /// [`MAX_USERS`] admit.
    pub fn has_room_for(&self, read: &Read, max_users: usize) -> bool {
        match &read.outcome {
            Ok(record) => {
                let texts = record.texts();
                let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
                let first_comma = usize::from(self.len == 0);
                (self.len == 0 || self.len + texts.len() <= max_users)
                    && self.body.len() + bytes - first_comma + CLOSING.len() <= MAX_BODY_BYTES
            }
            // What is not sent is bounded as well, because it is held too.
            Err(_) => self.refused.len() < max_users && self.refused_bytes < MAX_BODY_BYTES,
        }
    }

    pub fn push(&mut self, read: Read) {
        self.end = read.end;
        match read.outcome {
            Ok(record) => self.push_record(record),
            Err(refused) => {
                self.refused_bytes += refused.record.get().len();
                self.refused.push(refused);
            }
        }
    }

    fn push_record(&mut self, record: Record) {
        let begin = self.body.len() + usize::from(self.len > 0);
        for text in record.texts() {
            if self.len > 0 {
                self.body.push(',');
            }
            self.body.push_str(text);
            self.len += 1;
        }
        self.users.extend(record.user);
        let parts = (!record.parts.is_empty()).then_some((record.parts.len(), record.json));
        self.records.push(Sent { line: record.line, place: begin..self.body.len(), parts });
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

    /// How many users there are to send.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn body(&self) -> String {
        format!("{}{CLOSING}", self.body)
    }

    /// Joins what was refused before with what the server refused: one answer for each user that was sent, in turn,
    /// None where it was stored. A record in parts is stored if all of them are.
    pub fn settle(self, answers: Vec<Option<Box<RawValue>>>) -> Settled {
        let mut refused = self.refused;
        let mut stored = 0;
        let mut answers = answers.into_iter();
        for Sent { line, place, parts } in self.records {
            let (count, original) = parts.map_or((1, None), |(count, json)| (count, Some(json)));
            match answers.by_ref().take(count).fold(None, Option::or) {
                None => stored += 1,
                Some(error) => {
                    let json = original.unwrap_or_else(|| self.body[place].to_owned());
                    refused.push(Refused { line, record: raw(json), error });
                }
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
        in_parts(line, json, &[])
    }

    fn in_parts(line: u64, json: String, parts: &[&str]) -> Read {
        let parts = parts.iter().map(ToString::to_string).collect();
        Read { outcome: Ok(Record { line, json, parts, user: None }), end: Mark { offset: line, lines: line } }
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
    fn a_record_in_parts_is_one_record_whatever_becomes_of_its_parts() {
        let batch = || {
            let mut batch = Batch::default();
            batch.push(record(1, "1".into()));
            batch.push(in_parts(2, "[2,2]".into(), &["2", "2"]));
            batch.push(record(3, "3".into()));
            batch
        };
        assert_eq!((batch().len(), batch().body().as_str()), (4, r#"{"users":[1,2,2,3]}"#));
        let error = || Some(raw("7".into()));
        for (answers, stored, refused) in [
            ([None, None, None, None], 3, ""),
            ([None, error(), error(), None], 2, "[2,2]"),
            ([None, None, error(), None], 2, "[2,2]"),
            ([None, None, None, error()], 2, "3"),
        ] {
            let settled = batch().settle(answers.into());
            let told: Vec<_> = settled.refused.iter().map(|refused| refused.record.get()).collect();
            assert_eq!((settled.stored, settled.end.lines, told.concat().as_str()), (stored, 3, refused));
        }
    }

    #[test]
    fn the_parts_of_a_record_stay_together() {
        let mut batch = Batch::default();
        let large = in_parts(2, "[]".into(), &["1", "2", "3"]);
        assert!(batch.has_room_for(&large, 2), "an empty batch has room");
        batch.push(record(1, "0".into()));
        assert!(batch.has_room_for(&large, 4) && !batch.has_room_for(&large, 3));
        let sized = |bytes| in_parts(2, "[]".into(), &["1", &sized(bytes)]);
        assert!(batch.has_room_for(&sized(MAX_RECORD_BYTES - 4), 9));
        assert!(!batch.has_room_for(&sized(MAX_RECORD_BYTES - 3), 9));
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
