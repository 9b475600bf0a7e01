//! A journal played into a new engine, each step compared with what the journal says.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cross_market_core::attribution::Attribution;
use cross_market_core::book::Change;
use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::engine::{Effect, Engine};
use cross_market_core::error::Error;
use cross_market_core::record::{Body, Cause, Frame, Header, Record};
use cross_market_core::time::Time;

use crate::error::JournalError;
use crate::live::Live;
use crate::replay::Source;

/// A journal played into a new engine.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) engine: Engine,
    pub(crate) attribution: Attribution,
    pub(crate) live: Live,
    pub(crate) now: Time,
    pub(crate) seq: u64,
    /// Why the journal's last session was poisoned.
    pub(crate) poisoned: Option<Cause>,
    commands: Vec<Command>,
}

impl Player {
    /// A new engine of the configuration in the header.
    pub(crate) fn new(header: &Header) -> Result<Player, JournalError> {
        let mut config = Config::from_json(&header.config)?;
        config.run = header.id.run;
        let engine = Engine::new(&config, header.id.start)?;
        Ok(Player {
            engine,
            attribution: Attribution::new(&config),
            live: Live::default(),
            now: header.id.start,
            seq: 0,
            poisoned: None,
            commands: Vec::new(),
        })
    }

    /// Plays one record.
    pub(crate) fn play(
        &mut self,
        record: &Record,
        sources: &[Source<'_>],
    ) -> Result<(), JournalError> {
        match record {
            Record::Header(_) | Record::Cut(_) => Ok(()),
            Record::Decision(decision) => {
                let (now, event) = (decision.now, &decision.event);
                let turn =
                    |engine: &mut Engine, commands: &mut _| engine.handle(now, event, commands);
                if self.turn(now, turn)? == Effect::Decision {
                    self.attribution.step(&self.engine, now, event, &self.commands);
                }
                self.live.event(&decision.event);
                self.compare(&decision.commands)
            }
            Record::Market(frame) => self.frame(frame, sources),
            Record::Checkpoint(checkpoint) => self.same(self.engine.digest() == checkpoint.digest),
            Record::Restart(restart) => {
                (self.now, self.poisoned) = (restart.now, None);
                self.commands.clear();
                self.attribution.see(&self.engine);
                let (now, run) = (restart.now, restart.run);
                let restarted = self.engine.restart(now, run, &mut self.commands);
                self.same(restarted.is_ok())?;
                self.compare(&restart.commands)
            }
            Record::Unapplied(unapplied) => {
                (self.seq, self.now) = (unapplied.seq, self.now.max(unapplied.now));
                Ok(())
            }
            Record::Poison(poison) => {
                self.poisoned = Some(poison.cause);
                Ok(())
            }
        }
    }

    fn frame(&mut self, frame: &Frame, sources: &[Source<'_>]) -> Result<(), JournalError> {
        match &frame.body {
            Body::Inline(rows) => {
                for row in rows {
                    self.row(row.now, &row.change)?;
                }
            }
            Body::Reference { sha256, first, count } => {
                let source = sources.iter().find(|source| source.sha256 == *sha256);
                let rows = source.map_or(&[][..], |source| source.rows);
                for row in (*first..).take(usize::try_from(*count).unwrap_or(usize::MAX)) {
                    let place = usize::try_from(row).ok();
                    let Some(change) = place.and_then(|place| rows.get(place)) else {
                        return Err(JournalError::NoSource { sha256: *sha256, row });
                    };
                    self.row(change.receive, change)?;
                }
            }
        }
        Ok(())
    }

    fn row(&mut self, now: Time, change: &Change) -> Result<(), JournalError> {
        self.turn(now, |engine, commands| engine.change(now, change, commands))?;
        self.same(self.commands.is_empty())
    }

    #[inline]
    fn turn(
        &mut self,
        now: Time,
        take: impl FnOnce(&mut Engine, &mut Vec<Command>) -> Result<Effect, Error>,
    ) -> Result<Effect, JournalError> {
        (self.seq, self.now) = (self.seq + 1, now);
        self.commands.clear();
        let (engine, commands) = (&mut self.engine, &mut self.commands);
        let turn = catch_unwind(AssertUnwindSafe(|| take(engine, commands)));
        match turn {
            Ok(Ok(effect)) => Ok(effect),
            Ok(Err(_)) | Err(_) => Err(JournalError::Diverged { seq: self.seq }),
        }
    }

    fn compare(&mut self, commands: &[Command]) -> Result<(), JournalError> {
        self.same(self.commands == commands)?;
        self.live.commands(&self.commands);
        Ok(())
    }

    fn same(&self, is_same: bool) -> Result<(), JournalError> {
        if is_same { Ok(()) } else { Err(JournalError::Diverged { seq: self.seq }) }
    }
}
