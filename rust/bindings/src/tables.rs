//! The tables of a run as columns that Python turns into Arrow arrays.
//!
//! A table is a list of (name, kind, data, valid): kind `i64`, `u64` and `time` (ns) hold a numpy
//! array of 8 bytes, `date` one of 4 (days since 1970), `decimal` 16 little-endian bytes a value with 12 places, `money` the same with
//! 9, `coded` a numpy array of places in a list of words, `text` a list. `valid` is None or a
//! numpy array of flags.

use cross_market_core::attribution::{Attribution, Cause};
use cross_market_core::command::{AlertCode, Subject, Urgency};
use cross_market_core::config::{Config, Grid};
use cross_market_core::engine::{Binding, Engine, Foreseen, WhatIf};
use cross_market_core::funds::{Bucket, Leased, View};
use cross_market_core::gate::{Denial, Refusal};
use cross_market_core::ids::{AccountId, HedgeId, Id, InstrumentId};
use cross_market_core::instrument::PositionEffect;
use cross_market_core::num::{Money, Side};
use cross_market_core::order::{LiquiditySide, TimeInForce, VenueStatus};
use cross_market_core::quote::{Kind, Purpose};
use cross_market_core::record::Code;
use cross_market_core::threshold::{Class, Level, Metric, Of, Reach};
use cross_market_core::time::Day;
use cross_market_sim::digest;
use cross_market_sim::outcome::{ENDS, Outcome};
use cross_market_sim::watch::Watch;
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::names::{Directory, Names};
use crate::words::Words;

/// Decimal places of prices and sizes in tables.
pub(crate) const PLACES: u32 = 12;

/// One column of a table.
enum Column {
    Whole(Vec<i64>),
    Unsigned(Vec<u64>),
    Time(Vec<i64>),
    Date(Vec<i32>),
    Money(Vec<i128>),
    Decimal(Vec<i128>),
    Coded(Vec<i64>, Vec<String>),
    Text(Vec<String>),
}

/// A table in the making.
pub(crate) struct Table<'py> {
    py: Python<'py>,
    columns: Bound<'py, PyList>,
}

