//! One owned value behind a Python object: one call at a time, in the process that made it.

use std::sync::{Mutex, PoisonError, TryLockError};

use pyo3::prelude::*;

use crate::error::{guarded, internal, usage};

/// A value that one call at a time may use; gone after close, and after a panic.
#[derive(Debug)]
pub(crate) struct Owner<T> {
    what: &'static str,
    value: Mutex<State<T>>,
    process: u32,
}

#[derive(Debug)]
enum State<T> {
    Open(T),
    Closed,
    Broken(String),
}

impl<T: Send> Owner<T> {
    /// A value that belongs to this process; `what` names it in errors.
    pub(crate) fn new(what: &'static str, value: T) -> Owner<T> {
        Owner { what, value: Mutex::new(State::Open(value)), process: std::process::id() }
    }

    /// Runs `work` on the value.
    ///
    /// Raises `UsageError` after close, in another process, or while another call is under way, and
    /// `InternalError` when `work` panics; the value is not used again after that.
    pub(crate) fn with<R>(
        &self,
        py: Python<'_>,
        call: &str,
        work: impl FnOnce(&mut T) -> PyResult<R>,
    ) -> PyResult<R> {
        self.check_process(py, call)?;
        let what = self.what;
        let mut state = match self.value.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let busy = format!("another call of the {what} is under way");
                return Err(usage(py, call, &busy, "one call at a time"));
            }
        };
        let value = match &mut *state {
            State::Open(value) => value,
            State::Closed => {
                let closed = format!("the {what} is closed");
                return Err(usage(py, call, &closed, "a call before close"));
            }
            State::Broken(invariant) => return Err(internal(py, invariant)),
        };
        match guarded(|| work(value)) {
            Ok(result) => result,
            Err(invariant) => {
                let error = internal(py, &invariant);
                *state = State::Broken(invariant);
                Err(error)
            }
        }
    }

    /// Takes the value out; later calls are refused. `None` when it is gone already.
    pub(crate) fn close(&self, py: Python<'_>, call: &str) -> PyResult<Option<T>> {
        self.check_process(py, call)?;
        let mut state = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Open(value) => Ok(Some(value)),
            State::Closed => Ok(None),
            State::Broken(invariant) => {
                *state = State::Broken(invariant);
                Ok(None)
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
