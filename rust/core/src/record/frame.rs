//! Frames of market rows: inline, as differences to the row before; or by reference to a source.

use crate::book::Change;
use crate::ids::InstrumentId;
use crate::num::{Price, Qty, Side};
use crate::record::codes::Code;
use crate::record::kinds::read_hash;
use crate::time::Time;
use crate::wire::{Reader, WireError, Writer};

/// Most rows of a frame.
pub const ROWS_MAX: u32 = 4096;

/// A market row and the engine time at which it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Engine time.
    pub now: Time,
    /// The row.
    pub change: Change,
}

/// Where the rows of a frame are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Here.
    Inline(Vec<Row>),
    /// In a source that is kept elsewhere; the engine time of each row is its receive stamp.
    Reference {
        /// SHA-256 of the source.
        sha256: [u8; 32],
        /// Number of the first row in the source, from 0.
        first: u64,
        /// How many rows.
        count: u32,
    },
}

/// Consecutive market rows that caused nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Number of the first row as an event of the journal.
    pub seq: u64,
    /// The rows.
    pub body: Body,
}

impl Frame {
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.body {
            // A usize has at most 64 bits on every target this library builds for.
            Body::Inline(rows) => u64::try_from(rows.len()).unwrap_or(u64::MAX),
            Body::Reference { count, .. } => u64::from(*count),
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Frame, WireError> {
        let seq = from.u64()?;
        let at = from.position();
        let count = from.u32()?;
        if count == 0 || count > ROWS_MAX {
            return Err(WireError::Range { at });
        }
        let body = if from.bool()? {
            Body::Reference { sha256: read_hash(from)?, first: from.u64()?, count }
        } else {
            let mut rows = Vec::new();
            let mut before = ZERO;
            for place in 0..count {
                before = read_row(from, &before, place > 0)?;
                rows.push(before);
            }
            Body::Inline(rows)
        };
        Ok(Frame { seq, body })
    }
}

/// What the first row of a frame is the difference to.
const ZERO: Row = Row {
    now: Time(0),
    change: Change {
        price: Price(0),
        qty: Qty::ZERO,
        seq: 0,
        exchange: Time(0),
        receive: Time(0),
        step: 0,
        instrument: InstrumentId(0),
        side: Side::Buy,
        row: crate::book::Row::Snapshot,
    },
};

/// The rows of a frame that is still open, as the bytes they will be.
#[derive(Clone, Debug)]
pub struct FrameRows {
    bytes: Writer,
    before: Row,
    count: u32,
}

impl Default for FrameRows {
    fn default() -> FrameRows {
        FrameRows { bytes: Writer::new(), before: ZERO, count: 0 }
    }
}

impl FrameRows {
    /// How many rows there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Appends a row.
    ///
    /// # Panics
    /// Beyond [`ROWS_MAX`] rows: whoever gathers them closes the frame before.
    pub fn push(&mut self, now: Time, change: &Change) {
        assert!(self.count < ROWS_MAX, "a frame of more than {ROWS_MAX} rows");
        let row = Row { now, change: *change };
        write_row(&mut self.bytes, &row, &self.before, self.count > 0);
        self.before = row;
        self.count += 1;
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.before = ZERO;
        self.count = 0;
    }

    pub(super) fn write(&self, out: &mut Writer, seq: u64) {
        out.u64(seq);
        out.u32(self.count);
        out.bool(false);
        out.raw(self.bytes.as_slice());
    }
}

pub(super) fn write_reference(
    out: &mut Writer,
    seq: u64,
    sha256: &[u8; 32],
    first: u64,
    count: u32,
) {
    out.u64(seq);
    out.u32(count);
    out.bool(true);
    out.raw(sha256);
    out.u64(first);
}

/// All but price, quantity, side and row are those of the row before.
const SAME: u8 = 16;

/// One byte of side, row and [`SAME`]; unless the same, what rows of a message share, as
/// differences; then price as a difference, and quantity. Differences wrap, so every value has one.
fn write_row(out: &mut Writer, row: &Row, before: &Row, may_be_same: bool) {
    let (new, old) = (&row.change, &before.change);
    let same = may_be_same
        && new.instrument == old.instrument
        && new.seq == old.seq
        && new.step == old.step
        && new.exchange == old.exchange
        && new.receive == old.receive
        && row.now == before.now;
    let flags = new.side.code() | (Code::code(new.row) << 1);
    out.u8(if same { flags | SAME } else { flags });
    if !same {
        varint(out, u64::from(new.instrument.0));
        zigzag(out, new.seq.wrapping_sub(old.seq).cast_signed());
        varint(out, u64::from(new.step));
        zigzag(out, new.exchange.0.wrapping_sub(old.exchange.0));
        zigzag(out, new.receive.0.wrapping_sub(new.exchange.0));
        zigzag(out, row.now.0.wrapping_sub(new.receive.0));
    }
    zigzag(out, new.price.0.wrapping_sub(old.price.0));
    varint(out, new.qty.get().cast_unsigned());
}

fn read_row(from: &mut Reader<'_>, before: &Row, may_be_same: bool) -> Result<Row, WireError> {
    let at = from.position();
    let flags = from.u8()?;
    let kind = (flags & !SAME) >> 1;
    let (Some(side), Some(kind)) = (Side::from_code(flags & 1), crate::book::Row::from_code(kind))
    else {
        return Err(WireError::Code { at, found: flags });
    };
    let mut row = *before;
    row.change.side = side;
    row.change.row = kind;
    let old = &before.change;
    if flags & SAME == 0 {
        let instrument = u16::try_from(read_varint(from)?);
        row.change.instrument = InstrumentId(instrument.map_err(|_| WireError::Range { at })?);
        row.change.seq = old.seq.wrapping_add(read_zigzag(from)?.cast_unsigned());
        let step = u32::try_from(read_varint(from)?);
        row.change.step = step.map_err(|_| WireError::Range { at })?;
        row.change.exchange = Time(old.exchange.0.wrapping_add(read_zigzag(from)?));
        row.change.receive = Time(row.change.exchange.0.wrapping_add(read_zigzag(from)?));
        row.now = Time(row.change.receive.0.wrapping_add(read_zigzag(from)?));
    } else if !may_be_same {
        return Err(WireError::Code { at, found: flags });
    }
    row.change.price = Price(old.price.0.wrapping_add(read_zigzag(from)?));
    let qty = read_varint(from)?.cast_signed();
    row.change.qty = Qty::new(qty).map_err(|_| WireError::Range { at })?;
    Ok(row)
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn varint(out: &mut Writer, mut value: u64) {
    while value >= 0x80 {
        out.u8(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.u8(value.to_le_bytes()[0]);
}

fn read_varint(from: &mut Reader<'_>) -> Result<u64, WireError> {
    let at = from.position();
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = from.u8()?;
        let bits = u64::from(byte & 0x7F);
        if (bits << shift) >> shift != bits {
            return Err(WireError::Range { at });
        }
        value |= bits << shift;
        if byte < 0x80 {
            // A number has one form: no zeros in front.
            let padded = byte == 0 && shift > 0;
            return if padded { Err(WireError::Range { at }) } else { Ok(value) };
        }
    }
    Err(WireError::Range { at })
}

/// Small numbers of either sign become small numbers: 0, −1, 1, −2 are 0, 1, 2, 3.
fn zigzag(out: &mut Writer, value: i64) {
    varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn read_zigzag(from: &mut Reader<'_>) -> Result<i64, WireError> {
    let value = read_varint(from)?;
    Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
}
