//! One owned value behind a Python object: one call at a time, in the process that made it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use cross_market_core::command::Command;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use crate::error::{fallen, guarded, usage};
use crate::names::Directory;

/// A value that can say what must leave when it is broken.
pub(crate) trait Owned: Send {
    /// What must leave although the value is not trusted any more: a cancel for every order that
    /// may be alive. Called once, after a panic.
    fn last_words(&mut self) -> Vec<Command>;
}

/// A value that one call at a time may use; gone after close, and after a panic.
pub(crate) struct Owner<T> {
    /// The names of its configuration.
    pub(crate) names: Directory,
    what: &'static str,
    value: Mutex<State<T>>,
    forks: u32,
}

/// Forks that this process is the child of, since the first value was made. Asking the system for
/// the process at every call costs more than the call.
static FORKS: AtomicU32 = AtomicU32::new(0);
static WATCH: PyOnceLock<()> = PyOnceLock::new();

/// Counts forks from now on; where a system has none, nothing is to be counted.
fn watch_forks(py: Python<'_>) -> PyResult<()> {
    WATCH
        .get_or_try_init(py, || {
            let os = py.import("os")?;
            if os.hasattr("register_at_fork")? {
                let counted = |_: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
                    FORKS.fetch_add(1, Ordering::Relaxed);
                };
                let hook = PyCFunction::new_closure(py, None, None, counted)?;
                let when = PyDict::new(py);
                when.set_item("after_in_child", hook)?;
                os.call_method("register_at_fork", (), Some(&when))?;
            }
            Ok(())
        })
        .copied()
}

enum State<T> {
    Open(T),
    Closed,
    /// The invariant, and what must leave.
    Broken(String, Vec<Command>),
}

impl<T: Owned> Owner<T> {
    /// A value that belongs to this process; `what` names it in errors.
    ///
    /// Raises what the interpreter says when forks cannot be watched.
    pub(crate) fn new(
        py: Python<'_>,
        what: &'static str,
        value: T,
        names: Directory,
    ) -> PyResult<Owner<T>> {
        watch_forks(py)?;
        let value = Mutex::new(State::Open(value));
        Ok(Owner { names, what, value, forks: FORKS.load(Ordering::Relaxed) })
    }

    /// Runs `work` on the value.
    ///
    /// Raises `UsageError` after close, in another process, or while another call is under way, and
    /// `InternalError` when `work` panics; the value is not used again after that, and the error
    /// carries what must leave, as does every later one.
    pub(crate) fn with<R>(
        &self,
        py: Python<'_>,
        call: &str,
        work: impl FnOnce(&mut T) -> PyResult<R>,
    ) -> PyResult<R> {
        self.check_process(py, call)?;
        let what = self.what;
        let mut state = self.enter(py, call)?;
        let value = match &mut *state {
            State::Open(value) => value,
            State::Closed => {
                let closed = format!("the {what} is closed");
                return Err(usage(py, call, &closed, "a call before close"));
            }
            State::Broken(invariant, commands) => {
                return Err(fallen(py, invariant, commands, &self.names));
            }
        };
        match guarded(|| work(value)) {
            Ok(result) => result,
            Err(invariant) => {
                // What is broken may break again; then there is nothing more to be had from it.
                let commands = guarded(|| value.last_words()).unwrap_or_default();
                let error = fallen(py, &invariant, &commands, &self.names);
                *state = State::Broken(invariant, commands);
                Err(error)
            }
        }
    }

    /// Takes the value out; later calls are refused. `None` when it is gone already.
    ///
    /// Raises `UsageError` while a call is under way, in this thread or another: waiting for it here
    /// would stop the interpreter, and with it that call.
    pub(crate) fn close(&self, py: Python<'_>, call: &str) -> PyResult<Option<T>> {
        self.check_process(py, call)?;
        let mut state = self.enter(py, call)?;
        match std::mem::replace(&mut *state, State::Closed) {
            State::Open(value) => Ok(Some(value)),
            State::Closed => Ok(None),
            State::Broken(invariant, commands) => {
                *state = State::Broken(invariant, commands);
                Ok(None)
            }
        }
    }

    /// The value, unless a call is under way.
    fn enter(&self, py: Python<'_>, call: &str) -> PyResult<MutexGuard<'_, State<T>>> {
        match self.value.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let busy = format!("another call of the {} is under way", self.what);
                Err(usage(py, call, &busy, "one call at a time"))
            }
        }
    }

    #[inline]
    fn check_process(&self, py: Python<'_>, call: &str) -> PyResult<()> {
        if FORKS.load(Ordering::Relaxed) == self.forks {
            return Ok(());
        }
        let forked = format!("the {} belongs to the process before the fork", self.what);
        Err(usage(py, call, &forked, "a value made in this process, after the fork"))
    }
}

/// The error for pickling or copying a live value.
pub(crate) fn not_pickled(py: Python<'_>, what: &str) -> PyErr {
    let state = format!("the {what} is alive and owns its state");
    usage(py, "pickle", &state, "its Config, which can be pickled")
}
