//! Rows of books as plain whole numbers: one a call, one message a call, or columns.

use cross_market_core::book::{Change, Row};
use cross_market_core::ids::{InstrumentId, TEXT_MAX};
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::time::Time;
use numpy::{
    Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyMapping, PyTuple};

use crate::doors::taken_before;
use crate::engine::{STAMP, STAMPS_FROM};
use crate::error::{in_row, missing, wrong, wrong_type};

const WHOLE: &str = "a whole number of 64 bits, as int";
const INSTRUMENT: &str = "the number of an instrument, from `id`";
const SIDE: &str = "0 for bid or 1 for ask";
const LOTS: &str = "lots, 0 or more";
const ROW: &str = "0 to 5: snapshot, level, delta, and the same three as the last of a message";
const STEP: &str = "a whole number of 32 bits, 0 or more, as int";
const SEQ: &str = "a whole number of 64 bits, 0 or more, as int";

type Given<'a, 'py> = &'a Bound<'py, PyAny>;

/// A whole number given as an int; neither a bool nor another subclass.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
pub(crate) fn whole(value: Given<'_, '_>, field: &str) -> PyResult<i64> {
    if value.is_exact_instance_of::<PyInt>()
        && let Ok(found) = value.extract::<i64>()
    {
        return Ok(found);
    }
    Err(not_whole(value, field, WHOLE))
}

#[cold]
fn not_whole(value: Given<'_, '_>, field: &str, expected: &str) -> PyErr {
    if value.is_exact_instance_of::<PyInt>() {
        wrong(value.py(), field, value, expected)
    } else {
        wrong_type(value.py(), field, value, expected)
    }
}

