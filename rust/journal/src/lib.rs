//! A session: an engine together with its append-only, hash-chained file.
//!
//! The only crate here that touches a disk.
//!
//! # What is on disk
//! A folder of mode 0700 holds `journal-NNNN.cmj` (records, see `cross_market_core::record`; NNNN is
//! the run that began it), `epoch` (how often the folder was opened for writing, and the last run
//! number given out), `lock` (the one writer holds it) and `reserve` (space that is given back so
//! that a full disk can still take the last records). Files are of mode 0600.
//!
//! # Torn or damaged
//! A journal ends either behind a whole record, or in a *tail* that is no record. A tail is *torn*,
//! and a restart cuts it off aloud, when it can be what is left of the last write:
//!
//! 1. nothing in it is the sound head of a later record; or
//! 2. such heads are in it, none of them says that the record at the tail's first byte was durable
//!    as it was written, and before the first of them lies a whole 512-byte sector of zeros: of
//!    several records between two syncs the disk lost a sector.
//!
//! Everything else is *damaged* and refused: no byte of the file is changed. A wrong bit anywhere
//! but in the last record leaves sound heads behind it and no zero sector, so it is always refused;
//! in the last record it is cut, aloud. What a chain cannot show is a journal that was cut between
//! two records; who keeps the last link elsewhere ([`Session::link`]) can show that too.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod disk;
mod error;
mod folder;
mod live;
mod log;
mod player;
mod reader;
mod replay;
pub mod samples;
mod scan;
mod session;
pub mod sweep;
mod verify;

pub use disk::{Disk, RealDisk};
pub use error::{JournalError, NotPlain};
pub use reader::{Entry, Reader};
pub use replay::{Replayed, Source, replay, replay_bytes};
pub use scan::{Damage, Ending, Tail};
pub use session::{Recovered, Session};
pub use verify::{Report, Verdict, verify, verify_bytes};
