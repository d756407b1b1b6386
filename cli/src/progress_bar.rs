//! The progress bar. It is hidden if the standard error is no terminal.

use crate::clock::now;
use indicatif::{HumanDuration, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    run: Arc<Mutex<Run>>,
}

/// What the bar shows of a run.
struct Run {
    started: Instant,
    /// For an import from a file: its length, and how much of it earlier runs did.
    bytes: Option<(u64, u64)>,
    bytes_done: u64,
    users_before: u64,
    users: u64,
    refused: u64,
    activity: Activity,
}

#[derive(Clone, PartialEq, Eq)]
enum Activity {
    Working,
    /// The rate limit admits nothing until this moment.
    Waiting(Instant),
    /// The last call failed for this reason.
    Failing(String),
}

impl ProgressBar {
    /// Starts with what earlier runs did. `bytes`: the length of the file, and how much of it is done.
    pub fn new(bytes: Option<(u64, u64)>, users: u64, refused: u64) -> Self {
        let (bar, template) = match bytes {
            Some((total, done)) => {
                (indicatif::ProgressBar::new(total).with_position(done), "{wide_bar} {percent}%  {run}")
            }
            None => (indicatif::ProgressBar::new_spinner(), "{spinner} {run}"),
        };
        let bytes_done = bytes.map_or(0, |(_, done)| done);
        let run =
            Run { started: now(), bytes, bytes_done, users_before: users, users, refused, activity: Activity::Working };
        let run = Arc::new(Mutex::new(run));
        let shown = Arc::clone(&run);
        let write = move |_: &ProgressState, out: &mut dyn Write| {
            // A bar that can't be drawn is no reason to fail.
            let _ = out.write_str(&lock(&shown).describe(now()));
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("run", write));
        bar.enable_steady_tick(Duration::from_millis(200));
        ProgressBar { bar, run }
    }

    /// A bar that is never shown.
    pub fn hidden() -> Self {
        let bar = ProgressBar::new(None, 0, 0);
        bar.bar.set_draw_target(ProgressDrawTarget::hidden());
        bar
    }

    /// Sets the totals, earlier runs included.
    pub fn set(&self, bytes: u64, users: u64, refused: u64) {
        let mut run = lock(&self.run);
        (run.bytes_done, run.users, run.refused) = (bytes, users, refused);
        drop(run);
        self.bar.set_position(bytes);
    }

    /// Sets how much there is in all, where that is known late or changes.
    pub fn set_total(&self, total: u64) {
        let mut run = lock(&self.run);
        run.bytes = run.bytes.map(|(_, before)| (total, before));
        drop(run);
        self.bar.set_length(total);
    }

    pub fn add_users(&self, users: u64) {
        lock(&self.run).users += users;
    }

    /// Shows that the rate limit admits nothing until this moment.
    pub fn show_wait(&self, until: Instant) {
        lock(&self.run).activity = Activity::Waiting(until);
    }

    /// Shows why the last call failed, until [`Self::clear_failure`].
    pub fn show_failure(&self, cause: &str) {
        lock(&self.run).activity = Activity::Failing(cause.into());
    }

    pub fn clear_failure(&self) {
        let activity = &mut lock(&self.run).activity;
        if matches!(activity, Activity::Failing(_)) {
            *activity = Activity::Working;
        }
    }

    pub fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Prints a message above the bar.
    pub fn message(&self, message: &str) {
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
        let activity = match &self.activity {
            Activity::Waiting(until) if *until > now => {
                format!("waiting {} s for the rate limit", (*until - now).as_secs_f64().ceil())
            }
            Activity::Failing(cause) => cause.clone(),
            Activity::Working | Activity::Waiting(_) => self.pace(now),
        };
        format!("{}{refused}  {activity}", count(self.users, "user"))
    }

    /// Users per second over the whole run, waits included, and the time left at that speed.
    fn pace(&self, now: Instant) -> String {
        let elapsed = now - self.started;
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
        Run { started: now(), bytes, bytes_done: 0, users_before: 0, users: 0, refused: 0, activity: Activity::Working }
    }

    #[test]
    fn the_time_left_follows_from_the_whole_run_with_its_waits() {
        let mut run = run(Some((1000, 0)));
        let (soon, late) = (run.started + Duration::from_secs(1), run.started + Duration::from_secs(41));
        (run.bytes_done, run.users) = (500, 50);
        assert_eq!(run.describe(soon), "50 users  50/s  1s left");
        run.refused = 2;
        assert_eq!(run.describe(late), "50 users, 2 refused  1/s  41s left");
    }

    #[test]
    fn the_speed_counts_only_what_this_run_did() {
        let mut run = run(Some((1000, 900)));
        (run.bytes_done, run.users_before, run.users) = (900, 90, 90);
        assert_eq!(run.describe(run.started), "90 users  ");
        (run.bytes_done, run.users) = (950, 91);
        assert_eq!(run.describe(run.started + Duration::from_secs(3)), "91 users  0/s  3s left");
    }

    #[test]
    fn a_run_that_waits_or_fails_says_so_and_shows_no_time() {
        let mut run = run(Some((1000, 0)));
        let started = run.started;
        (run.bytes_done, run.users) = (999, 1);
        run.activity = Activity::Waiting(started + Duration::from_millis(40_100));
        assert_eq!(run.describe(started), "1 user  waiting 41 s for the rate limit");
        assert_eq!(run.describe(started + Duration::from_secs(41)), "1 user  0/s  0s left");
        run.activity = Activity::Failing("no answer from http://a (try 3 of 8)".into());
        assert_eq!(run.describe(started), "1 user  no answer from http://a (try 3 of 8)");
    }

    #[test]
    fn an_export_shows_how_long_it_has_taken() {
        let mut run = run(None);
        run.users = 3000;
        assert_eq!(run.describe(run.started + Duration::from_mins(2)), "3000 users  25/s  2m");
    }
}
