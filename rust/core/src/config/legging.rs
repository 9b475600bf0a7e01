//! How the legs of a hedge are worked: modes, and how quotes are priced, sized and moved.
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::tree::{Checked, Node};
use super::{Config, Hedge, MONEY_MAX};
use crate::gate::HedgeLimits;
use crate::ids::LEGS_MAX;
use crate::legging::{Convert, LeanPrice, LegRule, Legging, Mode, Outside, Quoting, WhenThin};
use crate::num::{Money, Ratio};
use crate::quote::HedgePlan;
use crate::signal::Measure;
use crate::time::Span;

/// Most ticks, or lots, that a value here may count.
const TICKS_MAX: i64 = 1_000_000_000;

/// Most steps after which a leg takes.
const STEPS_MAX: i64 = 1_000;

/// Reads the value of one hedge; `null` sends all legs at once.
pub(super) fn read(plan: &HedgePlan, node: &Node<'_>) -> Checked<Legging> {
    let Some(node) = node.clone().optional() else { return Ok(Legging::AT_ONCE) };
    let [mode, legs_node, quote] = node.fields(["mode", "legs", "quote"])?;
    let mode = mode.choice(&[
        ("simultaneous", Mode::Simultaneous),
        ("sequential", Mode::Sequential),
        ("quoting", Mode::Quoting),
    ])?;
    let rows = legs_node.list()?;
    if rows.len() != plan.legs.len() {
        let legs = plan.legs.len();
        return Err(legs_node.refuse(format!("one value for each of the {legs} legs")));
    }
    let mut legs = [LegRule::PLAIN; LEGS_MAX];
    for (rule, row) in legs.iter_mut().zip(&rows) {
        *rule = leg(row)?;
    }
    let quote = match (mode, quote.clone().optional()) {
        (Mode::Quoting, Some(node)) => quoting(&node)?,
        (Mode::Quoting, None) => return Err(quote.refuse("how quotes are handled")),
        (Mode::Simultaneous | Mode::Sequential, None) => Quoting::NONE,
        (Mode::Simultaneous | Mode::Sequential, Some(node)) => {
            return Err(node.refuse("null: in this mode no leg rests"));
        }
    };
    Ok(Legging { mode, legs, quote })
}

/// What does not fit of how a hedge is worked; `None` where all does.
pub(super) fn flaw(config: &Config, hedge: &Hedge, limits: &HedgeLimits) -> Option<String> {
    let Hedge { plan, rule, roll: _, tolerance: _, strategy: _ } = hedge;
    let HedgeLimits { execution, legging, .. } = limits;
    let Legging { mode, legs, quote } = legging;
    if *legging == Legging::AT_ONCE {
        return None;
    }
    let sized = |at: usize| plan.legs.get(at).is_some_and(|leg| leg.lots.num() != 0);
    let leads = (0..LEGS_MAX).filter(|at| legs[*at].leads);
    if leads.clone().any(|at| !sized(at)) {
        return Some("no leg that leads and has no lots".to_owned());
    }
    let most = config.most_ticks(plan);
    if !legs.iter().all(|rule| in_bounds(rule, most)) {
        let ticks = "pay_up, chase, slip and chase_away";
        return Some(format!("{ticks} of at most {most} ticks, the price_max"));
    }
    if legs.iter().any(|rule| !(Span::ZERO..=execution.finish_within).contains(&rule.offset)) {
        return Some("offset_ns of at most finish_within_ns".to_owned());
    }
    let is_offset = legs.iter().any(|rule| rule.offset > Span::ZERO);
    if is_offset && *mode != Mode::Simultaneous {
        return Some("offset_ns only in mode simultaneous".to_owned());
    }
    let rests = |at: usize| legs[at].rests || legs[at].leads && *mode == Mode::Quoting;
    let nowhere = |leg: &crate::quote::LegPlan| {
        config.venues[config.accounts[leg.account].venue].rests.is_none()
    };
    let stuck = plan.legs.iter().enumerate().find(|(at, leg)| rests(*at) && nowhere(leg));
    if let Some((_, leg)) = stuck {
        let venue = &config.venues[config.accounts[leg.account].venue].name;
        return Some(format!("no order that rests at {venue}, whose rests is null"));
    }
    let legs_count = u32::try_from(plan.legs.len()).unwrap_or(u32::MAX);
    let kept = 2 * u32::from(execution.tries) * legs_count + 4 * legs_count;
    if legging.is_staged() && execution.messages <= kept {
        return Some(format!(
            "messages of more than {kept}: so many are kept for mending, two for each try"
        ));
    }
    let leads = leads.count();
    if let Some(flaw) = (0..LEGS_MAX).find_map(|at| rule_flaw(legging, sized, at)) {
        return Some(flaw);
    }
    match mode {
        Mode::Simultaneous if leads > 0 => {
            Some("no leg that leads: in mode simultaneous none does".to_owned())
        }
        Mode::Sequential if leads != 1 => {
            Some("exactly one leg that leads in mode sequential".to_owned())
        }
        Mode::Quoting if leads == 0 => Some("at least one leg that leads: it rests".to_owned()),
        Mode::Simultaneous | Mode::Sequential => None,
        Mode::Quoting => quoting_flaw(rule.measure, quote, most),
    }
}

