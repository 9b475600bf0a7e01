//! Whether a policy that was made in Rust keeps every bound that one read from a document does.
//!
//! The document names the field that is wrong; here a policy is one value, and passes or does not.
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::legging::flaw;
use super::limits::{CLOSED, LOTS_MAX, SOME, misaligned, used};
use super::proof::{fits, lots_at, prove};
use super::{Config, Hedge, MONEY_MAX, RATE_DEN_MAX};
use crate::gate::{AccountLimits, HedgeLimits, InstrumentLimits, Policy, VenueLimits};
use crate::ids::{InstrumentId, TRY_MAX};
use crate::num::{MONEY_UNIT, Money, Ratio};
use crate::quote::{Execution, HedgePlan, Size};
use crate::time::Span;

/// Most sets, messages and trims that a document may state.
const SETS_MAX: i64 = 1_000_000_000;
const TIMES_MAX: u32 = 1_000_000;

/// Largest residual limit: what a fraction over a plan's `unit_den` can be.
const RESIDUAL_MAX: i128 = 1 << 126;

pub(super) fn admits(config: &Config, policy: &Policy) -> bool {
    let same = policy.venues.len() == config.venues.len()
        && policy.instruments.len() == config.instruments.len()
        && policy.accounts.len() == config.accounts.len()
        && policy.hedges.len() == config.hedges.len();
    let hedges = || config.hedges.iter().zip(policy.hedges.iter());
    same && policy.instruments.pairs().all(|(id, limits)| instrument(config, id, limits))
        && policy.venues.iter().copied().all(venue)
        && policy.accounts.iter().all(account)
        && hedges().all(|(hedge, limits)| self::hedge(config, hedge, limits))
        && sums(config, policy)
        && super::thresholds::admits(config, &policy.thresholds)
        && prove(config, policy).is_ok()
}

fn money(amount: Money) -> bool {
    SOME <= amount && amount <= MONEY_MAX
}

fn span(low: i64, found: Span) -> bool {
    (low..=Span::LONGEST.0).contains(&found.0)
}

fn instrument(config: &Config, id: InstrumentId, limits: &InstrumentLimits) -> bool {
    if !used(config, id) && *limits == CLOSED {
        return true;
    }
    money(limits.order_value)
        && (1..=config.instruments[id].price_max).contains(&limits.collar)
        && span(1, limits.age)
        && span(1, limits.skew)
        && limits.limit_distance >= 0
        && messages(limits.message_rate, limits.cancel_reserve)
        && limits.conduct.is_none_or(|budgets| super::budgets::admits(config, id, &budgets))
}

fn account(limits: &AccountLimits) -> bool {
    let cap = limits.usage_cap;
    (Ratio::ZERO < cap && cap <= Ratio::ONE && cap.den() <= RATE_DEN_MAX)
        && money(limits.day_loss)
        && messages(limits.message_rate, limits.cancel_reserve)
}

fn venue(limits: VenueLimits) -> bool {
    messages(limits.message_rate, limits.cancel_reserve)
}

fn messages(rate: u32, reserve: u32) -> bool {
    (2..=TIMES_MAX).contains(&rate) && (1..rate).contains(&reserve)
}

fn hedge(config: &Config, hedge: &Hedge, limits: &HedgeLimits) -> bool {
    let (plan, of) = (&hedge.plan, &limits.execution);
    let legs = u32::try_from(hedge.widest().legs.len()).unwrap_or(u32::MAX);
    sets(config, plan, &limits.size)
        && residuals(plan, &limits.size, of)
        && times(config, hedge.widest(), of)
        && hedge.roll.is_some() == limits.max_roll_cost.is_some()
        && limits.max_roll_cost.is_none_or(money)
        && money(of.max_loss)
        && money(of.max_loss_per_day)
        && of.max_loss <= of.max_loss_per_day
        && (1..=TRY_MAX).contains(&of.tries)
        && (legs..=TIMES_MAX).contains(&of.messages)
        && of.trims_per_day <= TIMES_MAX
        && flaw(config, hedge, limits).is_none()
}

fn sets(config: &Config, plan: &HedgePlan, size: &Size) -> bool {
    let bounded = (1..=SETS_MAX).contains(&size.max)
        && (1..=size.max).contains(&size.clip)
        && (0..=size.max).contains(&size.overnight)
        && (0..=size.max).contains(&size.holiday)
        && span(0, size.before_break);
    bounded
        && plan.legs.iter().filter(|leg| leg.lots.num() > 0).all(|leg| {
            let instrument = &config.instruments[leg.instrument];
            let (held, most) = (lots_at(leg, size.max + size.clip), lots_at(leg, size.clip));
            held <= LOTS_MAX
                && fits(&[held, i128::from(leg.units), MONEY_UNIT])
                && most <= i128::from(instrument.qty_max)
                && most >= i128::from(instrument.min_qty.get())
        })
}

fn residuals(plan: &HedgePlan, size: &Size, of: &Execution) -> bool {
    let (at_rest, live) = (of.max_residual, of.live_residual);
    if !(0..=live).contains(&at_rest) || live > RESIDUAL_MAX {
        return false;
    }
    let sized = || plan.legs.iter().filter(|leg| leg.lots.num() > 0);
    let lots = || sized().map(|leg| i128::from(leg.units));
    let (finest, coarsest) = (lots().min().unwrap_or(0), lots().max().unwrap_or(0));
    let clip = i128::from(size.clip) * i128::from(plan.set_units);
    at_rest >= finest - at_rest
        && live >= coarsest
        && live >= clip
        && misaligned(plan, size, at_rest).is_none()
}

fn times(config: &Config, plan: &HedgePlan, of: &Execution) -> bool {
    let answered = plan.legs.iter().all(|leg| {
        config.venues[config.accounts[leg.account].venue].ack_timeout <= of.finish_within
    });
    answered
        && span(1, of.finish_within)
        && span(1, of.order_timeout)
        && of.order_timeout <= of.finish_within
}

fn sums(config: &Config, policy: &Policy) -> bool {
    let known = policy.sums.iter().enumerate().all(|(at, sum)| {
        let (product, currency) = (sum.product, sum.currency);
        let earlier = policy.sums.iter().take(at);
        config.products.get(product).is_some()
            && config.currencies.get(currency).is_some()
            && sum.limit > Ratio::ZERO
            && earlier.into_iter().all(|row| (row.product, row.currency) != (product, currency))
    });
    known
        && config.hedges.iter().all(|hedge| {
            let plan = &hedge.plan;
            plan.legs.first().is_none_or(|first| {
                let product = config.instruments[first.instrument].product;
                let has = |sum: &crate::gate::SumResidual| {
                    sum.product == product && sum.currency == plan.currency
                };
                policy.sums.iter().any(has)
            })
        })
}
