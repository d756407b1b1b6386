//! The isolate's part: tokens leased ahead of need, so that most requests ask nobody. Plain data, bounded in size.

use super::{Account, Ask, Grant, Policy, Quota, Verdict, Window};
use crate::key::Project;
use std::collections::{BTreeMap, VecDeque};

/// Accounts that an isolate holds leases of at once.
const MAX_ACCOUNTS: usize = 1000;
/// Leases of one account held at once; a further one joins the last and ends with it.
const MAX_LEASES: usize = 16;
/// Leases of one account asked for at once.
const MAX_FETCHES: usize = 4;
/// Milliseconds by which a lease is given up early: between two I/Os a Worker's clock stands still.
const CLOCK_SLACK_MS: u64 = 5;
/// Milliseconds for which an object that could not be reached is left alone.
const AWAY_MS: u64 = 1000;

/// What an isolate knows of the limits: its leases, the objects' last words, and its own demand.
#[derive(Debug, Default)]
pub struct Leases {
    accounts: BTreeMap<(Project, Policy), Lessee>,
}

/// How one request stands, and who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub by: Decider,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decider {
    /// A leased token was spent.
    Lease,
    /// The object was asked, and waited for.
    Object,
    /// The object's last refusal still stands.
    Denial,
    /// The object can't be reached: the isolate counts by itself.
    Fallback,
}

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is decided. `fetch` is to be asked for behind its back.
    Decided { decision: Decision, fetch: Option<Ask> },
    /// The object is to be asked, and waited for.
    Ask(Ask),
}

impl Leases {
    /// Decides about a request if that can be done here. `now_ms` is the isolate's clock in all of these.
    pub fn begin(&mut self, account: Account<'_>, default: Quota, cost: u32, now_ms: u64) -> Turn {
        self.lessee(account, now_ms).begin(default, cost, now_ms)
    }

    /// Takes in the object's answer to `ask`, which was asked at `asked_ms`.
    pub fn granted(&mut self, account: Account<'_>, ask: Ask, grant: Grant, asked_ms: u64, now_ms: u64) -> Decision {
        self.lessee(account, now_ms).granted(ask, grant, asked_ms, now_ms)
    }

    /// Decides without the object, which did not answer `ask`.
    pub fn away(&mut self, account: Account<'_>, ask: Ask, now_ms: u64) -> Decision {
        self.lessee(account, now_ms).away(ask, now_ms)
    }

    /// Forgets an account whose quota has changed, so that the change takes effect here at once.
    pub fn forget(&mut self, account: Account<'_>) {
        self.accounts.remove(&(account.project.clone(), account.policy));
    }

    fn lessee(&mut self, account: Account<'_>, now_ms: u64) -> &mut Lessee {
        let name = (account.project.clone(), account.policy);
        if self.accounts.len() >= MAX_ACCOUNTS && !self.accounts.contains_key(&name) {
            let idlest = self.accounts.iter().min_by_key(|(_, lessee)| lessee.latest_ms).map(|(name, _)| name.clone());
            idlest.and_then(|name| self.accounts.remove(&name));
        }
        let lessee = self.accounts.entry(name).or_default();
        lessee.advance(now_ms);
        lessee
    }
}

#[derive(Debug)]
struct Lease {
    tokens: u32,
    ends_ms: u64,
}

/// Tokens asked for and not here yet.
#[derive(Debug)]
struct Fetch {
    tokens: u32,
    asked_ms: u64,
}

/// The object's last word.
#[derive(Clone, Copy, Debug)]
struct Word {
    quota: Quota,
    asked_ms: u64,
    remaining: u32,
    /// Where none remain: when the next can be had, at the latest,
    open_at_ms: u64,
    /// and when an ask that is sent then may find it.
    ask_at_ms: u64,
    full_at_ms: u64,
}

