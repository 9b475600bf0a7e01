//! Books, merged tops and walks, and signals against slow obvious versions.
#![allow(clippy::similar_names, clippy::unnecessary_wraps, reason = "a test: short and plain")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test: what fails must be loud")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test: what fails must be loud")]

use std::collections::BTreeMap;

use cross_market_core::book::{Applied, Book, Change, OUTSIDE_MAX, Row};
use cross_market_core::error::{Error, Field};
use cross_market_core::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, LEGS_MAX};
use cross_market_core::ids::{ProductId, Table, VenueId};
use cross_market_core::instrument::{Fee, Fees, Instrument, MarginRate, PositionEffect};
use cross_market_core::instrument::{Prompts, Settlement};
use cross_market_core::merge::{self, Direction, Merged, Pair};
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::phase::Phases;
use cross_market_core::quote::{Data, HedgePlan, LegLots, LegPlan, Own, Top, Walk};
use cross_market_core::signal::{Band, Deviation, Measure, Rule, Signals, Want};
use cross_market_core::time::{Span, Time};
use cross_market_core::wire::Writer;
use proptest::prelude::*;

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
const PRICE_MAX: i64 = 2_000_000_000;

// ---------------------------------------------------------------------------------------------
// Helpers.

fn row(row: Row, seq: u64, step: u32, side: Side, price: i64, lots: i64) -> Change {
    Change {
        price: Price(price),
        qty: Qty::of(lots),
        seq,
        exchange: Time(1),
        receive: Time(2),
        step,
        instrument: InstrumentId(0),
        side,
        row,
    }
}

/// The rows of a message: the first kind begins, the second goes on, and the last one is marked.
fn message(
    begins: Row,
    goes_on: Row,
    seq: u64,
    step: u32,
    levels: &[(Side, i64, i64)],
) -> Vec<Change> {
    let mut rows: Vec<Change> = levels
        .iter()
        .map(|(side, price, lots)| row(goes_on, seq, step, *side, *price, *lots))
        .collect();
    rows[0].row = begins;
    let last = rows.last_mut().unwrap();
    last.row = last.row.ending();
    rows
}

fn snapshot(seq: u64, levels: &[(Side, i64, i64)]) -> Vec<Change> {
    message(Row::Snapshot, Row::Level, seq, 1, levels)
}

fn delta(seq: u64, step: u32, levels: &[(Side, i64, i64)]) -> Vec<Change> {
    message(Row::Delta, Row::Delta, seq, step, levels)
}

fn feed(book: &mut Book, rows: &[Change]) -> Applied {
    let mut applied = Applied::Ignored;
    for change in rows {
        book.check(change).unwrap();
        applied = book.apply(change);
    }
    applied
}

