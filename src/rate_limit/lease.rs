//! The isolate's part: leases tokens ahead of need, so that most requests wait for no remote call. Plain data, bounded in size.

use super::account::AccountLeases;
use super::protocol::{Decision, Grant, LeaseRequest, Step};
use super::quota::{Account, Policy, Quota};
use crate::key::Project;
use crate::sorted::SortedMap;

/// Accounts of which an isolate holds leases at once.
const MAX_ACCOUNTS: usize = 1000;

/// What an isolate knows of the limits: its leases, the objects' last answers, and its own demand.
#[derive(Debug, Default)]
pub struct Leases {
    accounts: SortedMap<(Project, Policy), AccountLeases>,
}

impl Leases {
    /// Decides a request from the leases, or says what to ask the object for. In all methods `now_ms` is the isolate's clock.
    pub fn decide(&mut self, account: Account<'_>, default: Quota, cost: u32, now_ms: u64) -> Step {
        self.account_leases(account, now_ms).decide(default, cost, now_ms)
    }

    /// Handles the object's answer to `request`, which was sent at `asked_ms`.
    pub fn on_grant(
        &mut self,
        account: Account<'_>,
        request: &LeaseRequest,
        grant: Grant,
        asked_ms: u64,
        now_ms: u64,
    ) -> Decision {
        self.account_leases(account, now_ms).on_grant(request, grant, asked_ms, now_ms)
    }

    /// Decides without the object, which did not answer `request`.
    pub fn on_unreachable(&mut self, account: Account<'_>, request: &LeaseRequest, now_ms: u64) -> Decision {
        self.account_leases(account, now_ms).on_unreachable(request, now_ms)
    }

    /// Forgets an account whose quota changed, so that the change takes effect here at once.
    pub fn forget(&mut self, account: Account<'_>) {
        self.accounts.remove(&(account.project.clone(), account.policy));
    }

    fn account_leases(&mut self, account: Account<'_>, now_ms: u64) -> &mut AccountLeases {
        let name = (account.project.clone(), account.policy);
        if self.accounts.len() >= MAX_ACCOUNTS && !self.accounts.contains_key(&name) {
            let idlest =
                self.accounts.iter().min_by_key(|(_, account)| account.latest_ms()).map(|(name, _)| name.clone());
            idlest.and_then(|name| self.accounts.remove(&name));
        }
        let leases = self.accounts.get_or_insert_with(name, AccountLeases::default);
        leases.advance(now_ms);
        leases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::account::{RECHECK_MS, UNREACHABLE_MS};
    use crate::rate_limit::{Booking, DecidedBy, Ledger};
    use std::sync::LazyLock;

    const T0: u64 = 1_700_000_000_000;

    fn quota(limit: u32) -> Quota {
        Quota::new(limit, 60).unwrap()
    }

    static PROJECT: LazyLock<Project> = LazyLock::new(Project::default);

    fn account() -> Account<'static> {
        Account { project: &PROJECT, policy: Policy::Users }
    }

    /// One isolate, one object, and one clock. Unit tests can't use the simulator of `tests/reference/`: it is built on another
    /// copy of this crate.
    struct World {
        leases: Leases,
        ledger: Ledger,
        default: Quota,
        now_ms: u64,
    }

    impl World {
        fn new(default: Quota) -> Self {
            World { leases: Leases::default(), ledger: Ledger::default(), default, now_ms: T0 }
        }

        fn decide(&mut self, cost: u32) -> Step {
            self.leases.decide(account(), self.default, cost, self.now_ms)
        }

        /// A request whose calls to the object take `round_trip_ms`.
        fn request(&mut self, cost: u32, round_trip_ms: u64) -> Decision {
            match self.decide(cost) {
                Step::Ask(request) => self.ask(&request, round_trip_ms),
                Step::Decided { decision, refill } => {
                    if let Some(request) = refill {
                        self.ask(&request, round_trip_ms);
                    }
                    decision
                }
            }
        }

