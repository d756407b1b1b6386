//! The users whose messages failed.

use crate::bounds::MAX_HELD_BACK;

/// A user whose message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The revision of the latest state that was met.
    pub revision: u64,
    /// When the oldest state that was not delivered was stored, in milliseconds.
    pub since: u64,
    /// When a try first failed, in milliseconds.
    pub failed_at: u64,
    /// Tries that have failed.
    pub tries: u32,
    /// When the next one is due, in milliseconds.
    pub next_at: u64,
}

impl HeldBack {
    /// Has its tries begin anew, now.
    pub fn try_anew(&mut self, now: u64) {
        *self = HeldBack { tries: 0, failed_at: now, next_at: now, ..*self };
    }
}

/// All users who are held back, and what of that is to be stored.
#[derive(Debug)]
pub struct HeldBackUsers {
    users: Vec<(String, HeldBack)>,
    /// Who is held back otherwise than is stored, or no longer.
    touched: Vec<String>,
}

impl HeldBackUsers {
    /// As they were stored.
    pub fn new(users: Vec<(String, HeldBack)>) -> Self {
        HeldBackUsers { users, touched: Vec::new() }
    }

    pub fn iter(&self) -> impl Iterator<Item = &HeldBack> {
        self.users.iter().map(|(_, held)| held)
    }

    /// Whether they are so many that whoever else there is waits too.
    pub fn is_full(&self) -> bool {
        self.users.len() >= MAX_HELD_BACK
    }

    /// What holds a user back. Who changes what is to be stored touches it.
    pub fn find(&mut self, id: &str) -> Option<&mut HeldBack> {
        self.users.iter_mut().find(|(held, _)| held == id).map(|(_, held)| held)
    }

    /// Has it stored what holds a user back, if anything does.
    pub fn touch(&mut self, id: &str) {
        if !self.touched.iter().any(|touched| touched == id) {
            self.touched.push(id.into());
        }
    }

    /// Holds a user back, unless it is already; a state of this revision was met.
    pub fn hold(&mut self, id: &str, new: HeldBack) -> &mut HeldBack {
        self.touch(id);
        let at = self.users.iter().position(|(held, _)| held == id).unwrap_or(self.users.len());
        if at == self.users.len() {
            self.users.push((id.into(), new));
        }
        let held = &mut self.users[at].1;
        held.revision = held.revision.max(new.revision);
        held
    }

    pub fn release(&mut self, id: &str) {
        self.users.retain(|(held, _)| held != id);
        self.touch(id);
    }

    /// Who is to be tried again.
    pub fn due(&self, now: u64) -> impl Iterator<Item = &str> {
        self.users.iter().filter(move |(_, held)| held.next_at <= now).map(|(id, _)| id.as_str())
    }

    /// When somebody is next due, in milliseconds.
    pub fn next_at(&self) -> Option<u64> {
        self.iter().map(|held| held.next_at).min()
    }

    /// Tries nobody again before this moment, in milliseconds.
    pub fn put_off(&mut self, until: u64) {
        for (_, held) in &mut self.users {
            held.next_at = held.next_at.max(until);
        }
    }

    /// Has the tries of all begin anew, now.
    pub fn try_anew(&mut self, now: u64) {
        let ids: Vec<String> = self.users.iter().map(|(id, _)| id.clone()).collect();
        for id in &ids {
            self.touch(id);
        }
        for (_, held) in &mut self.users {
            held.try_anew(now);
        }
    }

    /// Users with what holds them back, if anything does, which is now taken for stored.
    pub fn take_touched(&mut self) -> Vec<(String, Option<HeldBack>)> {
        let touched = std::mem::take(&mut self.touched);
        let with_state = |id: String| {
            let held = self.find(&id).copied();
            (id, held)
        };
        touched.into_iter().map(with_state).collect()
    }
}