impl<'py> Table<'py> {
    pub(crate) fn new(py: Python<'py>) -> Table<'py> {
        Table { py, columns: PyList::empty(py) }
    }

    fn add(&self, name: &str, column: Column, valid: Option<Vec<bool>>) -> PyResult<()> {
        let py = self.py;
        let wide = |values: Vec<i128>| -> Vec<u8> {
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        let none = py.None().into_bound(py);
        let (kind, data, words) = match column {
            Column::Whole(values) => ("i64", PyArray1::from_vec(py, values).into_any(), none),
            Column::Unsigned(values) => ("u64", PyArray1::from_vec(py, values).into_any(), none),
            Column::Time(values) => ("time", PyArray1::from_vec(py, values).into_any(), none),
            Column::Date(values) => ("date", PyArray1::from_vec(py, values).into_any(), none),
            Column::Money(values) => {
                ("money", PyArray1::from_vec(py, wide(values)).into_any(), none)
            }
            Column::Decimal(values) => {
                ("decimal", PyArray1::from_vec(py, wide(values)).into_any(), none)
            }
            Column::Coded(codes, words) => {
                let words = PyList::new(py, words)?.into_any();
                ("coded", PyArray1::from_vec(py, codes).into_any(), words)
            }
            Column::Text(values) => ("text", PyList::new(py, values)?.into_any(), none),
        };
        let valid = valid.map(|valid| PyArray1::from_vec(py, valid));
        self.columns.append((name, kind, data, words, valid))
    }

    /// Whole numbers.
    pub(crate) fn whole(&self, name: &str, values: impl Iterator<Item = i64>) -> PyResult<()> {
        self.add(name, Column::Whole(values.collect()), None)
    }

    /// Whole numbers without a sign.
    pub(crate) fn unsigned(&self, name: &str, values: impl Iterator<Item = u64>) -> PyResult<()> {
        self.add(name, Column::Unsigned(values.collect()), None)
    }

    /// Moments, where there are any.
    pub(crate) fn time(
        &self,
        name: &str,
        values: impl Iterator<Item = Option<i64>>,
    ) -> PyResult<()> {
        let (values, valid) = split(values, 0);
        self.add(name, Column::Time(values), valid)
    }

    /// UTC dates.
    pub(crate) fn date(&self, name: &str, values: impl Iterator<Item = Day>) -> PyResult<()> {
        self.add(name, Column::Date(values.map(|day| day.0).collect()), None)
    }

    /// Amounts of money in 10⁻⁹, where there are any.
    pub(crate) fn money(
        &self,
        name: &str,
        values: impl Iterator<Item = Option<i128>>,
    ) -> PyResult<()> {
        let (values, valid) = split(values, 0);
        self.add(name, Column::Money(values), valid)
    }

    /// Prices or sizes in 10⁻¹², where they can be told so.
    pub(crate) fn decimal(
        &self,
        name: &str,
        values: impl Iterator<Item = Option<i128>>,
    ) -> PyResult<()> {
        let (values, valid) = split(values, 0);
        self.add(name, Column::Decimal(values), valid)
    }

    /// Words of a closed list by code, where there are any. A code is no place in the list: codes
    /// that were given up leave gaps.
    pub(crate) fn words<T: Words + Code>(
        &self,
        name: &str,
        codes: impl Iterator<Item = Option<u8>>,
    ) -> PyResult<()> {
        let words = T::WORDS.iter().map(|(word, _)| (*word).to_owned()).collect();
        let place = |code| T::WORDS.iter().position(|(_, member)| member.code() == code);
        let places = codes.map(|code| code.and_then(place).and_then(|at| i64::try_from(at).ok()));
        self.coded(name, places, words)
    }

    /// Names by id, where there are any.
    pub(crate) fn names<I: Id>(
        &self,
        name: &str,
        ids: impl Iterator<Item = Option<i64>>,
        names: &Names<I>,
    ) -> PyResult<()> {
        self.coded(name, ids, names.list().into_iter().map(str::to_owned).collect())
    }

    /// Places in a list of words, where there are any.
    pub(crate) fn coded(
        &self,
        name: &str,
        codes: impl Iterator<Item = Option<i64>>,
        words: Vec<String>,
    ) -> PyResult<()> {
        let (codes, valid) = split(codes, 0);
        self.add(name, Column::Coded(codes, words), valid)
    }

    /// Texts as they are.
    pub(crate) fn text(&self, name: &str, values: impl Iterator<Item = String>) -> PyResult<()> {
        self.add(name, Column::Text(values.collect()), None)
    }

    /// The finished table.
    pub(crate) fn done(self) -> Bound<'py, PyList> {
        self.columns
    }
}

fn split<T: Copy>(
    values: impl Iterator<Item = Option<T>>,
    absent: T,
) -> (Vec<T>, Option<Vec<bool>>) {
    let all: Vec<Option<T>> = values.collect();
    let valid = all.iter().any(Option::is_none).then(|| all.iter().map(Option::is_some).collect());
    (all.into_iter().map(|value| value.unwrap_or(absent)).collect(), valid)
}

/// Prices and sizes of every instrument in 10⁻¹²; `None` for what is finer.
pub(crate) struct Grids {
    steps: Vec<(Option<i128>, Option<i128>)>,
}

impl Grids {
    pub(crate) fn new(config: &Config) -> Grids {
        let step = |grid: &Grid| (grid.tick.scaled(PLACES).ok(), grid.lot.scaled(PLACES).ok());
        Grids { steps: config.grids.iter().map(step).collect() }
    }

    fn of(&self, instrument: u16) -> (Option<i128>, Option<i128>) {
        self.steps.get(InstrumentId(instrument).index()).copied().unwrap_or((None, None))
    }

    pub(crate) fn price(&self, instrument: u16, ticks: i64) -> Option<i128> {
        self.of(instrument).0.and_then(|tick| tick.checked_mul(i128::from(ticks)))
    }

