//! The checks themselves: pure functions over values that the engine fills in.

use super::{Denial, InstrumentLimits, Refusal};
use crate::ids::{AccountId, LegId};
use crate::instrument::PriceBand;
use crate::num::{Money, Price, Qty, Side};
use crate::phase::{Now, Phase, Phases};
use crate::quote::{Data, Repair, Size};
use crate::time::{Span, Time};

/// How far a strategy is let out; [`Stage::Full`] until rollout exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// Decides and sends nothing.
    Shadow = 0,
    /// Sends to simulated venues.
    Paper = 1,
    /// Sends a small size.
    Canary = 2,
    /// Sends all.
    Full = 3,
}

impl Stage {
    /// Whether orders leave.
    #[must_use]
    pub const fn sends(self) -> bool {
        match self {
            Stage::Shadow => false,
            Stage::Paper | Stage::Canary | Stage::Full => true,
        }
    }
}

/// How the HALT latches that cover a hedge and one of its legs stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// None is set.
    Off,
    /// Nothing is placed.
    Latched,
    /// Only orders that reduce are placed.
    Flattening,
}

/// The data of one book as a gate sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// How good it is.
    pub data: Data,
    /// Its age.
    pub age: Span,
    /// Oldest allowed.
    pub age_max: Span,
    /// Largest difference to the age of another book of the hedge.
    pub skew_max: Span,
}

/// An order that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Buy or sell.
    pub side: Side,
    /// Lots.
    pub qty: Qty,
    /// The worst price.
    pub limit: Price,
    /// Whether it takes the leg's inventory toward zero and not beyond.
    pub reduces: bool,
}

/// What is true of one leg.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct LegContext {
    /// Its account.
    pub account: AccountId,
    /// Whether it trades at all; a leg that only prices is asked for its data alone.
    pub sized: bool,
    /// What the set does on it: the direction a repair supplements; its opposite unwinds.
    pub side: Side,
    /// The order wanted now.
    pub ask: Option<Ask>,
    /// Its book.
    pub book: Feed,
    /// The book of its FX instrument.
    pub fx: Option<Feed>,
    /// The touch that a taker of the side meets, by [`Side::index`].
    pub touch: [Option<Price>; 2],
    /// Today's price band.
    pub band: Option<PriceBand>,
    /// Its limits.
    pub limits: InstrumentLimits,
    /// Value of one tick of one lot.
    pub tick_value: Money,
    /// Smallest order.
    pub min_qty: Qty,
    /// Largest order, in lots.
    pub qty_max: i64,
    /// Its phase.
    pub phase: Now,
    /// When its market shuts next: see [`next_shut`].
    pub shut: Option<Shut>,
    /// The latches that cover it.
    pub halt: Halt,
    /// Whether its account is restricted.
    pub restricted: bool,
    /// Whether the trading link is up and no order of an earlier run is unknown.
    pub linked: bool,
    /// Whether an earlier hedge wants or has the other side of the contract.
    pub opposite: bool,
    /// Result of its account since the day began; negative is a loss.
    pub day_result: Money,
    /// Largest loss of its account.
    pub day_loss: Money,
    /// Messages that orders may use now in its account.
    pub tokens: u32,
}

/// A time in which a market takes no orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shut {
    /// When it begins.
    pub at: Time,
    /// The longest of its phases: [`Phase::Holiday`], else [`Phase::Overnight`], else the first.
    pub phase: Phase,
}

/// When a market that is open now shuts next, and for how long a phase.
///
/// A closing auction that gives way to the night counts as the night: the market does not take
/// orders again before it.
#[must_use]
pub fn next_shut(phases: &Phases, now: Time) -> Option<Shut> {
    let (at, first) = phases.next_shut(now)?;
    let mut shut = Shut { at, phase: first };
    let mut start = at;
    loop {
        let next = phases.at(start);
        if next.phase.takes_orders() {
            return Some(shut);
        }
        if depth(next.phase) > depth(shut.phase) {
            shut.phase = next.phase;
        }
        if next.next.is_none() {
            return Some(shut);
        }
        start = next.until;
    }
}

fn depth(phase: Phase) -> u8 {
    match phase {
        Phase::Continuous => 0,
        Phase::Auction | Phase::Break | Phase::Halted => 1,
        Phase::Overnight => 2,
        Phase::Holiday => 3,
    }
}

