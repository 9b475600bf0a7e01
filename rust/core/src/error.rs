//! What the door refuses: a caller's mistake, with the numbers that explain it.
//!
//! An [`Error`] changes nothing. An expected "no" of a gate is a `gate::Refusal`, not an error; a
//! broken invariant is a panic, which the session turns into its poisoned latch.

use std::fmt;

use crate::ids::{ClientOrderId, LegId};
use crate::num::{MONEY_MAX, Money, NumError};
use crate::time::Time;

/// A configuration value that was refused: where it stands, what it is, what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Path of the field, such as `hedges[0].legs[1].lots`.
    pub field: String,
    /// The value found, cut to 120 characters.
    pub value: String,
    /// What was expected instead, with units.
    pub expected: String,
}

impl ConfigError {
    /// The error for `value` at `field`.
    #[must_use]
    pub fn new(
        field: impl Into<String>,
        value: impl fmt::Display,
        expected: impl Into<String>,
    ) -> ConfigError {
        let value: String = value.to_string().chars().take(120).collect();
        ConfigError { field: field.into(), value, expected: expected.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {:?}, expected {}", self.field, self.value, self.expected)
    }
}

impl std::error::Error for ConfigError {}

/// The field of an event that a value was refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    /// `now`, the engine time of the call.
    Now,
    /// An exchange stamp.
    Exchange,
    /// A receive stamp.
    Receive,
    /// A venue number.
    Venue,
    /// An account number.
    Account,
    /// An instrument number.
    Instrument,
    /// A hedge number.
    Hedge,
    /// A leg number.
    Leg,
    /// A currency number.
    Currency,
    /// A price.
    Price,
    /// A quantity.
    Qty,
    /// A cumulative quantity.
    Cum,
    /// A sequence number.
    Seq,
    /// A trade id.
    TradeId,
    /// An amount of money.
    Amount,
    /// A number of sets.
    Sets,
    /// A trading day.
    Day,
    /// A moment at which something ends.
    Until,
    /// How long something lasts.
    Lasts,
    /// A client order id.
    Order,
    /// A margin rate.
    Rate,
    /// A policy.
    Policy,
    /// The offset of a clock.
    Offset,
    /// The uncertainty of a clock's offset.
    Uncertainty,
    /// The number of a run.
    Run,
    /// The number of a transfer, or accounts that no route joins.
    Transfer,
    /// The epoch of a lease, or an account that draws on no pool.
    Lease,
}

impl Field {
    /// The field's name as the Python API spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Now => "now",
            Field::Exchange => "exchange",
            Field::Receive => "receive",
            Field::Venue => "venue",
            Field::Account => "account",
            Field::Instrument => "instrument",
            Field::Hedge => "hedge",
            Field::Leg => "leg",
            Field::Currency => "currency",
            Field::Price => "price",
            Field::Qty => "qty",
            Field::Cum => "cum",
            Field::Seq => "seq",
            Field::TradeId => "trade_id",
            Field::Amount => "amount",
            Field::Sets => "sets",
            Field::Day => "day",
            Field::Until => "until",
            Field::Lasts => "lasts",
            Field::Order => "order",
            Field::Rate => "rate",
            Field::Policy => "policy",
            Field::Offset => "offset_ns",
            Field::Uncertainty => "uncertainty_ns",
            Field::Run => "run",
            Field::Transfer => "transfer",
            Field::Lease => "lease",
        }
    }
}

/// Why the door refused a call; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// `now` is before the `now` of an earlier call, by so many ns.
    TimeWentBack {
        /// How far back, in ns.
        by_ns: i64,
    },
    /// A stamp outside 1970-01-01 … 2200-01-01: mostly ms or µs taken for ns.
    TimeOutOfRange {
        /// The field.
        field: Field,
        /// What was found.
        found: Time,
    },
    /// A number that names nothing in the configuration.
    Unknown {
        /// The field.
        field: Field,
        /// What was found.
        found: u32,
    },
    /// A value outside the bounds of its field.
    OutOfBounds {
        /// The field.
        field: Field,
        /// What was found.
        found: i64,
    },
    /// An order that this engine does not know, or no longer.
    UnknownOrder {
        /// The order.
        found: ClientOrderId,
    },
    /// An amount of money beyond the largest that an event may carry.
    Amount {
        /// What was found.
        found: Box<Money>,
    },
    /// More lots of a leg than are unassigned, or of the other sign.
    LotsShort {
        /// The leg.
        leg: LegId,
        /// The lots asked for.
        found: i64,
    },
    /// Two fields of the event that contradict each other.
    Contradiction {
        /// The field that does not fit the others.
        field: Field,
    },
    /// A text or number that could not be read.
    Number {
        /// The field.
        field: Field,
        /// Why.
        why: NumError,
    },
    /// A configuration or policy value.
    Config(Box<ConfigError>),
    /// The engine is poisoned: its state is no longer trusted, only a replay into a new one helps.
    Poisoned,
}

const _: () = assert!(size_of::<Error>() <= 16);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TimeWentBack { by_ns } => write!(f, "now is {by_ns} ns before the last call"),
            Error::TimeOutOfRange { field, found } => write!(
                f,
                "{}: {} ns is outside 1970 to 2200; stamps are ns since the Unix epoch",
                field.name(),
                found.0
            ),
            Error::Unknown { field, found } => {
                write!(f, "{}: {found} names nothing in the configuration", field.name())
            }
            Error::OutOfBounds { field, found } => {
                write!(f, "{}: {found} is out of bounds", field.name())
            }
            Error::UnknownOrder { found } => {
                write!(f, "order: {} is not known here, or no longer", found.text())
            }
            Error::Amount { found } => {
                write!(f, "amount: {found} is beyond {MONEY_MAX} either way")
            }
            Error::LotsShort { leg, found } => {
                write!(f, "lots[{}]: {found} lots of the leg are not unassigned", leg.0)
            }
            Error::Contradiction { field } => {
                write!(f, "{}: contradicts the other fields of the event", field.name())
            }
            Error::Number { field, why } => write!(f, "{}: {why}", field.name()),
            Error::Config(error) => error.fmt(f),
            Error::Poisoned => write!(f, "the engine is poisoned; replay into a new one"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Error {
        Error::Config(Box::new(error))
    }
}
