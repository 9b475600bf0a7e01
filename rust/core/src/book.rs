//! The book of one instrument.
//!
//! A side is an array of sizes, one slot a tick, around its touch; levels outside it are in a
//! sorted vector. Both sides work on *keys*: the price of a bid, the negated price of an ask. So on
//! both the better level has the larger key, and there is one code path that keeps a maximum.
//!
//! A message is one or more rows, the last of them marked. Its rows are applied as they come, and
//! until the last one no level counts: half a message may show a price that never was.
//!
//! ```text
//!            snapshot              delta in order              delta after a gap   feed down
//! Empty      Whole or Crossed      ignored; step 0: as Whole   ignored             Down
//! Whole      Whole or Crossed      Whole or Crossed            Gapped              Down
//! Crossed    Whole or Crossed      Whole or Crossed            Gapped              Down
//! Gapped     Whole or Crossed      ignored                     ignored             Down
//! Down       ignored               ignored                     ignored             Down
//! ```
//!
//! What leaves `Down` is [`Book::set_up`], to `Gapped`: a level from before must not count.

use crate::error::{Error, Field};
use crate::ids::InstrumentId;
use crate::num::{Price, Qty, Side};
use crate::quote::{Data, Own, Top, Walk};
use crate::time::Time;
use crate::wire::Writer;

/// What a row of a market message does, and whether it is the last of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Row {
    /// First row of a snapshot: the book is emptied, then this level is set. A size of zero sets
    /// none, so that one row can say "the book is empty".
    Snapshot = 0,
    /// A further level of the snapshot whose first row came before.
    Level = 1,
    /// Sets one level to a new size; zero takes it away.
    Delta = 2,
    /// [`Row::Snapshot`] and the last row.
    SnapshotLast = 3,
    /// [`Row::Level`] and the last row.
    LevelLast = 4,
    /// [`Row::Delta`] and the last row.
    DeltaLast = 5,
}

impl Row {
    /// Every row, in the order of its code.
    pub const ALL: [Row; 6] =
        [Row::Snapshot, Row::Level, Row::Delta, Row::SnapshotLast, Row::LevelLast, Row::DeltaLast];

    /// Whether the message ends with it.
    #[must_use]
    pub const fn is_last(self) -> bool {
        matches!(self, Row::SnapshotLast | Row::LevelLast | Row::DeltaLast)
    }

    /// The same row as the last of its message.
    #[must_use]
    pub const fn ending(self) -> Row {
        match self {
            Row::Snapshot | Row::SnapshotLast => Row::SnapshotLast,
            Row::Level | Row::LevelLast => Row::LevelLast,
            Row::Delta | Row::DeltaLast => Row::DeltaLast,
        }
    }

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// One bit for each kind of row, whether last or not.
    const fn kind(self) -> u8 {
        match self {
            Row::Snapshot | Row::SnapshotLast => SNAPSHOT,
            Row::Level | Row::LevelLast => LEVEL,
            Row::Delta | Row::DeltaLast => DELTA,
        }
    }
}

const SNAPSHOT: u8 = 1;
const LEVEL: u8 = 2;
const DELTA: u8 = 4;
/// What may come while no message is open.
const BEGINS: u8 = SNAPSHOT | DELTA;

/// One row of a market message; rows of a message share `seq` and stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Level price.
    pub price: Price,
    /// New size of the level.
    pub qty: Qty,
    /// Sequence number of the message; 0 when the venue has none.
    pub seq: u64,
    /// When the venue sent it; equal to `receive` when the venue does not say.
    pub exchange: Time,
    /// When we received it.
    pub receive: Time,
    /// How far `seq` is from the message before it; a delta whose `seq − step` is not the number
    /// last applied is a gap. 0: the venue has no numbers and gaps cannot be seen.
    pub step: u32,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Side of the book: [`Side::Buy`] is the bid side.
    pub side: Side,
    /// What the row does.
    pub row: Row,
}

