//! The exact window: a ring of sub-windows ("slots"), each a 240th of the window long.

use super::bounded::{self, MAX_MOMENT_MS, MAX_WINDOW_MS};
use super::protocol::{BookedSlot, Booking, Grant, LeaseRequest, Verdict};
use super::quota::Quota;
use crate::bounds::RATE_LIMITS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The most slots that the bookings of one stretch can lie apart; see the arithmetic in [`crate::rate_limit`].
const REACH: u64 = Quota::SLOTS + Quota::LEASE_SLOTS + 1;
/// One lease gets at most this part of what is left, so that the last tokens go out one by one.
pub const SHARE: u32 = 8;

/// The recently booked tokens, by slot. Its serialised form outlives deploys: the test pins it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Window {
    length_ms: u64,
    /// Names these slots: when they were laid out, or later. No two layouts of one window have the same name.
    layout_ms: u64,
    /// The time in here. It never runs backwards, whatever the clock says.
    latest_ms: u64,
    /// What the clock last showed: less than the time in here once it has stepped back.
    clock_ms: u64,
    /// Tokens by slot number; slot n begins `n * length_ms / 240` after the epoch.
    booked: BTreeMap<u64, u32>,
    /// Tokens that are in no slot of this length.
    #[serde(skip_serializing_if = "Option::is_none")]
    outstanding: Option<Outstanding>,
}

/// Tokens that were leased under another length, and may be spent at any moment until then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Outstanding {
    tokens: u32,
    #[serde(deserialize_with = "bounded::moment_ms")]
    until_ms: u64,
}

impl Outstanding {
    /// Within the bounds of what is stored: no limit allows more, and no clock shows a later moment.
    fn new(tokens: u32, until_ms: u64) -> Self {
        Outstanding { tokens: tokens.min(*RATE_LIMITS.end()), until_ms: until_ms.min(MAX_MOMENT_MS) }
    }
}

/// A window as it is stored.
#[derive(Deserialize)]
struct Stored {
    #[serde(deserialize_with = "bounded::window_ms")]
    length_ms: u64,
    layout_ms: u64,
    #[serde(deserialize_with = "bounded::moment_ms")]
    latest_ms: u64,
    #[serde(deserialize_with = "bounded::moment_ms")]
    clock_ms: u64,
    booked: BTreeMap<u64, u32>,
    outstanding: Option<Outstanding>,
}

impl TryFrom<Stored> for Window {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { length_ms, layout_ms, latest_ms, clock_ms, booked, outstanding } = stored;
        let window = Window { length_ms, layout_ms, latest_ms, clock_ms, booked, outstanding };
        if window.last_booked().is_some_and(|last| last > window.slot_of(latest_ms + MAX_WINDOW_MS)) {
            return Err("tokens are booked more than a day ahead");
        }
        let tokens = window.booked.values().copied().chain(outstanding.map(|outstanding| outstanding.tokens));
        match tokens.into_iter().try_fold(0_u32, u32::checked_add) {
            Some(_) => Ok(window),
            None => Err("too many tokens are booked"),
        }
    }
}

impl Window {
    /// An empty window of the quota's length.
    pub fn new(quota: Quota, now_ms: u64) -> Self {
        Window {
            length_ms: quota.window_ms,
            layout_ms: now_ms,
            latest_ms: now_ms,
            clock_ms: now_ms,
            booked: BTreeMap::new(),
            outstanding: None,
        }
    }

    /// A window of which nothing is known but that it began before `now_ms`: all that any limit allows was spent just
    /// now, or is leased.
    pub fn unknown(now_ms: u64) -> Self {
        Window {
            length_ms: MAX_WINDOW_MS,
            layout_ms: now_ms,
            latest_ms: now_ms,
            clock_ms: now_ms,
            booked: BTreeMap::new(),
            outstanding: Some(Outstanding::new(*RATE_LIMITS.end(), now_ms + Quota::MAX_LEASE_MS)),
        }
    }

