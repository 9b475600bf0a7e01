//! Cross-market hedging as one value: `(state, event, now) → commands`.
//!
//! The crate is pure: it reads no clock, file, socket, environment or random source. Levels and
//! arrows between its files are held by a test (`tests/rust/tidy.rs`).
//!
//! # Words
//! *Hedge*: a configured relation of 2 to 8 legs. *Set*: one +set trades the legs as written.
//! *Attempt*: one execution, with a decision id; it owns its orders and its hold. *Hold*: what is
//! reserved for all legs before anything is sent. *Residual*: what is not aligned, in common units,
//! counted against the position. *Refusal*: a gate's expected "no". *Denied* is ours, *rejected* is
//! the venue's. *Unknown*: sent, and nothing is proven; it is not rejected.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod error;
pub mod ids;
pub mod instrument;
pub mod legging;
pub mod num;
pub mod phase;
pub mod quote;
pub mod time;
pub mod wire;

pub mod book;
pub mod merge;
pub mod signal;
pub mod stats;

pub mod formula;
pub mod funds;
pub mod margin;
pub mod position;

pub mod attempt;
pub mod order;
pub mod resolve;

pub mod clock;
pub mod conduct;
pub mod gate;
pub mod threshold;

pub mod command;
pub mod config;
pub mod event;

pub mod attribution;
pub mod engine;
pub mod market;
pub mod record;
