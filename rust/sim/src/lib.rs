//! A seeded world of venues with latency, queues and faults, on a virtual clock.
//!
//! Matching, queues and the truth about orders are its own code; it does not know the journal.
//!
//! # Parts
//! [`world`] is the loop: it drives any engine given as a closure. [`venue`] matches, [`depth`] and
//! [`truth`] are what it matches against and books to, [`latency`] and [`fault`] what lies between.
//! [`market`] makes data where none is recorded. [`outcome`] turns events and commands into tables,
//! [`watch`] keeps what the engine looked like over time, in a bounded [`series`];
//! [`check`] holds rules over them, [`swarm`] draws a whole run from one seed.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod atlas;
mod bank;
mod bounds;
pub mod check;
mod conduct;
mod crossing;
pub mod depth;
pub mod digest;
pub mod document;
pub mod draw;
mod engine;
pub mod exhaust;
pub mod fault;
mod feeds;
pub mod latency;
mod leases;
mod legging;
mod lines;
mod margins;
pub mod market;
pub mod mind;
pub mod minimise;
pub mod outcome;
pub mod pool;
pub mod random;
mod rolls;
mod rulings;
mod sent;
pub mod series;
pub mod setup;
pub mod spoken;
mod storms;
pub mod swarm;
pub mod tale;
mod told;
pub mod truth;
pub mod twin;
mod unpaid;
pub mod venue;
pub mod watch;
pub mod world;
