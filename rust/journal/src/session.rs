//! An engine together with its journal: what it decides is on record before it leaves.
//!
//! A turn is: the engine takes the event; market rows that caused nothing gather in a frame; every
//! other event is appended with its commands, the open frame before it. Commands that only ask or
//! take back leave at once; orders, amendments and transfers wait until [`Session::release`] has
//! synced the group (or leave at once, where the operating system's word is enough).
//!
//! *Poisoned* (the journal cannot be written, or the engine met what cannot be) is final for a
//! session: the turn in which it happens gives an alert and a cancel for every order that may be
//! alive, nothing that waits ever leaves, and later events are put on record and not applied.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use cross_market_core::attempt::End;
use cross_market_core::attribution::Attribution;
use cross_market_core::book::Change;
use cross_market_core::command::{Alert, AlertCode, Command, Subject, Urgency};
use cross_market_core::conduct::Halt;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::error::Error;
use cross_market_core::event::Event;
use cross_market_core::ids::ClientOrderId;
use cross_market_core::order::Place;
use cross_market_core::record::{
    Cause, Checkpoint, Code, Durability, FrameRows, Link, Poison, ROWS_MAX,
};
use cross_market_core::time::{Span, Time};

use crate::error::JournalError;
use crate::folder::Folder;
use crate::live::Live;
use crate::log::{Log, Room};

mod start;
#[cfg(test)]
mod tests;

pub use start::Recovered;

/// Decisions between two checkpoints.
const CHECKPOINT_EVERY: u32 = 1024;

/// Longest engine time that a frame stays open.
const FRAME_SPAN: Span = Span::millis(100);

/// How the engine's turn went.
#[derive(Debug)]
enum Turn {
    Done(Effect),
    Refused(Error),
    Fallen,
}

/// The rows that have caused nothing since the last record.
#[derive(Debug)]
enum Frame {
    /// None.
    Closed,
    /// In `rows`.
    Inline,
    /// In a source.
    Reference { sha256: [u8; 32], first: u64, count: u32 },
}

/// Where market rows come from.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    sha256: [u8; 32],
    row: u64,
}

/// An engine together with its journal.
#[derive(Debug)]
pub struct Session {
    engine: Engine,
    attribution: Attribution,
    log: Log,
    /// Held for its lock.
    folder: Option<Folder>,
    path: PathBuf,
    run: u16,
    durability: Durability,
    seq: u64,
    now: Time,
    frame: Frame,
    frame_since: Time,
    frame_seq: u64,
    rows: FrameRows,
    source: Option<Cursor>,
    /// The turn's commands.
    commands: Vec<Command>,
    /// Commands that wait for a sync.
    waiting: Vec<Command>,
    /// When the group is synced.
    due: Option<Time>,
    live: Live,
    decisions: u32,
    poisoned: Option<Cause>,
    /// What the operating system said to the write or sync that failed.
    failure: Option<JournalError>,
}

impl Session {
    fn around(
        (engine, attribution): (Engine, Attribution),
        log: Log,
        path: PathBuf,
        run: u16,
        durability: Durability,
        now: Time,
    ) -> Session {
        Session {
            engine,
            attribution,
            log,
            folder: None,
            path,
            run,
            durability,
            seq: 0,
            now,
            frame: Frame::Closed,
            frame_since: now,
            frame_seq: 0,
            rows: FrameRows::default(),
            source: None,
            commands: Vec::new(),
            waiting: Vec::new(),
            due: None,
            live: Live::default(),
            decisions: 0,
            poisoned: None,
            failure: None,
        }
    }

    /// Takes one event at engine time `now`. Appends to `out` what may leave now; the rest comes
    /// from [`Session::release`].
    ///
    /// The turn in which the session becomes poisoned is `Ok`: its alert and cancels are in `out`
    /// and must leave. Later turns are `Err`.
    ///
    /// # Errors
    /// [`JournalError::Door`] for what the engine's door refuses; then nothing has changed.
    /// [`JournalError::Poisoned`] when the session was poisoned before.
    pub fn handle(
        &mut self,
        now: Time,
        event: &Event,
        out: &mut Vec<Command>,
    ) -> Result<Effect, JournalError> {
        if let Event::Book(change) = event {
            return self.change(now, change, out);
        }
        if let Some(cause) = self.poisoned {
            return Err(self.put_aside(now, event, cause));
        }
        match self.turn(|engine, commands| engine.handle(now, event, commands)) {
            Turn::Done(effect) => {
                (self.now, self.seq) = (now, self.seq + 1);
                self.decide(event, effect, out);
                Ok(effect)
            }
            Turn::Refused(error) => Err(error.into()),
            Turn::Fallen => Ok(self.fall(now, event, out)),
        }
    }

