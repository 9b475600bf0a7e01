//! W4e, W4e50, W8 and tick-to-command, beside hand-written limits of the same work.
//!
//! W4e: recorded rows of two markets, merged by local time, through the engine's column door with
//! an idle hedge that is decided at each message end. Its limit merges the same rows into bare
//! ladders and compares both cross spreads at each message end. W4e50: the same with fifty hedges
//! on the pair. W8: one input to an order and one step of its attempt, beside a bare table machine.
//! Tick to commands: the row that makes a band reached, until both orders are in the list.
#![allow(
    clippy::cast_possible_wrap,
    clippy::needless_bitwise_bool,
    reason = "limits are written bare"
)]
#![allow(clippy::map_unwrap_or, clippy::semicolon_if_nothing_returned, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program: it prints its figures")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it measures")]
#![allow(clippy::float_arithmetic, reason = "a program: times to be printed")]
#![allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a program: numbers fit")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers fit")]
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a program: a mistake is to be loud")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cross_market_core::num::Side;
use cross_market_core::time::Time;

use common::desk::{self, IDLE};
use common::machines;
use common::tick::Desk;
use common::timing::{Laps, figure, in_turns};
use common::workload::{Limit, Recorded, SNAPSHOTS, Workload, change, first};

mod common;

const ROUNDS: usize = 21;
/// Rows of one slice of time.
const SLICE: usize = 4_096;
/// Samples of tick-to-command.
const SAMPLES: usize = 20_000;

fn main() {
    // `cargo bench --bench engine -- tick` runs that one alone.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
    if is_wanted("replay") {
        let work = Workload::new(20_260_801);
        work.tell();
        replay(&work);
    }
    if is_wanted("machine") {
        machine();
    }
    if is_wanted("tick") {
        tick_to_command();
    }
}

// ---------------------------------------------------------------------------------------------
// W4e and W4e50.

/// The rows of each market, in their order.
type Streams = [Vec<Recorded>; 2];

/// Merges two streams by local time, the first one's first at a tie.
#[inline]
fn merged(streams: &Streams, mut each: impl FnMut(&Recorded)) {
    let [here, there] = streams;
    let (mut i, mut j) = (0, 0);
    loop {
        let row = match (here.get(i), there.get(j)) {
            (Some(a), Some(b)) if a.receive <= b.receive => (a, true),
            (Some(a), None) => (a, true),
            (_, Some(b)) => (b, false),
            (None, None) => return,
        };
        if row.1 {
            i += 1
        } else {
            j += 1
        }
        each(row.0);
    }
}

fn replay(work: &Workload) {
    let of = |market: u8| {
        let rows = work.rows.iter().filter(|row| row.market == market);
        rows.copied().collect::<Vec<Recorded>>()
    };
    let streams: Streams = [of(0), of(1)];
    let (one, many) = (desk::config(1, 1, IDLE), desk::config(50, 1, IDLE));
    let mut ends = [[0; 4]; 3];
    let [limit_end, one_end, many_end] = &mut ends;
    let taken = in_turns(
        ROUNDS,
        &mut [
            &mut |laps: &mut Laps| *limit_end = replay_limit(work, &streams, laps),
            &mut |laps: &mut Laps| *one_end = replay_ours(&one, &streams, laps),
            &mut |laps: &mut Laps| *many_end = replay_ours(&many, &streams, laps),
        ],
    );
    assert!(ends[0] == ends[1] && ends[1] == ends[2], "the replays differ: {ends:?}");
    let rows = work.rows.len() as f64;
    let [limit, one, many] = [0, 1, 2].map(|case: usize| taken[case] / rows);
    figure("W4e", one, limit);
    figure("W4e50", many, one);
}

