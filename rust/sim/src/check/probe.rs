//! What an engine says of itself, held against what its events told and against the venues.

use std::fmt::Debug;

use cross_market_core::ids::{AccountId, HedgeId, Id, InstrumentId};
use cross_market_core::num::{Money, Side};
use cross_market_core::quote::LegLots;

use crate::margins;
use crate::truth::Unpaid;
use crate::world::World;

use super::Checker;

/// What the rules ask of an engine once all is quiet.
pub struct Probe<'a> {
    /// Signed lots it believes to hold.
    pub position: &'a dyn Fn(AccountId, InstrumentId) -> i64,
    /// Orders it believes to be alive or unknown.
    pub live_orders: &'a dyn Fn() -> usize,
    /// Signed lots of every leg of a hedge.
    pub inventory: &'a dyn Fn(HedgeId) -> LegLots,
    /// The open lots of one side of a position, and what they have cost in ticks × lots.
    pub open: &'a dyn Fn(AccountId, InstrumentId, Side) -> (i64, i128),
    /// Margin of the positions of an account.
    pub margin: &'a dyn Fn(AccountId) -> Money,
    /// Residual of a hedge, in common units over its `unit_den`.
    pub residual: &'a dyn Fn(HedgeId) -> i128,
    /// Money it holds for orders and attempts, quarantine included.
    pub held: &'a dyn Fn(AccountId) -> Money,
    /// Balance without unrealised results.
    pub cash: &'a dyn Fn(AccountId) -> Money,
    /// What it has locked in for prompts to come of an instrument.
    pub forward: &'a dyn Fn(AccountId, InstrumentId) -> Money,
    /// Price and lots of the levels of a book, best first.
    pub levels: &'a dyn Fn(InstrumentId, Side) -> Vec<(i64, i64)>,
}

impl Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

/// After news of orders, money or positions: inventories, positions and balances are what events
/// have told of them.
pub fn as_told(world: &mut World, probe: &Probe<'_>) {
    let found = world.checker_mut().map(|check| as_events_tell(check, probe));
    tell(world, found.unwrap_or_default());
}

/// Where inventories, positions or balances are not what events have told of them.
pub fn as_events_tell(check: &mut Checker, probe: &Probe<'_>) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for account in check.config.accounts.ids() {
        check.bounds.note_cash(account, (probe.cash)(account));
    }
    for hedge in check.config.hedges.ids() {
        let (ours, told) = ((probe.inventory)(hedge), check.inventory.get(hedge.index()));
        if Some(&ours) != told {
            let text = format!("hedge {}: {ours:?}, told {told:?}", hedge.0);
            found.push(("inventory_as_told", text));
        }
    }
    for (account, instrument, told) in check.told.positions() {
        let ours = (probe.position)(account, instrument);
        if ours != told {
            let text = format!("account {} instrument {}", account.0, instrument.0);
            found.push(("position_as_told", format!("{text}: {ours}, told {told}")));
        }
    }
    for account in check.config.accounts.ids() {
        let ours = (probe.cash)(account);
        let open = |instrument, side| (probe.open)(account, instrument, side).1;
        let cost = |instrument| open(instrument, Side::Buy) - open(instrument, Side::Sell);
        let forward = |instrument| (probe.forward)(account, instrument);
        let told = check.told.balance(&check.config, account, &cost, &forward);
        if ours != told {
            let text = format!("account {}: {ours}, told {told}", account.0);
            found.push(("cash_as_told", text));
        }
        let margin = (probe.margin)(account);
        let owed = margins::owed(&check.config, &check.rates, account, probe.open);
        // Netted orders that were to close lots which are gone need margin beside that of positions.
        let is_whole = margin == owed || margin > owed && (probe.live_orders)() > 0;
        if !is_whole {
            let text = format!("account {}: {margin}, told {owed}", account.0);
            found.push(("margin_as_told", text));
        }
        let (held, least) = ((probe.held)(account), check.least_held(account, probe.open));
        if held < least {
            let text = format!("account {}: {held}, at least {least}", account.0);
            found.push(("orders_have_their_money", text));
        }
    }
    found
}

