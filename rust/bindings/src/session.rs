//! The engine with its journal, as Python sees it; and what is asked of a journal afterwards.

use std::path::PathBuf;
use std::sync::OnceLock;

use cross_market_core::book::Change;
use cross_market_core::command::Command;
use cross_market_core::record::{Code, Durability, Kind, Link};
use cross_market_core::time::{Span, Time};
use cross_market_journal::{
    JournalError, Recovered, Replayed, Report, Session as CoreSession, Verdict, replay as play,
    verify as prove,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::doors::Door;
use crate::engine::{config_of, start_of, time_of};
use crate::error::{broken, door, fallen, guarded, internal, journal, unclosed, wrong};
use crate::market::Market;
use crate::names::Directory;
use crate::owner::{Owned, Owner, not_pickled};
use crate::{commands, doors, events, tables};

struct State {
    session: CoreSession,
    /// The commands of a turn.
    turn: Vec<Command>,
    /// What has not been handed over yet.
    out: Vec<Command>,
}

impl State {
    /// Puts the commands of a turn behind what was not handed over before.
    fn take_turn(&mut self) {
        if self.session.poisoned().is_some() {
            // No order leaves a poisoned session, not even one that was on its way.
            self.out.retain(|command| !command.waits());
        }
        self.out.append(&mut self.turn);
    }
}

impl Owned for State {
    fn last_words(&mut self) -> Vec<Command> {
        // What was not handed over has not left; what would have been sent is not sent any more.
        self.out.retain(|command| !command.waits());
        self.session.give_up(&mut self.out);
        std::mem::take(&mut self.out)
    }
}

impl Door for State {
    type Refused = JournalError;

    #[inline]
    fn change(&mut self, now: Time, change: &Change) -> Result<(), JournalError> {
        self.turn.clear();
        self.session.change(now, change, &mut self.turn)?;
        if !self.turn.is_empty() {
            self.take_turn();
        }
        Ok(())
    }

    fn check(&self, now: Time, message: &[Change]) -> Result<(), (usize, JournalError)> {
        self.session.check_message(now, message)
    }

    fn error(&self, py: Python<'_>, call: &str, refused: &JournalError) -> PyErr {
        broken(py, call, &self.session, refused)
    }

    fn waiting(&mut self) -> &mut Vec<Command> {
        &mut self.out
    }
}

/// What is left of a session that was closed.
struct Closed {
    link: Link,
    last: Vec<Command>,
}

/// The engine with its journal: what it decides is on record before it leaves.
#[pyclass(frozen, module = "cross_market")]
pub(crate) struct Session {
    state: Owner<State>,
    closed: OnceLock<Closed>,
    path: PathBuf,
    run: u16,
    recovered: Option<Recovered>,
    first: Vec<Command>,
}

/// Goes on with the newest journal of the folder, or begins one where there is none.
fn open(
    json: &[u8],
    folder: &std::path::Path,
    now: Time,
    durability: Durability,
) -> Result<(CoreSession, Option<Recovered>, Vec<Command>), JournalError> {
    let mut first = Vec::new();
    match CoreSession::restart(folder, json, now, durability, &mut first) {
        Ok((session, recovered)) => Ok((session, Some(recovered), first)),
        Err(JournalError::Missing { .. }) => {
            let session = CoreSession::create(folder, json, now, durability)?;
            Ok((session, None, first))
        }
        Err(error) => Err(error),
    }
}

#[pymethods]
impl Session {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "Python hands over owned values")]
    #[pyo3(signature = (config, *, journal, now, group_ns))]
    fn new(
        config: &Bound<'_, PyAny>,
        journal: PathBuf,
        now: &Bound<'_, PyAny>,
        group_ns: Option<i64>,
    ) -> PyResult<Session> {
        let py = config.py();
        let (config, json) = config_of(config)?;
        let now = start_of(now, "now")?;
        let durability = group_ns.map_or(Durability::Os, |ns| Durability::Group(Span(ns)));
        let opened = py.detach(|| guarded(|| open(&json, &journal, now, durability)));
        let opened = opened.map_err(|invariant| internal(py, &invariant))?;
        let (session, recovered, first) =
            opened.map_err(|error| crate::error::journal(py, "Session", Some(&journal), &error))?;
        let (path, run) = (session.path().to_owned(), session.run());
        let state = State { session, turn: Vec::new(), out: Vec::new() };
        let state = Owner::new(py, "session", state, Directory::new(&config))?;
        Ok(Session { state, closed: OnceLock::new(), path, run, recovered, first })
    }

    /// Take one event at engine time `now`; return what may leave now. The rest comes from
    /// `release`.
    fn handle<'py>(
        &self,
        now: &Bound<'py, PyAny>,
        event: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = event.py();
        let now = time_of(now, "now")?;
        let event = events::event(event, &self.state.names)?;
        self.state.with(py, "handle", |state| {
            state.turn.clear();
            let handled = state.session.handle(now, &event, &mut state.turn);
            handled.map_err(|error| broken(py, "handle", &state.session, &error))?;
            state.take_turn();
            commands::hand_over(py, &mut state.out, &self.state.names)
        })
    }

    /// Return the number of an instrument, its place in the configuration.
    #[pyo3(signature = (instrument, /))]
    fn id(&self, instrument: &Bound<'_, PyAny>) -> PyResult<u16> {
        doors::id(&self.state, instrument)
    }

    /// Set one level at `now`, a whole message; return how many commands wait for `take`.
    #[pyo3(signature = (now, instrument, side, price, qty, /))]
    fn level(
        &self,
        now: &Bound<'_, PyAny>,
        instrument: &Bound<'_, PyAny>,
        side: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        doors::level(&self.state, now, [instrument, side, price, qty])
    }

    /// Take one row with its number and stamps; return how many commands wait for `take`.
    #[pyo3(signature = (now, instrument, side, price, qty, row, seq, step, exchange, receive, /))]
    #[expect(clippy::too_many_arguments, reason = "plain numbers by place: the fast door")]
    fn row(
        &self,
        now: &Bound<'_, PyAny>,
        instrument: &Bound<'_, PyAny>,
        side: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
        row: &Bound<'_, PyAny>,
        seq: &Bound<'_, PyAny>,
        step: &Bound<'_, PyAny>,
        exchange: &Bound<'_, PyAny>,
        receive: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        let level = [instrument, side, price, qty];
        doors::row(&self.state, now, level, [row, seq, step, exchange, receive])
    }

    /// Take one message received at `now`; return how many commands wait for `take`.
    #[pyo3(signature = (now, instrument, rows, *, seq=None, step=None, exchange=None, snapshot=false))]
    #[expect(clippy::too_many_arguments, reason = "named in Python")]
    fn message(
        &self,
        now: &Bound<'_, PyAny>,
        instrument: &Bound<'_, PyAny>,
        rows: &Bound<'_, PyAny>,
        seq: Option<&Bound<'_, PyAny>>,
        step: Option<&Bound<'_, PyAny>>,
        exchange: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = doors::flag)] snapshot: bool,
    ) -> PyResult<usize> {
        doors::message(&self.state, now, instrument, rows, [seq, step, exchange], snapshot)
    }

    /// Take rows until one causes commands; return the next place and how many wait.
    #[pyo3(signature = (columns, *, first=None))]
    fn columns(
        &self,
        columns: &Bound<'_, PyAny>,
        first: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(usize, usize)> {
        doors::columns(&self.state, columns, first)
    }

    /// Return the commands that wait, and forget them here.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        doors::take(&self.state, py)
    }

    /// Sync the group when it is due; return what waited for that.
    fn release<'py>(&self, now: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = now.py();
        let at = time_of(now, "now")?;
        if at < Time::EARLIEST || at > Time::LATEST {
            return Err(wrong(py, "now", now, "ns since the Unix epoch, from 1970 to 2200"));
        }
        self.state.with(py, "release", |state| {
            state.turn.clear();
            state.session.release(at, &mut state.turn);
            state.take_turn();
            commands::hand_over(py, &mut state.out, &self.state.names)
        })
    }

    /// Return a lower bound (ns) of the next moment at which something is due, None for never.
    fn deadline(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        self.state.with(py, "deadline", |state| Ok(state.session.deadline().map(|time| time.0)))
    }

    /// Return the SHA-256 over the canonical encoding of the whole state.
    fn digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.state
            .with(py, "digest", |state| Ok(PyBytes::new(py, &state.session.engine().digest())))
    }

    /// Return the last link of the journal's chain; kept elsewhere, it shows later that the
    /// journal was not shortened.
    fn link<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        if let Some(closed) = self.closed.get() {
            return Ok(link_bytes(py, &closed.link));
        }
        self.state.with(py, "link", |state| Ok(link_bytes(py, &state.session.link())))
    }

    /// Return the number of the last event.
    fn seq(&self, py: Python<'_>) -> PyResult<u64> {
        self.state.with(py, "seq", |state| Ok(state.session.seq()))
    }

    /// Return what is held now: the tables funds, positions, hedges, monitors and leases as columns.
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.state.with(py, "tables", |state| {
            let (engine, names) = (state.session.engine(), &self.state.names);
            let found = PyDict::new(py);
            let causes = state.session.attribution();
            found.set_item("funds", tables::funds(py, engine, names, causes, None)?)?;
            found.set_item("positions", tables::positions(py, engine, names)?)?;
            found.set_item("hedges", tables::hedges(py, engine, names)?)?;
            found.set_item("monitors", tables::monitors(py, engine, names)?)?;
            found.set_item("leases", tables::leases(py, engine, names)?)?;
            Ok(found)
        })
    }

    /// Return what trading so many sets of a hedge now would come to: the money of its accounts as
    /// columns, what binds first, and the lots of each leg that its book does not show.
    fn what_if<'py>(
        &self,
        py: Python<'py>,
        hedge: &Bound<'py, PyAny>,
        sets: i64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let names = &self.state.names;
        let id = Market::number(hedge, &names.hedges, "hedge")?;
        self.state.with(py, "what_if", |state| {
            let engine = state.session.engine();
            let found = engine.what_if(id, sets).map_err(|error| door(py, "what_if", &error))?;
            tables::what_if(py, &found, names, id)
        })
    }

    /// Return where the result comes from, since the journal began, as columns.
    fn attribution<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.state.with(py, "attribution", |state| {
            let (session, names) = (&state.session, &self.state.names);
            tables::attribution(py, session.engine(), session.attribution(), names)
        })
    }

    /// Close the journal with a checkpoint, durable; return what waited for that and may leave.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let names = &self.state.names;
        let Some(State { mut session, mut out, .. }) = self.state.close(py, "close")? else {
            return Ok(PyList::empty(py));
        };
        let closed = py.detach(|| {
            guarded(|| {
                // Nothing is due later: all that waits for a sync leaves with this one.
                session.release(Time::MAX, &mut out);
                let failure = session.failure().cloned();
                session.close().map_err(|error| failure.unwrap_or(error))
            })
        });
        if !matches!(closed, Ok(Ok(_))) {
            // Of a journal that ends in doubt no order leaves, on record or not.
            out.retain(|command| !command.waits());
        }
        let closed = closed.map_err(|invariant| fallen(py, &invariant, &out, names))?;
        let link = closed.map_err(|error| unclosed(py, &self.path, &error, &out, names))?;
        let closed = self.closed.get_or_init(|| Closed { link, last: out });
        commands::list(py, &closed.last, names)
    }

    /// What waited when the session was closed; empty before.
    #[getter]
    fn last<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let last = self.closed.get().map_or(&[][..], |closed| &closed.last);
        commands::list(py, last, &self.state.names)
    }

    /// What a restart asks of the venues first; empty for a new journal.
    #[getter]
    fn first<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        commands::list(py, &self.first, &self.state.names)
    }

    /// The journal's file.
    #[getter]
    fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The run's number, part of every order id.
    #[getter]
    fn run(&self) -> u16 {
        self.run
    }

    /// What a restart found: records, events, bytes cut off; None for a new journal.
    #[getter]
    fn recovered<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(recovered) = &self.recovered else {
            return Ok(None);
        };
        let found = PyDict::new(py);
        found.set_item("records", recovered.records)?;
        found.set_item("events", recovered.events)?;
        found.set_item("cut_bytes", recovered.cut.map_or(0, |tail| tail.bytes))?;
        found.set_item("poisoned", recovered.poisoned.map(|cause| format!("{cause:?}")))?;
        Ok(Some(found))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(not_pickled(slf.py(), "session"))
    }
}