/// A whole number of another width.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
fn narrow<T: TryFrom<i64>>(value: Given<'_, '_>, field: &str, expected: &str) -> PyResult<T> {
    let found = whole(value, field)?;
    T::try_from(found).map_err(|_| wrong(value.py(), field, value, expected))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
fn side(value: Given<'_, '_>) -> PyResult<Side> {
    match whole(value, "side")? {
        0 => Ok(Side::Buy),
        1 => Ok(Side::Sell),
        _ => Err(wrong(value.py(), "side", value, SIDE)),
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
fn lots(value: Given<'_, '_>) -> PyResult<Qty> {
    Qty::new(whole(value, "qty")?).map_err(|_| wrong(value.py(), "qty", value, LOTS))
}

/// The number of an instrument.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
pub(crate) fn instrument(value: Given<'_, '_>) -> PyResult<InstrumentId> {
    narrow(value, "instrument", INSTRUMENT).map(InstrumentId)
}

/// A message of one level without a number, sent and received at `now`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
pub(crate) fn level(
    now: Time,
    [instrument_, side_, price, qty]: [Given<'_, '_>; 4],
) -> PyResult<Change> {
    Ok(Change {
        price: Price(whole(price, "price")?),
        qty: lots(qty)?,
        seq: 0,
        exchange: now,
        receive: now,
        step: 0,
        instrument: instrument(instrument_)?,
        side: side(side_)?,
        row: Row::DeltaLast,
    })
}

/// A row with all that can be said of it.
pub(crate) fn row(
    level: [Given<'_, '_>; 4],
    [code, seq, step, exchange, receive]: [Given<'_, '_>; 5],
) -> PyResult<Change> {
    let at = usize::try_from(whole(code, "row")?).ok();
    let row = at.and_then(|at| Row::ALL.get(at)).copied();
    let row = row.ok_or_else(|| wrong(code.py(), "row", code, ROW))?;
    Ok(Change {
        seq: unsigned(seq)?,
        exchange: stamp(exchange, "exchange")?,
        receive: stamp(receive, "receive")?,
        step: narrow(step, "step", STEP)?,
        row,
        ..self::level(Time(0), level)?
    })
}

/// Whether a stamp is one of s, ms or µs.
pub(crate) fn is_coarse(stamp: Time) -> bool {
    Time(0) < stamp && stamp < STAMPS_FROM
}

/// A stamp of ns; 0 where it is not known.
fn stamp(value: Given<'_, '_>, field: &str) -> PyResult<Time> {
    let found = Time(whole(value, field)?);
    if is_coarse(found) { Err(wrong(value.py(), field, value, STAMP)) } else { Ok(found) }
}

fn unsigned(value: Given<'_, '_>) -> PyResult<u64> {
    if value.is_exact_instance_of::<PyInt>()
        && let Ok(found) = value.extract::<u64>()
    {
        return Ok(found);
    }
    Err(not_whole(value, "seq", SEQ))
}

/// What the rows of one message share.
pub(crate) struct Message {
    pub(crate) instrument: InstrumentId,
    pub(crate) is_snapshot: bool,
    pub(crate) seq: u64,
    pub(crate) step: u32,
    pub(crate) exchange: Time,
    pub(crate) receive: Time,
}

impl Message {
    /// A message that was received at `now`, and sent then where `exchange` says nothing else.
    pub(crate) fn new(
        now: Time,
        instrument_: Given<'_, '_>,
        [seq, step, exchange]: [Option<Given<'_, '_>>; 3],
        is_snapshot: bool,
    ) -> PyResult<Message> {
        Ok(Message {
            instrument: instrument(instrument_)?,
            is_snapshot,
            seq: seq.map_or(Ok(0), unsigned)?,
            step: step.map_or(Ok(0), |step| narrow(step, "step", STEP))?,
            exchange: exchange.map_or(Ok(now), |given| stamp(given, "exchange"))?,
            receive: now,
        })
    }

    /// Its rows: a list of (side, price, qty), or an int64 array with these three columns.
    pub(crate) fn changes(&self, rows: Given<'_, '_>) -> PyResult<Vec<Change>> {
        let py = rows.py();
        let expected = "a list of (side, price, qty) as ints, or an int64 array (n, 3)";
        let mut changes = Vec::new();
        if let Ok(list) = rows.cast::<PyList>() {
            for each in list.iter() {
                let Ok(found) = each.cast::<PyTuple>() else {
                    return Err(wrong_type(py, "rows", &each, expected));
                };
                if found.len() != 3 {
                    return Err(wrong(py, "rows", &each, expected));
                }
                let [side_, price, qty] =
                    [found.get_item(0)?, found.get_item(1)?, found.get_item(2)?];
                let price = Price(whole(&price, "price")?);
                changes.push(self.change(changes.is_empty(), side(&side_)?, price, lots(&qty)?));
            }
        } else {
            let array: PyReadonlyArray2<'_, i64> =
                rows.extract().map_err(|_| wrong_type(py, "rows", rows, expected))?;
            let array = array.as_array();
            if array.ncols() != 3 {
                return Err(wrong(py, "rows", rows, expected));
            }
            for (at, row) in array.rows().into_iter().enumerate() {
                let number = |place: usize| row.get(place).copied().unwrap_or(0);
                let refused = |field: &str, found: i64, expected: &str| {
                    let found = PyInt::new(py, found);
                    wrong(py, &format!("rows[{at}].{field}"), found.as_any(), expected)
                };
                let side = match number(0) {
                    0 => Side::Buy,
                    1 => Side::Sell,
                    found => return Err(refused("side", found, SIDE)),
                };
                let qty = Qty::new(number(2)).map_err(|_| refused("qty", number(2), LOTS))?;
                changes.push(self.change(changes.is_empty(), side, Price(number(1)), qty));
            }
        }
        match changes.last_mut() {
            Some(last) => last.row = last.row.ending(),
            None => return Err(wrong(py, "rows", rows, "at least one row")),
        }
        Ok(changes)
    }

    fn change(&self, is_first: bool, side: Side, price: Price, qty: Qty) -> Change {
        let Message { instrument, is_snapshot, seq, step, exchange, receive } = *self;
        let row = match (is_snapshot, is_first) {
            (true, true) => Row::Snapshot,
            (true, false) => Row::Level,
            (false, _) => Row::Delta,
        };
        Change { price, qty, seq, exchange, receive, step, instrument, side, row }
    }
}

/// Columns of rows, borrowed from numpy arrays for the time of a call; nothing is copied.
pub(crate) struct Columns<'py> {
    instrument: PyReadonlyArray1<'py, u16>,
    side: PyReadonlyArray1<'py, u8>,
    row: PyReadonlyArray1<'py, u8>,
    price: PyReadonlyArray1<'py, i64>,
    qty: PyReadonlyArray1<'py, i64>,
    seq: Option<PyReadonlyArray1<'py, u64>>,
    step: Option<PyReadonlyArray1<'py, u32>>,
    exchange: Option<PyReadonlyArray1<'py, i64>>,
    receive: Option<PyReadonlyArray1<'py, i64>>,
}

const NAMES: [&str; 9] =
    ["instrument", "side", "row", "price", "qty", "seq", "step", "exchange", "receive"];

/// Batches of columns: a mapping of arrays is one, and whatever speaks the Arrow capsule protocol
/// is as many as it has.
pub(crate) fn batches<'py>(columns: Given<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = columns.py();
    if columns.cast::<PyMapping>().is_ok() {
        return Ok(PyList::new(py, [columns])?.into_any());
    }
    if columns.hasattr("__arrow_c_stream__")? || columns.hasattr("__arrow_c_array__")? {
        let arrow = py.import("cross_market._arrow")?;
        return arrow.call_method1("batches", (columns, PyTuple::new(py, NAMES)?));
    }
    let expected = "a dict of numpy arrays by column, or what speaks the Arrow capsule protocol";
    Err(wrong_type(py, "columns", columns, expected))
}

/// One column: absent, or an array of exactly this type.
fn column<'py, T: Element>(
    of: Given<'_, 'py>,
    name: &str,
    kind: &str,
) -> PyResult<Option<PyReadonlyArray1<'py, T>>> {
    let py = of.py();
    let mapping = of.cast::<PyMapping>()?;
    if !mapping.contains(name)? {
        return Ok(None);
    }
    let array = mapping.get_item(name)?;
    let field = format!("columns.{name}");
    let expected = format!("a contiguous and aligned numpy array of {kind} with one dimension");
    let Ok(typed) = array.cast::<PyArray1<T>>() else {
        return Err(wrong_type(py, &field, &array, &expected));
    };
    let is_aligned = array.getattr("flags")?.getattr("aligned")?.extract::<bool>()?;
    if !typed.is_c_contiguous() || !is_aligned {
        return Err(wrong(py, &field, &array, &expected));
    }
    if array.hasattr("mask")? {
        return Err(wrong_type(py, &field, &array, "an array without a mask"));
    }
    Ok(Some(typed.try_readonly().map_err(|_| wrong(py, &field, &array, "an array not in use"))?))
}

