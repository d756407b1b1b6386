//! A batch: successive records of the file, and their results.

use crate::client::Outcome;
use crate::record::{BATCH_ENVELOPE, Parsed, Position, Record, Rejection, UserHash};
use roster::bounds::MAX_BATCH_BYTES;
use std::collections::HashSet;
use std::ops::Range;

const OPENING: &str = BATCH_ENVELOPE[0];
const CLOSING: &str = BATCH_ENVELOPE[1];

/// Successive records of a file: those to send, and those that the tool itself rejected.
pub struct Batch {
    /// Without [`CLOSING`].
    body: String,
    records: Vec<SentRecord>,
    users: HashSet<UserHash>,
    rejections: Vec<Rejection>,
    /// Bytes of the rejected records, and of the rows as they are written, which the server may reject.
    kept_bytes: usize,
    end: Position,
}

/// A record in the body.
struct SentRecord {
    line: u64,
    /// Its bytes in the body.
    range: Range<usize>,
    row: Option<Vec<u8>>,
}

/// The result of a batch.
pub struct BatchResult {
    /// Records that were stored, or deletions that were done.
    pub stored: u64,
    /// Those of them of which something was left, because what stands is newer.
    pub stale: u64,
    /// Those that are deletions of users whom nobody had stored.
    pub absent: u64,
    /// In the order of the file.
    pub rejections: Vec<Rejection>,
    /// The position behind the batch's last record.
    pub end: Position,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            body: OPENING.into(),
            records: Vec::new(),
            users: HashSet::new(),
            rejections: Vec::new(),
            kept_bytes: 0,
            end: Position::default(),
        }
    }
}

impl Batch {
    /// Whether there is room for this record. An empty batch has room for any record that a [`RecordSource`] gives.
    ///
    /// [`RecordSource`]: crate::format::RecordSource
    pub fn has_room_for(&self, parsed: &Parsed, max_users: usize) -> bool {
        match &parsed.outcome {
            Ok(record) => {
                let comma = usize::from(!self.records.is_empty());
                self.records.len() < max_users
                    && self.kept_bytes < MAX_BATCH_BYTES
                    && self.body.len() + comma + record.json.len() + CLOSING.len() <= MAX_BATCH_BYTES
            }
            // They are held in memory until the batch is committed: they are bounded too.
            Err(_) => self.rejections.len() < max_users && self.kept_bytes < MAX_BATCH_BYTES,
        }
    }

    pub fn push(&mut self, parsed: Parsed) {
        self.end = parsed.end;
        match parsed.outcome {
            Ok(record) => self.push_record(record),
            Err(rejection) => {
                self.kept_bytes += rejection.record.len();
                self.rejections.push(rejection);
            }
        }
    }

    fn push_record(&mut self, record: Record) {
        if !self.records.is_empty() {
            self.body.push(',');
        }
        self.kept_bytes += record.row.as_ref().map_or(0, Vec::len);
        let start = self.body.len();
        self.body.push_str(&record.json);
        self.users.extend(record.user);
        self.records.push(SentRecord { line: record.line, range: start..self.body.len(), row: record.row });
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rejections.is_empty()
    }

    pub fn has_nothing_to_send(&self) -> bool {
        self.records.is_empty()
    }

    pub fn users(&self) -> &HashSet<UserHash> {
        &self.users
    }

    /// Users to send.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn body(&self) -> String {
        format!("{}{CLOSING}", self.body)
    }

    /// Joins the tool's own rejections with the server's. `outcomes` has one entry per user sent, in order.
    pub fn into_result(self, outcomes: Vec<Outcome>) -> BatchResult {
        let mut rejections = self.rejections;
        let (mut stored, mut stale, mut absent) = (0, 0, 0);
        for (SentRecord { line, range, row }, outcome) in self.records.into_iter().zip(outcomes) {
            match outcome {
                Ok(user) => {
                    stored += 1;
                    stale += u64::from(user.stale);
                    absent += u64::from(user.absent);
                }
                Err(error) => {
                    let record = row.unwrap_or_else(|| self.body[range].into());
                    rejections.push(Rejection { line, record, error });
                }
            }
        }
        rejections.sort_by_key(|rejection| rejection.line);
        BatchResult { stored, stale, absent, rejections, end: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Stored;
    use crate::record::{MAX_RECORD_BYTES, RejectReason, raw_json};

    fn record(line: u64, json: String) -> Parsed {
        Parsed {
            outcome: Ok(Record { line, json, user: None, row: None }),
            end: Position { offset: line, lines: line },
        }
    }

    fn rejected(line: u64, bytes: usize) -> Parsed {
        let reason = RejectReason::Unreadable("bad".into());
        let rejection = Rejection::from_text(line, &vec![b'x'; bytes], &reason);
        Parsed { outcome: Err(rejection), end: Position { offset: line, lines: line } }
    }

    fn text(record: &[u8]) -> &str {
        std::str::from_utf8(record).unwrap()
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
        assert_eq!(batch.body().len(), MAX_BATCH_BYTES);
    }

    #[test]
    fn a_batch_is_bounded_in_users_and_in_rejected_bytes() {
        let mut batch = Batch::default();
        (1..=3).for_each(|line| batch.push(record(line, "{}".into())));
        assert!(batch.has_room_for(&record(4, "{}".into()), 4) && !batch.has_room_for(&record(4, "{}".into()), 3));
        batch.push(rejected(4, MAX_BATCH_BYTES));
        assert!(!batch.has_room_for(&rejected(5, 1), 1000));
        let mut batch = Batch::default();
        let row = Some(vec![b','; MAX_BATCH_BYTES]);
        let wide = Record { line: 1, json: "{}".into(), user: None, row };
        batch.push(Parsed { outcome: Ok(wide), end: Position::default() });
        assert!(!batch.has_room_for(&record(2, "{}".into()), 1000));
    }

    #[test]
    fn records_are_stored_stale_or_refused_one_by_one() {
        let mut batch = Batch::default();
        (1..=4).for_each(|line| batch.push(record(line, line.to_string())));
        assert_eq!((batch.len(), batch.body().as_str()), (4, r#"{"users":[1,2,3,4]}"#));
        let stored = |stale| Ok(Stored { stale, absent: !stale });
        let result = batch.into_result(vec![stored(false), stored(true), Err(raw_json("7".into())), stored(true)]);
        let rejected: Vec<_> = result.rejections.iter().map(|r| (r.line, text(&r.record), r.error.get())).collect();
        assert_eq!((result.stored, result.stale, result.absent, result.end.lines), (3, 2, 1, 4));
        assert_eq!(rejected, [(3, "3", "7")]);
    }

    #[test]
    fn rejections_of_the_tool_and_the_server_stand_in_the_files_order() {
        let mut batch = Batch::default();
        for parsed in [record(1, r#"{"a":1}"#.into()), rejected(2, 1), record(3, r#"{"a":3}"#.into()), rejected(4, 1)] {
            batch.push(parsed);
        }
        let result = batch.into_result(vec![Ok(Stored { stale: false, absent: false }), Err(raw_json("7".into()))]);
        let rejected: Vec<_> = result.rejections.iter().map(|r| (r.line, text(&r.record))).collect();
        assert_eq!((result.stored, result.end.lines), (1, 4));
        assert_eq!(rejected, [(2, "\"x\""), (3, r#"{"a":3}"#), (4, "\"x\"")]);
    }
}