    /// Takes back what the request gives back. Books `request.cost` tokens now, if all of them are there, and a lease of
    /// as many of `request.lease` as prudent at its end. A refusal books nothing.
    pub fn grant(&mut self, quota: Quota, request: &LeaseRequest, now_ms: u64) -> Grant {
        self.advance(now_ms);
        self.fit(quota);
        let slot = self.slot_of(self.latest_ms);
        self.booked = self.booked.split_off(&first_in_reach(slot));
        if self.outstanding_in(first_in_reach(slot)) == 0 {
            self.outstanding = None;
        }
        request.unspent.iter().for_each(|unspent| self.take_back(*unspent));

        let admitted = request.cost <= self.room(quota, slot);
        if admitted {
            self.book(slot, request.cost);
        }
        let lease = Booking {
            layout_ms: self.layout_ms,
            slot: self.slot_of(self.latest_ms + quota.lease_ms()),
            tokens: request.lease.min(self.room(quota, slot) / SHARE),
        };
        self.book(lease.slot, lease.tokens);

        let remaining = self.room(quota, slot);
        let verdict = Verdict {
            admitted,
            quota,
            remaining,
            retry_after_ms: if remaining > 0 { 0 } else { self.next_room_ms(quota, slot) },
            reset_ms: self.last_booked().map_or(0, |last| self.ms_until(last + REACH)),
        };
        Grant { verdict, lease }
    }

    /// The slots with bookings that the last window has, and those behind it, by the clock that shows `now_ms`.
    pub fn booked_slots(&self, quota: Quota, now_ms: u64) -> Vec<BookedSlot> {
        let mut shown = self.clone();
        shown.advance(now_ms);
        shown.fit(quota);
        if let Some(Outstanding { tokens, until_ms }) = shown.outstanding {
            shown.book(shown.slot_of(until_ms), tokens);
        }
        let first = (shown.slot_of(shown.latest_ms) + 1).saturating_sub(Quota::SLOTS);
        let at_ms = |slot: u64| shown.begin_of(slot).saturating_sub(shown.latest_ms - shown.clock_ms);
        shown.booked.range(first..).map(|(slot, booked)| BookedSlot { at_ms: at_ms(*slot), booked: *booked }).collect()
    }

    /// True if nothing was booked within the last two windows: then the window can be dropped.
    pub fn is_idle(&self, now_ms: u64) -> bool {
        let slot = self.slot_of(self.time_at(now_ms));
        self.last_booked().is_none_or(|last| last + 2 * Quota::SLOTS < slot)
    }

    /// Milliseconds from `now_ms` until it may be idle.
    pub fn idle_in_ms(&self, now_ms: u64) -> u64 {
        let idle_slot = self.last_booked().map_or(0, |last| last + 2 * Quota::SLOTS + 1);
        self.begin_of(idle_slot).saturating_sub(self.time_at(now_ms))
    }

    fn advance(&mut self, now_ms: u64) {
        self.latest_ms = self.time_at(now_ms);
        self.clock_ms = now_ms;
    }

    /// The time in here when the clock shows `now_ms`. While the clock is behind, time passes as the clock moves. A
    /// clock that moved further than it is behind has caught up, perhaps by a leap to where it was before: then that
    /// time does not pass twice.
    fn time_at(&self, now_ms: u64) -> u64 {
        let passed_ms = now_ms.saturating_sub(self.clock_ms);
        let behind_ms = self.latest_ms.saturating_sub(now_ms);
        if passed_ms < behind_ms { (self.latest_ms + passed_ms).min(MAX_MOMENT_MS) } else { self.latest_ms.max(now_ms) }
    }

    /// Tokens that can still be booked in `slot`: the limit less the fullest stretch of slots around it. What ends
    /// behind a booking, and before the next, is no fuller than what ends at it.
    fn room(&self, quota: Quota, slot: u64) -> u32 {
        let ends = std::iter::once(slot).chain(self.booked.range(slot + 1..).map(|(booked, _)| *booked));
        let sum = |end| {
            let first = first_in_reach(end);
            let booked = self.booked.range(first..=end).map(|(_, tokens)| u64::from(*tokens)).sum::<u64>();
            booked + u64::from(self.outstanding_in(first))
        };
        let fullest = ends.map(sum).max().unwrap_or(0);
        u32::try_from(u64::from(quota.limit).saturating_sub(fullest)).unwrap_or(0)
    }

