//! Roster: a user-profile API as one Cloudflare Worker.
//!
//! The core is plain Rust. It names no type of the Workers platform, reads no clock and draws no random bytes: those come
//! in through the ports [`api::Platform`], [`store::UserStore`], [`store::ControlStore`] and [`limit::Limiter`], so that all
//! of it runs and is tested natively. The edge is thin, exists on wasm32 only, and is the one place that knows Cloudflare.
//!
//! Imports run one way: `edge → api → {store, limit, input} → {user, key, json, limits, rule, id, time}`.
//!
//! | module | room for |
//! |---|---|
//! | [`api`] | the HTTP surface as values: a [`api::Call`] in, a [`api::Handled`] out |
//! | [`user`], [`key`] | types that cannot be wrong once parsed |
//! | [`input`] | reading bodies, queries and paths: strictly, every fault told by its place |
//! | [`json`] | a JSON reader and writer that lose nothing, and the merge: the reference for every store |
//! | [`limit`] | the rate limit: pure functions of (state, now) |
//! | [`store`] | the storage ports, and the statements of those that speak SQLite |
//! | [`limits`] | every bound that a client can meet |
//! | [`rule`] | the error of everything that is parsed from a text |
//! | [`id`], [`time`] | identifiers, moments |
//! | `edge` | the Worker: D1, the limiter object, what an isolate remembers, the log; `entry.js` outlives a panic |

pub mod api;
pub mod id;
pub mod input;
pub mod json;
pub mod key;
pub mod limit;
pub mod limits;
pub mod rule;
pub mod store;
pub mod time;
pub mod user;

#[cfg(target_arch = "wasm32")]
mod edge;
