//! W2, W3 and W5 beside hand-written limits of the same work, in turns in one run.
//!
//! The workload is two markets of one thing, made here from a seed: an efficient price that walks
//! and seldom jumps, a mean-reverting basis of each market, messages of one to some twenty level
//! changes, two thirds of them within ten ticks of the touch, a quarter of the messages moving it.
//! A limit is what a person would write for this input alone: 32-bit ladders over the whole price
//! range, no checks, no sequence numbers, no messages. Both must come to the same result.
#![allow(clippy::print_stdout, reason = "a program: it prints its figures")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it measures")]
#![allow(clippy::float_arithmetic, reason = "a program: the workload and its statistics")]
#![allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a program: numbers fit")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers fit")]
#![allow(clippy::indexing_slicing, reason = "a program: a mistake is to be loud")]
#![allow(clippy::cast_possible_wrap, reason = "numbers fit")]
#![allow(clippy::needless_bitwise_bool, reason = "a limit: branches are what it avoids")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use criterion::Criterion;
use cross_market_core::book::{Book, Change, Row};
use cross_market_core::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, Table};
use cross_market_core::num::{Price, Qty, Ratio, Side};
use cross_market_core::quote::{HedgePlan, LegPlan, Own};
use cross_market_core::signal::{Band, Deviation, Measure, Rule, Signals};
use cross_market_core::time::Time;

const ROWS: usize = 200_000;
const ROUNDS: usize = 20;
/// Rows that are timed at once: some tenths of a millisecond.
const PART: usize = 4_000;
/// Rows of the two snapshots at the start.
const SNAPSHOTS: usize = 800;
/// Lots of W5.
const LOTS: i64 = 300;

fn main() {
    let work = Workload::new(20_260_801);
    work.tell();
    let rows = work.rows.len();
    let mut out = Out { narrow: vec![[1; 2]; rows], wide: vec![[1; 2]; rows] };
    let out = &mut out;
    let cases: [(&str, Start, Start); 3] =
        [("W2", limit_w2, ours_w2), ("W3", limit_w3, ours_w3), ("W5", limit_w5, ours_w5)];
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for (name, limit, ours) in cases {
        let [expected, found] = [limit, ours].map(|start| whole(&work, start, out));
        assert_eq!(found, expected, "{name} differs from its limit");
        for (whose, start) in [("limit", limit), ("ours", ours)] {
            criterion.bench_function(&format!("{name}/{whose}"), |b| {
                b.iter(|| whole(&work, start, out));
            });
        }
    }
    criterion.final_summary();
    assert!(out.is_equal(), "W2 differs from its limit");
    for (name, limit, ours) in cases {
        let [limit_ns, ours_ns] = in_turns(&work, [limit, ours], out);
        let ratio = ours_ns / limit_ns;
        println!(
            "FIGURE bench.{name} ours_ns={ours_ns:.1} limit_ns={limit_ns:.1} ratio={ratio:.2}"
        );
    }
}

/// Columns of best bids and asks, made once.
struct Out {
    narrow: Vec<[i32; 2]>,
    wide: Vec<[i64; 2]>,
}

impl Out {
    /// Whether both columns hold the same prices, once both markets have both.
    fn is_equal(&self) -> bool {
        let columns = self.narrow.iter().zip(&self.wide).skip(SNAPSHOTS);
        columns.into_iter().all(|(narrow, wide)| narrow.map(i64::from) == *wide)
    }
}

/// Begins a case; what it gives works through a range of rows and says what it came to so far.
type Start = for<'a> fn(&'a Workload) -> Box<dyn FnMut(Range<usize>, &mut Out) -> u64 + 'a>;

/// All rows at once.
fn whole(work: &Workload, start: Start, out: &mut Out) -> u64 {
    let mut case = start(work);
    case(0..SNAPSHOTS, out);
    case(SNAPSHOTS..work.rows.len(), out)
}

