//! What passes the proof does not overflow, at the largest prices and sizes.
#![allow(clippy::indexing_slicing, reason = "a test: ids come from the configuration itself")]

use cross_market_core::book::{Book, Change, Row};
use cross_market_core::config::Config;
use cross_market_core::ids::{HedgeId, InstrumentId, LEGS_MAX, Table};
use cross_market_core::instrument::{MarginRate, PositionEffect};
use cross_market_core::merge::{self, Direction};
use cross_market_core::num::{Money, Price, Qty, Ratio, Side};
use cross_market_core::quote::Own;
use cross_market_core::signal::{Signals, Want};
use cross_market_core::time::Time;
use serde_json::json;

use crate::sample::gold;
use crate::{read, with};

#[test]
fn nothing_that_passes_the_proof_overflows() {
    // The largest value of each factor that still passes, to its first digit.
    let grow = |pointer: &str, start: &str| {
        let mut largest = with(pointer, json!(start)).unwrap();
        for zeros in 0..40 {
            for digit in 1..=9 {
                let value = format!("{digit}{start}{}", "0".repeat(zeros));
                match with(pointer, json!(value)) {
                    Ok(config) => largest = config,
                    Err(problem) => {
                        assert!(problem.expected.contains("bits"), "{problem}");
                        return largest;
                    }
                }
            }
        }
        panic!("{pointer} has no end");
    };
    for config in [
        grow("/instruments/0/price_max", "1000"),
        grow("/instruments/1/price_max", "1000"),
        grow("/instruments/2/price_max", "10"),
        grow("/instruments/0/qty_max", "10"),
        grow("/instruments/1/qty_max", "10"),
        grow("/instruments/0/multiplier", "1"),
        grow("/hedges/0/legs/1/weight", "1"),
    ] {
        at_the_limits(&config);
    }
}

/// Runs the arithmetic of the market at the largest prices and sizes, either sign.
fn at_the_limits(config: &Config) {
    for sign in [1, -1] {
        let mut books = Vec::new();
        for (id, instrument) in config.instruments.pairs() {
            let mut book = Book::new(instrument.price_max, instrument.qty_max);
            let fx = config.hedges[HedgeId(0)].plan.legs.iter().any(|leg| leg.fx == Some(id));
            let price = if fx { instrument.price_max } else { sign * instrument.price_max };
            for (side, price) in [(Side::Buy, price.min(price - 1)), (Side::Sell, price)] {
                let price = Price(price.clamp(-instrument.price_max, instrument.price_max));
                let qty = Qty::new(instrument.qty_max).unwrap();
                book.apply(&Change {
                    price,
                    qty,
                    seq: 0,
                    exchange: Time(1),
                    receive: Time(1),
                    step: 0,
                    instrument: id,
                    side,
                    row: if side == Side::Buy { Row::Snapshot } else { Row::LevelLast },
                });
            }
            books.push(book);
        }
        let books: Table<InstrumentId, Book> = Table::new(books);
        let owns = Table::new(vec![Own::default(); config.instruments.len()]);
        let plan = &config.hedges[HedgeId(0)].plan;
        let mut lots = [0; LEGS_MAX];
        for (lots, leg) in lots.iter_mut().zip(&plan.legs) {
            *lots = leg.side.sign() * config.instruments[leg.instrument].qty_max;
        }
        let merged = merge::tops(&plan.legs, &books).unwrap();
        assert!(merge::mid(&plan.legs, &books).is_some());
        for direction in [Direction::Plus, Direction::Mirror] {
            let lots = lots.map(|lots| if direction == Direction::Plus { lots } else { -lots });
            let effects = [PositionEffect::Open; LEGS_MAX];
            let walked =
                merge::walked(plan, &books, &owns, &config.instruments, &lots, &effects, direction);
            assert!(walked.is_some());
        }
        for (leg, lots) in plan.legs.iter().zip(lots) {
            let instrument = &config.instruments[leg.instrument];
            let value = instrument.notional(Price(sign * instrument.price_max), Qty::of(lots));
            assert!(merge::tick_value(leg, &books).is_some());
            assert!(merge::convert(value, leg, instrument, &books).is_some());
            let most = config.position_max(&config.policy, leg.instrument);
            let whole = instrument.notional(Price(sign * instrument.price_max), Qty::of(most));
            let _ = whole.abs().scale_up(Ratio::new(999_999_999, 1_000_000_000).unwrap());
            assert!(config.admits_margin(&config.policy, leg.instrument, &instrument.margin));
        }
        let hedges: Vec<_> = config.hedges.iter().map(|hedge| (&hedge.plan, &hedge.rule)).collect();
        let signals = Signals::new(&hedges, config.instruments.len());
        let _ = signals.stands(HedgeId(0), Want::Enter(Direction::Plus), &merged.enter);
    }
}

#[test]
fn margin_rates_from_outside_keep_the_bounds() {
    let config = read(&gold()).unwrap();
    let id = InstrumentId(0);
    let admits = |long: &str, floor: i64| {
        let long = Ratio::parse(long).unwrap();
        let floor_per_lot = Money::units(floor);
        let margin = MarginRate::of_value(long, Ratio::ONE, floor_per_lot);
        let by_lot = MarginRate { short_per_lot: floor_per_lot, ..margin };
        let admitted = config.admits_margin(&config.policy, id, &margin);
        assert_eq!(config.admits_margin(&config.policy, id, &by_lot), admitted);
        admitted
    };
    assert!(admits("0.15", 0) && admits("0", 100) && admits("1", 0));
    assert!(!admits("1.01", 0) && !admits("-0.01", 0) && !admits("0.0000000001", 0));
    assert!(!admits("0.15", -1) && !admits("0.15", i64::MAX));
    // 8 × the larger of qty_max and what 28 sets hold.
    assert_eq!(config.position_max(&config.policy, id), 8000);
}
