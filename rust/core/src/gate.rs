//! The checks before anything is sent, in one order, each a typed refusal.
//!
//! The engine fills a [`Context`] with plain values and asks one of three questions: may these
//! orders add risk ([`entering`]), may they give it back ([`leaving`]: Exit, Trim and Reduce), may
//! this one order mend an attempt ([`repairing`]). A set of orders is refused whole, repair order
//! by order. The money is asked afterwards, by the hold itself; nothing here allocates.
//!
//! [`ORDER`] is the order of the checks. Which question a refusal can answer, [`Refusal::binds`]
//! says: what limits risk binds only orders that add it (soft); what the market, the venue or the
//! law of the journal forbids binds every order (hard).

use crate::conduct::{Budgets, Counted};
use crate::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, LegId, ProductId, Table, VenueId};
use crate::legging::Legging;
use crate::num::{Money, Ratio};
use crate::quote::{Execution, Size};
use crate::threshold::Threshold;
use crate::time::Span;

mod bytes;
mod checks;

pub use checks::{
    Ask, Bounded, Context, Edge, Feed, LegContext, Roll, Shut, Stage, entering, leaving, next_shut,
    repairing, rolling, sets_allowed,
};

/// Limits of one instrument; all required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentLimits {
    /// Largest value of one order, in the instrument's currency.
    pub order_value: Money,
    /// Furthest an order's price may be from the touch it meets, in ticks.
    pub collar: i64,
    /// Oldest book a decision may use.
    pub age: Span,
    /// Largest difference between the ages of this book and another leg's.
    pub skew: Span,
    /// Least distance of the touch from the day's price band in the direction a repair needs, in
    /// ticks.
    pub limit_distance: i64,
    /// Most messages about it in one second.
    pub message_rate: u32,
    /// How many of them only cancels may use.
    pub cancel_reserve: u32,
    /// What accounts under one actual control may use of it in a trading day; `None` where its
    /// exchange has no such rules.
    pub conduct: Option<Budgets>,
}

/// How far beyond the other side's touch a level may be set, in collars.
const REACH: i64 = 64;

impl InstrumentLimits {
    /// How far beyond the other side's touch a book takes a level, in ticks.
    #[must_use]
    pub const fn reach(&self) -> i64 {
        self.collar.saturating_mul(REACH)
    }
}

/// Limits of one account; all required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    /// Largest (margin + held) / equity.
    pub usage_cap: Ratio,
    /// Largest loss since the day began, in the account's currency.
    pub day_loss: Money,
    /// Most messages in one second.
    pub message_rate: u32,
    /// How many of them only cancels may use.
    pub cancel_reserve: u32,
}

/// Limits of one venue; all required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueLimits {
    /// Most messages of all its accounts in one second.
    pub message_rate: u32,
    /// How many of them only cancels may use.
    pub cancel_reserve: u32,
}

/// Size and execution of one hedge; all required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeLimits {
    /// How large.
    pub size: Size,
    /// How executed.
    pub execution: Execution,
    /// How the legs of a slice are worked.
    pub legging: Legging,
    /// Whether lots that another hedge wants the other way in the same turn go to it at mid, without
    /// an order; both must want it.
    pub crossing: bool,
    /// Most that moving one set to the next contract may cost, in the hedge's currency, where the
    /// hedge names its next.
    pub max_roll_cost: Option<Money>,
}

/// Largest sum of the residuals of all hedges of one product and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumResidual {
    /// Product of the hedges' first legs.
    pub product: ProductId,
    /// Currency of the hedges.
    pub currency: CurrencyId,
    /// Common units, as a fraction.
    pub limit: Ratio,
}

/// Every limit and execution value; replaced whole by `Control`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// By venue.
    pub venues: Table<VenueId, VenueLimits>,
    /// By instrument.
    pub instruments: Table<InstrumentId, InstrumentLimits>,
    /// By account.
    pub accounts: Table<AccountId, AccountLimits>,
    /// By hedge.
    pub hedges: Table<HedgeId, HedgeLimits>,
    /// Over all hedges.
    pub sums: Vec<SumResidual>,
    /// What is monitored, and what follows.
    pub thresholds: Vec<Threshold>,
}

