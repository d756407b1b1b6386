//! The limiter's promise under traffic by chance: requests, delays, losses, evictions and restarts, planned to the
//! microsecond, in the simulator of `tests/reference/`.
//!
//! `cargo test --test limiter -- --nocapture` prints the figures.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]

use fastrand::Rng;
use proptest::prelude::*;
use roster::rate_limit::Quota;
use roster_reference::simulation::{Exchange, Simulation, fullest};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Microseconds of a millisecond.
const MS: u64 = 1000;

#[derive(Clone, Copy, Debug)]
struct Scenario {
    quota: Quota,
    isolates: usize,
    /// Requests sent, as a multiple of the limit.
    load: f64,
    /// Requests that come to an isolate at once. What many at once lease, they do not spend.
    burst: u64,
    /// Windows simulated.
    windows: u64,
    /// A message takes up to this, one way.
    delay_ms: u64,
    /// Of a thousand messages, so many take up to three windows.
    late: u64,
    /// Of a thousand answers, so many are lost.
    lost: u64,
    /// Of a thousand answers, so many are lost in such a way that the client asks again.
    again: u64,
    /// Of a thousand messages, before so many arrive the object is evicted from memory.
    evicted: u64,
    /// Of a thousand requests, before so many their isolate is started anew.
    restarted: u64,
    seed: u64,
}

impl Scenario {
    fn calm(limit: u32, window_seconds: u32, isolates: usize, load: f64) -> Self {
        let quota = Quota::new(limit, window_seconds).unwrap();
        let (burst, windows, delay_ms, seed) = (1, 4, 400, 7);
        let (late, lost, again, evicted, restarted) = (0, 0, 0, 0, 0);
        Scenario { quota, isolates, load, burst, windows, delay_ms, late, lost, again, evicted, restarted, seed }
    }
}

#[derive(Debug)]
struct Outcome {
    requests: u64,
    /// Requests that waited for the object.
    awaited: u64,
    /// The moments of admission, in microseconds.
    admissions: Vec<u64>,
}

impl Outcome {
    /// The share of the quota that was used in a stretch of one window, on average over stretches that end after the
    /// second window, by when the first rush is over.
    fn used(&self, scenario: &Scenario) -> f64 {
        const STEPS: u64 = 200;
        let window_us = scenario.quota.window_ms * MS;
        let before = |at_us: u64| self.admissions.partition_point(|admitted| *admitted < at_us);
        let ends = 2 * STEPS..=scenario.windows * STEPS;
        let in_stretch = |end: u64| before(end * window_us / STEPS) - before((end - STEPS) * window_us / STEPS);
        let stretches = ends.clone().count() as f64;
        ends.map(in_stretch).sum::<usize>() as f64 / stretches / f64::from(scenario.quota.limit)
    }

    fn awaited_share(&self) -> f64 {
        self.awaited as f64 / self.requests as f64
    }
}

enum Event {
    Change(Quota),
    /// The object's clock, by so many milliseconds.
    StepBack(i64),
    Arrival {
        isolate: usize,
    },
    Delivery(Exchange),
}

/// Chooses what happens when, by chance.
struct Traffic {
    scenario: Scenario,
    rng: Rng,
    simulation: Simulation,
    /// By their moments in microseconds; those of one moment in the order in which they were planned.
    events: BTreeMap<(u64, u64), Event>,
    planned: u64,
    requests: u64,
    awaited: u64,
}

fn simulate(scenario: Scenario) -> Outcome {
    let mut rng = Rng::with_seed(scenario.seed);
    let mut skew_ms = || rng.i64(-2000..=2000);
    let mut simulation = Simulation::new(scenario.quota, (0..scenario.isolates).map(|_| skew_ms()));
    simulation.object_skew_ms = skew_ms();
    let mut traffic = Traffic::new(scenario, rng, simulation);
    traffic.run(scenario.windows * scenario.quota.window_ms * MS);
    let Traffic { simulation, requests, awaited, .. } = traffic;
    Outcome { requests, awaited, admissions: simulation.into_admissions() }
}