    pub(crate) fn size(&self, instrument: u16, lots: i64) -> Option<i128> {
        self.of(instrument).1.and_then(|lot| lot.checked_mul(i128::from(lots)))
    }

    /// The mean price of `cost` ticks × lots over `lots`; shown, never computed with.
    fn mean(&self, instrument: u16, cost: i128, lots: i64) -> Option<i128> {
        let tick = self.of(instrument).0?;
        let lots = i128::from(lots);
        (lots != 0).then(|| cost.checked_mul(tick).map(|value| value / lots)).flatten()
    }
}

/// All tables of an outcome, by name.
pub(crate) fn tables<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    config: &Config,
    names: &Directory,
) -> PyResult<Bound<'py, PyDict>> {
    let grids = Grids::new(config);
    let found = PyDict::new(py);
    found.set_item("attempts", attempts(py, outcome, names)?)?;
    found.set_item("orders", orders(py, outcome, names, &grids)?)?;
    found.set_item("fills", fills(py, outcome, names, &grids)?)?;
    found.set_item("alerts", alerts(py, outcome, names)?)?;
    found.set_item("refusals", refusals(py, outcome, names)?)?;
    found.set_item("chains", chains(py, outcome)?)?;
    Ok(found)
}

fn attempts<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let rows = &outcome.attempts;
    let table = Table::new(py);
    let ends = ENDS.iter().map(|end| (*end).to_owned()).collect();
    table.unsigned("decision", rows.iter().map(|row| row.decision))?;
    table.names("hedge", rows.iter().map(|row| Some(i64::from(row.hedge))), &names.hedges)?;
    table.words::<Kind>("kind", rows.iter().map(|row| Some(row.kind)))?;
    table.coded("end", rows.iter().map(|row| row.end.map(i64::from)), ends)?;
    table.time("started_ns", rows.iter().map(|row| Some(row.started)))?;
    table.time("ended_ns", rows.iter().map(|row| row.ended))?;
    table.whole("sets_from", rows.iter().map(|row| row.sets_from))?;
    table.whole("sets_to", rows.iter().map(|row| row.sets_to))?;
    table.whole("sets_traded", rows.iter().map(|row| row.sets_traded))?;
    table.money("repair_loss", rows.iter().map(|row| Some(row.lost)))?;
    table.unsigned("orders", rows.iter().map(|row| row.orders))?;
    table.unsigned("repairs", rows.iter().map(|row| row.repairs))?;
    Ok(table.done())
}

fn orders<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    names: &Directory,
    grids: &Grids,
) -> PyResult<Bound<'py, PyList>> {
    let rows = &outcome.orders;
    let table = Table::new(py);
    table.unsigned("order", rows.iter().map(|row| row.order))?;
    table.unsigned("decision", rows.iter().map(|row| row.decision))?;
    table.text("venue_order_id", rows.iter().map(|row| row.venue_order_id.clone()))?;
    table.names("account", rows.iter().map(|row| Some(i64::from(row.account))), &names.accounts)?;
    let instruments = rows.iter().map(|row| Some(i64::from(row.instrument)));
    table.names("instrument", instruments, &names.instruments)?;
    table.names("hedge", rows.iter().map(|row| Some(i64::from(row.hedge))), &names.hedges)?;
    table.whole("leg", rows.iter().map(|row| i64::from(row.leg)))?;
    table.words::<Side>("side", rows.iter().map(|row| Some(row.side)))?;
    table.words::<PositionEffect>("effect", rows.iter().map(|row| Some(row.effect)))?;
    table.words::<TimeInForce>("tif", rows.iter().map(|row| Some(row.tif)))?;
    table.words::<Kind>("kind", rows.iter().map(|row| Some(row.kind)))?;
    table.words::<Purpose>("purpose", rows.iter().map(|row| Some(row.purpose)))?;
    table.decimal("price", rows.iter().map(|row| grids.price(row.instrument, row.price)))?;
    table.decimal("qty", rows.iter().map(|row| grids.size(row.instrument, row.qty)))?;
    table.decimal("cum_qty", rows.iter().map(|row| grids.size(row.instrument, row.cum)))?;
    let means = rows.iter().map(|row| grids.mean(row.instrument, row.cost, row.cum));
    table.decimal("avg_px", means)?;
    table.words::<VenueStatus>("status", rows.iter().map(|row| row.status))?;
    table.unsigned("cancels", rows.iter().map(|row| row.cancels))?;
    table.unsigned("queries", rows.iter().map(|row| row.queries))?;
    Ok(table.done())
}

