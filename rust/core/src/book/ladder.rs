//! One side of a book: sizes by key.
//!
//! A *key* is the price of a bid or the negated price of an ask, so that on both sides the better
//! level has the larger key. Levels around the touch lie in an array, one slot a tick; those below
//! it in a sorted vector. No level lies above the array, and when the array holds none, there is
//! none at all; so the best level is the highest slot in use.

use crate::num::Qty;
use crate::wire::Writer;

/// Slots of the array.
const SLOTS: usize = 4096;
/// Where the best level is put when the array moves: a quarter is left for better prices.
const HOME: i64 = 3072;
/// The array moves down when a level below it is met while the best one is under this slot.
const LOW: usize = 1024;
/// Most levels of one side below its array; the worst ones above that are dropped, so liquidity
/// may be missed and none is invented.
pub const OUTSIDE_MAX: usize = 4096;

const _: () = assert!(SLOTS.is_power_of_two());

/// One side of a book.
// Aligned, so that the place of a side is a shift.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Ladder {
    /// Sizes by slot. Slot 0 holds no level but a one: a search downwards ends there.
    slots: Box<[i64; SLOTS]>,
    /// Key of slot 0.
    base: i64,
    /// Slot of the best level; 0 when there is none.
    best: usize,
    /// No slot from 1 to the one below this holds a level: a walk ends there, and what replaces a
    /// snapshot clears what that one set, not the whole array.
    lowest: usize,
    /// What tells the weights of the two sides apart.
    salt: u64,
    /// Worst key that was read since `touched` was cleared; the best level counts as read always.
    read: i64,
    /// Whether a level at or above what was read has changed.
    touched: bool,
    /// Levels whose key is at most `base`, ascending.
    outside: Vec<(i64, i64)>,
}

impl Ladder {
    pub(super) fn new(salt: u64) -> Ladder {
        #[expect(clippy::large_stack_arrays, reason = "32 KiB, once a book")]
        let slots = Box::new([0; SLOTS]);
        let mut ladder = Ladder {
            slots,
            base: 0,
            best: 0,
            lowest: SLOTS,
            salt,
            read: i64::MAX,
            touched: false,
            outside: Vec::with_capacity(SLOTS + OUTSIDE_MAX),
        };
        *ladder.lots_mut(0) = 1;
        ladder
    }

    /// Key and size of the best level.
    #[inline]
    pub(super) fn top(&self) -> Option<(i64, i64)> {
        (self.best != 0).then(|| (self.best_key(), self.lots(self.best)))
    }

    /// Key of the best level.
    #[inline]
    pub(super) fn best(&self) -> Option<i64> {
        (self.best != 0).then(|| self.best_key())
    }

    /// Number of levels.
    pub(super) fn count(&self) -> usize {
        self.levels().count()
    }

    /// Whether a level at or above what was read has changed.
    #[inline]
    pub(super) const fn touched(&self) -> bool {
        self.touched
    }

    /// Takes note that levels down to this key were read.
    pub(super) fn note_read(&mut self, key: i64) {
        self.read = self.read.min(key);
    }

    /// Forgets the touch and what was read.
    #[inline]
    pub(super) fn clear_touched(&mut self) {
        self.touched = false;
        self.read = i64::MAX;
    }

    /// Keys and sizes, the best first.
    pub(super) fn levels(&self) -> impl Iterator<Item = (i64, i64)> {
        self.below(i64::MAX)
    }

    /// Keys below this one and their sizes, the best first.
    fn below(&self, limit: i64) -> impl Iterator<Item = (i64, i64)> {
        let end = self.slot_at(limit).min(self.best + 1);
        let lowest = self.lowest.min(end);
        let keys = (self.key(lowest)..self.key(end)).rev();
        let inside = keys.zip(self.slots.get(lowest..end).unwrap_or(&[]).iter().rev().copied());
        let outside = self.outside.iter().rev().copied();
        let outside = outside.skip_while(move |(key, _)| *key >= limit);
        inside.filter(|(_, lots)| *lots != 0).chain(outside)
    }