    /// Takes one row of a book: what [`Session::handle`] does with [`Event::Book`], without one.
    ///
    /// # Errors
    /// As [`Session::handle`].
    #[inline]
    pub fn change(
        &mut self,
        now: Time,
        change: &Change,
        out: &mut Vec<Command>,
    ) -> Result<Effect, JournalError> {
        if let Some(cause) = self.poisoned {
            return Err(self.put_aside(now, &Event::Book(*change), cause));
        }
        match self.turn(|engine, commands| engine.change(now, change, commands)) {
            Turn::Done(effect) => {
                (self.now, self.seq) = (now, self.seq + 1);
                let row = self.next_row();
                if effect == Effect::Market && self.commands.is_empty() {
                    self.gather(change, row, out);
                } else {
                    self.decide(&Event::Book(*change), effect, out);
                }
                Ok(effect)
            }
            Turn::Refused(error) => Err(error.into()),
            Turn::Fallen => Ok(self.fall(now, &Event::Book(*change), out)),
        }
    }

    /// Judges all rows of one message before the first is given to [`Session::change`]. A poisoned
    /// session puts aside what it is given, so it refuses nothing here.
    ///
    /// # Errors
    /// What the door refuses, with the place of the row.
    pub fn check_message(&self, now: Time, rows: &[Change]) -> Result<(), (usize, JournalError)> {
        if self.poisoned.is_some() {
            return Ok(());
        }
        self.engine.check_message(now, rows).map_err(|(at, error)| (at, error.into()))
    }