fn fills<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    names: &Directory,
    grids: &Grids,
) -> PyResult<Bound<'py, PyList>> {
    let rows = &outcome.fills;
    let table = Table::new(py);
    let revised = ["no", "busted", "corrected"].map(str::to_owned).to_vec();
    table.unsigned("order", rows.iter().map(|row| row.order))?;
    table.text("trade_id", rows.iter().map(|row| row.trade_id.clone()))?;
    table.names("account", rows.iter().map(|row| Some(i64::from(row.account))), &names.accounts)?;
    let instruments = rows.iter().map(|row| Some(i64::from(row.instrument)));
    table.names("instrument", instruments, &names.instruments)?;
    table.words::<Side>("side", rows.iter().map(|row| Some(row.side)))?;
    table.decimal("price", rows.iter().map(|row| grids.price(row.instrument, row.price)))?;
    table.decimal("qty", rows.iter().map(|row| grids.size(row.instrument, row.qty)))?;
    table.money("fee", rows.iter().map(|row| row.fee))?;
    let currencies = rows.iter().map(|row| row.fee_currency.map(i64::from));
    table.names("fee_currency", currencies, &names.currencies)?;
    table.words::<LiquiditySide>("liquidity", rows.iter().map(|row| Some(row.liquidity)))?;
    table.time("exchange_ns", rows.iter().map(|row| Some(row.exchange)))?;
    table.time("receive_ns", rows.iter().map(|row| Some(row.receive)))?;
    table.coded("revised", rows.iter().map(|row| Some(i64::from(row.revised))), revised)?;
    Ok(table.done())
}

/// Kinds of subjects by their code in an outcome.
const SUBJECTS: [&str; 11] = [
    "engine",
    "venue",
    "account",
    "instrument",
    "hedge",
    "attempt",
    "order",
    "transfer",
    "product",
    "group",
    "strategy",
];

/// The name of a subject, or its number.
fn subject(kind: u8, id: u64, names: &Directory) -> String {
    let place = u16::try_from(id).unwrap_or(u16::MAX);
    match SUBJECTS.get(usize::from(kind)).copied() {
        Some("venue") => names.venues.name(Id::at(usize::from(place))).to_owned(),
        Some("account") => names.accounts.name(Id::at(usize::from(place))).to_owned(),
        Some("instrument") => names.instruments.name(Id::at(usize::from(place))).to_owned(),
        Some("hedge") => names.hedges.name(Id::at(usize::from(place))).to_owned(),
        Some("product") => names.products.name(Id::at(usize::from(place))).to_owned(),
        Some("group") => names.groups.name(Id::at(usize::from(place))).to_owned(),
        Some("strategy") => names.strategies.name(Id::at(usize::from(place))).to_owned(),
        Some("attempt" | "order" | "transfer") => id.to_string(),
        Some(_) | None => String::new(),
    }
}

fn alerts<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let rows = &outcome.alerts;
    let table = Table::new(py);
    let subjects = SUBJECTS.map(str::to_owned).to_vec();
    table.time("now_ns", rows.iter().map(|row| Some(row.now)))?;
    table.words::<AlertCode>("code", rows.iter().map(|row| Some(row.code)))?;
    table.words::<Urgency>("urgency", rows.iter().map(|row| Some(row.urgency)))?;
    table.coded("subject", rows.iter().map(|row| Some(i64::from(row.subject))), subjects)?;
    table.text("name", rows.iter().map(|row| subject(row.subject, row.id, names)))?;
    table.whole("detail", rows.iter().map(|row| i64::from(row.detail)))?;
    table.text("value", rows.iter().map(|row| row.value.to_string()))?;
    table.text("limit", rows.iter().map(|row| row.limit.to_string()))?;
    Ok(table.done())
}

