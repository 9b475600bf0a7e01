//! Columns of rows, and what stands at the end of every message as columns.

use cross_market_core::book::{Book, Change};
use cross_market_core::error::Error;
use cross_market_core::ids::{HedgeId, Id, InstrumentId, Table};
use cross_market_core::market::Market;
use cross_market_core::num::{Price, Qty, Side};
use cross_market_core::quote::{Data, Own};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::doors::taken_before;
use crate::error::{door, in_row, usage};
use crate::rows::{self, NoRow, Slices, Taker};

/// Why a run of columns ended early.
pub(crate) enum Stopped {
    Row(NoRow),
    Door(usize, Error),
    /// A number over its denominator that leaves 64 bits.
    Wide(usize),
    Interrupted(PyErr),
}

impl From<NoRow> for Stopped {
    fn from(none: NoRow) -> Stopped {
        Stopped::Row(none)
    }
}

impl Stopped {
    /// The error for it; `before` is how many rows the batches before its own had.
    pub(crate) fn error(&self, py: Python<'_>, before: usize) -> PyErr {
        match self {
            Stopped::Row(none) => none.error(py, before),
            Stopped::Interrupted(error) => error.clone_ref(py),
            Stopped::Door(at, error) => {
                let at = before + at;
                in_row(py, door(py, "columns", error), at, &taken_before(at))
            }
            Stopped::Wide(at) => {
                let state = "a merged price or a cost leaves 64 bits";
                let error = usage(py, "columns", state, "`tops` or `walk`, which are wider");
                let at = before + at;
                in_row(py, error, at, &taken_before(at))
            }
        }
    }
}

/// What a run of columns is asked for, and what it has found.
pub(crate) struct Asked {
    hedges: Vec<HedgeId>,
    sizes: Vec<(InstrumentId, Qty)>,
    /// Rows of the batches before.
    pub(crate) rows: usize,
    /// The touch of each instrument that the merged prices below are of.
    touches: Table<InstrumentId, Option<[Price; 2]>>,
    /// The instrument whose message is open.
    open: Option<InstrumentId>,
    /// Whether messages of several instruments were open at once: a book counts for nothing in the
    /// middle of its message, so that every end of one may show another price than before.
    is_mixed: bool,
    /// Ends of messages that are not in the columns yet.
    ends: Vec<End>,
    /// The present enter, exit and validity of each hedge, and costs of each size.
    now: Vec<(i64, i64, bool)>,
    costs: Vec<[(i64, bool); 2]>,
    at: Vec<i64>,
    instrument: Vec<u16>,
    bid: Vec<i64>,
    ask: Vec<i64>,
    whole: Vec<bool>,
    enter: Vec<i64>,
    exit: Vec<i64>,
    valid: Vec<bool>,
    sell_cost: Vec<i64>,
    buy_cost: Vec<i64>,
    full: Vec<bool>,
}

/// How many ends of messages are kept together before they go to the columns: as many as stay in
/// the nearest cache.
const ENDS: usize = 256;

/// The end of a message.
#[derive(Clone, Copy)]
struct End {
    at: i64,
    bid: i64,
    ask: i64,
    instrument: u16,
    whole: bool,
}

/// A hedge's enter and exit, and whether all of its books are whole; `None` beyond 64 bits.
fn merged(market: &Market, hedge: HedgeId) -> Option<(i64, i64, bool)> {
    let Some(tops) = market.tops(hedge) else { return Some((0, 0, false)) };
    let enter = i64::try_from(tops.enter.difference()).ok()?;
    let exit = i64::try_from(tops.exit.difference()).ok()?;
    Some((enter, exit, true))
}

/// The costs of selling and of buying so many lots, and whether all were there.
fn costs_of(book: &Book, qty: Qty) -> Option<[(i64, bool); 2]> {
    let cost = |taker| {
        let walk = book.walk(taker, qty, None, &Own::default());
        let (cost, taken) = walk.map_or((0, 0), |walk| (walk.cost, walk.qty.get()));
        Some((i64::try_from(cost).ok()?, taken == qty.get()))
    };
    Some([cost(Side::Sell)?, cost(Side::Buy)?])
}