    /// Does what is due: closes a frame that was open for too long, syncs a group that has waited
    /// as long as it may, and appends to `out` what waited for that.
    ///
    /// When the sync fails, the session becomes poisoned and `out` receives the alert and cancels.
    pub fn release(&mut self, now: Time, out: &mut Vec<Command>) {
        if self.poisoned.is_some() {
            return;
        }
        if self.frame_due().is_some_and(|due| due <= now) {
            self.close_frame();
            if !self.append(out) {
                return;
            }
        }
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            match self.log.sync() {
                Ok(()) => out.append(&mut self.waiting),
                Err(error) => {
                    self.failure = Some(JournalError::io("sync", &self.path, &error));
                    self.poison(Cause::Sync, out);
                }
            }
        }
    }

    /// A lower bound of the next moment at which something is due: a timer of the engine (hand it
    /// an [`Event::Tick`]), a frame or a group ([`Session::release`] is enough).
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        if self.poisoned.is_some() {
            return None;
        }
        let dues = [self.engine.deadline(), self.frame_due(), self.due];
        dues.into_iter().flatten().min()
    }

    /// From now on every [`Event::Book`] is the next row of the source with this SHA-256,
    /// beginning with row `first` (from 0): frames name its rows instead of holding them. A row
    /// whose engine time is not its receive stamp is held all the same.
    pub fn source(&mut self, sha256: [u8; 32], first: u64) {
        self.source = Some(Cursor { sha256, row: first });
    }

    /// From now on frames hold their rows.
    pub fn inline(&mut self) {
        self.source = None;
    }

    /// The engine cannot be trusted any more, as whoever holds the session found: cancels every
    /// order that may be alive, once, and puts it on record if that is possible.
    pub fn give_up(&mut self, out: &mut Vec<Command>) {
        if self.poisoned.is_none() {
            self.poison(Cause::Invariant, out);
        }
    }

    /// Closes the journal with a checkpoint, durable, and returns the last link. What still waits
    /// does not leave; a [`Session::release`] at [`Time::MAX`] before it lets all of it leave.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`] when the session was poisoned; [`JournalError::Io`] when the last
    /// records cannot be written or synced.
    pub fn close(mut self) -> Result<Link, JournalError> {
        if let Some(cause) = self.poisoned {
            drop(self.log.sync());
            return Err(JournalError::Poisoned { cause });
        }
        self.close_frame();
        self.checkpoint();
        let written = self.log.flush();
        written.map_err(|error| JournalError::io("write", &self.path, &error))?;
        let synced = self.log.sync();
        synced.map_err(|error| JournalError::io("sync", &self.path, &error))?;
        Ok(self.link())
    }

    /// The engine, to be read.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where the result comes from since the journal began, earlier runs included.
    #[must_use]
    pub fn attribution(&self) -> &Attribution {
        &self.attribution
    }

    /// Why the session is poisoned, if it is.
    #[must_use]
    pub fn poisoned(&self) -> Option<Cause> {
        self.poisoned
    }

    /// What the operating system said to the write or sync that poisoned the session, if one did.
    #[must_use]
    pub fn failure(&self) -> Option<&JournalError> {
        self.failure.as_ref()
    }

    /// The journal.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's number, in every client order id.
    #[must_use]
    pub fn run(&self) -> u16 {
        self.run
    }

    /// The number of the last event.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The last link. Kept elsewhere, it shows later that the journal was not shortened.
    #[must_use]
    pub fn link(&self) -> Link {
        self.log.encoder.link()
    }

    /// Lets the engine take a turn; it may find its state broken, and panics then.
    #[inline]
    fn turn(
        &mut self,
        take: impl FnOnce(&mut Engine, &mut Vec<Command>) -> Result<Effect, Error>,
    ) -> Turn {
        self.commands.clear();
        let (engine, commands) = (&mut self.engine, &mut self.commands);
        match catch_unwind(AssertUnwindSafe(|| take(engine, commands))) {
            Ok(Ok(effect)) => Turn::Done(effect),
            Ok(Err(Error::Poisoned)) | Err(_) => Turn::Fallen,
            Ok(Err(error)) => Turn::Refused(error),
        }
    }

    /// The engine's state is broken: the event is on record as not applied.
    fn fall(&mut self, now: Time, event: &Event, out: &mut Vec<Command>) -> Effect {
        self.commands.clear();
        self.close_frame();
        self.seq += 1;
        self.log.encoder.unapplied(self.seq, now, event);
        self.poison(Cause::Invariant, out);
        Effect::Decision
    }

    /// Puts the event of a poisoned session on record, if that is possible, as not applied.
    fn put_aside(&mut self, now: Time, event: &Event, cause: Cause) -> JournalError {
        if self.log.may_write() {
            self.seq += 1;
            self.log.encoder.unapplied(self.seq, now, event);
            // Nothing better can be done when this fails: the session is poisoned already.
            drop(self.log.flush());
        }
        JournalError::Poisoned { cause }
    }

    /// Where the market row of this turn is in its source, if it is in one.
    fn next_row(&mut self) -> Option<Cursor> {
        let cursor = self.source.as_mut()?;
        let this = *cursor;
        cursor.row += 1;
        Some(this)
    }

    /// Adds a row to the open frame, or to a new one.
    fn gather(&mut self, change: &Change, row: Option<Cursor>, out: &mut Vec<Command>) {
        let row = row.filter(|_| change.receive == self.now);
        let is_old = self.now - self.frame_since >= FRAME_SPAN;
        let fits = match (&self.frame, row) {
            (Frame::Inline, None) => !is_old,
            (Frame::Reference { sha256, first, count }, Some(row)) => {
                !is_old && *sha256 == row.sha256 && first + u64::from(*count) == row.row
            }
            (Frame::Closed | Frame::Inline | Frame::Reference { .. }, _) => false,
        };
        if !fits {
            self.close_frame();
            (self.frame_seq, self.frame_since) = (self.seq, self.now);
            self.frame = match row {
                Some(Cursor { sha256, row }) => Frame::Reference { sha256, first: row, count: 0 },
                None => Frame::Inline,
            };
        }
        let count = match &mut self.frame {
            Frame::Reference { count, .. } => {
                *count += 1;
                *count
            }
            Frame::Inline | Frame::Closed => {
                self.rows.push(self.now, change);
                self.rows.count()
            }
        };
        if count >= ROWS_MAX {
            self.close_frame();
        }
        if !self.log.encoder.bytes().is_empty() {
            self.append(out);
        }
    }

    /// Puts the open frame on record, if there is one; it is not written yet.
    fn close_frame(&mut self) {
        match std::mem::replace(&mut self.frame, Frame::Closed) {
            Frame::Closed => {}
            Frame::Inline => {
                self.log.encoder.rows(self.frame_seq, &self.rows);
                self.rows.clear();
            }
            Frame::Reference { sha256, first, count } => {
                self.log.encoder.reference(self.frame_seq, &sha256, first, count);
            }
        }
    }

    fn frame_due(&self) -> Option<Time> {
        match self.frame {
            Frame::Closed => None,
            Frame::Inline | Frame::Reference { .. } => Some(self.frame_since + FRAME_SPAN),
        }
    }

    /// Puts the turn on record and lets leave what may.
    fn decide(&mut self, event: &Event, effect: Effect, out: &mut Vec<Command>) {
        if effect == Effect::Decision {
            self.attribution.step(&self.engine, self.now, event, &self.commands);
        }
        self.close_frame();
        self.log.encoder.decision(self.seq, self.now, event, &self.commands);
        self.live.event(event);
        self.live.commands(&self.commands);
        self.decisions += 1;
        let asked = matches!(event, Event::Settle(_)) || self.commands.iter().any(ends_in_doubt);
        if (asked || self.decisions >= CHECKPOINT_EVERY) && !self.checkpoint() {
            self.poison(Cause::Invariant, out);
        } else if self.append(out) {
            if let (Durability::Group(span), Effect::Decision) = (self.durability, effect) {
                self.due = self.due.or(Some(self.now + span));
            }
            self.leave(out);
            if matches!(event, Event::Control(_)) {
                self.hold_back();
            }
        }
    }

    /// Writes what is on record; `false` when the session is poisoned now.
    fn append(&mut self, out: &mut Vec<Command>) -> bool {
        let error = match self.log.flush() {
            Ok(Room::Enough) => return true,
            Ok(Room::Last) => std::io::ErrorKind::StorageFull.into(),
            Err(error) => error,
        };
        self.failure = Some(JournalError::io("write", &self.path, &error));
        self.poison(Cause::Append, out);
        false
    }

    /// Lets the turn's commands leave, or wait for the group's sync.
    fn leave(&mut self, out: &mut Vec<Command>) {
        for command in self.commands.drain(..) {
            if let Command::Cancel(cancel) = command
                && withdraw(&mut self.waiting, cancel.order)
            {
                self.live.withdraw(cancel.order);
            }
            if command.waits() && self.durability != Durability::Os {
                self.waiting.push(command);
            } else {
                out.push(command);
            }
        }
    }

    /// Takes back the orders that wait under a HALT latch. A cancel does the same, but where the
    /// trading link is down the engine sends none.
    fn hold_back(&mut self) {
        let (engine, live) = (&self.engine, &mut self.live);
        self.waiting.retain(|command| match command {
            Command::Place(place) => {
                let is_latched = is_latched(engine, place);
                if is_latched {
                    live.withdraw(place.order);
                }
                !is_latched
            }
            Command::Amend(_)
            | Command::Cancel(_)
            | Command::Query(_)
            | Command::Resync(_)
            | Command::Transfer(_)
            | Command::Alert(_) => true,
        });
    }

    /// Puts a digest of the state on record; `false` when there is none to be had.
    fn checkpoint(&mut self) -> bool {
        let engine = &self.engine;
        let digest = catch_unwind(AssertUnwindSafe(|| engine.digest()));
        if let Ok(digest) = digest {
            let (seq, now) = (self.seq, self.now);
            self.log.encoder.checkpoint(&Checkpoint { seq, now, digest });
            self.decisions = 0;
        }
        digest.is_ok()
    }

    /// Cancels every order that may be alive, says so, and puts it on record if that is possible.
    fn poison(&mut self, cause: Cause, out: &mut Vec<Command>) {
        self.poisoned = Some(cause);
        self.due = None;
        for command in self.waiting.drain(..).chain(self.commands.drain(..)) {
            match command {
                // What has not left is not alive, and never will be.
                Command::Place(place) => self.live.withdraw(place.order),
                // Nor do these leave; what they would cancel is cancelled below.
                Command::Amend(_) | Command::Transfer(_) | Command::Cancel(_) => {}
                Command::Query(_) | Command::Resync(_) | Command::Alert(_) => out.push(command),
            }
        }
        self.commands.push(Command::Alert(Alert {
            code: AlertCode::Poisoned,
            urgency: Urgency::Alarm,
            refusal: None,
            detail: Code::code(cause),
            subject: Subject::Engine,
            value: i128::try_from(self.live.len()).unwrap_or(i128::MAX),
            limit: 0,
        }));
        self.commands.extend(self.live.cancels().map(Command::Cancel));
        self.log.encoder.poison(&Poison {
            seq: self.seq,
            now: self.now,
            cause,
            commands: self.commands.clone(),
        });
        // Nothing better can be done when this fails: the cancels leave in any case.
        drop(self.log.flush());
        out.append(&mut self.commands);
    }
}

/// Whether a HALT latch forbids an order to leave.
fn is_latched(engine: &Engine, place: &Place) -> bool {
    engine.config().accounts.get(place.account).is_some_and(|account| {
        let halt = engine.latches().halt_over(place.hedge, place.account, account.venue);
        halt == Halt::Latched
    })
}

/// Takes an order back that still waits; `true` when there was one.
fn withdraw(waiting: &mut Vec<Command>, order: ClientOrderId) -> bool {
    let before = waiting.len();
    waiting.retain(|command| match command {
        Command::Place(place) => place.order != order,
        Command::Amend(amend) => amend.order != order,
        Command::Cancel(_)
        | Command::Query(_)
        | Command::Resync(_)
        | Command::Transfer(_)
        | Command::Alert(_) => true,
    });
    waiting.len() < before
}

/// Whether an attempt ended with a residual held.
fn ends_in_doubt(command: &Command) -> bool {
    match command {
        Command::Alert(alert) => {
            alert.code == AlertCode::AttemptEnded && alert.detail == End::ResidualHeld.code()
        }
        Command::Place(_)
        | Command::Amend(_)
        | Command::Cancel(_)
        | Command::Query(_)
        | Command::Resync(_)
        | Command::Transfer(_) => false,
    }
}
