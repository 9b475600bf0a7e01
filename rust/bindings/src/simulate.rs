//! Recorded rows through simulated venues and an engine, with or without a journal.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;

use cross_market_core::attribution::Attribution;
use cross_market_core::book::Change;
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::event::{Event, Scope, Verb};
use cross_market_core::funds::{Cash, CashKind};
use cross_market_core::ids::{AccountId, InstrumentId};
use cross_market_core::num::{Money, Price, Qty};
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
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::engine::compiled;
use crate::error::{door, guarded, internal, journal};
use crate::events;
use crate::names::Directory;
use crate::over_time::over_time;
use crate::rows::{Columns, NoRow, Taker};
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
    /// Settlements still to come.
    settlements: VecDeque<(Time, InstrumentId, Price)>,
    /// The first event that the door refused, and why.
    refused: RefCell<Option<String>>,
    /// What the engine looked like over time.
    watch: RefCell<Watch>,
}

/// A batch of recorded rows in the order in which they were received.
struct Batch {
    changes: Vec<Change>,
    /// Settlements that were received before the next batch.
    settlements: Vec<(i64, u16, i64)>,
    /// The time up to which nothing is missing that a later batch has; `None` for the last one.
    until: Option<Time>,
}

impl Batch {
    /// What Python hands in: columns, settlements, and the time.
    fn new(py: Python<'_>, given: &Bound<'_, PyAny>) -> PyResult<Batch> {
        type Parts<'py> = (Bound<'py, PyAny>, Vec<(i64, u16, i64)>, Option<i64>);
        let (columns, settlements, until): Parts<'_> = given.extract()?;
        let columns = Columns::new(&columns)?;
        let slices = columns.slices()?;
        let mut rows = Rows(Vec::with_capacity(slices.len()));
        slices.each(0, &mut rows).map_err(|Odd(none)| none.error(py, 0))?;
        Ok(Batch { changes: rows.0, settlements, until: until.map(Time) })
    }
}

/// A code that says nothing, which Python does not hand in.
struct Odd(NoRow);

impl From<NoRow> for Odd {
    fn from(none: NoRow) -> Odd {
        Odd(none)
    }
}

/// Rows as the world takes them.
struct Rows(Vec<Change>);

impl Taker for Rows {
    type Stopped = Odd;

    fn take(&mut self, _at: usize, change: &Change) -> Result<(), Odd> {
        self.0.push(*change);
        Ok(())
    }
}

/// Simulate recorded rows; return the tables of the run and its counts.
#[pyfunction]
#[pyo3(signature = (config, *, setup, batches, rows, verbs, grace_ns, journal, progress))]
#[expect(clippy::too_many_arguments, reason = "named in Python, called from one place")]
pub(crate) fn simulate<'py>(
    py: Python<'py>,
    config: &[u8],
    setup: &Bound<'py, PyDict>,
    batches: &Bound<'py, PyAny>,
    rows: usize,
    verbs: Vec<(i64, Bound<'py, PyAny>)>,
    grace_ns: i64,
    journal: Option<PathBuf>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let given = Given { config, setup, batches, rows, verbs, grace_ns, journal, progress };
    guarded(|| run(py, given)).unwrap_or_else(|invariant| Err(internal(py, &invariant)))
}

/// What a run is asked to do.
struct Given<'a, 'py> {
    config: &'a [u8],
    setup: &'a Bound<'py, PyDict>,
    /// Batches of rows, each with settlements and the time up to which it may run.
    batches: &'a Bound<'py, PyAny>,
    /// How many rows all of them have.
    rows: usize,
    verbs: Vec<(i64, Bound<'py, PyAny>)>,
    grace_ns: i64,
    journal: Option<PathBuf>,
    progress: Option<Bound<'py, PyAny>>,
}

fn run<'py>(py: Python<'py>, given: Given<'_, 'py>) -> PyResult<Bound<'py, PyDict>> {
    let Given { config, setup, batches, rows, verbs, grace_ns, journal, progress } = given;
    let (config, json) = compiled(config).map_err(|error| door(py, "Config", &error))?;
    let mut batches = batches.try_iter()?;
    let mut next = |py| batches.next().map(|batch| Batch::new(py, &batch?)).transpose();
    let mut batch = next(py)?;
    let Some(first) = batch.as_ref().and_then(|batch| batch.changes.first()) else {
        return Err(internal(py, "no rows"));
    };
    let start = Time(first.receive.0 - Span::seconds(1).0);
    let mut world = World::new(&config, world_setup(setup, &config, start)?);
    world.connect();
    fill(&mut world, setup)?;
    let names = Directory::new(&config);
    for (at, verb) in &verbs {
        world.control(Time(*at), events::verb(verb, &names)?);
    }
    // What is wrong is refused before a folder is made.
    let driver = driver(py, &config, &json, start, journal.as_deref())?;
    let (driver, refused) = (RefCell::new(driver), RefCell::new(None));
    let watch = RefCell::new(Watch::new(&config));
    let settlements = VecDeque::new();
    let mut run = Run { config, driver, world, settlements, refused, watch };
    let mut done = 0;
    let mut end = start;
    while let Some(given) = batch {
        end = run.record(&given).max(end);
        let last = end + Span(grace_ns);
        for (row, step) in steps(&given, rows, last) {
            py.check_signals()?;
            let stepped = py.detach(|| guarded(|| run.step(step)));
            stepped.map_err(|invariant| internal(py, &invariant))?;
            run.raise_fatal(py)?;
            if let Some(progress) = &progress {
                progress.call1((done + row, rows))?;
            }
        }
        done += given.changes.len();
        batch = next(py)?;
    }
    run.finish(py, &names, Span(grace_ns))
}

/// The moments at which the steps of a batch end, and how many of its rows were received by then.
fn steps(batch: &Batch, rows: usize, last: Time) -> Vec<(usize, Time)> {
    let size = rows.div_ceil(STEPS).max(1);
    let until = batch.until.unwrap_or(last);
    let mut places = (size..batch.changes.len()).step_by(size);
    let mut found: Vec<(usize, Time)> = places
        .by_ref()
        .filter_map(|row| batch.changes.get(row - 1).map(|change| (row, change.receive)))
        .filter(|(_, receive)| *receive < until)
        .collect();
    found.push((batch.changes.len(), until));
    found
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
            let cash = Cash { account, exchange, kind: CashKind::Opening, amount, transfer: None };
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
    /// Takes the rows and settlements of a batch; gives when the last of them was received.
    fn record(&mut self, batch: &Batch) -> Time {
        self.world.record(&batch.changes);
        let settled = batch.settlements.iter();
        self.settlements.extend(
            settled.map(|(at, instrument, price)| {
                (Time(*at), InstrumentId(*instrument), Price(*price))
            }),
        );
        let settled = self.settlements.back().map(|(at, ..)| *at);
        let received = batch.changes.last().map(|change| change.receive);
        settled.max(received).unwrap_or(Time::EARLIEST)
    }

    /// Runs one step, with the settlements that are due in it.
    fn step(&mut self, end: Time) {
        while let Some((at, instrument, price)) =
            self.settlements.pop_front_if(|next| next.0 <= end)
        {
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
            if let Some(balance) = self.world.truth().balance(account, None) {
                self.world.cash(account, CashKind::Balance, balance);
            }
        }
        let end = self.world.now() + grace;
        self.until(end);
    }
}
