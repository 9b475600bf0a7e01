//! The kinds of records and their payloads.

use crate::command::Command;
use crate::event::Event;
use crate::record::codes::{Code, codes};
use crate::record::commands::{read_command, write_command};
use crate::record::events::{read_event, write_event};
use crate::record::frame::Frame;
use crate::time::{Span, Time};
use crate::wire::{Reader, WireError, Writer};

/// The version of all payloads. A payload of another version is refused, never guessed at.
pub const SCHEMA: u16 = 1;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Record 0: the run, its configuration, its durability.
    Header = 1,
    /// An event that changed more than books, and what it commanded.
    Decision = 2,
    /// Market rows that caused nothing.
    Market = 3,
    /// A digest of the state.
    Checkpoint = 4,
    /// A torn tail was cut off here.
    Cut = 5,
    /// The journal was continued by another process.
    Restart = 6,
    /// An event that was taken while the session was poisoned; it was not applied.
    Unapplied = 7,
    /// The session became poisoned; its orders were cancelled.
    Poison = 8,
}

codes!(Kind {
    1 Header, 2 Decision, 3 Market, 4 Checkpoint, 5 Cut, 6 Restart, 7 Unapplied, 8 Poison,
});

/// When a record counts as safe, so that orders that rest on it may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After a sync that a group of records shares; the first of them waits at most so long.
    /// Zero: every release syncs.
    Group(Span),
    /// Once the operating system has it: a power loss may lose orders that have left.
    Os,
}

impl Durability {
    fn write(self, out: &mut Writer) {
        match self {
            Durability::Group(span) => {
                out.u8(0);
                out.i64(span.0);
            }
            Durability::Os => out.u8(1),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Durability, WireError> {
        if from.bool()? { Ok(Durability::Os) } else { Ok(Durability::Group(Span(from.i64()?))) }
    }
}

/// Which run a journal began with; the chain's first link is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId {
    /// The engine's number.
    pub engine: u8,
    /// The number of the run that created the journal.
    pub run: u16,
    /// Engine time at the start.
    pub start: Time,
}

impl RunId {
    pub(super) fn write(self, out: &mut Writer) {
        out.u8(self.engine);
        out.u16(self.run);
        out.i64(self.start.0);
    }

    fn read(from: &mut Reader<'_>) -> Result<RunId, WireError> {
        Ok(RunId { engine: from.u8()?, run: from.u16()?, start: Time(from.i64()?) })
    }
}

/// Record 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of all payloads that follow.
    pub schema: u16,
    /// Which run this is.
    pub id: RunId,
    /// How often this journal's folder had been opened for writing.
    pub epoch: u64,
    /// When orders may leave.
    pub durability: Durability,
    /// The version of the library that wrote it.
    pub library: String,
    /// The whole configuration as canonical bytes.
    pub config: Vec<u8>,
}

impl Header {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u16(self.schema);
        self.id.write(out);
        out.u64(self.epoch);
        self.durability.write(out);
        out.bytes(self.library.as_bytes());
        out.bytes(&self.config);
    }

    /// Reads the schema alone: what follows depends on it.
    ///
    /// # Errors
    /// [`WireError::Short`] when there is none.
    pub fn schema_of(payload: &[u8]) -> Result<u16, WireError> {
        Reader::new(payload).u16()
    }

    /// Reads the run alone: the chain's first link needs it before anything is proven.
    ///
    /// # Errors
    /// [`WireError::Short`] when there is none.
    pub fn run_of(payload: &[u8]) -> Result<RunId, WireError> {
        let mut from = Reader::new(payload);
        from.u16()?;
        RunId::read(&mut from)
    }

    fn read(from: &mut Reader<'_>) -> Result<Header, WireError> {
        let schema = from.u16()?;
        if schema != SCHEMA {
            return Err(WireError::Range { at: 0 });
        }
        Ok(Header {
            schema,
            id: RunId::read(from)?,
            epoch: from.u64()?,
            durability: Durability::read(from)?,
            library: read_string(from)?,
            config: from.bytes()?.to_vec(),
        })
    }
}

/// An event that changed more than books, and what it commanded.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Number of the event in its journal, from 1.
    pub seq: u64,
    /// Engine time.
    pub now: Time,
    /// The event.
    pub event: Event,
    /// What it commanded, in order.
    pub commands: Vec<Command>,
}

/// A digest of the state after event `seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the last event applied.
    pub seq: u64,
    /// Engine time.
    pub now: Time,
    /// Digest of the engine's state.
    pub digest: [u8; 32],
}

/// A torn tail was cut off where this record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Number of the last event before it.
    pub seq: u64,
    /// Engine time of the restart that cut it.
    pub now: Time,
    /// Bytes cut off.
    pub bytes: u64,
    /// SHA-256 of the bytes cut off.
    pub sha256: [u8; 32],
}

/// The journal was continued by another process.
#[derive(Clone, Debug)]
pub struct Restart {
    /// Number of the last event before it.
    pub seq: u64,
    /// Engine time.
    pub now: Time,
    /// How often this journal's folder had been opened for writing.
    pub epoch: u64,
    /// The run's number from here on.
    pub run: u16,
    /// When orders may leave, from here on.
    pub durability: Durability,
    /// The version of the library from here on.
    pub library: String,
    /// What the restart commanded, in order.
    pub commands: Vec<Command>,
}

/// An event that was taken while the session was poisoned; it was not applied.
#[derive(Clone, Debug)]
pub struct Unapplied {
    /// Number of the event in its journal.
    pub seq: u64,
    /// Engine time.
    pub now: Time,
    /// The event.
    pub event: Event,
}

