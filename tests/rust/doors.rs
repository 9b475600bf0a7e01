//! The doors of the engine: what is refused, by which field, and that it changes nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test: what fails must be loud")]
#![allow(clippy::indexing_slicing, reason = "a test: what fails must be loud")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test: it looks for one kind of command")]

use cross_market_core::book::{Change, Row};
use cross_market_core::clock::{Clock, ClockOf, OFFSET_MAX, UNCERTAINTY_MAX};
use cross_market_core::command::{AlertCode, Command};
use cross_market_core::config::Config;
use cross_market_core::engine::Engine;
use cross_market_core::error::{Error, Field};
use cross_market_core::event::{Control, Event, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{
    AccountId, ClientOrderId, CurrencyId, HedgeId, InstrumentId, LegId, Note, RUN_MAX, Text,
    VenueId,
};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::order::{
    Answer, FeeNews, Fill, Found, LiquiditySide, News, Place, RejectClass, Report, VenueStatus,
};
use cross_market_core::position::Settle;
use cross_market_core::record::{read_event, write_event};
use cross_market_core::time::{Day, Span, Time};
use cross_market_core::wire::{Reader, Writer};

#[path = "doors/any.rs"]
mod any;

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
            let cash = Cash { account, exchange: Time(START), kind, amount, transfer: None };
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
        refused.unwrap_err()
    }

    fn book(&mut self, instrument: u16, bid: i64, ask: i64) -> Vec<Command> {
        let mut out = Vec::new();
        for row in snapshot(instrument, bid, ask, self.now) {
            self.engine.change(Time(self.now), &row, &mut out).unwrap();
        }
        out
    }

    /// Both books, ten ticks apart and more: the hedge enters.
    fn entered(&mut self) -> Vec<Place> {
        self.book(0, 1_020, 1_021);
        places(&self.book(1, 1_000, 1_001))
    }
}

fn snapshot(instrument: u16, bid: i64, ask: i64, at: i64) -> [Change; 2] {
    [(Side::Buy, bid, Row::Snapshot), (Side::Sell, ask, Row::LevelLast)].map(
        |(side, price, row)| Change {
            price: Price(price),
            qty: Qty::of(100),
            seq: 0,
            exchange: Time(at),
            receive: Time(at),
            step: 0,
            instrument: InstrumentId(instrument),
            side,
            row,
        },
    )
}

fn word(verb: Verb) -> Event {
    Event::Control(Box::new(Control { actor: Note::new("desk").unwrap(), verb }))
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
        (Side::Buy, 10_001 + 1_281),
        (Side::Buy, 100_000),
        (Side::Sell, 10_000 - 1_281),
        (Side::Sell, 1_000),
        (Side::Sell, 0),
        (Side::Sell, -10_000),
    ] {
        assert_eq!(desk.refused(&row(side, price, 1, Row::DeltaLast)), far(price));
        assert_eq!(desk.refused(&row(side, price, 1, Row::Delta)), far(price));
        // Nothing is invented by what is taken away.
        desk.event(&row(side, price, 0, Row::DeltaLast));
    }
    // Behind the touch real books hold bids at next to nothing and asks at the moon.
    for (side, price) in
        [(Side::Buy, 1), (Side::Buy, -9_000), (Side::Sell, 90_000), (Side::Sell, 11_500)]
    {
        desk.event(&row(side, price, 1, Row::DeltaLast));
        desk.event(&row(side, price, 0, Row::DeltaLast));
    }
    desk.event(&row(Side::Buy, 10_001 + 1_280, 1, Row::DeltaLast));
    desk.event(&row(Side::Buy, 10_001 + 1_280, 0, Row::DeltaLast));
    desk.event(&row(Side::Sell, 10_000 - 1_280, 1, Row::DeltaLast));
    desk.event(&row(Side::Sell, 10_000 - 1_280, 0, Row::DeltaLast));
    // Step by step a market may go anywhere, and each step is measured from the touch of its time.
    for touch in [9_000, 8_000, 7_000] {
        desk.event(&row(Side::Sell, touch + 1, 1, Row::DeltaLast));
        desk.event(&row(Side::Buy, touch + 1_000, 0, Row::DeltaLast));
        desk.event(&row(Side::Buy, touch, 1, Row::DeltaLast));
    }
    assert_eq!(desk.refused(&row(Side::Buy, 10_000, 1, Row::DeltaLast)), far(10_000));
    // The first row of a snapshot begins anew; the others are measured from it.
    desk.event(&row(Side::Buy, 50_000, 1, Row::Snapshot));
    assert_eq!(desk.refused(&row(Side::Sell, 10_001, 1, Row::LevelLast)), far(10_001));
    desk.event(&row(Side::Sell, 50_001, 1, Row::LevelLast));
    assert_eq!(desk.refused(&row(Side::Sell, 10_001, 1, Row::DeltaLast)), far(10_001));
    // Without another side nothing is crossed.
    desk.event(&row(Side::Sell, 50_001, 0, Row::DeltaLast));
    desk.event(&row(Side::Buy, 60_000, 1, Row::DeltaLast));
}

