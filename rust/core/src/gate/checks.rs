//! The checks themselves: pure functions over values that the engine fills in.

use super::{Denial, InstrumentLimits, Refusal};
use crate::conduct::Halt;
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
    /// How far the touch of either is from where it was, where that is too far.
    pub jump: Option<Bounded>,
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
    /// Whether what is traded now has a known prompt, where it needs one.
    pub prompt_known: bool,
    /// When its market shuts next: see [`next_shut`].
    pub shut: Option<Shut>,
    /// The latches that cover it.
    pub halt: Halt,
    /// Whether its account is restricted.
    pub restricted: bool,
    /// Whether its account draws on no pool, or has a lease that lives.
    pub leased: bool,
    /// Whether the trading link is up and no order of an earlier run is unknown.
    pub linked: bool,
    /// Whether an earlier hedge wants or has the other side of the contract.
    pub opposite: bool,
    /// The price of an order of an account under the same actual control that the order would meet.
    pub meets: Option<Price>,
    /// Result of its account since the day began; negative is a loss.
    pub day_result: Money,
    /// Largest loss of its account.
    pub day_loss: Money,
    /// Messages that orders may use now: the least of its venue, account and contract.
    pub tokens: u32,
    /// For how long a venue's no keeps new sets from here, and for how long any order.
    pub paused: [Span; 2],
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
#[inline]
#[must_use]
pub fn next_shut(phases: &Phases, now: Time) -> Option<Shut> {
    phases.next_shut(now).map(|(at, first)| shut_of(phases, at, first))
}

