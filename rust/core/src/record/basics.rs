//! Texts, sizes and fractions as bytes, and back.

use crate::funds::{Lease, Transfer, TransferId};
use crate::ids::{AccountId, Note, Text};
use crate::num::{Money, Qty, Ratio};
use crate::time::Time;
use crate::wire::{Reader, WireError, Writer};

pub(super) fn write_text(out: &mut Writer, text: &Text) {
    let bytes = text.as_bytes();
    // A text has at most 40 bytes.
    out.u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.raw(bytes);
}

pub(super) fn read_text(from: &mut Reader<'_>) -> Result<Text, WireError> {
    let at = from.position();
    let count = usize::from(from.u8()?);
    let bytes = from.raw(count)?;
    if bytes.is_empty() {
        return Ok(Text::EMPTY);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| WireError::Range { at })?;
    Text::new(text).map_err(|_| WireError::Range { at })
}

pub(super) fn write_note(out: &mut Writer, note: &Note) {
    let bytes = note.as_str().as_bytes();
    // A note has at most 120 bytes.
    out.u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.raw(bytes);
}

pub(super) fn read_note(from: &mut Reader<'_>) -> Result<Note, WireError> {
    let at = from.position();
    let count = usize::from(from.u8()?);
    let text = std::str::from_utf8(from.raw(count)?).map_err(|_| WireError::Range { at })?;
    Note::new(text).map_err(|_| WireError::Range { at })
}

pub(super) fn read_qty(from: &mut Reader<'_>) -> Result<Qty, WireError> {
    let at = from.position();
    Qty::new(from.i64()?).map_err(|_| WireError::Range { at })
}

pub(super) fn write_ratio(out: &mut Writer, ratio: Ratio) {
    out.i64(ratio.num());
    out.i64(ratio.den());
}

/// A ratio in lowest terms; any other has no bytes of its own and is refused.
pub(super) fn read_ratio(from: &mut Reader<'_>) -> Result<Ratio, WireError> {
    let at = from.position();
    let (num, den) = (from.i64()?, from.i64()?);
    match Ratio::new(i128::from(num), i128::from(den)) {
        Ok(ratio) if ratio.num() == num && ratio.den() == den => Ok(ratio),
        Ok(_) | Err(_) => Err(WireError::Range { at }),
    }
}

pub(super) fn write_transfer(out: &mut Writer, transfer: &Transfer) {
    out.u64(transfer.id.0);
    out.u16(transfer.from.0);
    out.u16(transfer.to.0);
    out.i128(transfer.amount.0);
}

pub(super) fn write_lease(out: &mut Writer, lease: &Lease) {
    out.u16(lease.account.0);
    out.i128(lease.amount.0);
    out.i128(lease.posted.0);
    out.u64(lease.epoch);
    out.i64(lease.until.0);
}

pub(super) fn read_lease(from: &mut Reader<'_>) -> Result<Lease, WireError> {
    Ok(Lease {
        account: AccountId(from.u16()?),
        amount: Money(from.i128()?),
        posted: Money(from.i128()?),
        epoch: from.u64()?,
        until: Time(from.i64()?),
    })
}

pub(super) fn read_transfer(from: &mut Reader<'_>) -> Result<Transfer, WireError> {
    Ok(Transfer {
        id: TransferId(from.u64()?),
        from: AccountId(from.u16()?),
        to: AccountId(from.u16()?),
        amount: Money(from.i128()?),
    })
}
