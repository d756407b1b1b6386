//! What isolates and an object say to each other about a limit.

use roster::key::Project;
use roster::limit::{Account, Ask, DecidedBy, Grant, Leases, Ledger, Policy, Quota, Step, Verdict};

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

fn project() -> Project {
    Project::default()
}

/// Three isolates with clocks of their own, and an object whose clock may step back.
struct Traffic {
    quota: Quota,
    project: Project,
    /// The true time.
    now_ms: u64,
    isolates: [Isolate; 3],
    object: Ledger,
    object_behind_ms: u64,
    /// What the object has stored of time.
    latest_ms: u64,
    under_way: Vec<Message>,
    /// The moments of admission.
    admitted: Vec<u64>,
}

#[derive(Default)]
struct Isolate {
    leases: Leases,
    ahead_ms: u64,
    life: u32,
}

struct Message {
    isolate: usize,
    life: u32,
    ask: Ask,
    asked_ms: u64,
    waits: bool,
    /// The object's answer, and when it was given.
    answer: Option<(Grant, u64)>,
}

impl Traffic {
    fn run(choice: u8, mut bytes: &[u8]) {
        let (limit, window_seconds) =
            [(1, 1), (2, 3), (8, 1), (20, 7), (64, 1), (100, 60), (300, 2), (1000, 5)][usize::from(choice & 7)];
        let mut traffic = Traffic {
            quota: Quota::new(limit, window_seconds).unwrap(),
            project: project(),
            now_ms: T0_MS,
            isolates: Default::default(),
            object: Ledger::default(),
            object_behind_ms: 0,
            latest_ms: 0,
            under_way: Vec::new(),
            admitted: Vec::new(),
        };
        while let [deed, size, rest @ ..] = bytes {
            traffic.step(*deed, *size);
            bytes = rest;
        }
        traffic.admitted.sort_unstable();
        let window_ms = traffic.quota.window_ms;
        for (i, at) in traffic.admitted.iter().enumerate() {
            let in_stretch = traffic.admitted[i..].iter().take_while(|later| **later < at + window_ms).count();
            assert!(in_stretch <= limit as usize, "{in_stretch} of {limit}");
        }
    }

    fn step(&mut self, deed: u8, size: u8) {
        let isolate = usize::from(size) % self.isolates.len();
        match deed % 12 {
            0 | 1 => self.request(isolate, 1),
            2 => (0..size % 32).for_each(|_| self.request(isolate, 1)),
            3 => self.request(isolate, 0),
            4 => self.now_ms += u64::from(size),
            5 => self.now_ms += 16 * u64::from(size),
            6 | 7 => self.deliver(usize::from(size)),
            8 => (0..self.under_way.len()).for_each(|_| self.deliver(0)),
            9 => self.lose(usize::from(size)),
            10 => {
                let life = self.isolates[isolate].life + 1;
                // Its clock is its own, but never runs back while it lives.
                self.isolates[isolate] = Isolate { life, ahead_ms: u64::from(size) * 100, ..Isolate::default() };
            }
            _ => self.object_behind_ms += 10 * u64::from(size),
        }
        self.latest_ms = stored(&mut self.object, self.latest_ms);
    }

    fn request(&mut self, isolate: usize, cost: u32) {
        let account = Account { project: &self.project, policy: Policy::Users };
        let Isolate { leases, ahead_ms, life } = &mut self.isolates[isolate];
        let (asked_ms, life) = (self.now_ms + *ahead_ms, *life);
        let (ask, waits) = match leases.decide(account, self.quota, cost, asked_ms) {
            Step::Ask(ask) => (Some(ask), true),
            Step::Decided { decision, refill } => {
                if cost > 0 && decision.verdict.admitted && decision.by != DecidedBy::Fallback {
                    self.admitted.push(self.now_ms);
                }
                (refill, false)
            }
        };
        self.under_way.extend(ask.map(|ask| Message { isolate, life, ask, asked_ms, waits, answer: None }));
    }

