//! Why a journal or a session said no.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use cross_market_core::error::Error;
use cross_market_core::record::Cause;
use cross_market_core::wire::WireError;

use crate::scan::Damage;

/// What stands where a plain file or folder of ours was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPlain {
    /// A symbolic link.
    Symlink,
    /// A folder, where a file was expected.
    Folder,
    /// A file, where a folder was expected.
    File,
    /// A pipe, socket or device.
    Special,
    /// It belongs to another user.
    Foreign,
    /// Others may write to it.
    Open,
    /// It may only be read.
    ReadOnly,
}

/// Why a journal or a session said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// The engine's door refused the event; nothing has changed and nothing was journaled.
    Door(Error),
    /// The session is poisoned; the event was journaled if that was possible, and not applied.
    Poisoned {
        /// Why.
        cause: Cause,
    },
    /// Another process has the folder open for writing.
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds no journal to go on with.
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// A path is not the plain file or folder that it has to be.
    NotPlain {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: NotPlain,
    },
    /// The file is empty.
    Empty,
    /// The file does not begin as a journal does.
    NotAJournal,
    /// The journal is of a version that this library does not read.
    Version {
        /// The version found.
        found: u16,
        /// The version read.
        known: u16,
    },
    /// The file ends before its header does: nothing of the run is known.
    Headless {
        /// Bytes there.
        bytes: u64,
    },
    /// A record is not the one that belongs there, and more follows: somebody or something changed
    /// the journal. The file was left as it is.
    Damaged(Damage),
    /// The journal ends in a torn tail, where a whole one is needed.
    Torn {
        /// Where the tail begins, in bytes.
        at: u64,
        /// Its bytes.
        bytes: u64,
    },
    /// A proven record holds bytes that this version cannot read.
    Payload {
        /// Number of the record.
        record: u64,
        /// Why.
        why: WireError,
    },
    /// The engine does not do again what the journal says it did.
    Diverged {
        /// Number of the event.
        seq: u64,
    },
    /// The configuration does not fit into a record.
    ConfigTooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// A restart was asked for with another configuration than the journal's.
    OtherConfig,
    /// Rows are in a source that was not given, or not whole.
    NoSource {
        /// SHA-256 of the source.
        sha256: [u8; 32],
        /// The first row that is missing.
        row: u64,
    },
    /// All 4,095 run numbers of the folder are used up.
    RunsExhausted,
    /// The folder's `epoch` file does not say what it should.
    Epoch,
    /// The operating system said no.
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// The kind of its answer.
        kind: io::ErrorKind,
        /// Its answer.
        text: String,
    },
}

impl JournalError {
    pub(crate) fn io(doing: &'static str, path: &Path, error: &io::Error) -> JournalError {
        let (kind, text) = (error.kind(), error.to_string());
        JournalError::Io { doing, path: path.to_owned(), kind, text }
    }

    pub(crate) fn not_plain(path: &Path, found: NotPlain) -> JournalError {
        JournalError::NotPlain { path: path.to_owned(), found }
    }
}

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotPlain::Symlink => "is a symbolic link",
            NotPlain::Folder => "is a folder, expected a file",
            NotPlain::File => "is a file, expected a folder",
            NotPlain::Special => "is a pipe, socket or device, expected a file",
            NotPlain::Foreign => "belongs to another user",
            NotPlain::Open => "may be written to by other users",
            NotPlain::ReadOnly => "may only be read",
        })
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Door(error) => error.fmt(f),
            JournalError::Poisoned { cause } => {
                write!(f, "the session is poisoned ({cause:?}); restart it from its journal")
            }
            JournalError::Locked { folder } => {
                write!(
                    f,
                    "{}: another session writes here, of this process or another",
                    folder.display()
                )
            }
            JournalError::Missing { folder } => {
                write!(f, "{}: no journal to go on with", folder.display())
            }
            JournalError::NotPlain { path, found } => write!(f, "{} {found}", path.display()),
            JournalError::Empty => write!(f, "the file is empty"),
            JournalError::NotAJournal => write!(f, "the file is not a journal"),
            JournalError::Version { found, known } => {
                write!(f, "journal of version {found}, only {known} is read")
            }
            JournalError::Headless { bytes } => {
                write!(f, "the file ends inside its header, after {bytes} bytes")
            }
            JournalError::Damaged(damage) => damage.fmt(f),
            JournalError::Torn { at, bytes } => {
                write!(f, "torn tail of {bytes} bytes at byte {at}")
            }
            JournalError::Payload { record, why } => {
                write!(f, "record {record} cannot be read: {why:?}")
            }
            JournalError::Diverged { seq } => {
                write!(f, "event {seq}: the engine does not do again what the journal says")
            }
            JournalError::ConfigTooLong { bytes } => {
                write!(f, "the configuration has {bytes} bytes and does not fit into a record")
            }
            JournalError::OtherConfig => {
                write!(f, "the configuration is not the one the journal began with")
            }
            JournalError::NoSource { sha256, row } => {
                write!(f, "source ")?;
                sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, " is not there, or ends before row {row}")
            }
            JournalError::RunsExhausted => write!(f, "all run numbers are used up"),
            JournalError::Epoch => write!(f, "the epoch file does not say what it should"),
            JournalError::Io { doing, path, text, .. } => {
                write!(f, "{doing} {}: {text}", path.display())
            }
        }
    }
}

impl std::error::Error for JournalError {}

impl From<Error> for JournalError {
    fn from(error: Error) -> JournalError {
        JournalError::Door(error)
    }
}
