//! What can happen to a journal's bytes, tried everywhere: cut at every byte, flip every bit, and
//! delete, repeat, swap and splice records. The parser is the one that opens real journals.

use std::fmt;
use std::ops::Range;

use cross_market_core::command::Command;
use cross_market_core::event::Event;
use cross_market_core::record::{
    Cause, Chain, Checkpoint, Cut, Durability, Encoder, FrameRows, Head, Header, Poison, Restart,
    RunId, SCHEMA, Step,
};
use cross_market_core::time::{Span, Time};

use crate::error::JournalError;
use crate::reader::Reader;
use crate::samples::{changes, commands, events};
use crate::scan::{Ending, Next, Scan, wide};

/// Records between two syncs in [`journal`], at most.
const GROUP: usize = 4;

/// Most records that [`edits`] takes in pairs.
pub const EDITED_MAX: usize = 200;

/// What a sweep tried, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub tried: u64,
    /// How often it was not as it should be.
    pub failed: u64,
    /// The first that was not.
    pub first: Option<String>,
}

impl Tally {
    /// Counts one try, and keeps what it was when it is the first that was wrong.
    pub fn count(&mut self, is_right: bool, what: impl FnOnce() -> String) {
        self.tried += 1;
        if !is_right {
            self.failed += 1;
            self.first.get_or_insert_with(what);
        }
    }

    fn add(&mut self, part: Tally) {
        self.tried += part.tried;
        self.failed += part.failed;
        self.first = self.first.take().or(part.first);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tried, {} failed", self.tried, self.failed)?;
        self.first.iter().try_for_each(|first| write!(f, "; first: {first}"))
    }
}

/// A journal of at least `size` bytes with every record, event and command in it, some records
/// synced in groups, as run number `run` would have written it.
#[must_use]
pub fn journal(size: usize, run: u16) -> Vec<u8> {
    let id = RunId { engine: 1, run, start: Time(1_770_000_000_000_000_000) };
    let mut encoder = Encoder::begin(&Header {
        schema: SCHEMA,
        id,
        epoch: 1,
        durability: Durability::Group(Span::millis(5)),
        library: "cross_market".to_owned(),
        config: b"{\"engine\":1}".to_vec(),
    });
    let mut state = State { seq: 0, now: id.start, place: 0 };
    let (events, commands) = (events(), commands());
    while encoder.bytes().len() < size || state.place < events.len() {
        let event = state.place % events.len();
        let command = state.place % commands.len();
        let asked = commands.iter().cycle().skip(command).take(state.place % 4).copied();
        state.seq += 1;
        let asked: Vec<_> = asked.collect();
        if let Some(event) = events.get(event) {
            encoder.decision(state.seq, state.now, event, &asked);
        }
        state.others(&mut encoder, &asked);
        state.now = state.now + Span(1_234_567);
        state.place += 1;
        if state.place.is_multiple_of(GROUP) {
            encoder.settle();
        }
    }
    encoder.bytes().to_vec()
}

/// How far a journal was written.
struct State {
    seq: u64,
    now: Time,
    place: usize,
}

impl State {
    /// Every few decisions one record of each other kind.
    fn others(&mut self, encoder: &mut Encoder, asked: &[Command]) {
        let (seq, now) = (self.seq, self.now);
        match self.place % 16 {
            1 => {
                let mut rows = FrameRows::default();
                for change in changes() {
                    rows.push(now, &change);
                }
                encoder.rows(seq + 1, &rows);
                self.seq += u64::from(rows.count());
            }
            3 => {
                encoder.reference(seq + 1, &[0xAB; 32], 77, 4096);
                self.seq += 4096;
            }
            5 => encoder.checkpoint(&Checkpoint { seq, now, digest: [0xCD; 32] }),
            7 => encoder.cut(&Cut { seq, now, bytes: 17, sha256: [0xEF; 32] }),
            9 => encoder.restart(&Restart {
                seq,
                now,
                epoch: 2,
                run: 2,
                durability: Durability::Os,
                library: "cross_market".to_owned(),
                commands: asked.to_vec(),
            }),
            11 => {
                let (cause, commands) = (Cause::Sync, asked.to_vec());
                encoder.poison(&Poison { seq, now, cause, commands });
            }
            13 => {
                self.seq += 1;
                encoder.unapplied(self.seq, now, &Event::Tick);
            }
            _ => {}
        }
    }
}

