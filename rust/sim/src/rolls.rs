//! Hedges that roll into a next one: runs that have one, and what must hold of their Rolls.

use std::collections::BTreeMap;

use cross_market_core::command::{Alert, AlertCode, Command, Subject};
use cross_market_core::config::{Config, roll_plan};
use cross_market_core::event::{Scope, Verb};
use cross_market_core::gate::Policy;
use cross_market_core::ids::{ClientOrderId, HedgeId, Id, InstrumentId, LEGS_MAX, LegId, Table};
use cross_market_core::instrument::Settlement;
use cross_market_core::num::{Money, Price, Side};
use cross_market_core::order::Place;
use cross_market_core::quote::{Kind, LegLots, Purpose, RollPlan};
use cross_market_core::time::Span;

use crate::market::Quote;
use crate::random::Random;

/// One run in so many is such a run.
const SELDOM: u64 = 4;

/// Gives the first hedge of a run a next one now and then: the same legs on contracts of their own,
/// each beside the one that it follows. From a stream of its own, so that all others stay as they
/// are. What the desk says of it comes back.
pub(crate) fn draw(
    seed: u64,
    config: &mut Config,
    quotes: &mut Vec<Quote>,
    lasts: Span,
) -> Vec<(Span, Verb)> {
    let mut random = Random::stream(seed, 12);
    let (near, far) = (HedgeId(0), HedgeId::at(config.hedges.len()));
    let (Some(hedge), Some(limits)) = (config.hedges.get(near), config.policy.hedges.get(near))
    else {
        return Vec::new();
    };
    if random.below(SELDOM) > 0 {
        return Vec::new();
    }
    let (mut hedge, mut limits) = (hedge.clone(), *limits);
    "next".clone_into(&mut hedge.plan.name);
    limits.crossing = false;
    // Else both begin at once, and nothing rolls into what is busy.
    if random.below(4) > 0 {
        hedge.rule.persist = 1_000_000;
    }
    let mut instruments: Vec<_> = config.instruments.iter().cloned().collect();
    let mut rows: Vec<_> = config.policy.instruments.iter().copied().collect();
    let mut grids: Vec<_> = config.grids.iter().copied().collect();
    let mut places = hedge.plan.legs.len();
    for leg in &mut hedge.plan.legs {
        let expires = config
            .instruments
            .get(leg.instrument)
            .is_some_and(|of| of.settlement != Settlement::Upfront);
        if !expires || places == LEGS_MAX || random.below(3) == 0 {
            continue;
        }
        let after = InstrumentId::at(instruments.len());
        let (Some(of), Some(row), Some(grid)) = (
            config.instruments.get(leg.instrument),
            config.policy.instruments.get(leg.instrument),
            config.grids.get(leg.instrument),
        ) else {
            continue;
        };
        let mut of = of.clone();
        of.name = format!("{}n", of.name);
        instruments.push(of);
        rows.push(*row);
        grids.push(*grid);
        let basis = random.between(-20, 20);
        let quote = quotes.iter().find(|quote| quote.instrument == leg.instrument).copied();
        quotes.extend(quote.map(|quote| Quote {
            instrument: after,
            mid: quote.mid + basis,
            ..quote
        }));
        leg.instrument = after;
        places += 1;
    }
    let table = Table::new(instruments);
    let Some(plan) = config.hedges.get(near).map(|own| &own.plan) else { return Vec::new() };
    let Ok(roll) = roll_plan(plan, far, &hedge.plan, &table) else { return Vec::new() };
    (config.instruments, config.grids) = (table, Table::new(grids));
    config.policy.instruments = Table::new(rows);
    let cap = if random.below(4) == 0 { random.between(1, 60) } else { 10_000_000 };
    let mut hedges: Vec<_> = config.hedges.iter().cloned().collect();
    let mut all: Vec<_> = config.policy.hedges.iter().copied().collect();
    hedges.push(hedge);
    all.push(limits);
    if let (Some(own), Some(row)) = (hedges.first_mut(), all.first_mut()) {
        own.roll = Some(roll);
        row.max_roll_cost = Some(Money::units(cap));
    }
    config.hedges = Table::new(hedges);
    config.policy.hedges = Table::new(all);
    verbs(&mut random, [near, far], lasts)
}

fn verbs(random: &mut Random, [near, far]: [HedgeId; 2], lasts: Span) -> Vec<(Span, Verb)> {
    let mut said = Vec::new();
    let at = |random: &mut Random| Span(random.between(lasts.0 / 8, lasts.0));
    for _ in 0..random.between(4, 14) {
        said.push((at(random), Verb::Roll { hedge: near }));
    }
    match random.below(8) {
        0 => said.push((at(random), Verb::Flatten(Scope::Hedge(far)))),
        1 => said.push((at(random), Verb::Stop(Scope::Hedge(far)))),
        2 => said.push((at(random), Verb::Kill(Scope::Hedge(far)))),
        3 => said.push((at(random), Verb::Exit { hedge: far, sets: None, over: Span::ZERO })),
        4 => {
            let sets = random.between(1, 2);
            said.push((
                at(random),
                Verb::Enter { hedge: far, sets, at_least: None, over: Span::ZERO },
            ));
        }
        _ => {}
    }
    said
}

