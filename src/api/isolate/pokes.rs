//! When an isolate pokes webhooks.

use super::ttl_cache::TtlCache;
use crate::key::Project;
use crate::time::Timestamp;

/// Milliseconds between two pokes of a project's webhooks.
const INTERVAL_MS: u64 = 1000;

/// When an isolate last poked the webhooks of each project, or promised to, in milliseconds.
#[derive(Debug, Default)]
pub struct Pokes(TtlCache<Project, u64>);

impl Pokes {
    /// After a change: in how many milliseconds to poke. None: that was promised already. So the last change of a second is
    /// followed by a poke at its end.
    pub fn due_in_ms(&mut self, project: &Project, now: Timestamp) -> Option<u64> {
        let last = self.0.find(project, now).copied();
        let now_ms = now.as_ms();
        let due = last.map_or(now_ms, |last| now_ms.max(last + INTERVAL_MS));
        if last.is_some_and(|last| last > now_ms) {
            return None;
        }
        self.0.learn(project.clone(), due, now);
        Some(due - now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_poked_at_once_and_then_once_a_second() {
        let mut pokes = Pokes::default();
        let (one, other) = (Project::default(), "other".parse().unwrap());
        for (project, ms, due) in [
            (&one, 5000, Some(0)),
            (&one, 5000, Some(1000)),
            (&one, 5400, None),
            (&other, 5400, Some(0)),
            (&one, 5999, None),
            (&one, 6000, Some(1000)),
            (&one, 7500, Some(500)),
            (&one, 9000, Some(0)),
        ] {
            assert_eq!(pokes.due_in_ms(project, Timestamp::from_ms(ms)), due, "{ms}");
        }
    }
}