/// Best prices at the end.
fn replay_limit(work: &Workload, streams: &Streams, laps: &mut Laps) -> [i64; 4] {
    let mut books = [Limit::new(work), Limit::new(work)];
    let (mut at, mut signals, mut sum) = (0_usize, 0_u64, 0_u64);
    laps.begin();
    merged(streams, |row| {
        books[usize::from(row.market & 1)].set(row);
        at = at.wrapping_add(1);
        if row.is_last && at > SNAPSHOTS {
            let [[bid, ask], [bid_there, ask_there]] = [books[0].best(), books[1].best()];
            let (plus, mirror) = (bid.wrapping_sub(ask_there), bid_there.wrapping_sub(ask));
            signals = signals.wrapping_add(u64::from((plus > 1) | (mirror > 1)));
            sum = sum.wrapping_add((plus ^ mirror) as u64);
        }
        if at.is_multiple_of(SLICE) {
            laps.lap();
        }
    });
    laps.lap();
    black_box((signals, sum));
    let [[bid, ask], [bid_there, ask_there]] = [books[0].best(), books[1].best()];
    [bid, ask, bid_there, ask_there].map(i64::from)
}

fn replay_ours(
    config: &cross_market_core::config::Config,
    streams: &Streams,
    laps: &mut Laps,
) -> [i64; 4] {
    let start = Time(streams[0][0].receive - 1);
    let mut engine = desk::engine(config, start);
    let mut out = Vec::with_capacity(64);
    for market in [0, 1] {
        if let Err(error) = engine.change(start, &first(market), &mut out) {
            panic!("no book: {error}");
        }
    }
    let (mut at, mut errors) = (0_usize, 0_u64);
    laps.begin();
    merged(streams, |row| {
        let result = engine.change(Time(row.receive), &change(row), &mut out);
        errors += u64::from(result.is_err());
        at = at.wrapping_add(1);
        if at.is_multiple_of(SLICE) {
            laps.lap();
        }
    });
    laps.lap();
    assert!(errors == 0 && out.is_empty(), "{errors} rows refused, commands {out:?}");
    let best = |market, side| {
        let book = engine.book(cross_market_core::ids::InstrumentId(market));
        book.and_then(|book| book.best(side)).map_or(0, |price| price.0)
    };
    [best(0, Side::Buy), best(0, Side::Sell), best(1, Side::Buy), best(1, Side::Sell)]
}

// ---------------------------------------------------------------------------------------------
// W8.

fn machine() {
    let events = machines::events();
    let working = machines::of_working(&events);
    let (mut limit, mut ours) = (machines::Limits::new(), machines::Ours::new());
    let taken = in_turns(
        ROUNDS,
        &mut [
            &mut |laps: &mut Laps| {
                for slice in &events {
                    limit.begin();
                    laps.begin();
                    black_box(limit.run(slice));
                    laps.lap();
                }
            },
            &mut |laps: &mut Laps| {
                for slice in &working {
                    ours.begin();
                    laps.begin();
                    black_box(ours.run(slice));
                    laps.lap();
                }
            },
        ],
    );
    let count = |slices: &[Vec<_>]| slices.iter().map(Vec::len).sum::<usize>() as f64;
    figure("W8", taken[1] / count(&working), taken[0] / count(&events));
}

// ---------------------------------------------------------------------------------------------
// Tick to commands.

/// Counts what is asked of the system's allocator.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on unchanged to the system's allocator, which upholds the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The clock's own cost, two readings with nothing between, is taken off each sample.
fn tick_to_command() {
    let mut desk = Desk::new();
    let (mut samples, mut clock) = (Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES));
    let mut allocations = 0;
    for sample in 0..SAMPLES + 1_000 {
        let row = desk.prepare();
        let before = Instant::now();
        let empty = before.elapsed();
        let count = ALLOCATIONS.load(Ordering::Relaxed);
        let begin = Instant::now();
        desk.tick(black_box(&row));
        let taken = begin.elapsed();
        let count = ALLOCATIONS.load(Ordering::Relaxed) - count;
        desk.finish();
        if sample >= 1_000 {
            samples.push(taken.as_nanos() as u64);
            clock.push(empty.as_nanos() as u64);
            allocations += count;
        }
    }
    samples.sort_unstable();
    clock.sort_unstable();
    let clock = clock[SAMPLES / 2];
    let at = |share: f64| samples[(SAMPLES as f64 * share) as usize].saturating_sub(clock);
    println!(
        "FIGURE bench.tick_to_command p50_ns={} p99_ns={} allocations={allocations} clock_ns={clock}",
        at(0.5),
        at(0.99),
    );
}
