//! What orders were decided on: the prices that the displayed books gave for their lots.

use super::exact::mul_div;
use crate::command::Command;
use crate::engine::{Booking, Engine, slippage};
use crate::ids::LEGS_MAX;
use crate::order::Place;
use crate::quote::{HedgePlan, Kind, Purpose};

/// An order and what its lots cost at its decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    pub(super) purpose: Purpose,
    /// Σ price × lots of `qty` lots.
    cost: i128,
    qty: i64,
    /// Signed lots traded.
    lots: i64,
    /// What those came in for at the reference, in 10⁻⁹.
    came: i128,
}

impl Decided {
    /// An order as it is placed; `reference` replaces the book's word.
    pub(super) fn new(place: &Place, cost: i128, qty: i64) -> Decided {
        Decided { purpose: place.purpose, cost, qty: qty.max(1), lots: 0, came: 0 }
    }

    /// An order whose decision was not seen: what it does is its own reference.
    pub(super) fn unseen(booking: &Booking) -> Decided {
        let lots = i128::from(booking.lots);
        let cost = if lots == 0 { 0 } else { -booking.value / lots };
        Decided { purpose: Purpose::Work, cost, qty: 1, lots: 0, came: 0 }
    }

    /// Takes so many signed lots; what they come in for at the reference.
    pub(super) fn trade(&mut self, lots: i64, tick_value: i128) -> i128 {
        self.lots += lots;
        let value = tick_value.saturating_mul(-i128::from(self.lots));
        let (came, _) = mul_div(value, self.cost, i128::from(self.qty));
        came - std::mem::replace(&mut self.came, came)
    }
}

/// Σ price × lots at which the displayed book gives an order's lots; the limit price stands for
/// what is not there. Orders of the same turn that come before it take first.
pub(super) fn displayed(engine: &Engine, commands: &[Command], at: usize, place: &Place) -> i128 {
    let earlier = slippage::places(commands.get(..at).unwrap_or_default());
    let taken = slippage::taken(earlier, place);
    slippage::displayed(engine.book(place.instrument), place, taken)
}

/// What an attempt did on a leg.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LegDone {
    /// Signed lots, by all its orders.
    pub(super) lots: i64,
    /// What they came in for at their references, in 10⁻⁹ of the account's currency.
    pub(super) came: i128,
    /// The part of `came` that is aligned with the other legs.
    pub(super) edge: i128,
    /// Σ price × lots of how many lots, as the last order of its own work was decided.
    pub(super) work: Option<(i128, i64)>,
    /// Whether an order was decided on, and the rate then.
    pub(super) is_decided: bool,
    pub(super) rate: Option<i128>,
}

/// What an attempt did.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) kind: Kind,
    /// Units that every leg traded toward +sets, over the plan's `unit_den`.
    pub(super) units: i128,
    pub(super) legs: [LegDone; LEGS_MAX],
}

impl Done {
    pub(super) fn new(kind: Kind) -> Done {
        Done { kind, units: 0, legs: [LegDone::default(); LEGS_MAX] }
    }

    /// Aligns anew what all legs traded: writes the parts of each leg, gives the change in units.
    pub(super) fn align(&mut self, plan: &HedgePlan) -> i128 {
        let units = self.aligned(plan);
        for (done, leg) in self.legs.iter_mut().zip(&plan.legs) {
            let all = (i128::from(done.lots) * i128::from(leg.units)).abs();
            done.edge = match all {
                // Nothing is held: what references left is the edge of a way there and back.
                0 => done.came,
                _ => mul_div(done.came, units.abs(), all).0,
            };
        }
        units - std::mem::replace(&mut self.units, units)
    }

    /// The fewest units that any leg traded, where all went the same way.
    fn aligned(&self, plan: &HedgePlan) -> i128 {
        let mut least: Option<i128> = None;
        for (done, leg) in self.legs.iter().zip(&plan.legs) {
            if leg.lots.num() == 0 {
                continue;
            }
            let units = i128::from(leg.side.sign() * done.lots) * i128::from(leg.units);
            least = match least {
                None => Some(units),
                Some(other) if other.signum() != units.signum() => return 0,
                Some(other) if units.abs() < other.abs() => Some(units),
                Some(other) => Some(other),
            };
        }
        least.unwrap_or(0)
    }
}
