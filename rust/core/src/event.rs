//! Everything that can happen to the engine: a closed list with codes that are never re-used.

pub use crate::conduct::Scope;

use crate::book::Change;
use crate::clock::Clock;
use crate::funds::{Cash, Lease, Transfer};
use crate::gate::Policy;
use crate::ids::{AccountId, ClientOrderId, HedgeId, InstrumentId, Note};
use crate::instrument::Reference;
use crate::num::{Qty, Ratio};
use crate::order::{Answer, Report, VenueStatus};
use crate::position::{Settle, Statement};
use crate::quote::LegLots;
use crate::time::{Span, Time};

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A row of a market message. Code 1.
    Book(Change),
    /// A connection or feed went up, down or was resynced. Code 2.
    Link(Link),
    /// Unsolicited order or fill news. Code 3.
    Report(Box<Report>),
    /// The reply to a query. Code 4.
    Answer(Box<Answer>),
    /// News about money. Code 5.
    Cash(Box<Cash>),
    /// The venue's word on a position. Code 6.
    Position(Box<Statement>),
    /// A settlement price. Code 7.
    Settle(Box<Settle>),
    /// Phase, price band or margin rates. Code 8.
    Reference(Box<Reference>),
    /// A value computed outside. Code 9.
    Estimate(Estimate),
    /// A measured clock offset. Code 10.
    Clock(Clock),
    /// Time passed, no news. Code 11.
    Tick,
    /// An operator's or platform's word. Code 12.
    Control(Box<Control>),
}

const _: () = assert!(size_of::<Event>() <= 48);

impl Event {
    /// The stable code of the kind.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Event::Book(_) => 1,
            Event::Link(_) => 2,
            Event::Report(_) => 3,
            Event::Answer(_) => 4,
            Event::Cash(_) => 5,
            Event::Position(_) => 6,
            Event::Settle(_) => 7,
            Event::Reference(_) => 8,
            Event::Estimate(_) => 9,
            Event::Clock(_) => 10,
            Event::Tick => 11,
            Event::Control(_) => 12,
        }
    }
}

/// What a link connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTo {
    /// The trading login of an account.
    Trading(AccountId),
    /// The market data of an instrument.
    Feed(InstrumentId),
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LinkState {
    /// Down.
    Down = 0,
    /// Up; what happened in between is not known yet.
    Up = 1,
    /// Up, and the venue has sent all that happened in between.
    Resynced = 2,
}

/// News about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it connects to.
    pub to: LinkTo,
    /// How it stands.
    pub state: LinkState,
}

/// A value computed outside the core, in 10⁻⁹ (of the hedge's currency per common unit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The hedge.
    pub hedge: HedgeId,
    /// The value.
    pub value: i64,
    /// When it stops counting.
    pub expires: Time,
}

/// A word from outside, with its speaker.
#[derive(Clone, Debug)]
pub struct Control {
    /// Who says so.
    pub actor: Note,
    /// What.
    pub verb: Verb,
}

/// What can be said.
#[derive(Clone, Debug)]
pub enum Verb {
    /// No Enter; Exit and repair go on. A hedge, or all. Code 1.
    Stop(Scope),
    /// Takes [`Verb::Stop`] back. Code 2.
    Resume(Scope),
    /// Sets a HALT latch and cancels in the same step. Code 3.
    Kill(Scope),
    /// Ends a HALT latch, once nothing is unknown in its scope. Code 4.
    Unlatch(Scope),
    /// Gives all sets back; inside HALT only orders that reduce pass. Code 5.
    Flatten(Scope),
    /// Ends RESTRICT of a hedge or account. Code 6.
    Unrestrict(Scope),
    /// Starts an Enter. Code 7.
    Enter {
        /// The hedge.
        hedge: HedgeId,
        /// Signed sets; not zero.
        sets: i64,
        /// The least signal value accepted, instead of the configured band.
        at_least: Option<Ratio>,
        /// Its slices begin evenly over so long; zero: one after the other.
        over: Span,
    },
    /// Starts an Exit. Code 8.
    Exit {
        /// The hedge.
        hedge: HedgeId,
        /// Sets to give back; `None` for all.
        sets: Option<Qty>,
        /// Its slices begin evenly over so long; zero: one after the other.
        over: Span,
    },
    /// Moves signed lots from `unassigned` into a hedge's inventory, of all legs at once: a hedge
    /// that holds a part of a set would trade it away. Code 9.
    Adopt {
        /// The hedge.
        hedge: HedgeId,
        /// Signed lots by leg; not all zero.
        lots: LegLots,
    },
    /// An operator's word on an order whose outcome is unknown. Code 10.
    Override {
        /// The order.
        order: ClientOrderId,
        /// Where it stands; not [`VenueStatus::Working`].
        status: VenueStatus,
        /// Its cumulative quantity, at least what is booked.
        cum: Qty,
        /// Why.
        reason: Note,
    },
    /// New limits and execution values. Code 11.
    Policy(Box<Policy>),
    /// Keeps the quotes of a hedge where they are, for a time. Code 12.
    Freeze {
        /// The hedge.
        hedge: HedgeId,
        /// How long; more than zero.
        lasts: Span,
        /// Most ticks of its instrument that a quote may give up meanwhile.
        adverse: i64,
    },
    /// Moves all sets of a hedge to the next contract: to the hedge that it names. Code 13.
    Roll {
        /// The hedge.
        hedge: HedgeId,
    },
    /// Declares what the attempt that lives has not traded yet done: no order of it leaves any more,
    /// what rests is cancelled, and it ends in what is so. Code 14.
    Forfeit {
        /// The hedge.
        hedge: HedgeId,
        /// Why.
        reason: Note,
    },
    /// Moves money over a declared route. The same number again moves nothing. Code 15.
    Transfer(Transfer),
    /// What may be used of an account that draws on a pool. Code 16.
    Lease(Lease),
}
