//! What an isolate remembers from one request to the next: plain data, bounded, each entry for a minute.

mod key_cache;
mod network;
mod pokes;
mod ttl_cache;
pub mod unknown_keys;
mod written_copies;

pub use key_cache::KeyCache;
pub use network::Network;
pub use pokes::Pokes;
pub use written_copies::WrittenCopies;