/// Slots of the array of one side, each one tick.
const SLOTS: usize = 4096;
/// Where the best level is put when the array moves: a quarter is left for better prices.
const HOME: i64 = 3072;
/// The array moves down when a far change meets a touch below this slot.
const LOW: usize = 1024;
/// Most levels of one side beyond its array; the worst ones above that are dropped.
pub const OUTSIDE_MAX: usize = 4096;
/// Largest `price_max` of a book, in ticks: differences of keys stay in 64 bits.
pub const PRICE_MAX: i64 = 1 << 60;

const _: () = assert!(SLOTS.is_power_of_two());

/// What a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was applied; its message goes on.
    Open,
    /// It was applied and ended its message: the book may be read.
    Done,
    /// It did nothing: old, sent twice, or of no use before a snapshot.
    Ignored,
    /// It showed that messages are missing: a snapshot has to be asked for.
    Gap,
}

/// What the rows of one message share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    seq: u64,
    exchange: Time,
    receive: Time,
    step: u32,
}

impl Head {
    fn of(change: &Change) -> Head {
        let Change { seq, exchange, receive, step, .. } = *change;
        Head { seq, exchange, receive, step }
    }

    /// Without branches: whether a row begins a message is not to be guessed by a processor.
    #[inline]
    fn is_of(&self, change: &Change) -> bool {
        (self.seq == change.seq)
            & (self.exchange == change.exchange)
            & (self.receive == change.receive)
            & (self.step == change.step)
    }

    fn digest(&self, writer: &mut Writer) {
        writer.u64(self.seq);
        writer.i64(self.exchange.0);
        writer.i64(self.receive.0);
        writer.u32(self.step);
    }
}

/// The book of one instrument.
#[derive(Clone, Debug)]
pub struct Book {
    /// Sizes by side and slot. Slot 0 holds no level but a one: a search downwards ends there.
    ladder: Box<[i64; 2 * SLOTS]>,
    /// Key of slot 0, by side.
    base: [i64; 2],
    /// Slot of the best level, by side; 0 when there is none, and then there is none outside.
    best: [usize; 2],
    /// Number of levels, by side.
    count: [usize; 2],
    /// Worst key that was read since the last touch was cleared, by side; the best level counts as
    /// read always.
    read: [i64; 2],
    /// Levels whose key is at most `base`, by side, ascending.
    outside: [Vec<(i64, i64)>; 2],
    /// Σ weight × size over all levels.
    sum: u64,
    /// The message last applied, or being applied.
    head: Head,
    /// The message being ignored.
    ignored: Head,
    /// Whether a message is being ignored.
    is_ignoring: bool,
    /// Whether a delta in order is applied.
    is_live: bool,
    /// Whether a level at or above what was read has changed.
    touched: bool,
    /// Whether anything was ever applied.
    is_known: bool,
    /// The kinds of row that may come next.
    next: u8,
    data: Data,
    price_max: i64,
    qty_max: i64,
}

/// The key of a price: larger is better.
#[inline]
const fn key_of(side: Side, price: Price) -> i64 {
    match side {
        Side::Buy => price.0,
        Side::Sell => -price.0,
    }
}

/// The price of a key.
#[inline]
const fn price_of(side: Side, key: i64) -> Price {
    match side {
        Side::Buy => Price(key),
        Side::Sell => Price(-key),
    }
}

/// A number for each side and key; a level enters the sum with this number times its size.
#[inline]
fn weight(side: Side, key: i64) -> u64 {
    let salt = match side {
        Side::Buy => 0x9E37_79B9_7F4A_7C15_u64,
        Side::Sell => 0xC2B2_AE3D_27D4_EB4F_u64,
    };
    let mixed = (key.cast_unsigned() ^ salt).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed ^ (mixed >> 32)).wrapping_mul(salt)
}