impl Traffic {
    fn new(scenario: Scenario, rng: Rng, simulation: Simulation) -> Self {
        Traffic { scenario, rng, simulation, events: BTreeMap::new(), planned: 0, requests: 0, awaited: 0 }
    }

    fn run(&mut self, end_us: u64) {
        (0..self.scenario.isolates).for_each(|isolate| self.next_arrival(isolate));
        while let Some(((at_us, _), event)) = self.events.pop_first() {
            if at_us > end_us {
                return;
            }
            self.simulation.now_us = at_us;
            match event {
                Event::Change(quota) => self.simulation.change_quota(quota),
                Event::StepBack(ms) => self.simulation.object_skew_ms -= ms,
                Event::Arrival { isolate } => self.arrival(isolate),
                Event::Delivery(exchange) => self.delivery(exchange),
            }
        }
    }

    fn chance(&mut self, per_thousand: u64) -> bool {
        self.rng.u64(0..1000) < per_thousand
    }

    fn after(&mut self, delay_us: u64, event: Event) {
        self.planned += 1;
        self.events.insert((self.simulation.now_us + delay_us, self.planned), event);
    }

    /// Requests come by chance, evenly spread: the time between two is exponentially distributed.
    fn next_arrival(&mut self, isolate: usize) {
        let Scenario { quota, isolates, load, burst, .. } = self.scenario;
        let mean_us = (quota.window_ms * MS * burst) as f64 * isolates as f64 / (load * f64::from(quota.limit));
        let delay_us = -(1.0 - self.rng.f64()).ln() * mean_us;
        self.after(delay_us as u64, Event::Arrival { isolate });
    }

    fn arrival(&mut self, isolate: usize) {
        self.next_arrival(isolate);
        if self.chance(self.scenario.restarted) {
            self.simulation.restart(isolate, None);
        }
        for _ in 0..self.scenario.burst {
            self.requests += 1;
            if let Some(exchange) = self.simulation.request(isolate, 1) {
                self.awaited += u64::from(exchange.waits());
                self.send(exchange);
            }
        }
    }

    fn send(&mut self, exchange: Exchange) {
        let Scenario { quota, delay_ms, late, .. } = self.scenario;
        let longest_ms = if self.chance(late) { 3 * quota.window_ms } else { delay_ms };
        let delay_us = self.rng.u64(0..=longest_ms * MS);
        self.after(delay_us, Event::Delivery(exchange));
    }

