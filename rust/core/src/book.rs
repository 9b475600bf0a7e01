//! The book of one instrument.
//!
//! Each side is a [`ladder`]: an array of sizes around its touch and a sorted vector of the levels
//! beyond. Both work on *keys*, the price of a bid and the negated price of an ask; so on both the
//! better level has the larger key, and one code path keeps the maximum.
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

mod ladder;

use self::ladder::Ladder;
use crate::error::{Error, Field};
use crate::ids::InstrumentId;
use crate::num::{Price, Qty, Side};
use crate::quote::{Data, Own, Top, Walk};
use crate::time::{Span, Time};
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

    /// Whether it is the first of a snapshot.
    #[must_use]
    pub const fn is_snapshot(self) -> bool {
        matches!(self, Row::Snapshot | Row::SnapshotLast)
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

pub use self::ladder::OUTSIDE_MAX;

/// Largest `price_max` of a book, in ticks: differences of keys stay in 64 bits.
pub const PRICE_MAX: i64 = 1 << 60;

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

    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "no branch that a processor has to guess")]
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
    /// Bids, then asks.
    sides: [Ladder; 2],
    /// The message last applied, or being applied.
    head: Head,
    /// The message being ignored.
    ignored: Head,
    /// Whether a message is being ignored.
    is_ignoring: bool,
    /// Whether a delta in order is applied.
    is_live: bool,
    /// Whether anything was ever applied.
    is_known: bool,
    /// The kinds of row that may come next.
    next: u8,
    data: Data,
    price_max: i64,
    /// How far beyond the other side's touch a level may be set, in ticks.
    reach: i64,
    /// How many prices of each side, from its worst, pass without a look at the touch.
    windows: [u64; 2],
    qty_max: i64,
}

/// The key of a price: larger is better. A product, since the side of a row cannot be guessed.
#[inline]
const fn key_of(side: Side, price: Price) -> i64 {
    price.0.wrapping_mul(side.sign())
}

