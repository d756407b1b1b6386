//! What an isolate wrote of copies.

use super::ttl_cache::TtlCache;
use crate::time::Timestamp;

/// The copies that an isolate wrote within the last minute, by name.
#[derive(Debug, Default)]
pub struct WrittenCopies(TtlCache<String, ()>);

impl WrittenCopies {
    /// True once a minute for each name.
    pub fn is_due(&mut self, name: &str, now: Timestamp) -> bool {
        let is_due = self.0.find(&name.to_owned(), now).is_none();
        if is_due {
            self.0.learn(name.to_owned(), (), now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolate_writes_a_copy_once_a_minute() {
        let mut written = WrittenCopies::default();
        for (name, ms, is_due) in [("a", 0, true), ("a", 59_999, false), ("b", 59_999, true), ("a", 60_000, true)] {
            assert_eq!(written.is_due(name, Timestamp::from_ms(ms)), is_due, "{name} {ms}");
        }
    }
}