impl Book {
    /// An empty book that takes prices to ±`price_max` ticks and sizes to `qty_max` lots.
    ///
    /// # Panics
    /// When `price_max` is not in 0 …= [`PRICE_MAX`] or `qty_max` is negative.
    #[must_use]
    pub fn new(price_max: i64, qty_max: i64) -> Book {
        assert!((0..=PRICE_MAX).contains(&price_max), "price_max {price_max} ticks");
        assert!(qty_max >= 0, "qty_max {qty_max} lots");
        let mut ladder = Box::new([0; 2 * SLOTS]);
        for slots in ladder.chunks_exact_mut(SLOTS) {
            slots.iter_mut().take(1).for_each(|first| *first = 1);
        }
        let outside = || Vec::with_capacity(SLOTS + OUTSIDE_MAX);
        Book {
            ladder,
            base: [0; 2],
            best: [0; 2],
            count: [0; 2],
            read: [i64::MAX; 2],
            outside: [outside(), outside()],
            sum: 0,
            head: Head::default(),
            ignored: Head::default(),
            is_ignoring: false,
            is_live: false,
            touched: false,
            is_known: false,
            next: BEGINS,
            data: Data::Empty,
            price_max,
            qty_max,
        }
    }

    /// The door: whether a row may be applied. Changes nothing.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] for a price or size beyond the book's bounds,
    /// [`Error::TimeOutOfRange`] for a stamp outside 1970 to 2200, [`Error::Contradiction`] for a
    /// row that does not fit the message that is open: another kind, sequence number or stamp, a
    /// level without a snapshot before it.
    #[inline]
    pub fn check(&self, change: &Change) -> Result<(), Error> {
        let price = change.price.0.unsigned_abs() <= self.price_max.unsigned_abs();
        let qty = change.qty.get() <= self.qty_max;
        let latest = Time::LATEST.0.unsigned_abs();
        let exchange = change.exchange.0.cast_unsigned() <= latest;
        let receive = change.receive.0.cast_unsigned() <= latest;
        let kind = change.row.kind() & self.next != 0;
        let head = if self.is_ignoring { &self.ignored } else { &self.head };
        let message = (self.next == BEGINS) | head.is_of(change);
        if price & qty & exchange & receive & kind & message {
            Ok(())
        } else {
            Err(self.refusal(change))
        }
    }

    /// Why [`Book::check`] refuses this row.
    #[cold]
    #[inline(never)]
    fn refusal(&self, change: &Change) -> Error {
        let stamps = Time::EARLIEST..=Time::LATEST;
        if change.price.0.unsigned_abs() > self.price_max.unsigned_abs() {
            return Error::OutOfBounds { field: Field::Price, found: change.price.0 };
        }
        if change.qty.get() > self.qty_max {
            return Error::OutOfBounds { field: Field::Qty, found: change.qty.get() };
        }
        if !stamps.contains(&change.exchange) {
            return Error::TimeOutOfRange { field: Field::Exchange, found: change.exchange };
        }
        if !stamps.contains(&change.receive) {
            return Error::TimeOutOfRange { field: Field::Receive, found: change.receive };
        }
        let head = if self.is_ignoring { &self.ignored } else { &self.head };
        let is_open = self.next != BEGINS;
        if is_open && head.seq == change.seq && head.exchange != change.exchange {
            return Error::Contradiction { field: Field::Exchange };
        }
        if is_open && head.seq == change.seq && head.receive != change.receive {
            return Error::Contradiction { field: Field::Receive };
        }
        Error::Contradiction { field: Field::Seq }
    }

    /// Applies a row that passed [`Book::check`].
    #[inline]
    pub fn apply(&mut self, change: &Change) -> Applied {
        let is_first = self.next == BEGINS;
        let ahead = if is_first { u64::from(change.step) } else { 0 };
        let in_order = (change.step == 0) | (change.seq == self.head.seq.wrapping_add(ahead));
        if self.is_live & in_order & (change.row.kind() == DELTA) {
            self.head = Head::of(change);
            self.set(change.side, key_of(change.side, change.price), change.qty.get());
            self.advance(change.row)
        } else {
            self.apply_other(change)
        }
    }

