//! The native module `cross_market._core`: thin, flat, no logic of its own.
#![forbid(unsafe_code)]

mod asked;
mod commands;
mod doors;
mod each;
mod engine;
mod error;
mod events;
mod fields;
mod market;
mod names;
mod over_time;
mod owner;
mod rows;
mod session;
mod simulate;
mod steps;
mod tables;
mod words;

#[pyo3::pymodule]
mod _core {
    use cross_market_core::command::AlertCode;
    use cross_market_core::config::Config;
    use cross_market_core::gate::Refusal;
    use cross_market_core::ids::ClientOrderId;
    use cross_market_sim::fault::Fault;
    use pyo3::prelude::*;
    use pyo3::types::PyInt;

    #[pymodule_export]
    use crate::engine::Engine;
    use crate::error::{door, guarded, internal, wrong, wrong_type};
    #[pymodule_export]
    use crate::market::Market;
    #[pymodule_export]
    use crate::session::{Session, replay, verify};
    use crate::simulate::fault_word;
    #[pymodule_export]
    use crate::simulate::{refused_opening, simulate};
    #[pymodule_export]
    use crate::steps::steps;
    use crate::words::Words;

    /// Return the version of the compiled core.
    #[pyfunction]
    fn version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Return how the core was built: 'release', or 'debug', which is many times slower.
    #[pyfunction]
    fn profile() -> &'static str {
        if cfg!(debug_assertions) { "debug" } else { "release" }
    }

    /// Raise `ConfigError` when the core refuses a configuration.
    #[pyfunction]
    fn check_config(py: Python<'_>, json: &[u8]) -> PyResult<()> {
        let made = guarded(|| Config::from_json(json).map(|_| ()));
        let made = made.map_err(|invariant| internal(py, &invariant))?;
        made.map_err(|error| door(py, "Config", &error))
    }

    /// Return an order id as venues see it: 13 base-32 characters.
    ///
    /// order: int – the id, of 64 bits.
    /// Raises `ConfigError` or `InputTypeError` for what is no such id.
    #[pyfunction]
    fn order_text(order: &Bound<'_, PyAny>) -> PyResult<String> {
        let expected = "the id of an order, a whole number of 64 bits as int";
        if !order.is_exact_instance_of::<PyInt>() {
            return Err(wrong_type(order.py(), "order", order, expected));
        }
        let id = order.extract().map_err(|_| wrong(order.py(), "order", order, expected))?;
        Ok(ClientOrderId(id).text().as_str().to_owned())
    }

    /// Return the name of every class of faults.
    #[pyfunction]
    fn faults() -> Vec<String> {
        Fault::ALL.iter().map(|fault| fault_word(*fault)).collect()
    }

    /// Return every refusal of a gate, in the order in which the gates ask.
    #[pyfunction]
    fn refusals() -> Vec<&'static str> {
        Refusal::WORDS.iter().map(|(word, _)| *word).collect()
    }

    /// Return every code of an alert.
    #[pyfunction]
    fn alerts() -> Vec<&'static str> {
        AlertCode::WORDS.iter().map(|(word, _)| *word).collect()
    }
}