/// A run under way.
struct Noting<'a> {
    asked: &'a mut Asked,
    market: &'a mut Market,
    readers: &'a Table<InstrumentId, Vec<HedgeId>>,
    /// Whether nothing but touches is asked for.
    is_plain: bool,
    /// The place of the next row in all batches.
    place: i64,
}

impl Taker for Noting<'_> {
    type Stopped = Stopped;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "rows come in registers, not by way of memory")]
    fn take(&mut self, at: usize, change: &Change) -> Result<(), Stopped> {
        let taken = self.market.take(change);
        let (_, book) = taken.map_err(|error| Stopped::Door(at, error))?;
        if change.row.is_last() {
            self.asked.end(self.place, change.instrument, book);
        }
        if !self.is_plain {
            let touch = book.touch();
            self.asked.row(change);
            if change.row.is_last() {
                self.asked
                    .more(self.market, self.readers, (change.instrument, touch))
                    .ok_or(Stopped::Wide(at))?;
            }
        }
        self.place += 1;
        rows::interrupted(at).map_err(Stopped::Interrupted)
    }
}

impl Asked {
    pub(crate) fn new(
        hedges: Vec<HedgeId>,
        sizes: Vec<(InstrumentId, Qty)>,
        instruments: usize,
    ) -> Asked {
        let now = vec![(0, 0, false); hedges.len()];
        let costs = vec![[(0, false); 2]; sizes.len()];
        Asked {
            hedges,
            sizes,
            rows: 0,
            touches: Table::new(vec![None; instruments]),
            open: None,
            is_mixed: false,
            ends: Vec::with_capacity(ENDS),
            now,
            costs,
            at: Vec::new(),
            instrument: Vec::new(),
            bid: Vec::new(),
            ask: Vec::new(),
            whole: Vec::new(),
            enter: Vec::new(),
            exit: Vec::new(),
            valid: Vec::new(),
            sell_cost: Vec::new(),
            buy_cost: Vec::new(),
            full: Vec::new(),
        }
    }

    fn reserve(&mut self, messages: usize) {
        self.at.reserve(messages);
        self.instrument.reserve(messages);
        self.bid.reserve(messages);
        self.ask.reserve(messages);
        self.whole.reserve(messages);
        for column in [&mut self.enter, &mut self.exit] {
            column.reserve(messages * self.hedges.len());
        }
        self.valid.reserve(messages * self.hedges.len());
        for column in [&mut self.sell_cost, &mut self.buy_cost] {
            column.reserve(messages * self.sizes.len());
        }
        self.full.reserve(2 * messages * self.sizes.len());
    }

    pub(crate) fn run(
        &mut self,
        market: &mut Market,
        readers: &Table<InstrumentId, Vec<HedgeId>>,
        rows: Slices<'_>,
    ) -> Result<(), Stopped> {
        self.reserve(rows.messages());
        let is_plain = self.hedges.is_empty() && self.sizes.is_empty();
        let place = i64::try_from(self.rows).unwrap_or(i64::MAX);
        if !is_plain {
            self.begin(market).ok_or(Stopped::Wide(0))?;
        }
        let mut noting = Noting { asked: self, market, readers, is_plain, place };
        rows.each(0, &mut noting)?;
        self.settle();
        self.rows += rows.len();
        Ok(())
    }

    /// Notes the touch at the end of a message.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a row")]
    fn end(&mut self, at: i64, instrument: InstrumentId, book: &Book) {
        let [bid, ask] = [Side::Buy, Side::Sell].map(|side| book.best(side));
        if self.ends.len() == ENDS {
            self.settle();
        }
        self.ends.push(End {
            at,
            bid: bid.map_or(i64::MIN, |price| price.0),
            ask: ask.map_or(i64::MAX, |price| price.0),
            instrument: instrument.0,
            whole: bid.is_some() && ask.is_some() && book.data() == Data::Whole,
        });
    }

