//! What a webhook does next: a pure machine of (state, now, what came back).
//!
//! It takes a page of changes behind its position and sends each one, some at once. A state that is refused is not kept: its
//! user is held back, and each further try reads and sends what the user is then. The position moves past what was delivered
//! or is held back, so that it and the users who are held back are all that must be stored.
//!
//! Of one user, one message is in flight at a time, and a user who is held back has no entry on a page. So no older state
//! follows a newer.

use super::held_back::{HeldBack, HeldBackUsers};
use super::message::Message;
use super::page::Page;
use super::waits::{Waits, retry_after_ms};
use super::webhook::{Disabled, DisabledReason, Failure, Position, Selection, Webhook};
use crate::bounds::MAX_IN_FLIGHT;
use crate::store::{ChangedUser, ChangesPage, FollowFrom};
use std::collections::VecDeque;

/// Changes on a page where each is a message.
const PAGE_CHANGES: u32 = 100;
/// Messages of several changes that a page is enough for.
const PAGE_MESSAGES: u32 = 6;
/// Users who are read at once to be sent again: all of them fit on a page, however large they are.
const MAX_READ: usize = 30;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Read a page of changes, and hand it to [`Queue::met`] with this number.
    Look {
        /// Of the page.
        number: u32,
        /// From where on.
        from: FollowFrom,
        /// Changes on it, at most.
        limit: u32,
    },
    /// Read these users as they are now, and hand them to [`Queue::send_again`].
    Read(Vec<String>),
    /// Send a message, and say by its number what came back.
    Send(u32, Message),
    /// Wait for what is in flight.
    Wait,
    /// Nothing, until [`Queue::wake_at`].
    Sleep,
}

/// What came back of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer: its status, and its `Retry-After`.
    Answered(u16, Option<String>),
    /// None: why not.
    Failed(String),
}

/// A user in a message.
#[derive(Debug)]
struct Item {
    external_id: String,
    revision: u64,
    /// The page that it is of. None: it is held back.
    page: Option<u32>,
}

/// A webhook at work.
#[derive(Debug)]
pub struct Queue {
    /// What it is. After a change of it, [`Queue::changed`].
    pub webhook: Webhook,
    selection: Selection,
    waits: Waits,
    held_back: HeldBackUsers,
    page: Page,
    again: VecDeque<Vec<ChangedUser>>,
    in_flight: Vec<(u32, Vec<Item>)>,
    flights: u32,
    /// When the feed is to be looked at.
    look_at: u64,
    /// Whether somebody asked for a look since the last one began.
    is_asked: bool,
    /// Whether the webhook is to be stored.
    is_touched: bool,
    /// What to say of it in the log.
    log: Vec<String>,
}

impl Queue {
    /// A webhook and its users who are held back, as they were stored. It looks at the feed at once.
    pub fn new(webhook: Webhook, held_back: Vec<(String, HeldBack)>, waits: Waits) -> Self {
        Queue {
            selection: Selection::of(&webhook.choice),
            webhook,
            waits,
            held_back: HeldBackUsers::new(held_back),
            page: Page::default(),
            again: VecDeque::new(),
            in_flight: Vec::new(),
            flights: 0,
            look_at: 0,
            is_asked: false,
            is_touched: false,
            log: Vec::new(),
        }
    }

    /// What to do now. With `goes_on` false nothing new is begun.
    pub fn next(&mut self, now: u64, goes_on: bool) -> Step {
        if goes_on && self.webhook.is_active() && self.in_flight.len() < MAX_IN_FLIGHT {
            if let Some(changes) = self.again.pop_front() {
                return self.send(&changes, None);
            }
            let due = self.due(now);
            if !due.is_empty() {
                return Step::Read(due);
            }
            if let Some(changes) = self.take_from_page() {
                return self.send(&changes, Some(self.page.number));
            }
            if self.look_at <= now && self.is_settled() && !self.held_back.is_full() {
                self.is_asked = false;
                let limit = PAGE_CHANGES.max(self.webhook.choice.batch * PAGE_MESSAGES);
                return Step::Look { number: self.page.number, from: self.position().into(), limit };
            }
        }
        if self.in_flight.is_empty() { Step::Sleep } else { Step::Wait }
    }

    /// Whether no change of a page is open, this one or an earlier one.
    fn is_settled(&self) -> bool {
        self.page.is_settled() && self.items_in_flight().all(|item| item.page.is_none())
    }

    /// Users who are due to be tried again, no more than can be sent at once.
    fn due(&self, now: u64) -> Vec<String> {
        let room = (MAX_IN_FLIGHT - self.in_flight.len()) * self.webhook.choice.batch as usize;
        let is_in_flight = |id: &str| self.items_in_flight().any(|item| item.external_id == id);
        let due = self.held_back.due(now).filter(|id| !is_in_flight(id));
        due.take(room.min(MAX_READ)).map(str::to_owned).collect()
    }