/// Most sets a hedge may hold now, given when the market of one of its legs shuts: what is more
/// must be given back before that moment.
#[must_use]
pub fn sets_allowed(size: &Size, shut: Option<Shut>, now: Time) -> i64 {
    let Some(shut) = shut.filter(|shut| shut.at - now <= size.before_break) else {
        return size.max;
    };
    match shut.phase {
        Phase::Overnight => size.overnight,
        Phase::Holiday => size.holiday,
        Phase::Continuous | Phase::Auction | Phase::Break | Phase::Halted => size.max,
    }
}

/// The walked net figure beside the band it has to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Whether it reaches the band; compared exactly, by cross products.
    pub stands: bool,
    /// The figure, rounded against us to 10⁻⁹.
    pub value: i128,
    /// The band, rounded to 10⁻⁹.
    pub limit: i128,
}

/// What an amount is and may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// What it would be.
    pub value: i128,
    /// Most allowed.
    pub limit: i128,
}

/// Everything the gates look at for one set of orders of one hedge.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Context<'a> {
    /// Now.
    pub now: Time,
    /// The stage.
    pub stage: Stage,
    /// Whether the hedge, or all, is stopped.
    pub stopped: bool,
    /// Whether the hedge is restricted.
    pub restricted: bool,
    /// Whether an attempt of the hedge lives; not for a further slice of that attempt.
    pub busy: bool,
    /// Whether no id is left.
    pub ids_exhausted: bool,
    /// What repair may choose.
    pub repair: Repair,
    /// How large the hedge may be.
    pub size: Size,
    /// Signed sets held if all is filled.
    pub sets_after: i64,
    /// The residual now, counting orders at their worst; over the plan's `unit_den`.
    pub residual_now: i128,
    /// The same with these orders, at their worst, beside `live_residual`.
    pub residual: Bounded,
    /// The sum of residuals with these orders, in 10⁻⁹ common units.
    pub sum_residual: Bounded,
    /// Loss of repair in the trading day, with what this repair is expected to lose, in 10⁻⁹ of
    /// the hedge's currency.
    pub repair_loss: Bounded,
    /// Trims of the trading day, this one counted; `None` unless it is one.
    pub trims: Option<Bounded>,
    /// The edge; `None` where an operator, a residual or a limit asks.
    pub edge: Option<Edge>,
    /// Messages that the attempt may still send.
    pub messages_left: u32,
    /// By leg of the hedge.
    pub legs: &'a [LegContext],
}

/// May these orders add sets?
///
/// # Errors
/// The first [`Denial`] in [`super::ORDER`].
pub fn entering(context: &Context<'_>) -> Result<(), Denial> {
    stage(context)?;
    refuse_if(context.stopped, Refusal::Stopped)?;
    each_sized(context, halted_entering)?;
    refuse_if(context.restricted, Refusal::HedgeRestricted)?;
    each_sized(context, account_restricted)?;
    each_sized(context, linked)?;
    refuse_if(context.busy, Refusal::Busy)?;
    refuse_if(context.ids_exhausted, Refusal::IdsExhausted)?;
    books(context)?;
    skewed(context)?;
    each_sized(context, phase)?;
    breaks(context)?;
    repair_route(context)?;
    refuse_if(!has_order(context), Refusal::Size)?;
    each_asked(context, size)?;
    inventory(context)?;
    over(Refusal::Residual, context.residual)?;
    over(Refusal::SumResidual, context.sum_residual)?;
    each_asked(context, order_value)?;
    each_asked(context, collar)?;
    each_asked(context, opposite)?;
    each_sized(context, day_loss)?;
    repair_budget(context)?;
    edge(context)?;
    messages(context)
}

/// May these orders of an Exit, Trim or Reduce leave?
///
/// # Errors
/// The first [`Denial`] in [`super::ORDER`].
pub fn leaving(context: &Context<'_>) -> Result<(), Denial> {
    stage(context)?;
    each_sized(context, halted)?;
    each_sized(context, linked)?;
    refuse_if(context.busy, Refusal::Busy)?;
    refuse_if(context.ids_exhausted, Refusal::IdsExhausted)?;
    books(context)?;
    skewed(context)?;
    each_sized(context, phase)?;
    if let Some(trims) = context.trims {
        over(Refusal::Trims, trims)?;
    }
    refuse_if(!has_order(context), Refusal::Nothing)?;
    each_asked(context, size)?;
    residual_raised(context)?;
    each_asked(context, order_value)?;
    each_asked(context, collar)?;
    each_asked(context, opposite)?;
    edge(context)?;
    messages(context)
}

