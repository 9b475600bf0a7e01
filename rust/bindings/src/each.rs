//! Columns of rows with a word to Python at the end of every message.

use cross_market_core::book::Change;
use cross_market_core::error::Error;
use cross_market_core::market::Market;
use cross_market_core::num::Price;
use pyo3::prelude::*;

use crate::doors::taken_before;
use crate::error::{door, in_row};
use crate::rows::{NoRow, Slices, Taker};

/// Why a run ended early.
pub(crate) enum Stopped {
    Row(NoRow),
    Door(usize, Error),
    /// What the callback raised.
    Raised(PyErr),
}

impl From<NoRow> for Stopped {
    fn from(none: NoRow) -> Stopped {
        Stopped::Row(none)
    }
}

impl Stopped {
    pub(crate) fn error(self, py: Python<'_>, before: usize) -> PyErr {
        match self {
            Stopped::Row(none) => none.error(py, before),
            Stopped::Door(at, error) => {
                let at = before + at;
                in_row(py, door(py, "each", &error), at, &taken_before(at))
            }
            Stopped::Raised(error) => error,
        }
    }
}

/// A run under way.
struct Calling<'a, 'py> {
    market: &'a mut Market,
    callback: &'a Bound<'py, PyAny>,
    calls: usize,
}

impl Taker for Calling<'_, '_> {
    type Stopped = Stopped;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    fn take(&mut self, at: usize, change: &Change) -> Result<(), Stopped> {
        let taken = self.market.take(change);
        let (_, book) = taken.map_err(|error| Stopped::Door(at, error))?;
        if !change.row.is_last() {
            return Ok(());
        }
        let touch = book.touch();
        self.call(change, touch)
    }
}

impl Calling<'_, '_> {
    fn call(&mut self, change: &Change, touch: Option<[Price; 2]>) -> Result<(), Stopped> {
        self.calls += 1;
        let [bid, ask] = touch.map_or([None, None], |touch| touch.map(|price| Some(price.0)));
        let said = self.callback.call1((change.instrument.0, bid, ask, change.receive.0));
        said.map(drop).map_err(Stopped::Raised)
    }
}

/// Takes all rows; gives how many messages ended.
pub(crate) fn run(
    market: &mut Market,
    rows: Slices<'_>,
    callback: &Bound<'_, PyAny>,
) -> Result<usize, Stopped> {
    let mut calling = Calling { market, callback, calls: 0 };
    rows.each(0, &mut calling)?;
    Ok(calling.calls)
}
