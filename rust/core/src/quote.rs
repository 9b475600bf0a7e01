//! What travels between the columns: tops, walks, the plan of a hedge, facts, intents, own orders.

use crate::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, LEGS_MAX, LegId};
use crate::num::{Money, Price, Qty, Ratio, Side, div_nearest, narrow};
use crate::time::{Span, Time};
use crate::wire::Writer;

/// The best level of one side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// Its price.
    pub price: Price,
    /// Lots there.
    pub qty: Qty,
}

/// What taking a size from one side of a book costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Lots that are there, at most those asked for.
    pub qty: Qty,
    /// Σ price × lots, in ticks × lots.
    pub cost: i128,
    /// The worst price met.
    pub worst: Price,
    /// The price of the first lot beyond those asked for; `None` when the book ends there.
    pub marginal: Option<Price>,
}

/// Own orders in one instrument: what a walk must not count on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Lots that our orders in flight are taking, by the side of the taker (buys take asks).
    pub claims: [Qty; 2],
    /// Our resting lots by side and price, where the feed shows them.
    pub resting: Vec<(Side, Price, Qty)>,
}

/// How good the data of one book is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Data {
    /// Nothing has been received yet.
    Empty = 0,
    /// Whole and in order.
    Whole = 1,
    /// A sequence gap; no level counts until a snapshot.
    Gapped = 2,
    /// Its best bid is above its best ask.
    Crossed = 3,
    /// The feed is down.
    Down = 4,
}

/// One leg of a hedge, as the configuration computed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegPlan {
    /// What is traded.
    pub instrument: InstrumentId,
    /// In which account.
    pub account: AccountId,
    /// What +1 set does.
    pub side: Side,
    /// Lots in one set, exact; zero for a leg that only prices.
    pub lots: Ratio,
    /// Common units that one lot stands for, over [`HedgePlan::unit_den`]; one set is the same
    /// number of units on every leg.
    pub units: i64,
    /// price ticks × (fx ticks, where there is an fx) × `coef` / [`HedgePlan::denominator`] = the
    /// weighted price of one common unit in the hedge's currency.
    pub coef: i64,
    /// The instrument whose price turns this leg's currency into the hedge's.
    pub fx: Option<InstrumentId>,
    /// Value of one tick of one lot in 10⁻⁹ of the hedge's currency, for one tick of `fx` where
    /// there is one: over [`LegPlan::tick_den`].
    pub tick_num: i64,
    /// See `tick_num`.
    pub tick_den: i64,
}

/// A hedge, as the configuration computed it: all that is not a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HedgePlan {
    /// Its name.
    pub name: String,
    /// Lower goes first.
    pub priority: i32,
    /// Its currency.
    pub currency: CurrencyId,
    /// 2 to 8 legs.
    pub legs: Vec<LegPlan>,
    /// What the legs' `coef` are over.
    pub denominator: i64,
    /// What the legs' `units` are over.
    pub unit_den: i64,
    /// Units of one set over `unit_den`; more than zero.
    pub set_units: i64,
}

impl LegPlan {
    /// Signed lots that the leg should hold at `sets`.
    #[inline]
    #[must_use]
    pub fn goal(&self, sets: i64) -> i64 {
        self.side.sign() * self.lots.nearest(sets)
    }
}

/// Signed lots of each leg of a hedge.
pub type LegLots = [i64; LEGS_MAX];

impl HedgePlan {
    /// Signed lots that every leg should hold at `sets`: `side × round(lots × |sets|)`, with the
    /// sign of `sets`.
    #[must_use]
    pub fn goal(&self, sets: i64) -> LegLots {
        let mut goal = [0; LEGS_MAX];
        for (lots, leg) in goal.iter_mut().zip(&self.legs) {
            *lots = leg.goal(sets);
        }
        goal
    }

