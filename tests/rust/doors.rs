//! The doors of the engine: what is refused, by which field, and that it changes nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test: what fails must be loud")]
#![allow(clippy::indexing_slicing, reason = "a test: what fails must be loud")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test: it looks for one kind of command")]

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::{Clock, ClockOf, OFFSET_MAX, UNCERTAINTY_MAX};
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::error::{Error, Field};
use cross_market_core::event::{Control, Event, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, HedgeId, InstrumentId, RUN_MAX, Text, VenueId};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{Answer, Found, Place};
use cross_market_core::position::Settle;
use cross_market_core::time::{Day, Span, Time};

/// 2026-02-10, 01:00 UTC.
const START: i64 = 1_770_685_200_000_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A hedge of two instruments in two accounts, with money in both.
struct Desk {
    engine: Engine,
    now: i64,
}

impl Desk {
    fn new() -> Desk {
        let json = include_bytes!("../scenarios/configs/pair.json");
        let config = Config::from_json(json).unwrap();
        let mut desk = Desk { engine: Engine::new(&config, Time(START)).unwrap(), now: START };
        for account in [0, 1] {
            let amount = Money::units(10_000_000);
            let kind = CashKind::Opening;
            let account = AccountId(account);
            let cash = Cash { account, exchange: Time(START), kind, amount };
            desk.event(&Event::Cash(Box::new(cash)));
        }
        desk
    }

    fn event(&mut self, event: &Event) -> Vec<Command> {
        let mut out = Vec::new();
        self.engine.handle(Time(self.now), event, &mut out).unwrap();
        out
    }

    /// What the door says of an event that it refuses; nothing has changed then.
    fn refused(&mut self, event: &Event) -> Error {
        let (before, mut out) = (self.engine.digest(), Vec::new());
        let refused = self.engine.handle(Time(self.now), event, &mut out);
        assert_eq!(self.engine.digest(), before, "{event:?} has changed the state");
        assert!(out.is_empty(), "{event:?} gave {out:?}");
        refused.expect_err("refused")
    }

    fn book(&mut self, instrument: u16, bid: i64, ask: i64) -> Vec<Command> {
        let mut out = Vec::new();
        for row in snapshot(instrument, bid, ask, self.now) {
            self.engine.change(Time(self.now), &row, &mut out).unwrap();
        }
        out
    }

    fn enter(&mut self, sets: i64) -> Vec<Command> {
        self.event(&word(Verb::Enter { hedge: HedgeId(0), sets, at_least: None }))
    }

    /// Both books, ten ticks apart and more: the hedge enters.
    fn entered(&mut self) -> Vec<Place> {
        self.book(0, 1_020, 1_021);
        places(&self.book(1, 1_000, 1_001))
    }
}

fn snapshot(instrument: u16, bid: i64, ask: i64, at: i64) -> [Change; 2] {
    [(Side::Buy, bid, Row::Snapshot), (Side::Sell, ask, Row::LevelLast)].map(|(side, price, row)| {
        Change {
            price: Price(price),
            qty: Qty::of(100),
            seq: 0,
            exchange: Time(at),
            receive: Time(at),
            step: 0,
            instrument: InstrumentId(instrument),
            side,
            row,
        }
    })
}

fn word(verb: Verb) -> Event {
    Event::Control(Box::new(Control { actor: Text::new("desk").unwrap(), verb }))
}

fn places(commands: &[Command]) -> Vec<Place> {
    let place = |command: &Command| match command {
        Command::Place(place) => Some(*place),
        _ => None,
    };
    commands.iter().filter_map(place).collect()
}

/// A row from the future would look fresh until then: the gate of the ages would be off.
#[test]
fn a_row_that_was_received_later_than_now_is_refused() {
    let mut desk = Desk::new();
    let late = desk.now + 365 * DAY;
    for instrument in [0, 1] {
        let [row, _] = snapshot(instrument, 1_020, 1_021, late);
        let error = desk.refused(&Event::Book(row));
        assert_eq!(error, Error::OutOfBounds { field: Field::Receive, found: late });
    }
    let [mut row, _] = snapshot(0, 1_020, 1_021, desk.now);
    row.receive = Time(i64::MAX);
    let error = desk.refused(&Event::Book(row));
    assert_eq!(error, Error::TimeOutOfRange { field: Field::Receive, found: row.receive });
    // What was received just now is fresh, and what is old by then is not.
    assert_eq!(desk.entered().len(), 2);
}