/// The expected "no" of a gate. *Denied* is ours, *rejected* is the venue's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Refusal {
    /// The stage does not trade.
    Stage = 0,
    /// Stopped: nothing is entered.
    Stopped = 1,
    /// A HALT latch is set.
    Halted = 2,
    /// The hedge is restricted.
    HedgeRestricted = 3,
    /// An account is restricted.
    AccountRestricted = 4,
    /// A trading link is down, or orders of an earlier run are unknown.
    LinkDown = 5,
    /// A book is empty, lacks a side, or its feed is down.
    NoBook = 6,
    /// A book is too old. Value and limit in ns.
    Stale = 7,
    /// A book has a sequence gap.
    Gapped = 8,
    /// A book is crossed with itself.
    Crossed = 9,
    /// The legs' books are too far apart in age. Value and limit in ns.
    Skewed = 10,
    /// A leg's phase takes no orders.
    Phase = 11,
    /// A leg's market shuts too soon. Value and limit in ns.
    Break = 12,
    /// A touch is too near the day's price band in the direction a repair needs. In ticks.
    PriceLimit = 13,
    /// A leg would have no way back.
    NoRepairRoute = 14,
    /// Fewer sets are executable than one, or an order would be too small or too large. In lots.
    Size = 15,
    /// The hedge holds as many sets as it may. In sets.
    Inventory = 16,
    /// The residual would leave its limit. In common units over the hedge's `unit_den`.
    Residual = 17,
    /// The sum of residuals would leave its limit. In 10⁻⁹ common units.
    SumResidual = 18,
    /// An order is worth too much. In 10⁻⁹ of the instrument's currency.
    OrderValue = 19,
    /// A price is beyond the collar: distance and collar in ticks; or outside the day's price
    /// band: price and end of the band in ticks.
    Collar = 20,
    /// The account has lost as much as it may today. In 10⁻⁹ of its currency.
    DayLoss = 21,
    /// The walked net figure does not reach the band.
    Edge = 22,
    /// Too few message tokens.
    Messages = 23,
    /// Too little money. Value needed and limit available, in 10⁻⁹ of the account's currency.
    Money = 24,
    /// Usage would leave its cap. In 10⁻⁹ of equity.
    Usage = 25,
    /// Too few lots to close.
    Lots = 26,
    /// An earlier hedge wants or has the other side of the contract.
    OwnOpposite = 27,
    /// Ids of the run are used up.
    IdsExhausted = 28,
    /// The loss budget of repair is used up. In 10⁻⁹ of the hedge's currency.
    LossBudget = 29,
    /// Trims of the day are used up.
    Trims = 30,
    /// An attempt of the hedge lives.
    Busy = 31,
    /// Nothing to do: no sets to give back.
    Nothing = 32,
    /// The touch of a leg or of its currency has jumped, and it is not confirmed yet; does not bind
    /// an Exit by word, a Trim or a Reduce. In ticks.
    Jump = 33,
    /// A venue said no, and for a while nothing new is entered there, or nothing leaves at all. In
    /// ns.
    BackOff = 34,
    /// Moving a set to the next contract would cost too much. Of one set, in 10⁻⁹ of the hedge's
    /// currency.
    RollCost = 35,
    /// The order would meet one of an account under the same actual control. Its price and the
    /// other's, in ticks.
    SelfTrade = 36,
    /// Cancels of the day, with those that live orders may need, are used up; of those kept in
    /// reserve what enters uses none.
    CancelBudget = 37,
    /// The same of cancels of many lots.
    LargeCancelBudget = 38,
    /// Lots that may be opened in the day are used up, with those that live orders may open.
    OpenBudget = 39,
    /// The group has traded with itself as often as it may before nothing is entered.
    SelfTradeBudget = 40,
    /// There were as many bursts of messages as there may be before nothing is entered.
    BurstBudget = 41,
    /// What is traded today has no prompt that is known and still to come.
    NoPrompt = 42,
    /// What is needed would leave the lease of a pool. In 10⁻⁹ of the account's currency.
    Lease = 43,
}

