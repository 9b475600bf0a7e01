//! What is asked of a venue, and what a venue says.

use super::RejectClass;
use crate::ids::{AccountId, ClientOrderId, CurrencyId, HedgeId, InstrumentId, Text};
pub use crate::instrument::HedgeFlag;
use crate::instrument::PositionEffect;
use crate::num::{Money, Price, Qty, Side};
use crate::quote::{Kind, Purpose};
use crate::time::Time;

/// How long an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum TimeInForce {
    /// Until cancelled.
    Gtc = 0,
    /// What cannot trade at once is cancelled.
    Ioc = 1,
    /// All at once or nothing.
    Fok = 2,
    /// Until the trading day ends.
    Day = 3,
}

impl TimeInForce {
    /// Whether what does not trade at once stays.
    #[must_use]
    pub const fn rests(self) -> bool {
        match self {
            TimeInForce::Gtc | TimeInForce::Day => true,
            TimeInForce::Ioc | TimeInForce::Fok => false,
        }
    }
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Our id; its decision id names the attempt, its hedge and leg are in it.
    pub order: ClientOrderId,
    /// Worst price.
    pub price: Price,
    /// Lots.
    pub qty: Qty,
    /// Where the money is.
    pub account: AccountId,
    /// What is traded.
    pub instrument: InstrumentId,
    /// The hedge it trades for.
    pub hedge: HedgeId,
    /// Buy or sell.
    pub side: Side,
    /// What it does to the position.
    pub effect: PositionEffect,
    /// How long it stands.
    pub tif: TimeInForce,
    /// What the exchange is told.
    pub flag: HedgeFlag,
    /// Why the attempt exists.
    pub kind: Kind,
    /// What the order is for.
    pub purpose: Purpose,
}

/// New price and size of a working order; not sent by this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amend {
    /// The order.
    pub order: ClientOrderId,
    /// New worst price.
    pub price: Price,
    /// New total size.
    pub qty: Qty,
}

/// Asks a venue to cancel an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The order.
    pub order: ClientOrderId,
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
}

/// Asks a venue what has become of an order; the reply is an [`Answer`], and the executions it
/// rests on come as [`Report`]s before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// The order.
    pub order: ClientOrderId,
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
}

/// Whether an execution added or took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LiquiditySide {
    /// It rested.
    Maker = 0,
    /// It took.
    Taker = 1,
}

/// What an execution cost, as far as the venue has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeNews {
    /// It will come later; until then the configured fee is booked.
    Pending,
    /// So much, in that currency; negative is a rebate.
    Paid {
        /// The amount.
        amount: Money,
        /// Its currency.
        currency: CurrencyId,
    },
}

/// One execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The venue's id of the execution; unique by (account, instrument, side).
    pub trade_id: Text,
    /// Side of the order.
    pub side: Side,
    /// Price.
    pub price: Price,
    /// Lots; more than zero.
    pub qty: Qty,
    /// The order's cumulative quantity after it, where the venue says so.
    pub cum: Option<Qty>,
    /// Its fee.
    pub fee: FeeNews,
    /// Whether it added or took.
    pub liquidity: LiquiditySide,
}

/// Where a venue says an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum VenueStatus {
    /// Alive.
    Working = 0,
    /// Wholly filled.
    Filled = 1,
    /// Cancelled.
    Cancelled = 2,
    /// Rejected.
    Rejected = 3,
    /// Expired.
    Expired = 4,
}

/// What an unsolicited message of a venue says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It stands.
    Accepted,
    /// It was refused; also after it had been accepted.
    Rejected {
        /// Why.
        class: RejectClass,
        /// The venue's own code.
        code: u32,
    },
    /// It traded.
    Fill(Fill),
    /// It was cancelled, by us or the venue, having traded `cum`.
    Cancelled {
        /// Cumulative quantity.
        cum: Qty,
    },
    /// Its time ran out, having traded `cum`.
    Expired {
        /// Cumulative quantity.
        cum: Qty,
    },
    /// A cancel was refused.
    CancelRejected {
        /// Why.
        class: RejectClass,
        /// The venue's own code.
        code: u32,
    },
    /// Where the venue says it stands.
    Status {
        /// The state.
        status: VenueStatus,
        /// Cumulative quantity.
        cum: Qty,
    },
    /// An execution was taken back.
    Bust {
        /// Which.
        trade_id: Text,
        /// Side of the order.
        side: Side,
    },
    /// An execution was corrected.
    Correct {
        /// Which.
        trade_id: Text,
        /// Side of the order.
        side: Side,
        /// Its price now.
        price: Price,
        /// Its size now; more than zero.
        qty: Qty,
    },
    /// The fee of an execution whose fee was pending.
    Fee {
        /// Which.
        trade_id: Text,
        /// Side of the order.
        side: Side,
        /// The amount; negative is a rebate.
        amount: Money,
        /// Its currency.
        currency: CurrencyId,
    },
}

/// Unsolicited order or fill news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which order; `None` for one that was not sent by this library.
    pub order: Option<ClientOrderId>,
    /// The venue's id of it, empty where it has none.
    pub venue_order_id: Text,
    /// Account.
    pub account: AccountId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// When the venue said so.
    pub exchange: Time,
    /// When we received it.
    pub receive: Time,
    /// What it says.
    pub news: News,
}

/// What a query found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The order is known.
    Order {
        /// Where it stands.
        status: VenueStatus,
        /// Cumulative quantity.
        cum: Qty,
    },
    /// The venue's own authoritative no: it has never had this order. It counts only once the
    /// venue's longest delay since the send has passed.
    ProvenAbsent,
    /// Nothing is proven: an empty list, an error, a partial answer.
    Inconclusive,
}

/// The reply to a [`Query`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which order.
    pub order: ClientOrderId,
    /// Account.
    pub account: AccountId,
    /// The venue's id of it, empty where it has none.
    pub venue_order_id: Text,
    /// When the venue said so.
    pub exchange: Time,
    /// When we received it.
    pub receive: Time,
    /// What it found.
    pub found: Found,
}
