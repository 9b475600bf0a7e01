//! The tables of what a run looked like over time.

use cross_market_core::config::Config;
use cross_market_core::ids::HedgeId;
use cross_market_core::signal::Rule;
use cross_market_sim::series::Extent;
use cross_market_sim::watch::{Watch, bounds};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::names::Directory;
use crate::tables::{Table, common_units};

/// Adds the tables signals, prices, usage and inventory.
pub(crate) fn over_time(
    py: Python<'_>,
    watch: &Watch,
    config: &Config,
    names: &Directory,
    found: &Bound<'_, PyDict>,
) -> PyResult<()> {
    found.set_item("signals", signals(py, watch, config, names)?)?;
    found.set_item("prices", prices(py, watch, names)?)?;
    found.set_item("usage", usage(py, watch, names)?)?;
    found.set_item("inventory", inventory(py, watch, config, names)?)
}

fn least(extent: Extent) -> Option<i128> {
    extent.ends.map(|[low, _]| low)
}

fn greatest(extent: Extent) -> Option<i128> {
    extent.ends.map(|[_, high]| high)
}

fn signals<'py>(
    py: Python<'py>,
    watch: &Watch,
    config: &Config,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let rows: Vec<_> = watch.signals().collect();
    let table = Table::new(py);
    table.names("hedge", rows.iter().map(|row| Some(i64::from(row.hedge.0))), &names.hedges)?;
    table.time("from_ns", rows.iter().map(|row| Some(row.from.0)))?;
    table.time("until_ns", rows.iter().map(|row| Some(row.until.0)))?;
    table.decimal("enter_min", rows.iter().map(|row| least(row.enter)))?;
    table.decimal("enter_max", rows.iter().map(|row| greatest(row.enter)))?;
    table.decimal("enter_last", rows.iter().map(|row| row.enter.last))?;
    table.decimal("exit_min", rows.iter().map(|row| least(row.exit)))?;
    table.decimal("exit_max", rows.iter().map(|row| greatest(row.exit)))?;
    table.decimal("exit_last", rows.iter().map(|row| row.exit.last))?;
    let bands: Vec<[Option<i128>; 4]> = config.hedges.iter().map(|of| bands(&of.rule)).collect();
    let band = |hedge: HedgeId, at: usize| {
        let of = bands.get(usize::from(hedge.0)).and_then(|bands| bands.get(at));
        of.copied().flatten()
    };
    for (at, name) in ["plus_enter", "plus_exit", "mirror_enter", "mirror_exit"].iter().enumerate()
    {
        table.decimal(name, rows.iter().map(|row| band(row.hedge, at)))?;
    }
    Ok(table.done())
}

fn bands(rule: &Rule) -> [Option<i128>; 4] {
    let [plus_enter, plus_exit] = bounds(rule.plus.as_ref());
    let [mirror_enter, mirror_exit] = bounds(rule.mirror.as_ref());
    [plus_enter, plus_exit, mirror_enter, mirror_exit]
}

fn prices<'py>(py: Python<'py>, watch: &Watch, names: &Directory) -> PyResult<Bound<'py, PyList>> {
    let rows: Vec<_> = watch.prices().collect();
    let table = Table::new(py);
    table.names("hedge", rows.iter().map(|row| Some(i64::from(row.hedge.0))), &names.hedges)?;
    table.whole("leg", rows.iter().map(|row| i64::from(row.leg.0)))?;
    let instruments = rows.iter().map(|row| Some(i64::from(row.instrument.0)));
    table.names("instrument", instruments, &names.instruments)?;
    table.time("from_ns", rows.iter().map(|row| Some(row.from.0)))?;
    table.time("until_ns", rows.iter().map(|row| Some(row.until.0)))?;
    table.decimal("bid_min", rows.iter().map(|row| least(row.bid)))?;
    table.decimal("ask_max", rows.iter().map(|row| greatest(row.ask)))?;
    table.decimal("bid_last", rows.iter().map(|row| row.bid.last))?;
    table.decimal("ask_last", rows.iter().map(|row| row.ask.last))?;
    Ok(table.done())
}

fn usage<'py>(py: Python<'py>, watch: &Watch, names: &Directory) -> PyResult<Bound<'py, PyList>> {
    let rows: Vec<_> = watch.usage().collect();
    let table = Table::new(py);
    table.names(
        "account",
        rows.iter().map(|row| Some(i64::from(row.account.0))),
        &names.accounts,
    )?;
    table.time("from_ns", rows.iter().map(|row| Some(row.from.0)))?;
    table.time("until_ns", rows.iter().map(|row| Some(row.until.0)))?;
    table.decimal("usage_max", rows.iter().map(|row| greatest(row.usage)))?;
    table.decimal("usage_last", rows.iter().map(|row| row.usage.last))?;
    table.decimal("cap", rows.iter().map(|row| row.cap.last))?;
    Ok(table.done())
}

fn inventory<'py>(
    py: Python<'py>,
    watch: &Watch,
    config: &Config,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let rows = watch.inventory();
    let table = Table::new(py);
    table.time("now_ns", rows.iter().map(|row| Some(row.now.0)))?;
    table.names("hedge", rows.iter().map(|row| Some(i64::from(row.hedge.0))), &names.hedges)?;
    table.whole("sets", rows.iter().map(|row| row.sets))?;
    let residuals = rows.iter().map(|row| common_units(config, row.hedge, row.residual));
    table.decimal("residual", residuals)?;
    Ok(table.done())
}