fn link_bytes<'py>(py: Python<'py>, link: &Link) -> Bound<'py, PyBytes> {
    PyBytes::new(py, link)
}

/// Prove every record of a journal; the file is only read.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands over owned values")]
pub(crate) fn verify(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let report = py.detach(|| guarded(|| prove(&path)));
    let report = report.map_err(|invariant| internal(py, &invariant))?;
    let found = PyDict::new(py);
    verdict(&found, &report)?;
    let counts = PyDict::new(py);
    for kind in Kind::ALL {
        counts.set_item(format!("{kind:?}").to_lowercase(), report.count(*kind))?;
    }
    found.set_item("records", report.records())?;
    found.set_item("counts", counts)?;
    found.set_item("events", report.last_seq)?;
    found.set_item("bytes", report.bytes)?;
    found.set_item("link", link_bytes(py, &report.link))?;
    found.set_item("cuts", report.cuts.len())?;
    let header = report.header.as_ref();
    found.set_item("library", header.map(|header| &header.library))?;
    found.set_item("run", header.map(|header| header.id.run))?;
    found.set_item("config", header.map(|header| PyBytes::new(py, &header.config)))?;
    Ok(found)
}

fn verdict(found: &Bound<'_, PyDict>, report: &Report) -> PyResult<()> {
    let (word, text, record, at) = match &report.verdict {
        Verdict::Clean => ("clean", None, None, None),
        Verdict::Torn(tail) => {
            let text = format!("torn tail of {} bytes at byte {}", tail.bytes, tail.at);
            ("torn", Some(text), Some(tail.record), Some(tail.at))
        }
        Verdict::Damaged(damage) => {
            ("damaged", Some(damage.to_string()), Some(damage.record), Some(damage.at))
        }
        Verdict::Unreadable(error) => ("unreadable", Some(error.to_string()), None, None),
    };
    found.set_item("verdict", word)?;
    found.set_item("why", text)?;
    found.set_item("record", record)?;
    found.set_item("at", at)
}

/// Replay a journal into a new engine and compare every command and digest.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands over owned values")]
pub(crate) fn replay(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let played = py.detach(|| guarded(|| play(&path, &[])));
    let played = played.map_err(|invariant| internal(py, &invariant))?;
    let played: Replayed = played.map_err(|error| journal(py, "replay", Some(&path), &error))?;
    let found = PyDict::new(py);
    found.set_item("records", played.records)?;
    found.set_item("events", played.events)?;
    found.set_item("decisions", played.decisions)?;
    found.set_item("commands", played.commands)?;
    found.set_item("checkpoints", played.checkpoints)?;
    found.set_item("digest", PyBytes::new(py, &played.digest))?;
    found.set_item("link", link_bytes(py, &played.link))?;
    found.set_item("tail_bytes", played.tail.map_or(0, |tail| tail.bytes))?;
    found.set_item("per_second", played.per_second())?;
    Ok(found)
}