/// Where each record of a whole journal begins, and where the last ends.
#[must_use]
pub fn bounds(bytes: &[u8]) -> Vec<usize> {
    let (mut chain, mut at, mut bounds) = (Chain::new(), 0, vec![0]);
    while let Step::Whole(whole) = chain.step(bytes.get(at..).unwrap_or_default()) {
        at += whole.size;
        bounds.push(at);
    }
    bounds
}

/// Cuts the journal at every byte. What is left must give back every record that is whole, name
/// the bytes that are not, and be a whole journal again once they are cut.
#[must_use]
pub fn cuts(bytes: &[u8]) -> Tally {
    let bounds = bounds(bytes);
    let mut tally = Tally::default();
    let mut whole = 0;
    for cut in 0..=bytes.len() {
        while bounds.get(whole + 1).is_some_and(|end| *end <= cut) {
            whole += 1;
        }
        let kept = bounds.get(whole).copied().unwrap_or(0);
        let left = bytes.get(..cut).unwrap_or_default();
        tally.count(is_recovered(left, whole, kept), || format!("cut at byte {cut}"));
    }
    tally
}

fn is_recovered(left: &[u8], whole: usize, kept: usize) -> bool {
    let mut reader = match Reader::over(left) {
        Ok(reader) => reader,
        Err(JournalError::Empty) => return left.is_empty(),
        Err(JournalError::Headless { bytes }) => return whole == 0 && is(bytes, left.len()),
        Err(_) => return false,
    };
    let mut records = 0;
    while let Ok(Some(_)) = reader.next() {
        records += 1;
    }
    records == whole
        && match reader.ending() {
            Some(Ending::Clean) => kept == left.len(),
            Some(Ending::Torn(tail)) => {
                is(tail.at, kept) && is(tail.bytes, left.len() - kept) && is(tail.record, whole)
            }
            Some(Ending::Damaged(_)) | None => false,
        }
}

fn is(found: u64, expected: usize) -> bool {
    usize::try_from(found) == Ok(expected)
}

/// Flips every bit of the journal, on all processors. In the last record the flip must be told as a torn tail, in any
/// other it must be refused, and the record named.
#[must_use]
pub fn flips(bytes: &[u8]) -> Tally {
    let bounds = bounds(bytes);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = bytes.len().div_ceil(workers).max(1);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let ranges =
            (0..bytes.len()).step_by(share).map(|from| from..bytes.len().min(from + share));
        let spawn = |range| scope.spawn(|| flips_in(bytes, &bounds, range));
        let work: Vec<_> = ranges.map(spawn).collect();
        for part in work {
            match part.join() {
                Ok(part) => tally.add(part),
                Err(_) => tally.count(false, || "a panic".to_owned()),
            }
        }
    });
    tally
}

fn flips_in(bytes: &[u8], bounds: &[usize], range: Range<usize>) -> Tally {
    let (mut tally, mut copy) = (Tally::default(), bytes.to_vec());
    let last = bounds.len().saturating_sub(2);
    for at in range {
        let record = bounds.partition_point(|bound| *bound <= at).saturating_sub(1);
        let start = bounds.get(record).copied().unwrap_or(0);
        for bit in 0..8 {
            flip(&mut copy, at, bit);
            let is_detected = match ending(&copy) {
                Ending::Clean => false,
                Ending::Torn(tail) => record == last && is(tail.at, start),
                Ending::Damaged(damage) => {
                    record < last && is(damage.at, start) && is(damage.record, record)
                }
            };
            tally.count(is_detected, || format!("bit {bit} of byte {at}, record {record}"));
            flip(&mut copy, at, bit);
        }
    }
    tally
}

