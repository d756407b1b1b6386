//! Copies of users, kept as long as they were put for.

use crate::clock::Clock;
use roster::store::{CopyStore, UserCopy};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

pub struct MemoryCopies {
    clock: Clock,
    hops: Rc<Cell<u32>>,
    /// With the milliseconds at which each ends.
    copies: RefCell<BTreeMap<String, (UserCopy, u64)>>,
}

impl MemoryCopies {
    pub fn new(clock: Clock, hops: Rc<Cell<u32>>) -> Self {
        MemoryCopies { clock, hops, copies: RefCell::default() }
    }
}

impl CopyStore for MemoryCopies {
    async fn find(&self, name: &str) -> Option<UserCopy> {
        self.hops.set(self.hops.get() + 1);
        let now = self.clock.now().as_ms();
        let copies = self.copies.borrow();
        copies.get(name).filter(|(_, end)| now < *end).map(|(copy, _)| copy.clone())
    }

    async fn put(&self, name: &str, copy: &UserCopy, lifetime_s: u32) {
        let end = self.clock.now().as_ms() + 1000 * u64::from(lifetime_s);
        self.copies.borrow_mut().insert(name.to_owned(), (copy.clone(), end));
    }

    async fn remove(&self, name: &str) {
        self.hops.set(self.hops.get() + 1);
        self.copies.borrow_mut().remove(name);
    }
}
