//! The fast doors of an engine and of a session: plain numbers in, the count of commands out.
//!
//! Each makes the same turn as `handle`, with the same checks; commands stay here until `take`.

use cross_market_core::book::Change;
use cross_market_core::command::Command;
use cross_market_core::time::Time;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PyString};

use crate::commands;
use crate::engine::time_of;
use crate::error::{in_row, wrong, wrong_type};
use crate::owner::{Owned, Owner};
use crate::rows::{self, Columns, Message, NoRow, Slices, Taker};

type Given<'a, 'py> = &'a Bound<'py, PyAny>;

/// What takes rows of books and keeps the commands they cause.
pub(crate) trait Door: Owned {
    /// What is said when a row is not taken.
    type Refused: Send;

    /// Takes one row; its commands are behind those that wait.
    fn change(&mut self, now: Time, change: &Change) -> Result<(), Self::Refused>;

    /// Judges the rows of one message; where one is refused, its place and why.
    fn check(&self, now: Time, message: &[Change]) -> Result<(), (usize, Self::Refused)>;

    /// The error for a row that was not taken.
    fn error(&self, py: Python<'_>, call: &str, refused: &Self::Refused) -> PyErr;

    /// What was not handed over yet.
    fn waiting(&mut self) -> &mut Vec<Command>;
}

/// A message of one level.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
pub(crate) fn level<T: Door>(
    owner: &Owner<T>,
    now: Given<'_, '_>,
    level: [Given<'_, '_>; 4],
) -> PyResult<usize> {
    let py = now.py();
    let now = time_of(now, "now")?;
    let change = rows::level(now, level)?;
    owner.with(py, "level", |value| {
        value.change(now, &change).map_err(|refused| value.error(py, "level", &refused))?;
        Ok(value.waiting().len())
    })
}

/// One row.
pub(crate) fn row<T: Door>(
    owner: &Owner<T>,
    now: Given<'_, '_>,
    level: [Given<'_, '_>; 4],
    more: [Given<'_, '_>; 5],
) -> PyResult<usize> {
    let py = now.py();
    let now = time_of(now, "now")?;
    let change = rows::row(level, more)?;
    owner.with(py, "row", |value| {
        value.change(now, &change).map_err(|refused| value.error(py, "row", &refused))?;
        Ok(value.waiting().len())
    })
}

/// One message, taken whole or not at all.
pub(crate) fn message<T: Door>(
    owner: &Owner<T>,
    now: Given<'_, '_>,
    instrument: Given<'_, '_>,
    rows: Given<'_, '_>,
    head: [Option<Given<'_, '_>>; 3],
    is_snapshot: bool,
) -> PyResult<usize> {
    let py = now.py();
    let now = time_of(now, "now")?;
    let changes = Message::new(now, instrument, head, is_snapshot)?.changes(rows)?;
    owner.with(py, "message", |value| {
        value.check(now, &changes).map_err(|(at, refused)| {
            let error = value.error(py, "message", &refused);
            let note = format!("row {at} of the message; none of its rows was taken");
            in_row(py, error, at, &note)
        })?;
        for change in &changes {
            let taken = value.change(now, change);
            taken.map_err(|refused| value.error(py, "message", &refused))?;
        }
        Ok(value.waiting().len())
    })
}

/// Why a run of columns ended before its last row.
enum Stopped<R> {
    Row(NoRow),
    Refused(usize, R),
    /// Commands wait; the place of the next row.
    Commands(usize),
    /// The interpreter was told to stop; the place of the next row.
    Interrupted(usize, PyErr),
}

impl<R> From<NoRow> for Stopped<R> {
    fn from(none: NoRow) -> Stopped<R> {
        Stopped::Row(none)
    }
}

/// Rows from place `first` on, each at its receive stamp, until one causes commands: the place of
/// the next row, and how many commands wait.
pub(crate) fn columns<T: Door>(
    owner: &Owner<T>,
    columns: Given<'_, '_>,
    first: Option<Given<'_, '_>>,
) -> PyResult<(usize, usize)> {
    let py = columns.py();
    let from = match first {
        None => 0,
        Some(first) => usize::try_from(rows::whole(first, "first")?)
            .map_err(|_| wrong(py, "first", first, "the place of a row, 0 or more"))?,
    };
    // Rows of the batches before the present one.
    let mut before = 0;
    let mut next = from;
    for batch in rows::batches(columns)?.try_iter()? {
        let batch = Columns::new(&batch?)?;
        batch.check_stamps(py)?;
        let slices = batch.slices()?;
        let start = next - before;
        if start >= slices.len() {
            before += slices.len();
            continue;
        }
        let (took, waiting) = owner.with(py, "columns", |value| {
            let ran = py.detach(|| run(value, slices, start));
            match ran {
                Ok(took) | Err(Stopped::Commands(took)) => Ok((took, value.waiting().len())),
                Err(Stopped::Row(odd)) => Err(odd.error(py, before)),
                Err(Stopped::Interrupted(at, error)) => {
                    let row = before + at;
                    Err(in_row(py, error, row, &taken_before(row)))
                }
                Err(Stopped::Refused(at, refused)) => {
                    let row = before + at;
                    let error = value.error(py, "columns", &refused);
                    Err(in_row(py, error, row, &taken_before(row)))
                }
            }
        })?;
        next = before + took;
        before += slices.len();
        if next < before || waiting > 0 {
            return Ok((next, waiting));
        }
    }
    let waiting = owner.with(py, "columns", |value| Ok(value.waiting().len()))?;
    Ok((next, waiting))
}

fn run<T: Door>(
    value: &mut T,
    rows: Slices<'_>,
    first: usize,
) -> Result<usize, Stopped<T::Refused>> {
    let waited = value.waiting().len();
    rows.each(first, &mut Turns { value, waited })?;
    Ok(rows.len())
}

/// Turns of a value, one a row.
struct Turns<'a, T> {
    value: &'a mut T,
    /// Commands that waited before the first.
    waited: usize,
}