    /// What takes the lots held to those of `sets`.
    #[must_use]
    pub fn change(&self, held: &LegLots, sets: i64) -> LegLots {
        let mut change = [0; LEGS_MAX];
        for ((lots, held), leg) in change.iter_mut().zip(held).zip(&self.legs) {
            *lots = leg.goal(sets) - held;
        }
        change
    }

    /// The smallest and largest number of units that any sized leg stands for, in the direction of
    /// +sets, over `unit_den`.
    #[must_use]
    pub fn units(&self, lots: &LegLots) -> (i128, i128) {
        let mut ends: Option<(i128, i128)> = None;
        for (lots, leg) in lots.iter().zip(&self.legs) {
            if leg.lots.num() == 0 {
                continue;
            }
            let units = i128::from(leg.side.sign() * lots) * i128::from(leg.units);
            ends = Some(match ends {
                None => (units, units),
                Some((low, high)) => (low.min(units), high.max(units)),
            });
        }
        ends.unwrap_or((0, 0))
    }

    /// What is not aligned: the largest difference between what two legs stand for, in common
    /// units over `unit_den`. For two legs this is the net exposure.
    #[must_use]
    pub fn residual(&self, lots: &LegLots) -> i128 {
        let (low, high) = self.units(lots);
        high - low
    }

    /// Signed sets that these lots are nearest to: the middle of what the legs stand for, halves
    /// toward zero.
    #[must_use]
    pub fn sets(&self, lots: &LegLots) -> i64 {
        let (low, high) = self.units(lots);
        let (middle, step) = (low + high, 2 * i128::from(self.set_units));
        let sign = if middle < 0 { -1 } else { 1 };
        // One less than the middle pushes an exact half toward zero and moves nothing else.
        narrow(sign * div_nearest((middle.abs() - 1).max(0), step))
    }
}

/// How the sets of a hedge move to the next contract: what +1 set of a Roll trades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollPlan {
    /// The hedge that the sets move to.
    pub next: HedgeId,
    /// The hedge's own legs, at their places: turned round where they expire, without lots where
    /// they stay; behind them the legs of the next hedge that take the place of those that expire.
    /// It trades and counts; prices are not compared through it.
    pub plan: HedgePlan,
    /// Legs of the next hedge behind the hedge's own legs.
    pub entered: Vec<LegId>,
}

impl RollPlan {
    /// Legs of the hedge itself.
    #[must_use]
    pub fn own_legs(&self) -> usize {
        self.plan.legs.len() - self.entered.len()
    }

    /// The leg of the next hedge that a place of the plan trades; `None` for one of the hedge's own.
    #[must_use]
    pub fn entered_at(&self, place: usize) -> Option<LegId> {
        self.entered.get(place.checked_sub(self.own_legs())?).copied()
    }

    /// The place of the plan that trades a leg of the next hedge; `None` for a leg that stays.
    #[must_use]
    pub fn place_of(&self, leg: LegId) -> Option<usize> {
        let place = self.entered.iter().position(|entered| *entered == leg)?;
        Some(self.own_legs() + place)
    }
}

/// Why an attempt exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Adds sets.
    Enter = 0,
    /// Gives sets back, on the signal or an operator's word.
    Exit = 1,
    /// Trades a residual away.
    Trim = 2,
    /// Gives sets back because a limit asks for it.
    Reduce = 3,
    /// Moves sets from one contract to the next.
    Roll = 4,
}

impl Kind {
    /// Every kind, in the order of its code.
    pub const ALL: [Kind; 5] = [Kind::Enter, Kind::Exit, Kind::Trim, Kind::Reduce, Kind::Roll];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Enter => "enter",
            Kind::Exit => "exit",
            Kind::Trim => "trim",
            Kind::Reduce => "reduce",
            Kind::Roll => "roll",
        }
    }
}

/// What an order is for, inside its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// The attempt's own work.
    Work = 0,
    /// Trades the missing leg (补边).
    Supplement = 1,
    /// Trades the filled leg back (回退).
    Unwind = 2,
    /// Follows a leg that leads: what that one has traded, or may trade.
    Hedge = 3,
    /// Rests at a price solved from the other legs' depth.
    Quote = 4,
}

