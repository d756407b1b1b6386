//! Calls with keys that do not exist, counted by the network that they come from.

use super::network::Network;
use super::ttl_cache::TtlCache;
use crate::key::KeyHash;
use crate::limit::Quota;
use crate::limits::MAX_UNKNOWN_KEYS;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// The quota of one network, as an answer tells it.
pub const QUOTA: Quota = Quota { limit: MAX_UNKNOWN_KEYS, window_ms: 60_000 };

/// What an isolate knows of keys that do not exist, and of who sends them.
#[derive(Debug, Default)]
pub struct UnknownKeys {
    /// Right by their checksum, and not in the store. Keys are drawn at random, so none of them ever becomes one.
    keys: TtlCache<KeyHash, ()>,
    networks: TtlCache<Network, Sent>,
}

/// What came from a network within a minute.
#[derive(Debug, Default)]
struct Sent {
    /// Keys that were looked up and not found, or not yet.
    keys: BTreeSet<KeyHash>,
    /// The platform counted too many of them.
    is_blocked: bool,
}

impl UnknownKeys {
    /// Whether a key was looked up of late and not found.
    pub fn contains(&self, hash: &KeyHash, now: Timestamp) -> bool {
        self.keys.find(hash, now).is_some()
    }

    pub fn learn(&mut self, hash: KeyHash, now: Timestamp) {
        self.keys.learn(hash, (), now);
    }

    /// Whether a network sent so many that a key of it is not to be looked up.
    pub fn is_blocked(&self, hash: &KeyHash, network: &Network, now: Timestamp) -> bool {
        let Some(Sent { keys, is_blocked }) = self.networks.find(network, now) else { return false };
        *is_blocked || (keys.len() >= MAX_UNKNOWN_KEYS as usize && !keys.contains(hash))
    }

    /// Counts a key of this network while it is looked up.
    pub fn count(&mut self, hash: KeyHash, network: &Network, now: Timestamp) {
        self.networks.change(network.clone(), now, |sent| {
            sent.keys.insert(hash);
        });
    }

    /// Takes a key out of the count that was found.
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