/// One account, as an isolate sees it.
#[derive(Debug, Default)]
struct Lessee {
    latest_ms: u64,
    leases: VecDeque<Lease>,
    fetches: VecDeque<Fetch>,
    word: Option<Word>,
    /// Requests of late, each of them fading within the length of a lease.
    demand: f64,
    demand_ms: u64,
    /// What an answer takes at worst, of late.
    round_trip_ms: u64,
    fallback: Option<Window>,
    away_until_ms: u64,
    /// When a request last asked. After a refusal one a slot does, and the others are refused as it was.
    probed_ms: u64,
}

impl Lessee {
    /// Forgets what is over. A clock that stepped back makes every lease doubtful.
    fn advance(&mut self, now_ms: u64) {
        if now_ms < self.latest_ms {
            *self = Lessee { fallback: self.fallback.take(), ..Lessee::default() };
        }
        self.latest_ms = now_ms;
        self.leases.retain(|lease| lease.ends_ms > now_ms);
        self.fetches.retain(|fetch| fetch.asked_ms + Quota::MAX_LEASE_MS > now_ms);
    }

    fn begin(&mut self, default: Quota, cost: u32, now_ms: u64) -> Turn {
        let quota = self.word.map_or(default, |word| word.quota);
        if cost > 0 {
            self.note_demand(quota, now_ms);
        }
        if let Some(word) = self.word {
            if self.held() >= cost.max(1) {
                self.spend(cost);
                let decision = self.tell(word, true, Decider::Lease, now_ms);
                return Turn::Decided { decision, fetch: self.refill(word, default, now_ms) };
            }
            if word.remaining == 0 && now_ms < word.ask_at_ms.max(self.probed_ms + word.quota.slot_ms() / 4) {
                let decision = self.tell(word, cost == 0, Decider::Denial, now_ms);
                return Turn::Decided { decision, fetch: self.refresh(word, default, now_ms) };
            }
        }
        if now_ms < self.away_until_ms {
            return Turn::Decided { decision: self.count_alone(quota, cost, now_ms), fetch: None };
        }
        self.probed_ms = now_ms;
        Turn::Ask(self.fetch(default, cost, self.wanted(quota), now_ms))
    }

    fn granted(&mut self, ask: Ask, grant: Grant, asked_ms: u64, now_ms: u64) -> Decision {
        let asked = |fetch: &Fetch| fetch.asked_ms == asked_ms && fetch.tokens == ask.ahead;
        let fetch = self.fetches.iter().position(asked).and_then(|i| self.fetches.remove(i));
        self.round_trip_ms = now_ms.saturating_sub(asked_ms).max(self.round_trip_ms * 7 / 8);
        let Verdict { admitted, quota, remaining, retry_after_ms, reset_ms } = grant.verdict;
        // Measured from before the asking, so that it ends no later than the object thinks, whatever the clocks say. If
        // this one stepped back since, there is no telling when, and the asking is forgotten.
        if let Some(Fetch { tokens, asked_ms }) = fetch {
            let ends_ms = asked_ms + quota.lease_ms() - CLOCK_SLACK_MS;
            self.receive(Lease { tokens: grant.ahead.min(tokens), ends_ms }, now_ms);
        }
        let word = Word {
            quota,
            asked_ms,
            remaining,
            open_at_ms: now_ms + retry_after_ms,
            ask_at_ms: asked_ms + retry_after_ms,
            full_at_ms: now_ms + reset_ms,
        };
        // Answers can overtake each other, and a clock that stepped back would take an old one for the newest.
        if asked_ms <= now_ms && self.word.is_none_or(|known| known.asked_ms <= asked_ms) {
            self.word = Some(word);
        }
        if !admitted && self.held() >= ask.cost {
            self.spend(ask.cost);
            return self.tell(word, true, Decider::Lease, now_ms);
        }
        self.tell(word, admitted, Decider::Object, now_ms)
    }

    fn away(&mut self, ask: Ask, now_ms: u64) -> Decision {
        self.away_until_ms = now_ms + AWAY_MS;
        let quota = self.word.map_or(ask.default, |word| word.quota);
        self.count_alone(quota, ask.cost, now_ms)
    }

