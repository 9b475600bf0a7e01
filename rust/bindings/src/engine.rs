//! The engine as Python sees it.

use cross_market_core::book::Change;
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::Engine as CoreEngine;
use cross_market_core::error::Error;
use cross_market_core::ids::RUN_MAX;
use cross_market_core::time::Time;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList};

use crate::doors::Door;
use crate::error::{door, guarded, internal, wrong, wrong_type};
use crate::names::Directory;
use crate::owner::{Owned, Owner, not_pickled};
use crate::{commands, doors, events};

/// A configuration and its canonical bytes.
pub(crate) fn compiled(json: &[u8]) -> Result<(Config, Vec<u8>), Error> {
    Ok((Config::from_json(json)?, Config::canonical(json)?))
}

/// The configuration that a Python `Config` states, and its canonical bytes.
pub(crate) fn config_of(config: &Bound<'_, PyAny>) -> PyResult<(Config, Vec<u8>)> {
    let py = config.py();
    let bytes = stated(config)?;
    let made = guarded(|| compiled(&bytes)).map_err(|invariant| internal(py, &invariant))?;
    made.map_err(|error| door(py, "Config", &error))
}

/// The bytes in which a Python `Config` states itself.
pub(crate) fn stated(config: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let refused = || wrong_type(config.py(), "config", config, "a Config");
    let bytes = config.call_method0("to_json").map_err(|_| refused())?;
    bytes.cast_exact::<PyBytes>().map(|bytes| bytes.as_bytes().to_vec()).map_err(|_| refused())
}

/// The earliest stamp that is one of ns: those of s, ms and µs lie before 1980.
pub(crate) const STAMPS_FROM: Time = Time(315_532_800_000_000_000);
/// What a stamp is.
pub(crate) const STAMP: &str = "ns since the Unix epoch as int, from 1980 to 2200";

/// A moment given as an int.
pub(crate) fn time_of(value: &Bound<'_, PyAny>, field: &str) -> PyResult<Time> {
    let expected = "ns since the Unix epoch, as int";
    if !value.is_exact_instance_of::<PyInt>() {
        return Err(wrong_type(value.py(), field, value, expected));
    }
    let ns = value.extract::<i64>();
    ns.map(Time).map_err(|_| wrong(value.py(), field, value, expected))
}

/// Engine time at the beginning: in ms or µs every time-out would be wrong by as much.
pub(crate) fn start_of(value: &Bound<'_, PyAny>, field: &str) -> PyResult<Time> {
    let start = time_of(value, field)?;
    if start < STAMPS_FROM || start > Time::LATEST {
        return Err(wrong(value.py(), field, value, STAMP));
    }
    Ok(start)
}

struct State {
    engine: CoreEngine,
    /// The commands of a turn.
    turn: Vec<Command>,
    /// What has not been handed over yet.
    out: Vec<Command>,
}

impl Owned for State {
    fn last_words(&mut self) -> Vec<Command> {
        // What was not handed over has not left; what would have been sent is not sent any more.
        self.out.retain(|command| !command.waits());
        self.engine.poison(&mut self.out);
        std::mem::take(&mut self.out)
    }
}

impl Door for State {
    type Refused = Error;

    #[inline]
    fn change(&mut self, now: Time, change: &Change) -> Result<(), Error> {
        self.turn.clear();
        self.engine.change(now, change, &mut self.turn)?;
        self.out.append(&mut self.turn);
        Ok(())
    }

    fn check(&self, now: Time, message: &[Change]) -> Result<(), (usize, Error)> {
        self.engine.check_message(now, message)
    }

    fn error(&self, py: Python<'_>, call: &str, refused: &Error) -> PyErr {
        door(py, call, refused)
    }

    fn waiting(&mut self) -> &mut Vec<Command> {
        &mut self.out
    }
}

