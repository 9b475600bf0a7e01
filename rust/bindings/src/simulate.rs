//! Recorded rows through simulated venues and an engine, with or without a journal.

use std::cell::RefCell;
use std::path::PathBuf;

use cross_market_core::attribution::Attribution;
use cross_market_core::book::{Change, Row};
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::event::{Event, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, InstrumentId};
use cross_market_core::num::{Money, Price, Qty, Side};
use cross_market_core::position::{Statement, StatementKind};
use cross_market_core::record::Durability;
use cross_market_core::time::{Span, Time};
use cross_market_journal::{JournalError, Session};
use cross_market_sim::fault::{Fault, Faults};
use cross_market_sim::latency::{Latency, VenueLatency};
use cross_market_sim::random::Chance;
use cross_market_sim::truth::Lots;
use cross_market_sim::watch::Watch;
use cross_market_sim::world::{World, WorldSetup};
use numpy::PyReadonlyArray1;
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::engine::compiled;
use crate::error::{door, guarded, internal, journal};
use crate::events;
use crate::names::Directory;
use crate::over_time::over_time;
use crate::tables::{attribution, funds, hedges, positions, tables};

/// Steps in which a run is done: between two of them Python is asked whether to go on.
const STEPS: usize = 200;

/// What drives the world: the core alone, or with its journal.
enum Driver {
    Engine(Box<Engine>, Box<Attribution>),
    Session(Box<Session>),
}

impl Driver {
    fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, JournalError> {
        match self {
            Driver::Engine(engine, attribution) => {
                let effect = engine.handle(now, event, out)?;
                if effect == Effect::Decision {
                    attribution.step(engine, now, event, out);
                }
                Ok(effect)
            }
            Driver::Session(session) => {
                session.release(now, out);
                session.handle(now, event, out)
            }
        }
    }

    /// The engine's own timers: what a journal has to do is done before each event. A poisoned
    /// session has none: it takes no event, so its engine's would be due for ever.
    fn deadline(&self) -> Option<Time> {
        match self {
            Driver::Engine(engine, _) => engine.deadline(),
            Driver::Session(session) if session.poisoned().is_some() => None,
            Driver::Session(session) => session.engine().deadline(),
        }
    }

    fn engine(&self) -> &Engine {
        match self {
            Driver::Engine(engine, _) => engine,
            Driver::Session(session) => session.engine(),
        }
    }

    fn attribution(&self) -> &Attribution {
        match self {
            Driver::Engine(_, attribution) => attribution,
            Driver::Session(session) => session.attribution(),
        }
    }

    /// What stopped the journal or the core, if anything did.
    fn fatal(&self) -> Option<JournalError> {
        match self {
            Driver::Engine(..) => None,
            Driver::Session(session) => session.poisoned().map(|cause| {
                let failure = session.failure().cloned();
                failure.unwrap_or(JournalError::Poisoned { cause })
            }),
        }
    }
}

/// Everything that a run is made of.
struct Run {
    config: Config,
    driver: RefCell<Driver>,
    world: World,
    /// The moments at which the steps end.
    ends: Vec<Time>,
    /// Settlements still to come, the next one last.
    settlements: Vec<(Time, InstrumentId, Price)>,
    /// The first event that the door refused, and why.
    refused: RefCell<Option<String>>,
    /// What the engine looked like over time.
    watch: RefCell<Watch>,
}

/// The columns of recorded rows, as Python hands them in.
struct Columns<'py> {
    instrument: PyReadonlyArray1<'py, i64>,
    side: PyReadonlyArray1<'py, i64>,
    row: PyReadonlyArray1<'py, i64>,
    price: PyReadonlyArray1<'py, i64>,
    qty: PyReadonlyArray1<'py, i64>,
    exchange: PyReadonlyArray1<'py, i64>,
    receive: PyReadonlyArray1<'py, i64>,
    seq: PyReadonlyArray1<'py, i64>,
    step: PyReadonlyArray1<'py, i64>,
}

