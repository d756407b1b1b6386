//! A walk through users, as far as one call goes: statement after statement, with a rest between two, in all parts of the
//! project side by side.

use super::positions::{self, Position};
use crate::api::auth::{Patience, find_again};
use crate::api::cursor::{self, PaginationOut};
use crate::api::error::ApiError;
use crate::api::platform::{Cx, Platform};
use crate::bounds::{MAX_EXAMINED, MAX_PAGE_BYTES, MAX_PROFILE_BYTES, MAX_ROUND_USERS};
use crate::filter::{self, Filter};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::key::KeyRecord;
use crate::store::{Caller, Found, Question, Reach, Share, StoreError, UserStore, Walk, Walked};

/// Rounds of statements, at most. Where users are large, or parts end, a call may end before it has examined as many as it may.
const MAX_ROUNDS: u32 = MAX_EXAMINED / MAX_ROUND_USERS;
/// Milliseconds of the longest rest.
const MAX_REST_MS: u64 = 250;

/// What becomes of what a walk finds.
pub trait Collector {
    /// How many users it still takes, if that is bounded.
    fn users_left(&self) -> u32 {
        u32::MAX
    }

    /// Bytes of profiles that it still takes.
    fn bytes_left(&self) -> usize {
        MAX_PAGE_BYTES
    }

    /// Takes what was found; or nothing, and answers the id of the first user who does not fit.
    fn take(&mut self, found: Found) -> Result<(), String>;
}

/// What a request asks of a walk.
pub struct Asked {
    /// Which users it is about.
    pub filter: Option<Filter>,
    /// Where it goes on.
    pub cursor: Option<String>,
}

impl Asked {
    /// Reads `where` and `cursor`.
    pub fn parse(fields: &mut Fields) -> Self {
        let filter = fields.optional("where", filter::filter);
        let cursor = fields.optional("cursor", |value, faults: &mut Faults| faults.string(value).map(str::to_owned));
        Asked { filter, cursor }
    }
}

/// How far a walk has come, and what it asks.
pub struct Progress {
    positions: Vec<Position>,
    /// What all walks have in common that ask the same.
    asked: Vec<String>,
    examined: u32,
}

impl Progress {
    /// At the beginning, or where a cursor says. `asked` is what all walks have in common that ask the same.
    pub fn begin(part: Part, cursor: Option<&str>, asked: Vec<String>, record: &KeyRecord) -> Result<Self, ApiError> {
        let parts = record.residence.place.storage.parts();
        let positions = match cursor {
            None => vec![Position::After(String::new()); parts.into()],
            Some(text) => read(text, parts, &asked).ok_or_else(|| {
                let rule = "Must be a next_cursor as it was given, of this call and with all that it was given for";
                ApiError::Faults(FaultList::one(part, "cursor", rule))
            })?,
        };
        Ok(Progress { positions, asked, examined: 0 })
    }

    /// How many users were examined.
    pub fn examined(&self) -> u32 {
        self.examined
    }

    /// What an answer says of it.
    pub fn pagination(&self, limit: Option<u32>) -> PaginationOut {
        let has_more = self.positions.iter().any(|position| *position != Position::End);
        let asked: Vec<_> = self.asked.iter().map(String::as_str).collect();
        let next_cursor = has_more.then(|| cursor::write(&asked, &positions::write(&self.positions)));
        PaginationOut { limit, has_more, next_cursor }
    }

    /// How many parts the first round of a call asks. A walk begins in all of them, so that few users come at once; then it asks
    /// one, since each that is asked takes as long as for some hundred users more.
    fn first_parts(&self) -> usize {
        let is_at_beginning = self.positions.iter().all(|position| *position == Position::After(String::new()));
        if is_at_beginning { usize::MAX } else { 1 }
    }

    /// What each part that is not at its end examines next, or the first ones of them.
    fn shares(&self, collector: &dyn Collector, max_parts: usize) -> Vec<Share> {
        let users_left = MAX_EXAMINED.saturating_sub(self.examined);
        let open = |(part, position): (u8, &Position)| match position {
            Position::After(id) => Some((part, id.clone())),
            Position::End => None,
        };
        let mut open: Vec<_> = (0..).zip(&self.positions).filter_map(open).collect();
        // Who is to find fewer users than there are parts looks into so many parts.
        open.truncate(max_parts.min(collector.users_left().min(users_left).try_into().unwrap_or(usize::MAX)));
        let parts = u32::try_from(open.len()).unwrap_or(u32::MAX).max(1);
        let max_bytes = collector.bytes_left() / open.len().max(1);
        // The first user of a share is examined, however large.
        if max_bytes < MAX_PROFILE_BYTES {
            return Vec::new();
        }
        let (users, found) = (collector.users_left() / parts, collector.users_left() % parts);
        let share = |(i, (part, after))| Share {
            part,
            after,
            before: None,
            users: MAX_ROUND_USERS.min(users_left) / parts,
            max_bytes,
            limit: users + u32::from(i < found),
        };
        (0..).zip(open).map(share).collect()
    }

