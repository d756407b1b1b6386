//! The limiter's promise, simulated: isolates, the object of one account, the messages between them, and the exact log of
//! admissions. Nothing here is a model of the limiter: it is the limiter's own code, with clocks that the caller moves.
//!
//! The caller chooses what happens, and when: `tests/limiter.rs` by chance, [`crate::fuzz::lease`] by the bytes of an input.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a broken promise panics")]

use roster::json;
use roster::key::Project;
use roster::rate_limit::{
    Account, DecidedBy, Decision, Grant, LeaseRequest, Leases, Ledger, LimiterRequest, Policy, Quota, Step,
};

/// The moment that clocks without skew show when `now_us` is 0.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// Isolates and an object that count the requests of one account.
pub struct Simulation {
    /// The true time, in microseconds from the start. It never runs back.
    pub now_us: u64,
    /// How far the object's clock is ahead of the true time.
    pub object_skew_ms: i64,
    /// The quotas that applied one after the other, each with the true time of its beginning. The first is the default.
    quotas: Vec<(u64, Quota)>,
    project: Project,
    isolates: Vec<Isolate>,
    object: Ledger,
    /// The object's ledger as it was last stored, and its latest moment as it was last found.
    stored: Ledger,
    found_ms: u64,
    admissions: Vec<Admission>,
}

/// A token that was spent.
#[derive(Clone, Copy)]
struct Admission {
    at_us: u64,
    /// Under which of the quotas it was granted: the first and the last that it may have been.
    first: usize,
    last: usize,
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
    /// The object's grant, the true time at which it decided, and which of the quotas applied.
    answer: Option<(Grant, u64, usize)>,
}

impl Exchange {
    /// True if a request waits for the answer.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Loses the answer, if there is one: the client asks again, as if the object broke.
    pub fn ask_again(&mut self) {
        if let LimiterRequest::Lease(again) = LimiterRequest::Lease(self.request.clone()).again() {
            (self.request, self.answer) = (again, None);
        }
    }
}

impl Simulation {
    /// An isolate for each clock, which is so far ahead of the true time; nothing was counted yet.
    pub fn new(quota: Quota, skews_ms: impl IntoIterator<Item = i64>) -> Self {
        let isolate = |skew_ms| Isolate { leases: Leases::default(), skew_ms, life: 0 };
        Simulation {
            now_us: 0,
            object_skew_ms: 0,
            quotas: vec![(0, quota)],
            project: Project::default(),
            isolates: skews_ms.into_iter().map(isolate).collect(),
            object: Ledger::default(),
            stored: Ledger::default(),
            found_ms: 0,
            admissions: Vec::new(),
        }
    }

    /// A request comes to an isolate. Returns what the isolate sends to the object, if it asks.
    pub fn request(&mut self, isolate: usize, cost: u32) -> Option<Exchange> {
        let account = Account { project: &self.project, policy: Policy::Users };
        let Isolate { skew_ms, life, .. } = self.isolates[isolate];
        let asked_ms = self.clock(skew_ms);
        let (request, waits) = match self.isolates[isolate].leases.decide(account, self.quotas[0].1, cost, asked_ms) {
            Step::Ask(request) => (Some(request), true),
            Step::Decided { decision, refill } => {
                self.log(decision, cost, None);
                (refill, false)
            }
        };
        request.map(|request| Exchange { isolate, life, request, asked_ms, waits, answer: None })
    }

    /// Moves a message one way: to the object, which returns it with its answer, or with that to the isolate.
    pub fn deliver(&mut self, mut exchange: Exchange) -> Option<Exchange> {
        match exchange.answer {
            None => {
                let grant = sent(self.object.grant(&exchange.request, self.clock(self.object_skew_ms)));
                if grant.books(&exchange.request) {
                    self.stored = self.object.clone();
                }
                exchange.answer = Some((grant, self.now_us, self.quotas.len() - 1));
                Some(exchange)
            }
            Some((grant, decided_us, quota)) => {
                self.on_answer(&exchange, grant, (decided_us, quota));
                None
            }
        }
    }