impl<'py> Columns<'py> {
    fn new(columns: &Bound<'py, PyDict>) -> PyResult<Columns<'py>> {
        let column = |name: &str| -> PyResult<PyReadonlyArray1<'py, i64>> {
            let array = columns.as_any().get_item(name)?;
            array.extract()
        };
        Ok(Columns {
            instrument: column("instrument")?,
            side: column("side")?,
            row: column("row")?,
            price: column("price")?,
            qty: column("qty")?,
            exchange: column("exchange")?,
            receive: column("receive")?,
            seq: column("seq")?,
            step: column("step")?,
        })
    }

    /// The rows; `None` when a code is not one of ours, which Python does not hand in.
    fn changes(&self) -> Option<Vec<Change>> {
        let instrument = self.instrument.as_slice().ok()?;
        let side = self.side.as_slice().ok()?;
        let row = self.row.as_slice().ok()?;
        let price = self.price.as_slice().ok()?;
        let qty = self.qty.as_slice().ok()?;
        let exchange = self.exchange.as_slice().ok()?;
        let receive = self.receive.as_slice().ok()?;
        let seq = self.seq.as_slice().ok()?;
        let step = self.step.as_slice().ok()?;
        let heads = instrument.iter().zip(side).zip(row);
        let levels = price.iter().zip(qty);
        let stamps = exchange.iter().zip(receive);
        let numbers = seq.iter().zip(step);
        let mut changes = Vec::with_capacity(price.len());
        for ((((instrument, side), row), (price, qty)), ((exchange, receive), (seq, step))) in
            heads.zip(levels).zip(stamps.zip(numbers))
        {
            changes.push(Change {
                price: Price(*price),
                qty: Qty::new(*qty).ok()?,
                seq: u64::try_from(*seq).ok()?,
                exchange: Time(*exchange),
                receive: Time(*receive),
                step: u32::try_from(*step).ok()?,
                instrument: InstrumentId(u16::try_from(*instrument).ok()?),
                side: if *side == 0 { Side::Buy } else { Side::Sell },
                row: *Row::ALL.get(usize::try_from(*row).ok()?)?,
            });
        }
        Some(changes)
    }
}

/// Simulate recorded rows; return the tables of the run and its counts.
#[pyfunction]
#[pyo3(signature = (config, *, setup, columns, settlements, verbs, grace_ns, journal, progress))]
#[expect(clippy::too_many_arguments, reason = "named in Python, called from one place")]
pub(crate) fn simulate<'py>(
    py: Python<'py>,
    config: &[u8],
    setup: &Bound<'py, PyDict>,
    columns: &Bound<'py, PyDict>,
    settlements: Vec<(i64, u16, i64)>,
    verbs: Vec<(i64, Bound<'py, PyAny>)>,
    grace_ns: i64,
    journal: Option<PathBuf>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let given = Given { config, setup, columns, settlements, verbs, grace_ns, journal, progress };
    guarded(|| run(py, given)).unwrap_or_else(|invariant| Err(internal(py, &invariant)))
}