    /// The same window as the object's, in this isolate's memory: available before exact.
    fn count_alone(&mut self, quota: Quota, cost: u32, now_ms: u64) -> Decision {
        let window = self.fallback.get_or_insert_with(|| Window::new(quota));
        let verdict = window.grant(quota, Ask { default: quota, cost, ahead: 0 }, now_ms).verdict;
        Decision { verdict, by: Decider::Fallback }
    }

    fn held(&self) -> u32 {
        self.leases.iter().map(|lease| lease.tokens).sum()
    }

    /// Takes from the leases that end first.
    fn spend(&mut self, mut cost: u32) {
        for lease in &mut self.leases {
            let spent = cost.min(lease.tokens);
            lease.tokens -= spent;
            cost -= spent;
        }
        self.leases.retain(|lease| lease.tokens > 0);
    }

    fn receive(&mut self, lease: Lease, now_ms: u64) {
        if lease.tokens == 0 || lease.ends_ms <= now_ms {
            return;
        }
        let full = self.leases.len() >= MAX_LEASES;
        match self.leases.back_mut() {
            Some(last) if full => {
                last.tokens += lease.tokens;
                last.ends_ms = last.ends_ms.min(lease.ends_ms);
            }
            _ => {
                // Answers can overtake each other: what ends first is to be spent first.
                let at = self.leases.partition_point(|known| known.ends_ms <= lease.ends_ms);
                self.leases.insert(at, lease);
            }
        }
    }

    /// What the client hears. Whatever others took since the object's last word is not known here.
    fn tell(&self, word: Word, admitted: bool, by: Decider, now_ms: u64) -> Decision {
        let remaining = word.remaining + self.held();
        let retry_after_ms = if remaining > 0 { 0 } else { word.open_at_ms.saturating_sub(now_ms) };
        let reset_ms = word.full_at_ms.saturating_sub(now_ms);
        Decision { verdict: Verdict { admitted, quota: word.quota, remaining, retry_after_ms, reset_ms }, by }
    }

