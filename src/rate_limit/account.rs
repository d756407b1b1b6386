//! One account, as an isolate sees it: its leases, its pending requests, and the object's last answer.

use super::demand::Demand;
use super::protocol::{Booking, DecidedBy, Decision, Grant, LeaseRequest, Step, Verdict};
use super::quota::Quota;
use super::window::{SHARE, Window};
use std::collections::VecDeque;

/// Leases of one account held at once. A further one is given back.
const MAX_LEASES: usize = 16;
/// Slots of one account whose tokens wait to be given back. Those of further ones are only wasted.
const MAX_UNSPENT: usize = 16;
/// Pending requests of one account.
const MAX_PENDING: usize = 4;
/// Milliseconds by which a lease is dropped early: a Worker's clock does not advance between two I/Os.
const CLOCK_SLACK_MS: u64 = 5;
/// Milliseconds for which a denial is repeated before the next request asks whether the limit was raised.
pub const RECHECK_MS: u64 = Quota::MAX_LEASE_MS;
/// Milliseconds for which an isolate does not ask an object that it could not reach.
pub const UNREACHABLE_MS: u64 = 1000;

#[derive(Debug)]
struct Lease {
    /// With as many tokens as are not spent yet.
    booking: Booking,
    ends_ms: u64,
}

/// Tokens asked for and not granted yet.
#[derive(Debug)]
struct PendingRequest {
    tokens: u32,
    asked_ms: u64,
}

/// What the object last answered.
#[derive(Clone, Copy, Debug)]
struct Snapshot {
    quota: Quota,
    asked_ms: u64,
    remaining: u32,
    /// If none remain: the latest moment at which a token frees.
    open_at_ms: u64,
    /// If none remain: the earliest moment at which asking again can succeed.
    ask_at_ms: u64,
    /// The latest moment at which the full quota is back.
    full_at_ms: u64,
}

/// One account, as an isolate sees it.
#[derive(Debug, Default)]
pub struct AccountLeases {
    latest_ms: u64,
    /// In the order in which they end.
    leases: VecDeque<Lease>,
    /// What the next request gives back.
    unspent: Vec<Booking>,
    pending: VecDeque<PendingRequest>,
    snapshot: Option<Snapshot>,
    demand: Demand,
    /// The slowest recent round trip; older ones decay.
    round_trip_ms: u64,
    fallback: Option<Window>,
    /// Until then, do not ask the object: it could not be reached.
    unreachable_until_ms: u64,
    /// When a request last asked.
    asked_ms: u64,
    /// When one last asked for a token that might have freed. At most one in a quarter slot does; the rest reuse its
    /// answer.
    probed_ms: u64,
}

impl AccountLeases {
    pub fn latest_ms(&self) -> u64 {
        self.latest_ms
    }

    /// Drops leases and requests that ended; what is unspent is given back. If the clock stepped back, drops all: their ends can't be trusted.
    pub fn advance(&mut self, now_ms: u64) {
        if now_ms < self.latest_ms {
            *self = AccountLeases { fallback: self.fallback.take(), ..AccountLeases::default() };
        }
        self.latest_ms = now_ms;
        while let Some(ended) = self.leases.pop_front_if(|lease| lease.ends_ms <= now_ms) {
            self.give_back(ended.booking);
        }
        self.pending.retain(|pending| pending.asked_ms + Quota::MAX_LEASE_MS > now_ms);
    }

    pub fn decide(&mut self, default: Quota, cost: u32, now_ms: u64) -> Step {
        let quota = self.snapshot.map_or(default, |snapshot| snapshot.quota);
        if cost > 0 {
            self.demand.note(quota, now_ms);
        }
        if let Some(snapshot) = self.snapshot {
            if self.tokens_held() >= cost.max(1) {
                self.spend(cost);
                let decision = self.decision(snapshot, true, DecidedBy::Lease, now_ms);
                return Step::Decided { decision, refill: self.maybe_refill(snapshot, default, now_ms) };
            }
            // What is given back is free again.
            let is_denied = snapshot.remaining == 0 && self.unspent.is_empty();
            if is_denied && now_ms < self.next_probe_ms(snapshot) {
                return Step::Decided { decision: self.deny(snapshot, cost, now_ms), refill: None };
            }
        }
        if now_ms < self.unreachable_until_ms {
            return Step::Decided { decision: self.decide_alone(quota, cost, now_ms), refill: None };
        }
        self.asked_ms = now_ms;
        if self.snapshot.is_none_or(|snapshot| now_ms >= snapshot.ask_at_ms) {
            self.probed_ms = now_ms;
        }
        Step::Ask(self.new_request(default, cost, self.refill_size(quota), now_ms))
    }