/// May this leg's order mend the attempt?
///
/// # Errors
/// The first [`Denial`] in [`super::ORDER`].
pub fn repairing(context: &Context<'_>, leg: LegId) -> Result<(), Denial> {
    let place = usize::from(leg.0);
    let Some(facts) = context.legs.get(place) else {
        return Err(Denial::plain(Refusal::Nothing).at(place));
    };
    stage(context)?;
    halted(place, facts)?;
    linked(place, facts)?;
    refuse_if(context.ids_exhausted, Refusal::IdsExhausted)?;
    whole(place, &facts.book)?;
    fresh(place, &facts.book)?;
    phase(place, facts)?;
    let Some(ask) = facts.ask else {
        return Err(Denial::plain(Refusal::Nothing).at(place));
    };
    touched(place, facts, ask)?;
    size(place, facts, ask)?;
    residual_raised(context)?;
    order_value(place, facts, ask)?;
    collar(place, facts, ask)?;
    opposite(place, facts, ask)?;
    over(Refusal::LossBudget, context.repair_loss)?;
    let tokens = facts.tokens.min(context.messages_left);
    if tokens == 0 {
        return Err(Denial::numbers(Refusal::Messages, 1, 0).at(place).of(facts.account));
    }
    Ok(())
}

type Check = Result<(), Denial>;

fn refuse_if(wrong: bool, refusal: Refusal) -> Check {
    if wrong { Err(Denial::plain(refusal)) } else { Ok(()) }
}

fn over(refusal: Refusal, found: Bounded) -> Check {
    if found.value > found.limit {
        return Err(Denial::numbers(refusal, found.value, found.limit));
    }
    Ok(())
}

fn each_sized(context: &Context<'_>, check: fn(usize, &LegContext) -> Check) -> Check {
    let mut sized = context.legs.iter().enumerate().filter(|(_, leg)| leg.sized);
    sized.try_for_each(|(place, leg)| check(place, leg))
}

fn each_asked(context: &Context<'_>, check: fn(usize, &LegContext, Ask) -> Check) -> Check {
    for (place, leg) in context.legs.iter().enumerate() {
        if let Some(ask) = leg.ask {
            check(place, leg, ask)?;
        }
    }
    Ok(())
}

fn has_order(context: &Context<'_>) -> bool {
    context.legs.iter().any(|leg| leg.ask.is_some())
}

fn stage(context: &Context<'_>) -> Check {
    refuse_if(!context.stage.sends(), Refusal::Stage)
}

fn halted_entering(place: usize, leg: &LegContext) -> Check {
    match leg.halt {
        Halt::Off => Ok(()),
        Halt::Latched | Halt::Flattening => Err(Denial::plain(Refusal::Halted).at(place)),
    }
}

fn halted(place: usize, leg: &LegContext) -> Check {
    let passes = match leg.halt {
        Halt::Off => true,
        Halt::Latched => false,
        Halt::Flattening => leg.ask.is_none_or(|ask| ask.reduces),
    };
    if passes { Ok(()) } else { Err(Denial::plain(Refusal::Halted).at(place)) }
}

fn account_restricted(place: usize, leg: &LegContext) -> Check {
    if leg.restricted {
        return Err(Denial::plain(Refusal::AccountRestricted).at(place).of(leg.account));
    }
    Ok(())
}

fn linked(place: usize, leg: &LegContext) -> Check {
    if leg.linked {
        return Ok(());
    }
    Err(Denial::plain(Refusal::LinkDown).at(place).of(leg.account))
}

/// Every book that the decision reads: the legs', the touch each order meets, and the FX books.
fn books(context: &Context<'_>) -> Check {
    for flaw in [Refusal::NoBook, Refusal::Gapped, Refusal::Crossed] {
        for (place, leg) in context.legs.iter().enumerate() {
            let found = [Some(leg.book), leg.fx].into_iter().flatten();
            if found.into_iter().any(|feed| data_flaw(feed.data) == Some(flaw)) {
                return Err(Denial::plain(flaw).at(place));
            }
            if let (Refusal::NoBook, Some(ask)) = (flaw, leg.ask) {
                touched(place, leg, ask)?;
            }
        }
    }
    for (place, leg) in context.legs.iter().enumerate() {
        fresh(place, &leg.book)?;
        leg.fx.as_ref().map_or(Ok(()), |fx| fresh(place, fx))?;
    }
    Ok(())
}

