//! The limiter's promise, simulated: isolates, an object and the messages between them, against an oracle that keeps
//! the exact log of admissions. Nothing here is a model of the limiter: it is the limiter's own code, with a fake clock.
//!
//! `cargo test --test limiter -- --nocapture` prints the figures.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]

use fastrand::Rng;
use proptest::prelude::*;
use roster::key::Project;
use roster::limit::{Account, Ask, DecidedBy, Decision, Grant, Leases, Ledger, Policy, Quota, Step};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Fault-free clocks begin here, in milliseconds; the simulation itself counts microseconds from 0.
const EPOCH_MS: i64 = 1_700_000_000_000;
const MS: u64 = 1000;

#[derive(Clone, Copy, Debug)]
struct Scenario {
    quota: Quota,
    isolates: usize,
    /// Requests sent, as a multiple of the limit.
    load: f64,
    /// Windows simulated.
    windows: u64,
    /// A message takes up to this, one way.
    delay_ms: u64,
    /// Of a thousand answers, so many are lost.
    lost: u64,
    /// Of a thousand asks, before so many the object is evicted from memory.
    evicted: u64,
    /// Of a thousand requests, before so many their isolate is started anew.
    restarted: u64,
    seed: u64,
}

impl Scenario {
    fn calm(limit: u32, window_seconds: u32, isolates: usize, load: f64) -> Self {
        let quota = Quota::new(limit, window_seconds).unwrap();
        Scenario { quota, isolates, load, windows: 4, delay_ms: 400, lost: 0, evicted: 0, restarted: 0, seed: 7 }
    }
}

#[derive(Debug, Default)]
struct Outcome {
    requests: u64,
    /// Requests that waited for the object.
    awaited: u64,
    /// The moments of admission, in microseconds.
    admitted: Vec<u64>,
}

impl Outcome {
    /// The most admissions in any stretch of one window.
    fn fullest(&self, window_us: u64) -> usize {
        let mut first = 0;
        let in_stretch = |(last, at): (usize, &u64)| {
            while self.admitted[first] + window_us <= *at {
                first += 1;
            }
            last + 1 - first
        };
        self.admitted.iter().enumerate().map(in_stretch).max().unwrap_or(0)
    }

    /// The share of the quota that was used in a stretch of one window, on average over stretches that end after the
    /// second window, by when the first rush is over.
    fn used(&self, scenario: &Scenario) -> f64 {
        const STEPS: u64 = 200;
        let window_us = scenario.quota.window_ms * MS;
        let before = |at_us: u64| self.admitted.partition_point(|admitted| *admitted < at_us);
        let ends = 2 * STEPS..=scenario.windows * STEPS;
        let in_stretch = |end: u64| before(end * window_us / STEPS) - before((end - STEPS) * window_us / STEPS);
        let stretches = ends.clone().count() as f64;
        ends.map(in_stretch).sum::<usize>() as f64 / stretches / f64::from(scenario.quota.limit)
    }