impl Refusal {
    /// Every refusal, in the order of its code.
    pub const ALL: [Refusal; 44] = [
        Refusal::Stage,
        Refusal::Stopped,
        Refusal::Halted,
        Refusal::HedgeRestricted,
        Refusal::AccountRestricted,
        Refusal::LinkDown,
        Refusal::NoBook,
        Refusal::Stale,
        Refusal::Gapped,
        Refusal::Crossed,
        Refusal::Skewed,
        Refusal::Phase,
        Refusal::Break,
        Refusal::PriceLimit,
        Refusal::NoRepairRoute,
        Refusal::Size,
        Refusal::Inventory,
        Refusal::Residual,
        Refusal::SumResidual,
        Refusal::OrderValue,
        Refusal::Collar,
        Refusal::DayLoss,
        Refusal::Edge,
        Refusal::Messages,
        Refusal::Money,
        Refusal::Usage,
        Refusal::Lots,
        Refusal::OwnOpposite,
        Refusal::IdsExhausted,
        Refusal::LossBudget,
        Refusal::Trims,
        Refusal::Busy,
        Refusal::Nothing,
        Refusal::Jump,
        Refusal::BackOff,
        Refusal::RollCost,
        Refusal::SelfTrade,
        Refusal::CancelBudget,
        Refusal::LargeCancelBudget,
        Refusal::OpenBudget,
        Refusal::SelfTradeBudget,
        Refusal::BurstBudget,
        Refusal::NoPrompt,
        Refusal::Lease,
    ];

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The refusal of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Refusal> {
        Refusal::ALL.get(usize::from(code)).copied()
    }

    /// Its name in results, as the Python API spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Refusal::Stage => "stage",
            Refusal::Stopped => "stopped",
            Refusal::Halted => "halted",
            Refusal::HedgeRestricted => "hedge_restricted",
            Refusal::AccountRestricted => "account_restricted",
            Refusal::LinkDown => "link_down",
            Refusal::NoBook => "no_book",
            Refusal::Stale => "stale",
            Refusal::Gapped => "gapped",
            Refusal::Crossed => "crossed",
            Refusal::Skewed => "skewed",
            Refusal::Phase => "phase",
            Refusal::Break => "break",
            Refusal::PriceLimit => "price_limit",
            Refusal::NoRepairRoute => "no_repair_route",
            Refusal::Size => "size",
            Refusal::Inventory => "inventory",
            Refusal::Residual => "residual",
            Refusal::SumResidual => "sum_residual",
            Refusal::OrderValue => "order_value",
            Refusal::Collar => "collar",
            Refusal::DayLoss => "day_loss",
            Refusal::Edge => "edge",
            Refusal::Messages => "messages",
            Refusal::Money => "money",
            Refusal::Usage => "usage",
            Refusal::Lots => "lots",
            Refusal::OwnOpposite => "own_opposite",
            Refusal::IdsExhausted => "ids_exhausted",
            Refusal::LossBudget => "loss_budget",
            Refusal::Trims => "trims",
            Refusal::Busy => "busy",
            Refusal::Nothing => "nothing",
            Refusal::Jump => "jump",
            Refusal::BackOff => "back_off",
            Refusal::RollCost => "roll_cost",
            Refusal::SelfTrade => "self_trade",
            Refusal::CancelBudget => "cancel_budget",
            Refusal::LargeCancelBudget => "large_cancel_budget",
            Refusal::OpenBudget => "open_budget",
            Refusal::SelfTradeBudget => "self_trade_budget",
            Refusal::BurstBudget => "burst_budget",
            Refusal::NoPrompt => "no_prompt",
            Refusal::Lease => "lease",
        }
    }

    /// What value and limit of its [`Denial`] are counted in; empty where they say nothing.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Refusal::Stage
            | Refusal::Stopped
            | Refusal::Halted
            | Refusal::HedgeRestricted
            | Refusal::AccountRestricted
            | Refusal::LinkDown
            | Refusal::NoBook
            | Refusal::Gapped
            | Refusal::Crossed
            | Refusal::NoRepairRoute
            | Refusal::OwnOpposite
            | Refusal::IdsExhausted
            | Refusal::Busy
            | Refusal::NoPrompt
            | Refusal::Nothing => "",
            Refusal::Stale | Refusal::Skewed | Refusal::Break | Refusal::BackOff => "ns",
            Refusal::Phase => "phase code",
            Refusal::PriceLimit | Refusal::Collar | Refusal::Jump | Refusal::SelfTrade => "ticks",
            Refusal::Size | Refusal::Lots | Refusal::OpenBudget => "lots",
            Refusal::CancelBudget | Refusal::LargeCancelBudget => "cancels",
            Refusal::SelfTradeBudget => "trades",
            Refusal::BurstBudget => "bursts",
            Refusal::Inventory => "sets",
            Refusal::Residual => "common units over unit_den",
            Refusal::SumResidual => "1e-9 common units",
            Refusal::OrderValue => "1e-9 of the instrument's currency",
            Refusal::DayLoss | Refusal::Money | Refusal::Lease => "1e-9 of the account's currency",
            Refusal::Edge => "1e-9 of the band's unit",
            Refusal::Messages => "messages",
            Refusal::Usage => "1e-9 of equity",
            Refusal::LossBudget | Refusal::RollCost => "1e-9 of the hedge's currency",
            Refusal::Trims => "attempts",
        }
    }

    /// Which orders it can refuse.
    #[must_use]
    pub const fn binds(self) -> Binds {
        match self {
            Refusal::Stopped
            | Refusal::HedgeRestricted
            | Refusal::AccountRestricted
            | Refusal::Break
            | Refusal::PriceLimit
            | Refusal::NoRepairRoute
            | Refusal::Inventory
            | Refusal::SumResidual
            | Refusal::DayLoss
            | Refusal::SelfTradeBudget
            | Refusal::BurstBudget
            | Refusal::Lease
            | Refusal::Usage => Binds::Entering,
            Refusal::Skewed
            | Refusal::Edge
            | Refusal::Trims
            | Refusal::Busy
            | Refusal::Nothing
            | Refusal::Jump
            | Refusal::RollCost => Binds::Deciding,
            Refusal::Stage
            | Refusal::Halted
            | Refusal::LinkDown
            | Refusal::NoBook
            | Refusal::Stale
            | Refusal::Gapped
            | Refusal::Crossed
            | Refusal::Phase
            | Refusal::NoPrompt
            | Refusal::Size
            | Refusal::Residual
            | Refusal::OrderValue
            | Refusal::Collar
            | Refusal::Messages
            | Refusal::BackOff
            | Refusal::Money
            | Refusal::Lots
            | Refusal::OwnOpposite
            | Refusal::SelfTrade
            | Refusal::CancelBudget
            | Refusal::LargeCancelBudget
            | Refusal::OpenBudget
            | Refusal::IdsExhausted
            | Refusal::LossBudget => Binds::Everything,
        }
    }

    /// The refusal of a budget that is used up.
    #[must_use]
    pub const fn of_budget(counted: Counted) -> Refusal {
        match counted {
            Counted::Cancels => Refusal::CancelBudget,
            Counted::LargeCancels => Refusal::LargeCancelBudget,
            Counted::Opens => Refusal::OpenBudget,
            Counted::SelfTrades => Refusal::SelfTradeBudget,
            Counted::Bursts => Refusal::BurstBudget,
        }
    }

    /// Whether it binds orders that reduce risk too.
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(self.binds(), Binds::Everything)
    }
}

