//! Proving a journal record by record, and judging where it stops.

use std::fmt;
use std::io::{self, Read};

use cross_market_core::record::{Chain, Flaw, HEAD, Head, Link, MARK, Step};
use sha2::{Digest, Sha256};

/// A tail that is what a torn write leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where it begins, in bytes.
    pub at: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The number that the record there would have had.
    pub record: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// A place where a journal was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where the record begins, in bytes.
    pub at: u64,
    /// The number of the record that belongs there.
    pub record: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { at, record, flaw } = self;
        write!(f, "record {record} at byte {at} is damaged: ")?;
        match flaw {
            Flaw::Mark => write!(f, "it does not begin as a record does"),
            Flaw::Check => write!(f, "its head does not match its own check"),
            Flaw::Head => write!(f, "its kind or length is not known"),
            Flaw::Place { found } => write!(f, "it is record {found}"),
            Flaw::Link => write!(f, "its link does not match"),
            Flaw::Payload => write!(f, "its content cannot be read"),
            Flaw::Seq { found } => write!(f, "it is event {found}, which does not follow"),
        }
    }
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Behind a whole record.
    Clean,
    /// In what a torn write left.
    Torn(Tail),
    /// In something else.
    Damaged(Damage),
}

/// A record that was proven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven<'a> {
    pub(crate) head: Head,
    pub(crate) payload: &'a [u8],
    pub(crate) link: Link,
    /// Where it begins, in bytes.
    pub(crate) at: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next<'a> {
    Record(Proven<'a>),
    End(Ending),
}

/// Bytes read at once.
const CHUNK: usize = 1 << 16;

/// What a disk loses at once.
const SECTOR: u64 = 512;

/// Proves the records of a journal in order, in bounded memory.
#[derive(Debug)]
pub(crate) struct Scan<R> {
    source: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were proven.
    done: usize,
    /// Where the buffer begins in the journal.
    base: u64,
    exhausted: bool,
    chain: Chain,
}

impl<R: Read> Scan<R> {
    pub(crate) fn new(source: R) -> Scan<R> {
        let (buffer, chain) = (Vec::new(), Chain::new());
        Scan { source, buffer, done: 0, base: 0, exhausted: false, chain }
    }

    /// How far it has proven.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Where the next record begins, in bytes.
    pub(crate) fn at(&self) -> u64 {
        self.base + wide(self.done)
    }

