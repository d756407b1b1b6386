//! Roster: a user-profile API as one Cloudflare Worker.
//!
//! The core is plain Rust. It names no type of the Workers platform, reads no clock and draws no random bytes: those
//! come in through [`api::Edge`], [`store::Store`] and [`limit::Limiter`], so that all of it runs and is tested
//! natively. The edge is thin, exists on wasm32 only, and is the one place that knows Cloudflare.
//!
//! Imports run one way: `edge → api → {store, limit, key, user}`.
//!
//! | module | room for |
//! |---|---|
//! | [`api`] | the HTTP surface as values: a [`api::Call`] in, a [`api::Reply`] out |
//! | [`user`], [`key`] | types that cannot be wrong once parsed |
//! | [`body`], [`json`] | reading a body: strictly, and with every fault told by its place |
//! | [`merge`] | what a merge patch does to a document: the reference for every store |
//! | [`limit`] | quota, window, verdict: pure functions of (state, now) |
//! | [`store`] | the storage port |
//! | [`id`], [`time`], [`percent`], [`query`] | identifiers, moments, path segments, queries |
//! | `edge` | the Worker: D1, the limiter object, what an isolate remembers, the log; `entry.js` outlives a panic |

pub mod api;
pub mod body;
pub mod id;
pub mod json;
pub mod key;
pub mod limit;
pub mod merge;
pub mod percent;
pub mod query;
pub mod store;
pub mod time;
pub mod user;

#[cfg(target_arch = "wasm32")]
mod edge;

/// The edge's statements, for the tests that have D1 explain them.
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[path = "edge/sql.rs"]
pub mod sql;