fn refusals<'py>(
    py: Python<'py>,
    outcome: &Outcome,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let rows = &outcome.refusals;
    let table = Table::new(py);
    let subjects = SUBJECTS.map(str::to_owned).to_vec();
    table.coded("subject", rows.iter().map(|row| Some(i64::from(row.subject))), subjects)?;
    table.text("name", rows.iter().map(|row| subject(row.subject, row.id, names)))?;
    table.words::<Refusal>("refusal", rows.iter().map(|row| Some(row.refusal)))?;
    table.unsigned("count", rows.iter().map(|row| row.count))?;
    table.time("first_ns", rows.iter().map(|row| Some(row.first)))?;
    table.time("last_ns", rows.iter().map(|row| Some(row.last)))?;
    Ok(table.done())
}

fn chains<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyList>> {
    let rows = &outcome.chains;
    let table = Table::new(py);
    let there = |time: i64| (time != 0).then_some(time);
    table.unsigned("decision", rows.iter().map(|row| row.decision))?;
    table.unsigned("order", rows.iter().map(|row| row.order))?;
    table.time("cause_exchange_ns", rows.iter().map(|row| there(row.cause_exchange)))?;
    table.time("cause_receive_ns", rows.iter().map(|row| there(row.cause_receive)))?;
    table.time("decided_ns", rows.iter().map(|row| there(row.decided)))?;
    table.time("arrived_ns", rows.iter().map(|row| there(row.arrived)))?;
    table.time("acked_ns", rows.iter().map(|row| there(row.acked)))?;
    table.time("filled_ns", rows.iter().map(|row| there(row.filled)))?;
    table.time("done_ns", rows.iter().map(|row| there(row.done)))?;
    Ok(table.done())
}

/// Money of every account, by cause: `balance` and `in_transit` together are the sum of all from
/// `opening` to `dust`. Then what of it counts now.
pub(crate) fn funds<'py>(
    py: Python<'py>,
    engine: &Engine,
    names: &Directory,
    earned: &Attribution,
    watch: Option<&Watch>,
) -> PyResult<Bound<'py, PyList>> {
    let config = engine.config();
    let accounts = || config.accounts.pairs();
    let (table, funds) = (Table::new(py), engine.funds());
    table.names("account", accounts().map(|(id, _)| Some(i64::from(id.0))), &names.accounts)?;
    let currencies = accounts().map(|(_, account)| Some(i64::from(account.currency.0)));
    table.names("currency", currencies, &names.currencies)?;
    let ours = [
        ("available", Bucket::Available),
        ("held", Bucket::Held),
        ("quarantine", Bucket::Quarantine),
        ("margin", Bucket::Margin),
        // Zero or less: what of the holds cannot be needed together, and is available.
        ("relief", Bucket::Relief),
    ];
    for (name, bucket) in ours {
        table.money(name, accounts().map(|(id, _)| Some(funds.bucket(id, bucket).0)))?;
    }
    table.money("balance", accounts().map(|(id, _)| Some(funds.balance(id).0)))?;
    let locked = |id| Some(funds.bucket(id, Bucket::Forward).0);
    table.money("forward", accounts().map(|(id, _)| locked(id)))?;
    table.money("in_transit", accounts().map(|(id, _)| Some(funds.in_transit(id).0)))?;
    let causes = [
        ("opening", Bucket::Opening),
        ("fees", Bucket::Fee),
        ("result", Bucket::Result),
        ("variation", Bucket::Variation),
        ("trade", Bucket::Trade),
        ("funding", Bucket::Funding),
        ("interest", Bucket::Interest),
        ("transfer", Bucket::Transfer),
        ("adjustment", Bucket::Adjustment),
        ("dust", Bucket::Dust),
    ];
    for (name, bucket) in causes {
        // What an outer bucket has given is what we have got.
        table.money(name, accounts().map(|(id, _)| Some(-funds.bucket(id, bucket).0)))?;
    }
    let views: Vec<View> = accounts().map(|(id, _)| engine.money(id)).collect();
    let counted = |of: fn(&View) -> Money| views.iter().map(move |view| Some(of(view).0));
    table.money("unrealised", counted(|view| view.worth.paper))?;
    table.money("holdings", counted(|view| view.worth.holdings))?;
    table.money("collateral", counted(|view| view.collateral))?;
    table.money("equity", counted(|view| view.equity))?;
    table.money("to_open", counted(|view| view.available))?;
    table.money("withdrawable", counted(|view| view.withdrawable))?;
    table.money("earned", accounts().map(|(id, _)| Some(earned.earned(engine, id).0)))?;
    if let Some(watch) = watch {
        table.decimal("peak_usage", accounts().map(|(id, _)| Some(watch.peak(id).unwrap_or(0))))?;
    }
    Ok(table.done())
}

