//! The runtime's clock, random source and timers.

use crate::time::Timestamp;
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;
use worker::Delay;

/// Counts the remote calls that a request waits for.
#[derive(Clone, Default)]
pub struct Hops(Rc<Cell<u32>>);

impl Hops {
    pub fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub fn count(&self) -> u32 {
        self.0.get()
    }
}

/// The outcome of `work`, or None if it takes longer.
pub async fn with_deadline<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut alarm) = (pin!(work), pin!(Delay::from(limit)));
    poll_fn(|task| match work.as_mut().poll(task) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        // The first poll of a request, which wakes nobody: a `Delay` would keep that for good.
        Poll::Pending if task.waker().will_wake(Waker::noop()) => Poll::Pending,
        Poll::Pending => alarm.as_mut().poll(task).map(|()| None),
    })
    .await
}

pub async fn sleep(duration: Duration) {
    with_deadline(duration, pending::<()>()).await;
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole milliseconds since 1970")]
pub fn now() -> Timestamp {
    Timestamp::from_ms(js_sys::Date::now() as u64)
}

#[expect(clippy::expect_used, reason = "the runtime always has crypto.getRandomValues")]
pub fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("a source of random bytes");
}
