//! The limiter's port: a ledger for each account, asked for every request, and evicted after it.

use crate::clock::Clock;
use crate::simulation::{evict, sent};
use roster::key::Project;
use roster::rate_limit::{
    Account, DecidedBy, Decision, LeaseRequest, Ledger, Limiter, LimiterUnavailable, Policy, Quota, Usage,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Counts requests in memory.
pub struct MemoryLimiter {
    ledgers: RefCell<BTreeMap<(Project, Policy), Ledger>>,
    clock: Clock,
    hops: Rc<Cell<u32>>,
}

impl MemoryLimiter {
    /// A limiter that has counted nothing, with this clock; each message adds to `hops`.
    pub fn new(clock: Clock, hops: Rc<Cell<u32>>) -> Self {
        MemoryLimiter { ledgers: RefCell::default(), clock, hops }
    }
}

impl Limiter for MemoryLimiter {
    async fn take(&self, account: Account<'_>, default: Quota, cost: u32) -> Decision {
        self.hops.set(self.hops.get() + 1);
        let mut ledgers = self.ledgers.borrow_mut();
        let ledger = ledgers.entry((account.project.clone(), account.policy)).or_default();
        let request = LeaseRequest { default, cost, lease: 0, unspent: Vec::new() };
        let grant = sent(ledger.grant(&request, self.clock.now().as_ms()));
        evict(ledger, 0);
        Decision { verdict: grant.verdict, by: DecidedBy::Object }
    }

    async fn set_quota(&self, account: Account<'_>, quota: Option<Quota>) -> Result<(), LimiterUnavailable> {
        let mut ledgers = self.ledgers.borrow_mut();
        ledgers.entry((account.project.clone(), account.policy)).or_default().set_quota(quota);
        Ok(())
    }

    async fn own_quota(&self, account: Account<'_>) -> Result<Option<Quota>, LimiterUnavailable> {
        let ledgers = self.ledgers.borrow();
        Ok(ledgers.get(&(account.project.clone(), account.policy)).and_then(Ledger::own_quota))
    }

    async fn usage(&self, account: Account<'_>, default: Quota) -> Result<Usage, LimiterUnavailable> {
        let (ledgers, unasked) = (self.ledgers.borrow(), Ledger::default());
        let ledger = ledgers.get(&(account.project.clone(), account.policy)).unwrap_or(&unasked);
        Ok(ledger.usage(default, self.clock.now().as_ms()))
    }
}