    pub fn on_grant(&mut self, request: &LeaseRequest, grant: Grant, asked_ms: u64, now_ms: u64) -> Decision {
        let asked = |pending: &PendingRequest| pending.asked_ms == asked_ms && pending.tokens == request.lease;
        let pending = self.pending.iter().position(asked).and_then(|i| self.pending.remove(i));
        self.round_trip_ms = now_ms.saturating_sub(asked_ms).max(self.round_trip_ms * 7 / 8);
        let Verdict { admitted, quota, remaining, retry_after_ms, reset_ms } = grant.verdict;
        // Measure the lease from before the request was sent; then it never outlives the object's booking, whatever the
        // skew. If our clock stepped back meanwhile, `advance` dropped the pending ask, and the lease with it.
        if let Some(PendingRequest { tokens, asked_ms }) = pending {
            let ends_ms = asked_ms + quota.lease_ms() - CLOCK_SLACK_MS;
            let booking = Booking { tokens: grant.lease.tokens.min(tokens), ..grant.lease };
            self.add_lease(Lease { booking, ends_ms }, now_ms);
        }
        let snapshot = Snapshot {
            quota,
            asked_ms,
            remaining,
            open_at_ms: now_ms + retry_after_ms,
            ask_at_ms: asked_ms + retry_after_ms,
            full_at_ms: now_ms + reset_ms,
        };
        // Answers can overtake each other, and a clock that stepped back would take an old one for the newest.
        if asked_ms <= now_ms && self.snapshot.is_none_or(|known| known.asked_ms <= asked_ms) {
            self.snapshot = Some(snapshot);
        }
        if !admitted && self.tokens_held() >= request.cost {
            self.spend(request.cost);
            return self.decision(snapshot, true, DecidedBy::Lease, now_ms);
        }
        if !admitted {
            self.refuse(request.cost);
        }
        self.decision(snapshot, admitted, DecidedBy::Object, now_ms)
    }

    pub fn on_unreachable(&mut self, request: &LeaseRequest, now_ms: u64) -> Decision {
        self.unreachable_until_ms = now_ms + UNREACHABLE_MS;
        let quota = self.snapshot.map_or(request.default, |snapshot| snapshot.quota);
        self.decide_alone(quota, request.cost, now_ms)
    }

    /// A denial that still holds, or else the same window as the object's, in this isolate's memory: available before
    /// exact.
    fn decide_alone(&mut self, quota: Quota, cost: u32, now_ms: u64) -> Decision {
        if let Some(snapshot) = self.snapshot.filter(|snapshot| snapshot.remaining == 0 && now_ms < snapshot.ask_at_ms)
        {
            return self.deny(snapshot, cost, now_ms);
        }
        let window = self.fallback.get_or_insert_with(|| Window::new(quota, now_ms));
        let request = LeaseRequest { default: quota, cost, lease: 0, unspent: Vec::new() };
        let verdict = window.grant(quota, &request, now_ms).verdict;
        Decision { verdict, by: DecidedBy::Fallback }
    }

    /// When a denied request asks the object nevertheless: once a token may be free, or the limit may have been raised
    /// unheard.
    fn next_probe_ms(&self, snapshot: Snapshot) -> u64 {
        let free_ms = snapshot.ask_at_ms.max(self.probed_ms + snapshot.quota.slot_ms() / 4);
        free_ms.min(self.asked_ms.max(snapshot.asked_ms) + RECHECK_MS)
    }

    /// Repeats the object's last denial. It refuses nothing to a request of no cost.
    fn deny(&mut self, snapshot: Snapshot, cost: u32, now_ms: u64) -> Decision {
        self.refuse(cost);
        self.decision(snapshot, cost == 0, DecidedBy::Denial, now_ms)
    }

    /// Refused requests do not count as demand. They spend nothing and can come far faster than admitted ones, so that
    /// the next lease would hold more than can be spent in time.
    fn refuse(&mut self, cost: u32) {
        if cost > 0 {
            self.demand.take_back();
        }
    }

    fn tokens_held(&self) -> u32 {
        self.leases.iter().map(|lease| lease.booking.tokens).sum()
    }

    /// Takes from the leases that end first.
    fn spend(&mut self, mut cost: u32) {
        for lease in &mut self.leases {
            let spent = cost.min(lease.booking.tokens);
            lease.booking.tokens -= spent;
            cost -= spent;
        }
        self.leases.retain(|lease| lease.booking.tokens > 0);
    }

