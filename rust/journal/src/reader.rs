//! The records of a journal, one by one, proven and read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cross_market_core::record::{Flaw, Header, Kind, Link, MARK, Record, SCHEMA};

use crate::error::JournalError;
use crate::folder::open_to_read;
use crate::scan::{Damage, Ending, Next, Scan};

/// A record and where it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number, from 0.
    pub index: u64,
    /// Where it begins, in bytes.
    pub at: u64,
    /// Its link.
    pub link: Link,
    /// The record.
    pub record: Record,
}

/// Reads a journal from its start. Every record given was proven by its link, and its events follow
/// each other without a gap.
#[derive(Debug)]
pub struct Reader<R> {
    scan: Scan<R>,
    path: PathBuf,
    header: Header,
    first: Option<Entry>,
    seq: u64,
    ending: Option<Ending>,
}

impl Reader<File> {
    /// Opens a journal; the file is not changed.
    ///
    /// # Errors
    /// [`JournalError`] when it is not a plain file, or does not begin with a whole header of a
    /// version that is read.
    pub fn open(path: &Path) -> Result<Reader<File>, JournalError> {
        Reader::start(open_to_read(path)?, path)
    }
}

impl<'a> Reader<&'a [u8]> {
    /// Reads a journal that is in memory.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn over(bytes: &'a [u8]) -> Result<Reader<&'a [u8]>, JournalError> {
        Reader::start(bytes, Path::new("memory"))
    }
}

impl<R: Read> Reader<R> {
    pub(crate) fn start(source: R, path: &Path) -> Result<Reader<R>, JournalError> {
        let failed = |error| JournalError::io("read", path, &error);
        let mut scan = Scan::new(source);
        check_mark(scan.peek(MARK.len()).map_err(failed)?)?;
        let (header, first) = match scan.next().map_err(failed)? {
            Next::End(Ending::Clean) => return Err(JournalError::Empty),
            Next::End(Ending::Torn(tail)) => {
                return Err(JournalError::Headless { bytes: tail.bytes });
            }
            Next::End(Ending::Damaged(damage)) => return Err(JournalError::Damaged(damage)),
            Next::Record(proven) => {
                let unread = |why| JournalError::Payload { record: 0, why };
                let found = Header::schema_of(proven.payload).map_err(unread)?;
                if found != SCHEMA {
                    return Err(JournalError::Version { found, known: SCHEMA });
                }
                let record = Record::read(Kind::Header, proven.payload).map_err(unread)?;
                let Record::Header(header) = record.clone() else {
                    return Err(JournalError::NotAJournal);
                };
                (header, Entry { index: 0, at: proven.at, link: proven.link, record })
            }
        };
        let path = path.to_owned();
        Ok(Reader { scan, path, header, first: Some(first), seq: 0, ending: None })
    }

    /// The header; the first entry is the same.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next record, `None` where the journal ends; [`Reader::ending`] says how.
    ///
    /// # Errors
    /// [`JournalError::Payload`] for a proven record that cannot be read, [`JournalError::Io`] when
    /// the file cannot be read.
    #[expect(clippy::should_implement_trait, reason = "an iterator would hide how it ended")]
    pub fn next(&mut self) -> Result<Option<Entry>, JournalError> {
        if let Some(entry) = self.first.take() {
            return Ok(Some(entry));
        }
        if self.ending.is_some() {
            return Ok(None);
        }
        let step = self.scan.next();
        let proven = match step.map_err(|error| JournalError::io("read", &self.path, &error))? {
            Next::End(ending) => {
                self.ending = Some(ending);
                return Ok(None);
            }
            Next::Record(proven) => proven,
        };
        let (index, at) = (proven.head.index, proven.at);
        let record = Record::read(proven.head.kind, proven.payload)
            .map_err(|why| JournalError::Payload { record: index, why })?;
        let link = proven.link;
        if let Some(found) = self.misplaced(&record) {
            let flaw = Flaw::Seq { found };
            self.ending = Some(Ending::Damaged(Damage { at, record: index, flaw }));
            return Ok(None);
        }
        Ok(Some(Entry { index, at, link, record }))
    }

    /// How the journal ended; `None` until [`Reader::next`] has given `None`.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// The number of the last event read, from 1; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Where the next record begins, in bytes.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.scan.at()
    }

    pub(crate) fn chain(&self) -> &cross_market_core::record::Chain {
        self.scan.chain()
    }

    /// Takes in the numbers of a record's events; its number when it does not follow.
    fn misplaced(&mut self, record: &Record) -> Option<u64> {
        let (found, first, count) = match record {
            Record::Header(_) => (0, 0, 0),
            Record::Decision(decision) => (decision.seq, self.seq + 1, 1),
            Record::Unapplied(unapplied) => (unapplied.seq, self.seq + 1, 1),
            Record::Market(frame) => (frame.seq, self.seq + 1, frame.count()),
            Record::Checkpoint(checkpoint) => (checkpoint.seq, self.seq, 0),
            Record::Cut(cut) => (cut.seq, self.seq, 0),
            Record::Restart(restart) => (restart.seq, self.seq, 0),
            Record::Poison(poison) => (poison.seq, self.seq, 0),
        };
        self.seq += count;
        (found != first).then_some(found)
    }
}

/// Tells a file of another kind or layout from a journal whose first record is damaged.
fn check_mark(found: &[u8]) -> Result<(), JournalError> {
    let [letters @ .., layout] = MARK;
    match found {
        [] => Err(JournalError::Empty),
        [first @ .., version] if *first == letters && *version != layout => {
            Err(JournalError::Version { found: u16::from(*version), known: u16::from(layout) })
        }
        [..] if MARK.starts_with(found) => Ok(()),
        [..] => Err(JournalError::NotAJournal),
    }
}
