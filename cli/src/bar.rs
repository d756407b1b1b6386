//! The progress bar. It is hidden where the standard error is no terminal.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::time::Duration;

pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Of an import: bytes of the file, with what is left.
    pub fn of_bytes(total: u64, done: u64) -> Self {
        let bar = ProgressBar::new(total).with_position(done);
        bar.set_style(style("{wide_bar} {percent}%  {msg}  {eta} left"));
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar }
    }

    /// Of an export: users, whose number nobody knows.
    pub fn of_users() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(style("{spinner} {human_pos} users  {rate}  {elapsed}").with_key("rate", write_rate));
        bar.enable_steady_tick(Duration::from_millis(200));
        Bar { bar }
    }

    pub fn set(&self, done: u64, users: u64, new_users: u64, refused: u64) {
        let per_second = match self.bar.elapsed().as_millis() {
            0 => 0,
            ms => u128::from(new_users) * 1000 / ms,
        };
        let refused = if refused > 0 { format!(", {refused} refused") } else { String::new() };
        self.bar.set_position(done);
        self.bar.set_message(format!("{users} users{refused}  {per_second}/s"));
    }

    pub fn add(&self, users: u64) {
        self.bar.inc(users);
    }

    /// Tells something beside it.
    pub fn note(&self, message: &str) {
        self.bar.suspend(|| eprintln!("roster: {message}"));
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A rate that can't be written is left out.
fn write_rate(state: &ProgressState, out: &mut dyn Write) {
    let _ = write!(out, "{:.0}/s", state.per_sec());
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
