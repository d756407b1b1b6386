//! What isolates and an object say to each other about a limit.

use crate::simulation::{Exchange, Simulation, evict, fullest, sent};
use roster::json;
use roster::key::Project;
use roster::rate_limit::{Account, Grant, LeaseRequest, Leases, Ledger, Policy, Quota, Step, Verdict};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

const ISOLATES: usize = 3;
const T0_MS: u64 = 1_700_000_000_000;
/// The last moment that a clock of JavaScript knows.
const END_MS: u64 = 8_640_000_000_000_000;

/// The first byte chooses: traffic as it should be, with delays and losses, or any messages at all.
pub fn take(input: &[u8]) {
    match input.split_first() {
        Some((choice, rest)) if choice & 1 == 0 => Traffic::run(choice >> 1, rest),
        Some((_, rest)) => takes_any_message(rest),
        None => {}
    }
}

/// Three isolates and an object, whose clock may step back.
struct Traffic {
    simulation: Simulation,
    under_way: Vec<Exchange>,
}

impl Traffic {
    fn run(choice: u8, mut bytes: &[u8]) {
        let (limit, window_seconds) =
            [(1, 1), (2, 3), (8, 1), (20, 7), (64, 1), (100, 60), (300, 2), (1000, 5)][usize::from(choice & 7)];
        let quota = Quota::new(limit, window_seconds).unwrap();
        let mut traffic = Traffic { simulation: Simulation::new(quota, [0; ISOLATES]), under_way: Vec::new() };
        while let [deed, size, rest @ ..] = bytes {
            traffic.step(*deed, *size);
            bytes = rest;
        }
        let most = fullest(&traffic.simulation.into_admissions(), quota);
        assert!(most <= limit as usize, "{most} of {limit}");
    }

    fn step(&mut self, deed: u8, size: u8) {
        let which = usize::from(size);
        let isolate = which % ISOLATES;
        match deed % 14 {
            0 | 1 => self.request(isolate, 1),
            2 => (0..size % 32).for_each(|_| self.request(isolate, 1)),
            3 => self.request(isolate, 0),
            4 => self.simulation.now_us += 1000 * u64::from(size),
            5 => self.simulation.now_us += 16_000 * u64::from(size),
            6 | 7 => self.deliver(which),
            8 => (0..self.under_way.len()).for_each(|_| self.deliver(0)),
            9 => {
                if let Some(message) = self.pick(which) {
                    self.simulation.lose(&message);
                }
            }
            // Its clock is its own, but never runs back while it lives.
            10 => self.simulation.restart(isolate, Some(i64::from(size) * 100)),
            11 => self.simulation.object_skew_ms -= 10 * i64::from(size),
            12 => self.simulation.evict_object(),
            _ => {
                if let Some(mut message) = self.pick(which) {
                    message.ask_again();
                    self.under_way.push(message);
                }
            }
        }
    }

    fn request(&mut self, isolate: usize, cost: u32) {
        self.under_way.extend(self.simulation.request(isolate, cost));
    }

    fn deliver(&mut self, which: usize) {
        if let Some(message) = self.pick(which) {
            self.under_way.extend(self.simulation.deliver(message));
        }
    }

    fn pick(&mut self, which: usize) -> Option<Exchange> {
        let at = which.checked_rem(self.under_way.len())?;
        Some(self.under_way.remove(at))
    }
}

/// Each line is a message or a row as another version or a broken peer might have it, or moves the clocks.
fn takes_any_message(input: &[u8]) {
    let project = Project::default();
    let account = Account { project: &project, policy: Policy::Users };
    let default = Quota::new(5, 60).unwrap();
    let (mut object, mut leases) = (Ledger::default(), Leases::default());
    let (mut now_ms, mut stored_ms) = (T0_MS, 0);
    for line in input.split(|byte| *byte == b'\n') {
        if let Ok(step_ms) = serde_json::from_slice::<i64>(line) {
            now_ms = now_ms.saturating_add_signed(step_ms).min(END_MS);
            if object.drop_idle_window(now_ms).is_none() {
                stored_ms = 0;
            }
        } else if let Some(quota) = read(line) {
            object.set_quota(quota);
        } else if let Some(request) = read::<LeaseRequest>(line) {
            let Grant { verdict, lease } = sent(object.grant(&request, now_ms));
            let Verdict { quota, remaining, .. } = verdict;
            assert!(remaining <= quota.limit && lease.tokens <= request.lease);
            assert!(!verdict.admitted || request.cost <= quota.limit);
            stored_ms = evict(&mut object, stored_ms);
        } else if let Some(grant) = read::<Grant>(line) {
            let turn = leases.decide(account, default, 1, now_ms);
            if let Step::Ask(request) | Step::Decided { refill: Some(request), .. } = turn {
                let asked_ms = now_ms;
                now_ms = (now_ms + 10).min(END_MS);
                leases.on_grant(account, &request, grant, asked_ms, now_ms);
            }
            leases.decide(account, default, 0, now_ms);
        } else if let Some(row) = read::<Ledger>(line) {
            (object, stored_ms) = (row, 0);
        } else if let Some(row) = line.strip_prefix(b"row ") {
            (object, stored_ms) = (Ledger::recover(&String::from_utf8_lossy(row), now_ms), 0);
        } else {
            let request = LeaseRequest { default, cost: 1, lease: 1, unspent: Vec::new() };
            leases.on_unreachable(account, &request, now_ms);
        }
    }
}

/// As the Worker reads a line; serde_json then reads the same.
fn read<T: DeserializeOwned + PartialEq + Debug>(line: &[u8]) -> Option<T> {
    let line = str::from_utf8(line).ok()?;
    let read = json::from_str(line).ok()?;
    assert_eq!(serde_json::from_str::<T>(line).ok().as_ref(), Some(&read));
    Some(read)
}
