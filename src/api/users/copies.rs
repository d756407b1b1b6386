//! Copies of users, for `GET` with `Cache-Control: max-age=N`. Each holds the user as it was at most N seconds ago, or it
//! is not served.

use super::if_match;
use crate::api::platform::{Cx, Platform};
use crate::bounds::COPY_MAX_AGE_S;
use crate::placement::{Placement, Storage};
use crate::store::{Caller, CopyStore, IfMatch, UserCopy, UserStore};
use crate::time::Timestamp;
use crate::user::ExternalId;
use sha2::{Digest, Sha256};
use std::rc::Rc;

/// The copy of the user of one request that takes one.
pub struct Copies<C> {
    store: Rc<C>,
    name: String,
    id: ExternalId,
    max_age_s: u32,
}

impl<C: CopyStore + 'static> Copies<C> {
    /// None: the truth is asked for, or there are no copies of this project's users.
    pub fn asked_for<P: Platform<Copies = C>>(cx: &Cx<'_, P>, caller: &Caller, id: &ExternalId) -> Option<Self> {
        let max_age_s = max_age_s(cx.call.cache_control.as_deref()?)?;
        let (store, name) = copy_of(cx, caller, id)?;
        Some(Copies { store, name, id: id.clone(), max_age_s })
    }

    /// The copy, if it is new enough for the caller.
    pub async fn find<P: Platform<Copies = C>>(&self, cx: &Cx<'_, P>) -> Option<UserCopy> {
        let copy = cx.wait(self.store.find(&self.name)).await?;
        let known = cx.call.if_none_match.as_deref().unwrap_or_default();
        (copy.is_within(self.max_age_s, cx.now()) && !copy.is_behind(known)).then_some(copy)
    }

    /// Makes the truth, which is the user of this id of Roster's own, the copy. Nobody waits for it.
    ///
    /// Whoever deletes the user before the copy is there has nothing to remove. So the truth is read again once it is, and
    /// the copy of a user who has gone does not stand.
    pub fn put<P: Platform<Copies = C>>(self, cx: &Cx<'_, P>, caller: Caller, roster_id: String, truth: UserCopy) {
        if !self.is_due(cx) {
            return;
        }
        let (users, now) = (Rc::clone(cx.platform.users()), cx.now());
        cx.platform.in_background(async move {
            self.store.put(&self.name, &truth, self.max_age_s).await;
            let found = users.find_user(caller.at(now), &self.id).await;
            // What can't be known counts as gone: a copy may be lost at any time.
            if !matches!(found, Ok(Some(user)) if user.id == roster_id) {
                self.store.remove(&self.name).await;
            }
        });
    }

    /// Removes the copy of a user who is not there. Nobody waits for it.
    pub fn remove<P: Platform<Copies = C>>(self, cx: &Cx<'_, P>) {
        if self.is_due(cx) {
            cx.platform.in_background(async move { self.store.remove(&self.name).await });
        }
    }

    /// An isolate writes a copy once a minute at most.
    fn is_due<P: Platform<Copies = C>>(&self, cx: &Cx<'_, P>) -> bool {
        cx.platform.written_copies().borrow_mut().is_due(&self.name, cx.now())
    }
}

/// Removes the copy of a user that was deleted.
pub async fn remove<P: Platform>(cx: &Cx<'_, P>, caller: &Caller, id: &ExternalId) {
    if let Some((store, name)) = copy_of(cx, caller, id) {
        cx.wait(store.remove(&name)).await;
    }
}

/// The store and the name of the copy of a user. None: there is none. Copies are kept all over the world, so a project that has chosen a
/// jurisdiction has none.
fn copy_of<P: Platform>(cx: &Cx<'_, P>, caller: &Caller, id: &ExternalId) -> Option<(Rc<P::Copies>, String)> {
    if let Storage::Objects(Placement { jurisdiction: Some(_), .. }) = caller.record.residence.place.storage {
        return None;
    }
    let store = cx.platform.copies()?;
    let id = Sha256::digest(id.as_str()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Some((store, format!("v1/{}/{id}", caller.record.project.as_str())))
}

/// The seconds of a header that is one `max-age` and nothing else (RFC 9111 section 5.2.1.1). None: the truth is asked for.
fn max_age_s(header: &str) -> Option<u32> {
    let (name, seconds) = header.trim().split_once('=')?;
    if !name.eq_ignore_ascii_case("max-age") || seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    // What has too many digits for a number is more than enough.
    let seconds = seconds.parse().unwrap_or(u32::MAX).min(*COPY_MAX_AGE_S.end());
    COPY_MAX_AGE_S.contains(&seconds).then_some(seconds)
}

impl UserCopy {
    /// Its age in whole seconds, and never less than the truth.
    pub(super) fn age_s(&self, now: Timestamp) -> u64 {
        now.as_ms().saturating_sub(self.read_at.as_ms()).div_ceil(1000)
    }

    /// A copy from the future is of no known age: the clock stepped back.
    fn is_within(&self, max_age_s: u32, now: Timestamp) -> bool {
        self.read_at <= now && self.age_s(now) <= u64::from(max_age_s)
    }

    /// True if an `If-None-Match` header lists a later revision.
    fn is_behind(&self, header: &str) -> bool {
        let Some(IfMatch::Revisions(known)) = if_match::parse(header) else { return false };
        known.into_iter().any(|revision| revision > self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_max_age_of_a_minute_or_more_asks_for_a_copy() {
        for (header, seconds) in [
            ("max-age=60", 60),
            (" Max-Age=0061 ", 61),
            ("max-age=3600", 3600),
            ("max-age=3601", 3600),
            ("max-age=99999999999999999999999", 3600),
        ] {
            assert_eq!(max_age_s(header), Some(seconds), "{header}");
        }
        for header in [
            "",
            "max-age",
            "max-age=",
            "max-age=0",
            "max-age=59",
            "max-age=-60",
            "max-age=+60",
            "max-age=60.5",
            "max-age=\"60\"",
            "max-age= 60",
            "max-age=60, no-cache",
            "max-age=60, max-age=60",
            "no-cache",
            "max-stale=60",
            "s-maxage=60",
        ] {
            assert_eq!(max_age_s(header), None, "{header}");
        }
    }

    #[test]
    fn a_copy_is_served_to_its_age_and_not_a_millisecond_longer() {
        let copy = UserCopy { body: String::new(), revision: 7, read_at: Timestamp::from_ms(10_000) };
        let at = Timestamp::from_ms;
        for (now, age_s) in [(10_000, 0), (10_001, 1), (11_000, 1), (70_000, 60), (70_001, 61)] {
            assert_eq!(copy.age_s(at(now)), age_s, "{now}");
            assert_eq!(copy.is_within(60, at(now)), now <= 70_000, "{now}");
        }
        assert!(!copy.is_within(60, at(9_999)));
    }

    #[test]
    fn a_copy_is_behind_a_caller_who_knows_a_later_revision() {
        let copy = UserCopy { body: String::new(), revision: 7, read_at: Timestamp::from_ms(0) };
        for header in ["\"8\"", "W/\"8\"", "\"3\", \"10\""] {
            assert!(copy.is_behind(header), "{header}");
        }
        for header in ["", "*", "\"7\"", "\"6\", W/\"5\"", "\"x\""] {
            assert!(!copy.is_behind(header), "{header}");
        }
    }
}
