//! The limiter's promise, simulated: isolates, the object of one account, the messages between them, and the exact log of
//! admissions. Nothing here is a model of the limiter: it is the limiter's own code, with clocks that the caller moves.
//!
//! The caller chooses what happens, and when: `tests/limiter.rs` by chance, [`crate::fuzz::lease`] by the bytes of an input.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a broken promise panics")]

use roster::key::Project;
use roster::rate_limit::{Account, DecidedBy, Decision, Grant, LeaseRequest, Leases, Ledger, Policy, Quota, Step};

/// The moment that clocks without skew show when `now_us` is 0.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// Isolates and an object that count the requests of one account.
pub struct Simulation {
    /// The true time, in microseconds from the start. It never runs back.
    pub now_us: u64,
    /// How far the object's clock is ahead of the true time.
    pub object_skew_ms: i64,
    quota: Quota,
    project: Project,
    isolates: Vec<Isolate>,
    object: Ledger,
    /// The object's latest moment, as it was last stored.
    stored_ms: u64,
    admissions: Vec<u64>,
}

struct Isolate {
    leases: Leases,
    /// How far its clock is ahead of the true time.
    skew_ms: i64,
    life: u32,
}

/// A request on its way to the object, or with its answer on the way back.
pub struct Exchange {
    isolate: usize,
    /// An isolate that was restarted gets no answers of its former life.
    life: u32,
    request: LeaseRequest,
    asked_ms: u64,
    waits: bool,
    /// The object's grant, and the true time at which it was given.
    answer: Option<(Grant, u64)>,
}

impl Exchange {
    /// True if a request waits for the answer.
    pub fn waits(&self) -> bool {
        self.waits
    }
}

impl Simulation {
    /// An isolate for each clock, which is so far ahead of the true time; nothing was counted yet.
    pub fn new(quota: Quota, skews_ms: impl IntoIterator<Item = i64>) -> Self {
        let isolate = |skew_ms| Isolate { leases: Leases::default(), skew_ms, life: 0 };
        Simulation {
            now_us: 0,
            object_skew_ms: 0,
            quota,
            project: Project::default(),
            isolates: skews_ms.into_iter().map(isolate).collect(),
            object: Ledger::default(),
            stored_ms: 0,
            admissions: Vec::new(),
        }
    }

    /// A request comes to an isolate. Returns what the isolate sends to the object, if it asks.
    pub fn request(&mut self, isolate: usize, cost: u32) -> Option<Exchange> {
        let account = Account { project: &self.project, policy: Policy::Users };
        let Isolate { skew_ms, life, .. } = self.isolates[isolate];
        let asked_ms = self.clock(skew_ms);
        let (request, waits) = match self.isolates[isolate].leases.decide(account, self.quota, cost, asked_ms) {
            Step::Ask(request) => (Some(request), true),
            Step::Decided { decision, refill } => {
                self.log(decision, cost, self.now_us);
                (refill, false)
            }
        };
        request.map(|request| Exchange { isolate, life, request, asked_ms, waits, answer: None })
    }

    /// Moves a message one way: to the object, which returns it with its answer, or with that to the isolate.
    pub fn deliver(&mut self, mut exchange: Exchange) -> Option<Exchange> {
        match exchange.answer {
            None => {
                let grant = sent(self.object.grant(exchange.request, self.clock(self.object_skew_ms)));
                exchange.answer = Some((grant, self.now_us));
                Some(exchange)
            }
            Some((grant, decided_us)) => {
                self.on_answer(&exchange, grant, decided_us);
                None
            }
        }
    }

    fn on_answer(&mut self, exchange: &Exchange, grant: Grant, decided_us: u64) {
        let Exchange { isolate, life, request, asked_ms, waits, .. } = *exchange;
        let account = Account { project: &self.project, policy: Policy::Users };
        let now_ms = self.clock(self.isolates[isolate].skew_ms);
        let isolate = &mut self.isolates[isolate];
        let decision = if isolate.life == life {
            isolate.leases.on_grant(account, request, grant, asked_ms, now_ms)
        } else {
            // It can still answer the client, if one waits.
            Decision { verdict: grant.verdict, by: DecidedBy::Object }
        };
        if waits {
            self.log(decision, request.cost, if decision.by == DecidedBy::Object { decided_us } else { self.now_us });
        }
    }

    /// Loses a exchange, either way, and its isolate gives up waiting.
    pub fn lose(&mut self, exchange: &Exchange) {
        let account = Account { project: &self.project, policy: Policy::Users };
        let now_ms = self.clock(self.isolates[exchange.isolate].skew_ms);
        let isolate = &mut self.isolates[exchange.isolate];
        if exchange.waits && isolate.life == exchange.life {
            let decision = isolate.leases.on_unreachable(account, exchange.request, now_ms);
            assert_eq!(decision.by, DecidedBy::Fallback);
        }
    }

    /// Restarts an isolate: it forgets everything. With None its clock stays as it is.
    pub fn restart(&mut self, isolate: usize, skew_ms: Option<i64>) {
        let former = &mut self.isolates[isolate];
        let skew_ms = skew_ms.unwrap_or(former.skew_ms);
        *former = Isolate { leases: Leases::default(), skew_ms, life: former.life + 1 };
    }

    /// Evicts the object from memory: it goes on with what it stored.
    pub fn evict_object(&mut self) {
        self.stored_ms = evict(&mut self.object, self.stored_ms);
    }

    /// Requests admitted so far, as counted in the exact log.
    pub fn admitted(&self) -> usize {
        self.admissions.len()
    }

    /// The exact log: when each token was spent, in order. What an isolate admits by itself, because it can't reach the
    /// object, is not promised and not in it.
    pub fn into_admissions(mut self) -> Vec<u64> {
        self.admissions.sort_unstable();
        self.admissions
    }

    fn log(&mut self, decision: Decision, cost: u32, at_us: u64) {
        if decision.verdict.admitted && decision.by != DecidedBy::Fallback {
            self.admissions.extend((0..cost).map(|_| at_us));
        }
    }

    fn clock(&self, skew_ms: i64) -> u64 {
        (EPOCH_MS + self.now_us / 1000).saturating_add_signed(skew_ms)
    }
}

/// The most admissions in any stretch of one window, out of a log in order.
pub fn fullest(admissions: &[u64], quota: Quota) -> usize {
    let mut first = 0;
    let in_stretch = |(last, at): (usize, &u64)| {
        while admissions[first] + quota.window_ms * 1000 <= *at {
            first += 1;
        }
        last + 1 - first
    };
    admissions.iter().enumerate().map(in_stretch).max().unwrap_or(0)
}

/// An answer as it arrives, which is as it was sent.
pub(crate) fn sent(grant: Grant) -> Grant {
    let arrived = serde_json::from_str(&serde_json::to_string(&grant).unwrap()).unwrap();
    assert_eq!(grant, arrived);
    arrived
}

/// Evicts an object: what it stored is what it finds again, and time has not run back in it since `stored_ms`. Returns
/// the latest moment that it now has stored.
pub(crate) fn evict(ledger: &mut Ledger, stored_ms: u64) -> u64 {
    let row = serde_json::to_string(ledger).unwrap();
    let found: Ledger = serde_json::from_str(&row).unwrap();
    assert_eq!(found, *ledger);
    *ledger = found;
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    let latest_ms = row["window"]["latest_ms"].as_u64().unwrap_or(0);
    assert!(latest_ms >= stored_ms, "{latest_ms} after {stored_ms}");
    latest_ms
}