    fn on_answer(&mut self, exchange: &Exchange, grant: Grant, decided: (u64, usize)) {
        let Exchange { isolate, life, ref request, asked_ms, waits, .. } = *exchange;
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
            self.log(decision, request.cost, (decision.by == DecidedBy::Object).then_some(decided));
        }
    }

    /// Gives the account another quota.
    pub fn change_quota(&mut self, quota: Quota) {
        self.object.set_quota(Some(quota));
        self.stored = self.object.clone();
        self.quotas.push((self.now_us, quota));
    }

    /// Loses an exchange, either way, and its isolate gives up waiting.
    pub fn lose(&mut self, exchange: &Exchange) {
        let account = Account { project: &self.project, policy: Policy::Users };
        let now_ms = self.clock(self.isolates[exchange.isolate].skew_ms);
        let isolate = &mut self.isolates[exchange.isolate];
        if exchange.waits && isolate.life == exchange.life {
            let decision = isolate.leases.on_unreachable(account, &exchange.request, now_ms);
            assert!(matches!(decision.by, DecidedBy::Fallback | DecidedBy::Denial), "{decision:?}");
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
        self.found_ms = evict(&mut self.stored, self.found_ms);
        self.object = self.stored.clone();
    }

    /// Requests admitted so far, as counted in the exact log.
    pub fn admitted(&self) -> usize {
        self.admissions.len()
    }

    /// The exact log: when each token was spent, in order. What an isolate admits by itself, because it can't reach the
    /// object, is not promised and not in it.
    pub fn into_admissions(self) -> Vec<u64> {
        let mut admissions: Vec<u64> = self.admissions.iter().map(|admission| admission.at_us).collect();
        admissions.sort_unstable();
        admissions
    }

    /// A stretch that admitted more than it may, if there is one. Of all tokens in a stretch one was granted last: its
    /// quota's limit holds for the stretch, if that is no longer than the window of any quota since the first.
    pub fn excess(&self) -> Option<String> {
        let mut log = self.admissions.clone();
        log.sort_unstable_by_key(|admission| admission.at_us);
        log.iter().enumerate().find_map(|(begin, first)| {
            let (mut oldest, mut newest) = (first.first, *first);
            for (n, admission) in log[begin..].iter().enumerate() {
                oldest = oldest.min(admission.first);
                (newest.first, newest.last) = (newest.first.max(admission.first), newest.last.max(admission.last));
                let windows = self.quotas[oldest..=newest.last].iter().map(|(_, quota)| quota.window_ms * 1000);
                let passed_us = admission.at_us - first.at_us;
                if windows.min().is_none_or(|shortest| passed_us >= shortest) {
                    return None;
                }
                let limits = self.quotas[newest.first..=newest.last].iter().map(|(_, quota)| quota.limit as usize);
                if limits.max().is_some_and(|limit| n + 1 > limit) {
                    let quotas = &self.quotas[oldest..=newest.last];
                    return Some(format!("{} within {passed_us} us from {} us under {quotas:?}", n + 1, first.at_us));
                }
            }
            None
        })
    }

    /// Logs tokens that the object decided on at a true time and under a quota, or that were spent from leases now.
    fn log(&mut self, decision: Decision, cost: u32, decided: Option<(u64, usize)>) {
        /// Two milliseconds more, since clocks show whole ones.
        const LEASE_US: u64 = (Quota::MAX_LEASE_MS + 2) * 1000;
        if !decision.verdict.admitted || decision.by == DecidedBy::Fallback {
            return;
        }
        let leased_us = self.now_us.saturating_sub(LEASE_US);
        let oldest = self.quotas.iter().rposition(|(from_us, _)| *from_us <= leased_us).unwrap_or(0);
        let leased = Admission { at_us: self.now_us, first: oldest, last: self.quotas.len() - 1 };
        let by_object = |(at_us, quota)| Admission { at_us, first: quota, last: quota };
        let admission = decided.map_or(leased, by_object);
        self.admissions.extend((0..cost).map(|_| admission));
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
    let arrived = json::from_str(&serde_json::to_string(&grant).unwrap()).unwrap();
    assert_eq!(grant, arrived);
    arrived
}

/// Evicts an object: what it stored is what it finds again, and time has not run back in it since `stored_ms`. Returns
/// the latest moment that it now has stored.
pub(crate) fn evict(ledger: &mut Ledger, stored_ms: u64) -> u64 {
    let row = serde_json::to_string(ledger).unwrap();
    let found: Ledger = json::from_str(&row).unwrap();
    assert_eq!(found, *ledger);
    *ledger = found;
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    let latest_ms = row["window"]["latest_ms"].as_u64().unwrap_or(0);
    assert!(latest_ms >= stored_ms, "{latest_ms} after {stored_ms}");
    latest_ms
}
