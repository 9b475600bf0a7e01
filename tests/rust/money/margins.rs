//! Worked examples of margin, each by the definition of an exchange or of its clearing software.

use cross_market_core::instrument::{Instrument, MarginRate};
use cross_market_core::margin;
use cross_market_core::num::{Money, Side};

use super::{future, qty, ratio};

/// A contract whose tick of a lot is worth `tick` hundredths of the currency, at these rates.
fn contract(tick: i64, margin: MarginRate) -> Instrument {
    Instrument { tick_value: cents(tick), margin, ..future() }
}

fn cents(amount: i64) -> Money {
    Money(Money::units(amount).0 / 100)
}

fn by_value(long: &str, short: &str) -> MarginRate {
    MarginRate::of_value(ratio(long), ratio(short), Money::ZERO)
}

fn required(instrument: &Instrument, side: Side, lots: i64, price: i64) -> Money {
    let cost = i128::from(price) * i128::from(lots);
    margin::required(instrument, side, qty(lots), cost)
}

/// SHFE, Risk Management Rules: margin is a share of the contract's value, and gold's contract is
/// 1000 g at a tick of 0.02 CNY/g. 3 lots at 556.78 CNY/g and 8 %: 3 × 1000 × 556.78 × 0.08.
#[test]
fn shfe_gold_by_rate() {
    let gold = contract(20_00, by_value("0.08", "0.09"));
    assert_eq!(required(&gold, Side::Buy, 3, 27_839), cents(133_627_20));
    assert_eq!(required(&gold, Side::Sell, 3, 27_839), cents(150_330_60));
}

/// CTP, CThostFtdcInstrumentMarginRateField: LongMarginRatioByMoney × price × multiplier × lots +
/// LongMarginRatioByVolume × lots, and the same for shorts; the two are added.
#[test]
fn ctp_by_money_and_by_volume() {
    let rates = MarginRate {
        long_per_lot: cents(125_50),
        short_per_lot: cents(80_25),
        ..by_value("0.07", "0.10")
    };
    let copper = contract(50_00, rates); // 5 t at a tick of 10 CNY/t
    // 2 × 5 × 68 430 × 0.07 + 2 × 125.50, and 2 × 5 × 68 430 × 0.10 + 2 × 80.25.
    assert_eq!(required(&copper, Side::Buy, 2, 6_843), cents(48_152_00));
    assert_eq!(required(&copper, Side::Sell, 2, 6_843), cents(68_590_50));
    assert_eq!(required(&copper, Side::Buy, 0, 0), Money::ZERO);
}

/// The floor is of both together, and binds neither part alone.
#[test]
fn the_floor_is_of_rate_and_lots_together() {
    let rates = MarginRate {
        long_per_lot: cents(300_00),
        ..MarginRate::of_value(ratio("0.1"), ratio("0.1"), cents(500_00))
    };
    let contract = contract(10_00, rates);
    assert_eq!(required(&contract, Side::Buy, 2, 0), cents(1_000_00));
    assert_eq!(required(&contract, Side::Buy, 2, 200), cents(1_000_00), "2 × 200 + 2 × 300");
    assert_eq!(required(&contract, Side::Buy, 2, 201), cents(1_002_00));
    assert_eq!(required(&contract, Side::Buy, 2, -201), cents(1_002_00), "below zero as above");
}

/// LME Clear charges a scanning range in dollars a lot, whatever the price: all of it is by lot. A
/// lot of copper is 25 t.
#[test]
fn lme_prompt_by_lot() {
    let range = cents(12_500_00);
    let rates = MarginRate { long_per_lot: range, short_per_lot: range, ..by_value("0", "0") };
    let copper = contract(12_50, rates); // 25 t at a tick of 0.50 USD/t
    for price in [0, 17_342, -5] {
        assert_eq!(required(&copper, Side::Buy, 4, price), cents(50_000_00));
        assert_eq!(required(&copper, Side::Sell, 4, price), cents(50_000_00));
    }
}