fn data_flaw(data: Data) -> Option<Refusal> {
    match data {
        Data::Whole => None,
        Data::Empty | Data::Down => Some(Refusal::NoBook),
        Data::Gapped => Some(Refusal::Gapped),
        Data::Crossed => Some(Refusal::Crossed),
    }
}

fn whole(place: usize, feed: &Feed) -> Check {
    match data_flaw(feed.data) {
        None => Ok(()),
        Some(flaw) => Err(Denial::plain(flaw).at(place)),
    }
}

fn touched(place: usize, leg: &LegContext, ask: Ask) -> Check {
    match touch(leg, ask.side) {
        Some(_) => Ok(()),
        None => Err(Denial::plain(Refusal::NoBook).at(place)),
    }
}

fn touch(leg: &LegContext, side: Side) -> Option<Price> {
    let [bought, sold] = leg.touch;
    match side {
        Side::Buy => bought,
        Side::Sell => sold,
    }
}

fn fresh(place: usize, feed: &Feed) -> Check {
    if feed.age > feed.age_max {
        return Err(Denial::numbers(Refusal::Stale, feed.age.0, feed.age_max.0).at(place));
    }
    Ok(())
}

/// The ages of all books the decision reads, FX included, against each other.
fn skewed(context: &Context<'_>) -> Check {
    let feeds = || {
        let legs = context.legs.iter().enumerate();
        legs.flat_map(|(place, leg)| [Some(leg.book), leg.fx].map(|feed| (place, feed)))
            .filter_map(|(place, feed)| feed.map(|feed| (place, feed)))
    };
    let ages = || feeds().map(|(_, feed)| feed.age.0);
    let (Some(newest), Some(oldest)) = (ages().min(), ages().max()) else {
        return Ok(());
    };
    for (place, feed) in feeds() {
        let apart = (oldest - feed.age.0).max(feed.age.0 - newest);
        if apart > feed.skew_max.0 {
            return Err(Denial::numbers(Refusal::Skewed, apart, feed.skew_max.0).at(place));
        }
    }
    Ok(())
}

fn phase(place: usize, leg: &LegContext) -> Check {
    if leg.phase.phase.takes_orders() {
        return Ok(());
    }
    let (found, wanted) = (leg.phase.phase.code(), Phase::Continuous.code());
    Err(Denial::numbers(Refusal::Phase, found, wanted).at(place))
}

fn breaks(context: &Context<'_>) -> Check {
    let before = context.size.before_break;
    for (place, leg) in context.legs.iter().enumerate().filter(|(_, leg)| leg.sized) {
        if let Some(shut) = leg.shut {
            let left = shut.at - context.now;
            if left <= before {
                return Err(Denial::numbers(Refusal::Break, left.0, before.0).at(place));
            }
        }
    }
    Ok(())
}

/// No leg without a way back: either every leg can be supplemented, or every leg can be unwound.
///
/// With some legs able to do only the one and some only the other, the one that cannot be given
/// back may fill while the one that cannot be completed does not.
fn repair_route(context: &Context<'_>) -> Check {
    let supplement = || route(context, |leg| leg.side);
    let unwind = || route(context, |leg| leg.side.flip());
    match context.repair {
        Repair::Supplement => supplement(),
        Repair::Unwind => unwind(),
        Repair::CheaperOf => match (supplement(), unwind()) {
            (Ok(()), _) | (_, Ok(())) => Ok(()),
            (Err(first), Err(second)) => {
                // The nearness of a price limit explains more than a missing touch does.
                let near = first.refusal == Refusal::PriceLimit;
                Err(if near { first } else { second })
            }
        },
    }
}

fn route(context: &Context<'_>, repair_side: fn(&LegContext) -> Side) -> Check {
    for (place, leg) in context.legs.iter().enumerate().filter(|(_, leg)| leg.sized) {
        let side = repair_side(leg);
        let Some(price) = touch(leg, side) else {
            return Err(Denial::plain(Refusal::NoRepairRoute).at(place));
        };
        let Some(band) = leg.band else { continue };
        let room = match side {
            Side::Buy => band.high.0 - price.0,
            Side::Sell => price.0 - band.low.0,
        };
        if room < leg.limits.limit_distance {
            let wanted = leg.limits.limit_distance;
            return Err(Denial::numbers(Refusal::PriceLimit, room, wanted).at(place));
        }
    }
    Ok(())
}