impl Purpose {
    /// Every purpose, in the order of its code.
    pub const ALL: [Purpose; 5] =
        [Purpose::Work, Purpose::Supplement, Purpose::Unwind, Purpose::Hedge, Purpose::Quote];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether it mends rather than works.
    #[must_use]
    pub const fn is_repair(self) -> bool {
        matches!(self, Purpose::Supplement | Purpose::Unwind)
    }
}

/// Why an attempt may send nothing on a leg now: a set of causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocked(u8);

impl Blocked {
    /// Nothing stands in the way.
    pub const NONE: Blocked = Blocked(0);
    /// The venue's trading link is down.
    pub const VENUE: Blocked = Blocked(1);
    /// The phase takes no orders.
    pub const PHASE: Blocked = Blocked(2);
    /// The book is stale, gapped, crossed or down.
    pub const FEED: Blocked = Blocked(4);
    /// Orders of an earlier run are being asked for.
    pub const RECOVERY: Blocked = Blocked(8);
    /// A HALT latch is set.
    pub const HALT: Blocked = Blocked(16);

    /// Both sets of causes.
    #[must_use]
    pub const fn with(self, other: Blocked) -> Blocked {
        Blocked(self.0 | other.0)
    }

    /// The causes that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Blocked) -> Blocked {
        Blocked(self.0 & !other.0)
    }

    /// Whether nothing stands in the way.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether all causes of `other` are in this set.
    #[must_use]
    pub const fn has(self, other: Blocked) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set as bits, for the digest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// What repair may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Repair {
    /// Whichever is expected to cost less.
    CheaperOf = 0,
    /// Trade the missing leg.
    Supplement = 1,
    /// Trade the filled leg back.
    Unwind = 2,
}

/// How a hedge executes; every value is required in configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Largest residual at rest, in common units over [`HedgePlan::unit_den`].
    pub max_residual: i128,
    /// Largest residual while an attempt lives, counting orders at their worst; same units.
    pub live_residual: i128,
    /// From the first order to the end.
    pub finish_within: Span,
    /// How long an order that rests may live before it is cancelled.
    pub order_timeout: Span,
    /// What repair may choose.
    pub repair: Repair,
    /// Most that repair of one attempt may lose, in the hedge's currency.
    pub max_loss: Money,
    /// Most that repair of the hedge may lose in one trading day, in the hedge's currency.
    pub max_loss_per_day: Money,
    /// Most orders a leg of one attempt may send.
    pub tries: u16,
    /// Most messages one attempt may send: orders, cancels and queries; and most queries about one
    /// order before the alarm.
    pub messages: u32,
    /// Most Trim attempts in one trading day.
    pub trims_per_day: u32,
}

impl Execution {
    /// Most orders that an attempt on so many legs may ever make, which is `staged` where some
    /// follow or rest: those are bounded by messages alone.
    #[must_use]
    pub fn orders_max(&self, legs: usize, staged: bool) -> usize {
        let messages = usize::try_from(self.messages).unwrap_or(usize::MAX);
        if staged {
            return messages;
        }
        (usize::from(self.tries) * legs).min(messages)
    }

    /// Appends every value, for the journal and the state digest.
    pub fn write(&self, out: &mut Writer) {
        out.i128(self.max_residual);
        out.i128(self.live_residual);
        out.i64(self.finish_within.0);
        out.i64(self.order_timeout.0);
        out.u8(match self.repair {
            Repair::CheaperOf => 0,
            Repair::Supplement => 1,
            Repair::Unwind => 2,
        });
        out.i128(self.max_loss.0);
        out.i128(self.max_loss_per_day.0);
        out.u16(self.tries);
        out.u32(self.messages);
        out.u32(self.trims_per_day);
    }
}

