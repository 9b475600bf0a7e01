//! Books and merged prices as Python sees them.

use std::sync::{Mutex, MutexGuard, TryLockError};

use cross_market_core::book::{Book, Change};
use cross_market_core::ids::{HedgeId, Id, InstrumentId, Table};
use cross_market_core::market::Market as CoreMarket;
use cross_market_core::merge::Pair;
use cross_market_core::num::{Qty, Side};
use cross_market_core::quote::{Data, Own};
use cross_market_core::time::Time;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString};

use crate::asked::Asked;
use crate::each;
use crate::engine::config_of;
use crate::error::{door, guarded, internal, usage, wrong, wrong_type};
use crate::names::{Directory, Names};
use crate::owner::not_pickled;
use crate::rows::{self, Columns, sizes};
use crate::tables::{Grids, Table as Columned};

/// The books of a configuration and its merged prices; nothing trades here.
#[pyclass(frozen, subclass, module = "cross_market")]
pub(crate) struct Market {
    names: Directory,
    readers: Table<InstrumentId, Vec<HedgeId>>,
    value: Mutex<CoreMarket>,
}

impl Market {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once a call")]
    fn enter(&self, py: Python<'_>, call: &str) -> PyResult<MutexGuard<'_, CoreMarket>> {
        match self.value.try_lock() {
            Ok(market) => Ok(market),
            Err(TryLockError::Poisoned(_)) => Err(internal(py, "the market has panicked before")),
            Err(TryLockError::WouldBlock) => {
                let busy = "another call of the market is under way";
                Err(usage(py, call, busy, "one call at a time"))
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the row stays in registers on its way")]
    fn take(&self, py: Python<'_>, call: &str, change: &Change) -> PyResult<u8> {
        let mut market = self.enter(py, call)?;
        let moved = market.moves(change).map_err(|error| door(py, call, &error))?;
        Ok(u8::from(moved))
    }

    /// The number of a hedge or an instrument by its name, or as it is.
    pub(crate) fn number<I: Id>(
        given: &Bound<'_, PyAny>,
        names: &Names<I>,
        field: &str,
    ) -> PyResult<I> {
        if given.is_exact_instance_of::<PyInt>()
            && let Ok(Ok(place)) = given.extract::<i64>().map(usize::try_from)
            && place < names.len()
        {
            return Ok(I::at(place));
        }
        let is_name = given.is_exact_instance_of::<PyString>();
        if !is_name && !given.is_exact_instance_of::<PyInt>() {
            return Err(wrong_type(given.py(), field, given, "a name as str, or a number as int"));
        }
        let found = given.cast::<PyString>().ok().and_then(|name| name.to_str().ok());
        found.and_then(|name| names.id(name)).ok_or_else(|| {
            let expected = format!("a name of the configuration: {}", names.list().join(", "));
            wrong(given.py(), field, given, &expected)
        })
    }

    fn instrument(&self, given: &Bound<'_, PyAny>) -> PyResult<InstrumentId> {
        Market::number(given, &self.names.instruments, "instrument")
    }

    fn hedge(&self, given: &Bound<'_, PyAny>) -> PyResult<HedgeId> {
        Market::number(given, &self.names.hedges, "hedge")
    }
}

#[pymethods]
impl Market {
    #[new]
    #[pyo3(signature = (config))]
    fn new(config: &Bound<'_, PyAny>) -> PyResult<Market> {
        let py = config.py();
        let (config, _) = config_of(config)?;
        let made = guarded(|| CoreMarket::new(&config));
        let market = made.map_err(|invariant| internal(py, &invariant))?;
        let (names, readers) = (Directory::new(&config), config.readers());
        Ok(Market { names, readers, value: Mutex::new(market) })
    }

    /// Return the number of an instrument, its place in the configuration.
    fn id(&self, instrument: &Bound<'_, PyAny>) -> PyResult<u16> {
        self.instrument(instrument).map(|id| id.0)
    }

    /// Set one level, a whole message; return 1 when a best price moved, else 0.
    #[pyo3(signature = (instrument, side, price, qty, /))]
    fn level(
        &self,
        instrument: &Bound<'_, PyAny>,
        side: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
    ) -> PyResult<u8> {
        let change = rows::level(Time(0), [instrument, side, price, qty])?;
        self.take(instrument.py(), "level", &change)
    }

    /// Take one row with its number and stamps; return 1 when a best price moved, else 0.
    #[pyo3(signature = (instrument, side, price, qty, row, seq, step, exchange, receive, /))]
    #[expect(clippy::too_many_arguments, reason = "plain numbers by place: the fast door")]
    fn row(
        &self,
        instrument: &Bound<'_, PyAny>,
        side: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
        row: &Bound<'_, PyAny>,
        seq: &Bound<'_, PyAny>,
        step: &Bound<'_, PyAny>,
        exchange: &Bound<'_, PyAny>,
        receive: &Bound<'_, PyAny>,
    ) -> PyResult<u8> {
        let level = [instrument, side, price, qty];
        let change = rows::row(level, [row, seq, step, exchange, receive])?;
        self.take(instrument.py(), "row", &change)
    }

    /// Return the best bid and ask in ticks; None unless the book is whole and has both.
    #[pyo3(signature = (instrument, /))]
    fn touch(&self, instrument: &Bound<'_, PyAny>) -> PyResult<Option<(i64, i64)>> {
        let id = self.instrument(instrument)?;
        let market = self.enter(instrument.py(), "touch")?;
        let touch = market.book(id).and_then(Book::touch);
        Ok(touch.map(|[bid, ask]| (bid.0, ask.0)))
    }

    /// Return the state of a book: empty, whole, crossed, gapped or down.
    #[pyo3(signature = (instrument, /))]
    fn state(&self, instrument: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        let id = self.instrument(instrument)?;
        let market = self.enter(instrument.py(), "state")?;
        Ok(market.book(id).map_or("empty", |book| state_word(book.data())))
    }

    /// Return the better of a hedge's two cross spreads at the tops, over `denominator`.
    #[pyo3(signature = (hedge, /))]
    fn spread(&self, hedge: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
        let id = self.hedge(hedge)?;
        let market = self.enter(hedge.py(), "spread")?;
        let Some(tops) = market.tops(id) else { return Ok(None) };
        let better = tops.enter.difference().max(-tops.exit.difference());
        i64::try_from(better).map(Some).map_err(|_| {
            let state = "the spread leaves 64 bits";
            usage(hedge.py(), "spread", state, "`tops`, which is wider")
        })
    }

    /// Return what the numbers of a hedge's prices are over.
    #[pyo3(signature = (hedge, /))]
    fn denominator(&self, hedge: &Bound<'_, PyAny>) -> PyResult<i64> {
        let id = self.hedge(hedge)?;
        let market = self.enter(hedge.py(), "denominator")?;
        Ok(market.plan(id).map_or(1, |plan| plan.denominator))
    }

    /// Return enter (sold, bought) and exit (sold, bought) at the tops, over `denominator`.
    #[pyo3(signature = (hedge, /))]
    fn tops(&self, hedge: &Bound<'_, PyAny>) -> PyResult<Option<[(i128, i128); 2]>> {
        let id = self.hedge(hedge)?;
        let market = self.enter(hedge.py(), "tops")?;
        let pair = |pair: Pair| (pair.sold, pair.bought);
        Ok(market.tops(id).map(|tops| [pair(tops.enter), pair(tops.exit)]))
    }

    /// Return the cost, ticks × lots, of taking `lots`, and the lots that were there.
    #[pyo3(signature = (instrument, side, lots, /))]
    fn walk(
        &self,
        instrument: &Bound<'_, PyAny>,
        side: &Bound<'_, PyAny>,
        lots: &Bound<'_, PyAny>,
    ) -> PyResult<(i128, i64)> {
        let py = instrument.py();
        let id = self.instrument(instrument)?;
        if !side.is_exact_instance_of::<PyString>() {
            return Err(wrong_type(py, "side", side, "'buy' or 'sell'"));
        }
        let taker = match side.extract::<&str>() {
            Ok("buy") => Side::Buy,
            Ok("sell") => Side::Sell,
            Ok(_) | Err(_) => return Err(wrong(py, "side", side, "'buy' or 'sell'")),
        };
        let qty = Qty::new(rows::whole(lots, "lots")?);
        let qty = qty.map_err(|_| wrong(py, "lots", lots, "lots, 0 or more"))?;
        let market = self.enter(py, "walk")?;
        let walk = market.book(id).and_then(|book| book.walk(taker, qty, None, &Own::default()));
        Ok(walk.map_or((0, 0), |walk| (walk.cost, walk.qty.get())))
    }

    /// Return the best levels of a book as columns.
    #[pyo3(name = "_ladder", signature = (instrument, depth, /))]
    fn ladder<'py>(
        &self,
        instrument: &Bound<'py, PyAny>,
        depth: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = instrument.py();
        let id = self.instrument(instrument)?;
        let market = self.enter(py, "ladder")?;
        let grids = Grids::new(&self.names.config);
        let levels: Vec<(i64, i64, i64)> = market.book(id).map_or_else(Vec::new, |book| {
            let side = |side: Side, code| {
                book.levels(side).take(depth).map(move |top| (code, top.price.0, top.qty.get()))
            };
            side(Side::Buy, 0).chain(side(Side::Sell, 1)).collect()
        });
        let table = Columned::new(py);
        let sides = ["bid", "ask"].map(str::to_owned).to_vec();
        table.coded("side", levels.iter().map(|(side, ..)| Some(*side)), sides)?;
        table.decimal("price", levels.iter().map(|(_, price, _)| grids.price(id.0, *price)))?;
        table.decimal("size", levels.iter().map(|(.., lots)| grids.size(id.0, *lots)))?;
        table.whole("ticks", levels.iter().map(|(_, price, _)| *price))?;
        table.whole("lots", levels.iter().map(|(.., lots)| *lots))?;
        Ok(table.done())
    }

    /// Return the best levels of all legs of a hedge, in its unit and currency, as columns.
    #[pyo3(name = "_consolidated", signature = (hedge, depth, /))]
    fn consolidated<'py>(
        &self,
        hedge: &Bound<'py, PyAny>,
        depth: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        const PLACES: i128 = 1_000_000_000_000;
        let py = hedge.py();
        let id = self.hedge(hedge)?;
        let market = self.enter(py, "consolidated")?;
        let table = Columned::new(py);
        let Some(plan) = market.plan(id) else { return Ok(table.done()) };
        let legs = self.names.legs.get(id).map_or(&[][..], Vec::as_slice);
        let name = |leg: usize| legs.get(leg).map_or(0, |id| i64::from(id.0));
        let mut levels = Vec::new();
        for (code, side) in [Side::Buy, Side::Sell].into_iter().enumerate() {
            let code = i64::try_from(code).unwrap_or(0);
            levels.extend(market.consolidated(id, side, depth).into_iter().map(|it| (code, it)));
        }
        let over = |value: i128, by: i64| {
            value.checked_mul(PLACES).map(|value| value.div_euclid(i128::from(by)))
        };
        let sides = ["bid", "ask"].map(str::to_owned).to_vec();
        table.coded("side", levels.iter().map(|(side, _)| Some(*side)), sides)?;
        let instruments = levels.iter().map(|(_, it)| Some(name(it.leg.index())));
        table.names("instrument", instruments, &self.names.instruments)?;
        let prices = levels.iter().map(|(_, it)| over(it.price, plan.denominator));
        table.decimal("price", prices)?;
        table.decimal("units", levels.iter().map(|(_, it)| over(it.units, plan.unit_den)))?;
        table.whole("ticks", levels.iter().map(|(_, it)| it.top.price.0))?;
        table.whole("lots", levels.iter().map(|(_, it)| it.top.qty.get()))?;
        Ok(table.done())
    }

    /// Take columns of rows; return the state at the end of every message as columns.
    #[pyo3(signature = (columns, *, hedges = None, sizes = None))]
    fn columns<'py>(
        &self,
        columns: &Bound<'py, PyAny>,
        hedges: Option<&Bound<'py, PyAny>>,
        sizes: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = columns.py();
        let mut asked = self.asked(py, hedges, sizes)?;
        for batch in rows::batches(columns)?.try_iter()? {
            let batch = Columns::new(&batch?)?;
            let slices = batch.slices()?;
            let mut market = self.enter(py, "columns")?;
            let (readers, core) = (&self.readers, &mut *market);
            let run = py.detach(|| guarded(|| asked.run(core, readers, slices)));
            drop(market);
            run.map_err(|invariant| internal(py, &invariant))?
                .map_err(|stopped| stopped.error(py, asked.rows))?;
        }
        asked.done(py)
    }

    /// Take columns of rows; call `callback(instrument, bid, ask, receive)` at message ends.
    #[pyo3(signature = (columns, callback, /))]
    fn each(&self, columns: &Bound<'_, PyAny>, callback: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = columns.py();
        if !callback.is_callable() {
            let expected = "a function of instrument, bid, ask and receive";
            return Err(wrong_type(py, "callback", callback, expected));
        }
        let (mut messages, mut before) = (0, 0);
        for batch in rows::batches(columns)?.try_iter()? {
            let batch = Columns::new(&batch?)?;
            let slices = batch.slices()?;
            let mut market = self.enter(py, "each")?;
            let core = &mut *market;
            let run = guarded(|| each::run(core, slices, callback));
            drop(market);
            messages += run
                .map_err(|invariant| internal(py, &invariant))?
                .map_err(|stopped| stopped.error(py, before))?;
            before += slices.len();
        }
        Ok(messages)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(not_pickled(slf.py(), "market"))
    }
}

const fn state_word(data: Data) -> &'static str {
    match data {
        Data::Empty => "empty",
        Data::Whole => "whole",
        Data::Crossed => "crossed",
        Data::Gapped => "gapped",
        Data::Down => "down",
    }
}

impl Market {
    fn asked(
        &self,
        py: Python<'_>,
        hedges: Option<&Bound<'_, PyAny>>,
        lots: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Asked> {
        let hedges = match hedges {
            None => self.names.legs.ids().collect(),
            Some(given) => {
                let mut found = Vec::new();
                let expected = "an iterable of hedges, each by its name or number";
                let items =
                    given.try_iter().map_err(|_| wrong_type(py, "hedges", given, expected))?;
                for each in items {
                    found.push(self.hedge(&each?)?);
                }
                found
            }
        };
        let mut wanted = Vec::new();
        for (name, lots) in lots.map(sizes).transpose()?.unwrap_or_default() {
            let name = PyString::new(py, &name);
            let id = Market::number(name.as_any(), &self.names.instruments, "sizes")?;
            wanted.push((id, Qty::of(lots)));
        }
        Ok(Asked::new(hedges, wanted, self.names.instruments.len()))
    }
}
