//! The depth of one instrument as its venue has it: what was recorded, less what we took.

use cross_market_core::book::{Change, Row};
use cross_market_core::num::{Price, Qty, Side};

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its price.
    pub price: Price,
    /// Lots there.
    pub lots: i64,
}

/// What we took from one level, and the recorded size it was taken from.
#[derive(Clone, Copy, Debug)]
struct Taken {
    price: Price,
    lots: i64,
    of: i64,
}

/// Levels of both sides, and what we took of them.
#[derive(Clone, Debug, Default)]
pub struct Depth {
    recorded: [Levels; 2],
    taken: [Vec<Taken>; 2],
    seq: u64,
}

/// The order of the levels of a side: the better price has the higher rank.
fn rank(side: Side, price: Price) -> i64 {
    // A product, since the side of a row cannot be guessed.
    price.0 * side.sign()
}

/// Ranks of a window.
const WINDOW: usize = 2_048;
/// Levels outside the window above which it is moved to the best one.
const FAR_MAX: usize = 64;

/// Lots by rank: a window of ranks next to each other, the others in a sorted list. The window is
/// made when the first level comes, and moved when too much lies outside it.
#[derive(Clone, Debug, Default)]
struct Levels {
    /// Rank of the first place of the window.
    base: i64,
    /// Lots in the window; empty until the first level comes.
    near: Vec<i64>,
    /// How many places of the window there are up to its best level; 0: it holds none.
    used: usize,
    /// A place that is no higher than its worst level.
    low: usize,
    /// Ranks outside the window and their lots, ascending.
    far: Vec<(i64, i64)>,
    /// How many of these there may be before the window is moved.
    far_max: usize,
}

impl Levels {
    #[inline]
    fn place(&self, rank: i64) -> Option<usize> {
        // A rank below the window wraps around to a place far above it.
        let place = usize::try_from(rank.wrapping_sub(self.base).cast_unsigned()).ok()?;
        (place < self.near.len()).then_some(place)
    }

    fn at(&self, rank: i64) -> i64 {
        if let Some(place) = self.place(rank) {
            return self.near.get(place).copied().unwrap_or(0);
        }
        let found = self.far.binary_search_by_key(&rank, |(rank, _)| *rank);
        found.ok().and_then(|at| self.far.get(at)).map_or(0, |(_, lots)| *lots)
    }

    #[inline]
    fn set(&mut self, rank: i64, lots: i64) {
        let Some(place) = self.place(rank) else { return self.set_far(rank, lots) };
        if let Some(here) = self.near.get_mut(place) {
            *here = lots;
        }
        // A conditional move, and a branch that is taken only when the best level goes.
        let used = self.used.max(if lots == 0 { 0 } else { place + 1 });
        self.used = used;
        self.low = self.low.min(place);
        if used > 0 && self.near.get(used - 1) == Some(&0) {
            let below = self.near.get(self.low..used).unwrap_or(&[]);
            let best = below.iter().rposition(|lots| *lots != 0);
            self.used = best.map_or(0, |best| self.low + best + 1);
        }
    }

    fn set_far(&mut self, rank: i64, lots: i64) {
        match self.far.binary_search_by_key(&rank, |(rank, _)| *rank) {
            Ok(at) if lots == 0 => {
                self.far.remove(at);
            }
            Ok(at) => {
                if let Some((_, here)) = self.far.get_mut(at) {
                    *here = lots;
                }
            }
            Err(_) if lots == 0 => {}
            Err(at) => self.far.insert(at, (rank, lots)),
        }
        if self.near.is_empty() || self.far.len() > self.far_max {
            self.recentre();
        }
    }

    /// Moves the window to the best level.
    fn recentre(&mut self) {
        let all: Vec<(i64, i64)> = self.iter().collect();
        let Some((best, _)) = all.first() else { return };
        self.near.clear();
        self.near.resize(WINDOW, 0);
        self.far.clear();
        (self.used, self.low) = (0, WINDOW);
        self.base = best.saturating_sub(i64::try_from(WINDOW / 2).unwrap_or(0));
        for (rank, lots) in all.iter().rev() {
            match self.place(*rank) {
                Some(_) => self.set(*rank, *lots),
                None => self.far.push((*rank, *lots)),
            }
        }
        // What still lies outside does so for good: the next move waits for as much again.
        self.far_max = FAR_MAX + 2 * self.far.len();
    }

    /// The best rank that holds lots.
    #[inline]
    fn best(&self) -> Option<i64> {
        let outside = self.far.last().map(|(rank, _)| *rank);
        let inside = self.used.checked_sub(1).and_then(|place| i64::try_from(place).ok());
        let inside = inside.map(|place| self.base.saturating_add(place));
        outside.max(inside)
    }