        fn ask(&mut self, request: &LeaseRequest, round_trip_ms: u64) -> Decision {
            let asked_ms = self.now_ms;
            self.now_ms += round_trip_ms;
            let grant = self.ledger.grant(request, self.now_ms);
            self.leases.on_grant(account(), request, grant, asked_ms, self.now_ms)
        }
    }

    #[test]
    fn steady_demand_is_served_from_leases_and_the_budget_counts_down_by_one() {
        let mut world = World::new(quota(100_000));
        let mut asked = 0;
        for sent in 1..=500 {
            let decision = world.request(1, 0);
            assert!(decision.verdict.admitted);
            if sent < 100 {
                assert_eq!(decision.verdict.remaining, 100_000 - sent, "{decision:?}");
            }
            asked += u32::from(decision.by == DecidedBy::Object);
            world.now_ms += 10;
        }
        assert!(asked <= 9, "{asked} of 500 asked");
    }

    #[test]
    fn a_denial_is_remembered_until_the_next_token_comes() {
        let mut world = World::new(quota(1));
        assert!(world.request(1, 0).verdict.admitted);
        for _ in 0..10 {
            let denied = world.request(1, 0);
            assert_eq!((denied.verdict.admitted, denied.by), (false, DecidedBy::Denial));
            assert!(denied.verdict.retry_after_ms > 60_000);
        }
        let retry_after_ms = world.request(1, 0).verdict.retry_after_ms;
        // The last one but one asks whether the limit was raised.
        for (wait_ms, by, admitted) in [
            (1_000, DecidedBy::Denial, false),
            (retry_after_ms - 1_001, DecidedBy::Object, false),
            (1, DecidedBy::Object, true),
        ] {
            world.now_ms += wait_ms;
            let decision = world.request(1, 0);
            assert_eq!((decision.by, decision.verdict.admitted), (by, admitted), "{wait_ms}");
        }
    }

    #[test]
    fn refused_requests_are_no_demand() {
        let mut world = World::new(quota(100));
        while world.request(1, 0).verdict.admitted {
            world.now_ms += 100;
        }
        // A second and more before the next token frees: all that was spent has faded.
        let retry_after_ms = world.request(1, 0).verdict.retry_after_ms;
        for _ in 0..retry_after_ms {
            world.now_ms += 1;
            if let Step::Ask(request) = world.decide(1) {
                assert_eq!(request.lease, 0);
                return;
            }
        }
        panic!("a token that frees is not asked for");
    }

    #[test]
    fn no_lease_is_asked_for_that_can_not_be_granted() {
        let mut world = World::new(quota(100));
        for _ in 0..200 {
            if let Step::Decided { refill: Some(request), .. } | Step::Ask(request) = world.decide(1) {
                let grant = world.ledger.grant(&request, world.now_ms);
                assert!(request.cost > 0 || grant.lease.tokens > 0, "{request:?} {grant:?}");
                world.leases.on_grant(account(), &request, grant, world.now_ms, world.now_ms);
            }
            world.now_ms += 1;
        }
    }

    #[test]
    fn a_raised_limit_is_heard_of_by_the_first_request_after_the_recheck_interval() {
        for (window_seconds, pause_ms) in [(60, RECHECK_MS), (86_400, RECHECK_MS), (86_400, 600_000)] {
            let quota = |limit| Quota::new(limit, window_seconds).unwrap();
            let mut world = World::new(quota(1));
            assert!(world.request(1, 0).verdict.admitted);
            world.ledger.set_quota(Some(quota(10)));
            world.now_ms += RECHECK_MS - 1;
            assert_eq!(world.request(1, 0).by, DecidedBy::Denial);
            world.now_ms += pause_ms - RECHECK_MS + 1;
            let decision = world.request(1, 0);
            assert_eq!((decision.by, decision.verdict.admitted), (DecidedBy::Object, true), "{pause_ms}");
        }
    }

