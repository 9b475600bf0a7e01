//! Records in a row: writing them with their links, and proving them one by one.

use sha2::{Digest, Sha256};

use crate::command::Command;
use crate::event::Event;
use crate::record::codes::Code;
use crate::record::events::write_event;
use crate::record::frame::{FrameRows, write_reference};
use crate::record::kinds::{Checkpoint, Cut, Header, Kind, Poison, Restart, RunId, write_decision};
use crate::time::Time;
use crate::wire::Writer;

/// First bytes of every record: the letters, and the version of the layout.
pub const MARK: [u8; 4] = [b'C', b'M', b'J', 1];

/// Bytes of a record before its payload.
pub const HEAD: usize = 20;

/// Bytes of a link.
pub const LINK: usize = 32;

/// Longest payload, in bytes.
pub const PAYLOAD_MAX: u32 = 1 << 24;

/// A link of the chain.
pub type Link = [u8; LINK];

/// Said instead of a larger number of records: how many, is not known.
pub const MANY: u16 = u16::MAX;

/// Most records of a journal; a number of that size fits into the 40 bits of a head.
const RECORDS_MAX: u64 = 1 << 40;

/// What a record's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the payload.
    pub length: u32,
    /// Number of the record in its journal, from 0.
    pub index: u64,
    /// What it is.
    pub kind: Kind,
    /// How many records right before it were perhaps not durable as it was written; all earlier
    /// ones were. [`MANY`]: perhaps none was.
    pub pending: u16,
}

/// Why bytes are not the record that belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It does not begin with [`MARK`].
    Mark,
    /// Its head does not match the head's own check.
    Check,
    /// Its head is sound, but its kind or length is none that this version knows.
    Head,
    /// It is a record of another place.
    Place {
        /// Its number.
        found: u64,
    },
    /// Its link does not match.
    Link,
    /// Its link matches and its payload cannot be read.
    Payload,
    /// It is not the event that follows the one before.
    Seq {
        /// The event's number.
        found: u64,
    },
}

impl Head {
    /// Reads a head.
    ///
    /// # Errors
    /// The [`Flaw`] of its mark, check, kind or length.
    pub fn read(bytes: &[u8; HEAD]) -> Result<Head, Flaw> {
        let (mark, check) = (word(bytes, 0), word(bytes, 4));
        if mark.to_le_bytes() != MARK {
            return Err(Flaw::Mark);
        }
        let (length, low, high) = (word(bytes, 8), word(bytes, 12), word(bytes, 16));
        if check != check_of(length, low, high) {
            return Err(Flaw::Check);
        }
        let [code, p0, p1, _] = low.to_le_bytes();
        let kind = Kind::from_code(code).ok_or(Flaw::Head)?;
        if length > PAYLOAD_MAX {
            return Err(Flaw::Head);
        }
        let index = (u64::from(high) << 8) | u64::from(low >> 24);
        Ok(Head { length, index, kind, pending: u16::from_le_bytes([p0, p1]) })
    }

    /// Whether record `index`, which is before this one, was durable as this one was written.
    #[must_use]
    pub fn proves_durable(&self, index: u64) -> bool {
        let between = self.index.saturating_sub(index);
        self.pending != MANY && between > u64::from(self.pending)
    }

    fn bytes(self) -> [u8; HEAD] {
        let [i0, i1, i2, i3, i4, ..] = self.index.to_le_bytes();
        let [p0, p1] = self.pending.to_le_bytes();
        let (low, high) = ([Code::code(self.kind), p0, p1, i0], [i1, i2, i3, i4]);
        let check = check_of(self.length, u32::from_le_bytes(low), u32::from_le_bytes(high));
        let mut bytes = [0; HEAD];
        let words = [MARK, check.to_le_bytes(), self.length.to_le_bytes(), low, high];
        for (target, source) in bytes.iter_mut().zip(words.as_flattened()) {
            *target = *source;
        }
        bytes
    }
}

fn word(bytes: &[u8; HEAD], at: usize) -> u32 {
    let mut word = [0; 4];
    for (target, source) in word.iter_mut().zip(bytes.iter().skip(at)) {
        *target = *source;
    }
    u32::from_le_bytes(word)
}

/// Each step is a bijection of the sum so far and of the word taken in, so a change inside one word
/// always shows, and any other change shows but for one in 2³².
fn check_of(length: u32, low: u32, high: u32) -> u32 {
    let step = |sum: u32, word: u32| (sum ^ word).wrapping_mul(0x9E37_79B1).rotate_left(15);
    step(step(step(0x811C_9DC5, length), low), high)
}

fn genesis(id: RunId) -> Link {
    let mut bytes = Writer::new();
    bytes.raw(b"cross_market journal genesis\n");
    id.write(&mut bytes);
    Sha256::digest(bytes.as_slice()).into()
}

/// A record whose link was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<'a> {
    /// What its first bytes say.
    pub head: Head,
    /// Its payload.
    pub payload: &'a [u8],
    /// Its link.
    pub link: Link,
    /// All its bytes.
    pub size: usize,
}

/// What stands at a place in a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The record that belongs there.
    Whole(Whole<'a>),
    /// The beginning of one; the bytes end before it does.
    Short,
    /// Something else.
    Bad(Flaw),
}

/// How far a journal has been proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    index: u64,
    link: Link,
}

impl Chain {
    /// Before record 0.
    #[must_use]
    pub fn new() -> Chain {
        Chain::default()
    }