    fn note_demand(&mut self, quota: Quota, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.demand_ms);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a few leases matter, no more")]
        let faded = passed_ms as f64 / quota.lease_ms() as f64;
        self.demand = self.demand * (-faded).exp() + 1.0;
        self.demand_ms = now_ms;
    }

    /// Tokens that will be spent within `lifetime_ms` if demand stays what it was before this request: three quarters of
    /// what is expected. Once less than a quarter of the quota remains and waste matters, only those that are all but
    /// sure to be: two standard deviations less than is expected.
    fn coming_demand(&self, quota: Quota, lifetime_ms: u64) -> u32 {
        #[expect(clippy::cast_precision_loss, reason = "at most a lease's length")]
        let expected = (self.demand - 1.0) * lifetime_ms as f64 / quota.lease_ms() as f64;
        let ample = self.word.is_some_and(|word| word.remaining >= quota.limit / 4);
        let prudent =
            if ample { (expected * 0.75).ceil() } else { (expected * 0.75).min(expected - 2.0 * expected.sqrt()) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        let tokens = prudent as u32;
        tokens
    }

    /// Tokens to ask for now: enough for the length of a lease with those held and on their way, and no more than can
    /// be spent between their arrival and their end.
    fn wanted(&self, quota: Quota) -> u32 {
        if self.fetches.len() >= MAX_FETCHES {
            return 0;
        }
        let coming: u32 = self.fetches.iter().map(|fetch| fetch.tokens).sum();
        let usable_ms = quota.lease_ms().saturating_sub(self.round_trip_ms);
        let missing = self.coming_demand(quota, quota.lease_ms()).saturating_sub(self.held() + coming);
        missing.min(self.coming_demand(quota, usable_ms))
    }

    /// Asks for more once a quarter of what is wanted is gone.
    fn refill(&mut self, word: Word, default: Quota, now_ms: u64) -> Option<Ask> {
        let wanted = self.wanted(word.quota);
        let low = wanted > 0 && wanted >= self.coming_demand(word.quota, word.quota.lease_ms()) / 4;
        let open = word.remaining > 0 || now_ms >= word.ask_at_ms;
        (low && open).then(|| self.fetch(default, 0, wanted, now_ms))
    }

    /// Hears within a lease that a limit was raised, though requests are refused without asking.
    fn refresh(&mut self, word: Word, default: Quota, now_ms: u64) -> Option<Ask> {
        let stale = now_ms >= word.asked_ms + word.quota.lease_ms().max(AWAY_MS);
        (stale && self.fetches.is_empty()).then(|| self.fetch(default, 0, 0, now_ms))
    }

    fn fetch(&mut self, default: Quota, cost: u32, ahead: u32, now_ms: u64) -> Ask {
        if cost == 0 || ahead > 0 {
            self.fetches.push_back(Fetch { tokens: ahead, asked_ms: now_ms });
        }
        Ask { default, cost, ahead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Ledger;

    const T0: u64 = 1_700_000_000_000;

    fn quota(limit: u32) -> Quota {
        Quota::new(limit, 60).unwrap()
    }

    /// One isolate, one object, one account, and a clock.
    struct World {
        leases: Leases,
        ledger: Ledger,
        project: Project,
        default: Quota,
        now_ms: u64,
    }

    impl World {
        fn new(default: Quota) -> Self {
            let project = Project::parse("default").unwrap();
            World { leases: Leases::default(), ledger: Ledger::default(), project, default, now_ms: T0 }
        }

        fn account(&self) -> Account<'static> {
            Account { project: Box::leak(Box::new(self.project.clone())), policy: Policy::Users }
        }

        fn begin(&mut self, cost: u32) -> Turn {
            self.leases.begin(self.account(), self.default, cost, self.now_ms)
        }

        /// A request whose calls to the object take `round_trip_ms`.
        fn request(&mut self, cost: u32, round_trip_ms: u64) -> Decision {
            match self.begin(cost) {
                Turn::Ask(ask) => self.ask(ask, round_trip_ms),
                Turn::Decided { decision, fetch } => {
                    if let Some(ask) = fetch {
                        self.ask(ask, round_trip_ms);
                    }
                    decision
                }
            }
        }

        fn ask(&mut self, ask: Ask, round_trip_ms: u64) -> Decision {
            let asked_ms = self.now_ms;
            self.now_ms += round_trip_ms;
            let grant = self.ledger.grant(ask, self.now_ms);
            self.leases.granted(self.account(), ask, grant, asked_ms, self.now_ms)
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
            asked += u32::from(decision.by == Decider::Object);
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
            assert_eq!((denied.verdict.admitted, denied.by), (false, Decider::Denial));
            assert!(denied.verdict.retry_after_ms > 60_000);
        }
        let retry_after_ms = world.request(1, 0).verdict.retry_after_ms;
        world.now_ms += retry_after_ms - 1;
        assert_eq!(world.request(1, 0).by, Decider::Denial);
        world.now_ms += 1;
        assert_eq!(world.request(1, 0).by, Decider::Object);
    }

    #[test]
    fn a_raised_limit_is_heard_of_while_all_is_denied() {
        let mut world = World::new(quota(1));
        world.request(1, 0);
        world.ledger.set_quota(Some(quota(10)));
        assert!(!world.request(1, 0).verdict.admitted);
        world.now_ms += Quota::MAX_LEASE_MS;
        // This one is still refused; the object is asked behind its back.
        assert!(!world.request(1, 0).verdict.admitted);
        assert!(world.request(1, 0).verdict.admitted);
    }

    #[test]
    fn a_lease_is_over_in_time_and_when_the_clock_steps_back() {
        for step in [1_250, -1] {
            let mut world = World::new(quota(100_000));
            while world.request(1, 0).by != Decider::Lease {
                world.now_ms += 10;
            }
            world.now_ms = world.now_ms.checked_add_signed(step).unwrap();
            assert!(matches!(world.begin(1), Turn::Ask(_)), "{step}");
        }
    }

    /// An ask that is on its way, for a lease that is granted.
    fn asking(world: &mut World) -> (Ask, Grant, u64) {
        loop {
            world.now_ms += 10;
            if let Turn::Decided { fetch: Some(ask), .. } | Turn::Ask(ask) = world.begin(1) {
                let grant = world.ledger.grant(ask, world.now_ms);
                if grant.ahead > 0 {
                    return (ask, grant, world.now_ms);
                }
                world.leases.granted(world.account(), ask, grant, world.now_ms, world.now_ms);
            }
        }
    }

    #[test]
    fn a_lease_asked_for_before_the_clock_stepped_back_is_dropped() {
        // At once, and with a request in between and time enough to look as if nothing had happened.
        for then in [None, Some(1000)] {
            let mut world = World::new(quota(100_000));
            let (ask, grant, asked_ms) = asking(&mut world);
            world.now_ms -= 1000;
            if let Some(ms) = then {
                world.begin(1);
                world.now_ms += ms;
            }
            world.leases.granted(world.account(), ask, grant, asked_ms, world.now_ms);
            assert!(matches!(world.begin(1), Turn::Ask(_)), "{then:?}");
        }
    }

    #[test]
    fn no_more_is_leased_than_was_asked_for() {
        let mut world = World::new(quota(100_000));
        let (ask, grant, asked_ms) = asking(&mut world);
        let grant = Grant { ahead: 1_000_000, ..grant };
        let decision = world.leases.granted(world.account(), ask, grant, asked_ms, world.now_ms);
        assert!(decision.verdict.remaining <= 100_000, "{decision:?}");
    }

    #[test]
    fn a_denial_from_before_the_clock_stepped_back_is_not_remembered() {
        let mut world = World::new(quota(1));
        world.request(1, 0);
        world.leases.forget(world.account());
        let Turn::Ask(ask) = world.begin(1) else { panic!("decided") };
        let (asked_ms, denial) = (world.now_ms, world.ledger.grant(ask, world.now_ms));
        assert!(!denial.verdict.admitted);
        world.now_ms -= 3_600_000;
        world.leases.granted(world.account(), ask, denial, asked_ms, world.now_ms);
        assert!(matches!(world.begin(1), Turn::Ask(_)));
    }

    #[test]
    fn a_lease_that_would_be_over_on_arrival_is_not_asked_for() {
        let mut world = World::new(Quota::new(1000, 1).unwrap());
        for _ in 0..50 {
            let Turn::Ask(ask) = world.begin(1) else { panic!("decided") };
            assert_eq!(ask.ahead, 0);
            world.ask(ask, 40);
        }
    }

    #[test]
    fn an_object_that_is_away_is_left_alone_for_a_second() {
        let mut world = World::new(quota(2));
        let Turn::Ask(ask) = world.begin(1) else { panic!("decided") };
        let decision = world.leases.away(world.account(), ask, world.now_ms);
        assert_eq!((decision.by, decision.verdict.admitted, decision.verdict.remaining), (Decider::Fallback, true, 1));
        assert_eq!(world.request(1, 0).by, Decider::Fallback);
        assert!(!world.request(1, 0).verdict.admitted);
        world.now_ms += AWAY_MS;
        assert_eq!(world.request(1, 0).by, Decider::Object);
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
            let project = Project::parse(&format!("p{i}")).unwrap();
            leases.begin(Account { project: &project, policy: Policy::Users }, quota(5), 1, T0 + i);
        }
        assert_eq!(leases.accounts.len(), MAX_ACCOUNTS);
    }

    #[test]
    fn leases_and_fetches_of_one_account_are_bounded() {
        let mut lessee = Lessee::default();
        for i in 0..100 {
            lessee.receive(Lease { tokens: 1, ends_ms: 1000 - i }, 0);
            let _ = lessee.refresh(
                Word { quota: quota(1), asked_ms: 0, remaining: 0, open_at_ms: 0, ask_at_ms: 0, full_at_ms: 0 },
                quota(1),
                9000,
            );
        }
        assert_eq!((lessee.leases.len(), lessee.held(), lessee.fetches.len()), (MAX_LEASES, 100, 1));
        assert!(lessee.leases.iter().all(|lease| lease.ends_ms >= 901));
    }
}
