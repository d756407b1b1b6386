//! An isolate's cache of keys.

use super::network::Network;
use super::ttl_cache::TtlCache;
use super::unknown_keys::UnknownKeys;
use crate::key::{KeyHash, KeyRecord};
use crate::time::Timestamp;

/// An isolate's cache of keys, each for a minute.
#[derive(Debug, Default)]
pub struct KeyCache {
    /// Keys that exist.
    pub known: TtlCache<KeyHash, KeyRecord>,
    /// Keys that do not.
    pub unknown: UnknownKeys,
    /// Keys that the store is asked for at this moment, because it has refused them.
    pub asked: TtlCache<KeyHash, ()>,
}

impl KeyCache {
    /// True if a key must not be looked up, because its network sent too many nonexistent keys. A key that this isolate
    /// once found is always looked up.
    pub fn is_blocked(&self, hash: &KeyHash, network: &Network, now: Timestamp) -> bool {
        self.unknown.is_blocked(hash, network, now) && !self.known.has_held(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::MAX_UNKNOWN_KEYS;
    use crate::key::{ApiKey, Project, Scope};
    use crate::placement::Residence;

    #[test]
    fn a_network_that_sent_too_many_unknown_keys_is_heard_only_with_one_that_existed() {
        let mut cache = KeyCache::default();
        let [network, other] = ["203.0.113.1", "203.0.113.2"].map(|address| Network::new(address).unwrap());
        let key = |n: u32| {
            let digits = [n / 62, n % 62].map(|digit| u8::try_from(digit).unwrap());
            ApiKey::generate(|bytes| bytes[..2].copy_from_slice(&digits)).hash()
        };
        let (known, new) = (key(200), key(201));
        let record = KeyRecord {
            id: "key_1".into(),
            name: "ci".into(),
            project: Project::default(),
            residence: Residence::default(),
            webhooks: Vec::new(),
            prefix: "ros_0000".into(),
            scopes: Scope::ALL.into(),
            created_at: Timestamp::from_ms(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        cache.known.learn(known, record, Timestamp::from_ms(0));
        // By now the known one has to be looked up again.
        let now = Timestamp::from_ms(90_000);
        for sent in 0..=MAX_UNKNOWN_KEYS {
            assert_eq!(cache.is_blocked(&new, &network, now), sent == MAX_UNKNOWN_KEYS);
            assert!(!cache.is_blocked(&known, &network, now) && !cache.is_blocked(&key(0), &network, now));
            cache.unknown.count(key(sent), &network, now);
        }
        assert!(!cache.is_blocked(&new, &other, now));
        cache.unknown.block(&network, now);
        assert!(cache.is_blocked(&key(0), &network, now) && !cache.is_blocked(&known, &network, now));
        assert!(!cache.is_blocked(&new, &network, Timestamp::from_ms(150_000)));
    }
}