    /// The number of the next record.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The link of the last record proven.
    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// Proves the record at the start of `bytes` and moves behind it; stays where it is unless the
    /// record is whole.
    pub fn step<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        let Some((first, _)) = bytes.split_first_chunk::<HEAD>() else {
            return Step::Short;
        };
        let head = match Head::read(first) {
            Ok(head) => head,
            Err(flaw) => return Step::Bad(flaw),
        };
        if head.index != self.index || (head.kind == Kind::Header) != (self.index == 0) {
            return Step::Bad(Flaw::Place { found: head.index });
        }
        // At most PAYLOAD_MAX, which a usize holds on every target this library builds for.
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        let Some((hashed, rest)) = bytes.split_at_checked(HEAD + length) else {
            return Step::Short;
        };
        let Some((link, _)) = rest.split_first_chunk::<LINK>() else {
            return Step::Short;
        };
        let payload = hashed.get(HEAD..).unwrap_or_default();
        let before = if self.index == 0 {
            match Header::run_of(payload) {
                Ok(id) => genesis(id),
                Err(_) => return Step::Bad(Flaw::Payload),
            }
        } else {
            self.link
        };
        let found: Link = Sha256::new().chain_update(before).chain_update(hashed).finalize().into();
        if found != *link {
            return Step::Bad(Flaw::Link);
        }
        self.index += 1;
        self.link = *link;
        Step::Whole(Whole { head, payload, link: *link, size: HEAD + length + LINK })
    }
}

/// Writes records behind each other into one buffer, which is emptied when its bytes were taken.
///
/// The buffer begins with the link before the first record in it: what is hashed lies in one piece.
#[derive(Clone, Debug)]
pub struct Encoder {
    out: Writer,
    index: u64,
    /// The number of the first record that is perhaps not durable.
    pending: u64,
}

impl Encoder {
    /// Begins a journal with its header.
    #[must_use]
    pub fn begin(header: &Header) -> Encoder {
        let mut out = Writer::new();
        out.raw(&genesis(header.id));
        let mut encoder = Encoder { out, index: 0, pending: 0 };
        encoder.record(Kind::Header, |out| header.write(out));
        encoder
    }

    /// Continues a journal that was proven as far as `chain`, and made durable.
    #[must_use]
    pub fn resume(chain: &Chain) -> Encoder {
        let mut out = Writer::new();
        out.raw(&chain.link);
        Encoder { out, index: chain.index, pending: chain.index }
    }

    /// The bytes not taken yet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.out.as_slice().get(LINK..).unwrap_or_default()
    }

    /// Says that [`Encoder::bytes`] were taken.
    pub fn taken(&mut self) {
        self.out.keep_last(LINK);
    }

    /// Says that every record so far is durable.
    pub fn settle(&mut self) {
        self.pending = self.index;
    }

    /// The number of the next record.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The link of the last record.
    #[must_use]
    pub fn link(&self) -> Link {
        self.out.as_slice().last_chunk::<LINK>().copied().unwrap_or_default()
    }

    /// Writes a [`Kind::Decision`].
    pub fn decision(&mut self, seq: u64, now: Time, event: &Event, commands: &[Command]) {
        self.record(Kind::Decision, |out| write_decision(out, seq, now, event, commands));
    }

    /// Writes a [`Kind::Market`] of rows that are here.
    pub fn rows(&mut self, seq: u64, rows: &FrameRows) {
        self.record(Kind::Market, |out| rows.write(out, seq));
    }

    /// Writes a [`Kind::Market`] of `count` rows of a source.
    pub fn reference(&mut self, seq: u64, sha256: &[u8; 32], first: u64, count: u32) {
        self.record(Kind::Market, |out| write_reference(out, seq, sha256, first, count));
    }

    /// Writes a [`Kind::Checkpoint`].
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.record(Kind::Checkpoint, |out| checkpoint.write(out));
    }

    /// Writes a [`Kind::Cut`].
    pub fn cut(&mut self, cut: &Cut) {
        self.record(Kind::Cut, |out| cut.write(out));
    }

    /// Writes a [`Kind::Restart`].
    pub fn restart(&mut self, restart: &Restart) {
        self.record(Kind::Restart, |out| restart.write(out));
    }

    /// Writes a [`Kind::Unapplied`].
    pub fn unapplied(&mut self, seq: u64, now: Time, event: &Event) {
        self.record(Kind::Unapplied, |out| {
            out.u64(seq);
            out.i64(now.0);
            write_event(out, event);
        });
    }

    /// Writes a [`Kind::Poison`].
    pub fn poison(&mut self, poison: &Poison) {
        self.record(Kind::Poison, |out| poison.write(out));
    }

    fn record(&mut self, kind: Kind, payload: impl FnOnce(&mut Writer)) {
        let start = self.out.as_slice().len();
        self.out.raw(&[0; HEAD]);
        payload(&mut self.out);
        let length = u32::try_from(self.out.as_slice().len() - start - HEAD).unwrap_or(u32::MAX);
        assert!(length <= PAYLOAD_MAX, "a record of more than {PAYLOAD_MAX} bytes");
        assert!(self.index < RECORDS_MAX, "a journal of more than {RECORDS_MAX} records");
        let pending = u16::try_from(self.index - self.pending).unwrap_or(MANY);
        let head = Head { length, index: self.index, kind, pending };
        if let Some(target) = self.out.as_mut_slice().get_mut(start..start + HEAD) {
            target.copy_from_slice(&head.bytes());
        }
        let hashed = self.out.as_slice().get(start - LINK..).unwrap_or_default();
        let link: Link = Sha256::digest(hashed).into();
        self.out.raw(&link);
        self.index += 1;
    }
}