    /// The best `want` lots, more than zero, at keys not below `limit`; `free` says how many lots
    /// of a level may be counted on.
    #[inline]
    pub(super) fn best_lots(
        &self,
        want: i64,
        limit: i64,
        free: impl Fn(i64, i64) -> i64,
    ) -> BestLots {
        let mut found = BestLots::default();
        let lowest = self.slot_at(limit).max(self.lowest);
        let slots = self.slots.get(lowest..=self.best).unwrap_or(&[]);
        let mut key = self.best_key();
        for lots in slots.iter().rev() {
            // A level without lots adds nothing: asking whether there are any would cost more.
            if found.add(want, key, free(key, *lots)) {
                return self.with_next(found, free);
            }
            key -= 1;
        }
        self.more_lots(found, want, limit, free)
    }

    /// Goes on below the array.
    #[inline(never)]
    fn more_lots(
        &self,
        mut found: BestLots,
        want: i64,
        limit: i64,
        free: impl Fn(i64, i64) -> i64,
    ) -> BestLots {
        for (key, lots) in self.outside.iter().rev().take_while(|(key, _)| *key >= limit) {
            if found.add(want, *key, free(*key, *lots)) {
                break;
            }
        }
        self.with_next(found, free)
    }

    /// The best `claimed` lots, and those and the `qty` lots after them together.
    #[inline]
    pub(super) fn best_lots_after(
        &self,
        claimed: Qty,
        qty: Qty,
        limit: i64,
        free: impl Fn(i64, i64) -> i64,
    ) -> [BestLots; 2] {
        let all = self.best_lots(claimed.get().saturating_add(qty.get()), limit, &free);
        let claims = if claimed.is_zero() {
            BestLots::default()
        } else {
            self.best_lots(claimed.get(), limit, &free)
        };
        [claims, all]
    }

    /// Looks for the next lot, where it is not on the worst level itself.
    #[inline]
    fn with_next(&self, mut found: BestLots, free: impl Fn(i64, i64) -> i64) -> BestLots {
        if found.next.is_none() {
            found.next = self.next_after(&found, free);
        }
        found
    }

    #[inline(never)]
    fn next_after(&self, found: &BestLots, free: impl Fn(i64, i64) -> i64) -> Option<i64> {
        let below = if found.lots == 0 { i64::MAX } else { found.worst };
        let mut rest = self.below(below);
        rest.find(|(key, lots)| free(*key, *lots) != 0).map(|(key, _)| key)
    }

    /// Sets one level; zero takes it away.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    #[expect(clippy::needless_bitwise_bool, reason = "no branch that a processor has to guess")]
    pub(super) fn set(&mut self, key: i64, lots: i64) {
        // A key below the array wraps around to a slot far above it.
        let Ok(slot @ 1..SLOTS) = usize::try_from(key.wrapping_sub(self.base).cast_unsigned())
        else {
            return self.set_far(key, lots);
        };
        let best = self.best;
        self.touched |= (slot >= best) | (key >= self.read);
        *self.lots_mut(slot) = lots;
        self.lowest = self.lowest.min(slot);
        // A conditional move, and a branch that is taken only when the best level goes. It asks the
        // array and not `lots`, for then a processor would have to guess what every level does.
        let best = best.max(if lots == 0 { 0 } else { slot });
        self.best = best;
        if self.lots(best) == 0 {
            self.best = self.next_below(best);
            if self.best == 0 {
                self.refill();
            }
        }
    }

    /// Takes every level away.
    pub(super) fn clear(&mut self) {
        if let Some(slots) = self.slots.get_mut(self.lowest..=self.best) {
            slots.fill(0);
        }
        self.outside.clear();
        (self.best, self.lowest) = (0, SLOTS);
        self.touched = true;
    }

    /// Number of levels, best key and sum of levels stand for the levels themselves. The sum does
    /// not depend on their order; it is made here, so that no row has to keep it.
    pub(super) fn digest(&self, writer: &mut Writer) {
        let (mut count, mut sum) = (0, 0_u64);
        for (key, lots) in self.levels() {
            count += 1;
            sum = sum.wrapping_add(self.weight(key).wrapping_mul(lots.cast_unsigned()));
        }
        writer.len(count);
        writer.option_i64(self.best());
        writer.u64(sum);
        writer.i64(self.read);
        writer.bool(self.touched);
    }

    #[inline]
    #[expect(clippy::as_conversions, clippy::cast_possible_wrap, reason = "below 4,096")]
    const fn key(&self, slot: usize) -> i64 {
        self.base.wrapping_add(slot as i64)
    }

    /// The slot of a key, or the nearest one.
    #[inline]
    fn slot_at(&self, key: i64) -> usize {
        usize::try_from(key.saturating_sub(self.base)).map_or(0, |slot| slot.min(SLOTS))
    }