/// An offset or uncertainty that no clock has would overflow where an answer is judged by it.
#[test]
fn a_clock_beyond_its_bounds_is_refused() {
    let mut desk = Desk::new();
    let orders = desk.entered();
    let wrong = [
        (i64::MAX, i64::MAX, Field::Offset, i64::MAX),
        (i64::MIN, 0, Field::Offset, i64::MIN),
        (OFFSET_MAX.0 + 1, 0, Field::Offset, OFFSET_MAX.0 + 1),
        (0, UNCERTAINTY_MAX.0 + 1, Field::Uncertainty, UNCERTAINTY_MAX.0 + 1),
        (0, -1, Field::Uncertainty, -1),
    ];
    for of in [ClockOf::Wall, ClockOf::Venue(VenueId(0))] {
        for (offset, uncertainty, field, found) in wrong {
            let (offset, uncertainty) = (Span(offset), Span(uncertainty));
            let error = desk.refused(&Event::Clock(Clock { of, offset, uncertainty }));
            assert_eq!(error, Error::OutOfBounds { field, found });
        }
        for offset in [OFFSET_MAX, Span(-OFFSET_MAX.0)] {
            desk.event(&Event::Clock(Clock { of, offset, uncertainty: UNCERTAINTY_MAX }));
        }
    }
    let clock = Clock { of: ClockOf::Venue(VenueId(9)), offset: Span(0), uncertainty: Span(0) };
    let error = desk.refused(&Event::Clock(clock));
    assert_eq!(error, Error::Unknown { field: Field::Venue, found: 9 });
    // The answers that the largest ones judge.
    for exchange in [Time::EARLIEST, Time(START), Time::LATEST] {
        desk.event(&Event::Answer(Box::new(Answer {
            order: orders[0].order,
            account: orders[0].account,
            venue_order_id: Text::EMPTY,
            exchange,
            receive: Time(START),
            found: Found::ProvenAbsent,
        })));
    }
}

/// A restart is an event like others: what it refuses, it refuses whole.
#[test]
fn a_restart_before_now_out_of_range_or_under_an_old_run_is_refused() {
    let mut desk = Desk::new();
    desk.now += SECOND;
    assert_eq!(desk.entered().len(), 2);
    let now = desk.now;
    let (before, mut out) = (desk.engine.digest(), Vec::new());
    let run = |found| Error::OutOfBounds { field: Field::Run, found };
    for (at, number, error) in [
        (now - 1, 2, Error::TimeWentBack { by_ns: 1 }),
        (i64::MIN, 2, Error::TimeWentBack { by_ns: i64::MAX }),
        (i64::MAX, 2, Error::TimeOutOfRange { field: Field::Now, found: Time(i64::MAX) }),
        (now, 0, run(0)),
        (now, 1, run(1)),
        (now, RUN_MAX + 1, run(4_096)),
        (now, u16::MAX, run(65_535)),
    ] {
        assert_eq!(desk.engine.restart(Time(at), number, &mut out), Err(error));
        assert_eq!(desk.engine.digest(), before);
        assert!(out.is_empty());
    }
    desk.engine.restart(Time(now), RUN_MAX, &mut out).unwrap();
    assert_eq!(desk.engine.run(), RUN_MAX);
    let due = desk.engine.attempt(HedgeId(0)).unwrap().due;
    assert_eq!(due, Time(now) + Span::seconds(3));
    desk.engine.poison(&mut out);
    assert_eq!(desk.engine.restart(Time(now), RUN_MAX, &mut out), Err(Error::Poisoned));
}