fn flip(bytes: &mut [u8], at: usize, bit: u32) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

/// How these bytes end, by the links alone.
fn ending(bytes: &[u8]) -> Ending {
    let mut scan = Scan::new(bytes);
    loop {
        match scan.next() {
            Ok(Next::Record(_)) => {}
            Ok(Next::End(ending)) => return ending,
            // Bytes in memory can always be read.
            Err(_) => return Ending::Clean,
        }
    }
}

/// Deletes, repeats, swaps records of the journal, and splices in those of `other`, by all pairs of
/// the first [`EDITED_MAX`]. None may pass for clean. (A journal cut between two records does; it is
/// not tried.)
#[must_use]
pub fn edits(bytes: &[u8], other: &[u8]) -> Tally {
    let (ours, others) = (pieces(bytes), pieces(other));
    let mut tally = Tally::default();
    let mut check = |pieces: &[&[u8]], what: &str, from: usize, to: usize| {
        let ending = ending(&pieces.concat());
        tally.count(ending != Ending::Clean, || format!("{what} of records {from} and {to}"));
    };
    for from in 0..ours.len() {
        for to in 0..ours.len() {
            let mut edited = ours.clone();
            edited.insert(to, edited.get(from).copied().unwrap_or_default());
            // A record put before itself is a record repeated behind itself.
            check(&edited, "repetition", from, to);
            let mut edited = ours.clone();
            if let (Some(target), Some(source)) = (edited.get_mut(to), others.get(from)) {
                *target = source;
                check(&edited, "splice", from, to);
            }
            if from < to {
                let mut edited = ours.clone();
                edited.swap(from, to);
                check(&edited, "swap", from, to);
                let mut edited = ours.clone();
                drop(edited.drain(from..to));
                check(&edited, "deletion", from, to);
            }
        }
    }
    tally
}

/// The first records, each by itself.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let bounds = bounds(bytes);
    let pairs = bounds.iter().zip(bounds.iter().skip(1)).take(EDITED_MAX);
    pairs.filter_map(|(start, end)| bytes.get(*start..*end)).collect()
}

/// Loses sectors: each is zeroed in turn, as a power loss leaves it. In the records that were not
/// synced yet this is a torn write; before, it is damage.
#[must_use]
pub fn holes(bytes: &[u8]) -> Tally {
    const SECTOR: usize = 512;
    let bounds = bounds(bytes);
    let heads = heads(bytes, &bounds);
    let mut tally = Tally::default();
    for start in (0..bytes.len()).step_by(SECTOR) {
        let end = (start + SECTOR).min(bytes.len());
        let mut copy = bytes.to_vec();
        if let Some(sector) = copy.get_mut(start..end) {
            sector.fill(0);
        }
        let first = bounds.partition_point(|bound| *bound <= start).saturating_sub(1);
        let at = bounds.get(first).copied().unwrap_or(0);
        let mut later = heads.iter().filter(|(at, _)| *at >= end).map(|(_, head)| head);
        let was_durable = later.any(|head| head.proves_durable(wide(first)));
        let is_right = match ending(&copy) {
            Ending::Clean => false,
            Ending::Torn(tail) => is(tail.at, at) && !was_durable,
            Ending::Damaged(damage) => is(damage.at, at) && was_durable,
        };
        tally.count(is_right, || format!("sector at byte {start}, record {first}"));
    }
    tally
}

/// The heads of all records, and where they begin.
fn heads(bytes: &[u8], bounds: &[usize]) -> Vec<(usize, Head)> {
    let mut chain = Chain::new();
    let mut heads = Vec::new();
    for start in bounds {
        if let Step::Whole(whole) = chain.step(bytes.get(*start..).unwrap_or_default()) {
            heads.push((*start, whole.head));
        }
    }
    heads
}
