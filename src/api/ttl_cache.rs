//! What an isolate remembers: for a minute, and not too much of it.

use crate::time::Timestamp;
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct TtlCache<K, V> {
    entries: BTreeMap<K, (V, Timestamp)>,
}

impl<K: Ord, V> TtlCache<K, V> {
    /// Milliseconds for which an entry stands.
    pub const TTL_MS: u64 = 60_000;
    /// Entries held at once.
    pub const CAPACITY: usize = 1000;

    pub fn find(&self, key: &K, now: Timestamp) -> Option<&V> {
        let (value, learned_at) = self.entries.get(key)?;
        is_fresh(*learned_at, now, Self::TTL_MS).then_some(value)
    }

    /// Makes room, where that is needed, of what is stale, or else of any one entry.
    pub fn learn(&mut self, key: K, value: V, now: Timestamp) {
        if self.entries.len() >= Self::CAPACITY {
            self.entries.retain(|_, (_, learned_at)| is_fresh(*learned_at, now, Self::TTL_MS));
        }
        if self.entries.len() >= Self::CAPACITY {
            self.entries.pop_first();
        }
        self.entries.insert(key, (value, now));
    }

    pub fn forget(&mut self, key: &K) {
        self.entries.remove(key);
    }
}

/// A clock that stepped back makes nothing fresher.
fn is_fresh(learned_at: Timestamp, now: Timestamp, ttl_ms: u64) -> bool {
    learned_at <= now && now.as_ms() < learned_at.as_ms() + ttl_ms
}

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        TtlCache { entries: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn an_entry_stands_for_a_minute() {
        let mut cache = TtlCache::default();
        cache.learn("a", 1, at(1000));
        assert_eq!(cache.find(&"a", at(60_999)), Some(&1));
        for later_or_earlier in [61_000, 999] {
            assert_eq!(cache.find(&"a", at(later_or_earlier)), None);
        }
        assert_eq!(cache.find(&"b", at(1000)), None);
        cache.forget(&"a");
        assert_eq!(cache.find(&"a", at(1000)), None);
    }

    #[test]
    fn it_keeps_its_bound_and_drops_what_is_stale_first() {
        let mut cache = TtlCache::default();
        let capacity = TtlCache::<usize, ()>::CAPACITY;
        (0..capacity + 10).for_each(|n| cache.learn(n, (), at(0)));
        assert_eq!(cache.entries.len(), capacity);
        cache.learn(5000, (), at(60_000));
        assert_eq!(cache.entries.len(), 1);
    }
}