/// Every kind of book that is not bounded takes every price to its largest.
#[test]
fn a_wider_collar_takes_wider_books() {
    let mut desk = Desk::new();
    desk.book(0, 10_000, 10_001);
    let mut policy = desk.engine.config().policy.clone();
    let [change, _] = snapshot(0, 20_000, 0, START);
    let row = Event::Book(Change { side: Side::Buy, row: Row::DeltaLast, ..change });
    desk.refused(&row);
    policy.instruments[InstrumentId(0)].collar = 200;
    desk.event(&word(Verb::Policy(Box::new(policy))));
    desk.event(&row);
}

/// What follows from a report that is bad.
#[derive(Debug)]
enum Bad {
    /// Refused at the door; nothing has changed.
    Refused(Error),
    /// Contradicts what is known: told, the account restricted, nothing applied.
    Conflict,
    /// Booked, since it happened, and told by this alert.
    Told(AlertCode),
    /// Of no effect on any lot or amount, and no reason to tell anybody.
    Nothing,
}

/// The lots, the money and the numbers of orders, which no bad report may change.
fn booked(desk: &Desk) -> Vec<u8> {
    let mut out = Writer::new();
    desk.engine.positions().digest(&mut out);
    desk.engine.funds().digest(&mut out);
    desk.engine.orders().iter().for_each(|order| out.i64(order.cum));
    out.into_bytes()
}

fn fill_of(place: &Place, id: &str, qty: i64) -> Fill {
    Fill {
        trade_id: Text::new(id).unwrap(),
        side: place.side,
        price: place.price,
        qty: Qty::of(qty),
        cum: None,
        fee: FeeNews::Pending,
        liquidity: LiquiditySide::Taker,
    }
}

fn report_of(place: &Place, news: News) -> Report {
    Report {
        order: Some(place.order),
        venue_order_id: Text::EMPTY,
        account: place.account,
        instrument: place.instrument,
        exchange: Time(START),
        receive: Time(START),
        news,
    }
}

