//! The configuration of a run: what is fixed, what may be replaced while running, and the proof
//! that its arithmetic cannot fail.

use crate::gate::Policy;
use crate::ids::{AccountId, CurrencyId, HedgeId, InstrumentId, ProductId, Table, VenueId};
use crate::instrument::{Instrument, Netting};
use crate::num::Money;
use crate::order::{HedgeFlag, TimeInForce};
use crate::quote::HedgePlan;
use crate::signal::Rule;
use crate::time::Span;

/// A place where orders go, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Its name.
    pub name: String,
    /// How it keeps positions.
    pub netting: Netting,
    /// How orders are sent there: [`TimeInForce::Ioc`] where it knows it, else one that rests and
    /// is cancelled after the hedge's `order_timeout`.
    pub tif: TimeInForce,
    /// An order or cancel without an answer for so long is asked about.
    pub ack_timeout: Span,
    /// An order may surface so late; before it, "absent" proves nothing.
    pub max_delay: Span,
    /// Between two queries about one order; doubles with each, to 64 times.
    pub query_interval: Span,
    /// Most cancels sent for one order before the alarm.
    pub cancels_max: u16,
}

/// Whose money, at which broker, in which currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The venue it trades at.
    pub venue: VenueId,
    /// The currency of its money.
    pub currency: CurrencyId,
    /// Money moves only inside an island, or over a declared route.
    pub island: String,
    /// What the exchange is told.
    pub flag: HedgeFlag,
    /// Largest difference to the venue's balance that is not drift.
    pub cash_tolerance: Money,
}

/// A hedge: its plan, its signal, what it needs to know of its FX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// What it trades.
    pub plan: HedgePlan,
    /// When it trades.
    pub rule: Rule,
}

/// Most of everything; allocated at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Orders kept: alive, or done and not yet forgotten.
    pub orders: u32,
    /// Executions kept, for telling a second delivery from a second trade.
    pub executions: u32,
}

/// Everything that is fixed for a run, and the policy it starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The engine's number, in every client order id.
    pub engine: u8,
    /// The run's number, in every client order id; never used twice by an engine.
    pub run: u16,
    /// Currencies by name.
    pub currencies: Table<CurrencyId, String>,
    /// Products by name.
    pub products: Table<ProductId, String>,
    /// Venues.
    pub venues: Table<VenueId, Venue>,
    /// Accounts.
    pub accounts: Table<AccountId, Account>,
    /// Instruments.
    pub instruments: Table<InstrumentId, Instrument>,
    /// Hedges, in the order of their priority, ties in the order they were written.
    pub hedges: Table<HedgeId, Hedge>,
    /// Limits and execution values at the start.
    pub policy: Policy,
    /// Bounds.
    pub counts: Counts,
}