    fn items_in_flight(&self) -> impl Iterator<Item = &Item> {
        self.in_flight.iter().flat_map(|(_, items)| items)
    }

    fn take_from_page(&mut self) -> Option<Vec<ChangedUser>> {
        let mut changes = Vec::new();
        while changes.len() < self.webhook.choice.batch as usize && !self.held_back.is_full() {
            let Some(change) = self.page.waiting.pop_front() else { break };
            if self.selection.includes(&change) {
                changes.push(change);
            } else {
                self.page.settle(change.external_id(), change.revision());
            }
        }
        (!changes.is_empty()).then_some(changes)
    }

    fn send(&mut self, changes: &[ChangedUser], page: Option<u32>) -> Step {
        let item =
            |change: &ChangedUser| Item { external_id: change.external_id().into(), revision: change.revision(), page };
        self.flights += 1;
        self.in_flight.push((self.flights, changes.iter().map(item).collect()));
        Step::Send(self.flights, Message::of(&self.webhook, changes))
    }

    /// Takes the page that [`Step::Look`] asked for. One that was asked for before the webhook was sent elsewhere is dropped.
    pub fn met(&mut self, number: u32, page: ChangesPage, now: u64) {
        if number != self.page.number {
            return;
        }
        let ChangesPage { changes, has_more, reached } = page;
        let parts = reached.into_iter().map(|reached| (reached, Vec::new())).collect();
        self.page = Page { number: number + 1, waiting: VecDeque::new(), parts };
        for change in changes {
            let (id, revision) = (change.external_id(), change.revision());
            if let Some(held) = self.held_back.find(id) {
                held.revision = held.revision.max(revision);
                self.held_back.touch(id);
            } else {
                let part = self.page.part_of(id);
                // In their order.
                self.page.parts[part].1.push(revision);
                self.page.waiting.push_back(change);
            }
        }
        if !has_more && !self.is_asked {
            self.look_at = now + self.waits.look_ms(now.saturating_sub(self.webhook.created_at));
        }
    }

    /// The store did not answer: it is asked again later.
    pub fn store_is_away(&mut self, now: u64) {
        self.look_at = now + self.waits.store_ms();
        self.held_back.put_off(self.look_at);
    }

    /// A deletion behind the position was forgotten: all users are sent again.
    pub fn begin_anew(&mut self, number: u32) {
        if number == self.page.number {
            self.log("a deletion was forgotten before it was delivered: it begins anew, with all users".into());
            self.go_to(Position::Beginning);
        }
    }

    /// Takes users as they are, who were held back and are due; who of `asked` is not among them has left no trace.
    pub fn send_again(&mut self, asked: &[String], states: Vec<ChangedUser>) {
        let (mut sent, mut message) = (Vec::new(), Vec::new());
        for state in states {
            if !self.selection.includes(&state) {
                continue;
            }
            let Some(held) = self.held_back.find(state.external_id()) else { continue };
            // What a page shows from now on is newer, if it has a greater revision.
            held.revision = state.revision();
            sent.push(state.external_id().to_owned());
            message.push(state);
            if message.len() == self.webhook.choice.batch as usize {
                self.again.push_back(std::mem::take(&mut message));
            }
        }
        if !message.is_empty() {
            self.again.push_back(message);
        }
        for id in asked.iter().filter(|id| !sent.contains(*id)) {
            self.held_back.release(id);
        }
    }

    /// Takes what came back of a message. `random` spreads the next try.
    pub fn came_back(&mut self, number: u32, outcome: &Outcome, now: u64, random: u16) {
        let Some(at) = self.in_flight.iter().position(|(flight, _)| *flight == number) else { return };
        let (_, items) = self.in_flight.swap_remove(at);
        let (failure, retry_after) = match outcome {
            Outcome::Answered(status, _) if (200..300).contains(status) => {
                self.webhook.delivered_at = now;
                self.is_touched = true;
                return items.iter().for_each(|item| self.delivered(item, now));
            }
            Outcome::Answered(status, retry_after) => {
                let wait = retry_after.as_deref().and_then(|header| retry_after_ms(header, now));
                (Failure::Status(*status), wait)
            }
            Outcome::Failed(error) => (Failure::Error(error.clone()), None),
        };
        let is_gone = failure == Failure::Status(410);
        let tries = items.iter().filter_map(|item| self.held_back.find(&item.external_id).map(|held| held.tries)).max();
        let tries = tries.unwrap_or(0) + 1;
        let wait =
            if is_gone { Some(0) } else { self.waits.retry_ms(tries, random).map(|wait| retry_after.unwrap_or(wait)) };
        self.log(match (&failure, wait) {
            (Failure::Status(410), _) => "the receiver answered 410".into(),
            (Failure::Status(status), wait) => format!("try {tries} was answered {status}; {}", next_try(wait)),
            (Failure::Error(error), wait) => format!("try {tries} failed: {error}; {}", next_try(wait)),
        });
        self.webhook.last_failure = Some(failure);
        self.is_touched = true;
        for item in &items {
            self.hold_back(item, tries, wait, now);
        }
        if is_gone {
            self.disable(DisabledReason::Gone, now);
        }
    }