/// Positions of every account: what it holds, and what of it belongs to no hedge.
pub(crate) fn positions<'py>(
    py: Python<'py>,
    engine: &Engine,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let config = engine.config();
    let grids = Grids::new(config);
    let positions = engine.positions();
    let pairs: Vec<(AccountId, InstrumentId)> = config
        .accounts
        .ids()
        .flat_map(|account| config.instruments.ids().map(move |instrument| (account, instrument)))
        .filter(|(account, instrument)| positions.trades(*account, *instrument))
        .collect();
    let size = |instrument: &InstrumentId, lots: i64| grids.size(instrument.0, lots);
    let table = Table::new(py);
    let accounts = pairs.iter().map(|(account, _)| Some(i64::from(account.0)));
    table.names("account", accounts, &names.accounts)?;
    let instruments = pairs.iter().map(|(_, instrument)| Some(i64::from(instrument.0)));
    table.names("instrument", instruments, &names.instruments)?;
    let gross: Vec<(i64, i64)> = pairs
        .iter()
        .map(|(account, instrument)| positions.gross(*account, *instrument))
        .map(|(long, short)| (long.get(), short.get()))
        .collect();
    let rows = || pairs.iter().zip(&gross);
    table.decimal("long", rows().map(|((_, of), (long, _))| size(of, *long)))?;
    table.decimal("short", rows().map(|((_, of), (_, short))| size(of, *short)))?;
    let unassigned =
        pairs.iter().map(|(account, of)| size(of, positions.unassigned(*account, *of)));
    table.decimal("unassigned", unassigned)?;
    Ok(table.done())
}

/// Where the result comes from: by day, hedge, account and cause; gains are positive.
pub(crate) fn attribution<'py>(
    py: Python<'py>,
    engine: &Engine,
    attribution: &Attribution,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let rows = attribution.rows(engine);
    let table = Table::new(py);
    let causes = Cause::ALL.iter().map(|cause| cause.name().to_owned()).collect();
    table.date("day", rows.iter().map(|row| row.day))?;
    let hedges = rows.iter().map(|row| row.hedge.map(|hedge| i64::from(hedge.0)));
    table.names("hedge", hedges, &names.hedges)?;
    table.names(
        "account",
        rows.iter().map(|row| Some(i64::from(row.account.0))),
        &names.accounts,
    )?;
    table.coded("cause", rows.iter().map(|row| Some(i64::from(row.cause.code()))), causes)?;
    let currencies = rows.iter().map(|row| Some(i64::from(row.currency.0)));
    table.names("currency", currencies, &names.currencies)?;
    table.money("amount", rows.iter().map(|row| Some(row.amount.0)))?;
    let currencies = rows.iter().map(|row| Some(i64::from(row.own_currency.0)));
    table.names("own_currency", currencies, &names.currencies)?;
    table.money("own_amount", rows.iter().map(|row| Some(row.own_amount.0)))?;
    Ok(table.done())
}

