//! Kernels whose instructions are counted; `benches/counts.py` runs each under callgrind.
//!
//! A kernel prepares its input, then calls [`measured`]; only what runs inside is counted. It must
//! do the same work each time: no clock, no randomness but from a seed. Nothing is hashed inside,
//! since how many instructions that takes is the processor's choice.
#![allow(
    clippy::cast_possible_wrap,
    clippy::needless_bitwise_bool,
    reason = "limits are written bare"
)]
#![allow(clippy::map_unwrap_or, clippy::semicolon_if_nothing_returned, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program: it lists its kernels")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: arguments")]
#![allow(clippy::float_arithmetic, reason = "a program: the workload is made so")]
#![allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a program: numbers fit")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers fit")]
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a program: a mistake is to be loud")]

use std::hint::black_box;

use cross_market_core::book::{Book, Change};
use cross_market_core::command::Command;
use cross_market_core::event::Event;
use cross_market_core::funds::{Funds, Need};
use cross_market_core::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, LegId, Table};
use cross_market_core::num::{Money, Qty};
use cross_market_core::order::{Input, Order};
use cross_market_core::record::{write_commands, write_event};
use cross_market_core::signal::Signals;
use cross_market_core::time::Time;
use cross_market_core::wire::Writer;

use common::desk::{self, IDLE};
use common::machines;
use common::tick::Desk;
use common::workload::{Workload, change, first};

mod common;

const KERNELS: &[(&str, fn())] = &[
    ("book_change_x1000", book_change),
    ("signal_message_x300", signal_message),
    ("engine_row_x1000", engine_row),
    ("engine_row_50_hedges_x1000", engine_row_of_many),
    ("tick_to_command_x100", tick_to_command),
    ("hold_and_void_x1000", hold_and_void),
    ("order_fill_x1000", order_fill),
    ("leg_machine_x1000", leg_machine),
    ("record_encode_x1000", record_encode),
];

/// Rows that come before those which are counted, so that books are as in the middle of a day.
const BEFORE: usize = 20_000;
const COUNTED: usize = 1_000;

/// Run `work` where the count is switched on: the script finds this function by its name.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// Changes into two books that are known.
fn changes() -> Vec<Change> {
    let work = Workload::of_rows(20_260_801, BEFORE + COUNTED);
    let rows = work.rows.iter().take(BEFORE + COUNTED);
    [first(0), first(1)].into_iter().chain(rows.map(change)).collect()
}

fn apply(books: &mut Table<InstrumentId, Book>, change: &Change) {
    let book = &mut books[change.instrument];
    match book.take(change) {
        Ok(applied) => black_box(applied),
        Err(error) => panic!("refused: {error}"),
    };
}

fn books() -> Table<InstrumentId, Book> {
    Table::new(vec![Book::new(1_000_000, 1_000_000), Book::new(1_000_000, 1_000_000)])
}

/// One row a turn: judged and applied.
fn book_change() {
    let (changes, mut books) = (changes(), books());
    let (before, counted) = changes.split_at(BEFORE + 2);
    for change in before {
        apply(&mut books, change);
    }
    measured(|| counted.iter().for_each(|change| apply(&mut books, change)));
}

/// One message a turn: the tops of both books, and an idle hedge's bands.
fn signal_message() {
    let (changes, mut books) = (changes(), books());
    let config = desk::config(1, 1, IDLE);
    let hedge = &config.hedges[HedgeId(0)];
    let mut signals = Signals::new(&[(&hedge.plan, &hedge.rule)], 2);
    let mut messages = 0;
    for (at, change) in changes.iter().enumerate() {
        apply(&mut books, change);
        if at > BEFORE && change.row.is_last() && messages < 300 {
            messages += 1;
            let (instrument, now) = (change.instrument, change.receive);
            measured(|| signals.message(instrument, now, &books));
        }
    }
    assert!(messages > 250, "{messages} messages");
}