fn in_bounds(rule: &LegRule, most: i64) -> bool {
    let ticks = [rule.pay_up, rule.chase, rule.slip.unwrap_or(0), rule.chase_away];
    let has_slip = rule.slip.is_some() || rule.slip_money.is_some() || rule.slip_rate.is_some();
    ticks.iter().all(|ticks| ticks.abs() <= most)
        && rule.chase >= 0
        && rule.chase_away >= 0
        && [rule.chase_ahead, rule.hedge_from].iter().all(|lots| (0..=TICKS_MAX).contains(lots))
        && i64::from(rule.take_after) <= STEPS_MAX
        && has_slip
        && rule.slip_money.is_none_or(|money| money >= Money(1) && money <= MONEY_MAX)
        && rule.slip_rate.is_none_or(|rate| rate > Ratio::ZERO && rate <= Ratio::ONE)
}

/// What a leg's values say that can never come about.
fn rule_flaw(legging: &Legging, sized: impl Fn(usize) -> bool, at: usize) -> Option<String> {
    let Legging { mode, legs, .. } = legging;
    let rule = &legs[at];
    let others_lead = (0..LEGS_MAX).any(|other| other != at && legs[other].leads);
    let follows = match mode {
        Mode::Simultaneous => {
            let offsets = (0..LEGS_MAX).filter(|at| sized(*at)).map(|at| legs[at].offset);
            offsets.min().is_some_and(|first| rule.offset > first)
        }
        Mode::Sequential | Mode::Quoting => others_lead,
    };
    let LegRule { leads, offset, .. } = *rule;
    if !(follows && sized(at)) && *rule != (LegRule { leads, offset, ..LegRule::PLAIN }) {
        let values = "pay_up, chase, slip, rests and what else says how a leg follows";
        return Some(format!("{values} only for one with lots that follows another"));
    }
    if rule.convert != Convert::Never && !(leads && *mode == Mode::Quoting) {
        return Some("convert only for a leg that rests beside another one that rests".to_owned());
    }
    if rule.hedge_from > 0 && *mode == Mode::Simultaneous {
        return Some("hedge_from of 0 in mode simultaneous: no leg waits for fills".to_owned());
    }
    let asks = rule.chase_away > 0 || rule.chase_ahead > 0;
    if (asks || rule.take_after > 0) && !rule.rests {
        return Some("chase_away, chase_ahead and take_after of 0 where rests is false".to_owned());
    }
    let has_step = rule.chase > 0 || rule.take_after > 0;
    (asks && !has_step).then(|| "a chase or take_after for chase_away and chase_ahead".to_owned())
}

fn quoting_flaw(measure: Measure, quote: &Quoting, most: i64) -> Option<String> {
    match measure {
        Measure::CounterPrice | Measure::Ratio | Measure::Estimate => {}
        Measure::Spread | Measure::GrossRatio => {
            return Some("a net measure: no price can be solved from a gross one".to_owned());
        }
    }
    let counts = [quote.lean_base, quote.raise_by, quote.range, quote.min_reprice];
    let in_bounds = counts.iter().chain([&quote.max_reprice]).all(|n| (0..=TICKS_MAX).contains(n));
    if !in_bounds || quote.range > most || quote.max_reprice < 1 || quote.raise_by < 1 {
        return Some(format!("range of at most {most} ticks, max_reprice and raise_by above 0"));
    }
    let spans = quote.refresh >= Span::ZERO && quote.refresh <= Span::LONGEST;
    if !spans || !(Span(1)..=Span::LONGEST).contains(&quote.rest_within) {
        return Some("refresh_ns of 0 or more, rest_within_ns above 0".to_owned());
    }
    let slops = [quote.slop_inside, quote.slop_outside];
    if slops.iter().any(|slop| *slop < Ratio::ZERO) || quote.lean_times <= Ratio::ZERO {
        return Some("slop of 0 or more, lean_times above 0".to_owned());
    }
    None
}

