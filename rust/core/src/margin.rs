//! What a position needs set aside and what an order may come to need: pure functions, no state.
//!
//! Everything is rounded against us. Margin is taken of the absolute value, so that a price below
//! zero needs margin too, and by lot; both together are at least the floor of the rate, which is all
//! that binds at zero where nothing is taken by lot.

pub mod offset;

use crate::instrument::{HedgeFlag, Instrument, PositionEffect, Settlement};
use crate::num::{Money, Price, Qty, Ratio, Side};

/// An order, and the market that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The flag of its account.
    pub flag: HedgeFlag,
    /// Buy or sell.
    pub side: Side,
    /// What it says it does to the position.
    pub effect: PositionEffect,
    /// Lots.
    pub qty: Qty,
    /// How many of them are known to reduce a position: where positions are netted, every order has
    /// the effect `Open`.
    pub closes: Qty,
    /// Its worst price.
    pub limit: Price,
    /// Where the market is.
    pub mark: Option<Price>,
}

/// Margin of `lots` opened by `side` in an account of `flag`, of which `cost` is Σ price × lots, in
/// ticks × lots.
///
/// Zero where the whole value changes hands at the trade.
#[must_use]
pub fn required(
    instrument: &Instrument,
    flag: HedgeFlag,
    side: Side,
    lots: Qty,
    cost: i128,
) -> Money {
    match instrument.settlement {
        Settlement::Upfront => Money::ZERO,
        Settlement::DailyVm
        | Settlement::OnClose(_)
        | Settlement::PromptForward
        | Settlement::Coin(_) => {
            let margin = instrument.margin_of(flag);
            let (rate, per_lot) = margin.of(side);
            let of_value = instrument.value(cost).abs().scale_up(rate);
            let both = of_value + per_lot.times(lots.get());
            both.max(margin.floor_per_lot.times(lots.get()))
        }
    }
}

/// The fee of `qty` at `price`, never below zero: a rebate is not counted on.
#[must_use]
pub fn fee(instrument: &Instrument, effect: PositionEffect, qty: Qty, price: Price) -> Money {
    let fee = instrument.fees.by(effect);
    fee.of(instrument.notional(price, qty), qty).max(Money::ZERO)
}

/// The most that an order may need.
///
/// Margin settlement: margin of the lots that open at the worse of limit and mark, the move from
/// mark to limit against us on all lots, and the fee at the worse of both. Cash settlement: the
/// whole value of a buy at its limit (of a sell below a price of zero), and the fee.
#[must_use]
pub fn worst_case(instrument: &Instrument, asked: &Asked) -> Money {
    let Asked { flag, side, effect, qty, closes, limit, mark } = *asked;
    let mark = mark.unwrap_or(limit);
    // Margin grows with the value, and so does a fee unless it is a rebate: of the two prices one
    // is the worse for each.
    let (near, far) =
        if limit.0.unsigned_abs() < mark.0.unsigned_abs() { (limit, mark) } else { (mark, limit) };
    let is_rebate = instrument.fees.by(effect).rate < Ratio::ZERO;
    let fees = fee(instrument, effect, qty, if is_rebate { near } else { far });
    let paid = match instrument.settlement {
        Settlement::Upfront => instrument.notional(limit, qty).0 * i128::from(side.sign()),
        Settlement::DailyVm
        | Settlement::OnClose(_)
        | Settlement::PromptForward
        | Settlement::Coin(_) => {
            let opens = qty.less(closes);
            let cost = i128::from(far.0) * i128::from(opens.get());
            let margin = required(instrument, flag, side, opens, cost);
            let ticks = (i128::from(limit.0) - i128::from(mark.0)) * i128::from(side.sign());
            let adverse = instrument.value(ticks.max(0) * i128::from(qty.get()));
            (margin + adverse).0
        }
    };
    Money(paid.max(0)) + fees
}