/// What a run is asked to do.
struct Given<'a, 'py> {
    config: &'a [u8],
    setup: &'a Bound<'py, PyDict>,
    columns: &'a Bound<'py, PyDict>,
    settlements: Vec<(i64, u16, i64)>,
    verbs: Vec<(i64, Bound<'py, PyAny>)>,
    grace_ns: i64,
    journal: Option<PathBuf>,
    progress: Option<Bound<'py, PyAny>>,
}

fn run<'py>(py: Python<'py>, given: Given<'_, 'py>) -> PyResult<Bound<'py, PyDict>> {
    let Given { config, setup, columns, settlements, verbs, grace_ns, journal, progress } = given;
    let (config, json) = compiled(config).map_err(|error| door(py, "Config", &error))?;
    let changes = Columns::new(columns)?.changes();
    let changes = changes.ok_or_else(|| internal(py, "rows with codes that are not ours"))?;
    let Some((first, last)) = changes.first().zip(changes.last()) else {
        return Err(internal(py, "no rows"));
    };
    let start = Time(first.receive.0 - Span::seconds(1).0);
    let settled = settlements.last().map_or(Time::EARLIEST, |(at, _, _)| Time(*at));
    let end = last.receive.max(settled) + Span(grace_ns);
    let driver = driver(py, &config, &json, start, journal.as_deref())?;
    let mut world = World::new(&config, world_setup(setup, &config, start)?);
    world.connect();
    fill(&mut world, setup)?;
    let names = Directory::new(&config);
    for (at, verb) in &verbs {
        world.control(Time(*at), events::verb(verb, &names)?);
    }
    world.record(&changes);
    let mut settlements: Vec<_> = settlements
        .into_iter()
        .map(|(at, instrument, price)| (Time(at), InstrumentId(instrument), Price(price)))
        .collect();
    settlements.reverse();
    let ends = step_ends(&changes, end);
    let (driver, refused) = (RefCell::new(driver), RefCell::new(None));
    let watch = RefCell::new(Watch::new(&config));
    let mut run = Run { config, driver, world, ends, settlements, refused, watch };
    let total = run.ends.len();
    for step in 0..total {
        py.check_signals()?;
        let stepped = py.detach(|| guarded(|| run.step(step)));
        stepped.map_err(|invariant| internal(py, &invariant))?;
        run.raise_fatal(py)?;
        if let Some(progress) = &progress {
            progress.call1((step + 1, total))?;
        }
    }
    run.finish(py, &names, Span(grace_ns))
}

/// The first opening balance (account, 10⁻⁹) or holding (account, instrument, lots, price) that an
/// engine refuses at its door: which kind, its place, and why; None when it takes them all.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands over owned values")]
pub(crate) fn refused_opening(
    py: Python<'_>,
    config: &[u8],
    start: i64,
    balances: Vec<(u16, i128)>,
    holdings: Vec<(u16, u16, i64, i64)>,
) -> PyResult<Option<(&'static str, usize, String)>> {
    let (config, _) = compiled(config).map_err(|error| door(py, "Config", &error))?;
    let asked = guarded(|| {
        let exchange = Time(start);
        let mut engine = Engine::new(&config, exchange)?;
        let mut tell = |event: &Event| engine.handle(exchange, event, &mut Vec::new()).err();
        for (at, (account, amount)) in balances.iter().enumerate() {
            let (account, amount) = (AccountId(*account), Money(*amount));
            let cash = Cash { account, exchange, kind: CashKind::Opening, amount };
            if let Some(error) = tell(&Event::Cash(Box::new(cash))) {
                return Ok(Some(("balances", at, error.to_string())));
            }
        }
        for (at, (account, instrument, lots, price)) in holdings.iter().enumerate() {
            let kind = StatementKind::Opening;
            let (account, instrument) = (AccountId(*account), InstrumentId(*instrument));
            let (long, short) = (lots.max(&0), lots.saturating_neg().max(0));
            let (long, short) = match (Qty::new(*long), Qty::new(short)) {
                (Ok(long), Ok(short)) => (long, short),
                (Err(why), _) | (_, Err(why)) => {
                    return Ok(Some(("holdings", at, why.to_string())));
                }
            };
            let price = Price(*price);
            let statement = Statement { account, instrument, exchange, kind, long, short, price };
            if let Some(error) = tell(&Event::Position(Box::new(statement))) {
                return Ok(Some(("holdings", at, error.to_string())));
            }
        }
        Ok(None)
    });
    let asked = asked.map_err(|invariant| internal(py, &invariant))?;
    asked.map_err(|error| door(py, "simulate", &error))
}

