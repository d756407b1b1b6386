//! A clock that moves only when it is set.

use roster::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;

/// A moment that all its clones share.
#[derive(Clone, Debug)]
pub struct Clock(Rc<Cell<Timestamp>>);

impl Clock {
    /// A clock that shows `now` until it is set.
    pub fn at(now: Timestamp) -> Self {
        Clock(Rc::new(Cell::new(now)))
    }

    /// The moment that it shows.
    pub fn now(&self) -> Timestamp {
        self.0.get()
    }

    /// Makes it show `now`.
    pub fn set(&self, now: Timestamp) {
        self.0.set(now);
    }
}