fn leg(node: &Node<'_>) -> Checked<LegRule> {
    let [
        leads,
        offset,
        pay_up,
        chase,
        slip_node,
        slip_money,
        slip_rate,
        rests,
        convert,
        chase_away,
        chase_ahead,
        take_after,
        hedge_from,
    ] = node.fields([
        "leads",
        "offset_ns",
        "pay_up",
        "chase",
        "slip",
        "slip_money",
        "slip_rate",
        "rests",
        "convert",
        "chase_away",
        "chase_ahead",
        "take_after",
        "hedge_from",
    ])?;
    let [slip, money, rate] = [&slip_node, &slip_money, &slip_rate].map(|at| at.clone().optional());
    if slip.is_none() && money.is_none() && rate.is_none() {
        return Err(slip_node.refuse("ticks, where neither slip_money nor slip_rate is given"));
    }
    let ticks = "most ticks beyond the price leaned on";
    let slip = slip.map(|node| node.whole(-TICKS_MAX, TICKS_MAX, ticks)).transpose()?;
    let of_a_lot = "most beyond the price leaned on, of one lot";
    let money = money.map(|node| node.money_from(Money(1), of_a_lot)).transpose()?;
    let rate = rate.map(|node| part(&node)).transpose()?;
    Ok(LegRule {
        leads: leads.flag()?,
        offset: offset.span(Span::ZERO, "how long after the slice begins")?,
        pay_up: pay_up.whole(-TICKS_MAX, TICKS_MAX, "ticks beyond the price leaned on")?,
        chase: chase.whole(0, TICKS_MAX, "ticks added with each try")?,
        slip,
        slip_money: money,
        slip_rate: rate,
        rests: rests.flag()?,
        convert: convert.choice(&[
            ("never", Convert::Never),
            ("attempt", Convert::Attempt),
            ("always", Convert::Always),
            ("keep_queue", Convert::KeepQueue),
        ])?,
        chase_away: chase_away.whole(0, TICKS_MAX, "ticks behind the best price, 0 for never")?,
        chase_ahead: chase_ahead.whole(0, TICKS_MAX, "lots ahead of it, 0 for never")?,
        take_after: take_after.count(0, STEPS_MAX, "steps after which it takes, 0 for never")?,
        hedge_from: hedge_from.whole(0, TICKS_MAX, "lots from which on it follows, 0 for any")?,
    })
}

fn part(node: &Node<'_>) -> Checked<Ratio> {
    let what = "a part of the price leaned on, above 0 and at most 1";
    let part = node.ratio_above_zero(what)?;
    if part > Ratio::ONE { Err(node.refuse(what)) } else { Ok(part) }
}

fn quoting(node: &Node<'_>) -> Checked<Quoting> {
    let [
        lean_base,
        lean_times_node,
        lean_price,
        when_thin,
        slop_inside,
        slop_outside,
        reload,
        min_reprice,
        max_reprice,
        raise_by,
        range,
        outside,
        refresh,
        rest_within,
    ] = node.fields([
        "lean_base",
        "lean_times",
        "lean_price",
        "when_thin",
        "slop_inside",
        "slop_outside",
        "reload",
        "min_reprice",
        "max_reprice",
        "raise_by",
        "range",
        "outside",
        "refresh_ns",
        "rest_within_ns",
    ])?;
    let slop = |node: &Node<'_>| -> Checked<Ratio> {
        let what = "a distance in the band's unit, 0 or more";
        let slop = node.ratio(what)?;
        if slop < Ratio::ZERO { Err(node.refuse(what)) } else { Ok(slop) }
    };
    let lean_times = lean_times_node.ratio_above_zero("how many times the lots that are needed")?;
    Ok(Quoting {
        lean_base: lean_base.whole(0, TICKS_MAX, "lots beyond those that are needed")?,
        lean_times,
        lean_price: lean_price.choice(&[
            ("worst", LeanPrice::Worst),
            ("average", LeanPrice::Average),
            ("touch", LeanPrice::Touch),
        ])?,
        when_thin: when_thin.choice(&[
            ("pull", WhenThin::Pull),
            ("return", WhenThin::Return),
            ("shrink_to_touch", WhenThin::ShrinkToTouch),
            ("shrink_to_depth", WhenThin::ShrinkToDepth),
        ])?,
        slop_inside: slop(&slop_inside)?,
        slop_outside: slop(&slop_outside)?,
        reload: reload.ratio("a distance in the band's unit, of either sign")?,
        min_reprice: min_reprice.whole(0, TICKS_MAX, "ticks that do not move a quote")?,
        max_reprice: max_reprice.whole(1, TICKS_MAX, "most ticks that a quote moves at once")?,
        raise_by: raise_by.whole(1, TICKS_MAX, "lots by which a quote grows at least")?,
        range: range.whole(0, TICKS_MAX, "ticks from the best price of its side")?,
        outside: outside.choice(&[
            ("pull", Outside::Pull),
            ("leave", Outside::Leave),
            ("away", Outside::Away),
        ])?,
        refresh: refresh.span(Span::ZERO, "how often a quote is put where it belongs")?,
        rest_within: rest_within.span(Span(1), "how long quotes may wait")?,
    })
}