impl<'py> Columns<'py> {
    /// The columns of one batch.
    pub(crate) fn new(of: Given<'_, 'py>) -> PyResult<Columns<'py>> {
        let py = of.py();
        for name in of.cast::<PyMapping>()?.keys()?.iter() {
            let known = name.extract::<&str>().is_ok_and(|name| NAMES.contains(&name));
            if !known {
                let expected = format!("columns of these: {}", NAMES.join(" "));
                return Err(wrong(py, "columns", &name, &expected));
            }
        }
        let absent = |name: &str| missing(py, &format!("columns.{name}"), "this column");
        let found = Columns {
            instrument: column(of, "instrument", "uint16")?.ok_or_else(|| absent("instrument"))?,
            side: column(of, "side", "uint8")?.ok_or_else(|| absent("side"))?,
            row: column(of, "row", "uint8")?.ok_or_else(|| absent("row"))?,
            price: column(of, "price", "int64")?.ok_or_else(|| absent("price"))?,
            qty: column(of, "qty", "int64")?.ok_or_else(|| absent("qty"))?,
            seq: column(of, "seq", "uint64")?,
            step: column(of, "step", "uint32")?,
            exchange: column(of, "exchange", "int64")?,
            receive: column(of, "receive", "int64")?,
        };
        found.check_lengths(py)?;
        Ok(found)
    }

    /// Looks at the arrays that are held: a mapping may give others when it is asked again.
    fn check_lengths(&self, py: Python<'_>) -> PyResult<()> {
        let rows = self.instrument.len();
        let lengths = [
            Some(rows),
            Some(self.side.len()),
            Some(self.row.len()),
            Some(self.price.len()),
            Some(self.qty.len()),
            self.seq.as_ref().map(|column| column.len()),
            self.step.as_ref().map(|column| column.len()),
            self.exchange.as_ref().map(|column| column.len()),
            self.receive.as_ref().map(|column| column.len()),
        ];
        for (name, length) in NAMES.into_iter().zip(lengths) {
            if let Some(length) = length.filter(|length| *length != rows) {
                let expected = format!("{rows} rows, as in columns.instrument");
                let found = length.into_pyobject(py)?;
                return Err(wrong(py, &format!("columns.{name}"), &found, &expected));
            }
        }
        Ok(())
    }

    /// Whether both stamps are there, as an engine needs them.
    pub(crate) fn check_stamps(&self, py: Python<'_>) -> PyResult<()> {
        let stamps = [("exchange", &self.exchange), ("receive", &self.receive)];
        match stamps.iter().find(|(_, column)| column.is_none()) {
            None => Ok(()),
            Some((name, _)) => {
                let expected = "the stamps of the rows, ns since the Unix epoch";
                Err(missing(py, &format!("columns.{name}"), expected))
            }
        }
    }

    /// The same as plain slices, which another thread may read.
    pub(crate) fn slices(&self) -> PyResult<Slices<'_>> {
        Ok(Slices {
            instrument: self.instrument.as_slice()?,
            side: self.side.as_slice()?,
            row: self.row.as_slice()?,
            price: self.price.as_slice()?,
            qty: self.qty.as_slice()?,
            seq: self.seq.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            step: self.step.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            exchange: self.exchange.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
            receive: self.receive.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
        })
    }
}