/// The core: one value that turns events into commands; it journals nothing.
///
/// Every call raises `UsageError` in another process, while another call is under way, and for a
/// time that steps back; `ConfigError` or `InputTypeError`, naming the field, for what is wrong in an
/// argument: then nothing has changed. What calls share:
/// config: Config – what is traded. start: int, ns – engine time at the beginning.
/// now: int, ns – engine time, never before an earlier one.
/// instrument: int – its number, from `id`, which takes its name.
/// side: int – 0 bid, 1 ask. price: int, ticks. qty: int, lots – 0 takes the level away.
/// row: int – 0 snapshot, 1 level, 2 delta, and 3 to 5 the same where the message ends.
/// seq, step: int – number of the message, and how far it is from the one before; 0 without.
/// exchange, receive: int, ns – when it was sent, when it was received.
/// rows: list of (side, price, qty), or an array of int64 – the levels of one message.
/// snapshot: bool – whether they are the whole book.
/// columns: dict from name to numpy array, or what speaks the Arrow capsule protocol.
/// first: int – the place of the row to begin with.
#[pyclass(frozen, module = "cross_market")]
pub(crate) struct Engine {
    state: Owner<State>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (config, *, start))]
    fn new(config: &Bound<'_, PyAny>, start: &Bound<'_, PyAny>) -> PyResult<Engine> {
        let py = config.py();
        let (config, _) = config_of(config)?;
        let start = start_of(start, "start")?;
        let made = guarded(|| CoreEngine::new(&config, start));
        let made = made.map_err(|invariant| internal(py, &invariant))?;
        let engine = made.map_err(|error| door(py, "Engine", &error))?;
        let names = Directory::new(&config);
        let state = State { engine, turn: Vec::new(), out: Vec::new() };
        Ok(Engine { state: Owner::new(py, "engine", state, names)? })
    }

    /// Take one event at engine time `now` and return what is to be done.
    ///
    /// now: int, ns – never before an earlier one.
    /// event – one of `cross_market.events`.
    /// returns: list of `cross_market.commands`; first those of an earlier call that an exception
    ///     kept from being handed over.
    /// Raises `ConfigError` or `InputTypeError` for what is wrong in the event, `UsageError` for a
    /// call that is wrong here; then nothing has changed. Raises `InternalError` when the core is
    /// broken: its `commands` cancel every order that may be alive, and nothing else works any more.
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
            let handled = state.engine.handle(now, &event, &mut state.turn);
            handled.map_err(|error| door(py, "handle", &error))?;
            state.out.append(&mut state.turn);
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

    /// Go on as a later run, for a platform that keeps its engine in a store of its own: every order
    /// that may have left is unknown, and the commands returned ask about it.
    ///
    /// now: int, ns – never before an earlier one.
    /// run: int – a number that no run of this engine has had, part of the ids from now on.
    fn restart<'py>(
        &self,
        now: &Bound<'py, PyAny>,
        run: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = now.py();
        let now = time_of(now, "now")?;
        if !run.is_exact_instance_of::<PyInt>() {
            return Err(wrong_type(py, "run", run, "a number, as int"));
        }
        self.state.with(py, "restart", |state| {
            let known = state.engine.run();
            let number = run.extract::<u16>().ok();
            let number = number.filter(|number| known < *number && *number <= RUN_MAX);
            let number = number.ok_or_else(|| {
                wrong(py, "run", run, &format!("a number above {known}, at most {RUN_MAX}"))
            })?;
            state.turn.clear();
            let restarted = state.engine.restart(now, number, &mut state.turn);
            restarted.map_err(|error| door(py, "restart", &error))?;
            state.out.append(&mut state.turn);
            commands::hand_over(py, &mut state.out, &self.state.names)
        })
    }

    /// Return a lower bound (ns) of the next moment at which a timer is due, None for never.
    fn deadline(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        self.state.with(py, "deadline", |state| Ok(state.engine.deadline().map(|time| time.0)))
    }

    /// Return the SHA-256 over the canonical encoding of the whole state.
    fn digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.state.with(py, "digest", |state| Ok(PyBytes::new(py, &state.engine.digest())))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(not_pickled(slf.py(), "engine"))
    }
}