    /// Moves a message one way: to the object, or with its answer to the isolate.
    fn deliver(&mut self, which: usize) {
        if self.under_way.is_empty() {
            return;
        }
        let mut message = self.under_way.remove(which % self.under_way.len());
        let Some((grant, decided_ms)) = message.answer else {
            let grant = self.object.grant(message.ask, self.now_ms - self.object_behind_ms.min(T0_MS));
            message.answer = Some((sent(grant), self.now_ms));
            self.under_way.push(message);
            return;
        };
        let Message { isolate, life, ask, asked_ms, waits, .. } = message;
        let account = Account { project: &self.project, policy: Policy::Users };
        let isolate = &mut self.isolates[isolate];
        let mut outcome = (grant.verdict.admitted, DecidedBy::Object);
        if isolate.life == life {
            let decision = isolate.leases.on_grant(account, ask, grant, asked_ms, self.now_ms + isolate.ahead_ms);
            outcome = (decision.verdict.admitted, decision.by);
        }
        if waits && ask.cost > 0 && outcome.0 {
            self.admitted.push(if outcome.1 == DecidedBy::Object { decided_ms } else { self.now_ms });
        }
    }

    /// Loses a message; its isolate gives up waiting.
    fn lose(&mut self, which: usize) {
        if self.under_way.is_empty() {
            return;
        }
        let Message { isolate, life, ask, waits, .. } = self.under_way.remove(which % self.under_way.len());
        let account = Account { project: &self.project, policy: Policy::Users };
        let isolate = &mut self.isolates[isolate];
        if waits && isolate.life == life {
            let decision = isolate.leases.on_unreachable(account, ask, self.now_ms + isolate.ahead_ms);
            assert_eq!(decision.by, DecidedBy::Fallback);
        }
    }
}

/// An answer as it arrives, which is as it was sent.
fn sent(grant: Grant) -> Grant {
    let arrived = serde_json::from_str(&serde_json::to_string(&grant).unwrap()).unwrap();
    assert_eq!(grant, arrived);
    arrived
}

/// Evicts an object: what it stored is what it finds again, and time has not run back in it.
fn stored(ledger: &mut Ledger, latest_ms: u64) -> u64 {
    let row = serde_json::to_string(ledger).unwrap();
    let found: Ledger = serde_json::from_str(&row).unwrap();
    assert_eq!(found, *ledger);
    *ledger = found;
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    let stored_ms = row["window"]["latest_ms"].as_u64().unwrap_or(0);
    assert!(stored_ms >= latest_ms, "{stored_ms} after {latest_ms}");
    stored_ms
}

/// Each line is a message or a row as another version or a broken peer might have it, or moves the clocks.
fn takes_any_message(input: &[u8]) {
    let project = project();
    let account = Account { project: &project, policy: Policy::Users };
    let default = Quota::new(5, 60).unwrap();
    let (mut object, mut leases) = (Ledger::default(), Leases::default());
    let (mut now_ms, mut latest_ms) = (T0_MS, 0);
    for line in input.split(|byte| *byte == b'\n') {
        if let Ok(step_ms) = serde_json::from_slice::<i64>(line) {
            now_ms = now_ms.saturating_add_signed(step_ms).min(END_MS);
            if object.drop_idle_window(now_ms).is_none() {
                latest_ms = 0;
            }
        } else if let Ok(quota) = serde_json::from_slice(line) {
            object.set_quota(quota);
        } else if let Ok(ask) = serde_json::from_slice::<Ask>(line) {
            let Grant { verdict, lease } = sent(object.grant(ask, now_ms));
            let Verdict { quota, remaining, .. } = verdict;
            assert!(remaining <= quota.limit && lease <= ask.lease);
            assert!(!verdict.admitted || ask.cost <= quota.limit);
            latest_ms = stored(&mut object, latest_ms);
        } else if let Ok(grant) = serde_json::from_slice::<Grant>(line) {
            let turn = leases.decide(account, default, 1, now_ms);
            if let Step::Ask(ask) | Step::Decided { refill: Some(ask), .. } = turn {
                let asked_ms = now_ms;
                now_ms = (now_ms + 10).min(END_MS);
                leases.on_grant(account, ask, grant, asked_ms, now_ms);
            }
            leases.decide(account, default, 0, now_ms);
        } else if let Ok(row) = serde_json::from_slice::<Ledger>(line) {
            (object, latest_ms) = (row, 0);
        } else {
            let ask = Ask { default, cost: 1, lease: 1 };
            leases.on_unreachable(account, ask, now_ms);
        }
    }
}
