//! Ctrl-C, heard by whoever waits.

use crate::failure::Failure;
use std::process;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whether to stop: asked between steps, and cutting pauses short.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// One that Ctrl-C sets. A second Ctrl-C ends the process at once, which loses nothing either.
    pub fn on_interrupt() -> Result<Self, Failure> {
        let stop = Stop::default();
        let heard = stop.clone();
        let handler = move || {
            if heard.is_set() {
                process::exit(i32::from(Failure::Interrupted.exit_code()));
            }
            heard.set();
        };
        ctrlc::set_handler(handler).map_err(|error| Failure::Stopped(format!("can't listen for Ctrl-C: {error}")))?;
        Ok(stop)
    }

    pub fn set(&self) {
        let (set, changed) = &*self.0;
        *set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails once it is set.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_set() { Err(Failure::Interrupted) } else { Ok(()) }
    }

    /// Waits this long, or until it is set.
    pub fn pause(&self, duration: Duration) -> Result<(), Failure> {
        let (set, changed) = &*self.0;
        let set = set.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(set, duration, |set| !*set));
        self.check()
    }
}
