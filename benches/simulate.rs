//! W4: recorded rows through simulated venues and the engine, two books a row, own orders idle and
//! one resting at each venue; beside a hand-written merge with two ladders a row.
//!
//! A row reaches its venue at its exchange time and the engine at its receive time. With orders
//! resting, both were sent on books that stood far apart for a moment; they rest where these stood,
//! so that their attempt lives through the whole replay and is looked at on every message.
#![allow(
    clippy::cast_possible_wrap,
    clippy::needless_bitwise_bool,
    reason = "limits are written bare"
)]
#![allow(clippy::map_unwrap_or, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program: it prints its figures")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it measures")]
#![allow(clippy::float_arithmetic, reason = "a program: times to be printed")]
#![allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a program: numbers fit")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers fit")]
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a program: a mistake is to be loud")]

use std::cell::RefCell;
use std::hint::black_box;

use cross_market_core::book::{Change, Row};
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::event::Event;
use cross_market_core::ids::InstrumentId;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::time::{Span, Time};
use cross_market_sim::venue::SimVenue;
use cross_market_sim::world::{World, WorldSetup};

use common::desk::{self, Bands, IDLE};
use common::timing::{Laps, figure, in_turns};
use common::workload::{Limit, Recorded, SNAPSHOTS, Workload, change};

mod common;

const ROUNDS: usize = 9;
/// Rows of one slice of time.
const SLICE: usize = 4_096;
/// Where the books stand for a moment, in ticks from the middle.
const AWAY: i64 = 2_000;
const MIDDLE: i64 = 100_000;
/// What an order takes to its venue.
const LATENCY: Span = Span::millis(10);
const APART: Bands = Bands { plus: [3_000, -500_000], mirror: [-500_000, 500_000] };

fn main() {
    let work = Workload::new(20_260_801);
    let (idle, resting) = (desk::config(1, 1, IDLE), desk::resting(APART));
    let rows = rows(&work);
    let taken = in_turns(
        ROUNDS,
        &mut [
            &mut |laps: &mut Laps| limit(&work, laps),
            &mut |laps: &mut Laps| simulated(&idle, &rows, 0, laps),
            &mut |laps: &mut Laps| simulated(&resting, &rows, 2, laps),
        ],
    );
    let [limit, idle, resting] = [0, 1, 2].map(|case: usize| taken[case] / work.rows.len() as f64);
    figure("W4", idle, limit);
    figure("W4r", resting, limit);
}

/// The workload as its venues would have sent it, behind two books that stand far apart.
fn rows(work: &Workload) -> Vec<Change> {
    let first = work.rows[0].exchange - 1_000_000_000;
    let level = |market: u16, side, price, row| Change {
        price: Price(price),
        qty: Qty::of(10),
        seq: 0,
        exchange: Time(first),
        receive: Time(first),
        step: 0,
        instrument: InstrumentId(market),
        side,
        row,
    };
    let book = |market, middle| {
        [
            level(market, Side::Buy, middle, Row::Snapshot),
            level(market, Side::Sell, middle + 1, Row::LevelLast),
        ]
    };
    let apart = [book(0, MIDDLE + AWAY), book(1, MIDDLE - AWAY)].concat();
    let gone = [0, 1].map(|market| Change {
        qty: Qty::ZERO,
        exchange: Time(first + 1_000_000),
        receive: Time(first + 1_000_000),
        ..level(market, Side::Buy, MIDDLE, Row::SnapshotLast)
    });
    apart.into_iter().chain(gone).chain(work.rows.iter().map(change)).collect()
}

/// Replays the rows; `orders` are alive at the end.
fn simulated(config: &Config, rows: &[Change], orders: usize, laps: &mut Laps) {
    let start = Time(rows[0].receive.0 - 1);
    let engine: RefCell<Engine> = RefCell::new(desk::engine(config, start));
    let mut world = World::new(config, WorldSetup::plain(1, start, config, LATENCY));
    world.record(rows);
    let mut handle = |now: Time, event: &Event, out: &mut Vec<Command>| {
        engine.borrow_mut().handle(now, event, out)
    };
    let deadline = || engine.borrow().deadline();
    let ends = rows.chunks(SLICE).filter_map(|slice| slice.last());
    laps.begin();
    for last in ends {
        black_box(world.run(last.receive, &mut handle, &deadline));
        laps.lap();
    }
    assert_eq!(world.outcome().errors, 0, "the engine refused rows");
    let alive = engine.borrow().live_orders();
    assert_eq!(alive, orders, "orders alive at the end: {:?}", world.outcome());
    let worked = world.venues().iter().flat_map(SimVenue::orders);
    assert_eq!(worked.filter(|order| order.is_working()).count(), orders, "orders that rest");
}

/// The rows of both markets merged by local time, each into a venue's ladder and into ours, both
/// cross spreads compared at the end of each message.
fn limit(work: &Workload, laps: &mut Laps) {
    let of = |market: u8| {
        let rows = work.rows.iter().filter(|row| row.market == market);
        rows.copied().collect::<Vec<Recorded>>()
    };
    let (here, there) = (of(0), of(1));
    let mut venues = [Limit::new(work), Limit::new(work)];
    let mut books = [Limit::new(work), Limit::new(work)];
    let (mut i, mut j, mut signals, mut sum) = (0_usize, 0_usize, 0_u64, 0_u64);
    laps.begin();
    loop {
        let row = match (here.get(i), there.get(j)) {
            (Some(a), Some(b)) if a.receive <= b.receive => (a, true),
            (Some(a), None) => (a, true),
            (_, Some(b)) => (b, false),
            (None, None) => break,
        };
        if row.1 {
            i += 1;
        } else {
            j += 1;
        }
        let (row, at) = (row.0, i + j);
        let market = usize::from(row.market & 1);
        venues[market].set(row);
        books[market].set(row);
        if row.is_last && at > SNAPSHOTS {
            let [[bid, ask], [bid_there, ask_there]] = [books[0].best(), books[1].best()];
            let (plus, mirror) = (bid.wrapping_sub(ask_there), bid_there.wrapping_sub(ask));
            signals = signals.wrapping_add(u64::from((plus > 1) | (mirror > 1)));
            sum = sum.wrapping_add((plus ^ mirror) as u64);
        }
        if at.is_multiple_of(SLICE) {
            laps.lap();
        }
    }
    laps.lap();
    black_box((signals, sum, venues[0].best(), venues[1].best()));
}