    fn add_lease(&mut self, lease: Lease, now_ms: u64) {
        if lease.booking.tokens == 0 {
            return;
        }
        if lease.ends_ms <= now_ms || self.leases.len() >= MAX_LEASES {
            return self.give_back(lease.booking);
        }
        // Answers can arrive out of order.
        let at = self.leases.partition_point(|known| known.ends_ms <= lease.ends_ms);
        self.leases.insert(at, lease);
    }

    /// Keeps tokens that no request can spend any more for the next request to give back.
    fn give_back(&mut self, booking: Booking) {
        let is_same = |known: &&mut Booking| (known.layout_ms, known.slot) == (booking.layout_ms, booking.slot);
        if let Some(known) = self.unspent.iter_mut().find(is_same) {
            known.tokens += booking.tokens;
        } else if self.unspent.len() < MAX_UNSPENT {
            self.unspent.push(booking);
        }
    }

    /// The decision as the client sees it. It does not know of tokens that other isolates took since the snapshot.
    fn decision(&self, snapshot: Snapshot, admitted: bool, by: DecidedBy, now_ms: u64) -> Decision {
        let remaining = snapshot.remaining + self.tokens_held();
        let retry_after_ms = if remaining > 0 { 0 } else { snapshot.open_at_ms.saturating_sub(now_ms) };
        let reset_ms = snapshot.full_at_ms.saturating_sub(now_ms);
        Decision { verdict: Verdict { admitted, quota: snapshot.quota, remaining, retry_after_ms, reset_ms }, by }
    }

    /// Tokens that will be spent within `lifetime_ms`: a cautious estimate if less than a quarter of the quota remains.
    fn forecast(&self, quota: Quota, lifetime_ms: u64) -> u32 {
        let is_ample = self.snapshot.is_some_and(|snapshot| snapshot.remaining >= quota.limit / 4);
        self.demand.forecast(quota, lifetime_ms, is_ample)
    }

    /// Tokens to ask for now: with those held and pending, enough for one lease, and no more than can be spent between
    /// their arrival and their end.
    fn refill_size(&self, quota: Quota) -> u32 {
        if self.pending.len() >= MAX_PENDING {
            return 0;
        }
        let coming: u32 = self.pending.iter().map(|pending| pending.tokens).sum();
        let usable_ms = quota.lease_ms().saturating_sub(self.round_trip_ms);
        let missing = self.forecast(quota, quota.lease_ms()).saturating_sub(self.tokens_held() + coming);
        missing.min(self.forecast(quota, usable_ms))
    }

    /// Asks for more once a quarter of the forecast is missing.
    fn maybe_refill(&mut self, snapshot: Snapshot, default: Quota, now_ms: u64) -> Option<LeaseRequest> {
        let wanted = self.refill_size(snapshot.quota);
        let low = wanted > 0 && wanted >= self.forecast(snapshot.quota, snapshot.quota.lease_ms()) / 4;
        // Of less than that, the object leases nothing.
        let open = snapshot.remaining >= SHARE || (snapshot.remaining == 0 && now_ms >= snapshot.ask_at_ms);
        (low && open).then(|| self.new_request(default, 0, wanted, now_ms))
    }

    fn new_request(&mut self, default: Quota, cost: u32, lease: u32, now_ms: u64) -> LeaseRequest {
        if lease > 0 {
            self.pending.push_back(PendingRequest { tokens: lease, asked_ms: now_ms });
        }
        // Forgotten here, whatever becomes of the request: given back twice, they would free what others spend.
        LeaseRequest { default, cost, lease, unspent: std::mem::take(&mut self.unspent) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(limit: u32) -> Quota {
        Quota::new(limit, 60).unwrap()
    }

    #[test]
    fn leases_and_requests_of_one_account_are_bounded() {
        let mut account = AccountLeases::default();
        let mut given_back = 0;
        for i in 0..100 {
            let booking = Booking { layout_ms: 0, slot: i, tokens: 1 };
            account.add_lease(Lease { booking, ends_ms: 1000 - i }, 0);
            (0..1000).for_each(|_| account.demand.note(quota(1_000_000), 0));
            let lease = account.refill_size(quota(1_000_000));
            given_back += account.new_request(quota(1), 0, lease, 0).unspent.len();
        }
        assert_eq!(
            (account.leases.len(), account.tokens_held(), given_back, account.pending.len()),
            (MAX_LEASES, 16, 84, MAX_PENDING)
        );
        assert!(account.leases.iter().is_sorted_by_key(|lease| lease.ends_ms));
        (0..100).for_each(|slot| account.give_back(Booking { layout_ms: 0, slot, tokens: 1 }));
        assert_eq!(account.unspent.len(), MAX_UNSPENT);
    }
}
