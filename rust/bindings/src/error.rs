//! Every error becomes one of the classes of `cross_market.errors`, with its numbers as attributes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use cross_market_core::command::Command;
use cross_market_core::error::{ConfigError as CoreConfigError, Error};
use cross_market_core::num::MONEY_MAX;
use cross_market_journal::{JournalError, Session};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::commands;
use crate::names::Directory;

mod python {
    pyo3::import_exception!(cross_market.errors, ConfigError);
    pyo3::import_exception!(cross_market.errors, InputTypeError);
    pyo3::import_exception!(cross_market.errors, InternalError);
    pyo3::import_exception!(cross_market.errors, JournalError);
    pyo3::import_exception!(cross_market.errors, UsageError);
}

/// An instance of class `E` with these keyword arguments.
fn raise<'py, E: PyTypeInfo>(
    py: Python<'py>,
    message: String,
    fill: impl FnOnce(&Bound<'py, PyDict>) -> PyResult<()>,
) -> PyErr {
    let fields = PyDict::new(py);
    let made = fill(&fields).and_then(|()| py.get_type::<E>().call((message,), Some(&fields)));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(problem) => problem,
    }
}

/// A value at `field` that is wrong.
pub(crate) fn wrong(
    py: Python<'_>,
    field: &str,
    value: &Bound<'_, PyAny>,
    expected: &str,
) -> PyErr {
    let found = shown(value);
    raise::<python::ConfigError>(
        py,
        format!("{field}: found {found}, expected {expected}"),
        |fields| {
            fields.set_item("field", field)?;
            fields.set_item("value", value)?;
            fields.set_item("expected", expected)
        },
    )
}

/// A value at `field` that is not there.
pub(crate) fn missing(py: Python<'_>, field: &str, expected: &str) -> PyErr {
    raise::<python::ConfigError>(py, format!("{field}: missing, expected {expected}"), |fields| {
        fields.set_item("field", field)?;
        fields.set_item("expected", expected)
    })
}

/// A value at `field` of a type that is not taken.
pub(crate) fn wrong_type(
    py: Python<'_>,
    field: &str,
    value: &Bound<'_, PyAny>,
    expected: &str,
) -> PyErr {
    let kind = helped("kind_name", value);
    let found = shown(value);
    raise::<python::InputTypeError>(
        py,
        format!("{field}: found {found} of type {kind}, expected {expected}"),
        |fields| {
            fields.set_item("field", field)?;
            fields.set_item("value", value)?;
            fields.set_item("expected", expected)
        },
    )
}

/// A call that is wrong here.
pub(crate) fn usage(py: Python<'_>, call: &str, state: &str, expected: &str) -> PyErr {
    raise::<python::UsageError>(py, format!("{call}: {state}; expected {expected}"), |fields| {
        fields.set_item("call", call)?;
        fields.set_item("state", state)?;
        fields.set_item("expected", expected)
    })
}

/// What the door of the core refused; `call` is the method that was called.
pub(crate) fn door(py: Python<'_>, call: &str, error: &Error) -> PyErr {
    match error {
        Error::TimeWentBack { by_ns } => {
            let state = format!("now is {by_ns} ns before the last call");
            usage(py, call, &state, "a time that never steps back")
        }
        Error::Poisoned => {
            usage(py, call, "the engine is poisoned", "a new engine, by replay of the journal")
        }
        Error::Config(error) => config(py, error),
        Error::TimeOutOfRange { field, found } => {
            let expected = "ns since the Unix epoch, from 1970 to 2200";
            number(py, field.name(), found.0, expected)
        }
        Error::Unknown { field, found } => {
            let expected = "a number that the configuration names";
            number(py, field.name(), i64::from(*found), expected)
        }
        Error::OutOfBounds { field, found } => {
            number(py, field.name(), *found, "a value within the bounds of the field")
        }
        Error::UnknownOrder { found } => {
            let expected = "an order that the engine knows, and has not forgotten";
            number(py, "order", found.0, expected)
        }
        Error::Amount { found } => {
            let expected = format!("an amount up to {MONEY_MAX} either way");
            let found = found.to_string();
            refused(py, "amount", Some(&found), format!("{expected}, found {found}"))
        }
        Error::LotsShort { leg, found } => {
            let expected = "at most the unassigned lots of the leg, with their sign";
            number(py, &format!("lots[{}]", leg.0), *found, expected)
        }
        Error::Contradiction { field } => {
            let expected = "a value that fits the other fields of the event";
            refused(py, field.name(), None, expected.to_owned())
        }
        Error::Number { field, why } => refused(py, field.name(), None, why.to_string()),
    }
}

/// The same error with the row that it was found in, and what became of the others.
pub(crate) fn in_row(py: Python<'_>, error: PyErr, row: usize, note: &str) -> PyErr {
    let value = error.value(py);
    let noted = value.setattr("row", row).and_then(|()| value.call_method1("add_note", (note,)));
    match noted {
        Ok(_) => error,
        Err(problem) => problem,
    }
}