/// Every way in which a report can be bad, each to an order of which one lot of three is filled.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_reports_are_refused_by_field_or_told() {
    let order = || {
        let mut desk = Desk::new();
        let place = desk.entered()[0];
        desk.event(&Event::Report(Box::new(report_of(&place, News::Accepted))));
        let fill = News::Fill(fill_of(&place, "T1", 1));
        desk.event(&Event::Report(Box::new(report_of(&place, fill))));
        let status = News::Status { status: VenueStatus::Working, cum: Qty::of(1) };
        desk.event(&Event::Report(Box::new(report_of(&place, status))));
        (desk, place)
    };
    let (_, place) = order();
    let good = fill_of(&place, "T2", 1);
    let fill = |change: &dyn Fn(&mut Fill)| {
        let mut fill = good;
        change(&mut fill);
        report_of(&place, News::Fill(fill))
    };
    let with = |change: &dyn Fn(&mut Report)| {
        let mut report = report_of(&place, News::Fill(good));
        change(&mut report);
        report
    };
    let far = |field, found| Bad::Refused(Error::OutOfBounds { field, found });
    let other = |field| Bad::Refused(Error::Contradiction { field });
    let unknown = |field, found| Bad::Refused(Error::Unknown { field, found });
    let never = |field, found| Bad::Refused(Error::TimeOutOfRange { field, found: Time(found) });
    let ours = ClientOrderId::pack(1, 1, HedgeId(0), 99, LegId(0), 1).unwrap();
    let (trade_id, side) = (Text::new("T1").unwrap(), place.side);
    let currency = CurrencyId(0);
    let paid = |amount, currency| FeeNews::Paid { amount, currency };
    let fee = |amount, currency| report_of(&place, News::Fee { trade_id, side, amount, currency });
    let table: Vec<(&str, Report, Bad)> = vec![
        // Of an order that is not known, or not so.
        ("of ours, forgotten", with(&|of| of.order = Some(ours)), Bad::Told(AlertCode::External)),
        ("account", with(&|of| of.account = AccountId(9)), unknown(Field::Account, 9)),
        ("instrument", with(&|of| of.instrument = InstrumentId(9)), unknown(Field::Instrument, 9)),
        ("of another venue", with(&|of| of.account = AccountId(1)), other(Field::Instrument)),
        (
            "of another leg",
            with(&|of| (of.account, of.instrument) = (AccountId(1), InstrumentId(1))),
            Bad::Conflict,
        ),
        // Sizes and totals.
        ("no lots", fill(&|of| of.qty = Qty::ZERO), far(Field::Qty, 0)),
        ("lots", fill(&|of| of.qty = Qty::of(1_001)), far(Field::Qty, 1_001)),
        ("all lots", fill(&|of| of.qty = Qty::of(i64::MAX)), far(Field::Qty, i64::MAX)),
        ("more than so far", fill(&|of| of.cum = Some(Qty::ZERO)), other(Field::Cum)),
        ("total", fill(&|of| of.cum = Some(Qty::of(1_001))), far(Field::Cum, 1_001)),
        ("total below booked", fill(&|of| of.cum = Some(Qty::of(1))), Bad::Conflict),
        (
            "a total that shrinks",
            report_of(&place, News::Status { status: VenueStatus::Working, cum: Qty::ZERO }),
            Bad::Nothing,
        ),
        (
            "done with less than is booked",
            report_of(&place, News::Cancelled { cum: Qty::ZERO }),
            Bad::Conflict,
        ),
        (
            "done with too much",
            report_of(&place, News::Expired { cum: Qty::of(1_001) }),
            far(Field::Cum, 1_001),
        ),
        // Names.
        ("no name", fill(&|of| of.trade_id = Text::EMPTY), far(Field::TradeId, 0)),
        (
            "a bust of no name",
            report_of(&place, News::Bust { trade_id: Text::EMPTY, side }),
            far(Field::TradeId, 0),
        ),
        (
            "the same name",
            fill(&|of| (of.trade_id, of.qty) = (trade_id, Qty::of(2))),
            Bad::Conflict,
        ),
        ("the same again", fill(&|of| of.trade_id = trade_id), Bad::Nothing),
        // Sides and prices.
        ("the other side", fill(&|of| of.side = side.flip()), Bad::Conflict),
        ("price", fill(&|of| of.price = Price(100_001)), far(Field::Price, 100_001)),
        ("no price", fill(&|of| of.price = Price(i64::MIN)), far(Field::Price, i64::MIN)),
        (
            "worse than its limit",
            fill(&|of| of.price = Price(1)),
            Bad::Told(AlertCode::Nonconformance),
        ),
        (
            "corrected to no price",
            report_of(
                &place,
                News::Correct { trade_id, side, price: Price(-100_001), qty: Qty::of(1) },
            ),
            far(Field::Price, -100_001),
        ),
        (
            "corrected to no lots",
            report_of(&place, News::Correct { trade_id, side, price: Price(1), qty: Qty::ZERO }),
            far(Field::Qty, 0),
        ),
        // Fees.
        (
            "fee",
            fill(&|of| of.fee = paid(Money(i128::MAX), currency)),
            Bad::Refused(Error::Amount { found: Box::new(Money(i128::MAX)) }),
        ),
        (
            "a fee apart",
            fee(Money(i128::MIN), currency),
            Bad::Refused(Error::Amount { found: Box::new(Money(i128::MIN)) }),
        ),
        (
            "currency",
            fill(&|of| of.fee = paid(Money(1), CurrencyId(7))),
            unknown(Field::Currency, 7),
        ),
        ("currency apart", fee(Money(1), CurrencyId(7)), unknown(Field::Currency, 7)),
        // Stamps.
        ("stamp", with(&|of| of.exchange = Time(-1)), never(Field::Exchange, -1)),
        ("receipt", with(&|of| of.receive = Time(i64::MAX)), never(Field::Receive, i64::MAX)),
    ];
    for (name, report, expected) in table {
        let (mut desk, _) = order();
        let (digest, before) = (desk.engine.digest(), booked(&desk));
        let mut out = Vec::new();
        let event = Event::Report(Box::new(report));
        let result = desk.engine.handle(Time(desk.now), &event, &mut out);
        let told = |code| {
            let is = |of: &Command| matches!(of, Command::Alert(alert) if alert.code == code);
            out.iter().any(is)
        };
        let restricted =
            !desk.engine.latches().restrictions(Scope::Account(AccountId(0))).is_none()
                || !desk.engine.latches().restrictions(Scope::Account(AccountId(1))).is_none();
        match expected {
            Bad::Refused(error) => {
                assert_eq!(result, Err(error), "{name}");
                assert_eq!(desk.engine.digest(), digest, "{name}");
                assert!(out.is_empty(), "{name}: {out:?}");
            }
            Bad::Conflict => {
                assert!(told(AlertCode::Conflict) && restricted, "{name}: {out:?}");
                assert_eq!(booked(&desk), before, "{name}");
            }
            Bad::Told(code) => assert!(told(code), "{name}: {out:?}"),
            Bad::Nothing => {
                assert!(out.is_empty() && !restricted, "{name}: {out:?}");
                assert_eq!(booked(&desk), before, "{name}");
            }
        }
    }
}

/// What a report cannot even say: such a text is refused where it is made, such bytes where they
/// are read.
#[test]
fn what_a_report_cannot_say_is_refused_before_the_door() {
    let long = "x".repeat(10_240);
    for text in ["", long.as_str(), "a\nb", "\u{1b}[31m", "a b", "%n\0", "\u{ff21}"] {
        assert!(Text::new(text).is_err(), "{text:?}");
    }
    assert!(Qty::new(-1).is_err());
    let place = Desk::new().entered()[0];
    let report = report_of(&place, News::Rejected { class: RejectClass::Halted, code: 7 });
    let mut out = Writer::new();
    write_event(&mut out, &Event::Report(Box::new(report)));
    let bytes = out.into_bytes();
    // No field may be missing.
    for end in 0..bytes.len() {
        assert!(read_event(&mut Reader::new(&bytes[..end])).is_err(), "{end} bytes");
    }
    // The class of the rejection is the fifth last byte; no other code than its own is known.
    let at = bytes.len() - 5;
    assert_eq!(bytes[at], 13);
    let wrong = [&bytes[..at], &[18], &bytes[at + 1..]].concat();
    assert!(read_event(&mut Reader::new(&wrong)).is_err());
}