    /// Everything but a delta in order.
    #[inline(never)]
    fn apply_other(&mut self, change: &Change) -> Applied {
        let is_first = self.next == BEGINS;
        if !is_first {
            if self.is_ignoring {
                return self.ignore(change);
            }
        } else if change.row.kind() == SNAPSHOT {
            if self.data == Data::Down {
                return self.ignore(change);
            }
            self.clear();
        } else {
            match self.data {
                Data::Whole | Data::Crossed if change.seq > self.head.seq => {
                    self.lose(Data::Gapped);
                    self.ignore(change);
                    return Applied::Gap;
                }
                Data::Empty if change.step == 0 => {}
                Data::Empty | Data::Whole | Data::Crossed | Data::Gapped | Data::Down => {
                    return self.ignore(change);
                }
            }
        }
        self.head = Head::of(change);
        self.is_live = true;
        self.is_known = true;
        self.set(change.side, key_of(change.side, change.price), change.qty.get());
        self.advance(change.row)
    }

    /// Ends the message, and judges the book, or lets it go on.
    #[inline]
    fn advance(&mut self, row: Row) -> Applied {
        if row.is_last() {
            self.next = BEGINS;
            self.data = if self.is_crossed() { Data::Crossed } else { Data::Whole };
            Applied::Done
        } else {
            self.next = if row.kind() == DELTA { DELTA } else { LEVEL };
            self.data = Data::Gapped;
            Applied::Open
        }
    }

    /// Takes note of a row that does nothing.
    fn ignore(&mut self, change: &Change) -> Applied {
        if change.row.is_last() {
            self.next = BEGINS;
            self.is_ignoring = false;
            self.is_live = matches!(self.data, Data::Whole | Data::Crossed);
        } else {
            self.next = if change.row.kind() == DELTA { DELTA } else { LEVEL };
            self.ignored = Head::of(change);
            self.is_ignoring = true;
            self.is_live = false;
        }
        Applied::Ignored
    }

    #[inline]
    fn is_crossed(&self) -> bool {
        let [bid, ask] = [self.best_key(Side::Buy), self.best_key(Side::Sell)];
        // Keys of asks are negated prices: bid > ask is bid + (−ask) > 0.
        (self.best[0] != 0) & (self.best[1] != 0) & (bid + ask > 0)
    }

    /// Takes every level away and says why.
    fn lose(&mut self, data: Data) {
        self.clear();
        self.data = data;
        self.is_live = false;
        self.is_ignoring = false;
        self.next = BEGINS;
    }

    /// The feed is down: no level counts, and a message that was open is forgotten.
    pub fn set_down(&mut self) {
        self.lose(Data::Down);
    }

    /// The feed is up again: what comes counts from the next snapshot on. Of no effect while up.
    pub fn set_up(&mut self) {
        if self.data == Data::Down {
            self.data = if self.is_known { Data::Gapped } else { Data::Empty };
            self.touched = true;
        }
    }

    /// Whether the levels may be relied on. While a message is open they may not: `Gapped`. A
    /// locked book, best bid equal to best ask, is whole.
    #[inline]
    #[must_use]
    pub const fn data(&self) -> Data {
        self.data
    }

    /// The best level of a side, whatever [`Book::data`] says of it.
    #[inline]
    #[must_use]
    pub fn top(&self, side: Side) -> Option<Top> {
        let slot = self.best[side.index()];
        let qty = Qty::of(self.ladder[place(side, slot)]);
        (slot != 0).then(|| Top { price: price_of(side, self.best_key(side)), qty })
    }

