//! What a turn changed of what is held, told to whoever observes the engine.

use crate::ids::{AccountId, ClientOrderId, InstrumentId};
use crate::instrument::PositionEffect;
use crate::num::Money;
use crate::position::Owner;

/// Why something was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingKind {
    /// An execution, what takes one back, or news of its fee.
    Traded,
    /// The venue's word at the start.
    Opening,
    /// The venue's word on what differed.
    Compared,
    /// Lots that changed their owner.
    Adopted,
    /// Lots of a hedge that went without an order of ours.
    Lost,
    /// Lots that one hedge gave to another, without an order and without a fee. `order` is the
    /// decision that they are work of, where they are an attempt's.
    Crossed,
}

/// A change of what somebody holds, and what came in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Why.
    pub kind: BookingKind,
    /// The account.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Whose it is.
    pub owner: Owner,
    /// The order that traded.
    pub order: Option<ClientOrderId>,
    /// What the order said it does.
    pub effect: PositionEffect,
    /// By how many signed lots more is held.
    pub lots: i64,
    /// What came in for them in ticks × lots; what was paid is negative.
    pub value: i128,
    /// The fee; what is given back is negative.
    pub fee: Money,
}
