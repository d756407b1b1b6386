//! The changes that a webhook is at.

use super::webhook::Position;
use crate::placement::Buckets;
use crate::store::{ChangedUser, Reached};
use std::collections::VecDeque;

/// Changes that were read and not settled yet, neither delivered nor held back.
#[derive(Debug, Default)]
pub struct Page {
    /// Another one for each page.
    pub number: u32,
    /// Those that are not sent yet.
    pub waiting: VecDeque<ChangedUser>,
    /// Where a D1 or a bucket's changes were read to, and the revisions among them that are not settled.
    pub parts: Vec<(Reached, Vec<u64>)>,
}

impl Page {
    /// Which part of the project's users this is in.
    pub fn part_of(&self, external_id: &str) -> usize {
        let buckets = Buckets::of_count(self.parts.len() as u64);
        buckets.map_or(0, |buckets| usize::from(buckets.bucket_of(external_id)))
    }

    /// Takes a change for delivered, or held back.
    pub fn settle(&mut self, external_id: &str, revision: u64) {
        let part = self.part_of(external_id);
        if let Some((_, open)) = self.parts.get_mut(part) {
            open.retain(|one| *one != revision);
        }
    }

    /// Whether all of its changes are.
    pub fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.parts.iter().all(|(_, open)| open.is_empty())
    }

    /// Up to the first change that is not settled. None: there was no page.
    pub fn position(&self) -> Option<Position> {
        let reached = self.parts.iter().map(|(reached, open)| Reached {
            revision: open.first().map_or(reached.revision, |first| first - 1),
            ..*reached
        });
        (!self.parts.is_empty()).then(|| Position::Reached(reached.collect()))
    }
}