/// Why a session became poisoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// Appending to the journal failed.
    Append = 0,
    /// Syncing the journal failed.
    Sync = 1,
    /// The engine met a state that cannot be.
    Invariant = 2,
}

codes!(Cause { 0 Append, 1 Sync, 2 Invariant });

/// The session became poisoned.
#[derive(Clone, Debug)]
pub struct Poison {
    /// Number of the last event before it.
    pub seq: u64,
    /// Engine time.
    pub now: Time,
    /// Why.
    pub cause: Cause,
    /// What left because of it: an alert, and a cancel for every order that may live.
    pub commands: Vec<Command>,
}

/// A record, read.
#[derive(Clone, Debug)]
pub enum Record {
    /// See [`Kind::Header`].
    Header(Header),
    /// See [`Kind::Decision`].
    Decision(Decision),
    /// See [`Kind::Market`].
    Market(Frame),
    /// See [`Kind::Checkpoint`].
    Checkpoint(Checkpoint),
    /// See [`Kind::Cut`].
    Cut(Cut),
    /// See [`Kind::Restart`].
    Restart(Restart),
    /// See [`Kind::Unapplied`].
    Unapplied(Unapplied),
    /// See [`Kind::Poison`].
    Poison(Poison),
}

impl Record {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Record::Header(_) => Kind::Header,
            Record::Decision(_) => Kind::Decision,
            Record::Market(_) => Kind::Market,
            Record::Checkpoint(_) => Kind::Checkpoint,
            Record::Cut(_) => Kind::Cut,
            Record::Restart(_) => Kind::Restart,
            Record::Unapplied(_) => Kind::Unapplied,
            Record::Poison(_) => Kind::Poison,
        }
    }

    /// Reads the payload of a record of `kind`, all of it.
    ///
    /// # Errors
    /// [`WireError`] for bytes that no such record has.
    pub fn read(kind: Kind, payload: &[u8]) -> Result<Record, WireError> {
        let mut from = Reader::new(payload);
        let record = match kind {
            Kind::Header => Record::Header(Header::read(&mut from)?),
            Kind::Decision => Record::Decision(read_decision(&mut from)?),
            Kind::Market => Record::Market(Frame::read(&mut from)?),
            Kind::Checkpoint => Record::Checkpoint(Checkpoint {
                seq: from.u64()?,
                now: Time(from.i64()?),
                digest: read_hash(&mut from)?,
            }),
            Kind::Cut => Record::Cut(Cut {
                seq: from.u64()?,
                now: Time(from.i64()?),
                bytes: from.u64()?,
                sha256: read_hash(&mut from)?,
            }),
            Kind::Restart => Record::Restart(Restart {
                seq: from.u64()?,
                now: Time(from.i64()?),
                epoch: from.u64()?,
                run: from.u16()?,
                durability: Durability::read(&mut from)?,
                library: read_string(&mut from)?,
                commands: read_commands(&mut from)?,
            }),
            Kind::Unapplied => Record::Unapplied(Unapplied {
                seq: from.u64()?,
                now: Time(from.i64()?),
                event: read_event(&mut from)?,
            }),
            Kind::Poison => Record::Poison(Poison {
                seq: from.u64()?,
                now: Time(from.i64()?),
                cause: Code::read(&mut from)?,
                commands: read_commands(&mut from)?,
            }),
        };
        from.finish()?;
        Ok(record)
    }
}

pub(super) fn write_decision(
    out: &mut Writer,
    seq: u64,
    now: Time,
    event: &Event,
    commands: &[Command],
) {
    out.u64(seq);
    out.i64(now.0);
    write_event(out, event);
    write_commands(out, commands);
}

fn read_decision(from: &mut Reader<'_>) -> Result<Decision, WireError> {
    Ok(Decision {
        seq: from.u64()?,
        now: Time(from.i64()?),
        event: read_event(from)?,
        commands: read_commands(from)?,
    })
}

impl Checkpoint {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.i64(self.now.0);
        out.raw(&self.digest);
    }
}

impl Cut {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.i64(self.now.0);
        out.u64(self.bytes);
        out.raw(&self.sha256);
    }
}

impl Restart {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.i64(self.now.0);
        out.u64(self.epoch);
        out.u16(self.run);
        self.durability.write(out);
        out.bytes(self.library.as_bytes());
        write_commands(out, &self.commands);
    }
}

impl Poison {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.i64(self.now.0);
        Code::write(self.cause, out);
        write_commands(out, &self.commands);
    }
}

/// Writes commands: how many, then each.
pub fn write_commands(out: &mut Writer, commands: &[Command]) {
    out.len(commands.len());
    for command in commands {
        write_command(out, command);
    }
}

fn read_commands(from: &mut Reader<'_>) -> Result<Vec<Command>, WireError> {
    let count = from.len()?;
    let mut commands = Vec::new();
    for _ in 0..count {
        commands.push(read_command(from)?);
    }
    Ok(commands)
}

fn read_string(from: &mut Reader<'_>) -> Result<String, WireError> {
    let at = from.position();
    let bytes = from.bytes()?;
    let text = std::str::from_utf8(bytes).map_err(|_| WireError::Range { at })?;
    Ok(text.to_owned())
}

pub(super) fn read_hash(from: &mut Reader<'_>) -> Result<[u8; 32], WireError> {
    let at = from.position();
    from.raw(32)?.try_into().map_err(|_| WireError::Short { at, wanted: 32 })
}
