//! The words of the Python API for the enums of the core, both ways.

use cross_market_core::clock::ClockOf;
use cross_market_core::command::{AlertCode, Urgency};
use cross_market_core::event::LinkState;
use cross_market_core::funds::CashKind;
use cross_market_core::gate::Refusal;
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::Side;
use cross_market_core::order::{HedgeFlag, LiquiditySide, RejectClass, TimeInForce, VenueStatus};
use cross_market_core::phase::Phase;
use cross_market_core::position::StatementKind;
use cross_market_core::quote::{Kind, Purpose};

/// A closed list of words: every variant has one, and a missing one does not compile.
pub(crate) trait Words: Copy + 'static {
    /// Every variant with its word.
    const WORDS: &'static [(&'static str, Self)];
    /// The word.
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($($kind:ident { $($variant:ident = $word:literal,)* })*) => {$(
        impl Words for $kind {
            const WORDS: &'static [(&'static str, $kind)] = &[$(($word, $kind::$variant),)*];
            fn word(self) -> &'static str {
                match self { $($kind::$variant => $word,)* }
            }
        }
    )*};
}

words! {
    Side { Buy = "buy", Sell = "sell", }
    PositionEffect { Open = "open", Close = "close", CloseToday = "close_today", }
    TimeInForce { Gtc = "gtc", Ioc = "ioc", Fok = "fok", Day = "day", }
    HedgeFlag { Speculation = "speculation", Arbitrage = "arbitrage", Hedge = "hedge", }
    Kind { Enter = "enter", Exit = "exit", Trim = "trim", Reduce = "reduce", Roll = "roll", }
    Purpose {
        Work = "work",
        Supplement = "supplement",
        Unwind = "unwind",
        Hedge = "hedge",
        Quote = "quote",
    }
    LiquiditySide { Maker = "maker", Taker = "taker", }
    LinkState { Down = "down", Up = "up", Resynced = "resynced", }
    StatementKind { Opening = "opening", Compare = "compare", }
    CashKind {
        Opening = "opening",
        Balance = "balance",
        Transfer = "transfer",
        Funding = "funding",
        Interest = "interest",
        Fee = "fee",
        Left = "left",
        Arrived = "arrived",
        Failed = "failed",
        Collateral = "collateral",
    }
    VenueStatus {
        Working = "working",
        Filled = "filled",
        Cancelled = "cancelled",
        Rejected = "rejected",
        Expired = "expired",
    }
    RejectClass {
        Other = "other",
        Money = "money",
        Lots = "lots",
        Price = "price",
        Size = "size",
        Phase = "phase",
        Rate = "rate",
        Link = "link",
        Permission = "permission",
        Duplicate = "duplicate",
        SelfTrade = "self_trade",
        UnknownOrder = "unknown_order",
        TooLate = "too_late",
        Halted = "halted",
        Limit = "limit",
        CloseOnly = "close_only",
        Field = "field",
        Again = "again",
    }
    Phase {
        Continuous = "continuous",
        Auction = "auction",
        Break = "break",
        Overnight = "overnight",
        Holiday = "holiday",
        Halted = "halted",
    }
    Urgency { Info = "info", Warn = "warn", Alarm = "alarm", }
    Refusal {
        Stage = "stage",
        Stopped = "stopped",
        Halted = "halted",
        HedgeRestricted = "hedge_restricted",
        AccountRestricted = "account_restricted",
        LinkDown = "link_down",
        NoBook = "no_book",
        Stale = "stale",
        Gapped = "gapped",
        Crossed = "crossed",
        Skewed = "skewed",
        Phase = "phase",
        Break = "break",
        PriceLimit = "price_limit",
        NoRepairRoute = "no_repair_route",
        Size = "size",
        Inventory = "inventory",
        Residual = "residual",
        SumResidual = "sum_residual",
        OrderValue = "order_value",
        Collar = "collar",
        DayLoss = "day_loss",
        Edge = "edge",
        Messages = "messages",
        Money = "money",
        Usage = "usage",
        Lots = "lots",
        OwnOpposite = "own_opposite",
        IdsExhausted = "ids_exhausted",
        LossBudget = "loss_budget",
        Trims = "trims",
        Busy = "busy",
        Nothing = "nothing",
        Jump = "jump",
        BackOff = "back_off",
        RollCost = "roll_cost",
        SelfTrade = "self_trade",
        CancelBudget = "cancel_budget",
        LargeCancelBudget = "large_cancel_budget",
        OpenBudget = "open_budget",
        SelfTradeBudget = "self_trade_budget",
        BurstBudget = "burst_budget",
        NoPrompt = "no_prompt", Lease = "lease",
    }
    AlertCode {
        Refused = "refused",
        AttemptStarted = "attempt_started",
        RepairChosen = "repair_chosen",
        AttemptEnded = "attempt_ended",
        LateFill = "late_fill",
        Overfill = "overfill",
        Conflict = "conflict",
        External = "external",
        OrderUnknown = "order_unknown",
        CancelStuck = "cancel_stuck",
        LinkDown = "link_down",
        LinkUp = "link_up",
        Restricted = "restricted",
        Unrestricted = "unrestricted",
        Halted = "halted",
        Unlatched = "unlatched",
        UnlatchRefused = "unlatch_refused",
        CashDrift = "cash_drift",
        PositionDrift = "position_drift",
        Shortfall = "shortfall",
        Bust = "bust",
        Nonconformance = "nonconformance",
        Stopped = "stopped",
        Resumed = "resumed",
        PolicyReplaced = "policy_replaced",
        Overridden = "overridden",
        Gap = "gap",
        Whole = "whole",
        Settled = "settled",
        Poisoned = "poisoned",
        OverLimit = "over_limit",
        ForeignFee = "foreign_fee",
        Adopted = "adopted",
        IdsLow = "ids_low",
        QueryStuck = "query_stuck",
        QuotePulled = "quote_pulled",
        Rejected = "rejected",
        Reissued = "reissued",
        LegLost = "leg_lost",
        Crossed = "crossed",
        Forfeited = "forfeited",
        TransferRefused = "transfer_refused",
        TransferArrived = "transfer_arrived",
        TransferFailed = "transfer_failed",
        TransferLate = "transfer_late",
        Threshold = "threshold",
        ThresholdLeft = "threshold_left",
        Relieved = "relieved",
        BudgetLow = "budget_low",
        PromptReached = "prompt_reached",
        LeaseOver = "lease_over",
        TopUp = "top_up",
    }
}

/// The words of the two sides of a book.
pub(crate) const BOOK_SIDES: &[(&str, Side)] = &[("bid", Side::Buy), ("ask", Side::Sell)];

/// Whose clock: `None` is the machine's.
pub(crate) fn clock_of(venue: Option<cross_market_core::ids::VenueId>) -> ClockOf {
    venue.map_or(ClockOf::Wall, ClockOf::Venue)
}