/// Where every monitored number stands; values in the unit of the metric.
pub(crate) fn monitors<'py>(
    py: Python<'py>,
    engine: &Engine,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let grids = Grids::new(engine.config());
    let rows: Vec<(Metric, Subject, i128, Level)> = engine.monitors().collect();
    let name = |subject: &Subject| {
        let (kind, id) = digest::subject(*subject);
        self::subject(kind, id, names)
    };
    let kind = |metric: Metric, subject: Subject| {
        let (kind, _) = digest::subject(subject);
        match SUBJECTS.get(usize::from(kind)) {
            Some(kind) if subject != Subject::Engine => (*kind).to_owned(),
            Some(_) | None => format!("all {}s", kind_of(metric)),
        }
    };
    // Sizes of several contracts are those of any: they have one lot.
    let sized = |subject: Subject| {
        let reach = match subject {
            Subject::Instrument(id) => return Some(id.0),
            Subject::Venue(id) => Reach::Whole(Class::Venue, id.0),
            Subject::Product(id) => Reach::Whole(Class::Product, id.0),
            Subject::Group(id) => Reach::Whole(Class::Group, id.0),
            Subject::Strategy(id) => Reach::Whole(Class::Strategy, id.0),
            Subject::Engine
            | Subject::Account(_)
            | Subject::Hedge(_)
            | Subject::Attempt(_)
            | Subject::Order(_)
            | Subject::Transfer(_) => Reach::All,
        };
        engine.config().members(Of::Instrument, reach).first().copied()
    };
    // Decimals have twelve places, fractions and money nine.
    let value = |(metric, subject, value, _): &(Metric, Subject, i128, Level)| {
        match metric {
            Metric::Position => {
                let lots = i64::try_from(*value).ok();
                lots.zip(sized(*subject)).and_then(|(lots, id)| grids.size(id, lots))
            }
            Metric::Orders | Metric::Cancels | Metric::Messages => {
                value.checked_mul(1_000_000_000_000)
            }
            Metric::CapitalUsage
            | Metric::ProjectedUsage
            | Metric::MarginRatio
            | Metric::Available
            | Metric::Withdrawable
            | Metric::DayLoss
            | Metric::RepairLoss
            | Metric::Residual
            | Metric::Verdict
            | Metric::AttemptLoss
            | Metric::Drift
            | Metric::DataAge
            | Metric::Latency
            | Metric::Slippage
            | Metric::SlippageExpected => {
                // More than can be told: what is used of nothing, or needs nothing.
                value.checked_mul(1_000).filter(|value| value.abs() < 10_i128.pow(37))
            }
        }
    };
    let table = Table::new(py);
    table.text("metric", rows.iter().map(|row| row.0.name().to_owned()))?;
    table.text("kind", rows.iter().map(|row| kind(row.0, row.1)))?;
    table.text("of", rows.iter().map(|row| name(&row.1)))?;
    table.decimal("value", rows.iter().map(value))?;
    table.text("level", rows.iter().map(|row| row.3.name().to_owned()))?;
    Ok(table.done())
}

fn kind_of(metric: Metric) -> &'static str {
    match metric.of() {
        Of::Account => "account",
        Of::Hedge => "hedge",
        Of::Instrument => "instrument",
    }
}

/// The leases of every account that draws on a pool; nothing of one that was not told yet.
pub(crate) fn leases<'py>(
    py: Python<'py>,
    engine: &Engine,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let funds = engine.funds();
    let accounts = engine.config().accounts.pairs().filter(|(_, account)| account.terms.leased);
    let ids: Vec<AccountId> = accounts.map(|(id, _)| id).collect();
    let rows: Vec<Option<Leased>> = ids.iter().map(|id| funds.lease(*id).copied()).collect();
    let money =
        |of: fn(&Leased) -> Money| rows.iter().map(move |row| row.as_ref().map(|row| of(row).0));
    let table = Table::new(py);
    table.names("account", ids.iter().map(|id| Some(i64::from(id.0))), &names.accounts)?;
    table.money("amount", money(|row| row.lease.amount))?;
    table.money("posted", money(|row| row.lease.posted))?;
    table.money("posted_before", money(|row| row.posted_before))?;
    table.unsigned("epoch", rows.iter().map(|row| row.map_or(0, |row| row.lease.epoch)))?;
    table.time("until", rows.iter().map(|row| row.map(|row| row.lease.until.0)))?;
    table.money("brought", ids.iter().map(|id| Some(funds.brought(*id).0)))?;
    table.money("room", ids.iter().map(|id| engine.money(*id).lease_room.map(|room| room.0)))?;
    Ok(table.done())
}