impl<T: Door> Taker for Turns<'_, T> {
    type Stopped = Stopped<T::Refused>;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    fn take(&mut self, at: usize, change: &Change) -> Result<(), Self::Stopped> {
        if rows::is_coarse(change.exchange) {
            return Err(Stopped::Row(NoRow::stamp(at, change.exchange)));
        }
        let refused = self.value.change(change.receive, change);
        refused.map_err(|refused| Stopped::Refused(at, refused))?;
        let waiting = self.value.waiting().len();
        if waiting > self.waited {
            return Err(Stopped::Commands(at + 1));
        }
        rows::interrupted(at).map_err(|error| Stopped::Interrupted(at + 1, error))
    }
}

/// What waits, handed over.
pub(crate) fn take<'py, T: Door>(
    owner: &Owner<T>,
    py: Python<'py>,
) -> PyResult<Bound<'py, PyList>> {
    owner.with(py, "take", |value| commands::hand_over(py, value.waiting(), &owner.names))
}

/// What became of the rows of columns when one was refused.
pub(crate) fn taken_before(row: usize) -> String {
    format!("row {row} of the columns; the rows before it were taken")
}

/// True or False and nothing that only looks like it.
pub(crate) fn flag(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if value.is_exact_instance_of::<PyBool>() {
        return value.extract();
    }
    Err(wrong_type(value.py(), "snapshot", value, "True or False"))
}

/// The number of an instrument.
pub(crate) fn id<T>(owner: &Owner<T>, name: Given<'_, '_>) -> PyResult<u16> {
    let names = &owner.names.instruments;
    if !name.is_exact_instance_of::<PyString>() {
        return Err(wrong_type(name.py(), "instrument", name, "the name of an instrument, as str"));
    }
    let found = name.extract::<&str>().ok().and_then(|name| names.id(name));
    found.map(|id| id.0).ok_or_else(|| {
        let expected = format!("a name of the configuration: {}", names.list().join(", "));
        wrong(name.py(), "instrument", name, &expected)
    })
}
