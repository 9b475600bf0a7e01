//! The workload of the market benches: two markets of one thing, made here from a seed.
//!
//! An efficient price that walks and seldom jumps, a mean-reverting basis of each market, messages
//! of one to some twenty level changes, two thirds of them within ten ticks of the touch, a quarter
//! of the messages moving it. Beside it the book that a person would write for this input alone:
//! 32-bit ladders over the whole price range, no checks, no sequence numbers.

use std::collections::BTreeMap;

use cross_market_core::book::{Change, Row};
use cross_market_core::ids::InstrumentId;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::time::Time;

/// Rows of the workload.
pub(crate) const ROWS: usize = 500_000;
/// Rows of the two snapshots at the start.
pub(crate) const SNAPSHOTS: usize = 800;

/// One level set to a size, as both sides read it: 32 bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Recorded {
    pub(crate) exchange: i64,
    pub(crate) receive: i64,
    pub(crate) price: i32,
    pub(crate) lots: i32,
    /// Number of the message in its market.
    pub(crate) seq: u32,
    pub(crate) market: u8,
    pub(crate) side: u8,
    pub(crate) is_last: bool,
}

const _: () = assert!(size_of::<Recorded>() == 32);

pub(crate) struct Workload {
    pub(crate) rows: Vec<Recorded>,
    pub(crate) low: i32,
    pub(crate) slots: usize,
}

/// Random numbers in [0, 1) from a seed.
struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: twelve uniform numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    pub(crate) fn lots(&mut self) -> i32 {
        1 + (self.next() * self.next() * 200.0) as i32
    }
}

/// The generator's own books, so that no row crosses or empties one.
struct Maker {
    pub(crate) random: Random,
    pub(crate) rows: Vec<Recorded>,
    pub(crate) books: [[BTreeMap<i32, i32>; 2]; 2],
    pub(crate) exchange: i64,
    pub(crate) receive: i64,
    pub(crate) seqs: [u32; 2],
}

impl Maker {
    pub(crate) fn set(&mut self, market: usize, side: usize, price: i32, lots: i32) {
        let book = &mut self.books[market][side];
        if lots == 0 {
            book.remove(&price);
        } else {
            book.insert(price, lots);
        }
        self.rows.push(Recorded {
            exchange: self.exchange,
            receive: self.receive,
            price,
            lots,
            seq: self.seqs[market],
            market: market as u8,
            side: side as u8,
            is_last: false,
        });
    }

    pub(crate) fn best(&self, market: usize, side: usize) -> i32 {
        let book = &self.books[market][side];
        let level = if side == 0 { book.last_key_value() } else { book.first_key_value() };
        *level.map(|(price, _)| price).unwrap_or(&0)
    }

    pub(crate) fn snapshots(&mut self, base: i32) {
        for market in 0..2 {
            for (side, step) in [(0, -1), (1, 1)] {
                for level in 1..=200 {
                    let lots = self.random.lots();
                    self.set(market, side, base + step * level, lots);
                }
            }
            self.end(market);
        }
    }

    pub(crate) fn end(&mut self, market: usize) {
        if let Some(last) = self.rows.last_mut() {
            last.is_last = true;
        }
        self.seqs[market] += 1;
    }

    /// One message of a market whose fair value is `fair`.
    pub(crate) fn message(&mut self, market: usize, fair: f64) {
        let before = self.rows.len();
        let bid = (fair - 0.5).floor() as i32;
        let ask = bid + 1 + i32::from(self.random.next() < 0.15);
        while self.best(market, 1) <= bid && self.books[market][1].len() > 20 {
            self.set(market, 1, self.best(market, 1), 0);
        }
        while self.best(market, 0) >= ask && self.books[market][0].len() > 20 {
            self.set(market, 0, self.best(market, 0), 0);
        }
        if bid < self.best(market, 1) {
            for price in (self.best(market, 0) + 1).max(bid - 3)..=bid {
                let lots = self.random.lots();
                self.set(market, 0, price, lots);
            }
        }
        if ask > self.best(market, 0) {
            for price in (ask..=(self.best(market, 1) - 1).min(ask + 3)).rev() {
                let lots = self.random.lots();
                self.set(market, 1, price, lots);
            }
        }
        let mut changes = 1;
        while changes < 16 && self.random.next() < 0.66 {
            changes += 1;
        }
        for _ in 0..changes {
            self.change(market);
        }
        if self.rows.len() > before {
            self.end(market);
        }
    }

    /// One change at a distance from the touch.
    pub(crate) fn change(&mut self, market: usize) {
        let side = usize::from(self.random.next() >= 0.5);
        let away = if self.random.next() < 0.57 {
            (10.0 * self.random.next() * self.random.next()) as i32
        } else {
            (10.0 * 20.0_f64.powf(self.random.next())) as i32
        };
        let best = self.best(market, side);
        let price = if side == 0 { best - away } else { best + away };
        let book = &self.books[market][side];
        let is_taken = book.contains_key(&price) && book.len() > 50 && self.random.next() < 0.36;
        let lots = if is_taken { 0 } else { self.random.lots() };
        self.set(market, side, price, lots);
    }
}

impl Workload {
    pub(crate) fn new(seed: u64) -> Workload {
        Workload::of_rows(seed, ROWS)
    }

