//! Ctrl-C: a flag that every loop checks and that cuts every pause short.

use crate::error::CliError;
use std::process;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Set once, by Ctrl-C or by the first failure of an import. Clones share the flag.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<(Mutex<bool>, Condvar)>);

impl Interrupt {
    /// Sets the flag on Ctrl-C. A second Ctrl-C ends the process at once, which loses nothing either.
    pub fn on_ctrl_c() -> Result<Self, CliError> {
        let interrupt = Interrupt::default();
        let flag = interrupt.clone();
        let handler = move || {
            if flag.is_set() {
                process::exit(i32::from(CliError::Interrupted.exit_code()));
            }
            flag.set();
        };
        ctrlc::set_handler(handler).map_err(|error| CliError::Failed(format!("can't listen for Ctrl-C: {error}")))?;
        Ok(interrupt)
    }

    pub fn set(&self) {
        let (flag, changed) = &*self.0;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails with [`CliError::Interrupted`] if the flag is set.
    pub fn check(&self) -> Result<(), CliError> {
        if self.is_set() { Err(CliError::Interrupted) } else { Ok(()) }
    }

    /// Waits for this long, or fails as soon as the flag is set.
    pub fn sleep(&self, duration: Duration) -> Result<(), CliError> {
        let (flag, changed) = &*self.0;
        let flag = flag.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(flag, duration, |is_set| !*is_set));
        self.check()
    }
}