/// Once all is quiet: every order and attempt has ended, at the venues and in the engine's eyes,
/// nothing is held, and residuals are within their limits or were left to a person.
pub fn at_rest(world: &mut World, probe: &Probe<'_>) {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for venue in world.venues() {
        for order in venue.orders().iter().filter(|order| order.is_working()) {
            found.push(("every_order_ends", format!("{order:?}")));
        }
    }
    let live = (probe.live_orders)();
    if live > 0 {
        found.push(("engine_knows_every_end", format!("{live} orders")));
    }
    for account in world.config.accounts.ids() {
        let held = (probe.held)(account);
        if held != Money::ZERO {
            found.push(("nothing_stays_held", format!("account {}: {held}", account.0)));
        }
    }
    let attempts = world.checker().map_or(0, Checker::live_attempts);
    if attempts > 0 {
        found.push(("every_attempt_ends", format!("{attempts} attempts")));
    }
    found.extend(residuals(world, probe));
    tell(world, found);
}

/// Once the day is closed: books, positions and balances are what the venues have.
pub fn in_truth(world: &mut World, probe: &Probe<'_>) {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for listing in world.venues().iter().flat_map(crate::venue::SimVenue::listings) {
        for side in [Side::Buy, Side::Sell] {
            let ours = (probe.levels)(listing.instrument, side);
            let theirs = listing.depth.recorded(side).map(|level| (level.price.0, level.lots));
            if !theirs.eq(ours.iter().copied()) {
                let text = format!("instrument {} {side:?}: {ours:?}", listing.instrument.0);
                found.push(("books_are_true", text));
            }
        }
    }
    for (account, instrument, lots) in world.truth().holdings() {
        let (ours, theirs) = ((probe.position)(account, instrument), lots.long - lots.short);
        if ours != theirs {
            let text = format!("account {} instrument {}", account.0, instrument.0);
            found.push(("position_is_true", format!("{text}: {ours}, in truth {theirs}")));
        }
    }
    for account in world.config.accounts.ids() {
        let cash = (probe.cash)(account);
        let open = |instrument, side| (probe.open)(account, instrument, side).1;
        let unpaid = Unpaid {
            cost: &|instrument| open(instrument, Side::Buy) - open(instrument, Side::Sell),
            forward: &|instrument| (probe.forward)(account, instrument),
        };
        match world.truth().balance(account, Some(&unpaid)) {
            Some(truth) if truth == cash => {}
            // No settlement puts right what a statement has taken over at its price.
            Some(_) if world.had_external() && world.truth().is_unpaid(account) => {}
            truth => {
                let text = format!("account {}: {cash}, in truth {truth:?}", account.0);
                found.push(("cash_is_true", text));
            }
        }
    }
    tell(world, found);
}

fn tell(world: &mut World, found: Vec<(&'static str, String)>) {
    let now = world.now();
    if let Some(check) = world.checker_mut() {
        for (rule, what) in found {
            check.broken(now, rule, what);
        }
    }
}

/// Whether every residual is within its limit, or was left to a person.
#[must_use]
pub fn is_aligned(world: &World, probe: &Probe<'_>) -> bool {
    residuals(world, probe).is_empty()
}

/// A residual beyond its limit is allowed where an attempt ended in the open, and alarmed it.
fn residuals(world: &World, probe: &Probe<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let Some(check) = world.checker() else { return found };
    for hedge in world.config.hedges.ids() {
        let residual = (probe.residual)(hedge);
        let limits = check.policy.hedges.get(hedge);
        let most = limits.map_or(0, |limits| limits.execution.max_residual);
        let latched = !check.killed.is_empty();
        // What never trades again keeps what it holds.
        let over = check.is_over(world.now(), hedge);
        if residual.abs() > most && !check.is_restricted(hedge) && !latched && !over {
            found.push(("residual_in_limit", format!("hedge {}: {residual}", hedge.0)));
        }
    }
    found
}
