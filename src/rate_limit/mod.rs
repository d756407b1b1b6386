//! The rate limit: at most N requests in any stretch of W, wherever it begins, world-wide.
//!
//! One object an account keeps the [`Ledger`]: what was booked, by slots of W/240. Isolates hold [`Leases`]: tokens
//! that they may spend within L (W/48, at most 1.25 s) without asking. Why that never admits more than N:
//!
//! 1. A token is *booked* in a slot no earlier than the one it is spent in, and at most L later. One that a request
//!    waits for is spent as the object decides, and booked in that very slot. A lease is granted at g, booked in the
//!    slot of g + L, and spent by then: the isolate counts L from before it asked, hence from before g, and L is a
//!    stretch of time, which every clock measures alike, however far it is off.
//! 2. Take any two tokens spent at t ≤ u < t + W. The first is booked no earlier than slot(t), the second no later than
//!    slot(u + L). Since u + L < t + W + L, that is at most (W + L) / (W/240) = 245 slots after slot(t); and the other
//!    way round they lie closer still. So all tokens spent in one stretch of W are booked within 246 slots in a row.
//! 3. [`Window`] books a token only if no 246 slots in a row then hold more than N. So no stretch of W does.
//!
//! It errs by at most L and a slot, on the strict side: under pressure N is had again every 246/240 of W, 97.6 % of it.
//! Nothing is forgotten while it matters: the ledger is written before the answer leaves the object; a lost answer, a
//! dead isolate or a lease that is never heard of again only waste what was booked. A ledger that can't be read counts as
//! all that any limit allows, booked now: the object then refuses for one window.
//!
//! What a lease has left at its end is given back, so that a burst gets its whole limit: the isolate's next request names
//! the slot and the tokens, and the object takes them out of it. All that was spent or may yet be spent is still booked,
//! each token in its own slot; 2 and 3 ask for no more. For that, a token is given back only after its isolate has
//! dropped it, only from the slot that holds it, and at most once.
//!
//! - *Doubled*, a token would free another one that is spent. So an isolate forgets what it gives back as it sends it,
//!   and a request that is sent again is sent without it: [`LimiterRequest::again`].
//! - *Lost*, it stays booked. *Late*, it finds its slot as it was, or forgotten with all that was in it.
//! - An object that starts anew has its ledger as it was stored: with the token, which then stays booked, or without.
//! - If the window's length changed, the token was moved, and its slot may hold others, even after the former length is
//!   back. So a lease names the layout of slots in which it was booked, and of another one nothing is taken back. No two
//!   layouts have one name: a ledger names its own in rising order, and one that was dropped and begins anew takes the
//!   time, so that only a clock which stepped back could show the same millisecond twice.
//!
//! If the window's length changes, so do the slots and L. What was spent is booked again no earlier than it was spent
//! and no later than now, which keeps 2 for every token granted from now on. What is still leased may be spent at any
//! moment until its lease ends at e, and e can lie further away than the new L. Those tokens are in no slot: they count
//! in every 246 slots in a row that begin no later than slot(e). One of them that is spent at s ≥ t has slot(t) ≤
//! slot(s) ≤ slot(e), so the 246 slots from slot(t) on count it. Hence a stretch of W holds no more than the limit of
//! the quota under which its last token was granted, if W is no longer than any window since its first. What a shorter
//! window forgot stays forgotten.
//!
//! The ledger's time is not the clock's. It never runs back, and after the clock stepped back it moves on as the clock
//! does, from where it was: so it never passes faster than time does, and slower time only keeps bookings longer. An
//! object whose clock was ahead once is not stopped until others have caught up. A clock that leaps ahead is believed,
//! since an idle object sees the same; one that leaps to where it was before frees nothing twice.
//!
//! Each lease is written, though one within tokens that are written down as outstanding until e would not have to be: an
//! object that starts anew would count them all, as above. But the write is also the fence. An instance that was cut off and
//! replaced learns of it because its write fails, and with it its answer. Without one it would grant on for as long as its own clock
//! is before e, while the new instance, by whose clock e is over, books the same tokens for others. That takes a bound on how
//! far the clocks of two machines lie apart, and nothing here needs one.
//!
//! An isolate that denies by itself asks again once in 1.25 s, for the next request, which waits: so a raised limit is
//! heard of. If it has tokens to give back, it asks at once, since they are free then. Only where the object can't be reached at all, and no denial of it still holds, does an isolate count by
//! itself, with the full quota: available before exact, and logged as `fallback`.

mod account;
mod bounded;
mod demand;
mod lease;
mod ledger;
mod protocol;
mod quota;
mod window;

pub use lease::Leases;
pub use ledger::Ledger;
pub use protocol::{
    BookedSlot, Booking, DecidedBy, Decision, Grant, LeaseRequest, LimiterRequest, Step, Usage, Verdict,
};
pub use quota::{Account, Policy, Quota};
pub use window::Window;

use std::fmt;

/// Counts requests, for each project and policy by itself.
///
/// An implementation MUST never admit more than the quota in any window, world-wide, and forget nothing that matters to
/// that when it is restarted, unless it says that it decided by [`DecidedBy::Fallback`]. A refusal and a cost of 0 MUST take nothing.
/// It does NOT know keys or users.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Limiter {
    /// Takes `cost` tokens if they are free, under the project's own quota, or else under `default`.
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Decision;

    /// Sets the account's own quota, or with None removes it. Takes effect everywhere within one lease.
    async fn set_quota(&self, account: Account<'_>, quota: Option<Quota>) -> Result<(), LimiterUnavailable>;

    /// The account's own quota, if it has one.
    async fn own_quota(&self, account: Account<'_>) -> Result<Option<Quota>, LimiterUnavailable>;

    /// What is booked of the account, under its own quota, or else under `default`. It MUST take and change nothing, and
    /// MUST NOT store anything of an account that was never asked for a token.
    async fn usage(&self, account: Account<'_>, default: Quota) -> Result<Usage, LimiterUnavailable>;
}

/// The limiter can't be reached; the cause is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimiterUnavailable(pub String);

impl fmt::Display for LimiterUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LimiterUnavailable {}