    #[test]
    fn of_many_denied_requests_one_asks_in_each_recheck_interval() {
        let mut world = World::new(Quota::new(1, 86_400).unwrap());
        world.request(1, 0);
        let mut asked = 0;
        for _ in 0..10 * RECHECK_MS {
            world.now_ms += 1;
            asked += u32::from(world.request(1, 0).by == DecidedBy::Object);
        }
        assert_eq!(asked, 10);
        // Others come before its answer.
        world.now_ms += RECHECK_MS;
        assert!(matches!(world.decide(1), Step::Ask(_)));
        assert!(matches!(world.decide(1), Step::Decided { .. }));
    }

    #[test]
    fn a_known_denial_outlives_an_object_that_can_not_be_reached() {
        let mut world = World::new(quota(1));
        world.request(1, 0);
        world.now_ms += RECHECK_MS;
        let Step::Ask(request) = world.decide(1) else { panic!("decided") };
        let decision = world.leases.on_unreachable(account(), &request, world.now_ms);
        assert_eq!((decision.by, decision.verdict.admitted), (DecidedBy::Denial, false));
        assert_eq!(world.request(1, 0).by, DecidedBy::Denial);
        world.now_ms += 61_500;
        assert!(world.request(1, 0).verdict.admitted);
    }

    #[test]
    fn a_lease_is_over_in_time_and_when_the_clock_steps_back() {
        for step in [1_250, -1] {
            let mut world = World::new(quota(100_000));
            while world.request(1, 0).by != DecidedBy::Lease {
                world.now_ms += 10;
            }
            world.now_ms = world.now_ms.checked_add_signed(step).unwrap();
            assert!(matches!(world.decide(1), Step::Ask(_)), "{step}");
        }
    }

    /// A request that is on its way, for a lease that is granted.
    fn requesting(world: &mut World) -> (LeaseRequest, Grant, u64) {
        loop {
            world.now_ms += 10;
            if let Step::Decided { refill: Some(request), .. } | Step::Ask(request) = world.decide(1) {
                let grant = world.ledger.grant(&request, world.now_ms);
                if grant.lease.tokens > 0 {
                    return (request, grant, world.now_ms);
                }
                world.leases.on_grant(account(), &request, grant, world.now_ms, world.now_ms);
            }
        }
    }

    #[test]
    fn a_lease_asked_for_before_the_clock_stepped_back_is_dropped() {
        // At once, and with a request in between and time enough to look as if nothing had happened.
        for then in [None, Some(1000)] {
            let mut world = World::new(quota(100_000));
            let (request, grant, asked_ms) = requesting(&mut world);
            world.now_ms -= 1000;
            if let Some(ms) = then {
                world.decide(1);
                world.now_ms += ms;
            }
            world.leases.on_grant(account(), &request, grant, asked_ms, world.now_ms);
            assert!(matches!(world.decide(1), Step::Ask(_)), "{then:?}");
        }
    }

    /// What the next request gives back, `ms` later: tokens by their slot.
    fn given_back(world: &mut World, ms: u64) -> Vec<Booking> {
        world.now_ms += ms;
        match world.decide(0) {
            Step::Ask(request) | Step::Decided { refill: Some(request), .. } => request.unspent,
            Step::Decided { .. } => Vec::new(),
        }
    }

    #[test]
    fn what_a_lease_has_left_is_given_back_once_and_not_before_it_ended() {
        let mut world = World::new(quota(100_000));
        // So many that more than one token is leased.
        (0..50).for_each(|_| drop(world.decide(1)));
        let (request, grant, asked_ms) = requesting(&mut world);
        world.leases.on_grant(account(), &request, grant, asked_ms, world.now_ms);
        let held = Booking { tokens: grant.lease.tokens - 1, ..grant.lease };
        assert!(matches!(world.decide(1), Step::Decided { .. }));
        assert_eq!(given_back(&mut world, 1_244), []);
        assert_eq!(given_back(&mut world, 1), [held]);
        assert_eq!(given_back(&mut world, 1), []);
    }

