//! The progress bar. It is hidden where the standard error is no terminal.

use crate::gate::now;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct Bar {
    bar: ProgressBar,
    run: Arc<Mutex<Run>>,
}

/// What is known of a run.
struct Run {
    begun: Instant,
    /// Of an import from a file: its bytes, and how many were done when the run began.
    bytes: Option<(u64, u64)>,
    bytes_done: u64,
    users_before: u64,
    users: u64,
    refused: u64,
    doing: Doing,
}

#[derive(Clone, PartialEq, Eq)]
enum Doing {
    Working,
    /// Until then the rate limit admits nothing.
    Waiting(Instant),
    /// The last call failed, for this reason.
    Failing(String),
}

impl Bar {
    /// Of a run that begins with what earlier ones did. `bytes`: of the file, in all and done.
    pub fn new(bytes: Option<(u64, u64)>, users: u64, refused: u64) -> Self {
        let (bar, template) = match bytes {
            Some((total, done)) => (ProgressBar::new(total).with_position(done), "{wide_bar} {percent}%  {run}"),
            None => (ProgressBar::new_spinner(), "{spinner} {run}"),
        };
        let bytes_done = bytes.map_or(0, |(_, done)| done);
        let run = Run { begun: now(), bytes, bytes_done, users_before: users, users, refused, doing: Doing::Working };
        let run = Arc::new(Mutex::new(run));
        let shown = Arc::clone(&run);
        let write = move |_: &ProgressState, out: &mut dyn Write| {
            // What can't be written is left out.
            let _ = out.write_str(&lock(&shown).describe(now()));
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("run", write));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar, run }
    }

    /// One that is never shown.
    pub fn none() -> Self {
        let bar = Bar::new(None, 0, 0);
        bar.bar.set_draw_target(ProgressDrawTarget::hidden());
        bar
    }

    /// Sets what is done in all.
    pub fn set(&self, bytes: u64, users: u64, refused: u64) {
        let mut run = lock(&self.run);
        (run.bytes_done, run.users, run.refused) = (bytes, users, refused);
        drop(run);
        self.bar.set_position(bytes);
    }

    pub fn add(&self, users: u64) {
        lock(&self.run).users += users;
    }

    /// Shows that the rate limit admits nothing until then.
    pub fn wait(&self, until: Instant) {
        lock(&self.run).doing = Doing::Waiting(until);
    }

    /// Shows why the last call failed, until one is answered.
    pub fn fail(&self, cause: &str) {
        lock(&self.run).doing = Doing::Failing(cause.into());
    }

    pub fn answered(&self) {
        let doing = &mut lock(&self.run).doing;
        if matches!(doing, Doing::Failing(_)) {
            *doing = Doing::Working;
        }
    }

    pub fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Tells something beside it.
    pub fn note(&self, message: &str) {
        self.bar.suspend(|| eprintln!("roster: {message}"));
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn lock(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    fn describe(&self, now: Instant) -> String {
        let refused = if self.refused > 0 { format!(", {} refused", self.refused) } else { String::new() };
        let doing = match &self.doing {
            Doing::Waiting(until) if *until > now => {
                format!("waiting {} s for the rate limit", (*until - now).as_secs_f64().ceil())
            }
            Doing::Failing(cause) => cause.clone(),
            Doing::Working | Doing::Waiting(_) => self.pace(now),
        };
        format!("{}{refused}  {doing}", count(self.users, "user"))
    }

    /// How fast it is over the whole run, waits included, and what that means for what is left.
    fn pace(&self, now: Instant) -> String {
        let elapsed = now - self.begun;
        let per_second = u128::from(self.users - self.users_before) * 1000 / elapsed.as_millis().max(1);
        let time = match self.bytes {
            None => format!("{:#}", HumanDuration(elapsed)),
            Some((_, before)) if self.bytes_done <= before => return String::new(),
            Some((total, before)) => {
                let new = self.bytes_done - before;
                let left_ms = elapsed.as_millis() * u128::from(total.saturating_sub(self.bytes_done)) / u128::from(new);
                let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(u64::MAX));
                format!("{:#} left", HumanDuration(left))
            }
        };
        format!("{per_second}/s  {time}")
    }
}

/// A number of things, as in `1 user` and `2 users`.
pub fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(bytes: Option<(u64, u64)>) -> Run {
        Run { begun: now(), bytes, bytes_done: 0, users_before: 0, users: 0, refused: 0, doing: Doing::Working }
    }

    #[test]
    fn what_is_left_follows_from_the_whole_run_with_its_waits() {
        let mut run = run(Some((1000, 0)));
        let (soon, late) = (run.begun + Duration::from_secs(1), run.begun + Duration::from_secs(41));
        (run.bytes_done, run.users) = (500, 50);
        assert_eq!(run.describe(soon), "50 users  50/s  1s left");
        run.refused = 2;
        assert_eq!(run.describe(late), "50 users, 2 refused  1/s  41s left");
    }

    #[test]
    fn what_an_earlier_run_did_is_no_measure() {
        let mut run = run(Some((1000, 900)));
        (run.bytes_done, run.users_before, run.users) = (900, 90, 90);
        assert_eq!(run.describe(run.begun), "90 users  ");
        (run.bytes_done, run.users) = (950, 91);
        assert_eq!(run.describe(run.begun + Duration::from_secs(3)), "91 users  0/s  3s left");
    }

    #[test]
    fn a_run_that_waits_or_fails_says_so_and_tells_no_time() {
        let mut run = run(Some((1000, 0)));
        let begun = run.begun;
        (run.bytes_done, run.users) = (999, 1);
        run.doing = Doing::Waiting(begun + Duration::from_millis(40_100));
        assert_eq!(run.describe(begun), "1 user  waiting 41 s for the rate limit");
        assert_eq!(run.describe(begun + Duration::from_secs(41)), "1 user  0/s  0s left");
        run.doing = Doing::Failing("no answer from http://a (try 3 of 8)".into());
        assert_eq!(run.describe(begun), "1 user  no answer from http://a (try 3 of 8)");
    }

    #[test]
    fn an_export_tells_how_long_it_has_taken() {
        let mut run = run(None);
        run.users = 3000;
        assert_eq!(run.describe(run.begun + Duration::from_mins(2)), "3000 users  25/s  2m");
    }
}
