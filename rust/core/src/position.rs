//! Positions by account and day, and the inventory of every hedge.

use crate::ids::{AccountId, InstrumentId};
use crate::num::{Price, Qty};
use crate::time::{Day, Time};

/// What a [`Statement`] of a position is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum StatementKind {
    /// The position at the start of the run; booked to `unassigned`, never compared.
    Opening = 0,
    /// To be compared with ours.
    Compare = 1,
}

/// The venue's word on one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Account.
    pub account: AccountId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// When the venue said so.
    pub exchange: Time,
    /// What it is for.
    pub kind: StatementKind,
    /// Long lots.
    pub long: Qty,
    /// Short lots.
    pub short: Qty,
    /// Price at which lots that we did not know are taken over.
    pub price: Price,
}

/// A settlement: positions of the instrument are re-marked, variation is paid, the day turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Settlement price.
    pub price: Price,
    /// The trading day that ends; the next one begins with this event.
    pub day: Day,
    /// When the venue said so.
    pub exchange: Time,
}