    fn awaited_share(&self) -> f64 {
        self.awaited as f64 / self.requests as f64
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival {
        isolate: usize,
    },
    AtObject(Message),
    /// With the moment at which the object answered.
    AtIsolate(Message, Answer, u64),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    isolate: usize,
    /// An isolate that was started anew gets no answers of its former life.
    life: u32,
    asked_ms: u64,
    cost: u32,
    lease: u32,
    waits: bool,
}

/// A [`Grant`] that can be ordered, as a heap wants it.
#[derive(Clone, Copy)]
struct Answer(Grant);

impl PartialEq for Answer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Answer {}
impl PartialOrd for Answer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Answer {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

struct Isolate {
    leases: Leases,
    skew_ms: i64,
    life: u32,
}

struct Simulation {
    scenario: Scenario,
    project: Project,
    rng: Rng,
    now_us: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    isolates: Vec<Isolate>,
    object: Ledger,
    object_skew_ms: i64,
    outcome: Outcome,
}

fn simulate(scenario: Scenario) -> Outcome {
    let mut rng = Rng::with_seed(scenario.seed);
    let skew = |rng: &mut Rng| rng.i64(-2000..=2000);
    let isolates =
        (0..scenario.isolates).map(|_| Isolate { leases: Leases::default(), skew_ms: skew(&mut rng), life: 0 });
    let mut simulation = Simulation {
        scenario,
        project: Project::default(),
        now_us: 0,
        events: BinaryHeap::new(),
        isolates: isolates.collect(),
        object: Ledger::default(),
        object_skew_ms: skew(&mut rng),
        outcome: Outcome::default(),
        rng,
    };
    simulation.run();
    simulation.outcome.admitted.sort_unstable();
    simulation.outcome
}

impl Simulation {
    fn run(&mut self) {
        (0..self.scenario.isolates).for_each(|isolate| self.next_arrival(isolate));
        let end_us = self.scenario.windows * self.scenario.quota.window_ms * MS;
        while let Some(Reverse((at_us, event))) = self.events.pop() {
            if at_us > end_us {
                return;
            }
            self.now_us = at_us;
            match event {
                Event::Arrival { isolate } => self.arrival(isolate),
                Event::AtObject(message) => self.at_object(message),
                Event::AtIsolate(message, Answer(grant), decided_us) => self.at_isolate(message, grant, decided_us),
            }
        }
    }

    fn chance(&mut self, per_thousand: u64) -> bool {
        self.rng.u64(0..1000) < per_thousand
    }

    fn after(&mut self, delay_us: u64, event: Event) {
        self.events.push(Reverse((self.now_us + delay_us, event)));
    }

    fn sent(&mut self, event: Event) {
        let delay_us = self.rng.u64(0..=self.scenario.delay_ms * MS);
        self.after(delay_us, event);
    }

    /// Requests come by chance, evenly spread: the time between two is exponentially distributed.
    fn next_arrival(&mut self, isolate: usize) {
        let Scenario { quota, isolates, load, .. } = self.scenario;
        let mean_us = (quota.window_ms * MS) as f64 * isolates as f64 / (load * f64::from(quota.limit));
        let delay_us = -(1.0 - self.rng.f64()).ln() * mean_us;
        self.after(delay_us as u64, Event::Arrival { isolate });
    }

    fn clock(&self, skew_ms: i64) -> u64 {
        u64::try_from(EPOCH_MS + skew_ms + (self.now_us / MS).cast_signed()).unwrap()
    }

    fn arrival(&mut self, isolate: usize) {
        self.next_arrival(isolate);
        if self.chance(self.scenario.restarted) {
            let former = &mut self.isolates[isolate];
            *former = Isolate { leases: Leases::default(), life: former.life + 1, ..*former };
        }
        self.outcome.requests += 1;
        let asked_ms = self.clock(self.isolates[isolate].skew_ms);
        let account = Account { project: &self.project, policy: Policy::Users };
        let Isolate { leases, life, .. } = &mut self.isolates[isolate];
        let turn = leases.decide(account, self.scenario.quota, 1, asked_ms);
        let message =
            |ask: Ask, life, waits| Message { isolate, life, asked_ms, cost: ask.cost, lease: ask.lease, waits };
        let life = *life;
        match turn {
            Step::Ask(ask) => {
                self.outcome.awaited += 1;
                self.sent(Event::AtObject(message(ask, life, true)));
            }
            Step::Decided { decision, refill } => {
                if decision.verdict.admitted {
                    self.outcome.admitted.push(self.now_us);
                }
                if let Some(ask) = refill {
                    self.sent(Event::AtObject(message(ask, life, false)));
                }
            }
        }
    }

    fn at_object(&mut self, message: Message) {
        if self.chance(self.scenario.evicted) {
            self.object = serde_json::from_str(&serde_json::to_string(&self.object).unwrap()).unwrap();
        }
        let ask = Ask { default: self.scenario.quota, cost: message.cost, lease: message.lease };
        let grant = self.object.grant(ask, self.clock(self.object_skew_ms));
        if !self.chance(self.scenario.lost) {
            self.sent(Event::AtIsolate(message, Answer(grant), self.now_us));
        }
    }

