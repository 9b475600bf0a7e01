//! The proof that no product of the core leaves 128 bits.
//!
//! Every bound is the largest value that configuration and door admit: an instrument's `price_max`
//! (P) and `qty_max` (Q), the tick value (t), a leg's `coef`, the largest FX price (F, 1 without
//! one), lots of a hedge at its most sets (L), rates and caps over at most [`RATE_DEN_MAX`].
//! A factor of 16 is kept free, so that sums over eight legs and two directions fit as well.
//!
//! - money of an account: `P × Q × t × 8 × orders × RATE_DEN_MAX`
//! - the net price of a leg: `coef × F × (P × Q × t + fees)`
//! - a comparison with a band: `Σ coef × P × F × max(band) × 10⁹`
//! - the value of a hedge's lots in its currency: `tick_num × P × F × L`
//! - a residual in 10⁻⁹ common units: `units × L × 10⁹`
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::tree::Checked;
use super::{Config, Hedge, RATE_DEN_MAX, refuse};
use crate::gate::Policy;
use crate::num::{MONEY_UNIT, div_ceil};
use crate::quote::LegPlan;
use crate::signal::Measure;

/// Largest product: a factor of 16 below the end of 128 bits.
const LARGEST: i128 = i128::MAX / 16;

/// The product of the factors' sizes, `None` beyond [`LARGEST`].
fn product(factors: &[i128]) -> Option<i128> {
    let step = |sofar: i128, factor: &i128| sofar.checked_mul(factor.checked_abs()?);
    factors.iter().try_fold(1, step).filter(|value| *value <= LARGEST)
}

/// Whether the product of these factors stays within bounds.
pub(super) fn fits(factors: &[i128]) -> bool {
    product(factors).is_some()
}

/// Lots of a leg at `sets`, rounded up.
pub(super) fn lots_at(leg: &LegPlan, sets: i64) -> i128 {
    div_ceil(i128::from(leg.lots.num()) * i128::from(sets), i128::from(leg.lots.den()))
}

pub(super) fn prove(config: &Config, policy: &Policy) -> Checked<()> {
    for instrument in config.instruments.iter() {
        let lots = i128::from(instrument.qty_max);
        let value = [i128::from(instrument.price_max), lots, instrument.tick_value.0];
        let orders = i128::from(config.counts.orders);
        let factors = [value[0], value[1], value[2], 8, orders, i128::from(RATE_DEN_MAX)];
        let floor = [lots, instrument.margin.floor_per_lot.0, 8, orders, i128::from(RATE_DEN_MAX)];
        if !fits(&factors) || !fits(&floor) {
            return Err(refuse(
                format!("instruments[{:?}].price_max", instrument.name),
                instrument.price_max,
                format!(
                    "price_max × qty_max × tick value × orders kept within 128 bits; in ticks, \
                     lots and 10^-9: {} × {lots} × {} × {orders}",
                    instrument.price_max, instrument.tick_value.0
                ),
            ));
        }
    }
    for (id, hedge) in config.hedges.pairs() {
        let size = policy.hedges[id].size;
        for (place, leg) in hedge.plan.legs.iter().enumerate() {
            prove_leg(config, hedge, place, leg, size.max + size.clip)?;
        }
        prove_bands(config, hedge)?;
    }
    Ok(())
}

/// The largest price of the leg's FX instrument in ticks.
fn fx_max(config: &Config, leg: &LegPlan) -> i128 {
    leg.fx.map_or(1, |fx| i128::from(config.instruments[fx].price_max))
}

fn prove_leg(
    config: &Config,
    hedge: &Hedge,
    place: usize,
    leg: &LegPlan,
    sets: i64,
) -> Checked<()> {
    let instrument = &config.instruments[leg.instrument];
    let (price, fx) = (i128::from(instrument.price_max), fx_max(config, leg));
    let lots = i128::from(instrument.qty_max);
    let value = product(&[price, lots, instrument.tick_value.0]);
    let fee = [instrument.fees.open, instrument.fees.close, instrument.fees.close_today];
    let fee = fee.iter().filter_map(|fee| product(&[fee.per_lot.0, lots])).max();
    // A rate is at most a tenth of the value, so twice the value covers both.
    let net = value.zip(fee).and_then(|(value, fee)| value.checked_mul(2)?.checked_add(fee));
    let walked = net.is_some_and(|net| fits(&[i128::from(leg.coef), fx, net]));
    let held = fits(&[i128::from(leg.tick_num), price, fx, lots_at(leg, sets).max(lots)]);
    if walked && held {
        return Ok(());
    }
    Err(refuse(
        format!("hedges[{:?}].legs[{place}]", hedge.plan.name),
        &instrument.name,
        format!(
            "price_max × qty_max × tick value × coefficient × fx price_max within 128 bits; in \
             ticks, lots and 10^-9: {price} × {lots} × {} × {} × {fx}",
            instrument.tick_value.0, leg.coef
        ),
    ))
}

fn prove_bands(config: &Config, hedge: &Hedge) -> Checked<()> {
    let plan = &hedge.plan;
    let denominator = i128::from(plan.denominator);
    let mut sides = denominator;
    for leg in &plan.legs {
        let price = i128::from(config.instruments[leg.instrument].price_max);
        let largest = product(&[i128::from(leg.coef), price, fx_max(config, leg)]);
        // Beyond the largest the sum no longer matters: the comparison below fails by name.
        sides = sides.saturating_add(largest.unwrap_or(LARGEST));
    }
    let bands = [hedge.rule.plus, hedge.rule.mirror].into_iter().flatten();
    for band in bands.flat_map(|band| [band.enter, band.exit]) {
        let largest = i128::from(band.num()).abs().max(i128::from(band.den()));
        let nano = match hedge.rule.measure {
            Measure::Estimate => MONEY_UNIT,
            Measure::Spread | Measure::CounterPrice | Measure::Ratio | Measure::GrossRatio => 1,
        };
        // An estimate is any 64-bit number of 10⁻⁹; its part is compared over the same terms.
        let estimate = match hedge.rule.measure {
            Measure::Estimate => [denominator, i128::from(i64::MAX), largest],
            Measure::Spread | Measure::CounterPrice | Measure::Ratio | Measure::GrossRatio => {
                [denominator, 1, largest]
            }
        };
        if !fits(&[sides, largest, nano]) || !fits(&estimate) {
            return Err(refuse(
                format!("hedges[{:?}].signal", plan.name),
                band,
                format!(
                    "a band whose comparison fits 128 bits: fewer digits, or a smaller price_max \
                     of the legs; the legs sum up to {sides} over {denominator}"
                ),
            ));
        }
    }
    Ok(())
}
