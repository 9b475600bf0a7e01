//! The checks before anything is sent, in one order, each a typed refusal.

use crate::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, ProductId, Table};
use crate::num::{Money, Ratio};
use crate::quote::{Execution, Size};
use crate::time::Span;

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

/// Size and execution of one hedge; all required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeLimits {
    /// How large.
    pub size: Size,
    /// How executed.
    pub execution: Execution,
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
    /// By instrument.
    pub instruments: Table<InstrumentId, InstrumentLimits>,
    /// By account.
    pub accounts: Table<AccountId, AccountLimits>,
    /// By hedge.
    pub hedges: Table<HedgeId, HedgeLimits>,
    /// Over all hedges.
    pub sums: Vec<SumResidual>,
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
    /// A book is empty, or lacks a side.
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
    /// Fewer sets are executable than one, or an order would be too small. In lots.
    Size = 15,
    /// The hedge holds as many sets as it may. In sets.
    Inventory = 16,
    /// The residual would leave its limit. In common units over the hedge's `unit_den`.
    Residual = 17,
    /// The sum of residuals would leave its limit. In 10⁻⁹ common units.
    SumResidual = 18,
    /// An order is worth too much. In 10⁻⁹ of the instrument's currency.
    OrderValue = 19,
    /// A price is beyond the collar. In ticks.
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
}