/// Which orders a refusal can stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binds {
    /// Only orders that add sets: the refusal is soft.
    Entering,
    /// The decision to trade a set, either way; not the repair of one that was begun.
    Deciding,
    /// Every order: the refusal is hard.
    Everything,
}

/// The checks in their order. The budgets of a day are looked at when the orders are known;
/// [`Refusal::Usage`], [`Refusal::Money`] and [`Refusal::Lots`] come last, from the hold, as does
/// [`Refusal::Lease`] where a lease that lives is too small.
pub const ORDER: [Refusal; 44] = [
    Refusal::Stage,
    Refusal::Stopped,
    Refusal::Halted,
    Refusal::HedgeRestricted,
    Refusal::AccountRestricted,
    Refusal::Lease,
    Refusal::LinkDown,
    Refusal::BackOff,
    Refusal::Busy,
    Refusal::IdsExhausted,
    Refusal::NoBook,
    Refusal::Gapped,
    Refusal::Crossed,
    Refusal::Jump,
    Refusal::Stale,
    Refusal::Skewed,
    Refusal::Phase,
    Refusal::NoPrompt,
    Refusal::Break,
    Refusal::PriceLimit,
    Refusal::NoRepairRoute,
    Refusal::Trims,
    Refusal::Nothing,
    Refusal::Size,
    Refusal::Inventory,
    Refusal::Residual,
    Refusal::SumResidual,
    Refusal::OrderValue,
    Refusal::Collar,
    Refusal::OwnOpposite,
    Refusal::SelfTrade,
    Refusal::DayLoss,
    Refusal::LossBudget,
    Refusal::Edge,
    Refusal::RollCost,
    Refusal::Messages,
    Refusal::CancelBudget,
    Refusal::LargeCancelBudget,
    Refusal::OpenBudget,
    Refusal::SelfTradeBudget,
    Refusal::BurstBudget,
    Refusal::Usage,
    Refusal::Money,
    Refusal::Lots,
];

