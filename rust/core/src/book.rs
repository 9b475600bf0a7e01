//! The book of one instrument.

use crate::ids::InstrumentId;
use crate::num::{Price, Qty, Side};
use crate::time::Time;

/// What a row of a market message does, and whether it is the last of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Row {
    /// First row of a snapshot: the book is emptied, then this level is set. A size of zero sets
    /// none, so that one row can say "the book is empty".
    Snapshot = 0,
    /// A further level of the snapshot whose first row came before.
    Level = 1,
    /// Sets one level to a new size; zero takes it away.
    Delta = 2,
    /// [`Row::Snapshot`] and the last row.
    SnapshotLast = 3,
    /// [`Row::Level`] and the last row.
    LevelLast = 4,
    /// [`Row::Delta`] and the last row.
    DeltaLast = 5,
}

impl Row {
    /// Every row, in the order of its code.
    pub const ALL: [Row; 6] =
        [Row::Snapshot, Row::Level, Row::Delta, Row::SnapshotLast, Row::LevelLast, Row::DeltaLast];

    /// Whether the message ends with it.
    #[must_use]
    pub const fn is_last(self) -> bool {
        matches!(self, Row::SnapshotLast | Row::LevelLast | Row::DeltaLast)
    }

    /// The same row as the last of its message.
    #[must_use]
    pub const fn ending(self) -> Row {
        match self {
            Row::Snapshot | Row::SnapshotLast => Row::SnapshotLast,
            Row::Level | Row::LevelLast => Row::LevelLast,
            Row::Delta | Row::DeltaLast => Row::DeltaLast,
        }
    }

    /// Its stable code.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless repr(u8) enum to its own code")]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// One row of a market message; rows of a message share `seq` and stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Level price.
    pub price: Price,
    /// New size of the level.
    pub qty: Qty,
    /// Sequence number of the message; 0 when the venue has none.
    pub seq: u64,
    /// When the venue sent it; equal to `receive` when the venue does not say.
    pub exchange: Time,
    /// When we received it.
    pub receive: Time,
    /// How far `seq` is from the message before it; a delta whose `seq − step` is not the number
    /// last applied is a gap. 0: the venue has no numbers and gaps cannot be seen.
    pub step: u32,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Side of the book: [`Side::Buy`] is the bid side.
    pub side: Side,
    /// What the row does.
    pub row: Row,
}
