//! Counts calls with nonexistent keys by network.

use super::network::Network;
use super::ttl_cache::TtlCache;
use crate::bounds::{MAX_UNKNOWN_KEYS, UNKNOWN_KEYS_WINDOW_MS};
use crate::key::KeyHash;
use crate::rate_limit::Quota;
use crate::sorted::SortedSet;
use crate::time::Timestamp;

/// The quota of one network, as answers show it.
pub const QUOTA: Quota = Quota { limit: MAX_UNKNOWN_KEYS, window_ms: UNKNOWN_KEYS_WINDOW_MS };

/// An isolate's cache of nonexistent keys and of the networks that send them.
#[derive(Debug, Default)]
pub struct UnknownKeys {
    /// Their checksum is right, but they are not in the store. Keys are random, so none of them will ever exist.
    keys: TtlCache<KeyHash, ()>,
    networks: TtlCache<Network, Sent>,
}

/// What a network sent within a minute.
#[derive(Debug, Default)]
struct Sent {
    /// Keys that were looked up and not found, or not yet.
    keys: SortedSet<KeyHash>,
    /// The platform counted too many calls.
    is_blocked: bool,
}

impl UnknownKeys {
    /// True if a recent look-up did not find the key.
    pub fn contains(&self, hash: &KeyHash, now: Timestamp) -> bool {
        self.keys.find(hash, now).is_some()
    }

    pub fn learn(&mut self, hash: KeyHash, now: Timestamp) {
        self.keys.learn(hash, (), now);
    }

    /// True if the network sent so many that this key must not be looked up.
    pub fn is_blocked(&self, hash: &KeyHash, network: &Network, now: Timestamp) -> bool {
        self.is_network_blocked(network, now)
            && self.networks.find(network, now).is_none_or(|sent| sent.is_blocked || !sent.keys.contains_key(hash))
    }

    /// True if the network sent so many that no other key of it must be looked up.
    pub fn is_network_blocked(&self, network: &Network, now: Timestamp) -> bool {
        let sent = self.networks.find(network, now);
        sent.is_some_and(|sent| sent.is_blocked || sent.keys.len() >= MAX_UNKNOWN_KEYS as usize)
    }

    /// Counts a key of this network while it is looked up.
    pub fn count(&mut self, hash: KeyHash, network: &Network, now: Timestamp) {
        self.networks.change(network.clone(), now, |sent| {
            sent.keys.insert(hash, ());
        });
    }

    /// Removes a key that was found from the count.
    pub fn discount(&mut self, hash: &KeyHash, network: &Network, now: Timestamp) {
        self.networks.change(network.clone(), now, |sent| {
            sent.keys.remove(hash);
        });
    }

    /// Blocks a network for the rest of its minute.
    pub fn block(&mut self, network: &Network, now: Timestamp) {
        self.networks.change(network.clone(), now, |sent| sent.is_blocked = true);
    }
}