/// A day far ahead would end every day before it, with its budgets, for good.
#[test]
fn a_settlement_of_a_day_far_ahead_is_refused() {
    let mut desk = Desk::new();
    let today = Time(START).date();
    assert_eq!(today, Day(20_494));
    let settle = |day| {
        let (instrument, price, exchange) = (InstrumentId(0), Price(1_000), Time(START));
        Event::Settle(Box::new(Settle { instrument, price, day, exchange }))
    };
    for day in [Day(today.0 + 15), Day(100_000), Day(i32::MAX)] {
        let error = desk.refused(&settle(day));
        assert_eq!(error, Error::OutOfBounds { field: Field::Day, found: i64::from(day.0) });
    }
    desk.event(&settle(today));
    desk.event(&settle(Day(today.0 + 14)));
    let error = desk.refused(&settle(today));
    assert_eq!(error, Error::OutOfBounds { field: Field::Day, found: 20_494 });
}

/// A level so far from the touch is no level of this contract; 64 × a collar of 20 ticks.
#[test]
fn a_level_far_from_the_touch_is_refused() {
    let mut desk = Desk::new();
    desk.book(0, 10_000, 10_001);
    let row = |side, price, qty, row| {
        let [change, _] = snapshot(0, price, 0, START);
        Event::Book(Change { side, qty: Qty::of(qty), row, ..change })
    };
    let far = |found| Error::OutOfBounds { field: Field::Price, found };
    for (side, price) in [
        (Side::Buy, 10_000 - 1_281),
        (Side::Buy, 10_000 + 1_281),
        (Side::Buy, 1_000),
        (Side::Buy, -10_000),
        (Side::Buy, 100_000),
        (Side::Sell, 10_001 + 1_281),
        (Side::Sell, 1_000),
        (Side::Sell, 0),
    ] {
        assert_eq!(desk.refused(&row(side, price, 1, Row::DeltaLast)), far(price));
        assert_eq!(desk.refused(&row(side, price, 1, Row::Delta)), far(price));
        // Nothing is invented by what is taken away.
        desk.event(&row(side, price, 0, Row::DeltaLast));
    }
    desk.event(&row(Side::Buy, 10_000 - 1_280, 1, Row::DeltaLast));
    desk.event(&row(Side::Sell, 10_001 + 1_280, 1, Row::DeltaLast));
    desk.event(&row(Side::Buy, 8_720, 0, Row::DeltaLast));
    // Step by step a market may go anywhere, and each step is measured from the touch of its time.
    for touch in [9_000, 8_000, 7_000] {
        desk.event(&row(Side::Buy, touch, 1, Row::DeltaLast));
        desk.event(&row(Side::Buy, touch + 1_000, 0, Row::DeltaLast));
    }
    assert_eq!(desk.refused(&row(Side::Buy, 10_000, 1, Row::DeltaLast)), far(10_000));
    // The first row of a snapshot begins anew; the others are measured from it.
    desk.event(&row(Side::Buy, 50_000, 1, Row::Snapshot));
    assert_eq!(desk.refused(&row(Side::Sell, 10_001, 1, Row::LevelLast)), far(10_001));
    desk.event(&row(Side::Sell, 50_001, 1, Row::LevelLast));
    assert_eq!(desk.refused(&row(Side::Sell, 10_001, 1, Row::DeltaLast)), far(10_001));
    // A message of deltas may empty a side: then the other side is what is known.
    desk.event(&row(Side::Sell, 50_001, 0, Row::DeltaLast));
    assert_eq!(desk.refused(&row(Side::Sell, 60_000, 1, Row::DeltaLast)), far(60_000));
    desk.event(&row(Side::Sell, 50_002, 1, Row::DeltaLast));
}

/// Every kind of book that is not bounded takes every price to its largest.
#[test]
fn a_wider_collar_takes_wider_books() {
    let mut desk = Desk::new();
    desk.book(0, 10_000, 10_001);
    let mut policy = desk.engine.config().policy.clone();
    let [change, _] = snapshot(0, 20_000, 0, START);
    let row = Event::Book(Change { side: Side::Sell, row: Row::DeltaLast, ..change });
    desk.refused(&row);
    policy.instruments[InstrumentId(0)].collar = 200;
    desk.event(&word(Verb::Policy(Box::new(policy))));
    desk.event(&row);
}