    fn at_isolate(&mut self, message: Message, grant: Grant, decided_us: u64) {
        let now_ms = self.clock(self.isolates[message.isolate].skew_ms);
        let account = Account { project: &self.project, policy: Policy::Users };
        let isolate = &mut self.isolates[message.isolate];
        let Decision { verdict, by } = if isolate.life == message.life {
            let ask = Ask { default: self.scenario.quota, cost: message.cost, lease: message.lease };
            isolate.leases.on_grant(account, ask, grant, message.asked_ms, now_ms)
        } else {
            // It can still tell the client, if one waits.
            Decision { verdict: grant.verdict, by: DecidedBy::Object }
        };
        if message.waits && verdict.admitted {
            self.outcome.admitted.push(if by == DecidedBy::Object { decided_us } else { self.now_us });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, ..ProptestConfig::default() })]

    /// 700 cases of 16 windows are 11,200 windows.
    #[test]
    fn no_stretch_of_one_window_admits_more_than_the_limit(
        (limit, window_seconds) in prop_oneof![
            (1..5_u32, 1..5_u32),
            (1..300_u32, 1..61_u32),
            (300..1500_u32, 30..61_u32),
        ],
        isolates in 1..=32_usize,
        load in prop_oneof![0.5..3.0, 3.0..20.0],
        delay_ms in 0..=400_u64,
        (lost, evicted, restarted) in (0..100_u64, 0..100_u64, prop_oneof![Just(0), 0..20_u64]),
        seed: u64,
    ) {
        let quota = Quota::new(limit, window_seconds).unwrap();
        let scenario = Scenario { quota, isolates, load, windows: 16, delay_ms, lost, evicted, restarted, seed };
        let outcome = simulate(scenario);
        prop_assert!(outcome.fullest(quota.window_ms * MS) <= limit as usize);
    }
}

#[test]
fn the_largest_limit_of_the_issue_holds_too() {
    for (isolates, load) in [(1, 1.5), (32, 20.0)] {
        let scenario = Scenario { lost: 20, evicted: 20, windows: 2, ..Scenario::calm(100_000, 60, isolates, load) };
        assert!(simulate(scenario).fullest(60_000 * MS) <= 100_000);
    }
}

#[test]
fn a_pushing_client_gets_95_percent_of_the_limit() {
    println!("\n  limit  window  isolates  load    used  awaited");
    for (limit, window_seconds) in
        [(100, 1), (1_000, 10), (100, 60), (500, 60), (10_000, 60), (100_000, 60), (1_000, 3600)]
    {
        for isolates in [1, 8] {
            for load in [1.5, 20.0] {
                let windows = if limit == 100_000 { 7 } else { 42 };
                let scenario = Scenario { windows, ..Scenario::calm(limit, window_seconds, isolates, load) };
                let outcome = simulate(scenario);
                let (used, awaited) = (outcome.used(&scenario), outcome.awaited_share());
                assert!(used >= 0.95, "{used} of {limit} in {window_seconds} s by {isolates} at {load}");
                println!(
                    "{limit:>7} {window_seconds:>5} s {isolates:>9} {load:>5}  {:>5.1}%  {:>6.2}%",
                    used * 100.0,
                    awaited * 100.0
                );
            }
        }
    }
}

#[test]
fn under_a_limit_that_is_not_reached_hardly_a_request_waits() {
    println!("\n  limit  window  isolates  requests/s  delay to   awaited");
    for isolates in [1, 8, 32] {
        for delay_ms in [50, 200, 400] {
            let rate = 100.0 * isolates as f64;
            let load = rate * 60.0 / 1_000_000.0;
            let scenario = Scenario { delay_ms, windows: 3, ..Scenario::calm(1_000_000, 60, isolates, load) };
            let outcome = simulate(scenario);
            let awaited = outcome.awaited_share();
            assert!(awaited <= 0.02, "{awaited} by {isolates} at {delay_ms} ms");
            println!("1000000    60 s {isolates:>9}  100 each  {delay_ms:>7} ms  {:>6.2}%", awaited * 100.0);
        }
    }
}