    /// Puts what was kept together into the columns.
    #[inline(never)]
    fn settle(&mut self) {
        self.at.extend(self.ends.iter().map(|end| end.at));
        self.instrument.extend(self.ends.iter().map(|end| end.instrument));
        self.bid.extend(self.ends.iter().map(|end| end.bid));
        self.ask.extend(self.ends.iter().map(|end| end.ask));
        self.whole.extend(self.ends.iter().map(|end| end.whole));
        self.ends.clear();
    }

    /// Notes hedges and costs at the end of a message.
    fn more(
        &mut self,
        market: &Market,
        readers: &Table<InstrumentId, Vec<HedgeId>>,
        (changed, touch): (InstrumentId, Option<[Price; 2]>),
    ) -> Option<()> {
        // Merged prices are of touches and of nothing else.
        let before = self.touches.get_mut(changed)?;
        if self.is_mixed {
            self.begin(market)?;
        } else if *before != touch {
            *before = touch;
            self.merge(market, readers.get(changed)?)?;
        }
        for (enter, exit, valid) in &self.now {
            self.enter.push(*enter);
            self.exit.push(*exit);
            self.valid.push(*valid);
        }
        for ((instrument, qty), costs) in self.sizes.iter().zip(&mut self.costs) {
            if *instrument == changed && !self.is_mixed {
                *costs = costs_of(market.book(changed)?, *qty)?;
            }
            for (column, (cost, is_full)) in
                [&mut self.sell_cost, &mut self.buy_cost].into_iter().zip(*costs)
            {
                column.push(cost);
                self.full.push(is_full);
            }
        }
        Some(())
    }

    fn merge(&mut self, market: &Market, readers: &[HedgeId]) -> Option<()> {
        for (hedge, now) in self.hedges.iter().zip(&mut self.now) {
            if readers.contains(hedge) {
                *now = merged(market, *hedge)?;
            }
        }
        Some(())
    }

    /// Reads all books as they are.
    fn begin(&mut self, market: &Market) -> Option<()> {
        for (at, touch) in self.touches.iter_mut().enumerate() {
            let book = market.book(InstrumentId::at(at))?;
            *touch = book.touch();
            self.is_mixed |= book.data() == Data::Gapped;
        }
        for (hedge, now) in self.hedges.iter().zip(&mut self.now) {
            *now = merged(market, *hedge)?;
        }
        for ((instrument, qty), costs) in self.sizes.iter().zip(&mut self.costs) {
            *costs = costs_of(market.book(*instrument)?, *qty)?;
        }
        Some(())
    }

    /// Notes whose message is open.
    #[inline]
    fn row(&mut self, change: &Change) {
        self.is_mixed |= self.open.is_some_and(|open| open != change.instrument);
        self.open = if change.row.is_last() { None } else { Some(change.instrument) };
    }

    pub(crate) fn done(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let (messages, hedges, sizes) = (self.at.len(), self.hedges.len(), self.sizes.len());
        let found = PyDict::new(py);
        found.set_item("at", self.at.into_pyarray(py))?;
        found.set_item("instrument", self.instrument.into_pyarray(py))?;
        found.set_item("bid", self.bid.into_pyarray(py))?;
        found.set_item("ask", self.ask.into_pyarray(py))?;
        found.set_item("whole", self.whole.into_pyarray(py))?;
        for (name, column) in [("enter", self.enter), ("exit", self.exit)] {
            found.set_item(name, PyArray1::from_vec(py, column).reshape([messages, hedges])?)?;
        }
        let valid = PyArray1::from_vec(py, self.valid);
        found.set_item("valid", valid.reshape([messages, hedges])?)?;
        for (name, column) in [("sell_cost", self.sell_cost), ("buy_cost", self.buy_cost)] {
            found.set_item(name, PyArray1::from_vec(py, column).reshape([messages, sizes])?)?;
        }
        let full = PyArray1::from_vec(py, self.full);
        found.set_item("full", full.reshape([messages, sizes, 2])?)?;
        Ok(found)
    }
}
