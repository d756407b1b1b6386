//! Roster: a user-profile API as one Cloudflare Worker.
//!
//! The core is plain Rust. It names no type of the Workers platform, reads no clock and draws no random bytes. It
//! asks for them through the ports [`api::Platform`], [`store::UserStore`], [`store::ControlStore`] and [`rate_limit::Limiter`],
//! so all of it runs and is tested natively. The edge is thin and built for wasm32 only; it alone knows Cloudflare.
//!
//! Imports run one way: `edge → api → webhooks → {store, rate_limit} → filter → {user, key} → id → {input, time, placement} → {json, bounds, rule, sorted}`.
//!
//! | module | content |
//! |---|---|
//! | [`api`] | the HTTP surface as values: a [`api::Call`] in, a [`api::Handled`] out |
//! | [`user`], [`key`] | types that cannot be wrong once parsed |
//! | [`filter`] | which users a question is about: parsed, judged in Rust; in SQL in [`store`] |
//! | [`input`] | strict parsers of bodies, queries and paths, which report every fault with its place |
//! | [`json`] | a lossless JSON reader and writer, and the merge that every store must match |
//! | [`rate_limit`] | the rate limit: pure functions of (state, now) |
//! | [`webhooks`] | a webhook: what its object does, whom it calls, with what |
//! | [`store`] | the storage ports, and the SQL statements for stores on SQLite |
//! | [`bounds`] | every bound that a client can meet |
//! | [`rule`] | the error of everything that is parsed from a text |
//! | [`sorted`] | maps of few entries, which take little of the Worker |
//! | [`id`], [`time`] | identifiers, moments |
//! | [`placement`] | where a project's users live |
//! | `edge` | the Worker: D1, the limiter object, the isolate's caches, the log; `entry.js` outlives a panic |

pub mod api;
pub mod bounds;
pub mod filter;
pub mod id;
pub mod input;
pub mod json;
pub mod key;
pub mod placement;
pub mod rate_limit;
pub mod rule;
pub mod sorted;
pub mod store;
pub mod time;
pub mod user;
pub mod webhooks;

#[cfg(target_arch = "wasm32")]
mod edge;
