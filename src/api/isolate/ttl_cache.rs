//! A cache whose entries are fresh for a minute, bounded in size.

use crate::sorted::SortedMap;
use crate::time::Timestamp;

#[derive(Debug)]
pub struct TtlCache<K, V> {
    entries: SortedMap<K, (V, Timestamp)>,
}

impl<K: Ord, V> TtlCache<K, V> {
    /// Milliseconds for which an entry is fresh.
    pub const TTL_MS: u64 = 60_000;
    /// Entries held at once.
    pub const CAPACITY: usize = 1000;

    pub fn find(&self, key: &K, now: Timestamp) -> Option<&V> {
        self.entries.get(key).filter(|entry| is_fresh(entry, now)).map(|(value, _)| value)
    }

    /// The entry, if it was learned after a moment.
    pub fn find_since(&self, key: &K, since: Timestamp, now: Timestamp) -> Option<&V> {
        let entry = self.entries.get(key).filter(|entry| entry.1 > since && is_fresh(entry, now))?;
        Some(&entry.0)
    }

    /// True if there is an entry, fresh or not.
    pub fn has_held(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// Adds an entry. If the cache is full, evicts those that are no longer fresh, or else any one.
    pub fn learn(&mut self, key: K, value: V, now: Timestamp) {
        if self.entries.len() >= Self::CAPACITY {
            self.entries.retain(|entry| is_fresh(entry, now));
        }
        if self.entries.len() >= Self::CAPACITY {
            self.entries.pop();
        }
        self.entries.insert(key, (value, now));
    }

    /// Changes a fresh entry, which keeps its age, or else a new one.
    pub fn change(&mut self, key: K, now: Timestamp, change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        match self.entries.get_mut(&key) {
            Some(entry) if is_fresh(entry, now) => change(&mut entry.0),
            _ => {
                let mut value = V::default();
                change(&mut value);
                self.learn(key, value, now);
            }
        }
    }

    pub fn forget(&mut self, key: &K) {
        self.entries.remove(key);
    }
}

/// An entry from the future is not fresh: the clock stepped back.
fn is_fresh<V>((_, learned_at): &(V, Timestamp), now: Timestamp) -> bool {
    *learned_at <= now && now.as_ms() < learned_at.as_ms() + TtlCache::<(), V>::TTL_MS
}

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        TtlCache { entries: SortedMap::default() }
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
        for (since, found) in [(999, Some(&1)), (1000, None)] {
            assert_eq!(cache.find_since(&"a", at(since), at(1001)), found);
        }
        assert_eq!(cache.find_since(&"a", at(999), at(61_000)), None);
        assert_eq!(cache.find(&"b", at(1000)), None);
        assert!(cache.has_held(&"a") && !cache.has_held(&"b"));
        cache.forget(&"a");
        assert_eq!(cache.find(&"a", at(1000)), None);
    }

    #[test]
    fn a_changed_entry_gets_no_younger() {
        let mut cache = TtlCache::default();
        for (ms, count) in [(1000, 1), (30_000, 2), (60_999, 3), (61_000, 1)] {
            cache.change("a", at(ms), |count| *count += 1);
            assert_eq!(cache.find(&"a", at(ms)), Some(&count), "{ms}");
        }
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