    /// The best price of a side, whatever [`Book::data`] says of it.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        (self.best[side.index()] != 0).then(|| price_of(side, self.best_key(side)))
    }

    /// Levels of a side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Top> {
        let keys = (key_at(self.base[side.index()], 1)..=self.best_key(side)).rev();
        let inside = keys.zip(self.slots(side).iter().rev().copied());
        let inside = inside.filter(|(_, lots)| *lots != 0);
        let outside = self.outside[side.index()].iter().rev().copied();
        let level = move |(key, lots)| Top { price: price_of(side, key), qty: Qty::of(lots) };
        inside.chain(outside).map(level)
    }

    /// How many levels a side has.
    #[must_use]
    pub const fn count(&self, side: Side) -> usize {
        self.count[side.index()]
    }

    /// What taking `qty` lots would cost now, at prices no worse than `limit`.
    ///
    /// `taker` is the side of the order: a buy takes asks. Own resting lots are not there to be
    /// taken, and of what is left the best lots are claimed by orders of ours that are in flight.
    /// `None` where nothing can be taken, and while [`Book::data`] is anything but whole.
    #[must_use]
    pub fn walk(&self, taker: Side, qty: Qty, limit: Option<Price>, own: &Own) -> Option<Walk> {
        if self.data != Data::Whole {
            return None;
        }
        let side = taker.flip();
        let limit = limit.map_or(i64::MIN, |limit| key_of(side, limit));
        let mut taking = Taking::new(qty, own.claims[taker.index()], limit);
        if own.resting.iter().any(|(resting, ..)| *resting == side) {
            self.take(side, &mut taking, |key, lots| (lots - resting(own, side, key)).max(0));
        } else {
            self.take(side, &mut taking, |_, lots| lots);
        }
        taking.walk(side)
    }

    /// Offers levels to `taking`, the best first, until it wants no more.
    #[inline]
    fn take(&self, side: Side, taking: &mut Taking, free: impl Fn(i64, i64) -> i64) {
        let mut key = self.best_key(side) + 1;
        for lots in self.slots(side).iter().rev() {
            key -= 1;
            if *lots != 0 && taking.is_done_at(key, free(key, *lots)) {
                return;
            }
        }
        for (key, lots) in self.outside[side.index()].iter().rev() {
            if taking.is_done_at(*key, free(*key, *lots)) {
                return;
            }
        }
    }

    /// Takes note that levels of a side down to `price` were read: a change there counts as a
    /// touch. The best level of each side is noted always.
    pub fn note_read(&mut self, side: Side, price: Price) {
        self.note_key(side, key_of(side, price));
    }

    /// Takes note of a walk that was made, or of one that found nothing.
    pub fn note_walk(&mut self, taker: Side, walk: Option<&Walk>) {
        let side = taker.flip();
        let marginal = walk.and_then(|walk| walk.marginal);
        // A walk that met the end of the book has read all of it, and what may yet come.
        self.note_key(side, marginal.map_or(i64::MIN, |price| key_of(side, price)));
    }

    fn note_key(&mut self, side: Side, key: i64) {
        let read = &mut self.read[side.index()];
        *read = (*read).min(key);
    }

    /// Whether a level at or above what was read, or the state of the data, has changed since
    /// [`Book::clear_touched`].
    #[inline]
    #[must_use]
    pub const fn touched(&self) -> bool {
        self.touched
    }

    /// Forgets the touch and what was read before it; call it before reading anew.
    #[inline]
    pub fn clear_touched(&mut self) {
        self.touched = false;
        self.read = [i64::MAX; 2];
    }

    /// The exchange stamp of the message last applied.
    #[inline]
    #[must_use]
    pub const fn exchange(&self) -> Time {
        self.head.exchange
    }

    /// The receive stamp of the message last applied.
    #[inline]
    #[must_use]
    pub const fn receive(&self) -> Time {
        self.head.receive
    }

    /// The sequence number of the message last applied.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.head.seq
    }

    /// The state as canonical bytes; the levels enter as counts, best prices and a sum.
    pub fn digest(&self, writer: &mut Writer) {
        self.head.digest(writer);
        self.ignored.digest(writer);
        for side in [Side::Buy, Side::Sell] {
            writer.len(self.count(side));
            writer.option_i64(self.best(side).map(|price| price.0));
            writer.i64(self.read[side.index()]);
        }
        writer.u64(self.sum);
        for flag in [self.is_ignoring, self.is_live, self.touched, self.is_known] {
            writer.bool(flag);
        }
        writer.u8(self.next);
        writer.u8(data_code(self.data));
    }

    /// Slots 1 to the best one of a side.
    #[inline]
    fn slots(&self, side: Side) -> &[i64] {
        let first = side.index() * SLOTS;
        self.ladder.get(first + 1..=first + self.best[side.index()]).unwrap_or(&[])
    }

    /// Key of the best level; of no meaning when there is none.
    #[inline]
    fn best_key(&self, side: Side) -> i64 {
        key_at(self.base[side.index()], self.best[side.index()])
    }

    /// Sets one level; zero takes it away.
    #[inline]
    fn set(&mut self, side: Side, key: i64, lots: i64) {
        let at = side.index();
        let slot = match usize::try_from(key.wrapping_sub(self.base[at])) {
            Ok(slot @ 1..SLOTS) => slot,
            Ok(_) | Err(_) => return self.set_far(side, key, lots),
        };
        let best = self.best[at];
        self.touched |= (slot >= best) | (key >= self.read[at]);
        let level = &mut self.ladder[place(side, slot)];
        let before = std::mem::replace(level, lots);
        self.account(side, key, before, lots);
        if (lots == 0) & (slot == best) {
            self.best[at] = self.next_best(side, best);
            if self.best[at] == 0 {
                self.refill(side);
            }
        } else {
            // A level taken away is no candidate; one that is set may be the new best.
            self.best[at] = best.max(if lots == 0 { 0 } else { slot });
        }
    }

    /// The next slot below `best` that holds a level, or 0.
    #[inline]
    fn next_best(&self, side: Side, best: usize) -> usize {
        let mut slot = best.wrapping_sub(1);
        while self.ladder[place(side, slot)] == 0 {
            slot = slot.wrapping_sub(1);
        }
        slot
    }

    /// Keeps number and sum of levels when one goes from `before` to `after` lots.
    #[inline]
    fn account(&mut self, side: Side, key: i64, before: i64, after: i64) {
        let count = &mut self.count[side.index()];
        *count = *count + usize::from(after != 0) - usize::from(before != 0);
        let change = after.wrapping_sub(before).cast_unsigned();
        self.sum = self.sum.wrapping_add(weight(side, key).wrapping_mul(change));
    }

    /// Sets a level beyond the array, which is moved first where that helps.
    #[cold]
    #[inline(never)]
    fn set_far(&mut self, side: Side, key: i64, lots: i64) {
        let at = side.index();
        let best = self.best[at];
        let is_better = best == 0 || key > self.best_key(side);
        if is_better {
            if lots != 0 {
                self.recentre(side, key);
                self.set(side, key, lots);
            }
            return;
        }
        if best < LOW {
            self.recentre(side, self.best_key(side));
            if key > self.base[at] {
                return self.set(side, key, lots);
            }
        }
        self.touched |= key >= self.read[at];
        self.set_outside(side, key, lots);
    }

    /// Sets a level in the sorted vector.
    fn set_outside(&mut self, side: Side, key: i64, lots: i64) {
        let outside = &mut self.outside[side.index()];
        let found = outside.binary_search_by_key(&key, |(key, _)| *key);
        let before = match found {
            Ok(place) if lots == 0 => outside.remove(place).1,
            Ok(place) => std::mem::replace(&mut outside[place].1, lots),
            Err(_) if lots == 0 => return,
            Err(place) => {
                outside.insert(place, (key, lots));
                0
            }
        };
        self.account(side, key, before, lots);
        self.trim(side);
    }

    /// Drops the worst levels above the bound: liquidity may be missed, never invented.
    fn trim(&mut self, side: Side) {
        let excess = self.outside[side.index()].len().saturating_sub(OUTSIDE_MAX);
        for place in 0..excess {
            let (key, lots) = self.outside[side.index()][place];
            self.account(side, key, lots, 0);
        }
        self.outside[side.index()].drain(..excess);
    }

    /// The array is empty: moves it to the levels outside, if there are any.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, side: Side) {
        if let Some((key, _)) = self.outside[side.index()].last() {
            self.recentre(side, *key);
        }
    }

    /// Moves the array so that `key`, which no level is better than, lies at [`HOME`].
    fn recentre(&mut self, side: Side, key: i64) {
        let at = side.index();
        let outside = &mut self.outside[at];
        for slot in 1..=self.best[at] {
            let lots = std::mem::take(&mut self.ladder[place(side, slot)]);
            if lots != 0 {
                outside.push((key_at(self.base[at], slot), lots));
            }
        }
        self.base[at] = key - HOME;
        self.best[at] = 0;
        while let Some((key, lots)) = outside.last().copied() {
            match usize::try_from(key - self.base[at]) {
                Ok(slot @ 1..) => {
                    self.ladder[place(side, slot)] = lots;
                    self.best[at] = self.best[at].max(slot);
                    outside.pop();
                }
                Ok(0) | Err(_) => break,
            }
        }
        self.trim(side);
    }

    /// Takes every level away.
    fn clear(&mut self) {
        for side in [Side::Buy, Side::Sell] {
            let at = side.index();
            for slot in 1..=self.best[at] {
                self.ladder[place(side, slot)] = 0;
            }
            self.best[at] = 0;
            self.count[at] = 0;
            self.outside[at].clear();
        }
        self.sum = 0;
        self.touched = true;
    }
}