fn shut_of(phases: &Phases, at: Time, first: Phase) -> Shut {
    let mut shut = Shut { at, phase: first };
    let mut start = at;
    loop {
        let next = phases.at(start);
        if next.phase.takes_orders() {
            return shut;
        }
        if depth(next.phase) > depth(shut.phase) {
            shut.phase = next.phase;
        }
        if next.next.is_none() {
            return shut;
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

/// What the gates know of a Roll besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Legs before this place give their lots back or stay; from it on lots are entered.
    pub entered: usize,
    /// What moving one set costs by the walks, and may cost.
    pub cost: Bounded,
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
    /// What is rolled; `None` unless it is a Roll.
    pub roll: Option<Roll>,
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
    earlier(entering_set(context), each_leg(context, entering_leg))
}

/// May these orders of an Exit, Trim or Reduce leave?
///
/// # Errors
/// The first [`Denial`] in [`super::ORDER`].
pub fn leaving(context: &Context<'_>) -> Result<(), Denial> {
    earlier(leaving_set(context), each_leg(context, leaving_leg))
}

/// May these orders move sets to the next contract?
///
/// # Errors
/// The first [`Denial`] in [`super::ORDER`].
pub fn rolling(context: &Context<'_>) -> Result<(), Denial> {
    earlier(entering_set(context), each_leg(context, rolling_leg))
}

/// May this leg's order mend the attempt?
///
/// # Errors
/// The first [`Denial`] in [`super::ORDER`].
pub fn repairing(context: &Context<'_>, leg: LegId) -> Result<(), Denial> {
    let place = usize::from(leg.0);
    match context.legs.get(place) {
        Some(facts) => earlier(repairing_set(context), repairing_leg(context, place, facts)),
        None => Err(Denial::plain(Refusal::Nothing).at(place)),
    }
}

type Check = Result<(), Denial>;

/// What is asked of the set as a whole, in the order of the checks; of a Roll its cost, not an edge.
fn entering_set(context: &Context<'_>) -> Check {
    stage(context)?;
    refuse_if(context.stopped, Refusal::Stopped)?;
    refuse_if(context.restricted, Refusal::HedgeRestricted)?;
    refuse_if(context.busy, Refusal::Busy)?;
    refuse_if(context.ids_exhausted, Refusal::IdsExhausted)?;
    skewed(context)?;
    repair_route(context)?;
    refuse_if(!has_order(context), Refusal::Size)?;
    inventory(context)?;
    over(Refusal::Residual, context.residual)?;
    over(Refusal::SumResidual, context.sum_residual)?;
    repair_budget(context)?;
    match context.roll {
        Some(roll) => over(Refusal::RollCost, roll.cost)?,
        None => edge(context)?,
    }
    messages(context)
}

/// What enters is asked what an Enter is asked; what is given back, what an Exit by its price is;
/// what stays, nothing.
fn rolling_leg(context: &Context<'_>, place: usize, leg: &LegContext) -> Check {
    if !leg.sized {
        return Ok(());
    }
    if context.roll.is_some_and(|roll| place >= roll.entered) {
        return entering_leg(context, place, leg);
    }
    leaving_sized(place, leg, true)
}

/// What is asked of each leg, in the order of the checks.
fn entering_leg(context: &Context<'_>, place: usize, leg: &LegContext) -> Check {
    if !leg.sized {
        return books(place, leg, true);
    }
    halted_entering(place, leg)?;
    account_restricted(place, leg)?;
    leased(place, leg)?;
    linked(place, leg)?;
    let [entering, any] = leg.paused;
    paused(place, leg, entering.max(any))?;
    books(place, leg, true)?;
    phase(place, leg)?;
    breaks(context, place, leg)?;
    if let Some(ask) = &leg.ask {
        order(place, leg, ask)?;
    }
    day_loss(place, leg)
}

fn leaving_set(context: &Context<'_>) -> Check {
    stage(context)?;
    refuse_if(context.busy, Refusal::Busy)?;
    refuse_if(context.ids_exhausted, Refusal::IdsExhausted)?;
    skewed(context)?;
    if let Some(trims) = context.trims {
        over(Refusal::Trims, trims)?;
    }
    refuse_if(!has_order(context), Refusal::Nothing)?;
    residual_raised(context)?;
    edge(context)?;
    messages(context)
}

fn leaving_leg(context: &Context<'_>, place: usize, leg: &LegContext) -> Check {
    // Only a signal goes by the prices: a person, a residual or a limit has its own reasons.
    let by_signal = context.edge.is_some();
    if !leg.sized {
        return books(place, leg, by_signal);
    }
    leaving_sized(place, leg, by_signal)
}

fn leaving_sized(place: usize, leg: &LegContext, by_price: bool) -> Check {
    halted(place, leg)?;
    linked(place, leg)?;
    paused(place, leg, leg.paused[1])?;
    books(place, leg, by_price)?;
    phase(place, leg)?;
    match &leg.ask {
        Some(ask) => order(place, leg, ask),
        None => Ok(()),
    }
}

fn repairing_set(context: &Context<'_>) -> Check {
    stage(context)?;
    refuse_if(context.ids_exhausted, Refusal::IdsExhausted)?;
    residual_raised(context)?;
    over(Refusal::LossBudget, context.repair_loss)
}

/// A repair order trades one leg in its own currency: no FX, no other leg's book.
fn repairing_leg(context: &Context<'_>, place: usize, leg: &LegContext) -> Check {
    halted(place, leg)?;
    linked(place, leg)?;
    paused(place, leg, leg.paused[1])?;
    whole(place, leg, data_flaw(leg.book.data))?;
    fresh(place, &leg.book)?;
    phase(place, leg)?;
    let Some(ask) = &leg.ask else {
        return Err(Denial::plain(Refusal::Nothing).at(place));
    };
    order(place, leg, ask)?;
    if leg.tokens.min(context.messages_left) == 0 {
        return Err(Denial::numbers(Refusal::Messages, 1, 0).at(place).of(leg.account));
    }
    Ok(())
}

/// What is asked of each order, in the order of the checks.
fn order(place: usize, leg: &LegContext, ask: &Ask) -> Check {
    size(place, leg, ask)?;
    order_value(place, leg, ask)?;
    collar(place, leg, ask)?;
    opposite(place, leg)?;
    self_trade(place, leg, ask)
}

/// The denial that [`super::ORDER`] has first; of equals, the one of the earlier leg.
fn earlier(first: Check, second: Check) -> Check {
    match (first, second) {
        (Ok(()), other) | (other, Ok(())) => other,
        (Err(first), Err(second)) => {
            Err(if rank(second.refusal) < rank(first.refusal) { second } else { first })
        }
    }
}

fn rank(refusal: Refusal) -> usize {
    super::ORDER.iter().position(|listed| *listed == refusal).unwrap_or(usize::MAX)
}

fn each_leg(
    context: &Context<'_>,
    check: impl Fn(&Context<'_>, usize, &LegContext) -> Check,
) -> Check {
    let mut told = Ok(());
    for (place, leg) in context.legs.iter().enumerate() {
        if let Err(denial) = check(context, place, leg) {
            told = earlier(told, Err(denial));
        }
    }
    told
}

fn refuse_if(wrong: bool, refusal: Refusal) -> Check {
    if wrong { Err(Denial::plain(refusal)) } else { Ok(()) }
}

fn over(refusal: Refusal, found: Bounded) -> Check {
    if found.value > found.limit {
        return Err(Denial::numbers(refusal, found.value, found.limit));
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

fn leased(place: usize, leg: &LegContext) -> Check {
    let denial = Denial::plain(Refusal::Lease).at(place).of(leg.account);
    if leg.leased { Ok(()) } else { Err(denial) }
}

fn linked(place: usize, leg: &LegContext) -> Check {
    if leg.linked {
        return Ok(());
    }
    Err(Denial::plain(Refusal::LinkDown).at(place).of(leg.account))
}

fn paused(place: usize, leg: &LegContext, left: Span) -> Check {
    if left <= Span::ZERO {
        return Ok(());
    }
    Err(Denial::numbers(Refusal::BackOff, left.0, 0).at(place).of(leg.account))
}

/// The books of a leg: its own, the touch its order meets, and its FX.
fn books(place: usize, leg: &LegContext, by_price: bool) -> Check {
    let rate = leg.fx.as_ref().and_then(|fx| data_flaw(fx.data));
    let flaw = match (data_flaw(leg.book.data), rate) {
        (None, flaw) | (flaw, None) => flaw,
        (Some(own), Some(rate)) => [own, rate].into_iter().min_by_key(|flaw| rank(*flaw)),
    };
    whole(place, leg, flaw)?;
    if let Some(jump) = leg.jump.filter(|_| by_price) {
        return Err(Denial::numbers(Refusal::Jump, jump.value, jump.limit).at(place));
    }
    fresh(place, &leg.book)?;
    match &leg.fx {
        Some(fx) => fresh(place, fx),
        None => Ok(()),
    }
}

fn data_flaw(data: Data) -> Option<Refusal> {
    match data {
        Data::Whole => None,
        Data::Empty | Data::Down => Some(Refusal::NoBook),
        Data::Gapped => Some(Refusal::Gapped),
        Data::Crossed => Some(Refusal::Crossed),
    }
}

fn whole(place: usize, leg: &LegContext, flaw: Option<Refusal>) -> Check {
    let lacks_touch = leg.ask.as_ref().is_some_and(|ask| touch(leg, ask.side).is_none());
    refuse_if(lacks_touch, Refusal::NoBook).map_err(|denial| denial.at(place))?;
    match flaw {
        None => Ok(()),
        Some(flaw) => Err(Denial::plain(flaw).at(place)),
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
    // Of what is rolled, only the legs that move are read.
    let is_read = |leg: &LegContext| leg.sized || context.roll.is_none();
    let Some(first) = context.legs.iter().find(|leg| is_read(leg)) else { return Ok(()) };
    let (mut newest, mut oldest) = (first.book.age.0, first.book.age.0);
    let (mut oldest_place, mut tightest) = (0, first.book.skew_max.0);
    let mut take = |place: usize, feed: &Feed| {
        newest = newest.min(feed.age.0);
        tightest = tightest.min(feed.skew_max.0);
        if feed.age.0 > oldest {
            (oldest, oldest_place) = (feed.age.0, place);
        }
    };
    for (place, leg) in context.legs.iter().enumerate().filter(|(_, leg)| is_read(leg)) {
        take(place, &leg.book);
        if let Some(fx) = &leg.fx {
            take(place, fx);
        }
    }
    // No two books are further apart than the newest and the oldest.
    if oldest - newest <= tightest {
        return Ok(());
    }
    for leg in context.legs.iter().filter(|leg| is_read(leg)) {
        for feed in [Some(&leg.book), leg.fx.as_ref()].into_iter().flatten() {
            let apart = (oldest - feed.age.0).max(feed.age.0 - newest);
            if apart > feed.skew_max.0 {
                // Whichever limit is broken, the oldest book is the one to look at.
                let denial = Denial::numbers(Refusal::Skewed, apart, feed.skew_max.0);
                return Err(denial.at(oldest_place));
            }
        }
    }
    Ok(())
}

fn phase(place: usize, leg: &LegContext) -> Check {
    if !leg.phase.phase.takes_orders() {
        let (found, wanted) = (leg.phase.phase.code(), Phase::Continuous.code());
        return Err(Denial::numbers(Refusal::Phase, found, wanted).at(place));
    }
    refuse_if(!leg.prompt_known, Refusal::NoPrompt).map_err(|denial| denial.at(place))
}

fn breaks(context: &Context<'_>, place: usize, leg: &LegContext) -> Check {
    let before = context.size.before_break;
    if let Some(shut) = &leg.shut {
        let left = shut.at - context.now;
        if left <= before {
            return Err(Denial::numbers(Refusal::Break, left.0, before.0).at(place));
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

fn size(place: usize, leg: &LegContext, ask: &Ask) -> Check {
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

fn order_value(place: usize, leg: &LegContext, ask: &Ask) -> Check {
    let ticks_lots = i128::from(ask.limit.0).abs() * i128::from(ask.qty.get());
    let most = leg.limits.order_value.0;
    let value = match (i64::try_from(ticks_lots), i64::try_from(leg.tick_value.0)) {
        // One short multiplication does for all but absurd orders.
        (Ok(ticks_lots), Ok(tick_value)) => i128::from(ticks_lots) * i128::from(tick_value),
        (Ok(_) | Err(_), _) => leg.tick_value.0 * ticks_lots,
    };
    if value > most {
        return Err(Denial::numbers(Refusal::OrderValue, value, most).at(place));
    }
    Ok(())
}

fn collar(place: usize, leg: &LegContext, ask: &Ask) -> Check {
    let Some(touch) = touch(leg, ask.side) else {
        return Err(Denial::plain(Refusal::NoBook).at(place));
    };
    let beyond = match ask.side {
        Side::Buy => ask.limit.0.saturating_sub(touch.0),
        Side::Sell => touch.0.saturating_sub(ask.limit.0),
    };
    if beyond > leg.limits.collar {
        return Err(Denial::numbers(Refusal::Collar, beyond, leg.limits.collar).at(place));
    }
    let Some(band) = leg.band else { return Ok(()) };
    let end = ask.limit.clamp(band.low, band.high);
    if end != ask.limit {
        return Err(Denial::numbers(Refusal::Collar, ask.limit.0, end.0).at(place));
    }
    Ok(())
}

fn opposite(place: usize, leg: &LegContext) -> Check {
    if leg.opposite { Err(Denial::plain(Refusal::OwnOpposite).at(place)) } else { Ok(()) }
}

fn self_trade(place: usize, leg: &LegContext, ask: &Ask) -> Check {
    match leg.meets {
        None => Ok(()),
        Some(other) => Err(Denial::numbers(Refusal::SelfTrade, ask.limit.0, other.0).at(place)),
    }
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
    let orders = u32::try_from(asked().count()).unwrap_or(u32::MAX);
    // Accounts are counted apart only where not even all orders would fit.
    for (place, leg) in asked().filter(|(_, leg)| leg.tokens < orders) {
        let wanted = asked().filter(|(_, other)| other.account == leg.account).count();
        if wanted > usize::try_from(leg.tokens).unwrap_or(usize::MAX) {
            let wanted = i128::try_from(wanted).unwrap_or(i128::MAX);
            let denial = Denial::numbers(Refusal::Messages, wanted, leg.tokens);
            return Err(denial.at(place).of(leg.account));
        }
    }
    over(Refusal::Messages, Bounded { value: orders.into(), limit: context.messages_left.into() })
}

#[cfg(test)]
mod tests {
    use super::super::{Binds, ORDER};
    use super::*;

    const NOW: Time = Time(1_000_000_000_000);

    fn feed() -> Feed {
        Feed { data: Data::Whole, age: Span(100), age_max: Span(1000), skew_max: Span(500) }
    }

    /// A leg that buys 5 lots at its touch of 100; the other side's touch is 99.
    fn leg(side: Side, account: u16) -> LegContext {
        let limit = match side {
            Side::Buy => Price(100),
            Side::Sell => Price(99),
        };
        LegContext {
            account: AccountId(account),
            sized: true,
            side,
            ask: Some(Ask { side, qty: Qty::of(5), limit, reduces: true }),
            book: feed(),
            fx: None,
            jump: None,
            touch: [Some(Price(100)), Some(Price(99))],
            band: Some(PriceBand { low: Price(50), high: Price(150) }),
            limits: InstrumentLimits {
                order_value: Money::units(500),
                collar: 10,
                age: Span(1000),
                skew: Span(500),
                limit_distance: 20,
                message_rate: 100,
                cancel_reserve: 10,
                conduct: None,
            },
            tick_value: Money::units(1),
            min_qty: Qty::of(2),
            qty_max: 50,
            phase: Now { phase: Phase::Continuous, until: Time::MAX, next: None },
            prompt_known: true,
            shut: Some(Shut { at: Time(NOW.0 + 5_001), phase: Phase::Break }),
            halt: Halt::Off,
            restricted: false,
            leased: true,
            linked: true,
            opposite: false,
            meets: None,
            day_result: Money::units(-99),
            day_loss: Money::units(100),
            tokens: 1,
            paused: [Span::ZERO; 2],
        }
    }

    fn legs() -> [LegContext; 2] {
        [leg(Side::Buy, 0), LegContext { fx: Some(feed()), ..leg(Side::Sell, 1) }]
    }

    /// Everything one step within its limit.
    fn context(legs: &[LegContext]) -> Context<'_> {
        Context {
            now: NOW,
            stage: Stage::Full,
            stopped: false,
            restricted: false,
            busy: false,
            ids_exhausted: false,
            repair: Repair::CheaperOf,
            size: Size { clip: 1, max: 10, overnight: 5, holiday: 0, before_break: Span(5_000) },
            sets_after: -10,
            residual_now: 40,
            residual: Bounded { value: 100, limit: 100 },
            sum_residual: Bounded { value: 200, limit: 200 },
            repair_loss: Bounded { value: 299, limit: 300 },
            trims: Some(Bounded { value: 4, limit: 4 }),
            edge: Some(Edge { stands: true, value: 7, limit: 7 }),
            roll: None,
            messages_left: 2,
            legs,
        }
    }

    type Wrong = (Refusal, fn(&mut Context<'_>, &mut [LegContext; 2]));

    /// One step beyond, for every refusal that is decided here, in the order of the checks.
    const WRONG: &[Wrong] = &[
        (Refusal::Stage, |context, _| context.stage = Stage::Shadow),
        (Refusal::Stopped, |context, _| context.stopped = true),
        (Refusal::Halted, |_, legs| legs[1].halt = Halt::Latched),
        (Refusal::HedgeRestricted, |context, _| context.restricted = true),
        (Refusal::AccountRestricted, |_, legs| legs[1].restricted = true),
        (Refusal::Lease, |_, legs| legs[1].leased = false),
        (Refusal::LinkDown, |_, legs| legs[1].linked = false),
        (Refusal::Busy, |context, _| context.busy = true),
        (Refusal::IdsExhausted, |context, _| context.ids_exhausted = true),
        (Refusal::NoBook, |_, legs| legs[1].touch[1] = None),
        (Refusal::Gapped, |_, legs| legs[1].book.data = Data::Gapped),
        (Refusal::Crossed, |_, legs| legs[0].book.data = Data::Crossed),
        (Refusal::Stale, |_, legs| legs[1].book.age_max = Span(99)),
        (Refusal::Skewed, |_, legs| legs[1].book.age = Span(601)),
        (Refusal::Phase, |_, legs| legs[1].phase.phase = Phase::Auction),
        (Refusal::NoPrompt, |_, legs| legs[1].prompt_known = false),
        (Refusal::Break, |context, legs| {
            legs[1].shut = Some(Shut { at: context.now + Span(5_000), phase: Phase::Break });
        }),
        (Refusal::PriceLimit, |_, legs| {
            legs[1].band = Some(PriceBand { low: Price(80), high: Price(119) });
        }),
        (Refusal::Trims, |context, _| {
            context.trims = Some(Bounded { value: 5, limit: 4 });
        }),
        (Refusal::Size, |_, legs| {
            legs[1].ask = legs[1].ask.map(|ask| Ask { qty: Qty::of(1), ..ask });
        }),
        (Refusal::Inventory, |context, _| context.sets_after = -11),
        (Refusal::Residual, |context, _| context.residual.value = 101),
        (Refusal::SumResidual, |context, _| context.sum_residual.value = 201),
        (Refusal::OrderValue, |_, legs| legs[1].limits.order_value = Money(1)),
        (Refusal::Collar, |_, legs| {
            legs[1].ask = legs[1].ask.map(|ask| Ask { limit: Price(88), ..ask });
        }),
        (Refusal::OwnOpposite, |_, legs| legs[1].opposite = true),
        (Refusal::DayLoss, |_, legs| legs[1].day_result = Money::units(-100)),
        (Refusal::LossBudget, |context, _| context.repair_loss.value = 300),
        (Refusal::Edge, |context, _| {
            context.edge = Some(Edge { stands: false, value: 6, limit: 7 });
        }),
        (Refusal::Messages, |_, legs| legs[1].tokens = 0),
    ];

    /// What each question answers when only `wrong` is wrong.
    fn answers(wrong: &Wrong) -> [Result<(), Refusal>; 3] {
        let mut facts = legs();
        let shared = facts;
        let mut asked = context(&shared);
        (wrong.1)(&mut asked, &mut facts);
        let asked = Context { legs: &facts, ..asked };
        [entering(&asked), leaving(&asked), repairing(&asked, LegId(1))]
            .map(|answer| answer.map_err(|denial| denial.refusal))
    }

    #[test]
    fn everything_at_its_limit_passes() {
        let legs = legs();
        let context = context(&legs);
        assert_eq!(entering(&context), Ok(()));
        assert_eq!(leaving(&context), Ok(()));
        assert_eq!(repairing(&context, LegId(0)), Ok(()));
        assert_eq!(repairing(&context, LegId(1)), Ok(()));
    }

    #[test]
    fn one_step_beyond_is_refused_where_it_binds() {
        for wrong in WRONG {
            let [entering, leaving, repairing] = answers(wrong);
            let refusal = wrong.0;
            // Trims are no question of entering, the repair budget none of leaving; the FX, the
            // other leg's book and a gap elsewhere do not stop a single repair order.
            let enters = refusal != Refusal::Trims;
            let binds = refusal.binds();
            let leaves = binds != Binds::Entering && refusal != Refusal::LossBudget;
            assert_eq!(entering.err(), enters.then_some(refusal), "entering: {refusal:?}");
            assert_eq!(leaving.err(), leaves.then_some(refusal), "leaving: {refusal:?}");
            let elsewhere = [Refusal::Crossed, Refusal::LossBudget].contains(&refusal);
            let repairs = binds == Binds::Everything && !elsewhere;
            assert_eq!(repairing.err(), repairs.then_some(refusal), "repairing: {refusal:?}");
        }
    }

    /// A roll that leaves the first leg and enters those from `entered` on, at its cost's limit.
    fn rolled(entered: usize) -> Roll {
        Roll { entered, cost: Bounded { value: 10, limit: 10 } }
    }

    #[test]
    fn a_roll_is_asked_what_an_enter_is_of_the_legs_that_it_enters() {
        let answer = |wrong: &Wrong, entered| {
            let mut facts = legs();
            let shared = facts;
            let mut asked = Context { roll: Some(rolled(entered)), ..context(&shared) };
            (wrong.1)(&mut asked, &mut facts);
            rolling(&Context { legs: &facts, ..asked }).err().map(|denial| denial.refusal)
        };
        let both = legs();
        for entered in [0, 1, 2] {
            let asked = Context { roll: Some(rolled(entered)), ..context(&both) };
            assert_eq!(rolling(&asked), Ok(()));
        }
        for wrong in WRONG {
            // Its edge is its cost, and it is no Trim.
            let is_asked = ![Refusal::Trims, Refusal::Edge].contains(&wrong.0);
            assert_eq!(answer(wrong, 1), is_asked.then_some(wrong.0), "{:?}", wrong.0);
            // The second leg is left too: then nothing is asked of it that binds entering alone.
            let of_leg =
                [Refusal::AccountRestricted, Refusal::Lease, Refusal::Break, Refusal::DayLoss];
            let is_asked = is_asked && !of_leg.contains(&wrong.0);
            assert_eq!(answer(wrong, 2), is_asked.then_some(wrong.0), "{:?}", wrong.0);
        }
        let dear: Wrong = (Refusal::RollCost, |context, _| {
            let cost = Bounded { value: 11, limit: 10 };
            context.roll = context.roll.map(|roll| Roll { cost, ..roll });
        });
        assert_eq!(answer(&dear, 1), Some(Refusal::RollCost));
        let nothing: Wrong =
            (Refusal::Size, |_, legs| legs.iter_mut().for_each(|leg| leg.ask = None));
        assert_eq!(answer(&nothing, 1), Some(Refusal::Size));
    }

    #[test]
    fn a_leg_that_stays_is_asked_nothing_by_a_roll() {
        let mut facts = [leg(Side::Buy, 0), leg(Side::Sell, 1), leg(Side::Sell, 2)];
        facts[2] = LegContext { sized: false, ask: None, linked: false, ..facts[2] };
        facts[2].book = Feed { data: Data::Empty, age: Span(1001), ..feed() };
        facts[2].fx = Some(Feed { age: Span(5_000), ..feed() });
        let asked = Context { roll: Some(rolled(1)), ..context(&facts) };
        assert_eq!(rolling(&asked), Ok(()));
    }

    #[test]
    fn the_first_in_order_is_the_one_that_is_told() {
        for first in 0..WRONG.len() {
            let mut facts = legs();
            let shared = facts;
            let mut asked = context(&shared);
            for (_, apply) in &WRONG[first..] {
                apply(&mut asked, &mut facts);
            }
            let asked = Context { legs: &facts, ..asked };
            let told = |answer: Result<(), Denial>| answer.unwrap_err().refusal;
            let wrong: Vec<Refusal> = WRONG[first..].iter().map(|wrong| wrong.0).collect();
            let expected = |binds: fn(Refusal) -> bool| wrong.iter().copied().find(|r| binds(*r));
            assert_eq!(Some(told(entering(&asked))), expected(|r| r != Refusal::Trims));
            assert_eq!(
                Some(told(leaving(&asked))),
                expected(|r| r.binds() != Binds::Entering && r != Refusal::LossBudget)
            );
        }
        let place = |refusal: &Refusal| ORDER.iter().position(|listed| listed == refusal);
        let places: Vec<Option<usize>> = WRONG.iter().map(|wrong| place(&wrong.0)).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some));
    }

    #[test]
    fn denials_carry_their_numbers() {
        let check = |refusal: Refusal, leg, account: Option<u16>, value: i128, limit: i128| {
            let wrong = WRONG.iter().find(|wrong| wrong.0 == refusal).unwrap();
            let mut facts = legs();
            let shared = facts;
            let mut asked = context(&shared);
            (wrong.1)(&mut asked, &mut facts);
            let found = entering(&Context { legs: &facts, ..asked }).unwrap_err();
            let account = account.map(AccountId);
            let expected = Denial { refusal, leg: Some(LegId(leg)), account, value, limit };
            assert_eq!(found, expected);
        };
        check(Refusal::Stale, 1, None, 100, 99);
        check(Refusal::Skewed, 1, None, 501, 500);
        check(Refusal::Break, 1, None, 5_000, 5_000);
        check(Refusal::PriceLimit, 1, None, 19, 20);
        check(Refusal::Size, 1, None, 1, 2);
        check(Refusal::OrderValue, 1, None, 495_000_000_000, 1);
        check(Refusal::Collar, 1, None, 11, 10);
        check(Refusal::DayLoss, 1, Some(1), 100_000_000_000, 100_000_000_000);
        check(Refusal::Messages, 1, Some(1), 1, 0);
    }

    #[test]
    fn each_flaw_of_a_book_has_its_refusal() {
        for (data, expected) in [
            (Data::Empty, Refusal::NoBook),
            (Data::Down, Refusal::NoBook),
            (Data::Gapped, Refusal::Gapped),
            (Data::Crossed, Refusal::Crossed),
        ] {
            let mut legs = legs();
            legs[1].fx = Some(Feed { data, ..feed() });
            assert_eq!(entering(&context(&legs)).unwrap_err().refusal, expected);
            // Repair of the leg trades in its own currency: it needs no rate.
            assert_eq!(repairing(&context(&legs), LegId(1)), Ok(()));
        }
        let mut legs = legs();
        legs[1].fx = Some(Feed { age: Span(1001), skew_max: Span(1001), ..feed() });
        assert_eq!(leaving(&context(&legs)).unwrap_err().refusal, Refusal::Stale);
    }

    #[test]
    fn of_two_flaws_the_one_that_is_first_in_order_is_told() {
        for (own, rate, expected) in [
            (Data::Crossed, Data::Empty, Refusal::NoBook),
            (Data::Empty, Data::Crossed, Refusal::NoBook),
            (Data::Gapped, Data::Crossed, Refusal::Gapped),
            (Data::Crossed, Data::Gapped, Refusal::Gapped),
        ] {
            let mut legs = legs();
            legs[1].book.data = own;
            legs[1].fx = Some(Feed { data: rate, ..feed() });
            assert_eq!(entering(&context(&legs)).unwrap_err().refusal, expected);
        }
    }

    #[test]
    fn of_equal_denials_the_earlier_leg_is_told() {
        let mut legs = legs();
        for leg in &mut legs {
            leg.limits.order_value = Money(1);
        }
        let denial = entering(&context(&legs)).unwrap_err();
        assert_eq!((denial.refusal, denial.leg), (Refusal::OrderValue, Some(LegId(0))));
    }

    #[test]
    fn a_book_may_be_as_old_as_its_limit() {
        let mut legs = legs();
        let old = Feed { age: Span(1000), skew_max: Span(1000), ..feed() };
        for leg in &mut legs {
            (leg.book, leg.fx) = (old, Some(old));
        }
        assert_eq!(entering(&context(&legs)), Ok(()));
        legs[0].book.age = Span(1001);
        assert_eq!(entering(&context(&legs)).unwrap_err().refusal, Refusal::Stale);
    }

    #[test]
    fn books_are_as_far_apart_as_each_of_them_allows() {
        // Ages and the largest differences of the first leg, the second and its rate.
        let answer = |books: [(i64, i64); 3]| {
            let mut legs = legs();
            let [first, second, rate] =
                books.map(|(age, apart)| Feed { age: Span(age), skew_max: Span(apart), ..feed() });
            legs[0].book = first;
            legs[1].book = second;
            legs[1].fx = Some(rate);
            entering(&context(&legs)).map_err(|denial| (denial.leg, denial.value, denial.limit))
        };
        let at = |leg: u8, value, limit| Err((Some(LegId(leg)), value, limit));
        let wide = 10_000;
        assert_eq!(answer([(700, 600), (100, 600), (100, 600)]), Ok(()));
        // The one that allows too little is named, whether it is the old or a new one.
        assert_eq!(answer([(700, 599), (100, wide), (100, wide)]), at(0, 600, 599));
        assert_eq!(answer([(700, 600), (100, 500), (100, wide)]), at(0, 600, 500));
        assert_eq!(answer([(700, 700), (100, 500), (100, wide)]), at(0, 600, 500));
        // Of two that are as old the first is the one to look at.
        assert_eq!(answer([(100, 500), (700, wide), (700, wide)]), at(1, 600, 500));
        assert_eq!(answer([(700, wide), (700, wide), (100, 500)]), at(0, 600, 500));
    }

    #[test]
    fn a_repair_may_be_as_near_the_limit_as_allowed() {
        let answer = |high| {
            let mut legs = legs();
            legs[0].band = Some(PriceBand { low: Price(0), high: Price(high) });
            let asked = Context { repair: Repair::Supplement, ..context(&legs) };
            entering(&asked).map_err(|denial| denial.refusal)
        };
        assert_eq!(answer(120), Ok(()));
        assert_eq!(answer(119), Err(Refusal::PriceLimit));
    }

    #[test]
    fn a_price_at_the_end_of_the_band_is_inside() {
        let mut legs = legs();
        legs[0].limits.limit_distance = 0;
        for (low, high, expected) in [
            (100, 100, Ok(())),
            (101, 110, Err((Refusal::Collar, 101))),
            (90, 99, Err((Refusal::Collar, 99))),
        ] {
            legs[0].band = Some(PriceBand { low: Price(low), high: Price(high) });
            let found = repairing(&context(&legs), LegId(0));
            assert_eq!(found.map_err(|denial| (denial.refusal, denial.limit)), expected);
        }
    }

    #[test]
    fn an_absurd_order_has_its_value_too() {
        let (price, lots, tick) = (1 << 60, 50, 3);
        let value = 3 * 50 * (1_i128 << 60);
        let mut leg = leg(Side::Buy, 0);
        leg.touch = [Some(Price(price)); 2];
        leg.band = None;
        leg.tick_value = Money(tick);
        leg.ask = Some(Ask { qty: Qty::of(lots), limit: Price(price), ..leg.ask.unwrap() });
        for (limit, expected) in [(value, Ok(())), (value - 1, Err(value))] {
            leg.limits.order_value = Money(limit);
            let found = order_value(0, &leg, &leg.ask.unwrap());
            assert_eq!(found.map_err(|denial| denial.value), expected);
        }
    }

    #[test]
    fn a_jump_binds_what_goes_by_the_prices() {
        let jump = Some(Bounded { value: 321, limit: 320 });
        let mut legs = legs();
        legs[1] = LegContext { jump, ..legs[1] };
        let expected = Err(Denial::numbers(Refusal::Jump, 321, 320).at(1));
        let mut context = context(&legs);
        context.edge = Some(Edge { stands: true, value: 1, limit: 1 });
        assert_eq!(entering(&context), expected);
        assert_eq!(leaving(&context), expected);
        context.edge = None;
        assert_eq!(entering(&context), expected);
        assert_eq!(leaving(&context), Ok(()));
        assert_eq!(repairing(&context, LegId(1)), Ok(()));
    }

    #[test]
    fn an_order_that_would_meet_one_of_its_group_is_refused_whatever_it_is_for() {
        let mut legs = legs();
        legs[1].meets = Some(Price(98));
        let expected = Err(Denial::numbers(Refusal::SelfTrade, 99, 98).at(1));
        assert_eq!(entering(&context(&legs)), expected);
        assert_eq!(leaving(&context(&legs)), expected);
        assert_eq!(repairing(&context(&legs), LegId(1)), expected);
        assert_eq!(repairing(&context(&legs), LegId(0)), Ok(()));
        legs[1].opposite = true;
        assert_eq!(entering(&context(&legs)).unwrap_err().refusal, Refusal::OwnOpposite);
    }

    #[test]
    fn halt_lets_only_reducing_orders_flatten() {
        let mut legs = legs();
        legs[0].halt = Halt::Flattening;
        assert_eq!(entering(&context(&legs)).unwrap_err().refusal, Refusal::Halted);
        assert_eq!(leaving(&context(&legs)), Ok(()));
        assert_eq!(repairing(&context(&legs), LegId(0)), Ok(()));
        legs[0].ask = legs[0].ask.map(|ask| Ask { reduces: false, ..ask });
        assert_eq!(leaving(&context(&legs)).unwrap_err().refusal, Refusal::Halted);
        assert_eq!(repairing(&context(&legs), LegId(0)).unwrap_err().refusal, Refusal::Halted);
    }

    #[test]
    fn a_way_back_is_supplement_for_all_or_unwind_for_all() {
        let answer = |repair, change: fn(&mut [LegContext; 2])| {
            let mut legs = legs();
            change(&mut legs);
            let asked = Context { repair, ..context(&legs) };
            entering(&asked).map_err(|denial| (denial.refusal, denial.leg))
        };
        // Leg 0 buys: near the upper limit it cannot be supplemented, but it can be unwound.
        let near_top: fn(&mut [LegContext; 2]) =
            |legs| legs[0].band = Some(PriceBand { low: Price(0), high: Price(119) });
        let refused = Err((Refusal::PriceLimit, Some(LegId(0))));
        assert_eq!(answer(Repair::Supplement, near_top), refused);
        assert_eq!(answer(Repair::Unwind, near_top), Ok(()));
        assert_eq!(answer(Repair::CheaperOf, near_top), Ok(()));
        // Leg 1 sells: near the same limit it cannot be bought back. One way is shut for each.
        let both: fn(&mut [LegContext; 2]) = |legs| {
            for leg in legs {
                leg.band = Some(PriceBand { low: Price(0), high: Price(119) });
            }
        };
        assert_eq!(answer(Repair::CheaperOf, both), refused);
        // Nobody bids for what leg 0 would have to give back.
        let no_bid: fn(&mut [LegContext; 2]) = |legs| legs[0].touch[1] = None;
        let no_route = Err((Refusal::NoRepairRoute, Some(LegId(0))));
        assert_eq!(answer(Repair::Unwind, no_bid), no_route);
        assert_eq!(answer(Repair::Supplement, no_bid), Ok(()));
        let no_band: fn(&mut [LegContext; 2]) = |legs| legs[0].band = None;
        assert_eq!(answer(Repair::Supplement, no_band), Ok(()));
    }

    #[test]
    fn what_reduces_may_leave_above_the_residual_limit() {
        let legs = legs();
        let asked = |now, value| Context {
            residual_now: now,
            residual: Bounded { value, limit: 100 },
            ..context(&legs)
        };
        assert_eq!(entering(&asked(150, 150)).unwrap_err().refusal, Refusal::Residual);
        assert_eq!(leaving(&asked(150, 150)), Ok(()));
        assert_eq!(repairing(&asked(150, 150), LegId(0)), Ok(()));
        assert_eq!(leaving(&asked(150, 151)).unwrap_err().refusal, Refusal::Residual);
        assert_eq!(repairing(&asked(150, 151), LegId(0)).unwrap_err().refusal, Refusal::Residual);
    }

    #[test]
    fn prices_of_any_sign_are_collared_by_ticks() {
        let answer = |side, touch: i64, limit: i64| {
            let mut legs = legs();
            legs[0] = LegContext {
                touch: [Some(Price(touch)); 2],
                band: None,
                ask: Some(Ask { side, qty: Qty::of(2), limit: Price(limit), reduces: true }),
                ..leg(side, 0)
            };
            entering(&context(&legs)).map_err(|denial| (denial.refusal, denial.value))
        };
        assert_eq!(answer(Side::Buy, -37, -27), Ok(()));
        assert_eq!(answer(Side::Buy, -37, -26), Err((Refusal::Collar, 11)));
        assert_eq!(answer(Side::Sell, -37, -47), Ok(()));
        assert_eq!(answer(Side::Sell, -37, -48), Err((Refusal::Collar, 11)));
        assert_eq!(answer(Side::Sell, 0, 0), Ok(()));
        // An order below zero has a value all the same.
        let value = i128::from(260) * 2 * 1_000_000_000;
        assert_eq!(answer(Side::Sell, -250, -260), Err((Refusal::OrderValue, value)));
    }

    #[test]
    fn a_price_outside_the_band_names_its_end() {
        let mut legs = legs();
        legs[1].touch = [Some(Price(60)), Some(Price(55))];
        legs[1].limits.limit_distance = 0;
        legs[1].ask = legs[1].ask.map(|ask| Ask { limit: Price(49), ..ask });
        let denial = leaving(&context(&legs)).unwrap_err();
        assert_eq!((denial.refusal, denial.value, denial.limit), (Refusal::Collar, 49, 50));
    }

    #[test]
    fn two_legs_of_one_account_need_two_messages() {
        let mut legs = [leg(Side::Buy, 0), leg(Side::Sell, 0)];
        let denial = entering(&context(&legs)).unwrap_err();
        assert_eq!((denial.refusal, denial.value, denial.limit), (Refusal::Messages, 2, 1));
        for leg in &mut legs {
            leg.tokens = 2;
        }
        assert_eq!(entering(&context(&legs)), Ok(()));
        let asked = Context { messages_left: 1, ..context(&legs) };
        let denial = entering(&asked).unwrap_err();
        assert_eq!((denial.refusal, denial.account), (Refusal::Messages, None));
        let asked = Context { messages_left: 0, ..context(&legs) };
        assert_eq!(repairing(&asked, LegId(0)).unwrap_err().refusal, Refusal::Messages);
    }

    #[test]
    fn without_an_order_there_is_nothing_to_ask() {
        let mut legs = legs();
        for leg in &mut legs {
            leg.ask = None;
        }
        assert_eq!(entering(&context(&legs)).unwrap_err().refusal, Refusal::Size);
        assert_eq!(leaving(&context(&legs)).unwrap_err().refusal, Refusal::Nothing);
        assert_eq!(repairing(&context(&legs), LegId(1)).unwrap_err().refusal, Refusal::Nothing);
        assert_eq!(repairing(&context(&legs), LegId(7)).unwrap_err().refusal, Refusal::Nothing);
    }

    #[test]
    fn a_leg_that_only_prices_is_asked_for_its_data_alone() {
        let mut facts = [leg(Side::Buy, 0), leg(Side::Sell, 1), leg(Side::Sell, 2)];
        facts[2] = LegContext {
            sized: false,
            ask: None,
            halt: Halt::Latched,
            linked: false,
            restricted: true,
            phase: Now { phase: Phase::Overnight, until: Time::MAX, next: None },
            ..facts[2]
        };
        assert_eq!(entering(&context(&facts)), Ok(()));
        facts[2].book.age = Span(1001);
        assert_eq!(entering(&context(&facts)).unwrap_err().refusal, Refusal::Stale);
    }

    #[test]
    fn an_order_is_worth_its_limit_at_most() {
        let mut legs = legs();
        for (limit, expected) in [(Money::units(500), None), (Money(499_999_999_999), Some(500))] {
            legs[0].limits.order_value = limit;
            let found = entering(&context(&legs)).err().map(|denial| denial.value / 1_000_000_000);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_order_larger_than_its_bound_is_refused() {
        let mut legs = legs();
        legs[0].limits.order_value = Money::units(1_000_000);
        for (qty, expected) in [(50, None), (51, Some(Refusal::Size))] {
            legs[0].ask = legs[0].ask.map(|ask| Ask { qty: Qty::of(qty), ..ask });
            let found = entering(&context(&legs)).err().map(|denial| denial.refusal);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_shut_is_as_long_as_its_longest_phase() {
        let at = |second: i64| Time(second * 1_000_000_000);
        let phases = Phases::new(vec![
            (at(0), Phase::Continuous),
            (at(100), Phase::Break),
            (at(110), Phase::Continuous),
            (at(200), Phase::Auction),
            (at(205), Phase::Overnight),
            (at(300), Phase::Auction),
            (at(305), Phase::Continuous),
            (at(400), Phase::Overnight),
            (at(450), Phase::Holiday),
        ])
        .unwrap();
        let check = |now: i64, expected: Option<(i64, Phase)>| {
            let expected = expected.map(|(start, phase)| Shut { at: at(start), phase });
            assert_eq!(next_shut(&phases, at(now)), expected, "{now}");
        };
        check(0, Some((100, Phase::Break)));
        check(110, Some((200, Phase::Overnight)));
        check(305, Some((400, Phase::Holiday)));
        assert_eq!(next_shut(&Phases::always(), at(0)), None);
        // Of two that are as long the first one names it.
        let phases = Phases::new(vec![
            (at(0), Phase::Continuous),
            (at(100), Phase::Auction),
            (at(105), Phase::Break),
            (at(110), Phase::Continuous),
        ])
        .unwrap();
        let shut = Shut { at: at(100), phase: Phase::Auction };
        assert_eq!(next_shut(&phases, at(0)), Some(shut));

        let size = context(&legs()).size;
        let shut = |phase| Some(Shut { at: Time(10_000), phase });
        for (phase, inside) in
            [(Phase::Break, 10), (Phase::Overnight, 5), (Phase::Holiday, 0), (Phase::Halted, 10)]
        {
            assert_eq!(sets_allowed(&size, shut(phase), Time(5_000)), inside, "{phase:?}");
            assert_eq!(sets_allowed(&size, shut(phase), Time(4_999)), 10, "{phase:?}");
        }
        assert_eq!(sets_allowed(&size, None, Time(0)), 10);
    }
}