    /// The first bytes that are not proven, at most `count`, without moving on.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while !self.exhausted && self.buffer.len() - self.done < count {
            self.fill()?;
        }
        let rest = self.buffer.get(self.done..).unwrap_or_default();
        Ok(rest.get(..count).unwrap_or(rest))
    }

    /// Proves the next record, or judges the end.
    pub(crate) fn next(&mut self) -> io::Result<Next<'_>> {
        let at = self.at();
        loop {
            let rest = self.buffer.get(self.done..).unwrap_or_default();
            let mut chain = self.chain;
            let (head, size, link) = match chain.step(rest) {
                Step::Whole(whole) => (whole.head, whole.size, whole.link),
                Step::Short if !self.exhausted => {
                    self.fill()?;
                    continue;
                }
                Step::Short if rest.is_empty() => return Ok(Next::End(Ending::Clean)),
                Step::Short => return Ok(Next::End(self.judge(None)?)),
                Step::Bad(flaw) => return Ok(Next::End(self.judge(Some(flaw))?)),
            };
            self.chain = chain;
            let start = self.done + HEAD;
            self.done += size;
            let end = self.done - link.len();
            let payload = self.buffer.get(start..end).unwrap_or_default();
            return Ok(Next::Record(Proven { head, payload, link, at }));
        }
    }

    /// Reads on, and forgets what was proven.
    fn fill(&mut self) -> io::Result<()> {
        if self.done >= CHUNK {
            self.buffer.drain(..self.done);
            self.base += wide(self.done);
            self.done = 0;
        }
        let before = self.buffer.len();
        self.buffer.resize(before + CHUNK, 0);
        let mut filled = before;
        while let Some(space) = self.buffer.get_mut(filled..)
            && !space.is_empty()
        {
            match self.source.read(space) {
                Ok(0) => {
                    self.exhausted = true;
                    break;
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(filled);
                    return Err(error);
                }
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }

    /// Decides whether what is left is torn or damaged; the rule stands at the top of the crate.
    fn judge(&mut self, flaw: Option<Flaw>) -> io::Result<Ending> {
        let (at, record) = (self.at(), self.chain.index());
        // What ends inside a record with a sound head has that record's name for a flaw.
        let damage = Damage { at, record, flaw: flaw.unwrap_or(Flaw::Link) };
        if let Some(Flaw::Place { found }) = flaw
            && found > record
        {
            return Ok(Ending::Damaged(damage));
        }
        let mut tail = Sha256::new();
        let mut search = Search::new(at, record);
        loop {
            if search.look(self.buffer.get(self.done..).unwrap_or_default(), self.exhausted) {
                return Ok(Ending::Damaged(damage));
            }
            let keep = if self.exhausted { 0 } else { OVERLAP };
            let seen = (self.buffer.len() - self.done).saturating_sub(keep);
            let bytes = self.buffer.get(self.done..self.done + seen).unwrap_or_default();
            tail.update(bytes);
            self.buffer.drain(..self.done + seen);
            self.base += wide(self.done + seen);
            self.done = 0;
            if self.exhausted {
                break;
            }
            self.fill()?;
        }
        let (bytes, sha256) = (self.base - at, tail.finalize().into());
        Ok(Ending::Torn(Tail { at, bytes, record, sha256 }))
    }
}

/// Bytes of a chunk that are looked at again with the next: a head, or a sector, may lie across.
const OVERLAP: usize = 1024;

/// What was found behind the place where a journal stops.
#[derive(Debug)]
struct Search {
    start: u64,
    record: u64,
    /// Where the next chunk begins.
    base: u64,
    /// The first sound head of a later record.
    later: Option<u64>,
    /// Whether a sector of zeros lies before it.
    hole: bool,
}

impl Search {
    fn new(start: u64, record: u64) -> Search {
        Search { start, record, base: start, later: None, hole: false }
    }

    /// Looks through the next chunk; `true` when what was found can only be damage.
    fn look(&mut self, bytes: &[u8], last: bool) -> bool {
        let base = self.base;
        let mut from = 0;
        while let Some(rest) = bytes.get(from..)
            && let Some(found) = rest.windows(MARK.len()).position(|window| *window == MARK)
        {
            let place = from + found;
            from = place + 1;
            let Some((head, _)) = bytes.get(place..).and_then(|rest| rest.split_first_chunk())
            else {
                break;
            };
            let at = base + wide(place);
            let Ok(head) = Head::read(head) else { continue };
            if at == self.start || head.index < self.record {
                continue;
            }
            if head.proves_durable(self.record) {
                return true;
            }
            if self.later.is_none() {
                self.find_hole(bytes, at);
                self.later = Some(at);
                if !self.hole {
                    return true;
                }
            }
        }
        if self.later.is_none() {
            self.find_hole(bytes, base + wide(bytes.len()));
        }
        let keep = if last { 0 } else { OVERLAP };
        self.base += wide(bytes.len().saturating_sub(keep));
        false
    }

    /// Looks for a sector of zeros that ends at or before `end`. The first may begin before the
    /// tail does: then what lies in the tail is looked at, and a record's mark is not zero.
    fn find_hole(&mut self, bytes: &[u8], end: u64) {
        let mut from = self.base;
        while !self.hole {
            let sector_end = (from / SECTOR + 1) * SECTOR;
            let whole = from.is_multiple_of(SECTOR) || from == self.start;
            if sector_end > end {
                return;
            }
            let range = (from - self.base, sector_end - self.base);
            if let (Ok(first), Ok(past)) = (usize::try_from(range.0), usize::try_from(range.1))
                && let Some(sector) = bytes.get(first..past)
            {
                self.hole = whole && sector.iter().all(|byte| *byte == 0);
            }
            from = sector_end;
        }
    }
}

pub(crate) fn wide(count: usize) -> u64 {
    // A usize has at most 64 bits on every target this library builds for.
    u64::try_from(count).unwrap_or(u64::MAX)
}