/// The moments at which the steps of a run end.
fn step_ends(changes: &[Change], end: Time) -> Vec<Time> {
    let size = changes.len().div_ceil(STEPS).max(1);
    let mut ends: Vec<Time> = changes
        .chunks(size)
        .filter_map(|chunk| chunk.last())
        .map(|change| change.receive)
        .collect();
    ends.push(end);
    ends
}

fn driver(
    py: Python<'_>,
    config: &Config,
    json: &[u8],
    start: Time,
    folder: Option<&std::path::Path>,
) -> PyResult<Driver> {
    let Some(folder) = folder else {
        let engine = Engine::new(config, start).map_err(|error| door(py, "simulate", &error))?;
        let attribution = Attribution::new(config);
        return Ok(Driver::Engine(Box::new(engine), Box::new(attribution)));
    };
    // What was simulated can be simulated again: the operating system's word is enough.
    let session = Session::create(folder, json, start, Durability::Os);
    let session = session.map_err(|error| journal(py, "simulate", Some(folder), &error))?;
    Ok(Driver::Session(Box::new(session)))
}

fn required<'py, T: FromPyObjectOwned<'py>>(setup: &Bound<'py, PyDict>, name: &str) -> PyResult<T> {
    setup.as_any().get_item(name)?.extract().map_err(Into::into)
}

fn world_setup(setup: &Bound<'_, PyDict>, config: &Config, start: Time) -> PyResult<WorldSetup> {
    type Numbers = (i64, i64, i64, u32);
    let seed = required(setup, "seed")?;
    let latency = |(base, jitter, spike, chance): Numbers| Latency {
        base: Span(base),
        jitter: Span(jitter),
        spike: Chance(chance),
        spike_by: Span(spike),
    };
    let latencies: Vec<(Numbers, Numbers, Numbers)> = required(setup, "latencies")?;
    let mut faults = Faults::none(seed);
    for (name, chance) in required::<Vec<(String, u32)>>(setup, "faults")? {
        if let Some(fault) = Fault::ALL.iter().find(|fault| fault_word(**fault) == name) {
            faults.set(*fault, Chance(chance));
        }
    }
    Ok(WorldSetup {
        latencies: latencies
            .into_iter()
            .map(|(order, report, feed)| VenueLatency {
                order: latency(order),
                report: latency(report),
                feed: latency(feed),
            })
            .collect(),
        faults,
        ..WorldSetup::plain(seed, start, config, Span::ZERO)
    })
}