/// The time of each case in ns a row. Both go through the rows part by part in turns; of each part
/// the quickest round counts, since what others do to the machine only adds.
fn in_turns(work: &Workload, starts: [Start; 2], out: &mut Out) -> [f64; 2] {
    let parts = (work.rows.len() - SNAPSHOTS) / PART;
    let mut best = vec![[f64::INFINITY; 2]; parts];
    for _ in 0..ROUNDS {
        let mut cases = starts.map(|start| start(work));
        for case in &mut cases {
            case(0..SNAPSHOTS, out);
        }
        for (part, best) in best.iter_mut().enumerate() {
            let first = SNAPSHOTS + part * PART;
            for (case, best) in cases.iter_mut().zip(best) {
                let start = Instant::now();
                black_box(case(first..first + PART, out));
                *best = best.min(start.elapsed().as_nanos() as f64);
            }
        }
    }
    let rows = (parts * PART) as f64;
    [0, 1].map(|case| best.iter().map(|best| best[case]).sum::<f64>() / rows)
}

// ---------------------------------------------------------------------------------------------
// The workload.

/// One level set to a size, as both sides read it: 32 bytes.
#[derive(Clone, Copy)]
#[repr(C)]
struct Recorded {
    exchange: i64,
    receive: i64,
    price: i32,
    lots: i32,
    /// Number of the message in its market.
    seq: u32,
    market: u8,
    side: u8,
    is_last: bool,
}

const _: () = assert!(size_of::<Recorded>() == 32);

struct Workload {
    rows: Vec<Recorded>,
    low: i32,
    slots: usize,
}

/// Random numbers in [0, 1) from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    fn lots(&mut self) -> i32 {
        1 + (self.next() * self.next() * 200.0) as i32
    }
}

/// The generator's own books, so that no row crosses or empties one.
struct Maker {
    random: Random,
    rows: Vec<Recorded>,
    books: [[BTreeMap<i32, i32>; 2]; 2],
    exchange: i64,
    receive: i64,
    seqs: [u32; 2],
}

