//! One owned value behind a Python object: one call at a time, in the process that made it.

use std::sync::{Mutex, MutexGuard, TryLockError};

use cross_market_core::command::Command;
use pyo3::prelude::*;

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
    process: u32,
}

enum State<T> {
    Open(T),
    Closed,
    /// The invariant, and what must leave.
    Broken(String, Vec<Command>),
}

impl<T: Owned> Owner<T> {
    /// A value that belongs to this process; `what` names it in errors.
    pub(crate) fn new(what: &'static str, value: T, names: Directory) -> Owner<T> {
        let value = Mutex::new(State::Open(value));
        Owner { names, what, value, process: std::process::id() }
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

    fn check_process(&self, py: Python<'_>, call: &str) -> PyResult<()> {
        if std::process::id() == self.process {
            return Ok(());
        }
        let forked = format!("the {} belongs to process {}", self.what, self.process);
        Err(usage(py, call, &forked, "a value made in this process, after the fork"))
    }
}

/// The error for pickling or copying a live value.
pub(crate) fn not_pickled(py: Python<'_>, what: &str) -> PyErr {
    let state = format!("the {what} is alive and owns its state");
    usage(py, "pickle", &state, "its Config, which can be pickled")
}