/// How large a hedge may grow, in sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Most sets sent at once.
    pub clip: i64,
    /// Most sets held, either way.
    pub max: i64,
    /// Most sets held when a leg's market shuts overnight.
    pub overnight: i64,
    /// Most sets held when a leg's market shuts for a holiday.
    pub holiday: i64,
    /// How long before a leg's market shuts nothing new is entered and the two limits above bind.
    pub before_break: Span,
}

/// What an attempt wants to know about one leg: how much it may buy and sell next, by
/// [`Side::index`].
pub type LegAsk = [Qty; 2];

/// What is true of one leg now, for the quantities asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegFacts {
    /// What taking costs, by the side of the taker; `None` where no level may be counted on.
    pub walk: [Option<Walk>; 2],
    /// The touch that a taker of the side meets.
    pub touch: [Option<Price>; 2],
    /// The worst price an order of the side may carry: the collar and the day's price band.
    pub collar: [Option<Price>; 2],
    /// Fees for the quantity asked, by side, in the hedge's currency, position effects counted.
    pub fee: [Money; 2],
    /// Value of one tick of one lot in the hedge's currency at FX mid, rounded up.
    pub tick_value: Money,
    /// Ticks a lot that its price may move against an order on its way; zero or more.
    pub waiting: i64,
    /// Age of the book.
    pub age: Span,
    /// Why nothing may be sent now.
    pub blocked: Blocked,
    /// Signed lots that the hedge holds on the leg.
    pub held: i64,
    /// Orders of the hedge on the leg that are not both done and confirmed.
    pub alive: u32,
    /// Of those, the ones that rest and may be cancelled.
    pub resting: u32,
}

impl LegFacts {
    /// Nothing is known.
    pub const UNKNOWN: LegFacts = LegFacts {
        walk: [None; 2],
        touch: [None; 2],
        collar: [None; 2],
        fee: [Money::ZERO; 2],
        tick_value: Money::ZERO,
        waiting: 0,
        age: Span(i64::MAX),
        blocked: Blocked::FEED,
        held: 0,
        alive: 0,
        resting: 0,
    };
}

/// What is true of one leg of an attempt that works in stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegStage {
    /// Lots that its orders which are alive may still trade at worst, by side.
    pub open: [Qty; 2],
    /// The quote among them, where the leg has one.
    pub quote: Option<Resting>,
    /// Where the leg would be quoted now; `None` where it may not be.
    pub solved: Option<Solved>,
    /// What a quote of another leg leans on here.
    pub lean: Option<Walk>,
    /// Ticks between the best price of its side and what follows and rests here, where the leg's
    /// rule asks; 0 where nothing does.
    pub away: i64,
    /// Lots of others before what follows and rests here, where the leg's rule asks.
    pub ahead: i64,
}

impl LegStage {
    /// Nothing is out and nothing is quoted.
    pub const NONE: LegStage =
        LegStage { open: [Qty::ZERO; 2], quote: None, solved: None, lean: None, away: 0, ahead: 0 };
}

/// A quote that is not both done and confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its price.
    pub price: Price,
    /// Lots that it may still trade.
    pub leaves: Qty,
    /// Whether it rests and a cancel is of use.
    pub is_movable: bool,
    /// When it was sent.
    pub sent: Time,
}

/// Where a leg would be quoted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solved {
    /// The worst price at which the set still reaches its band.
    pub price: Price,
    /// The lowest price at which a quote may stay.
    pub low: Price,
    /// The highest price at which a quote may stay.
    pub high: Price,
    /// Lots that the other legs' books can hedge, as the policy counts them.
    pub qty: Qty,
    /// How far behind the best price of its own side the price is, in ticks; negative is before it.
    pub away: i64,
}