/// A refusal with what explains it; [`Refusal::unit`] says what value and limit count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub refusal: Refusal,
    /// The leg, where one leg is the reason.
    pub leg: Option<LegId>,
    /// The account, where one account is the reason.
    pub account: Option<AccountId>,
    /// What was found.
    pub value: i128,
    /// What would have been allowed.
    pub limit: i128,
}

impl Denial {
    /// A denial without leg and numbers.
    #[must_use]
    pub const fn plain(refusal: Refusal) -> Denial {
        Denial { refusal, leg: None, account: None, value: 0, limit: 0 }
    }

    fn numbers(refusal: Refusal, value: impl Into<i128>, limit: impl Into<i128>) -> Denial {
        Denial { value: value.into(), limit: limit.into(), ..Denial::plain(refusal) }
    }

    fn at(self, leg: usize) -> Denial {
        Denial { leg: u8::try_from(leg).ok().map(LegId), ..self }
    }

    fn of(self, account: AccountId) -> Denial {
        Denial { account: Some(account), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_their_codes_and_names() {
        let mut names: Vec<&str> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
        for (code, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(usize::from(refusal.code()), code);
            assert_eq!(Refusal::from_code(refusal.code()), Some(*refusal));
        }
        assert_eq!(Refusal::from_code(44), None);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Refusal::ALL.len());
    }

    #[test]
    fn a_book_takes_levels_as_far_as_its_collars_reach() {
        let limits = |collar| InstrumentLimits {
            order_value: Money::ZERO,
            collar,
            age: Span(1),
            skew: Span(1),
            limit_distance: 0,
            message_rate: 2,
            cancel_reserve: 1,
            conduct: None,
        };
        assert_eq!(limits(3).reach(), 192);
        assert_eq!(limits(i64::MAX / 2).reach(), i64::MAX);
    }

    #[test]
    fn numbers_of_a_denial_have_their_unit() {
        let check = |refusal: Refusal, unit: &str| assert_eq!(refusal.unit(), unit, "{refusal:?}");
        check(Refusal::Halted, "");
        check(Refusal::Stale, "ns");
        check(Refusal::Phase, "phase code");
        check(Refusal::Collar, "ticks");
        check(Refusal::Lots, "lots");
        check(Refusal::Inventory, "sets");
        check(Refusal::Residual, "common units over unit_den");
        check(Refusal::SumResidual, "1e-9 common units");
        check(Refusal::OrderValue, "1e-9 of the instrument's currency");
        check(Refusal::Money, "1e-9 of the account's currency");
        check(Refusal::Edge, "1e-9 of the band's unit");
        check(Refusal::Messages, "messages");
        check(Refusal::Usage, "1e-9 of equity");
        check(Refusal::LossBudget, "1e-9 of the hedge's currency");
        check(Refusal::Trims, "attempts");
        check(Refusal::SelfTrade, "ticks");
        check(Refusal::CancelBudget, "cancels");
        check(Refusal::OpenBudget, "lots");
        check(Refusal::SelfTradeBudget, "trades");
        check(Refusal::BurstBudget, "bursts");
    }

    #[test]
    fn hard_is_what_binds_every_order() {
        for refusal in Refusal::ALL {
            assert_eq!(refusal.is_hard(), refusal.binds() == Binds::Everything, "{refusal:?}");
        }
        assert!(Refusal::Halted.is_hard() && Refusal::Collar.is_hard() && Refusal::Lots.is_hard());
        assert!(!Refusal::Stopped.is_hard() && !Refusal::Jump.is_hard());
    }

    #[test]
    fn every_budget_has_its_own_refusal() {
        let expected = [
            Refusal::CancelBudget,
            Refusal::LargeCancelBudget,
            Refusal::OpenBudget,
            Refusal::SelfTradeBudget,
            Refusal::BurstBudget,
        ];
        assert_eq!(Counted::ALL.map(Refusal::of_budget), expected);
    }

    #[test]
    fn the_order_lists_every_refusal_once() {
        let mut listed = ORDER;
        listed.sort_unstable();
        assert_eq!(listed, Refusal::ALL);
    }
}
