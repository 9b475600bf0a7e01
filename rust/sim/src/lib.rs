//! A seeded world of venues with latency, queues and faults, on a virtual clock.
//!
//! Matching, queues and the truth about orders are its own code; it does not know the journal.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