    #[test]
    fn a_lease_that_is_over_on_arrival_is_given_back() {
        let mut world = World::new(quota(100_000));
        let (request, grant, asked_ms) = requesting(&mut world);
        world.now_ms += 1_245;
        world.leases.on_grant(account(), &request, grant, asked_ms, world.now_ms);
        assert!(given_back(&mut world, 0).contains(&grant.lease));
    }

    #[test]
    fn who_is_denied_and_has_something_to_give_back_asks_at_once() {
        let mut world = World::new(quota(100));
        let (request, grant, asked_ms) = requesting(&mut world);
        world.leases.on_grant(account(), &request, grant, asked_ms, world.now_ms);
        // Another isolate takes the rest.
        let free = world.ledger.usage(world.default, world.now_ms).slots.iter().map(|slot| slot.booked).sum::<u32>();
        let rest = LeaseRequest { cost: 100 - free, lease: 0, ..request };
        assert!(world.ledger.grant(&rest, world.now_ms).verdict.admitted);
        let denied = world.request(50, 0).verdict;
        assert!(!denied.admitted && denied.remaining == grant.lease.tokens, "{denied:?}");
        world.now_ms += 1_245;
        let decision = world.request(1, 0);
        assert_eq!((decision.by, decision.verdict.admitted), (DecidedBy::Object, true), "{decision:?}");
    }

    #[test]
    fn no_more_is_leased_than_was_asked_for() {
        let mut world = World::new(quota(100_000));
        let (request, grant, asked_ms) = requesting(&mut world);
        let lease = Booking { tokens: 1_000_000, ..grant.lease };
        let grant = Grant { lease, ..grant };
        let decision = world.leases.on_grant(account(), &request, grant, asked_ms, world.now_ms);
        assert!(decision.verdict.remaining <= 100_000, "{decision:?}");
    }

    #[test]
    fn a_denial_from_before_the_clock_stepped_back_is_not_remembered() {
        let mut world = World::new(quota(1));
        world.request(1, 0);
        world.leases.forget(account());
        let Step::Ask(request) = world.decide(1) else { panic!("decided") };
        let (asked_ms, denial) = (world.now_ms, world.ledger.grant(&request, world.now_ms));
        assert!(!denial.verdict.admitted);
        world.now_ms -= 3_600_000;
        world.leases.on_grant(account(), &request, denial, asked_ms, world.now_ms);
        assert!(matches!(world.decide(1), Step::Ask(_)));
    }

    #[test]
    fn a_lease_that_would_be_over_on_arrival_is_not_asked_for() {
        let mut world = World::new(Quota::new(1000, 1).unwrap());
        for _ in 0..50 {
            let Step::Ask(request) = world.decide(1) else { panic!("decided") };
            assert_eq!(request.lease, 0);
            world.ask(&request, 40);
        }
    }

    #[test]
    fn an_object_that_can_not_be_reached_is_left_alone_for_a_second() {
        let mut world = World::new(quota(2));
        let Step::Ask(request) = world.decide(1) else { panic!("decided") };
        let decision = world.leases.on_unreachable(account(), &request, world.now_ms);
        assert_eq!(
            (decision.by, decision.verdict.admitted, decision.verdict.remaining),
            (DecidedBy::Fallback, true, 1)
        );
        assert_eq!(world.request(1, 0).by, DecidedBy::Fallback);
        assert!(!world.request(1, 0).verdict.admitted);
        world.now_ms += UNREACHABLE_MS;
        assert_eq!(world.request(1, 0).by, DecidedBy::Object);
    }

    #[test]
    fn a_peek_takes_nothing() {
        let mut world = World::new(quota(5));
        for _ in 0..10 {
            assert_eq!(world.request(0, 0).verdict.remaining, 5);
        }
    }

    #[test]
    fn a_flood_of_projects_does_not_grow_the_memory() {
        let mut leases = Leases::default();
        for i in 0..5000 {
            let project = format!("p{i}").parse().unwrap();
            leases.decide(Account { project: &project, policy: Policy::Users }, quota(5), 1, T0 + i);
        }
        assert_eq!(leases.accounts.len(), MAX_ACCOUNTS);
    }
}
