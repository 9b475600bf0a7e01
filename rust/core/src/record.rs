//! Records and their bytes: what a journal is made of, and the hash chain that binds it.
//!
//! # Layout
//! A journal is a row of records. Each is
//!
//! ```text
//! offset  bytes  what
//!      0      4  mark       "CMJ" and the version of this layout
//!      4      4  check      of the 12 bytes that follow it; tells a wrong head from a short file
//!      8      4  length     of the payload, in bytes
//!     12      1  kind       its code
//!     13      2  pending    records right before this one that were perhaps not durable yet
//!     15      5  index      number of the record, from 0
//!     20      n  payload
//!   20+n     32  link       SHA-256(link of the record before ‖ bytes 0 to 20+n)
//! ```
//!
//! The link before record 0 is the *genesis*, SHA-256 of a domain text and the run's own id, so a
//! record of another run fits nowhere. Since a link lies directly before the next record's mark,
//! what is hashed is one row of bytes. Numbers are little-endian.
//!
//! *Pending* counts from the last sync to the record, 65,535 for that many or more. It tells a torn
//! write from damage: what a later record knew to be durable cannot be torn.

mod basics;
mod chain;
mod codes;
mod commands;
mod events;
mod frame;
mod kinds;
mod orders;

pub use chain::{
    Chain, Encoder, Flaw, HEAD, Head, LINK, Link, MANY, MARK, PAYLOAD_MAX, Step, Whole,
};
pub use codes::Code;
pub use commands::{read_command, write_command};
pub use events::{read_event, write_event};
pub use frame::{Body, Frame, FrameRows, ROWS_MAX, Row};
pub use kinds::{
    Cause, Checkpoint, Cut, Decision, Durability, Header, Kind, Poison, Record, Restart, RunId,
    SCHEMA, Unapplied, write_commands,
};