/// What takes rows one after the other. A closure would be called; this is part of the loop.
pub(crate) trait Taker {
    /// Why it takes no more.
    type Stopped: From<NoRow>;

    /// Takes the row at a place.
    fn take(&mut self, at: usize, change: &Change) -> Result<(), Self::Stopped>;
}

/// Rows between two looks at whether the caller was interrupted.
const LOOK: usize = 1 << 16;

/// What the interpreter was told meanwhile (Ctrl-C), looked at once in a while.
#[inline]
pub(crate) fn interrupted(at: usize) -> PyResult<()> {
    if at % LOOK == LOOK - 1 { look() } else { Ok(()) }
}

#[cold]
fn look() -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        Ok(())
    })
}

/// Columns of rows as slices of one length.
#[derive(Clone, Copy)]
pub(crate) struct Slices<'a> {
    instrument: &'a [u16],
    side: &'a [u8],
    row: &'a [u8],
    price: &'a [i64],
    qty: &'a [i64],
    seq: Option<&'a [u64]>,
    step: Option<&'a [u32]>,
    exchange: Option<&'a [i64]>,
    receive: Option<&'a [i64]>,
}

/// A code or size in a column that says nothing, and where.
pub(crate) struct NoRow {
    pub(crate) at: usize,
    pub(crate) field: &'static str,
    pub(crate) found: i64,
}

impl NoRow {
    /// An exchange stamp of another unit.
    pub(crate) fn stamp(at: usize, found: Time) -> NoRow {
        NoRow { at, field: "exchange", found: found.0 }
    }

    /// The error for it; `before` is how many rows the batches before its own had.
    pub(crate) fn error(&self, py: Python<'_>, before: usize) -> PyErr {
        let expected = match self.field {
            "side" => SIDE,
            "row" => ROW,
            "exchange" => STAMP,
            _ => LOTS,
        };
        let found = PyInt::new(py, self.found);
        let at = before + self.at;
        let error = wrong(py, &format!("columns.{}[{at}]", self.field), found.as_any(), expected);
        in_row(py, error, at, &taken_before(at))
    }
}

