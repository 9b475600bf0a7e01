//! The proof that no product of the core leaves 128 bits.
//!
//! Every bound is the largest value that configuration and door admit: an instrument's `price_max`
//! (P), `qty_max` (Q), tick value (t) and the most lots of it that hedges hold (L); a leg's `coef`
//! and the largest price of its FX (F, 1 without one). A factor of 16 is kept free, so that sums
//! over eight legs and two directions fit as well.
//!
//! - money: `P × max(Q, L) × t × 8`, times a rate's part of at most [`RATE_DEN_MAX`] or an order's
//!   lots, for positions of up to eight times max(Q, L): see [`Config::position_max`]
//! - the net price of a leg: `coef × F × (P × Q × t + fees)`
//! - a comparison with a band, or its figure in 10⁻⁹: `Σ coef × P × F × max(band, 10⁹)`
//! - the value of a leg in the hedge's currency: `tick_num × P × F × max(Q, L)`
//! - a residual in 10⁻⁹ common units: `units × L × 10⁹`; read with the limits, which name it
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::tree::Checked;
use super::{Config, Hedge, RATE_DEN_MAX, refuse};
use crate::gate::Policy;
use crate::ids::{HedgeId, InstrumentId};
use crate::instrument::{Instrument, MarginRate, Settlement};
use crate::legging::Quoting;
use crate::num::{MONEY_UNIT, NumError, Ratio, div_ceil};
use crate::quote::LegPlan;

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

/// The most lots of an instrument in one order, or held by all hedges together.
pub(super) fn most_lots(config: &Config, policy: &Policy, id: InstrumentId) -> i128 {
    let mut held = 0;
    for (hedge, limits) in config.hedges.iter().zip(policy.hedges.iter()) {
        let legs = hedge.plan.legs.iter().filter(|leg| leg.instrument == id);
        held += legs.map(|leg| lots_at(leg, limits.size.max + limits.size.clip)).sum::<i128>();
    }
    held.max(i128::from(config.instruments[id].qty_max))
}

pub(super) fn prove(config: &Config, policy: &Policy) -> Checked<()> {
    for (id, instrument) in config.instruments.pairs() {
        let lots = most_lots(config, policy, id);
        let margins =
            [&instrument.margin].into_iter().chain(instrument.flag_margins.iter().flatten());
        let mut margins = margins.chain(instrument.margin_steps.iter().map(|step| &step.rate));
        if margins.all(|margin| money_fits(instrument, margin, lots)) {
            continue;
        }
        return Err(refuse(
            format!("instruments[{:?}].price_max", instrument.name),
            instrument.price_max,
            format!(
                "price_max × lots × tick value within 128 bits; in ticks, lots and 10^-9: {} × \
                 {lots} × {}",
                instrument.price_max, instrument.tick_value.0
            ),
        ));
    }
    for (id, hedge) in config.hedges.pairs() {
        prove_room(config, policy, id)?;
        let size = policy.hedges[id].size;
        for (place, leg) in hedge.plan.legs.iter().enumerate() {
            prove_leg(config, hedge, place, leg, size.max + size.clip)?;
        }
        // From the one end to the other.
        let slices = div_ceil(2 * i128::from(size.max), i128::from(size.clip.max(1)));
        prove_bands(config, hedge, &policy.hedges[id].legging.quote, slices)?;
    }
    Ok(())
}

/// The share of the orders that a hedge has must hold those of an attempt.
fn prove_room(config: &Config, policy: &Policy, id: HedgeId) -> Checked<()> {
    let plan = &config.hedges[id].plan;
    let staged = policy.hedges[id].legging.is_staged();
    let most =
        policy.hedges[id].execution.orders_max(config.hedges[id].widest().legs.len(), staged);
    let hedges = config.hedges.len();
    let orders = usize::try_from(config.counts.orders).unwrap_or(usize::MAX);
    if orders / hedges.max(1) >= most {
        return Ok(());
    }
    Err(refuse(
        "counts.orders".to_owned(),
        config.counts.orders,
        format!(
            "at least {}: every hedge has the same share, and one attempt of {} may make {most} \
             orders (tries on every leg, at most messages; as many as messages where legs lead or rest)",
            most.saturating_mul(hedges),
            plan.name
        ),
    ))
}

/// Whether the money of so many lots fits at these margin rates.
pub(super) fn money_fits(instrument: &Instrument, margin: &MarginRate, lots: i128) -> bool {
    let (price, tick) = match instrument.settlement {
        // It is worth most at a price of one tick.
        Settlement::Coin(face) => (1, face.0),
        Settlement::Upfront
        | Settlement::DailyVm
        | Settlement::OnClose(_)
        | Settlement::PromptForward => (i128::from(instrument.price_max), instrument.tick_value.0),
    };
    let times = i128::from(RATE_DEN_MAX).max(i128::from(instrument.qty_max));
    let fees = [instrument.fees.open, instrument.fees.close, instrument.fees.close_today];
    lots <= i128::from(i64::MAX / 8)
        && fits(&[price, lots, tick, 8, times])
        && [margin.long_per_lot, margin.short_per_lot, margin.floor_per_lot]
            .iter()
            .all(|per_lot| fits(&[per_lot.0, lots, 8, times]))
        && fees.iter().all(|fee| fits(&[fee.per_lot.0, lots, 8, times]))
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
    let held = fits(&[i128::from(leg.tick_num), price, fx, lots_at(leg, sets).max(lots)])
        && fits(&[i128::from(leg.tick_den), instrument.tick_value.0]);
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

fn prove_bands(config: &Config, hedge: &Hedge, quote: &Quoting, slices: i128) -> Checked<()> {
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
    let slack = [Ratio::ZERO, quote.slop_inside, quote.slop_outside];
    let slack = slack.into_iter().flat_map(|slack| [slack, slack.negated()]);
    let reload = Ratio::new(slices, 1).and_then(|slices| quote.reload.times(slices));
    let moved = |band: Ratio, slack: Ratio| {
        let (band, reload) = (band.plus(slack)?, reload?);
        Ok([band, band.plus(reload)?, band.plus(reload.negated())?])
    };
    for (band, slack) in bands
        .flat_map(|band| [band.enter, band.exit])
        .flat_map(|band| slack.clone().map(move |by| (band, by)))
    {
        let size = |band: Ratio| i128::from(band.num()).abs().max(i128::from(band.den()));
        let within = |band: &Ratio| fits(&[sides, size(*band).max(MONEY_UNIT)]);
        let found: Result<[Ratio; 3], NumError> = moved(band, slack);
        if !found.is_ok_and(|bands| bands.iter().all(within)) {
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