    /// The outstanding tokens, if a stretch that begins with slot `first` can hold any: they may be spent in every slot
    /// up to their last one.
    fn outstanding_in(&self, first: u64) -> u32 {
        self.outstanding
            .filter(|outstanding| self.slot_of(outstanding.until_ms) >= first)
            .map_or(0, |outstanding| outstanding.tokens)
    }

    fn book(&mut self, slot: u64, tokens: u32) {
        if tokens > 0 {
            *self.booked.entry(slot).or_default() += tokens;
        }
    }

    /// Frees leased tokens that were given back. Once the slots are laid out anew, it is not known where they are booked.
    fn take_back(&mut self, Booking { layout_ms, slot, tokens }: Booking) {
        if layout_ms == self.layout_ms
            && let Entry::Occupied(mut booked) = self.booked.entry(slot)
        {
            *booked.get_mut() = booked.get().saturating_sub(tokens);
            if *booked.get() == 0 {
                booked.remove();
            }
        }
    }

    fn last_booked(&self) -> Option<u64> {
        let outstanding = self.outstanding.map(|outstanding| self.slot_of(outstanding.until_ms));
        self.booked.keys().next_back().copied().max(outstanding)
    }

    /// Milliseconds until the first slot that has room. Room only grows from slot to slot, so a binary search finds it.
    fn next_room_ms(&self, quota: Quota, slot: u64) -> u64 {
        let (mut full, mut open) = (slot, self.last_booked().unwrap_or(slot) + REACH);
        while open - full > 1 {
            let middle = full.midpoint(open);
            if self.room(quota, middle) > 0 { open = middle } else { full = middle }
        }
        self.ms_until(open)
    }

    /// Moves the tokens to the slots of another window length. A spent token may count later than it was spent, never
    /// earlier, and never later than now. What a shorter window forgot stays forgotten.
    fn fit(&mut self, quota: Quota) {
        if self.length_ms == quota.window_ms {
            return;
        }
        let (latest_ms, clock_ms) = (self.latest_ms, self.clock_ms);
        let layout_ms = latest_ms.max(self.layout_ms.saturating_add(1));
        let new = Window { layout_ms, clock_ms, ..Window::new(quota, latest_ms) };
        let old = std::mem::replace(self, new);
        for (slot, tokens) in &old.booked {
            let last_ms = old.begin_of(slot + 1) - 1;
            self.move_in(*tokens, last_ms.min(latest_ms + Quota::MAX_LEASE_MS));
        }
        if let Some(Outstanding { tokens, until_ms }) = old.outstanding {
            self.move_in(tokens, until_ms);
        }
    }

    /// Books tokens of another length that were spent by `last_ms`, or keeps them outstanding if they may be spent until
    /// then.
    fn move_in(&mut self, tokens: u32, last_ms: u64) {
        if last_ms < self.latest_ms {
            self.book(self.slot_of(last_ms), tokens);
        } else {
            let known = self.outstanding.unwrap_or_default();
            self.outstanding = Some(Outstanding::new(known.tokens + tokens, known.until_ms.max(last_ms)));
        }
    }

    fn slot_of(&self, ms: u64) -> u64 {
        ms * Quota::SLOTS / self.length_ms
    }

    /// The first millisecond of a slot.
    fn begin_of(&self, slot: u64) -> u64 {
        (slot * self.length_ms).div_ceil(Quota::SLOTS)
    }

    fn ms_until(&self, slot: u64) -> u64 {
        self.begin_of(slot).saturating_sub(self.latest_ms)
    }
}

/// The first slot of the stretch that ends with slot `last`.
fn first_in_reach(last: u64) -> u64 {
    (last + 1).saturating_sub(REACH)
}

#[cfg(test)]
mod tests;
