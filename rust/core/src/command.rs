//! Everything the engine can ask for: a closed list with codes that are never re-used.

use crate::funds::{Transfer, TransferId};
use crate::gate::Refusal;
use crate::ids::{
    AccountId, ClientOrderId, GroupId, HedgeId, InstrumentId, ProductId, StrategyId, VenueId,
};
use crate::order::{Amend, Cancel, Place, Query};

/// Something to be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send an order. Code 1.
    Place(Place),
    /// Change an order. Code 2; not sent by this version.
    Amend(Amend),
    /// Cancel an order. Code 3.
    Cancel(Cancel),
    /// Ask about an order. Code 4.
    Query(Query),
    /// Ask for a snapshot of a book. Code 5.
    Resync(InstrumentId),
    /// Move money. Code 6.
    Transfer(Transfer),
    /// Tell somebody. Code 7.
    Alert(Alert),
}

const _: () = assert!(size_of::<Command>() <= 64);

impl Command {
    /// The stable code of the kind.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Command::Place(_) => 1,
            Command::Amend(_) => 2,
            Command::Cancel(_) => 3,
            Command::Query(_) => 4,
            Command::Resync(_) => 5,
            Command::Transfer(_) => 6,
            Command::Alert(_) => 7,
        }
    }

    /// Whether it must wait for the journal's durability point; all else leaves once appended.
    #[must_use]
    pub const fn waits(&self) -> bool {
        match self {
            Command::Place(_) | Command::Amend(_) | Command::Transfer(_) => true,
            Command::Cancel(_) | Command::Query(_) | Command::Resync(_) | Command::Alert(_) => {
                false
            }
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The engine as a whole.
    Engine,
    /// A venue.
    Venue(VenueId),
    /// An account.
    Account(AccountId),
    /// An instrument.
    Instrument(InstrumentId),
    /// A hedge.
    Hedge(HedgeId),
    /// An attempt, by its decision id.
    Attempt(ClientOrderId),
    /// An order.
    Order(ClientOrderId),
    /// A transfer.
    Transfer(TransferId),
    /// Goods: all contracts of a kind.
    Product(ProductId),
    /// Accounts under one actual control.
    Group(GroupId),
    /// Hedges that follow one idea.
    Strategy(StrategyId),
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Urgency {
    /// For the record.
    Info = 0,
    /// Somebody should look.
    Warn = 1,
    /// Somebody must act.
    Alarm = 2,
}

/// What an alert says; `value` and `limit` of the [`Alert`] mean what is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum AlertCode {
    /// A gate said no to a hedge's opportunity; value and limit are the refusal's.
    Refused = 1,
    /// An attempt began; value: signed sets from, limit: signed sets to. `detail`: its kind.
    AttemptStarted = 2,
    /// Repair was chosen; value: expected cost of supplement, limit: of unwind, in 10⁻⁹ of the
    /// hedge's currency (`i128::MAX`: not possible). `detail`: the [`crate::quote::Purpose`].
    RepairChosen = 3,
    /// An attempt ended; value: signed sets traded, limit: what repair lost, in 10⁻⁹ of the
    /// hedge's currency. `detail`: the end.
    AttemptEnded = 4,
    /// A fill came after its attempt's end; value: signed lots.
    LateFill = 5,
    /// An order traded more than its size; value: lots too many.
    Overfill = 6,
    /// Two pieces of evidence contradict each other; nothing was applied.
    Conflict = 7,
    /// An order or fill that is not ours; value: signed lots.
    External = 8,
    /// An order's outcome is unknown.
    OrderUnknown = 9,
    /// A cancel has been asked for as often as allowed and is not confirmed; value: cancels.
    CancelStuck = 10,
    /// A link went down.
    LinkDown = 11,
    /// A link is up and resynced.
    LinkUp = 12,
    /// A hedge or account is restricted.
    Restricted = 13,
    /// A restriction was lifted.
    Unrestricted = 14,
    /// A HALT latch was set.
    Halted = 15,
    /// A HALT latch was lifted.
    Unlatched = 16,
    /// A HALT latch stays: value: orders whose outcome is unknown in its scope.
    UnlatchRefused = 17,
    /// An account's balance differs from the venue's; value: ours, limit: theirs; booked.
    CashDrift = 18,
    /// A position differs from the venue's; value: our lots, limit: theirs; booked to unassigned.
    PositionDrift = 19,
    /// An account has less than nothing available; value: how much.
    Shortfall = 20,
    /// An execution was taken back or corrected; value: signed change of lots.
    Bust = 21,
    /// A venue broke its own order type; value: lots.
    Nonconformance = 22,
    /// Stopped, or resumed.
    Stopped = 23,
    /// Resumed.
    Resumed = 24,
    /// A policy was replaced.
    PolicyReplaced = 25,
    /// An operator overrode an order; value: cumulative quantity.
    Overridden = 26,
    /// A book lost its order; a snapshot was asked for.
    Gap = 27,
    /// A book is whole again.
    Whole = 28,
    /// A settlement was booked; value: variation in 10⁻⁹ of the account's currency.
    Settled = 29,
    /// The engine is poisoned; cancel-all left.
    Poisoned = 30,
    /// A hedge holds more than it may while a market shuts, or than a threshold leaves it; value:
    /// sets, limit: sets.
    OverLimit = 31,
    /// A fee came in a currency that the account does not have; value: the amount.
    ForeignFee = 32,
    /// Lots were moved from unassigned into a hedge; value: signed lots. `detail`: the leg.
    Adopted = 33,
    /// Ids of the run are nearly used up; value: attempts left.
    IdsLow = 34,
    /// An order has been asked about as often as an attempt may send messages, and its outcome is
    /// still unknown; value: queries. It is asked about at the longest wait from now on.
    QueryStuck = 35,
    /// Quotes of an attempt went before their time. `detail`: 0 the other legs show too little, the
    /// hedge is stopped; 1 the price moved further at once than the policy allows.
    QuotePulled = 36,
    /// An order was rejected and more follows than another try; value: the venue's own code, limit:
    /// the code of its [`crate::order::RejectClass`]. `detail`: the [`crate::order::Action`].
    Rejected = 37,
    /// What is still allowed of a rejected order is sent again, under the same decision; value: its
    /// lots, limit: the lots that are missing.
    Reissued = 38,
    /// Lots of a hedge went without an order of ours; value: signed change of its lots. `detail`:
    /// the leg.
    LegLost = 39,
    /// Lots went from one hedge to another without an order, told once for each; value: signed
    /// change of its lots, limit: the price in ticks. `detail`: the leg.
    Crossed = 42,
    /// An operator gave up what an attempt has not traded yet; value: the residual, in 10⁻⁹ of a
    /// common unit.
    Forfeited = 43,
    /// A transfer was not asked for; value: the amount, limit: what would have been allowed.
    /// `detail`: 0 its route is shut now, 1 more than may be taken out, 2 the account that it would
    /// leave is halted, 3 as many are on their way as are kept.
    TransferRefused = 44,
    /// A transfer has arrived; value: what has arrived, limit: what has left.
    TransferArrived = 45,
    /// A transfer did not go or came back; value: what came back, limit: what has left.
    TransferFailed = 46,
    /// A transfer has not arrived in the time of its route; value: what has left. `detail`: 0 it is
    /// not known whether it has left, 1 it has.
    TransferLate = 47,
    /// A monitored number reached a level; value: the number, limit: the level's bound, both in the
    /// unit of its [`crate::threshold::Metric`]. `detail`: the metric's code times 8, plus the level.
    Threshold = 48,
    /// A monitored number left a level; value: the number, limit: the bound of the level it left.
    /// `detail`: the metric's code times 8, plus the level it has now.
    ThresholdLeft = 49,
    /// What is held for an account's orders together, where each by itself would need the limit.
    Relieved = 50,
    /// Four fifths of a contract's budget of a day are used by accounts under one actual control;
    /// value: what is used, limit: the budget. `detail`: the code of the refusal that will follow.
    BudgetLow = 51,
    /// Lots have reached their prompt and still stand: they are marked at every settlement until the
    /// venue says that they have left. Long and short lots.
    PromptReached = 52,
    /// A lease of a pool's money is over: nothing is entered in the account. In 10⁻⁹ of its currency:
    /// what is bound, of what was leased.
    LeaseOver = 53,
    /// Money was asked for an account that reached a level, over routes that top up. In 10⁻⁹ of its
    /// currency: what it lacks, and what of that was asked for. `detail`: the level.
    TopUp = 54,
}

/// A message to people and monitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it says.
    pub code: AlertCode,
    /// How much it matters.
    pub urgency: Urgency,
    /// The refusal, for [`AlertCode::Refused`].
    pub refusal: Option<Refusal>,
    /// A small code whose meaning `code` gives; 0 where it has none.
    pub detail: u8,
    /// What it is about.
    pub subject: Subject,
    /// A number whose meaning `code` gives.
    pub value: i128,
    /// A second number.
    pub limit: i128,
}