fn book_of(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Book {
    let mut levels = vec![(Side::Buy, 0, 0)];
    levels.extend(bids.iter().map(|(price, lots)| (Side::Buy, *price, *lots)));
    levels.extend(asks.iter().map(|(price, lots)| (Side::Sell, *price, *lots)));
    let mut book = Book::new(PRICE_MAX, i64::MAX);
    feed(&mut book, &snapshot(1, &levels));
    book
}

fn digest(book: &Book) -> Vec<u8> {
    let mut writer = Writer::new();
    book.digest(&mut writer);
    writer.into_bytes()
}

fn top(price: i64, lots: i64) -> Top {
    Top { price: Price(price), qty: Qty::of(lots) }
}

// ---------------------------------------------------------------------------------------------
// The book against two B-trees.

/// The obvious book: two B-trees and the table at the top of `book.rs`.
#[derive(Default)]
struct Model {
    levels: [BTreeMap<i64, i64>; 2],
    seq: u64,
    is_down: bool,
    is_known: bool,
    is_valid: bool,
    /// Whether a message is open, and whether its rows are applied.
    open: Option<bool>,
}

impl Model {
    fn data(&self) -> Data {
        if self.is_down {
            return Data::Down;
        }
        if !self.is_known {
            return Data::Empty;
        }
        if !self.is_valid || self.open == Some(true) {
            return Data::Gapped;
        }
        match (self.levels[0].last_key_value(), self.levels[1].first_key_value()) {
            (Some((bid, _)), Some((ask, _))) if bid > ask => Data::Crossed,
            _ => Data::Whole,
        }
    }

    fn lose(&mut self) {
        self.levels = Default::default();
        self.is_valid = false;
        self.open = None;
    }

    fn apply(&mut self, change: &Change) -> Applied {
        let mut gap = false;
        let applies = self.open.unwrap_or_else(|| match change.row {
            Row::Snapshot | Row::SnapshotLast => {
                if !self.is_down {
                    self.levels = Default::default();
                }
                !self.is_down
            }
            Row::Level | Row::LevelLast => panic!("refused at the door"),
            Row::Delta | Row::DeltaLast => {
                let is_fresh = !self.is_known && !self.is_down && change.step == 0;
                let is_next = change.step == 0 || self.seq + u64::from(change.step) == change.seq;
                gap = self.is_valid && !is_next && change.seq > self.seq;
                is_fresh || (self.is_valid && is_next)
            }
        });
        if gap {
            self.lose();
        }
        self.open = (!change.row.is_last()).then_some(applies);
        if applies {
            self.is_known = true;
            self.is_valid = true;
            self.seq = change.seq;
            let side = &mut self.levels[change.side.index()];
            if change.qty.is_zero() {
                side.remove(&change.price.0);
            } else {
                side.insert(change.price.0, change.qty.get());
            }
        }
        match (gap, applies, change.row.is_last()) {
            (true, ..) => Applied::Gap,
            (false, false, _) => Applied::Ignored,
            (false, true, true) => Applied::Done,
            (false, true, false) => Applied::Open,
        }
    }

    fn levels(&self, side: Side) -> Vec<Top> {
        let level = |(price, lots): (&i64, &i64)| top(*price, *lots);
        match side {
            Side::Buy => self.levels[0].iter().rev().map(level).collect(),
            Side::Sell => self.levels[1].iter().map(level).collect(),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Snapshot(Vec<(Side, i64, i64)>),
    /// Rows, and what the sequence number does: 0 repeats, 1 follows, more leaves a gap.
    Delta(Vec<(Side, i64, i64)>, u64),
    Move(i64),
    Down,
    Up,
}

fn levels(most: usize) -> impl Strategy<Value = Vec<(Side, i64, i64)>> {
    let place = prop_oneof![
        6 => 0..12_i64,
        3 => -3_i64..300,
        3 => -200..9000_i64,
        1 => -1_000_000_000..1_000_000_000_i64,
    ];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let lots = prop_oneof![1 => Just(0), 2 => 1..50_i64];
    prop::collection::vec((side, place, lots), 1..most)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => levels(40).prop_map(Step::Snapshot),
        30 => levels(12).prop_map(|levels| Step::Delta(levels, 1)),
        1 => (levels(4), prop_oneof![Just(0_u64), Just(2)]).prop_map(|(l, n)| Step::Delta(l, n)),
        6 => (-900..900_i64).prop_map(Step::Move),
        1 => (-100_000_000..100_000_000_i64).prop_map(Step::Move),
        1 => Just(Step::Down),
        1 => Just(Step::Up),
    ];
    prop::collection::vec(step, 1..120)
}

/// Prices of the step: `place` ticks away from the touch, which is at `centre`.
fn placed(levels: &[(Side, i64, i64)], centre: i64) -> Vec<(Side, i64, i64)> {
    let price = |side: Side, place: i64| centre - side.sign() * place;
    levels.iter().map(|(side, place, lots)| (*side, price(*side, *place), *lots)).collect()
}

fn compare(book: &Book, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(book.data(), model.data());
    for side in SIDES {
        let expected = model.levels(side);
        prop_assert_eq!(book.top(side), expected.first().copied());
        prop_assert_eq!(book.best(side), expected.first().map(|top| top.price));
        prop_assert_eq!(book.count(side), expected.len());
        prop_assert_eq!(book.levels(side).collect::<Vec<_>>(), expected);
    }
    Ok(())
}

/// The sum over levels: the last 8 + 8 + 1 bytes of a side, without what was read of it. Behind
/// both sides stand flags and the prices that pass at once.
fn sums(book: &Book) -> Vec<u8> {
    let mut cleared = book.clone();
    cleared.clear_touched();
    let bytes = digest(&cleared);
    // Two heads of 28 bytes; per side a count, a price and a sum.
    bytes[56..bytes.len() - 21].to_vec()
}

fn run_steps(steps: &[Step], numbered: u32) -> Result<(), TestCaseError> {
    let mut book = Book::new(PRICE_MAX, 1_000);
    let mut model = Model::default();
    let (mut centre, mut seq) = (0_i64, 100_u64);
    for step in steps {
        let rows = match step {
            Step::Snapshot(levels) => snapshot(seq, &placed(levels, centre)),
            Step::Delta(levels, ahead) => {
                seq += ahead * u64::from(numbered);
                delta(seq, numbered, &placed(levels, centre))
            }
            Step::Move(ticks) => {
                centre = (centre + ticks).clamp(-900_000_000, 900_000_000);
                continue;
            }
            Step::Down => {
                book.set_down();
                model.lose();
                model.is_down = true;
                continue;
            }
            Step::Up => {
                book.set_up();
                model.is_down = false;
                continue;
            }
        };
        for change in &rows {
            prop_assert_eq!(book.check(change), Ok(()));
            prop_assert_eq!(book.apply(change), model.apply(change));
        }
        compare(&book, &model)?;
    }
    // The sum is a function of the levels, not of how they came about.
    let mut levels = vec![(Side::Buy, 0, 0)];
    for side in SIDES {
        levels.extend(model.levels(side).iter().map(|top| (side, top.price.0, top.qty.get())));
    }
    let mut fresh = Book::new(PRICE_MAX, 1_000);
    feed(&mut fresh, &snapshot(1, &levels));
    prop_assert_eq!(sums(&book), sums(&fresh));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn book_equals_two_b_trees(steps in steps(), numbered in 0..3_u32) {
        run_steps(&steps, numbered)?;
    }

    #[test]
    fn book_follows_a_market_that_drifts(ticks in -40..40_i64, depth in 1..6000_i64) {
        let mut steps = vec![Step::Snapshot(vec![(Side::Buy, 0, 0)])];
        for at in 0..400_i64 {
            steps.push(Step::Move(ticks));
            let deep = (at * 7919) % depth;
            // The side that the market leaves is taken away, the other one improves.
            let gone = if ticks < 0 { Side::Buy } else { Side::Sell };
            steps.push(Step::Delta(
                vec![
                    (gone, -ticks.abs(), 0), (Side::Buy, 1, 5), (Side::Sell, 1, 5),
                    (Side::Buy, deep, 3), (Side::Sell, deep, 3),
                ],
                1,
            ));
        }
        run_steps(&steps, 1)?;
    }
}

#[test]
fn book_keeps_the_best_levels_when_there_are_too_many() {
    let mut book = book_of(&[(0, 1)], &[(1, 1)]);
    let mut prices: Vec<i64> = (0..12_000_i64).map(|at| -(at * 7919 % 20_011) * 3).collect();
    for (seq, price) in (2..).zip(&prices) {
        feed(&mut book, &delta(seq, 1, &[(Side::Buy, *price, 1)]));
    }
    prices.sort_unstable();
    prices.dedup();
    let kept: Vec<i64> = book.levels(Side::Buy).map(|top| top.price.0).collect();
    let best: Vec<i64> = prices.iter().rev().take(kept.len()).copied().collect();
    assert_eq!(kept, best);
    assert_eq!(book.count(Side::Buy), kept.len());
    assert!((OUTSIDE_MAX..=OUTSIDE_MAX + 4096).contains(&kept.len()), "{}", kept.len());
    // A wild price and back again.
    feed(&mut book, &delta(12_002, 1, &[(Side::Buy, PRICE_MAX, 1)]));
    assert_eq!(book.data(), Data::Crossed);
    feed(&mut book, &delta(12_003, 1, &[(Side::Buy, PRICE_MAX, 0)]));
    assert_eq!(book.data(), Data::Whole);
    assert_eq!(book.top(Side::Buy), Some(top(0, 1)));
    assert_eq!(book.count(Side::Buy), OUTSIDE_MAX);
}

#[test]
fn book_is_whole_only_between_messages() {
    let mut book = Book::new(PRICE_MAX, 1_000);
    assert_eq!(book.data(), Data::Empty);
    let rows = snapshot(1, &[(Side::Buy, 10, 1), (Side::Sell, 10, 1)]);
    assert_eq!(book.apply(&rows[0]), Applied::Open);
    assert_eq!(book.data(), Data::Gapped);
    assert_eq!(book.apply(&rows[1]), Applied::Done);
    // Locked is whole.
    assert_eq!(book.data(), Data::Whole);
    feed(&mut book, &delta(2, 1, &[(Side::Buy, 11, 1)]));
    assert_eq!(book.data(), Data::Crossed);
    assert!(book.walk(Side::Buy, Qty::of(1), None, &Own::default()).is_none());
    feed(&mut book, &delta(3, 1, &[(Side::Sell, 10, 0)]));
    assert_eq!((book.data(), book.best(Side::Sell)), (Data::Whole, None));
}

#[test]
fn no_level_of_before_survives_a_feed_that_was_down() {
    let mut book = book_of(&[(10, 1), (9, 5)], &[(11, 1)]);
    book.set_down();
    assert_eq!((book.data(), book.count(Side::Buy)), (Data::Down, 0));
    assert_eq!(feed(&mut book, &snapshot(2, &[(Side::Buy, 3, 1)])), Applied::Ignored);
    book.set_up();
    assert_eq!(book.data(), Data::Gapped);
    assert_eq!(feed(&mut book, &delta(2, 1, &[(Side::Buy, 3, 1)])), Applied::Ignored);
    assert_eq!(feed(&mut book, &delta(9, 0, &[(Side::Buy, 3, 1)])), Applied::Ignored);
    assert_eq!(feed(&mut book, &snapshot(7, &[(Side::Buy, 8, 2)])), Applied::Done);
    assert_eq!(book.levels(Side::Buy).collect::<Vec<_>>(), [top(8, 2)]);
    assert_eq!((book.data(), book.seq()), (Data::Whole, 7));
}

#[test]
fn a_gap_is_told_once_and_takes_the_levels() {
    let mut book = book_of(&[(10, 1)], &[(11, 1)]);
    let rows = delta(4, 2, &[(Side::Buy, 9, 1), (Side::Buy, 8, 1)]);
    let told: Vec<Applied> = rows.iter().map(|row| book.apply(row)).collect();
    assert_eq!(told, [Applied::Gap, Applied::Ignored]);
    assert_eq!((book.data(), book.seq(), book.count(Side::Buy)), (Data::Gapped, 1, 0));
    assert_eq!(feed(&mut book, &delta(6, 2, &[(Side::Buy, 9, 1)])), Applied::Ignored);
    // Steps other than one, and old messages.
    feed(&mut book, &snapshot(10, &[(Side::Buy, 10, 1)]));
    assert_eq!(feed(&mut book, &delta(13, 3, &[(Side::Buy, 9, 1)])), Applied::Done);
    assert_eq!(feed(&mut book, &delta(13, 3, &[(Side::Buy, 9, 7)])), Applied::Ignored);
    assert_eq!(book.levels(Side::Buy).collect::<Vec<_>>(), [top(10, 1), top(9, 1)]);
    assert_eq!(book.data(), Data::Whole);
}

#[test]
fn the_door_names_what_is_wrong_and_changes_nothing() {
    let mut book = Book::new(1_000, 50);
    let good = row(Row::Delta, 5, 1, Side::Buy, 10, 1);
    let check = |book: &Book, change: Change, expected: Result<(), Error>| {
        let before = digest(book);
        assert_eq!(book.check(&change), expected, "{change:?}");
        assert_eq!(digest(book), before);
    };
    let bounds = |field, found| Err(Error::OutOfBounds { field, found });
    let range = |field, found| Err(Error::TimeOutOfRange { field, found: Time(found) });
    let contradiction = |field| Err(Error::Contradiction { field });
    let late = Time::LATEST.0 + 1;
    check(&book, good, Ok(()));
    for (price, expected) in [
        (1_000, Ok(())),
        (-1_000, Ok(())),
        (1_001, bounds(Field::Price, 1_001)),
        (-1_001, bounds(Field::Price, -1_001)),
        (i64::MAX, bounds(Field::Price, i64::MAX)),
        (i64::MIN, bounds(Field::Price, i64::MIN)),
    ] {
        check(&book, Change { price: Price(price), ..good }, expected);
    }
    for (lots, expected) in [(0, Ok(())), (50, Ok(())), (51, bounds(Field::Qty, 51))] {
        check(&book, Change { qty: Qty::of(lots), ..good }, expected);
    }
    for (stamp, is_good) in [(0, true), (late - 1, true), (-1, false), (late, false)] {
        let expected = |field| if is_good { Ok(()) } else { range(field, stamp) };
        let time = Time(stamp);
        check(&book, Change { exchange: time, ..good }, expected(Field::Exchange));
        check(&book, Change { receive: time, ..good }, expected(Field::Receive));
    }
    // A level that no snapshot came before.
    check(&book, Change { row: Row::Level, ..good }, contradiction(Field::Seq));
    check(&book, Change { row: Row::LevelLast, ..good }, contradiction(Field::Seq));
    // Inside a snapshot, inside a delta, inside a message that is ignored.
    for (first, inside) in
        [(Row::Snapshot, Row::Level), (Row::Delta, Row::Delta), (Row::Delta, Row::Delta)]
    {
        let first = Change { row: first, seq: book.seq() + 1, ..good };
        book.check(&first).unwrap();
        book.apply(&first);
        let next = Change { row: inside, ..first };
        check(&book, next, Ok(()));
        check(&book, Change { row: inside.ending(), ..next }, Ok(()));
        check(&book, Change { seq: next.seq + 1, ..next }, contradiction(Field::Seq));
        check(&book, Change { step: 2, ..next }, contradiction(Field::Seq));
        check(&book, Change { exchange: Time(7), ..next }, contradiction(Field::Exchange));
        check(&book, Change { receive: Time(7), ..next }, contradiction(Field::Receive));
        for other in Row::ALL.into_iter().filter(|row| row.ending() != inside.ending()) {
            check(&book, Change { row: other, ..next }, contradiction(Field::Seq));
        }
        let last = Change { row: inside.ending(), ..next };
        book.check(&last).unwrap();
        book.apply(&last);
        check(&book, Change { row: Row::Level, ..next }, contradiction(Field::Seq));
        if book.seq() == 2 {
            book.set_down();
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Walks, and what they read.

/// Takes lots one by one.
fn slow_walk(book: &Book, taker: Side, qty: i64, limit: Option<i64>, own: &Own) -> Option<Walk> {
    let side = taker.flip();
    let mut lots = Vec::new();
    for level in book.levels(side) {
        let here = own.resting.iter().filter(|(at, price, _)| *at == side && *price == level.price);
        let resting: i64 = here.map(|(_, _, qty)| qty.get()).sum();
        lots.extend((resting..level.qty.get()).map(|_| level.price.0));
    }
    let mut lots = lots.into_iter().skip(own.claims[taker.index()].get().try_into().unwrap());
    let is_good = |price: &i64| limit.is_none_or(|limit| (limit - price) * taker.sign() >= 0);
    let mut rest = lots.clone();
    let taken: Vec<i64> = (0..qty).map_while(|_| lots.next()).take_while(is_good).collect();
    let marginal = rest.nth(taken.len());
    Some(Walk {
        qty: Qty::of(taken.len().try_into().unwrap()),
        cost: taken.iter().map(|price| i128::from(*price)).sum(),
        worst: Price(*taken.last()?),
        marginal: marginal.map(Price),
    })
}

fn side_levels(near: i64, sign: i64) -> impl Strategy<Value = Vec<(i64, i64)>> {
    let place = prop_oneof![5 => 0..20_i64, 1 => 0..9000_i64];
    prop::collection::vec((place, 1..9_i64), 0..20).prop_map(move |mut levels| {
        levels.sort_unstable();
        levels.dedup_by_key(|(place, _)| *place);
        levels.into_iter().map(|(place, lots)| (near - sign * place, lots)).collect()
    })
}

fn whole_book() -> impl Strategy<Value = Book> {
    (-30..30_i64, 0..5_i64).prop_flat_map(|(bid, gap)| {
        (side_levels(bid, 1), side_levels(bid + gap, -1))
            .prop_map(|(bids, asks)| book_of(&bids, &asks))
    })
}

fn own() -> impl Strategy<Value = Own> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let resting = (side, -40..40_i64, 1..12_i64)
        .prop_map(|(side, price, lots)| (side, Price(price), Qty::of(lots)));
    (prop::collection::vec(resting, 0..4), 0..15_i64, 0..15_i64)
        .prop_map(|(resting, buys, sells)| Own { claims: [Qty::of(buys), Qty::of(sells)], resting })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn walk_equals_taking_lots_one_by_one(
        book in whole_book(),
        own in own(),
        qty in 0..60_i64,
        limit in prop::option::of(-60..60_i64),
    ) {
        for taker in SIDES {
            for own in [&own, &Own::default()] {
                let walk = book.walk(taker, Qty::of(qty), limit.map(Price), own);
                prop_assert_eq!(walk, slow_walk(&book, taker, qty, limit, own));
            }
        }
    }

    #[test]
    fn what_does_not_touch_changes_nothing_that_was_read(
        mut book in whole_book(),
        own in own(),
        qty in 1..40_i64,
        changes in prop::collection::vec((any::<bool>(), -60..60_i64, 0..9_i64), 1..30),
    ) {
        for (seq, (is_bid, price, lots)) in (2..).zip(changes) {
            book.clear_touched();
            let read = |book: &Book| SIDES.map(|taker| {
                (book.walk(taker, Qty::of(qty), None, &own), book.top(taker))
            });
            let before = read(&book);
            for (taker, (walk, _)) in SIDES.into_iter().zip(&before) {
                book.note_walk(taker, walk.as_ref());
            }
            let side = if is_bid { Side::Buy } else { Side::Sell };
            let data = book.data();
            feed(&mut book, &delta(seq, 1, &[(side, price, lots)]));
            if !book.touched() {
                prop_assert_eq!(read(&book), before);
                prop_assert_eq!(book.data(), data);
            }
        }
    }
}

#[test]
fn a_change_below_what_was_read_is_no_touch() {
    let mut book = book_of(&[(10, 5), (9, 5), (8, 5), (7, 5)], &[(11, 5)]);
    let touched = |book: &mut Book, seq, price| {
        feed(book, &delta(seq, 1, &[(Side::Buy, price, 3)]));
        let touched = book.touched();
        book.clear_touched();
        touched
    };
    assert!(book.touched());
    book.clear_touched();
    assert!(!touched(&mut book, 2, 9));
    assert!(touched(&mut book, 3, 10));
    book.note_read(Side::Buy, Price(8));
    assert!(touched(&mut book, 4, 8));
    book.note_read(Side::Buy, Price(8));
    assert!(!touched(&mut book, 5, 7));
    // A walk reads up to its marginal lot: 6 lots end at 9, where lots are left.
    let walk = book.walk(Side::Sell, Qty::of(4), None, &Own::default());
    book.note_walk(Side::Sell, walk.as_ref());
    assert!(touched(&mut book, 6, 9));
    book.note_walk(Side::Sell, None);
    assert!(touched(&mut book, 7, -500));
    book.set_down();
    assert!(book.touched());
}

// ---------------------------------------------------------------------------------------------
// Merged tops and walks.

const LEG: LegPlan = LegPlan {
    instrument: InstrumentId(0),
    account: AccountId(0),
    side: Side::Sell,
    lots: Ratio::ONE,
    units: 1,
    coef: 1,
    fx: None,
    tick_num: 1,
    tick_den: 1,
};

fn plan(legs: Vec<LegPlan>, denominator: i64) -> HedgePlan {
    HedgePlan {
        name: "test".into(),
        priority: 0,
        currency: CurrencyId(0),
        legs,
        denominator,
        unit_den: 1,
        set_units: 1,
    }
}

fn instrument(tick_value: i128, fee: Fee) -> Instrument {
    Instrument {
        name: "test".into(),
        venue: VenueId(0),
        product: ProductId(0),
        currency: CurrencyId(0),
        tick_value: Money(tick_value),
        settlement: Settlement::DailyVm,
        prompts: Prompts::default(),
        fees: Fees { open: fee, close: Fee::NONE, close_today: fee },
        margin: MarginRate::of_value(Ratio::ZERO, Ratio::ZERO, Money::ZERO),
        flag_margins: [None; 3],
        maintenance: Ratio::ONE,
        margin_steps: Vec::new(),
        larger_side: false,
        phases: Phases::always(),
        band: None,
        own_in_book: false,
        min_qty: Qty::of(1),
        price_max: PRICE_MAX,
        qty_max: 1_000,
    }
}

/// Two to four legs on instruments 0 … 3, FX on instrument 4.
fn legs() -> impl Strategy<Value = Vec<LegPlan>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let leg = (side, 1..9_i64, any::<bool>());
    prop::collection::vec(leg, 2..5).prop_map(|rows| {
        let leg = |(at, (side, coef, is_foreign)): (u16, (Side, i64, bool))| LegPlan {
            instrument: InstrumentId(at),
            side,
            coef,
            fx: is_foreign.then_some(InstrumentId(4)),
            ..LEG
        };
        (0_u16..).zip(rows).map(leg).collect()
    })
}

fn books() -> impl Strategy<Value = Table<InstrumentId, Book>> {
    let fx = (1..30_i64, 0..4_i64).prop_map(|(bid, gap)| book_of(&[(bid, 1)], &[(bid + gap, 1)]));
    (prop::collection::vec(whole_book(), 4), fx).prop_map(|(mut books, fx)| {
        books.push(fx);
        Table::new(books)
    })
}

/// The worst of all ways to price one unit of a leg: over both FX prices.
fn slow_price(leg: &LegPlan, side: Side, price: i64, books: &Table<InstrumentId, Book>) -> i128 {
    let rates = match leg.fx {
        None => vec![1],
        Some(fx) => SIDES.iter().map(|side| books[fx].best(*side).unwrap().0).collect(),
    };
    let prices = rates.iter().map(|rate| i128::from(price) * i128::from(leg.coef * rate));
    match side {
        Side::Sell => prices.min().unwrap(),
        Side::Buy => prices.max().unwrap(),
    }
}

fn slow_tops(legs: &[LegPlan], books: &Table<InstrumentId, Book>) -> Option<Merged> {
    let sum = |way: Direction, role: Side| -> Option<i128> {
        let prices = legs.iter().filter(|leg| leg.side == role).map(|leg| {
            let side = way.side(leg);
            let top = books[leg.instrument].top(side.flip())?;
            Some(slow_price(leg, side, top.price.0, books))
        });
        prices.sum()
    };
    let pair = |way| Some(Pair { sold: sum(way, Side::Sell)?, bought: sum(way, Side::Buy)? });
    Some(Merged { enter: pair(Direction::Plus)?, exit: pair(Direction::Mirror)? })
}

fn fee() -> impl Strategy<Value = Fee> {
    (0..5_i64, 0..9_i64, 1..9_i64).prop_map(|(per_lot, num, den)| Fee {
        per_lot: Money(per_lot.into()),
        rate: Ratio::new(num.into(), i128::from(den) * 10).unwrap(),
    })
}

fn effects() -> impl Strategy<Value = [PositionEffect; LEGS_MAX]> {
    (0..3_usize).prop_map(|at| [PositionEffect::ALL[at]; LEGS_MAX])
}

/// Whether `value` is the net weighted price of a leg, rounded against us by less than one.
fn is_net(
    value: i128,
    leg: &LegPlan,
    lots: i64,
    walk: &Walk,
    instrument: &Instrument,
    effect: PositionEffect,
    books: &Table<InstrumentId, Book>,
) -> bool {
    let side = Side::of(lots).unwrap();
    let amount = Money(walk.cost * instrument.tick_value.0);
    let fee = instrument.fees.by(effect).of(amount, walk.qty).0;
    let net = amount.0 - i128::from(side.sign()) * -fee;
    let size = i128::from(lots.abs()) * instrument.tick_value.0;
    let exact = |rate: i64| net * i128::from(leg.coef * rate);
    let rates = match leg.fx {
        None => vec![1],
        Some(fx) => SIDES.iter().map(|side| books[fx].best(*side).unwrap().0).collect(),
    };
    match side {
        Side::Sell => {
            let exact = rates.into_iter().map(exact).min().unwrap();
            value * size <= exact && exact < (value + 1) * size
        }
        Side::Buy => {
            let exact = rates.into_iter().map(exact).max().unwrap();
            (value - 1) * size < exact && exact <= value * size
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn tops_equal_the_worst_of_all_ways(legs in legs(), books in books()) {
        let expected = slow_tops(&legs, &books)
            .filter(|_| legs.iter().all(|leg| SIDES.iter().all(|side| {
                books[leg.instrument].top(*side).is_some()
            })));
        prop_assert_eq!(merge::tops(&legs, &books), expected);
    }

    #[test]
    fn exit_is_never_below_enter(legs in legs(), books in books()) {
        if let Some(Merged { enter, exit }) = merge::tops(&legs, &books) {
            prop_assert!(exit.difference() >= enter.difference());
            if exit.bought > 0 && enter.bought > 0 && enter.sold >= 0 {
                // exit.sold ÷ exit.bought ≥ enter.sold ÷ enter.bought
                prop_assert!(exit.sold * enter.bought >= enter.sold * exit.bought);
            }
            // The middle lies between; both ways are over one denominator, the middle over four.
            let mid = merge::mid(&legs, &books).unwrap();
            prop_assert!(enter.sold * 4 <= mid.sold && mid.sold <= exit.sold * 4);
            prop_assert!(exit.bought * 4 <= mid.bought && mid.bought <= enter.bought * 4);
        }
    }

    #[test]
    fn walk_of_all_legs_is_exact_and_never_better_than_the_tops(
        legs in legs(),
        books in books(),
        sizes in prop::collection::vec(0..12_i64, LEGS_MAX),
        tick_value in 1..20_i128,
        fee in fee(),
        effects in effects(),
        own in own(),
    ) {
        let instruments = Table::new(vec![instrument(tick_value, fee); 5]);
        let owns = Table::new(vec![own; 5]);
        let plan = plan(legs, 1);
        for way in [Direction::Plus, Direction::Mirror] {
            let mut lots: LegLots = [0; LEGS_MAX];
            for (at, leg) in plan.legs.iter().enumerate() {
                lots[at] = way.side(leg).sign() * sizes[at];
            }
            let walk = |at: usize| {
                let book = &books[plan.legs[at].instrument];
                let side = Side::of(lots[at])?;
                let walk = slow_walk(book, side, sizes[at], None, &owns[InstrumentId(0)]);
                walk.filter(|walk| walk.qty.get() == sizes[at])
            };
            let there = (0..plan.legs.len()).all(|at| lots[at] == 0 || walk(at).is_some());
            let tops = merge::tops(&plan.legs, &books);
            let walked =
                merge::walked(&plan, &books, &owns, &instruments, &lots, &effects, way);
            if tops.is_none() {
                continue; // a side that is not asked for may be missing
            }
            prop_assert_eq!(walked.is_some(), there);
            let (Some(walked), Some(tops)) = (walked, tops) else { continue };
            let top = match way { Direction::Plus => tops.enter, Direction::Mirror => tops.exit };
            match way {
                Direction::Plus => {
                    prop_assert!(walked.pair.sold <= top.sold);
                    prop_assert!(walked.pair.bought >= top.bought);
                }
                Direction::Mirror => {
                    prop_assert!(walked.pair.sold >= top.sold);
                    prop_assert!(walked.pair.bought <= top.bought);
                }
            }
            // Leg by leg: a plan with this leg alone.
            for (at, leg) in plan.legs.iter().enumerate().filter(|(at, _)| lots[*at] != 0) {
                prop_assert_eq!(walked.legs[at], walk(at));
                let alone = HedgePlan { legs: vec![*leg], ..plan.clone() };
                let mut size: LegLots = [0; LEGS_MAX];
                size[0] = lots[at];
                let pair =
                    merge::walked(&alone, &books, &owns, &instruments, &size, &effects, way)
                        .unwrap()
                        .pair;
                let instrument = &instruments[leg.instrument];
                let walk = walk(at).unwrap();
                let value = pair.sold + pair.bought;
                prop_assert!(
                    is_net(value, leg, lots[at], &walk, instrument, effects[at], &books),
                    "{value} {walk:?}"
                );
            }
        }
    }

    #[test]
    fn executable_is_the_farthest_that_the_books_hold(
        books in books(),
        ratio in 1..5_i64,
        held in (-6..6_i64, -6..6_i64),
        from in -6..6_i64,
        to in -6..6_i64,
    ) {
        let lots = Ratio::new(ratio.into(), 2).unwrap();
        let buy = LegPlan { instrument: InstrumentId(1), side: Side::Buy, ..LEG };
        let plan = plan(vec![LegPlan { lots, ..LEG }, buy], 1);
        let owns = Table::new(vec![Own::default(); 5]);
        let held: LegLots = [held.0, held.1, 0, 0, 0, 0, 0, 0];
        let there = |sets: i64| {
            let goal = plan.goal(sets);
            (0..2).all(|at| {
                let lots = goal[at] - held[at];
                let book = &books[plan.legs[at].instrument];
                Side::of(lots).is_none_or(|side| {
                    let walk = book.walk(side, Qty::of(lots), None, &Own::default());
                    walk.is_some_and(|walk| walk.qty == Qty::of(lots))
                })
            })
        };
        let mut sets = to;
        while sets != from && !there(sets) {
            sets -= (to - from).signum();
        }
        prop_assert_eq!(merge::executable(&plan, &books, &owns, &held, from, to), sets);
    }

    #[test]
    fn consolidated_equals_sorting_all_levels(legs in legs(), books in books(), count in 0..9_usize) {
        let plan = plan(legs, 1);
        for side in SIDES {
            let mut expected: Vec<(i128, u8, i64)> = Vec::new();
            for (leg, at) in plan.legs.iter().zip(0_u8..) {
                for top in books[leg.instrument].levels(side) {
                    let price = slow_price(leg, side.flip(), top.price.0, &books);
                    let rank = i128::from(-side.sign()) * price;
                    expected.push((rank, at, top.qty.get()));
                }
            }
            expected.sort_by_key(|(rank, at, _)| (*rank, *at));
            expected.truncate(count);
            let found: Vec<(i128, u8, i64)> = merge::consolidated(&plan, &books, side, count)
                .iter()
                .map(|l| (i128::from(-side.sign()) * l.price, l.leg.0, l.top.qty.get()))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_book_that_is_not_whole_prices_nothing() {
    let plan = plan(vec![LEG, LegPlan { instrument: InstrumentId(1), side: Side::Buy, ..LEG }], 1);
    let good = || book_of(&[(10, 5)], &[(11, 5)]);
    let mut down = good();
    down.set_down();
    let crossed = book_of(&[(12, 5)], &[(11, 5)]);
    let one_sided = book_of(&[(10, 5)], &[]);
    for bad in [Book::new(1, 1), down, crossed, one_sided] {
        let books = Table::new(vec![good(), bad]);
        assert_eq!(merge::tops(&plan.legs, &books), None);
        assert_eq!(merge::mid(&plan.legs, &books), None);
    }
    let books = Table::new(vec![good(), good()]);
    assert!(merge::tops(&plan.legs, &books).is_some());
}

#[test]
fn money_is_converted_at_the_adverse_rate() {
    // A tick abroad is worth 100 foreign units, and 0.01 of ours for each tick of the rate.
    let leg = LegPlan { fx: Some(InstrumentId(0)), tick_num: 1, tick_den: 100, ..LEG };
    let books = Table::new(vec![book_of(&[(700, 1)], &[(703, 1)])]);
    let abroad = instrument(100, Fee::NONE);
    let convert = |amount| merge::convert(Money(amount), &leg, &abroad, &books).unwrap();
    assert_eq!(convert(10_000), Money(700));
    assert_eq!(convert(-10_000), Money(-703));
    assert_eq!(convert(1), Money(0));
    assert_eq!(convert(-1), Money(-1));
    assert_eq!(merge::tick_value(&leg, &books), Some(Money(8))); // 7.015, up
    assert_eq!(merge::convert(Money(5), &LEG, &abroad, &books), Some(Money(5)));
}

// ---------------------------------------------------------------------------------------------
// Signals.

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap()
}

fn band(enter: &str, exit: &str) -> Option<Band> {
    Some(Band { enter: ratio(enter), exit: ratio(exit) })
}

fn rule(measure: Measure, plus: Option<Band>, mirror: Option<Band>) -> Rule {
    Rule { measure, plus, mirror, persist: 1, persist_within: None, deviation: None }
}

/// Two markets: leg 0 is sold, leg 1 is bought.
struct World {
    signals: Signals,
    books: Table<InstrumentId, Book>,
    seq: u64,
    now: i64,
}

const HEDGE: HedgeId = HedgeId(0);

impl World {
    fn new(rules: &[Rule], denominator: i64) -> World {
        let buy = LegPlan { instrument: InstrumentId(1), side: Side::Buy, ..LEG };
        let plan = plan(vec![LEG, buy], denominator);
        let hedges: Vec<(&HedgePlan, &Rule)> = rules.iter().map(|rule| (&plan, rule)).collect();
        let signals = Signals::new(&hedges, 2);
        let books = Table::new(vec![Book::new(PRICE_MAX, 1_000), Book::new(PRICE_MAX, 1_000)]);
        World { signals, books, seq: 0, now: 0 }
    }

    /// A snapshot of one market: its bid, and its ask a tick above.
    fn quote(&mut self, market: u16, bid: i64) -> bool {
        self.seq += 1;
        self.now += 1_000;
        let rows = snapshot(self.seq, &[(Side::Buy, bid, 9), (Side::Sell, bid + 1, 9)]);
        feed(&mut self.books[InstrumentId(market)], &rows);
        self.signals.message(InstrumentId(market), Time(self.now), &self.books)
    }

    fn wants(&self, held: i64) -> Option<Want> {
        self.signals.wants(HEDGE, held)
    }
}

#[test]
fn a_spread_enters_gives_back_and_does_not_flip() {
    let rule = rule(Measure::Spread, band("5", "1"), band("-5", "-1"));
    let mut world = World::new(&[rule], 1);
    let plus = Direction::Plus;
    let mirror = Direction::Mirror;
    assert!(!world.quote(0, 100)); // the other market is not known yet
    // Enter value: bid 0 − ask 1; exit value: ask 0 − bid 1.
    for (bid, enter, flat, long, short) in [
        // bid of market 1, enter value, wants when flat, when plus sets are held, mirror sets
        (95, 4, None, None, Some(Want::Exit(mirror))),
        (94, 5, Some(Want::Enter(plus)), Some(Want::Enter(plus)), Some(Want::Exit(mirror))),
        (99, 0, None, None, Some(Want::Exit(mirror))),
        (100, -1, None, Some(Want::Exit(plus)), Some(Want::Exit(mirror))),
        (101, -2, None, Some(Want::Exit(plus)), None),
        (105, -6, None, Some(Want::Exit(plus)), None),
        (106, -7, Some(Want::Enter(mirror)), Some(Want::Exit(plus)), Some(Want::Enter(mirror))),
    ] {
        world.quote(1, bid);
        let merged = world.signals.merged(HEDGE).unwrap();
        assert_eq!(merged.enter.difference(), enter, "{bid}");
        assert_eq!(merged.exit.difference(), enter + 2, "{bid}");
        assert_eq!((world.wants(0), world.wants(2), world.wants(-2)), (flat, long, short), "{bid}");
    }
    world.books[InstrumentId(0)].set_down();
    world.signals.refresh(InstrumentId(0), Time(world.now), &world.books);
    assert_eq!(world.wants(0), None);
}

#[test]
fn bands_between_two_values_round_against_us() {
    // Over 2 a difference of 9 is 4.5.
    let rule = rule(Measure::Spread, band("4.51", "0.49"), band("-4.51", "-0.49"));
    let mut world = World::new(&[rule], 2);
    world.quote(0, 100);
    for (bid, flat, long) in [
        (90, None, None), // enter 9 of the 9.02 wanted
        (89, Some(Want::Enter(Direction::Plus)), Some(Want::Enter(Direction::Plus))),
        (100, None, None), // exit 1 of the 0.98 wanted
        (101, None, Some(Want::Exit(Direction::Plus))),
    ] {
        world.quote(1, bid);
        assert_eq!((world.wants(0), world.wants(1)), (flat, long), "{bid}");
    }
}

#[test]
fn a_ratio_has_no_value_without_a_cost() {
    let rule = rule(Measure::Ratio, band("2", "1.5"), band("0.5", "0.75"));
    let mut world = World::new(&[rule], 1);
    world.quote(0, 200);
    for (bid, flat, long) in [
        (99, Some(Want::Enter(Direction::Plus)), true), // 200 / 100
        (100, None, false),                             // 200 / 101
        (133, None, false),                             // exit 201 / 133
        (134, None, true),
        (401, None, true), // enter mirror: 201 / 401
        (402, Some(Want::Enter(Direction::Mirror)), true),
        (-1, None, false), // bought at 0
        (-2, None, false),
        (0, Some(Want::Enter(Direction::Plus)), true), // sold at 0: no exit value, but an entry
    ] {
        world.quote(1, bid);
        assert_eq!((world.wants(0), world.wants(1).is_some()), (flat, long), "{bid}");
    }
    // What is walked is compared again, exactly.
    let stands = |sold, bought| {
        world.signals.stands(HEDGE, Want::Enter(Direction::Plus), &Pair { sold, bought })
    };
    assert!(stands(2, 1) && stands(4_000_001, 2_000_000));
    assert!(!stands(3_999_999, 2_000_000) && !stands(-4, -2) && !stands(1, 0));
    let stands = |sold, bought| {
        world.signals.stands(HEDGE, Want::Exit(Direction::Plus), &Pair { sold, bought })
    };
    assert!(stands(3, 2) && stands(-1, 1) && !stands(3_000_001, 2_000_000) && !stands(1, 0));
}

#[test]
fn a_gross_signal_stands_and_its_edge_asks_the_net_price() {
    let world = World::new(&[rule(Measure::Spread, band("5", "1"), band("-5", "-1"))], 1);
    let pair = |sold| Pair { sold, bought: 0 };
    let enter = Want::Enter(Direction::Plus);
    let exit = Want::Exit(Direction::Plus);
    for (sold, edge) in [(5, true), (2, true), (1, false), (0, false)] {
        assert!(world.signals.stands(HEDGE, enter, &pair(sold)));
        assert_eq!(world.signals.has_edge(HEDGE, enter, &pair(sold)), edge, "{sold}");
        assert!(world.signals.has_edge(HEDGE, exit, &pair(sold)));
    }
    let enter = Want::Enter(Direction::Mirror);
    assert!(world.signals.has_edge(HEDGE, enter, &pair(-2)));
    assert!(!world.signals.has_edge(HEDGE, enter, &pair(-1)));
    let world = World::new(&[rule(Measure::CounterPrice, band("5", "1"), None)], 1);
    let enter = Want::Enter(Direction::Plus);
    assert!(world.signals.has_edge(HEDGE, enter, &pair(5)));
    assert!(!world.signals.has_edge(HEDGE, enter, &pair(4)));
    // A band that is not configured is never reached.
    assert!(!world.signals.stands(HEDGE, Want::Enter(Direction::Mirror), &pair(-1_000)));
    let meets =
        |way, bound, sold| world.signals.meets(HEDGE, way, ratio(bound), &pair(sold), Time(0));
    assert!(meets(Direction::Plus, "2.5", 3) && !meets(Direction::Plus, "2.5", 2));
    assert!(meets(Direction::Mirror, "2.5", 2) && !meets(Direction::Mirror, "2.5", 3));
}

#[test]
fn a_value_persists_in_updates_of_the_slowest_leg() {
    let mut rule = rule(Measure::Spread, band("5", "1"), None);
    rule.persist = 3;
    let mut world = World::new(&[rule], 1);
    let enter = Some(Want::Enter(Direction::Plus));
    world.quote(0, 100);
    world.quote(1, 90); // stands: the first update of both
    for _ in 0..5 {
        world.quote(0, 100); // the other leg is silent
        assert_eq!(world.wants(0), None);
    }
    assert!(!world.quote(1, 90));
    assert!(world.quote(1, 91)); // the third of market 1, another price
    assert_eq!(world.wants(0), enter);
    world.quote(1, 99); // falls, and has to stand anew
    assert_eq!(world.wants(0), None);
    world.quote(1, 90);
    world.quote(0, 100);
    world.quote(0, 100);
    world.quote(1, 90);
    assert_eq!(world.wants(0), None);
    world.quote(1, 90);
    assert_eq!(world.wants(0), enter);
}

#[test]
fn a_run_that_takes_too_long_starts_anew() {
    let mut rule = rule(Measure::Spread, band("5", "1"), None);
    rule.persist = 2;
    rule.persist_within = Some(Span(3_000));
    let mut world = World::new(&[rule], 1);
    world.quote(1, 90);
    world.quote(0, 100); // stands
    world.now += 10_000;
    world.quote(1, 90); // too late: this is the first
    assert_eq!(world.wants(0), None);
    world.quote(0, 100);
    assert_eq!(world.wants(0), None);
    world.quote(1, 90);
    assert_eq!(world.wants(0), Some(Want::Enter(Direction::Plus)));
    world.now += 10_000;
    world.quote(1, 90); // once it has persisted it stays while it stands
    assert_eq!(world.wants(0), Some(Want::Enter(Direction::Plus)));
}

#[test]
fn an_estimate_moves_the_bands_until_it_expires() {
    let mut world = World::new(&[rule(Measure::Estimate, band("5", "1"), None)], 2);
    let enter = Some(Want::Enter(Direction::Plus));
    world.quote(0, 100);
    world.quote(1, 79); // 20 over 2
    assert_eq!(world.wants(0), None); // no value without an estimate
    world.signals.estimate(HEDGE, 5_000_000_000, Time(10_000));
    world.quote(1, 79);
    assert_eq!(world.wants(0), enter); // 10 − 5
    let worth = |world: &World, bound, now| {
        let pair = Pair { sold: 20, bought: 0 };
        world.signals.meets(HEDGE, Direction::Plus, ratio(bound), &pair, Time(now))
    };
    assert!(worth(&world, "5", 9_999) && !worth(&world, "5.1", 9_999));
    assert!(!worth(&world, "5", 10_000));
    world.signals.estimate(HEDGE, 5_000_000_001, Time(10_000));
    world.quote(1, 79);
    assert_eq!(world.wants(0), None);
    world.signals.estimate(HEDGE, -1_000_000_000, Time(10_000));
    world.quote(1, 79);
    assert_eq!(world.wants(0), enter);
    world.now = 9_000;
    world.quote(1, 79);
    assert_eq!(world.wants(0), None); // expired
    for value in [i64::MIN, i64::MAX] {
        world.signals.estimate(HEDGE, value, Time::LATEST);
        world.quote(1, 79);
        assert_eq!(world.wants(0).is_some(), value < 0);
    }
}

#[test]
fn a_deviation_asks_for_a_value_far_from_its_mean() {
    let mut rule = rule(Measure::Spread, band("5", "-50"), band("30", "50"));
    rule.deviation = Some(Deviation { enter: ratio("3"), alpha: ratio("0.1"), warm: 20 });
    let mut world = World::new(&[rule], 1);
    world.quote(0, 100);
    for at in 0..40_i64 {
        world.quote(1, 90 + at % 2);
        assert_eq!(world.wants(0), None); // both bands are met, and the value is as usual
    }
    world.quote(1, 80);
    assert_eq!(world.wants(0), Some(Want::Enter(Direction::Plus)));
    for at in 0..100_i64 {
        world.quote(1, 90 + at % 2);
    }
    world.quote(1, 94);
    assert_eq!(world.wants(0), Some(Want::Enter(Direction::Mirror)));
    world.quote(1, 94);
    assert_eq!(world.wants(-1), None); // the value is no surprise any more
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let measure = prop_oneof![
        Just(Measure::Spread),
        Just(Measure::CounterPrice),
        Just(Measure::Ratio),
        Just(Measure::GrossRatio),
        Just(Measure::Estimate),
    ];
    let one = (-8..8_i128, -8..8_i128).prop_map(|(enter, exit)| Band {
        enter: Ratio::new(enter, 2).unwrap(),
        exit: Ratio::new(exit, 2).unwrap(),
    });
    let bands = (prop::option::of(one.clone()), prop::option::of(one));
    let far = (1..4_i128, 1..3_i128).prop_map(|(enter, alpha)| Deviation {
        enter: Ratio::new(enter, 2).unwrap(),
        alpha: Ratio::new(alpha, 10).unwrap(),
        warm: 5,
    });
    let far = prop::option::of(far);
    (measure, bands, 1..4_u32, prop::option::of(1..9_i64), far).prop_map(
        |(measure, (plus, mirror), persist, within, deviation)| Rule {
            measure,
            plus,
            mirror,
            persist,
            persist_within: within.map(|span| Span(span * 1_000)),
            deviation,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What hedges share changes nothing: each wants what it would want alone.
    #[test]
    fn sharing_changes_nothing(
        rules in prop::collection::vec(any_rule(), 1..6),
        quotes in prop::collection::vec((0..2_u16, -4..4_i64, 0..20_u8), 1..80),
    ) {
        let mut shared = World::new(&rules, 1);
        let mut alone: Vec<World> = rules.iter().map(|rule| World::new(&[*rule], 1)).collect();
        for (market, bid, what) in quotes {
            if what == 0 {
                shared.signals.estimate(HEDGE, bid * 1_000_000_000, Time(shared.now + 5_000));
                let time = Time(alone[0].now + 5_000);
                alone[0].signals.estimate(HEDGE, bid * 1_000_000_000, time);
            }
            let is_worth_asking = shared.quote(market, bid);
            for (at, world) in (0_u16..).zip(&mut alone) {
                world.quote(market, bid);
                for held in -1..=1 {
                    let wants = shared.signals.wants(HedgeId(at), held);
                    prop_assert_eq!(wants, world.wants(held));
                    prop_assert!(is_worth_asking || wants.is_none());
                }
            }
        }
    }
}
