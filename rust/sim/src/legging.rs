//! How the hedges of a run work their legs: about half of them all at once, the others in stages.

use cross_market_core::config::Config;
use cross_market_core::ids::LEGS_MAX;
use cross_market_core::legging::{
    Convert, LeanPrice, LegRule, Legging, Mode, Outside, Quoting, WhenThin,
};
use cross_market_core::num::{Money, Ratio};
use cross_market_core::quote::{HedgePlan, LegPlan};
use cross_market_core::signal::Measure;
use cross_market_core::time::Span;

use crate::random::Random;

/// Draws the modes of all hedges of a configuration.
pub(crate) fn draw(random: &mut Random, config: &mut Config) {
    let hedges: Vec<_> = config.hedges.ids().collect();
    for id in hedges {
        let Some(hedge) = config.hedges.get_mut(id) else { continue };
        let Some(limits) = config.policy.hedges.get_mut(id) else { continue };
        let sized: Vec<usize> = (0..hedge.plan.legs.len()).collect();
        let mode = match random.below(8) {
            0..4 => continue,
            4 => Mode::Simultaneous,
            5 => Mode::Sequential,
            _ => Mode::Quoting,
        };
        let mut legs = [LegRule::PLAIN; LEGS_MAX];
        for rule in legs.iter_mut().take(sized.len()) {
            *rule = leg(random);
        }
        let first = random.index(sized.len());
        for (at, rule) in legs.iter_mut().enumerate().take(sized.len()) {
            let also = mode == Mode::Quoting && random.below(3) == 0;
            rule.leads = mode != Mode::Simultaneous && (at == first || also);
            if mode == Mode::Simultaneous && at != first {
                let most = limits.execution.finish_within.0 / 4;
                rule.offset = Span(random.between(0, most));
            }
        }
        if mode == Mode::Quoting {
            hedge.rule.measure = match hedge.rule.measure {
                Measure::Spread | Measure::CounterPrice => Measure::CounterPrice,
                Measure::Ratio | Measure::GrossRatio => Measure::Ratio,
                Measure::Estimate => Measure::Estimate,
            };
        }
        let quote = match mode {
            Mode::Quoting => quoting(random, &hedge.plan, hedge.rule.measure),
            Mode::Simultaneous | Mode::Sequential => Quoting::NONE,
        };
        limits.legging = Legging { mode, legs, quote };
        let count = u32::try_from(sized.len()).unwrap_or(2);
        let kept = 2 * u32::from(limits.execution.tries) * count + 4 * count;
        let spare = u32::try_from(random.between(20, 80)).unwrap_or(20);
        limits.execution.messages = limits.execution.messages.max(kept + spare);
    }
}

/// Draws for about half of the hedges how those of their legs follow that do; what a leg that follows
/// no other says of it is taken back.
pub(crate) fn rule(random: &mut Random, config: &mut Config) {
    let hedges: Vec<_> = config.hedges.ids().collect();
    for id in hedges {
        let Some(plan) = config.hedges.get(id).map(|hedge| hedge.plan.clone()) else { continue };
        let Some(limits) = config.policy.hedges.get_mut(id) else { continue };
        let Legging { mode, legs, .. } = &mut limits.legging;
        let leads: Vec<bool> = legs.iter().map(|rule| rule.leads).collect();
        let offsets = legs.iter().take(plan.legs.len()).map(|rule| rule.offset);
        let first = offsets.min().unwrap_or(Span::ZERO);
        let draws = random.below(2) == 0;
        for (at, (rule, leg)) in legs.iter_mut().zip(&plan.legs).enumerate() {
            let others = leads.iter().enumerate().any(|(other, leads)| other != at && *leads);
            let follows = match mode {
                Mode::Simultaneous => rule.offset > first,
                Mode::Sequential | Mode::Quoting => others,
            };
            if !follows || leg.lots.num() == 0 {
                *rule = LegRule { leads: rule.leads, offset: rule.offset, ..LegRule::PLAIN };
            } else if draws {
                follow(random, *mode, leg, rule);
            }
        }
    }
}