    fn delivered(&mut self, item: &Item, now: u64) {
        self.settle(item);
        let Some(held) = self.held_back.find(&item.external_id) else { return };
        if held.revision > item.revision {
            // A newer state was met meanwhile.
            held.since = held.revision / 1000;
            held.try_anew(now);
            self.held_back.touch(&item.external_id);
        } else {
            self.held_back.release(&item.external_id);
        }
    }

    fn settle(&mut self, item: &Item) {
        if item.page == Some(self.page.number) {
            self.page.settle(&item.external_id, item.revision);
        }
    }

    fn hold_back(&mut self, item: &Item, tries: u32, wait: Option<u64>, now: u64) {
        let revision = item.revision;
        let new = HeldBack { revision, since: revision / 1000, failed_at: now, tries, next_at: now };
        let held = self.held_back.hold(&item.external_id, new);
        if let Some(wait) = wait {
            (held.tries, held.next_at) = (tries, now + wait);
        } else if self.webhook.delivered_at > held.failed_at {
            self.webhook.given_up += 1;
            self.delivered(item, now);
        } else {
            self.disable(DisabledReason::Undelivered, now);
        }
        self.settle(item);
    }

    fn disable(&mut self, reason: DisabledReason, now: u64) {
        if self.webhook.disabled.is_none() {
            let why = match reason {
                DisabledReason::Gone => "its receiver is gone",
                DisabledReason::Undelivered => "nothing was delivered in all tries of a message",
            };
            self.log(format!("disabled: {why}"));
            self.webhook.disabled = Some(Disabled { reason, at: now });
        }
    }

    fn log(&mut self, line: String) {
        self.log.push(line);
    }

    /// When there is something to do. None: when somebody asks for it.
    pub fn wake_at(&self, now: u64) -> Option<u64> {
        if !self.webhook.is_active() {
            return None;
        }
        let look = (!self.held_back.is_full()).then_some(self.look_at);
        self.held_back.next_at().into_iter().chain(look).min().map(|at| at.max(now))
    }

    /// The feed has something new, or may have.
    pub fn look(&mut self) {
        (self.look_at, self.is_asked) = (0, true);
    }

    /// How far all is settled.
    pub fn position(&self) -> Position {
        self.page.position().unwrap_or_else(|| self.webhook.position.clone())
    }

    /// Goes on from elsewhere. What is in flight comes back all the same.
    pub fn go_to(&mut self, position: Position) {
        self.page = Page { number: self.page.number + 1, ..Page::default() };
        self.webhook.position = position;
        self.is_touched = true;
        self.look();
    }

    /// Forgets what was read and not sent: it may change before it is.
    pub fn rest(&mut self) {
        self.again.clear();
        if !self.page.is_settled() {
            self.look();
        }
        let position = self.position();
        self.is_touched |= position != self.webhook.position;
        self.webhook.position = position;
        self.page = Page { number: self.page.number + 1, ..Page::default() };
    }

    /// Takes note that its admin changed the webhook, and maybe set it going again.
    pub fn changed(&mut self, resumes: bool, now: u64) {
        self.selection = Selection::of(&self.webhook.choice);
        if resumes {
            self.held_back.try_anew(now);
        }
        self.is_touched = true;
        self.look();
    }

    /// The users who are held back.
    pub fn held_back(&self) -> impl Iterator<Item = &HeldBack> {
        self.held_back.iter()
    }

    /// What has to be stored, and is now taken for stored: the webhook, and users with what holds them back, if anything does.
    pub fn take_touched(&mut self) -> (bool, Vec<(String, Option<HeldBack>)>) {
        let position = self.position();
        let moved = position != self.webhook.position;
        self.webhook.position = position;
        (std::mem::take(&mut self.is_touched) || moved, self.held_back.take_touched())
    }

    /// What to say in the log.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

fn next_try(wait: Option<u64>) -> String {
    wait.map_or_else(|| "it was the last".into(), |wait| format!("the next is in {} s", wait.div_ceil(1000)))
}