    /// Key of the best level; of no meaning when there is none.
    #[inline]
    const fn best_key(&self) -> i64 {
        self.key(self.best)
    }

    // A slot is below the number of slots, a power of two: the mask spares asking.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "masked")]
    const fn lots(&self, slot: usize) -> i64 {
        self.slots[slot & (SLOTS - 1)]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "masked")]
    const fn lots_mut(&mut self, slot: usize) -> &mut i64 {
        &mut self.slots[slot & (SLOTS - 1)]
    }

    /// The next slot below that holds a level, or 0.
    #[inline]
    const fn next_below(&self, mut slot: usize) -> usize {
        loop {
            slot = slot.wrapping_sub(1);
            if self.lots(slot) != 0 {
                return slot;
            }
        }
    }

    /// A number for each side and key; a level enters the sum with this number times its size.
    #[inline]
    const fn weight(&self, key: i64) -> u64 {
        let mixed = (key.cast_unsigned() ^ self.salt).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (mixed ^ (mixed >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// [`Ladder::set`] for a key that the array now covers.
    fn set_near(&mut self, key: i64, lots: i64) {
        self.set(key, lots);
    }

    /// Sets a level beyond the array, which is moved first where that helps.
    #[cold]
    #[inline(never)]
    fn set_far(&mut self, key: i64, lots: i64) {
        if self.best == 0 || key > self.best_key() {
            // Above everything; there is nothing to take away.
            if lots != 0 {
                self.recentre(key);
                self.set_near(key, lots);
            }
            return;
        }
        if self.best < LOW {
            self.recentre(self.best_key());
            if key > self.base {
                return self.set_near(key, lots);
            }
        }
        self.touched |= key >= self.read;
        self.set_outside(key, lots);
    }

    /// Sets a level in the sorted vector.
    fn set_outside(&mut self, key: i64, lots: i64) {
        let found = self.outside.binary_search_by_key(&key, |(key, _)| *key);
        match found {
            Ok(place) if lots == 0 => {
                self.outside.remove(place);
            }
            Ok(place) => {
                if let Some((_, level)) = self.outside.get_mut(place) {
                    *level = lots;
                }
            }
            Err(_) if lots == 0 => {}
            Err(place) => self.outside.insert(place, (key, lots)),
        }
        self.trim();
    }

    /// Drops the worst levels above the bound.
    fn trim(&mut self) {
        let excess = self.outside.len().saturating_sub(OUTSIDE_MAX);
        self.outside.drain(..excess);
    }

    /// The array is empty: moves it to the levels outside, if there are any.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        if let Some((key, _)) = self.outside.last() {
            self.recentre(*key);
        }
    }

    /// Moves the array so that `key`, which no level is better than, lies at [`HOME`].
    fn recentre(&mut self, key: i64) {
        for slot in self.lowest..=self.best {
            let lots = std::mem::take(self.lots_mut(slot));
            if lots != 0 {
                self.outside.push((self.key(slot), lots));
            }
        }
        self.base = key - HOME;
        (self.best, self.lowest) = (0, SLOTS);
        while let Some((key, lots)) = self.outside.pop_if(|(key, _)| *key > self.base) {
            if let Ok(slot) = usize::try_from(key - self.base) {
                *self.lots_mut(slot) = lots;
                self.best = self.best.max(slot);
                self.lowest = self.lowest.min(slot);
            }
        }
        self.trim();
    }
}

/// The best lots of a ladder.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BestLots {
    /// How many there are.
    pub(super) lots: i64,
    /// Σ key × lots.
    pub(super) cost: i128,
    /// The last key; of no meaning when there are no lots.
    pub(super) worst: i64,
    /// The key of the lot after them.
    pub(super) next: Option<i64>,
}

impl BestLots {
    /// Adds what is wanted of a level; whether all is there.
    #[inline]
    fn add(&mut self, want: i64, key: i64, lots: i64) -> bool {
        let left = want - self.lots;
        if lots < left {
            self.lots += lots;
            self.cost += i128::from(key) * i128::from(lots);
            self.worst = if lots == 0 { self.worst } else { key };
            return false;
        }
        self.lots = want;
        self.cost += i128::from(key) * i128::from(left);
        self.worst = key;
        self.next = (lots > left).then_some(key);
        true
    }
}