/// Draws how one leg follows.
fn follow(random: &mut Random, mode: Mode, leg: &LegPlan, rule: &mut LegRule) {
    if random.below(3) == 0 {
        // About so many ticks: a rate, where there is one, is of the order of one to ten.
        let tick = i128::from(leg.tick_num) / i128::from(leg.tick_den.max(1));
        let rate = if leg.fx.is_some() { 50_000 } else { 1 };
        let money = Money(tick.max(1) * rate * i128::from(random.between(1, 8)));
        rule.slip_money = Some(money);
    }
    if random.below(3) == 0 {
        rule.slip_rate = Ratio::new(i128::from(random.between(1, 60)), 10_000).ok();
    }
    let has_slip = rule.slip_money.is_some() || rule.slip_rate.is_some();
    if has_slip && random.below(2) == 0 {
        rule.slip = None;
    }
    if rule.leads && mode == Mode::Quoting {
        let ways = [Convert::Never, Convert::Attempt, Convert::Always, Convert::KeepQueue];
        rule.convert = *random.pick(&ways).unwrap_or(&Convert::Never);
    }
    if rule.rests {
        rule.take_after = u16::try_from(random.between(0, 3)).unwrap_or(0);
        if rule.chase > 0 || rule.take_after > 0 {
            rule.chase_away = random.between(0, 3);
            rule.chase_ahead = random.between(0, 20);
        }
    }
    if mode != Mode::Simultaneous {
        rule.hedge_from = random.between(0, 3);
    }
}

fn leg(random: &mut Random) -> LegRule {
    let slip = random.between(0, 6);
    LegRule {
        leads: false,
        offset: Span::ZERO,
        pay_up: random.between(-2, 3),
        chase: random.between(0, 3),
        slip: Some(slip),
        rests: random.below(3) == 0,
        ..LegRule::PLAIN
    }
}

/// A tick of the price of a common unit, about, in the unit of the band: numerator and denominator.
fn tick(measure: Measure) -> (i64, i128) {
    match measure {
        Measure::Ratio | Measure::GrossRatio => (1, 10_000),
        Measure::Spread | Measure::CounterPrice | Measure::Estimate => (2, 100),
    }
}

/// Draws for about half of the hedges that quote what each slice asks beyond the one before it.
pub(crate) fn reload(random: &mut Random, config: &mut Config) {
    let hedges: Vec<_> = config.hedges.ids().collect();
    for id in hedges {
        let Some(measure) = config.hedges.get(id).map(|hedge| hedge.rule.measure) else { continue };
        let Some(limits) = config.policy.hedges.get_mut(id) else { continue };
        if limits.legging.mode == Mode::Quoting && random.below(2) == 0 {
            let (num, den) = tick(measure);
            let ratio = Ratio::new(i128::from(random.between(-3, 3) * num), den);
            limits.legging.quote.reload = ratio.unwrap_or(Ratio::ZERO);
        }
    }
}

fn quoting(random: &mut Random, plan: &HedgePlan, measure: Measure) -> Quoting {
    let step = tick(measure);
    let mut slop = || {
        let ratio = Ratio::new(i128::from(random.between(0, 4) * step.0), step.1);
        ratio.unwrap_or(Ratio::ZERO)
    };
    let (slop_inside, slop_outside) = (slop(), slop());
    let times = Ratio::new(i128::from(random.between(1, 3)), 2).unwrap_or(Ratio::ONE);
    Quoting {
        lean_base: random.between(0, i64::from(plan.legs.len() > 2)),
        lean_times: times.max(Ratio::ONE),
        lean_price: *random
            .pick(&[LeanPrice::Worst, LeanPrice::Average, LeanPrice::Touch])
            .unwrap_or(&LeanPrice::Worst),
        when_thin: *random
            .pick(&[
                WhenThin::Pull,
                WhenThin::Return,
                WhenThin::ShrinkToTouch,
                WhenThin::ShrinkToDepth,
            ])
            .unwrap_or(&WhenThin::Return),
        slop_inside,
        slop_outside,
        reload: Ratio::ZERO,
        min_reprice: random.between(0, 3),
        max_reprice: random.between(3, 60),
        raise_by: random.between(1, 3),
        range: random.between(0, 20),
        outside: *random
            .pick(&[Outside::Pull, Outside::Leave, Outside::Away])
            .unwrap_or(&Outside::Pull),
        refresh: Span::millis(if random.below(2) == 0 { 0 } else { random.between(20, 300) }),
        rest_within: Span::millis(random.between(50, 1_500)),
    }
}