/// What is true of all legs of a hedge now; entries beyond its legs are [`LegFacts::UNKNOWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// By leg.
    pub legs: [LegFacts; LEGS_MAX],
    /// By leg; kept only while an attempt is at its stages.
    pub stages: [LegStage; LEGS_MAX],
    /// What repair of the hedge may still lose today, in the hedge's currency.
    pub loss_left: Money,
    /// Whether a HALT lets through only orders that take a leg toward zero.
    pub reduce_only: bool,
    /// Most sets that the hedge may hold.
    pub sets_max: i64,
    /// Whether the other legs' books hold less than quotes lean on.
    pub is_thin: bool,
    /// Ticks that a quote may give up before it moves, while quotes are kept where they are.
    pub frozen: Option<i64>,
}

impl Facts {
    /// Nothing is known of any leg.
    pub const UNKNOWN: Facts = Facts {
        legs: [LegFacts::UNKNOWN; LEGS_MAX],
        stages: [LegStage::NONE; LEGS_MAX],
        loss_left: Money::ZERO,
        reduce_only: false,
        sets_max: i64::MAX,
        is_thin: false,
        frozen: None,
    };

    /// Signed lots held, by leg.
    #[must_use]
    pub fn held(&self) -> LegLots {
        let mut held = [0; LEGS_MAX];
        for (lots, leg) in held.iter_mut().zip(&self.legs) {
            *lots = leg.held;
        }
        held
    }

    /// Orders that are not both done and confirmed, on all legs.
    #[must_use]
    pub fn alive(&self) -> u32 {
        self.legs.iter().map(|leg| leg.alive).sum()
    }
}

/// One order that an attempt wants, before the gates and the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The leg.
    pub leg: LegId,
    /// Buy or sell.
    pub side: Side,
    /// Lots; more than zero.
    pub qty: Qty,
    /// The worst price.
    pub limit: Price,
    /// What it is for.
    pub purpose: Purpose,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gold: 1000 g a lot against 3110.34768 g, one set is one lot of the coarser.
    fn gold() -> HedgePlan {
        let leg = |side, lots: &str, units| LegPlan {
            instrument: InstrumentId(0),
            account: AccountId(0),
            side,
            lots: Ratio::parse(lots).unwrap(),
            units,
            coef: 1,
            fx: None,
            tick_num: 1,
            tick_den: 1,
        };
        HedgePlan {
            name: "gold".into(),
            priority: 0,
            currency: CurrencyId(0),
            legs: vec![
                leg(Side::Sell, "3.11034768", 100_000_000),
                leg(Side::Buy, "1", 311_034_768),
            ],
            denominator: 1,
            unit_den: 100_000,
            set_units: 311_034_768,
        }
    }

    #[test]
    fn alignment_is_to_the_position() {
        let plan = gold();
        let lots: Vec<i64> = (0..=5).map(|sets| plan.goal(sets)[0]).collect();
        assert_eq!(lots, [0, -3, -6, -9, -12, -16]);
        assert_eq!(plan.goal(-5)[..2], [16, -5]);
    }

    #[test]
    fn residual_of_two_legs_is_the_net_exposure() {
        let plan = gold();
        // 3 lots sold, 1 bought: 3110.34768 g − 3000 g.
        assert_eq!(plan.residual(&plan.goal(1)), 11_034_768);
        assert_eq!(plan.residual(&[0, 1, 0, 0, 0, 0, 0, 0]), 311_034_768);
        assert_eq!(plan.residual(&[0; LEGS_MAX]), 0);
    }

    #[test]
    fn sets_are_the_nearest_and_halves_go_to_zero() {
        let plan = gold();
        for sets in -30..=30 {
            assert_eq!(plan.sets(&plan.goal(sets)), sets);
        }
        assert_eq!(plan.sets(&[0, 1, 0, 0, 0, 0, 0, 0]), 0);
        assert_eq!(plan.sets(&[0, -1, 0, 0, 0, 0, 0, 0]), 0);
        assert_eq!(plan.sets(&[-1, 1, 0, 0, 0, 0, 0, 0]), 1);
    }
}