/// The plan of the Roll that an order or attempt of this kind is of.
pub(crate) fn of_kind(config: &Config, hedge: HedgeId, kind: Kind) -> Option<&RollPlan> {
    config.hedges.get(hedge).and_then(|of| of.roll.as_ref()).filter(|_| kind == Kind::Roll)
}

/// Whose leg an order trades.
pub(crate) fn owner(config: &Config, place: &Place) -> (HedgeId, usize) {
    let leg = usize::from(place.order.leg().0);
    of_leg(config, (place.hedge, leg), place.kind)
}

/// Whose leg a place of an attempt of this kind is.
pub(crate) fn of_leg(
    config: &Config,
    (hedge, leg): (HedgeId, usize),
    kind: Kind,
) -> (HedgeId, usize) {
    let Some(roll) = of_kind(config, hedge, kind) else { return (hedge, leg) };
    let own = roll.plan.legs.len() - roll.entered.len();
    match leg.checked_sub(own).and_then(|at| roll.entered.get(at)) {
        Some(LegId(after)) => (roll.next, usize::from(*after)),
        None => (hedge, leg),
    }
}

/// What stands at the places of a Roll, given what every hedge holds.
pub(crate) fn ledger(config: &Config, hedge: HedgeId, inventory: &[LegLots]) -> LegLots {
    let mut lots = [0; LEGS_MAX];
    let Some(roll) = of_kind(config, hedge, Kind::Roll) else { return lots };
    let trading = roll.plan.legs.iter().enumerate().filter(|(_, leg)| leg.lots.num() != 0);
    for (at, _) in trading {
        let (of, place) = of_leg(config, (hedge, at), Kind::Roll);
        if let (Some(lots), Some(held)) =
            (lots.get_mut(at), inventory.get(of.index()).and_then(|held| held.get(place)))
        {
            *lots = *held;
        }
    }
    lots
}

/// Slices of Rolls that are sure to cost more for each set than they may: what trades gives at least
/// half of its book's spread away, and a leg's lots are of no more sets than would round to them.
/// Legs in another currency are left out, as are fees and all beyond the touch.
pub(crate) fn dear(
    config: &Config,
    policy: &Policy,
    commands: &[Command],
    best: &dyn Fn(InstrumentId, Side) -> Option<Price>,
) -> Vec<String> {
    let mut slices: BTreeMap<HedgeId, (i128, LegLots)> = BTreeMap::new();
    for command in commands {
        let Command::Place(place) = command else { continue };
        if place.kind != Kind::Roll || place.purpose != Purpose::Work {
            continue;
        }
        let Some(roll) = of_kind(config, place.hedge, Kind::Roll) else { continue };
        let at = usize::from(place.order.leg().0);
        let (cost, lots) = slices.entry(place.hedge).or_default();
        if let Some(lots) = lots.get_mut(at) {
            *lots += place.qty.get();
        }
        let own = roll.plan.legs.get(at).is_some_and(|leg| leg.fx.is_none());
        let tick = config.instruments.get(place.instrument).map(|of| of.tick_value.0);
        let touch = (best(place.instrument, Side::Buy), best(place.instrument, Side::Sell));
        if let (true, Some(tick), (Some(bid), Some(ask))) = (own, tick, touch) {
            *cost += tick * i128::from(ask.0 - bid.0) * i128::from(place.qty.get());
        }
    }
    let mut found = Vec::new();
    for (hedge, (cost, lots)) in slices {
        let Some(roll) = of_kind(config, hedge, Kind::Roll) else { continue };
        let sets = roll.plan.legs.iter().zip(lots).filter(|(_, lots)| *lots > 0);
        let sets = sets.map(|(leg, lots)| {
            let (num, den) = (i128::from(leg.lots.num()), i128::from(leg.lots.den()));
            // A slice is rounded where it begins and where it ends.
            (i128::from(lots) + i128::from(den > 1)) * den / num.abs().max(1)
        });
        let sets = sets.min().unwrap_or(0).max(1);
        let most = policy.hedges.get(hedge).and_then(|limits| limits.max_roll_cost);
        let most = most.unwrap_or(Money::ZERO);
        if cost > 2 * most.0 * sets {
            found.push(format!(
                "{hedge:?}: {} for {sets} sets, at most {most} each",
                Money(cost / 2)
            ));
        }
    }
    found
}

/// Whether a Roll that moves lots of a hedge ends by this alert.
pub(crate) fn ends(config: &Config, alert: &Alert, hedge: HedgeId) -> bool {
    let Subject::Attempt(decision) = alert.subject else { return false };
    let next = |of: ClientOrderId| of_kind(config, of.hedge(), Kind::Roll).map(|roll| roll.next);
    alert.code == AlertCode::AttemptEnded
        && (decision.hedge() == hedge || next(decision) == Some(hedge))
        && next(decision).is_some()
}
