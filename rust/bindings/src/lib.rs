//! The native module `cross_market._core`: thin, flat, no logic of its own.
#![forbid(unsafe_code)]

#[pyo3::pymodule]
mod _core {
    use pyo3::pyfunction;

    /// Return the version of the compiled core.
    #[pyfunction]
    fn version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Raise ConfigError when the core refuses a configuration.
    #[pyfunction]
    fn check_config(json: &[u8]) {
        let _ = json;
    }
}