    fn clear(&mut self) {
        self.near.iter_mut().take(self.used).skip(self.low).for_each(|lots| *lots = 0);
        (self.used, self.low) = (0, WINDOW);
        self.far.clear();
    }

    /// Ranks and lots, the best first.
    fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        let (below, above) =
            self.far.split_at(self.far.partition_point(|(rank, _)| *rank < self.base));
        let used = self.near.get(self.low..self.used).unwrap_or(&[]).iter().enumerate().rev();
        let near = used.filter(|(_, lots)| **lots != 0).map(|(place, lots)| {
            let place = i64::try_from(self.low + place).unwrap_or(i64::MAX);
            (self.base.saturating_add(place), *lots)
        });
        above.iter().rev().copied().chain(near).chain(below.iter().rev().copied())
    }
}

impl Depth {
    /// Nothing.
    #[must_use]
    pub fn new() -> Depth {
        Depth::default()
    }

    /// The number of the last message applied.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    fn side(&self, side: Side) -> &Levels {
        let [bids, asks] = &self.recorded;
        match side {
            Side::Buy => bids,
            Side::Sell => asks,
        }
    }

    #[inline]
    fn taken(&self, side: Side) -> &Vec<Taken> {
        let [bids, asks] = &self.taken;
        match side {
            Side::Buy => bids,
            Side::Sell => asks,
        }
    }

    fn taken_mut(&mut self, side: Side) -> &mut Vec<Taken> {
        let [bids, asks] = &mut self.taken;
        match side {
            Side::Buy => bids,
            Side::Sell => asks,
        }
    }

    /// Applies a row. A level that changes gives back what we took from it: whoever set it anew
    /// knew what was left. A snapshot that repeats a level does not change it.
    pub fn apply(&mut self, change: &Change) {
        match change.row {
            Row::Snapshot | Row::SnapshotLast => {
                self.recorded.iter_mut().for_each(Levels::clear);
            }
            Row::Level | Row::LevelLast | Row::Delta | Row::DeltaLast => {}
        }
        self.seq = change.seq;
        self.set(change.side, change.price, change.qty);
        match change.row {
            Row::SnapshotLast | Row::LevelLast => self.forget_gone(),
            Row::Snapshot | Row::Level | Row::Delta | Row::DeltaLast => {}
        }
    }

    /// After a snapshot: what was taken from levels that are not in it is of no consequence.
    fn forget_gone(&mut self) {
        for side in [Side::Buy, Side::Sell] {
            if !self.taken(side).is_empty() {
                let mut kept = std::mem::take(self.taken_mut(side));
                kept.retain(|taken| self.recorded_at(side, taken.price) != 0);
                *self.taken_mut(side) = kept;
            }
        }
    }

    /// Sets one level; a size of zero takes it away.
    pub fn set(&mut self, side: Side, price: Price, qty: Qty) {
        let has_taken = self.taken.iter().any(|taken| !taken.is_empty());
        if has_taken {
            self.taken_mut(side).retain(|taken| taken.price != price || taken.of == qty.get());
        }
        if let Some(levels) = self.recorded.get_mut(side.index()) {
            levels.set(rank(side, price), qty.get());
        }
    }

    /// Takes all levels away, as a book without orders.
    pub fn clear(&mut self) {
        self.recorded.iter_mut().for_each(Levels::clear);
        self.taken.iter_mut().for_each(Vec::clear);
    }

    /// The recorded lots at a price.
    #[must_use]
    pub fn recorded_at(&self, side: Side, price: Price) -> i64 {
        self.side(side).at(rank(side, price))
    }

    fn taken_at(&self, side: Side, price: Price) -> i64 {
        self.taken(side).iter().find(|level| level.price == price).map_or(0, |level| level.lots)
    }

    /// The recorded levels of a side, best first.
    pub fn recorded(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let levels = self.side(side).iter();
        levels.map(move |(at, lots)| Level { price: Price(rank(side, Price(at))), lots })
    }

    /// The levels of a side that can still be taken, best first.
    pub fn open(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.recorded(side).filter_map(move |level| {
            let lots = level.lots - self.taken_at(side, level.price);
            (lots > 0).then_some(Level { price: level.price, lots })
        })
    }

    /// The best recorded level of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        self.recorded(side).next()
    }

    /// Whether a taker of `taker` at `limit` meets anything.
    #[must_use]
    pub fn meets(&self, taker: Side, limit: Price) -> bool {
        self.open(taker.flip()).next().is_some_and(|level| within(taker, limit, level.price))
    }

    /// Whether a level is recorded that a taker of `taker` at `limit` could have, taken or not.
    #[inline]
    #[must_use]
    pub fn reaches(&self, taker: Side, limit: Price) -> bool {
        let side = taker.flip();
        self.side(side).best().is_some_and(|best| best >= rank(side, limit))
    }

    /// Lots that a taker of `taker` at `limit` could have.
    #[must_use]
    pub fn available(&self, taker: Side, limit: Price) -> i64 {
        let levels = self.open(taker.flip());
        levels.take_while(|level| within(taker, limit, level.price)).map(|level| level.lots).sum()
    }

    /// Takes up to `lots` at `limit` or better and writes what was met, best first.
    pub fn take(&mut self, taker: Side, limit: Price, lots: i64, met: &mut Vec<Level>) {
        let book = taker.flip();
        let mut wanted = lots;
        let from = met.len();
        for level in self.open(book) {
            if wanted == 0 || !within(taker, limit, level.price) {
                break;
            }
            let lots = level.lots.min(wanted);
            met.push(Level { price: level.price, lots });
            wanted -= lots;
        }
        for level in met.iter().skip(from) {
            self.mark(book, level.price, level.lots);
        }
    }

    /// Remembers that `lots` at a price are gone, though the recording still shows them.
    pub fn mark(&mut self, side: Side, price: Price, lots: i64) {
        let of = self.recorded_at(side, price);
        let taken = self.taken_mut(side);
        match taken.iter_mut().find(|level| level.price == price) {
            Some(level) => level.lots += lots,
            None => taken.push(Taken { price, lots, of }),
        }
    }
}