    /// The same with fewer rows; those that are there are the same.
    pub(crate) fn of_rows(seed: u64, rows: usize) -> Workload {
        let mut maker = Maker {
            random: Random(seed),
            rows: Vec::with_capacity(rows + 100),
            books: Default::default(),
            exchange: 1_700_000_000_000_000_000,
            receive: 1_700_000_000_001_000_000,
            seqs: [1; 2],
        };
        maker.snapshots(100_000);
        let (mut fair, mut basis) = (100_000.0, [0.0; 2]);
        while maker.rows.len() < rows {
            let random = &mut maker.random;
            maker.exchange += 1 + (-(1.0 - random.next()).ln() * 1e6) as i64;
            let delay = 500_000 + (-(1.0 - random.next()).ln() * 500_000.0) as i64;
            maker.receive = (maker.exchange + delay).max(maker.receive + 1);
            fair += 0.06 * random.normal();
            if random.next() < 0.0004 {
                let jump = 5.0 + random.next() * 15.0;
                fair += if random.next() < 0.5 { jump } else { -jump };
            }
            let market = usize::from(random.next() >= 0.6);
            basis[market] += -0.02 * basis[market] + 0.10 * random.normal();
            maker.message(market, fair + basis[market]);
        }
        let prices = || maker.rows.iter().map(|row| row.price);
        let low = prices().min().unwrap_or(0) - 64;
        let high = prices().max().unwrap_or(0) + 64;
        Workload { low, slots: (high - low) as usize, rows: maker.rows }
    }

    /// What the workload is like, to be held against the description above.
    pub(crate) fn tell(&self) {
        let rows = self.rows.len() - SNAPSHOTS;
        let messages = self.rows[SNAPSHOTS..].iter().filter(|row| row.is_last).count();
        let mut books = [Limit::new(self), Limit::new(self)];
        let (mut near, mut moved, mut last) = (0, 0, [[0; 2]; 2]);
        for (at, row) in self.rows.iter().enumerate() {
            let book = &mut books[usize::from(row.market & 1)];
            let [bid, ask] = book.best();
            let away = if row.side == 0 { bid - row.price } else { row.price - ask };
            near += usize::from(at >= SNAPSHOTS && away < 10);
            book.set(row);
            if row.is_last {
                let last = &mut last[usize::from(row.market & 1)];
                moved += usize::from(*last != book.best());
                *last = book.best();
            }
        }
        println!(
            "workload: {rows} rows, {:.2} a message, {:.0} % within 10 ticks, {:.0} % of messages \
             move the touch",
            rows as f64 / messages as f64,
            100.0 * near as f64 / rows as f64,
            100.0 * moved as f64 / messages as f64,
        );
    }
}

/// Both sides over the whole price range, asks mirrored so that both keep a maximum.
pub(crate) struct Limit {
    pub(crate) low: i32,
    pub(crate) slots: i32,
    pub(crate) lots: [Vec<i32>; 2],
    pub(crate) best: [i32; 2],
}

impl Limit {
    pub(crate) fn new(work: &Workload) -> Limit {
        let lots = || vec![0; work.slots + 1];
        Limit { low: work.low, slots: work.slots as i32, lots: [lots(), lots()], best: [0; 2] }
    }

    #[inline]
    pub(crate) fn set(&mut self, row: &Recorded) {
        let side = usize::from(row.side & 1);
        let up = row.price.wrapping_sub(self.low);
        let slot = if side == 0 { up.wrapping_add(1) } else { self.slots.wrapping_sub(up) };
        let lots = &mut self.lots[side];
        lots[slot as usize] = row.lots;
        let best = self.best[side];
        let mut next = best.max(if row.lots == 0 { 0 } else { slot });
        if (row.lots == 0) & (slot == best) {
            next = slot.wrapping_sub(1);
            while next > 0 && lots[next as usize] == 0 {
                next = next.wrapping_sub(1);
            }
        }
        self.best[side] = next;
    }

    #[inline]
    pub(crate) fn best(&self) -> [i32; 2] {
        [
            self.best[0].wrapping_sub(1).wrapping_add(self.low),
            self.slots.wrapping_sub(self.best[1]).wrapping_add(self.low),
        ]
    }

    /// Σ slot × lots of taking `lots` from a side.
    #[inline]
    pub(crate) fn walk(&self, side: usize, lots: i64) -> i64 {
        let (mut left, mut cost, mut slot) = (lots, 0_i64, self.best[side]);
        while left > 0 && slot > 0 {
            let taken = i64::from(self.lots[side][slot as usize]).min(left);
            cost = cost.wrapping_add(taken.wrapping_mul(i64::from(slot)));
            left = left.wrapping_sub(taken);
            slot = slot.wrapping_sub(1);
        }
        cost
    }
}

/// The row as a part of its message.
#[inline]
pub(crate) fn change(row: &Recorded) -> Change {
    Change {
        price: Price(row.price.into()),
        qty: Qty::of(row.lots.into()),
        seq: row.seq.into(),
        exchange: Time(row.exchange),
        receive: Time(row.receive),
        step: 1,
        instrument: InstrumentId(row.market.into()),
        side: if row.side == 0 { Side::Buy } else { Side::Sell },
        row: if row.is_last { Row::DeltaLast } else { Row::Delta },
    }
}

/// The first row of a market, which makes its book known: an empty snapshot.
pub(crate) fn first(market: u16) -> Change {
    Change {
        price: Price(0),
        qty: Qty::ZERO,
        seq: 0,
        exchange: Time(0),
        receive: Time(0),
        step: 0,
        instrument: InstrumentId(market),
        side: Side::Buy,
        row: Row::SnapshotLast,
    }
}