/// What a session refused; where its journal could not be written, with the system's answer.
pub(crate) fn broken(py: Python<'_>, call: &str, session: &Session, error: &JournalError) -> PyErr {
    if let (JournalError::Poisoned { .. }, Some(failure)) = (error, session.failure()) {
        let state = format!("{error}: {failure}");
        return usage(py, call, &state, "a new session on the same journal");
    }
    journal(py, call, Some(session.path()), error)
}

/// A journal that could not be closed, and the commands that must leave all the same.
pub(crate) fn unclosed(
    py: Python<'_>,
    path: &Path,
    error: &JournalError,
    commands: &[Command],
    names: &Directory,
) -> PyErr {
    raise::<python::JournalError>(py, format!("close: {error}"), |fields| {
        fields.set_item("path", path.display().to_string())?;
        fields.set_item("commands", commands::list(py, commands, names)?)
    })
}

/// What a journal or its session refused.
pub(crate) fn journal(
    py: Python<'_>,
    call: &str,
    path: Option<&Path>,
    error: &JournalError,
) -> PyErr {
    let (record, offset) = match error {
        JournalError::Door(error) => return door(py, call, error),
        JournalError::Poisoned { .. } => {
            return usage(py, call, &error.to_string(), "a new session on the same journal");
        }
        JournalError::Damaged(damage) => (Some(damage.record), Some(damage.at)),
        JournalError::Torn { at, .. } => (None, Some(*at)),
        JournalError::Payload { record, .. } => (Some(*record), None),
        JournalError::Headless { .. } => (Some(0), Some(0)),
        JournalError::Locked { .. }
        | JournalError::Missing { .. }
        | JournalError::NotPlain { .. }
        | JournalError::Empty
        | JournalError::NotAJournal
        | JournalError::Version { .. }
        | JournalError::Diverged { .. }
        | JournalError::ConfigTooLong { .. }
        | JournalError::OtherConfig
        | JournalError::NoSource { .. }
        | JournalError::RunsExhausted
        | JournalError::Epoch
        | JournalError::Io { .. } => (None, None),
    };
    raise::<python::JournalError>(py, format!("{call}: {error}"), |fields| {
        fields.set_item("path", path.map(|path| path.display().to_string()))?;
        fields.set_item("record", record)?;
        fields.set_item("offset", offset)
    })
}

fn number(py: Python<'_>, field: &str, found: impl Into<i128>, expected: &str) -> PyErr {
    let found: i128 = found.into();
    raise::<python::ConfigError>(
        py,
        format!("{field}: found {found}, expected {expected}"),
        |fields| {
            fields.set_item("field", field)?;
            fields.set_item("value", found)?;
            fields.set_item("expected", expected)
        },
    )
}

fn refused(py: Python<'_>, field: &str, value: Option<&str>, expected: String) -> PyErr {
    raise::<python::ConfigError>(py, format!("{field}: expected {expected}"), |fields| {
        fields.set_item("field", field)?;
        fields.set_item("value", value)?;
        fields.set_item("expected", expected)
    })
}

/// A value of the configuration that the core refused.
pub(crate) fn config(py: Python<'_>, error: &CoreConfigError) -> PyErr {
    raise::<python::ConfigError>(py, error.to_string(), |fields| {
        fields.set_item("field", &error.field)?;
        fields.set_item("value", &error.value)?;
        fields.set_item("expected", &error.expected)
    })
}

/// A broken invariant: our bug.
pub(crate) fn internal(py: Python<'_>, invariant: &str) -> PyErr {
    raise::<python::InternalError>(py, bug(invariant), |fields| {
        fields.set_item("invariant", invariant)
    })
}

/// A broken invariant, and the commands that must leave all the same.
pub(crate) fn fallen(
    py: Python<'_>,
    invariant: &str,
    commands: &[Command],
    names: &Directory,
) -> PyErr {
    raise::<python::InternalError>(py, bug(invariant), |fields| {
        fields.set_item("invariant", invariant)?;
        fields.set_item("commands", commands::list(py, commands, names)?)
    })
}

fn bug(invariant: &str) -> String {
    format!("a bug in cross_market, please report it with this text and the journal: {invariant}")
}

/// Runs `work`; a panic becomes its message.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_text(panic.as_ref()))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<String>() {
        return text.clone();
    }
    panic
        .downcast_ref::<&str>()
        .map_or_else(|| "a panic without text".to_owned(), |text| (*text).to_owned())
}

/// A value as an error message may show it: short.
fn shown(value: &Bound<'_, PyAny>) -> String {
    helped("shown", value)
}

/// What a helper of Python says of a value.
fn helped(helper: &str, value: &Bound<'_, PyAny>) -> String {
    let helper = value.py().import("cross_market._values").and_then(|it| it.getattr(helper));
    helper
        .and_then(|helper| helper.call1((value,)))
        .and_then(|text| text.extract::<String>())
        .unwrap_or_else(|_| "a value that cannot be shown".to_owned())
}