/// What an attempt would come to: `accounts` as columns, `binds` as (moment, refusal, account,
/// instrument, value, limit) or nothing, `beyond` as pairs of a leg's instrument and lots.
pub(crate) fn what_if<'py>(
    py: Python<'py>,
    found: &WhatIf,
    names: &Directory,
    hedge: HedgeId,
) -> PyResult<Bound<'py, PyDict>> {
    let table = Table::new(py);
    let rows = || found.accounts.iter();
    let accounts = rows().map(|row| Some(i64::from(row.account.0)));
    table.names("account", accounts, &names.accounts)?;
    let currency = |row: &Foreseen| {
        let of = names.config.accounts.get(row.account)?;
        Some(i64::from(of.currency.0))
    };
    table.names("currency", rows().map(currency), &names.currencies)?;
    table.text("moment", rows().map(|row| row.moment.name().to_owned()))?;
    let money = |of: fn(&View) -> Money| rows().map(move |row| Some(of(&row.view).0));
    table.money("equity", money(|view| view.equity))?;
    table.money("margin", money(|view| view.margin))?;
    table.money("frozen", money(|view| view.frozen))?;
    table.money("available", money(|view| view.available))?;
    table.money("unrealised", money(|view| view.worth.paper))?;
    // Decimals have twelve places, fractions nine.
    table
        .decimal("usage", rows().map(|row| row.usage.and_then(|usage| usage.checked_mul(1_000))))?;
    let told = PyDict::new(py);
    told.set_item("accounts", table.done())?;
    let legs = names.legs.get(hedge).map_or(&[][..], Vec::as_slice);
    let leg = |at: usize| legs.get(at).map(|id| names.instruments.name(*id));
    let binds = found.binds.map(|Binding { moment, denial }| {
        let Denial { refusal, leg: of, account, value, limit } = denial;
        let account = account.map(|id| names.accounts.name(id));
        (moment.name(), refusal.word(), account, of.and_then(|of| leg(of.index())), value, limit)
    });
    told.set_item("binds", binds)?;
    let beyond = found.beyond.iter().enumerate().filter(|(_, lots)| **lots != 0);
    let beyond: Vec<_> = beyond.filter_map(|(at, lots)| Some((leg(at)?, *lots))).collect();
    told.set_item("beyond", beyond)?;
    Ok(told)
}

/// What every hedge holds: signed sets, and what is not aligned.
pub(crate) fn hedges<'py>(
    py: Python<'py>,
    engine: &Engine,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let config = engine.config();
    let plans = || config.hedges.pairs();
    let table = Table::new(py);
    table.names("hedge", plans().map(|(id, _)| Some(i64::from(id.0))), &names.hedges)?;
    table.whole("sets", plans().map(|(id, _)| engine.sets(id)))?;
    let residuals = plans().map(|(id, _)| common_units(config, id, engine.residual(id)));
    table.decimal("residual", residuals)?;
    Ok(table.done())
}

/// Units of a hedge's plan as common units in 10⁻¹².
pub(crate) fn common_units(config: &Config, hedge: HedgeId, units: i128) -> Option<i128> {
    let scaled = units.checked_mul(10_i128.pow(PLACES));
    scaled
        .zip(config.hedges.get(hedge))
        .map(|(units, hedge)| units / i128::from(hedge.plan.unit_den))
}