/// Whether a taker of `taker` at `limit` may have `price`.
#[must_use]
pub fn within(taker: Side, limit: Price, price: Price) -> bool {
    match taker {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cross_market_core::ids::InstrumentId;
    use cross_market_core::time::Time;

    fn row(row: Row, side: Side, price: i64, lots: i64) -> Change {
        Change {
            price: Price(price),
            qty: Qty::new(lots).unwrap(),
            seq: 1,
            exchange: Time(1),
            receive: Time(1),
            step: 0,
            instrument: InstrumentId(0),
            side,
            row,
        }
    }

    fn book() -> Depth {
        let mut depth = Depth::new();
        depth.apply(&row(Row::Snapshot, Side::Buy, 99, 5));
        depth.apply(&row(Row::Level, Side::Sell, 102, 7));
        depth.apply(&row(Row::LevelLast, Side::Sell, 101, 3));
        depth
    }

    #[test]
    fn a_taker_walks_from_the_best_and_stops_at_its_limit() {
        let mut depth = book();
        let mut met = Vec::new();
        assert_eq!(depth.available(Side::Buy, Price(101)), 3);
        depth.take(Side::Buy, Price(102), 8, &mut met);
        let level = |price, lots| Level { price: Price(price), lots };
        assert_eq!(met, [level(101, 3), level(102, 5)]);
        assert_eq!(depth.available(Side::Buy, Price(200)), 2);
        assert!(!depth.meets(Side::Sell, Price(100)));
        assert!(depth.meets(Side::Sell, Price(99)));
    }

    #[test]
    fn what_was_taken_stays_taken_until_its_level_changes() {
        let mut depth = book();
        depth.take(Side::Buy, Price(101), 3, &mut Vec::new());
        depth.apply(&row(Row::DeltaLast, Side::Sell, 102, 9));
        assert_eq!(depth.available(Side::Buy, Price(101)), 0);
        depth.apply(&row(Row::DeltaLast, Side::Sell, 101, 4));
        assert_eq!(depth.available(Side::Buy, Price(101)), 4);
    }

    #[test]
    fn a_snapshot_empties_the_book_first() {
        let mut depth = book();
        depth.apply(&row(Row::SnapshotLast, Side::Sell, 105, 1));
        assert_eq!(depth.best(Side::Buy), None);
        assert_eq!(depth.recorded(Side::Sell).count(), 1);
        depth.take(Side::Buy, Price(105), 1, &mut Vec::new());
        depth.apply(&row(Row::SnapshotLast, Side::Sell, 105, 1));
        assert_eq!(depth.available(Side::Buy, Price(105)), 0, "the level did not change");
        depth.apply(&row(Row::SnapshotLast, Side::Sell, 105, 2));
        assert_eq!(depth.available(Side::Buy, Price(105)), 2);
        depth.apply(&row(Row::SnapshotLast, Side::Sell, 105, 0));
        assert_eq!(depth.best(Side::Sell), None);
    }
}