/// One row a turn through the engine, with so many idle hedges.
fn rows(hedges: usize) {
    let changes = changes();
    let config = desk::config(hedges, 1, IDLE);
    let mut engine = desk::engine(&config, changes[2].receive);
    let mut out: Vec<Command> = Vec::with_capacity(64);
    let mut row = |change: &Change| {
        let now = change.receive.max(engine.now());
        if let Err(error) = engine.change(now, change, &mut out) {
            panic!("refused: {error}");
        }
    };
    let (before, counted) = changes.split_at(BEFORE + 2);
    before.iter().for_each(&mut row);
    measured(|| counted.iter().for_each(&mut row));
    assert!(out.is_empty(), "an idle hedge commands {out:?}");
}

fn engine_row() {
    rows(1);
}

fn engine_row_of_many() {
    rows(50);
}

/// One row a turn that makes a band reached, to both orders.
fn tick_to_command() {
    let mut desk = Desk::new();
    for turn in 0..150 {
        let row = desk.prepare();
        if turn < 50 {
            desk.tick(&row);
        } else {
            measured(|| desk.tick(&row));
        }
        desk.finish();
    }
}

/// Money for two legs held, then voided.
fn hold_and_void() {
    let mut funds = Funds::new(2, 4_096);
    let (caps, unrealised) = desk::fund(&mut funds);
    let orders = |attempt| {
        [0, 1].map(|leg: u8| {
            let order = ClientOrderId::pack(1, 1, HedgeId(0), attempt, LegId(leg), 1);
            let Some(order) = order else { panic!("the parts fit") };
            Need {
                order,
                account: AccountId(leg.into()),
                amount: Money::units(10),
                frees: Money::ZERO,
            }
        })
    };
    let mut turn = |attempt| {
        let needs = orders(attempt);
        funds.begin_event();
        if let Err(error) = funds.hold(&needs, &caps, &unrealised) {
            panic!("refused: {error:?}");
        }
        for need in needs {
            if let Err(error) = funds.void(need.order) {
                panic!("refused: {error:?}");
            }
        }
        funds.balanced();
    };
    (1..=100).for_each(&mut turn);
    measured(|| (101..=1_100).for_each(&mut turn));
}

/// An order that is sent takes its fill.
fn order_fill() {
    let mut orders: Vec<Order> = vec![machines::order(); 1_000];
    measured(|| {
        for order in &mut orders {
            black_box(order.next(black_box(Input::Fill { qty: Qty::of(3), cum: None })));
        }
    });
}

/// An event of an order and the step of its attempt.
fn leg_machine() {
    let (events, mut ours) = (machines::of_working(&machines::events()), machines::Ours::new());
    ours.begin();
    measured(|| ours.run(&events[0][..1_000]));
}

/// A fill and two orders as bytes, without their link.
fn record_encode() {
    let commands = Desk::new().commands();
    let event = Event::Report(Box::new(machines::fill()));
    let mut out = Writer::new();
    write(&mut out, &event, &commands);
    let bytes = out.as_slice().len();
    let mut out = Writer::reuse(Vec::with_capacity(bytes * 1_001));
    measured(|| (0..1_000).for_each(|_| write(&mut out, &event, &commands)));
    assert_eq!(out.as_slice().len(), bytes * 1_000, "every turn writes the same");
}

fn write(out: &mut Writer, event: &Event, commands: &[Command]) {
    out.i64(Time(1_770_000_000_000_000_000).0);
    write_event(out, black_box(event));
    write_commands(out, black_box(commands));
}

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "--list" {
        for (name, _) in KERNELS {
            println!("{name}");
        }
        return;
    }
    match KERNELS.iter().find(|(name, _)| *name == argument) {
        Some((_, kernel)) => kernel(),
        // `cargo bench` passes its own options: then there is nothing to count.
        None if argument.is_empty() || argument.starts_with("--") => {}
        None => panic!("no kernel named {argument:?}"),
    }
}