/// The price of a key.
#[inline]
const fn price_of(side: Side, key: i64) -> Price {
    Price(key.wrapping_mul(side.sign()))
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
        // Two odd numbers without a pattern: they tell the sides apart in the digest.
        let sides = [Ladder::new(0x9E37_79B9_7F4A_7C15), Ladder::new(0xC2B2_AE3D_27D4_EB4F)];
        Book {
            sides,
            head: Head::default(),
            ignored: Head::default(),
            is_ignoring: false,
            is_live: false,
            is_known: false,
            next: BEGINS,
            data: Data::Empty,
            price_max,
            reach: i64::MAX,
            windows: [2 * price_max.unsigned_abs() + 1; 2],
            qty_max,
        }
    }

    /// From now on a level may be set at most `reach` ticks beyond the other side's touch: a bid so
    /// far above the asks, or an ask so far below the bids, is no price. Levels behind the touch
    /// lie as deep as they like, and a level may be taken away anywhere.
    pub fn set_reach(&mut self, reach: i64) {
        self.reach = reach;
        self.lay_windows();
    }

    /// Lays the prices that pass without a look at the touch. They end half as far from it as a
    /// level may lie: wherever in between the touch moves, none of them is too far beyond it.
    fn lay_windows(&mut self) {
        let [bid, ask] = [Side::Buy, Side::Sell].map(|side| self.best(side).map(|of| of.0));
        let (low, high) = match (bid, ask) {
            (Some(bid), Some(ask)) => (bid.min(ask), bid.max(ask)),
            (Some(only), None) | (None, Some(only)) => (only, only),
            (None, None) => {
                self.windows = [0; 2];
                return;
            }
        };
        let (half, most) = (self.reach / 2, self.price_max);
        let is_wide = self.reach >= most.saturating_mul(2);
        // By key: the best price that passes, of bids the highest and of asks the lowest.
        self.windows = [low, -high].map(|nearest| {
            let best = if is_wide { most } else { nearest.saturating_add(half).min(most) };
            u64::try_from(best + most + 1).unwrap_or(0)
        });
    }

    /// Whether a level is not set too far beyond the touch of the other side.
    fn is_near(&self, change: &Change) -> bool {
        let beyond = |touch: Price| {
            key_of(change.side, change.price).saturating_sub(key_of(change.side, touch))
        };
        let other = self.best(change.side.flip());
        change.row.kind() == SNAPSHOT
            || change.qty.is_zero()
            || other.is_none_or(|touch| beyond(touch) <= self.reach)
    }

    /// The door: whether a row may be applied. Changes nothing.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] for a price or size beyond the book's bounds, or a price further than
    /// [`Book::set_reach`] beyond the other side's touch,
    /// [`Error::TimeOutOfRange`] for a stamp outside 1970 to 2200, [`Error::Contradiction`] for a
    /// row that does not fit the message that is open: another kind, sequence number or stamp, a
    /// level without a snapshot before it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    pub fn check(&self, change: &Change) -> Result<(), Error> {
        let shifted = change.price.0.wrapping_add(self.price_max);
        let price = shifted.cast_unsigned() <= 2 * self.price_max.unsigned_abs();
        let qty = change.qty.get() <= self.qty_max;
        let latest = Time::LATEST.0.unsigned_abs();
        let exchange = change.exchange.0.cast_unsigned() <= latest;
        let receive = change.receive.0.cast_unsigned() <= latest;
        let kind = change.row.kind() & self.next != 0;
        let head = if self.is_ignoring { &self.ignored } else { &self.head };
        let message = (self.next == BEGINS) | head.is_of(change);
        if price & qty & exchange & receive & kind & message && self.is_near(change) {
            Ok(())
        } else {
            Err(self.refusal(*change))
        }
    }

    /// Why [`Book::check`] refuses this row.
    #[cold]
    #[inline(never)]
    fn refusal(&self, change: Change) -> Error {
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
        if !self.is_near(&change) {
            return Error::OutOfBounds { field: Field::Price, found: change.price.0 };
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

    /// Judges all rows of one message, each as it would stand after those before it. Changes
    /// nothing.
    ///
    /// A message that is refused at one of its rows must not be begun: what follows would not fit
    /// the part of it that was applied.
    ///
    /// # Errors
    /// As [`Book::check`], with the place of the row.
    pub fn check_message(&self, rows: &[Change]) -> Result<(), (usize, Error)> {
        if self.is_plain(rows) {
            return Ok(());
        }
        let mut trial = self.clone();
        for (at, row) in rows.iter().enumerate() {
            trial.take(row).map_err(|error| (at, error))?;
        }
        Ok(())
    }

    /// Whether rows are one whole message of which none can be refused, whatever the book becomes
    /// on its way: what nearly all messages are.
    fn is_plain(&self, rows: &[Change]) -> bool {
        let Some(first) = rows.first() else { return false };
        let head = Head::of(first);
        let stamps = Time::EARLIEST..=Time::LATEST;
        let is_snapshot = first.row.is_snapshot();
        let further = if is_snapshot { LEVEL } else { DELTA };
        let fits = |(at, row): (usize, &Change)| {
            let kind = if at == 0 { first.row.kind() & BEGINS } else { further };
            row.price.0.unsigned_abs() <= self.price_max.unsigned_abs()
                && row.qty.get() <= self.qty_max
                && row.row.kind() == kind
                && row.row.is_last() == (at + 1 == rows.len())
                && head.is_of(row)
        };
        // The widest that the sides can overlap while the rows are applied, in ticks.
        let there = |side| if is_snapshot { None } else { self.best(side).map(|price| price.0) };
        let set = |side| {
            let of = rows.iter().filter(move |row| row.side == side && !row.qty.is_zero());
            of.map(|row| row.price.0)
        };
        let bid = set(Side::Buy).chain(there(Side::Buy)).max();
        let ask = set(Side::Sell).chain(there(Side::Sell)).min();
        let is_near = bid.zip(ask).is_none_or(|(bid, ask)| bid.saturating_sub(ask) <= self.reach);
        self.next == BEGINS
            && stamps.contains(&head.exchange)
            && stamps.contains(&head.receive)
            && is_near
            && rows.iter().enumerate().all(fits)
    }

    /// Judges a row and applies it: [`Book::check`] and [`Book::apply`] in one.
    ///
    /// # Errors
    /// As [`Book::check`]; then nothing has changed.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    pub fn take(&mut self, change: &Change) -> Result<Applied, Error> {
        if !self.is_next_delta(change) {
            return self.take_other(*change);
        }
        self.head = Head::of(change);
        self.set(change);
        Ok(self.advance(change.row))
    }

    /// Whether a row is a delta in order that passes the door: what nearly all rows are.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    #[expect(clippy::needless_bitwise_bool, reason = "no branch that a processor has to guess")]
    fn is_next_delta(&self, change: &Change) -> bool {
        let key = key_of(change.side, change.price).wrapping_add(self.price_max);
        let [bids, asks] = self.windows;
        let window = if change.side == Side::Buy { bids } else { asks };
        let price = key.cast_unsigned() < window;
        let qty = change.qty.get() <= self.qty_max;
        let delta = change.row.kind() & self.next & DELTA != 0;
        let message = if self.next == BEGINS {
            let latest = Time::LATEST.0.unsigned_abs();
            let exchange = change.exchange.0.cast_unsigned() <= latest;
            let receive = change.receive.0.cast_unsigned() <= latest;
            let follows = change.seq == self.head.seq.wrapping_add(u64::from(change.step));
            exchange & receive & ((change.step == 0) | follows)
        } else {
            self.head.is_of(change)
        };
        self.is_live & delta & price & qty & message
    }

    /// Everything but a delta in order, and what the door refuses.
    #[inline(never)]
    fn take_other(&mut self, change: Change) -> Result<Applied, Error> {
        self.check(&change)?;
        let applied = self.apply(&change);
        self.lay_windows();
        Ok(applied)
    }

    /// Applies a row that passed [`Book::check`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    pub fn apply(&mut self, change: &Change) -> Applied {
        let is_first = self.next == BEGINS;
        let ahead = if is_first { u64::from(change.step) } else { 0 };
        let in_order = (change.step == 0) | (change.seq == self.head.seq.wrapping_add(ahead));
        if self.is_live & in_order & (change.row.kind() == DELTA) {
            self.head = Head::of(change);
            self.set(change);
            self.advance(change.row)
        } else {
            self.apply_other(*change)
        }
    }

    /// Everything but a delta in order.
    #[inline(never)]
    fn apply_other(&mut self, change: Change) -> Applied {
        let is_first = self.next == BEGINS;
        if !is_first {
            if self.is_ignoring {
                return self.ignore(&change);
            }
        } else if change.row.kind() == SNAPSHOT {
            if self.data == Data::Down {
                return self.ignore(&change);
            }
            self.clear();
        } else {
            match self.data {
                Data::Whole | Data::Crossed if change.seq > self.head.seq => {
                    self.lose(Data::Gapped);
                    self.ignore(&change);
                    return Applied::Gap;
                }
                Data::Empty if change.step == 0 => {}
                Data::Empty | Data::Whole | Data::Crossed | Data::Gapped | Data::Down => {
                    return self.ignore(&change);
                }
            }
        }
        self.head = Head::of(&change);
        self.is_live = true;
        self.is_known = true;
        let key = key_of(change.side, change.price);
        self.side_mut(change.side).set(key, change.qty.get());
        self.advance(change.row)
    }

    /// Ends the message, and judges the book, or lets it go on.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
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
        let [bids, asks] = &self.sides;
        match (bids.best(), asks.best()) {
            // The key of an ask is its negated price: bid > ask is bid + (−ask) > 0.
            (Some(bid), Some(ask)) => bid.wrapping_add(ask) > 0,
            (None, _) | (_, None) => false,
        }
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
        let top = self.side(side).top();
        top.map(|(key, lots)| Top { price: price_of(side, key), qty: Qty::of(lots) })
    }

    /// The best prices, by [`Side::index`]; `None` unless the book is whole and has both.
    #[inline]
    #[must_use]
    pub fn touch(&self) -> Option<[Price; 2]> {
        match (self.data, self.best(Side::Buy), self.best(Side::Sell)) {
            (Data::Whole, Some(bid), Some(ask)) => Some([bid, ask]),
            _ => None,
        }
    }

    /// The best price of a side, whatever [`Book::data`] says of it.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        self.side(side).best().map(|key| price_of(side, key))
    }

    /// Levels of a side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Top> {
        let levels = self.side(side).levels();
        levels.map(move |(key, lots)| Top { price: price_of(side, key), qty: Qty::of(lots) })
    }

    /// How many levels a side has.
    #[must_use]
    pub fn count(&self, side: Side) -> usize {
        self.side(side).count()
    }

    /// What taking `qty` lots would cost now, at prices no worse than `limit`.
    ///
    /// `taker` is the side of the order: a buy takes asks. Own resting lots are not there to be
    /// taken, and of what is left the best lots are claimed by orders of ours that are in flight.
    /// `None` where nothing can be taken, and while [`Book::data`] is anything but whole.
    #[must_use]
    pub fn walk(&self, taker: Side, qty: Qty, limit: Option<Price>, own: &Own) -> Option<Walk> {
        let [by_buys, by_sells] = own.claims;
        let claimed = match taker {
            Side::Buy => by_buys,
            Side::Sell => by_sells,
        };
        self.walk_beyond(taker, qty, limit, claimed, &own.resting)
    }

    /// The same beyond the best `claimed` lots, where these of ours rest.
    #[must_use]
    pub fn walk_beyond(
        &self,
        taker: Side,
        qty: Qty,
        limit: Option<Price>,
        claimed: Qty,
        resting: &[(Side, Price, Qty)],
    ) -> Option<Walk> {
        if self.data != Data::Whole || qty.is_zero() {
            return None;
        }
        let side = taker.flip();
        let limit = limit.map_or(i64::MIN, |limit| key_of(side, limit));
        // What is taken is what stands in the best claimed and wanted lots, less the claimed ones.
        let [claims, all] = if resting.iter().any(|(own, ..)| *own == side) {
            let free = |key, lots| own_less(resting, side, key, lots);
            self.side(side).best_lots_after(claimed, qty, limit, free)
        } else {
            self.side(side).best_lots_after(claimed, qty, limit, |_, lots| lots)
        };
        (all.lots != claims.lots).then(|| Walk {
            qty: Qty::of(all.lots - claims.lots),
            cost: (all.cost - claims.cost) * i128::from(side.sign()),
            worst: price_of(side, all.worst),
            marginal: all.next.map(|key| price_of(side, key)),
        })
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
        self.side_mut(side).note_read(key);
    }

    /// Whether a level at or above what was read has changed since [`Book::clear_touched`]; losing
    /// all levels is such a change.
    #[inline]
    #[must_use]
    pub const fn touched(&self) -> bool {
        let [bids, asks] = &self.sides;
        bids.touched() || asks.touched()
    }

    /// Forgets the touch and what was read before it; call it before reading anew.
    #[inline]
    pub fn clear_touched(&mut self) {
        self.sides.iter_mut().for_each(Ladder::clear_touched);
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

    /// How long ago the message last applied was received; never less than nothing.
    #[inline]
    #[must_use]
    pub fn age(&self, now: Time) -> Span {
        (now - self.head.receive).max(Span::ZERO)
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
        self.sides.iter().for_each(|side| side.digest(writer));
        for flag in [self.is_ignoring, self.is_live, self.is_known] {
            writer.bool(flag);
        }
        writer.u8(self.next);
        writer.u8(data_code(self.data));
        self.windows.iter().for_each(|window| writer.u64(*window));
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a side is 0 or 1")]
    const fn side(&self, side: Side) -> &Ladder {
        &self.sides[side.index()]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a side is 0 or 1")]
    const fn side_mut(&mut self, side: Side) -> &mut Ladder {
        &mut self.sides[side.index()]
    }

    /// Takes every level away.
    fn clear(&mut self) {
        self.sides.iter_mut().for_each(Ladder::clear);
    }

    /// Sets one level; zero takes it away.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    fn set(&mut self, change: &Change) {
        let key = key_of(change.side, change.price);
        self.side_mut(change.side).set(key, change.qty.get());
    }
}

/// What is left of a level without our own resting lots.
fn own_less(own: &[(Side, Price, Qty)], side: Side, key: i64, lots: i64) -> i64 {
    let price = price_of(side, key);
    let here = own.iter().filter(|(at, level, _)| *at == side && *level == price);
    let resting: i64 = here.map(|(.., qty)| qty.get()).sum();
    (lots - resting).max(0)
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