/// The name of a fault in Python: `AckLost` is `ack_lost`.
pub(crate) fn fault_word(fault: Fault) -> String {
    let mut word = String::new();
    for (at, letter) in fault.name().char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// Money and positions that are there before the run.
fn fill(world: &mut World, setup: &Bound<'_, PyDict>) -> PyResult<()> {
    for (account, amount) in required::<Vec<(u16, i128)>>(setup, "balances")? {
        world.cash(AccountId(account), CashKind::Opening, Money(amount));
    }
    let holdings: Vec<(u16, u16, i64, i64)> = required(setup, "holdings")?;
    for (account, instrument, lots, price) in holdings {
        let lots = Lots { long: lots.max(0), short: lots.saturating_neg().max(0) };
        world.open(AccountId(account), InstrumentId(instrument), lots, Price(price));
    }
    Ok(())
}

impl Run {
    /// Runs one step, with the settlements that are due in it.
    fn step(&mut self, step: usize) {
        let Some(end) = self.ends.get(step).copied() else { return };
        while let Some((at, instrument, price)) = self.settlements.pop_if(|next| next.0 <= end) {
            self.until(at);
            self.world.settle(instrument, price);
        }
        self.until(end);
    }

    fn until(&mut self, end: Time) {
        let (driver, refused, watch) = (&self.driver, &self.refused, &self.watch);
        let mut handle = |now: Time, event: &Event, out: &mut Vec<Command>| {
            let mut driver = driver.borrow_mut();
            let handled = driver.handle(now, event, out);
            match &handled {
                Ok(effect) => watch.borrow_mut().step(driver.engine(), now, event, *effect),
                Err(error) => {
                    // What stops the run is told after the step.
                    if let JournalError::Door(error) = error {
                        let mut refused = refused.borrow_mut();
                        refused.get_or_insert_with(|| format!("{error}, in {event:?}"));
                    }
                }
            }
            handled
        };
        // A run never restarts the engine, so the world only ever comes back at its end.
        let _ = self.world.run(end, &mut handle, &|| driver.borrow().deadline());
    }

    fn raise_fatal(&self, py: Python<'_>) -> PyResult<()> {
        let driver = self.driver.borrow();
        match driver.fatal() {
            None => Ok(()),
            Some(error @ JournalError::Io { .. }) => match &*driver {
                Driver::Engine(..) => Err(journal(py, "simulate", None, &error)),
                Driver::Session(session) => {
                    Err(journal(py, "simulate", Some(session.path()), &error))
                }
            },
            Some(error) => {
                let stopped = format!("the run was stopped at {}: {error}", self.world.now().0);
                Err(internal(py, &stopped))
            }
        }
    }

    /// Compares with the venues, closes the journal and makes the tables.
    fn finish<'py>(
        mut self,
        py: Python<'py>,
        names: &Directory,
        grace: Span,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.compare(grace);
        self.raise_fatal(py)?;
        let found = PyDict::new(py);
        let all = {
            let driver = self.driver.borrow();
            let engine = driver.engine();
            found.set_item("digest", PyBytes::new(py, &engine.digest()))?;
            let all = tables(py, self.world.outcome(), &self.config, names)?;
            let watch = self.watch.borrow();
            let causes = driver.attribution();
            all.set_item("funds", funds(py, engine, names, causes, Some(&watch))?)?;
            all.set_item("positions", positions(py, engine, names)?)?;
            all.set_item("hedges", hedges(py, engine, names)?)?;
            all.set_item("attribution", attribution(py, engine, causes, names)?)?;
            over_time(py, &watch, &self.config, names, &all)?;
            all
        };
        found.set_item("refused", self.refused.borrow().clone())?;
        let faults = PyDict::new(py);
        for (fault, count) in self.world.faults().counts.iter().filter(|(_, count)| *count > 0) {
            faults.set_item(fault_word(fault), count)?;
        }
        found.set_item("faults", faults)?;
        found.set_item("events", self.world.outcome().events)?;
        found.set_item("errors", self.world.outcome().errors)?;
        found.set_item("tables", all)?;
        match self.driver.into_inner() {
            Driver::Engine(..) => {
                found.set_item("journal", py.None())?;
                found.set_item("link", py.None())?;
            }
            Driver::Session(session) => {
                let path = session.path().to_owned();
                let closed = py.detach(|| session.close());
                let link = closed.map_err(|error| journal(py, "close", Some(&path), &error))?;
                found.set_item("journal", path.display().to_string())?;
                found.set_item("link", PyBytes::new(py, &link))?;
            }
        }
        Ok(found)
    }

    /// Tells the engine what the venues hold: a difference shows as an alert.
    ///
    /// Nothing is entered any more, and what that still begins has time to end.
    fn compare(&mut self, grace: Span) {
        self.world.control(self.world.now(), Verb::Stop(Scope::All));
        let held: Vec<_> = self.world.truth().holdings().collect();
        for (account, instrument, _) in held {
            self.world.state(account, instrument, StatementKind::Compare, Price(0));
        }
        for account in self.config.accounts.ids() {
            if let Some(balance) = self.world.truth().balance(account) {
                self.world.cash(account, CashKind::Balance, balance);
            }
        }
        let end = self.world.now() + grace;
        self.until(end);
    }
}
