//! Verifying a journal without an engine: read-only, with a code that a script can use.

use std::path::Path;

use cross_market_core::record::{Code, Cut, Header, Kind, Link, Record};

use crate::error::JournalError;
use crate::reader::Reader;
use crate::scan::{Damage, Ending, Tail};

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is whole and follows the one before.
    Clean,
    /// Every record is whole, and the file ends in what a torn write leaves.
    Torn(Tail),
    /// A record is not the one that belongs there.
    Damaged(Damage),
    /// It could not be read as a journal.
    Unreadable(JournalError),
}

impl Verdict {
    /// The exit code for it: 0 clean, 1 changed or torn, 2 unreadable.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Verdict::Clean => 0,
            Verdict::Torn(_) | Verdict::Damaged(_) => 1,
            Verdict::Unreadable(_) => 2,
        }
    }
}

/// What a verification found; all but the verdict covers what was proven before it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// The header, where there is one.
    pub header: Option<Header>,
    /// Records, by [`Kind::ALL`].
    pub counts: [u64; Kind::ALL.len()],
    /// Number of the last event; the first is 1. 0 when there is none.
    pub last_seq: u64,
    /// The last link; whoever keeps it elsewhere can tell a shortened journal later.
    pub link: Link,
    /// Torn tails that were cut at restarts.
    pub cuts: Vec<Cut>,
    /// Bytes that were proven.
    pub bytes: u64,
}

impl Report {
    fn unreadable(error: JournalError) -> Report {
        let verdict = if let JournalError::Damaged(damage) = error {
            Verdict::Damaged(damage)
        } else {
            Verdict::Unreadable(error)
        };
        Report {
            verdict,
            header: None,
            counts: [0; Kind::ALL.len()],
            last_seq: 0,
            link: Link::default(),
            cuts: Vec::new(),
            bytes: 0,
        }
    }

    /// How many records of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        let place = Kind::ALL.iter().position(|other| *other == kind);
        place.and_then(|place| self.counts.get(place)).copied().unwrap_or(0)
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Proves every record of a journal; the file is only read.
#[must_use]
pub fn verify(path: &Path) -> Report {
    match Reader::open(path) {
        Ok(reader) => run(reader),
        Err(error) => Report::unreadable(error),
    }
}

/// [`verify`] of a journal that is in memory.
#[must_use]
pub fn verify_bytes(bytes: &[u8]) -> Report {
    match Reader::over(bytes) {
        Ok(reader) => run(reader),
        Err(error) => Report::unreadable(error),
    }
}

fn run<R: std::io::Read>(mut reader: Reader<R>) -> Report {
    let mut report = Report::unreadable(JournalError::Empty);
    report.header = Some(reader.header().clone());
    loop {
        match reader.next() {
            Ok(Some(entry)) => {
                let kind = entry.record.kind();
                let place = Kind::ALL.iter().position(|other| *other == kind);
                if let Some(count) = place.and_then(|place| report.counts.get_mut(place)) {
                    *count += 1;
                }
                (report.link, report.last_seq) = (entry.link, reader.seq());
                report.bytes = reader.at();
                if let Record::Cut(cut) = entry.record {
                    report.cuts.push(cut);
                }
            }
            Ok(None) => {
                report.verdict = match reader.ending() {
                    Some(Ending::Torn(tail)) => Verdict::Torn(*tail),
                    Some(Ending::Damaged(damage)) => Verdict::Damaged(*damage),
                    Some(Ending::Clean) | None => Verdict::Clean,
                };
                return report;
            }
            Err(error) => {
                report.verdict = Verdict::Unreadable(error);
                return report;
            }
        }
    }
}