impl Maker {
    fn set(&mut self, market: usize, side: usize, price: i32, lots: i32) {
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

    fn best(&self, market: usize, side: usize) -> i32 {
        let book = &self.books[market][side];
        let level = if side == 0 { book.last_key_value() } else { book.first_key_value() };
        level.map_or(0, |(price, _)| *price)
    }

    fn snapshots(&mut self, base: i32) {
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

    fn end(&mut self, market: usize) {
        if let Some(last) = self.rows.last_mut() {
            last.is_last = true;
        }
        self.seqs[market] += 1;
    }

    /// One message of a market whose fair value is `fair`.
    fn message(&mut self, market: usize, fair: f64) {
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
    fn change(&mut self, market: usize) {
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
    fn new(seed: u64) -> Workload {
        let mut maker = Maker {
            random: Random(seed),
            rows: Vec::with_capacity(ROWS + 100),
            books: Default::default(),
            exchange: 1_700_000_000_000_000_000,
            receive: 1_700_000_000_001_000_000,
            seqs: [1; 2],
        };
        maker.snapshots(100_000);
        let (mut fair, mut basis) = (100_000.0, [0.0; 2]);
        while maker.rows.len() < ROWS {
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
    fn tell(&self) {
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

// ---------------------------------------------------------------------------------------------
// The limits.

/// Both sides over the whole price range, asks mirrored so that both keep a maximum.
struct Limit {
    low: i32,
    slots: i32,
    lots: [Vec<i32>; 2],
    best: [i32; 2],
}

impl Limit {
    fn new(work: &Workload) -> Limit {
        let lots = || vec![0; work.slots + 1];
        Limit { low: work.low, slots: work.slots as i32, lots: [lots(), lots()], best: [0; 2] }
    }

    #[inline]
    fn set(&mut self, row: &Recorded) {
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
    fn best(&self) -> [i32; 2] {
        [
            self.best[0].wrapping_sub(1).wrapping_add(self.low),
            self.slots.wrapping_sub(self.best[1]).wrapping_add(self.low),
        ]
    }

    /// Σ slot × lots of taking [`LOTS`] from a side.
    #[inline]
    fn walk(&self, side: usize) -> i64 {
        let (mut left, mut cost, mut slot) = (LOTS, 0_i64, self.best[side]);
        while left > 0 && slot > 0 {
            let taken = i64::from(self.lots[side][slot as usize]).min(left);
            cost = cost.wrapping_add(taken.wrapping_mul(i64::from(slot)));
            left = left.wrapping_sub(taken);
            slot = slot.wrapping_sub(1);
        }
        cost
    }
}

/// A case as [`Start`] gives it.
type Case<'a> = Box<dyn FnMut(Range<usize>, &mut Out) -> u64 + 'a>;

fn limit_w2(work: &Workload) -> Case<'_> {
    let mut books = [Limit::new(work), Limit::new(work)];
    Box::new(move |range, out| {
        let mut last = [0; 2];
        for (row, out) in work.rows[range.clone()].iter().zip(&mut out.narrow[range]) {
            let book = &mut books[usize::from(row.market & 1)];
            book.set(row);
            *out = book.best();
            last = *out;
        }
        last[0].abs_diff(last[1]).into()
    })
}

fn limit_w3(work: &Workload) -> Case<'_> {
    let mut books = [Limit::new(work), Limit::new(work)];
    let (mut mean, mut variance, mut signals, mut is_first) = (0.0, 0.0, 0, true);
    Box::new(move |range, _| {
        if range.start < SNAPSHOTS {
            work.rows[range].iter().for_each(|row| books[usize::from(row.market & 1)].set(row));
            return 0;
        }
        for row in &work.rows[range] {
            books[usize::from(row.market & 1)].set(row);
            let [bid, ask] = books[0].best();
            let [bid_there, ask_there] = books[1].best();
            let (plus, mirror) = (bid.wrapping_sub(ask_there), bid_there.wrapping_sub(ask));
            let (here, there) = (bid.wrapping_add(ask), bid_there.wrapping_add(ask_there));
            let ratio = f64::from(here) / f64::from(there);
            let middle = f64::from(here.wrapping_sub(there));
            let offset = middle - if is_first { middle } else { mean };
            let square = offset * offset;
            let is_far = square >= 4.0 * variance;
            mean = if is_first { middle } else { mean + 1e-4 * offset };
            is_first = false;
            variance += 1e-4 * (square - variance);
            signals += u64::from((plus >= 1) & (offset > 0.0) & is_far);
            signals += u64::from((mirror >= 1) & (offset < 0.0) & is_far);
            // No ratio of these markets is so far from one: the hedge beside it never enters.
            signals += u64::from((ratio - 1.0).abs() > 0.5);
        }
        signals
    })
}

fn limit_w5(work: &Workload) -> Case<'_> {
    let mut books = [Limit::new(work), Limit::new(work)];
    let mut sum = 0_u64;
    Box::new(move |range, _| {
        let is_begun = range.start >= SNAPSHOTS;
        for row in &work.rows[range] {
            books[usize::from(row.market & 1)].set(row);
            if is_begun {
                let sold = books[0].walk(0) + LOTS * i64::from(work.low - 1);
                let bought = LOTS * i64::from(books[1].slots + work.low) - books[1].walk(1);
                sum = sum.wrapping_add(sold.wrapping_sub(bought) as u64);
            }
        }
        sum
    })
}

// ---------------------------------------------------------------------------------------------
// Ours: checks on.

fn books() -> Table<InstrumentId, Book> {
    Table::new(vec![Book::new(1_000_000, 1_000_000), Book::new(1_000_000, 1_000_000)])
}

/// The row as a part of its message.
#[inline]
fn change(row: &Recorded) -> Change {
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

/// Books that know of nothing yet: the rows that follow are in order.
fn begun() -> Table<InstrumentId, Book> {
    let mut books = books();
    for book in books.iter_mut() {
        let empty = Recorded {
            exchange: 0,
            receive: 0,
            price: 0,
            lots: 0,
            seq: 0,
            market: 0,
            side: 0,
            is_last: true,
        };
        book.apply(&Change { row: Row::SnapshotLast, ..change(&empty) });
    }
    books
}

fn ours_w2(work: &Workload) -> Case<'_> {
    let mut books = begun();
    Box::new(move |range, out| {
        let mut last = [0; 2];
        for (row, out) in work.rows[range.clone()].iter().zip(&mut out.wide[range]) {
            let change = change(row);
            let book = &mut books[change.instrument];
            let Ok(applied) = book.take(&change) else { return 0 };
            black_box(applied);
            if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
                *out = [bid.0, ask.0];
            }
            last = *out;
        }
        last[0].abs_diff(last[1])
    })
}

/// Leg 0 sold in market 0, leg 1 bought in market 1.
fn plan() -> HedgePlan {
    let leg = |instrument, side| LegPlan {
        instrument: InstrumentId(instrument),
        account: AccountId(0),
        side,
        lots: Ratio::ONE,
        units: 1,
        coef: 1,
        fx: None,
        tick_num: 1,
        tick_den: 1,
    };
    HedgePlan {
        name: "bench".into(),
        priority: 0,
        currency: CurrencyId(0),
        legs: vec![leg(0, Side::Sell), leg(1, Side::Buy)],
        denominator: 1,
        unit_den: 1,
        set_units: 1,
    }
}

fn ratio(num: i128, den: i128) -> Ratio {
    Ratio::new(num, den).unwrap_or(Ratio::ONE)
}

/// A spread in both directions with a deviation, and a ratio beside it.
fn signals() -> Signals {
    let band = |enter, exit| Some(Band { enter, exit });
    let rule = |measure, plus, mirror, deviation| Rule {
        measure,
        plus,
        mirror,
        persist: 1,
        persist_within: None,
        deviation,
    };
    let far = Deviation { enter: ratio(2, 1), alpha: ratio(1, 10_000), warm: 1 };
    let plan = plan();
    let spread = rule(
        Measure::Spread,
        band(ratio(1, 1), ratio(-1_000, 1)),
        band(ratio(-1, 1), ratio(1_000, 1)),
        Some(far),
    );
    let gross = rule(
        Measure::GrossRatio,
        band(ratio(3, 2), ratio(1, 2)),
        band(ratio(1, 2), ratio(3, 2)),
        None,
    );
    Signals::new(&[(&plan, &spread), (&plan, &gross)], 2)
}

/// Rows as messages of their own, so that what follows is looked at after each.
#[derive(Default)]
struct Single {
    seqs: [u64; 2],
}

impl Single {
    #[inline]
    fn change(&mut self, row: &Recorded) -> Change {
        let seq = &mut self.seqs[usize::from(row.market & 1)];
        *seq += 1;
        Change { row: Row::DeltaLast, seq: *seq, ..change(row) }
    }
}

fn ours_w3(work: &Workload) -> Case<'_> {
    let (mut books, mut signals, mut single) = (begun(), signals(), Single::default());
    let mut count = 0;
    Box::new(move |range, _| {
        let is_begun = range.start >= SNAPSHOTS;
        for row in &work.rows[range] {
            let change = single.change(row);
            let book = &mut books[change.instrument];
            let Ok(applied) = book.take(&change) else { return 0 };
            black_box(applied);
            if is_begun && signals.message(change.instrument, change.receive, &books) {
                count += u64::from(signals.wants(HedgeId(0), 0).is_some());
                count += u64::from(signals.wants(HedgeId(1), 0).is_some());
            }
        }
        count
    })
}

fn ours_w5(work: &Workload) -> Case<'_> {
    let (mut books, mut single) = (begun(), Single::default());
    let (own, qty) = (Own::default(), Qty::of(LOTS));
    let mut sum = 0_u64;
    Box::new(move |range, _| {
        let is_begun = range.start >= SNAPSHOTS;
        for row in &work.rows[range] {
            let change = single.change(row);
            let book = &mut books[change.instrument];
            let Ok(applied) = book.take(&change) else { return 0 };
            black_box(applied);
            if is_begun {
                let sold = books[InstrumentId(0)].walk(Side::Sell, qty, None, &own);
                let bought = books[InstrumentId(1)].walk(Side::Buy, qty, None, &own);
                if let (Some(sold), Some(bought)) = (sold, bought) {
                    sum = sum.wrapping_add((sold.cost - bought.cost) as u64);
                }
            }
        }
        sum
    })
}