impl Slices<'_> {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.price.len()
    }

    /// How many messages end in them.
    pub(crate) fn messages(&self) -> usize {
        self.row.iter().filter(|code| (3..6).contains(*code)).count()
    }

    /// Gives every row from place `first` on to `taker`, until that says no.
    pub(crate) fn each<T: Taker>(&self, first: usize, taker: &mut T) -> Result<(), T::Stopped> {
        let rows = self.len();
        // All of one length, so that the compiler sees that no look-up can miss.
        let columns = (
            self.instrument.get(..rows),
            self.side.get(..rows),
            self.row.get(..rows),
            self.qty.get(..rows),
        );
        let (Some(instrument), Some(side), Some(row), Some(qty)) = columns else { return Ok(()) };
        let level = |at: usize| {
            let price = *self.price.get(at)?;
            Some((*instrument.get(at)?, *side.get(at)?, *row.get(at)?, price, *qty.get(at)?))
        };
        if self.seq.is_none() && self.step.is_none() && self.stamps().is_none() {
            for at in first..rows {
                let Some(level) = level(at) else { break };
                taker.take(at, &change(at, level, 0, 0, Time(0), Time(0))?)?;
            }
            return Ok(());
        }
        for at in first..rows {
            let Some(level) = level(at) else { break };
            let seq = self.seq.and_then(|it| it.get(at)).copied().unwrap_or(0);
            let step = self.step.and_then(|it| it.get(at)).copied().unwrap_or(0);
            let exchange = self.exchange.and_then(|it| it.get(at)).copied();
            let receive = self.receive.and_then(|it| it.get(at)).copied();
            let stamps = [exchange.or(receive), receive.or(exchange)];
            let [exchange, receive] = stamps.map(|stamp| Time(stamp.unwrap_or(0)));
            taker.take(at, &change(at, level, seq, step, exchange, receive)?)?;
        }
        Ok(())
    }

    fn stamps(&self) -> Option<&[i64]> {
        self.exchange.or(self.receive)
    }
}

/// The row of these numbers.
#[inline(always)]
#[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
fn change(
    at: usize,
    (instrument, side, row, price, lots): (u16, u8, u8, i64, i64),
    seq: u64,
    step: u32,
    exchange: Time,
    receive: Time,
) -> Result<Change, NoRow> {
    let (Some(row_), Ok(qty), true) =
        (Row::ALL.get(usize::from(row)).copied(), Qty::new(lots), side < 2)
    else {
        return Err(no_row(at, side, row, lots));
    };
    Ok(Change {
        price: Price(price),
        qty,
        seq,
        exchange,
        receive,
        step,
        instrument: InstrumentId(instrument),
        side: if side == 0 { Side::Buy } else { Side::Sell },
        row: row_,
    })
}

#[cold]
fn no_row(at: usize, side: u8, row: u8, lots: i64) -> NoRow {
    if side > 1 {
        NoRow { at, field: "side", found: side.into() }
    } else if usize::from(row) >= Row::ALL.len() {
        NoRow { at, field: "row", found: row.into() }
    } else {
        NoRow { at, field: "qty", found: lots }
    }
}

/// The settings of a dict of lots by instrument name, as (name, lots).
pub(crate) fn sizes(of: Given<'_, '_>) -> PyResult<Vec<(String, i64)>> {
    let py = of.py();
    let expected = "a dict of lots by the name of an instrument";
    let Ok(given) = of.cast::<PyDict>() else {
        return Err(wrong_type(py, "sizes", of, expected));
    };
    given
        .iter()
        .map(|(name, lots)| {
            let text = name.extract::<String>();
            let text = text.map_err(|_| wrong_type(py, "sizes", &name, expected))?;
            if text.len() > TEXT_MAX || !text.is_ascii() {
                return Err(wrong(py, "sizes", &name, expected));
            }
            let found = whole(&lots, &format!("sizes.{text}"))?;
            if found < 1 {
                return Err(wrong(py, &format!("sizes.{text}"), &lots, "lots, 1 or more"));
            }
            Ok((text, found))
        })
        .collect()
}