fn size(place: usize, leg: &LegContext, ask: Ask) -> Check {
    let (qty, least) = (ask.qty.get(), leg.min_qty.get());
    if qty < least {
        return Err(Denial::numbers(Refusal::Size, qty, least).at(place));
    }
    if qty > leg.qty_max {
        return Err(Denial::numbers(Refusal::Size, qty, leg.qty_max).at(place));
    }
    Ok(())
}

fn inventory(context: &Context<'_>) -> Check {
    let sets = i128::from(context.sets_after).abs();
    over(Refusal::Inventory, Bounded { value: sets, limit: context.size.max.into() })
}

/// Orders that reduce may leave above the limit, as long as they do not raise the residual.
fn residual_raised(context: &Context<'_>) -> Check {
    let limit = context.residual.limit.max(context.residual_now);
    if context.residual.value > limit {
        return over(Refusal::Residual, context.residual);
    }
    Ok(())
}

fn order_value(place: usize, leg: &LegContext, ask: Ask) -> Check {
    let ticks_lots = i128::from(ask.limit.0).abs() * i128::from(ask.qty.get());
    let (value, most) = (leg.tick_value.0 * ticks_lots, leg.limits.order_value.0);
    if value > most {
        return Err(Denial::numbers(Refusal::OrderValue, value, most).at(place));
    }
    Ok(())
}

fn collar(place: usize, leg: &LegContext, ask: Ask) -> Check {
    let Some(touch) = touch(leg, ask.side) else {
        return Err(Denial::plain(Refusal::NoBook).at(place));
    };
    let beyond = (i128::from(ask.limit.0) - i128::from(touch.0)) * i128::from(ask.side.sign());
    if beyond > i128::from(leg.limits.collar) {
        return Err(Denial::numbers(Refusal::Collar, beyond, leg.limits.collar).at(place));
    }
    let Some(band) = leg.band else { return Ok(()) };
    let end = if ask.limit < band.low { band.low } else { band.high };
    if ask.limit < band.low || ask.limit > band.high {
        return Err(Denial::numbers(Refusal::Collar, ask.limit.0, end.0).at(place));
    }
    Ok(())
}

fn opposite(place: usize, leg: &LegContext, _ask: Ask) -> Check {
    if leg.opposite { Err(Denial::plain(Refusal::OwnOpposite).at(place)) } else { Ok(()) }
}

fn day_loss(place: usize, leg: &LegContext) -> Check {
    let loss = -leg.day_result.0;
    if loss >= leg.day_loss.0 {
        let denial = Denial::numbers(Refusal::DayLoss, loss, leg.day_loss.0);
        return Err(denial.at(place).of(leg.account));
    }
    Ok(())
}

/// A new set needs something left in the day's budget for mending it.
fn repair_budget(context: &Context<'_>) -> Check {
    let loss = context.repair_loss;
    if loss.value >= loss.limit {
        return Err(Denial::numbers(Refusal::LossBudget, loss.value, loss.limit));
    }
    Ok(())
}

fn edge(context: &Context<'_>) -> Check {
    match context.edge {
        Some(edge) if !edge.stands => Err(Denial::numbers(Refusal::Edge, edge.value, edge.limit)),
        Some(_) | None => Ok(()),
    }
}

/// One message for each order, in each account and in the attempt.
fn messages(context: &Context<'_>) -> Check {
    let asked = || context.legs.iter().enumerate().filter(|(_, leg)| leg.ask.is_some());
    for (place, leg) in asked() {
        let wanted = asked().filter(|(_, other)| other.account == leg.account).count();
        if wanted > usize::try_from(leg.tokens).unwrap_or(usize::MAX) {
            let wanted = i128::try_from(wanted).unwrap_or(i128::MAX);
            let denial = Denial::numbers(Refusal::Messages, wanted, leg.tokens);
            return Err(denial.at(place).of(leg.account));
        }
    }
    let orders = i128::try_from(asked().count()).unwrap_or(i128::MAX);
    over(Refusal::Messages, Bounded { value: orders, limit: context.messages_left.into() })
}