/// The place of a slot in the array of both sides.
#[inline]
const fn place(side: Side, slot: usize) -> usize {
    (side.index() * SLOTS + slot) & (2 * SLOTS - 1)
}

/// The key of a slot.
#[inline]
#[expect(clippy::as_conversions, clippy::cast_possible_wrap, reason = "a slot is below 4,096")]
const fn key_at(base: i64, slot: usize) -> i64 {
    base.wrapping_add(slot as i64)
}

const fn data_code(data: Data) -> u8 {
    match data {
        Data::Empty => 0,
        Data::Whole => 1,
        Data::Gapped => 2,
        Data::Crossed => 3,
        Data::Down => 4,
    }
}

/// Own lots that rest at a level.
fn resting(own: &Own, side: Side, key: i64) -> i64 {
    let price = price_of(side, key);
    let here = own.resting.iter().filter(|(at, level, _)| *at == side && *level == price);
    here.map(|(.., qty)| qty.get()).sum()
}

/// A walk in progress.
struct Taking {
    /// Lots yet to be passed over.
    claimed: i64,
    /// Lots yet to be taken.
    left: i64,
    taken: i64,
    /// Σ key × lots taken.
    cost: i128,
    worst: i64,
    limit: i64,
    marginal: Option<i64>,
}

impl Taking {
    const fn new(qty: Qty, claimed: Qty, limit: i64) -> Taking {
        let (left, claimed) = (qty.get(), claimed.get());
        Taking { claimed, left, taken: 0, cost: 0, worst: 0, limit, marginal: None }
    }

    /// Takes what is wanted of `lots` free lots at a level; whether nothing more is needed.
    #[inline]
    fn is_done_at(&mut self, key: i64, lots: i64) -> bool {
        let passed = self.claimed.min(lots);
        self.claimed -= passed;
        let lots = lots - passed;
        if lots == 0 {
            return false;
        }
        if self.left == 0 || key < self.limit {
            self.marginal = Some(key);
            return true;
        }
        let taken = self.left.min(lots);
        self.left -= taken;
        self.taken += taken;
        self.cost += i128::from(key) * i128::from(taken);
        self.worst = key;
        if taken < lots {
            self.marginal = Some(key);
        }
        taken < lots
    }

    fn walk(&self, side: Side) -> Option<Walk> {
        let sign = i128::from(side.sign());
        (self.taken != 0).then(|| Walk {
            qty: Qty::of(self.taken),
            cost: sign * self.cost,
            worst: price_of(side, self.worst),
            marginal: self.marginal.map(|key| price_of(side, key)),
        })
    }
}
