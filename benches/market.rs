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

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use cross_market_core::book::{Book, Change, Row};
use cross_market_core::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, Table};
use cross_market_core::num::{Price, Qty, Ratio, Side};
use cross_market_core::quote::{HedgePlan, LegPlan, Own};
use cross_market_core::signal::{Band, Deviation, Measure, Rule, Signals};
use cross_market_core::time::Time;

use common::workload::{Limit, SNAPSHOTS, Workload, change, first};

mod common;

const ROUNDS: usize = 15;
/// Lots of W5.
const LOTS: i64 = 300;

fn main() {
    let work = Workload::new(20_260_801);
    work.tell();
    let cases: [(&str, Case, Case); 3] =
        [("W2", limit_w2, ours_w2), ("W3", limit_w3, ours_w3), ("W5", limit_w5, ours_w5)];
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for (name, limit, ours) in cases {
        assert_eq!(limit(&work), ours(&work), "{name} differs from its limit");
        criterion.bench_function(&format!("{name}/limit"), |b| b.iter(|| limit(&work)));
        criterion.bench_function(&format!("{name}/ours"), |b| b.iter(|| ours(&work)));
    }
    criterion.final_summary();
    for (name, limit, ours) in cases {
        let [limit_ns, ours_ns] = in_turns(&work, [limit, ours]);
        let ratio = ours_ns / limit_ns;
        println!(
            "FIGURE bench.{name} ours_ns={ours_ns:.1} limit_ns={limit_ns:.1} ratio={ratio:.2}"
        );
    }
}

/// Works through all rows and comes to a number.
type Case = fn(&Workload) -> u64;

/// The quickest round of each, in ns a row, taken in turns: what others do to the machine only
/// adds, and it adds to both.
fn in_turns(work: &Workload, cases: [Case; 2]) -> [f64; 2] {
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (case, best) in cases.iter().zip(&mut best) {
            let start = Instant::now();
            black_box(case(black_box(work)));
            *best = best.min(start.elapsed().as_nanos() as f64 / work.rows.len() as f64);
        }
    }
    best
}

// ---------------------------------------------------------------------------------------------
// The limits.

/// Mixes the best prices into a number, so that both sides prove the same work.
#[inline]
fn mixed(sum: u64, bid: i64, ask: i64) -> u64 {
    sum.wrapping_add((bid.wrapping_mul(7) ^ ask) as u64)
}

fn limit_w2(work: &Workload) -> u64 {
    let mut books = [Limit::new(work), Limit::new(work)];
    let mut out = vec![[0_i32; 2]; work.rows.len()];
    for (row, out) in work.rows.iter().zip(&mut out) {
        let book = &mut books[usize::from(row.market & 1)];
        book.set(row);
        *out = book.best();
    }
    let out = black_box(out);
    out[SNAPSHOTS..].iter().fold(0, |sum, [bid, ask]| mixed(sum, (*bid).into(), (*ask).into()))
}

fn limit_w3(work: &Workload) -> u64 {
    let mut books = [Limit::new(work), Limit::new(work)];
    let (mut mean, mut variance, mut signals) = (0.0, 0.0, 0);
    for (at, row) in work.rows.iter().enumerate() {
        books[usize::from(row.market & 1)].set(row);
        if at < SNAPSHOTS {
            continue;
        }
        let [bid, ask] = books[0].best();
        let [bid_there, ask_there] = books[1].best();
        let (plus, mirror) = (bid.wrapping_sub(ask_there), bid_there.wrapping_sub(ask));
        let (here, there) = (bid.wrapping_add(ask), bid_there.wrapping_add(ask_there));
        let ratio = f64::from(here) / f64::from(there);
        let middle = f64::from(here.wrapping_sub(there));
        let offset = middle - if at == SNAPSHOTS { middle } else { mean };
        let square = offset * offset;
        let is_far = square >= 4.0 * variance;
        mean = if at == SNAPSHOTS { middle } else { mean + 1e-4 * offset };
        variance += 1e-4 * (square - variance);
        signals += u64::from((plus >= 1) & (offset > 0.0) & is_far);
        signals += u64::from((mirror >= 1) & (offset < 0.0) & is_far);
        // No ratio of these markets is so far from one: the hedge beside it never enters.
        signals += u64::from((ratio - 1.0).abs() > 0.5);
    }
    signals
}

