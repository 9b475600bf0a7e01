//! The money of every account: cash, holds, margin, and what the venue says of them.

use crate::ids::AccountId;
use crate::num::Money;
use crate::time::Time;

/// Why money moved, or what a report of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum CashKind {
    /// The balance at the start of the run; booked, never compared.
    Opening = 0,
    /// The venue's balance (cash and margin, without unrealised results), to be compared.
    Balance = 1,
    /// Money that came in (positive) or went out (negative).
    Transfer = 2,
    /// Funding of a perpetual.
    Funding = 3,
    /// Interest.
    Interest = 4,
    /// A fee that belongs to no execution (positive is paid).
    Fee = 5,
}

/// News about the money of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cash {
    /// The account; its currency is meant.
    pub account: AccountId,
    /// When the venue said so.
    pub exchange: Time,
    /// What it is.
    pub kind: CashKind,
    /// The amount, or for [`CashKind::Balance`] and [`CashKind::Opening`] the balance.
    pub amount: Money,
}

/// Money to be moved between two accounts; not sent by this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// From.
    pub from: AccountId,
    /// To.
    pub to: AccountId,
    /// In the currency of `from`.
    pub amount: Money,
}