    fn advance(&mut self, share: &Share, reach: Reach) {
        self.examined += reach.examined;
        let position = match reach.last {
            Some(last) if reach.has_more => Position::After(last),
            // Before the user who did not fit, there is nobody.
            None if share.before.is_some() => return,
            _ => Position::End,
        };
        self.positions[usize::from(share.part)] = position;
    }
}

fn read(text: &str, parts: u8, asked: &[String]) -> Option<Vec<Position>> {
    let asked: Vec<_> = asked.iter().map(String::as_str).collect();
    positions::read(&cursor::read(&asked, text)?, parts)
}

/// Walks on until the collector is full, all users are examined, or the call has taken of the store what it may. Between two
/// rounds of statements it rests twice as long as the last one took, so that writes come first.
pub async fn walk<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    walk: &Walk<'_>,
    progress: &mut Progress,
    collector: &mut dyn Collector,
) -> Result<(), ApiError> {
    let mut took_ms = None;
    let (mut patience, mut found) = (Patience::default(), None);
    let finds_all = walk.filter.is_none() && matches!(walk.question, Question::Users);
    let mut max_parts = progress.first_parts();
    for _ in 0..MAX_ROUNDS {
        let caller = found.as_ref().unwrap_or(caller);
        let mut shares = progress.shares(collector, max_parts);
        if shares.is_empty() {
            break;
        }
        if finds_all {
            // No more need be looked at than are wanted, in all rounds together less than one examines otherwise.
            for share in &mut shares {
                share.users = share.users.min(share.limit);
            }
        } else if let Some(took_ms) = took_ms {
            cx.wait(cx.platform.rest(MAX_REST_MS.min(2 * took_ms))).await;
        }
        let wanted: u32 = shares.iter().map(|share| share.users).sum();
        let (begun, examined) = (cx.now(), progress.examined());
        match examine(cx, caller, walk, &shares, progress, collector).await {
            Err(StoreError::KeyNotLive) => {
                let there = find_again(cx, caller, &mut patience).await?;
                progress.positions =
                    positions::in_parts(&progress.positions, there.record.residence.place.storage.parts());
                found = Some(there);
            }
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(error.into()),
        }
        took_ms = Some(cx.now().as_ms().saturating_sub(begun.as_ms()));
        // Where a part had fewer than it was asked for, the next ones may have few as well.
        let are_few = progress.examined() - examined < wanted;
        max_parts = if are_few { max_parts.saturating_mul(2) } else { 1 };
    }
    Ok(())
}

/// Examines a share of each part. False: the collector did not take all that was found.
async fn examine<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    walk: &Walk<'_>,
    shares: &[Share],
    progress: &mut Progress,
    collector: &mut dyn Collector,
) -> Result<bool, StoreError> {
    let ask = async |shares: &[Share]| cx.wait(cx.platform.users().walk_users(caller.at(cx.now()), walk, shares)).await;
    for (share, walked) in shares.iter().zip(ask(shares).await?) {
        let Walked { reach, found } = walked;
        let Err(before) = collector.take(found) else {
            progress.advance(share, reach);
            continue;
        };
        // What the parts behind this one have found is left for the next call.
        let share = Share { before: Some(before), ..share.clone() };
        for Walked { reach, found } in ask(std::slice::from_ref(&share)).await? {
            if collector.take(found).is_ok() {
                progress.advance(&share, reach);
            }
        }
        return Ok(false);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Page {
        users_left: u32,
    }

    impl Collector for Page {
        fn users_left(&self) -> u32 {
            self.users_left
        }

        fn take(&mut self, _: Found) -> Result<(), String> {
            Ok(())
        }
    }

    fn progress(last: &str) -> Progress {
        let positions = vec![Position::After(last.into()); 16];
        Progress { positions, asked: Vec::new(), examined: 0 }
    }

    #[test]
    fn a_walk_begins_in_all_objects_and_goes_on_in_one() {
        assert_eq!([progress("").first_parts(), progress("u").first_parts()], [usize::MAX, 1]);
        let asked = |parts| {
            let shares = progress("u").shares(&Page { users_left: 1000 }, parts);
            shares.iter().map(|share| (share.part, share.limit)).collect::<Vec<_>>()
        };
        assert_eq!(asked(1), [(0, 1000)]);
        assert_eq!(asked(2), [(0, 500), (1, 500)]);
        assert_eq!(asked(usize::MAX).len(), 16);
        assert_eq!(asked(usize::MAX).iter().map(|(_, limit)| limit).sum::<u32>(), 1000);
    }
}