    fn delivery(&mut self, exchange: Exchange) {
        if self.chance(self.scenario.evicted) {
            self.simulation.evict_object();
        }
        if let Some(mut answer) = self.simulation.deliver(exchange)
            && !self.chance(self.scenario.lost)
        {
            if self.chance(self.scenario.again) {
                answer.ask_again();
            }
            self.send(answer);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, ..ProptestConfig::default() })]

    /// 700 cases of 16 windows are 11,200 windows.
    #[test]
    fn no_stretch_of_one_window_admits_more_than_the_limit(
        // A case of a large limit has as many requests as ten of the others.
        (limit, window_seconds) in prop_oneof![
            3 => (1..5_u32, 1..5_u32),
            3 => (1..300_u32, 1..61_u32),
            1 => (300..1500_u32, 30..61_u32),
        ],
        isolates in 1..=32_usize,
        load in prop_oneof![0.5..3.0, 3.0..20.0],
        burst in prop_oneof![Just(1), 2..50_u64],
        delay_ms in prop_oneof![0..20_u64, 0..=400_u64],
        (late, lost, again) in (0..20_u64, 0..100_u64, 0..200_u64),
        (evicted, restarted) in (0..50_u64, prop_oneof![Just(0), 0..20_u64]),
        seed: u64,
    ) {
        let quota = Quota::new(limit, window_seconds).unwrap();
        let chances = Scenario { late, lost, again, evicted, restarted, ..Scenario::calm(limit, window_seconds, isolates, load) };
        let scenario = Scenario { burst, windows: 16, delay_ms, seed, ..chances };
        let outcome = simulate(scenario);
        prop_assert!(fullest(&outcome.admissions, quota) <= limit as usize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// With leases out, and whatever the windows, while the object's clock steps back at times.
    #[test]
    fn no_stretch_admits_more_when_limits_and_windows_change(
        windows in prop::sample::select(vec![
            &[1, 60][..], &[1, 2, 3, 10, 60], &[2, 3, 5, 30], &[1, 2, 60, 300, 3600, 86_400], &[3],
        ]),
        isolates in 1..=16_usize,
        load in 1.0..6.0,
        burst in prop_oneof![Just(1), 2..50_u64],
        delay_ms in prop::sample::select(vec![1, 5, 20, 100, 400_u64]),
        (late, lost, again) in (0..20_u64, 0..80_u64, 0..200_u64),
        (evicted, restarted) in (0..50_u64, 0..20_u64),
        step_back_ms in prop_oneof![Just(0), 1..700_000_i64],
        seed: u64,
    ) {
        let quota = Quota::new(200, 1).unwrap();
        let chances = Scenario { late, lost, again, evicted, restarted, ..Scenario::calm(200, 1, isolates, load) };
        let scenario = Scenario { burst, windows: 8, delay_ms, seed, ..chances };
        let mut rng = Rng::with_seed(seed);
        let skews_ms = [(); 16].map(|()| rng.i64(-2000..=2000));
        let mut traffic = Traffic::new(scenario, rng, Simulation::new(quota, skews_ms));
        let end_us = scenario.windows * quota.window_ms * MS;
        let mut at_us = 0;
        while at_us < end_us {
            let seconds = *traffic.rng.choice(windows).unwrap();
            let limit = if seconds >= 300 { traffic.rng.u32(50..=200) } else { traffic.rng.u32(150..=200) };
            traffic.after(at_us, Event::Change(Quota::new(limit, seconds).unwrap()));
            at_us += traffic.rng.u64(100 * MS..3000 * MS);
        }
        if step_back_ms > 0 {
            for _ in 0..3 {
                let at_us = traffic.rng.u64(0..end_us);
                traffic.after(at_us, Event::StepBack(step_back_ms));
            }
        }
        traffic.run(end_us);
        prop_assert_eq!(traffic.simulation.excess(), None);
    }
}

/// A message there, and its answer back.
fn exchange(simulation: &mut Simulation, message: Option<Exchange>) {
    if let Some(answer) = message.and_then(|message| simulation.deliver(message)) {
        simulation.deliver(answer);
    }
}

/// Two isolates have leases in one slot. One spends its own; the other gives it back by a message of which nobody knows
/// whether it arrived, and which is sent again.
#[test]
fn what_is_given_back_by_a_message_that_is_sent_again_frees_nothing_that_others_spent() {
    let mut simulation = Simulation::new(Quota::new(500, 60).unwrap(), [0, 0]);
    for isolate in [0, 1] {
        let messages: Vec<_> = (0..60).map(|_| simulation.request(isolate, 1)).collect();
        for message in messages {
            exchange(&mut simulation, message);
        }
        // By now the isolate expects many.
        let message = simulation.request(isolate, 1);
        exchange(&mut simulation, message);
    }
    let before = simulation.admitted();
    while !simulation.request(1, 1).is_some_and(|message| message.waits()) {}
    assert!(simulation.admitted() > before + 20, "hardly anything was leased");
    simulation.now_us += 1_250 * MS;
    let message = simulation.request(0, 1).unwrap();
    let mut answer = simulation.deliver(message).unwrap();
    answer.ask_again();
    exchange(&mut simulation, Some(answer));
    for isolate in [0, 1].into_iter().cycle().take(1000) {
        let message = simulation.request(isolate, 1);
        exchange(&mut simulation, message);
    }
    // What the lost answer granted is wasted.
    assert!((450..=500).contains(&simulation.admitted()), "{}", simulation.admitted());
}

#[test]
fn the_largest_limit_of_the_issue_holds_too() {
    for (isolates, load) in [(1, 1.5), (32, 20.0)] {
        let scenario = Scenario { lost: 20, evicted: 20, windows: 2, ..Scenario::calm(100_000, 60, isolates, load) };
        assert!(fullest(&simulate(scenario).admissions, scenario.quota) <= 100_000);
    }
}

#[test]
fn a_pushing_client_gets_95_percent_of_the_limit() {
    println!("\n  limit  window  isolates  load    used  awaited");
    for (limit, window_seconds, windows) in [
        (100, 1, 42),
        (1_000, 10, 42),
        (100, 60, 42),
        (500, 60, 42),
        (10_000, 60, 14),
        (100_000, 60, 4),
        (1_000, 3600, 42),
    ] {
        for isolates in [1, 8] {
            for load in [1.5, 20.0] {
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

/// A client that sends all the time, as in `bench/limits.mjs`: each connection sends its next call as soon as the last one
/// was answered, after a 429 too. A call that is admitted waits for D1, which writes one at a time, and slower than the
/// Worker refuses.
struct Push {
    rng: Rng,
    simulation: Simulation,
    events: BTreeMap<(u64, u64), Turn>,
    planned: u64,
    /// When the Worker's thread and D1 have done what is planned for them.
    thread_free_us: u64,
    d1_free_us: u64,
    pace: Pace,
    calls: u64,
    awaited: u64,
}

/// How long things take, in microseconds.
#[derive(Clone, Debug)]
struct Pace {
    thread: RangeInclusive<u64>,
    /// A message to the object, or back.
    one_way: RangeInclusive<u64>,
    d1: RangeInclusive<u64>,
}

const PACES: [Pace; 3] = [
    Pace { thread: 300..=600, one_way: 300..=1500, d1: 1000..=4000 },
    Pace { thread: 1000..=3000, one_way: 2000..=15_000, d1: 2000..=8000 },
    Pace { thread: 300..=600, one_way: 10_000..=40_000, d1: 2000..=8000 },
];

/// What happens next to a call, or to a request of the limiter's object.
enum Turn {
    Call,
    Ask(Exchange),
}

impl Push {
    /// Until all of one window's limit is admitted, if there is only one.
    fn run(Scenario { quota, windows, seed, .. }: Scenario, at_once: usize, pace: &Pace) -> Outcome {
        let mut push = Push {
            rng: Rng::with_seed(seed),
            simulation: Simulation::new(quota, [0]),
            events: BTreeMap::new(),
            planned: 0,
            thread_free_us: 0,
            d1_free_us: 0,
            pace: pace.clone(),
            calls: 0,
            awaited: 0,
        };
        (0..at_once).for_each(|_| push.on_thread(0, Turn::Call));
        while let Some(((at_us, _), turn)) = push.events.pop_first() {
            let is_whole = windows == 1 && push.simulation.admitted() >= quota.limit as usize;
            if at_us > windows * quota.window_ms * MS || is_whole {
                break;
            }
            push.simulation.now_us = at_us;
            push.take(turn);
        }
        Outcome { requests: push.calls, awaited: push.awaited, admissions: push.simulation.into_admissions() }
    }

    /// Plans a turn of the Worker's thread, which takes one at a time.
    fn on_thread(&mut self, from_us: u64, turn: Turn) {
        self.thread_free_us = self.thread_free_us.max(from_us) + self.rng.u64(self.pace.thread.clone());
        self.planned += 1;
        self.events.insert((self.thread_free_us, self.planned), turn);
    }

    fn take(&mut self, turn: Turn) {
        let now_us = self.simulation.now_us;
        let before = self.simulation.admitted();
        let is_answered = match turn {
            Turn::Call => {
                self.calls += 1;
                let exchange = self.simulation.request(0, 1);
                let waits = exchange.as_ref().is_some_and(Exchange::waits);
                self.awaited += u64::from(waits);
                if let Some(exchange) = exchange {
                    self.send(exchange);
                }
                !waits
            }
            Turn::Ask(exchange) => {
                let waits = exchange.waits();
                let answer = self.simulation.deliver(exchange);
                let is_back = answer.is_none();
                if let Some(answer) = answer {
                    self.send(answer);
                }
                is_back && waits
            }
        };
        if is_answered && self.simulation.admitted() > before {
            self.d1_free_us = self.d1_free_us.max(now_us) + self.rng.u64(self.pace.d1.clone());
            self.at(self.d1_free_us, Turn::Call);
        } else if is_answered {
            self.on_thread(now_us, Turn::Call);
        }
    }

    fn send(&mut self, exchange: Exchange) {
        let delay_us = self.rng.u64(self.pace.one_way.clone());
        self.at(self.simulation.now_us + delay_us, Turn::Ask(exchange));
    }

    fn at(&mut self, at_us: u64, turn: Turn) {
        self.planned += 1;
        self.events.insert((at_us, self.planned), turn);
    }
}

#[test]
fn a_burst_gets_all_of_its_first_window() {
    println!("\n  limit  window  at once  one way to     least  mean");
    for (limit, window_seconds) in [(100, 1), (100, 3), (300, 10), (500, 60)] {
        for pace in PACES {
            for at_once in [4, 8, 24, 64] {
                // Sends fewer than 100 a second.
                if (limit, window_seconds, at_once) == (100, 1, 4) && *pace.one_way.start() == 10_000 {
                    continue;
                }
                let quota = Quota::new(limit, window_seconds).unwrap();
                let first = |seed| {
                    let scenario =
                        Scenario { windows: 1, seed, ..Scenario::calm(limit, window_seconds, 1, f64::INFINITY) };
                    let outcome = Push::run(scenario, at_once, &pace);
                    assert!(fullest(&outcome.admissions, quota) <= limit as usize);
                    outcome.admissions.len() as f64 / f64::from(limit)
                };
                let firsts: Vec<f64> = (0..60).map(first).collect();
                let least = firsts.iter().copied().fold(f64::INFINITY, f64::min);
                assert!(least >= 0.97, "{least} of {limit} in {window_seconds} s, {at_once} at once, {pace:?}");
                println!(
                    "{limit:>7} {window_seconds:>5} s {at_once:>8} {:>8} us  {:>6.1}%  {:>5.1}%",
                    pace.one_way.end(),
                    least * 100.0,
                    firsts.iter().sum::<f64>() / 60.0 * 100.0
                );
            }
        }
    }
}

#[test]
fn a_client_that_sends_on_while_it_is_refused_gets_97_percent_of_the_limit() {
    println!("\n  limit  window  at once  one way to     all    used  awaited");
    for (limit, window_seconds, windows) in [(100, 3, 42), (300, 10, 42), (500, 60, 21)] {
        for pace in PACES {
            for at_once in [4, 8, 24, 64] {
                let scenario = Scenario { windows, ..Scenario::calm(limit, window_seconds, 1, f64::INFINITY) };
                let outcome = Push::run(scenario, at_once, &pace);
                let all = outcome.admissions.len() as f64 / (f64::from(limit) * scenario.windows as f64);
                let (used, awaited) = (outcome.used(&scenario), outcome.awaited_share());
                assert!(fullest(&outcome.admissions, scenario.quota) <= limit as usize);
                // Of a window on average, 95.6 % can be had of what is leased.
                assert!(all >= 0.97 && used >= 0.95, "{all}, {used} of {limit}, {at_once} at once, {pace:?}");
                println!(
                    "{limit:>7} {window_seconds:>5} s {at_once:>8} {:>8} us  {:>5.1}%  {:>5.1}%  {:>6.2}%",
                    pace.one_way.end(),
                    all * 100.0,
                    used * 100.0,
                    awaited * 100.0
                );
            }
        }
    }
}