fn limit_w5(work: &Workload) -> u64 {
    let mut books = [Limit::new(work), Limit::new(work)];
    let mut sum = 0_u64;
    for (at, row) in work.rows.iter().enumerate() {
        books[usize::from(row.market & 1)].set(row);
        if at >= SNAPSHOTS {
            let sold = books[0].walk(0, LOTS) + LOTS * i64::from(work.low - 1);
            let bought = LOTS * i64::from(books[1].slots + work.low) - books[1].walk(1, LOTS);
            sum = sum.wrapping_add(sold.wrapping_sub(bought) as u64);
        }
    }
    sum
}

// ---------------------------------------------------------------------------------------------
// Ours: checks on.

fn books() -> Table<InstrumentId, Book> {
    Table::new(vec![Book::new(1_000_000, 1_000_000), Book::new(1_000_000, 1_000_000)])
}

/// The first row of each market, which makes its book known.
fn begin(books: &mut Table<InstrumentId, Book>) {
    for book in books.iter_mut() {
        book.apply(&first(0));
    }
}

fn ours_w2(work: &Workload) -> u64 {
    let mut books = books();
    begin(&mut books);
    let mut out = vec![[0_i64; 2]; work.rows.len()];
    for (row, out) in work.rows.iter().zip(&mut out) {
        let change = change(row);
        let book = &mut books[change.instrument];
        if book.check(&change).is_err() {
            return 0;
        }
        black_box(book.apply(&change));
        if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
            *out = [bid.0, ask.0];
        }
    }
    let out = black_box(out);
    out[SNAPSHOTS..].iter().fold(0, |sum, [bid, ask]| mixed(sum, *bid, *ask))
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

fn ours_w3(work: &Workload) -> u64 {
    let (mut books, mut signals) = (books(), signals());
    begin(&mut books);
    let (mut count, mut seqs) = (0, [0; 2]);
    for (at, row) in work.rows.iter().enumerate() {
        // A message a row: the signals are looked at after each.
        let seq = &mut seqs[usize::from(row.market & 1)];
        *seq += 1;
        let change = Change { row: Row::DeltaLast, seq: *seq, ..change(row) };
        let book = &mut books[change.instrument];
        if book.check(&change).is_err() {
            return 0;
        }
        black_box(book.apply(&change));
        if at >= SNAPSHOTS && signals.message(change.instrument, Time(row.receive), &books) {
            count += u64::from(signals.wants(HedgeId(0), 0).is_some());
            count += u64::from(signals.wants(HedgeId(1), 0).is_some());
        }
    }
    count
}

fn ours_w5(work: &Workload) -> u64 {
    let mut books = books();
    begin(&mut books);
    let (mut sum, mut seqs) = (0_u64, [0; 2]);
    let (own, qty) = (Own::default(), Qty::of(LOTS));
    for (at, row) in work.rows.iter().enumerate() {
        let seq = &mut seqs[usize::from(row.market & 1)];
        *seq += 1;
        let change = Change { row: Row::DeltaLast, seq: *seq, ..change(row) };
        let book = &mut books[change.instrument];
        if book.check(&change).is_err() {
            return 0;
        }
        black_box(book.apply(&change));
        if at >= SNAPSHOTS {
            let sold = books[InstrumentId(0)].walk(Side::Sell, qty, None, &own);
            let bought = books[InstrumentId(1)].walk(Side::Buy, qty, None, &own);
            if let (Some(sold), Some(bought)) = (sold, bought) {
                sum = sum.wrapping_add((sold.cost - bought.cost) as u64);
            }
        }
    }
    sum
}
