//! Which hedge follows which, and what moving a set from one to the other trades.
#![expect(clippy::indexing_slicing, reason = "tables are indexed by ids looked up in them")]

use super::things::unknown;
use super::tree::{Checked, Node};
use super::{Config, Hedge};
use crate::ids::{HedgeId, Id, InstrumentId, LEGS_MAX, LegId, Table};
use crate::instrument::Instrument;
use crate::num::Ratio;
use crate::quote::{HedgePlan, LegPlan, RollPlan};

/// Finds the hedge that each names as its next.
pub(super) fn read(
    hedges: &mut [Hedge],
    nexts: &[Option<Node<'_>>],
    config: &Config,
) -> Checked<()> {
    let names: Vec<String> = hedges.iter().map(|hedge| hedge.plan.name.clone()).collect();
    let mut places = vec![None; hedges.len()];
    for (node, place) in nexts.iter().zip(&mut places) {
        let Some(node) = node else { continue };
        let name = node.as_text().unwrap_or_default();
        let found = names.iter().position(|known| known == name);
        *place = Some(found.ok_or_else(|| unknown("hedge", &names, node, name))?);
    }
    for (at, node) in nexts.iter().enumerate() {
        let (Some(node), Some(next)) = (node, places[at]) else { continue };
        if leads_back(&places, at) {
            return Err(node.refuse("a hedge that does not lead back to this one"));
        }
        let (own, other) = (&hedges[at].plan, &hedges[next].plan);
        let plan = roll_plan(own, HedgeId::at(next), other, &config.instruments);
        let plan = plan.map_err(|expected| node.refuse(expected))?;
        hedges[at].roll = Some(plan);
    }
    Ok(())
}

/// Whether a hedge is the next of its next, however far on.
fn leads_back(places: &[Option<usize>], first: usize) -> bool {
    let mut at = first;
    for _ in places {
        match places[at] {
            Some(next) if next == first => return true,
            Some(next) => at = next,
            None => return false,
        }
    }
    // Round and round, and never to where it began: another hedge is told.
    false
}

/// What one set trades that moves from a hedge to the next.
///
/// # Errors
/// What was expected of the next hedge, in words.
pub fn roll_plan(
    own: &HedgePlan,
    next: HedgeId,
    other: &HedgePlan,
    instruments: &Table<InstrumentId, Instrument>,
) -> Result<RollPlan, String> {
    if own.currency != other.currency {
        return Err(format!("a hedge in the same currency; {} is in another", other.name));
    }
    if own.legs.len() != other.legs.len() {
        let (legs, wanted) = (other.legs.len(), own.legs.len());
        return Err(format!("a hedge of as many legs, {wanted}; {} has {legs}", other.name));
    }
    if (own.unit_den, own.set_units) != (other.unit_den, other.set_units) {
        return Err(format!("a hedge of as many units in one set; {} has others", other.name));
    }
    let mut plan = own.clone();
    let mut entered = Vec::new();
    for (place, (leg, after)) in own.legs.iter().zip(&other.legs).enumerate() {
        check_leg(place, leg, after, instruments)?;
        let moves = leg.instrument != after.instrument && leg.lots != Ratio::ZERO;
        if moves {
            plan.legs[place].side = leg.side.flip();
            plan.legs.push(*after);
            entered.push(LegId::at(place));
        } else {
            plan.legs[place].lots = Ratio::ZERO;
        }
    }
    if entered.is_empty() {
        return Err("a hedge with another instrument on at least one leg that has lots".to_owned());
    }
    if plan.legs.len() > LEGS_MAX {
        let places = plan.legs.len();
        return Err(format!(
            "legs and those that expire again, {LEGS_MAX} at most; there are {places}"
        ));
    }
    let traded = || plan.legs.iter().filter(|leg| leg.lots != Ratio::ZERO);
    for (place, leg) in traded().enumerate() {
        if traded().take(place).any(|other| other.instrument == leg.instrument) {
            let name = &instruments[leg.instrument].name;
            return Err(format!(
                "every contract in one of the legs that move; {name} is in two of them, and its \
                 orders would meet"
            ));
        }
    }
    Ok(RollPlan { next, plan, entered })
}

/// Whether a leg can take the place of another.
fn check_leg(
    place: usize,
    leg: &LegPlan,
    after: &LegPlan,
    instruments: &Table<InstrumentId, Instrument>,
) -> Result<(), String> {
    let currency = |leg: &LegPlan| instruments[leg.instrument].currency;
    if (leg.side, leg.lots, leg.units) != (after.side, after.lots, after.units) {
        return Err(format!("legs of the same side, lots and units; legs[{place}] has others"));
    }
    if currency(leg) != currency(after) || leg.fx != after.fx {
        return Err(format!("legs in the same currency at the same rate; not so legs[{place}]"));
    }
    if leg.instrument == after.instrument && leg.account != after.account {
        return Err(format!(
            "the account of legs[{place}]: what does not expire stays where it is"
        ));
    }
    Ok(())
}
