//! The turn of an event: validate, apply, run timers, decide.

use crate::command::Command;
use crate::config::Config;
use crate::error::Error;
use crate::event::Event;
use crate::time::Time;

/// What a step changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Only books, signals and statistics; nothing was commanded.
    Market,
    /// Anything else.
    Decision,
}

/// The whole core: one value that turns events into commands.
#[derive(Debug)]
pub struct Engine {
    now: Time,
}

impl Engine {
    /// An engine at `start` with nothing held and nothing known.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration's arithmetic cannot be proven to fit.
    pub fn new(_config: &Config, start: Time) -> Result<Engine, Error> {
        Ok(Engine { now: start })
    }

    /// Takes one event at engine time `now` and appends what is to be done to `out`.
    ///
    /// # Errors
    /// What the door refuses; then nothing has changed.
    pub fn handle(
        &mut self,
        now: Time,
        _event: &Event,
        _out: &mut Vec<Command>,
    ) -> Result<Effect, Error> {
        if now < self.now {
            return Err(Error::TimeWentBack { by_ns: (self.now - now).0 });
        }
        self.now = now;
        Ok(Effect::Decision)
    }

    /// Goes on in a new process as run `run`, at `now`, which is not before the last event: every
    /// order that may have left is unknown and asked about; what is to be done is appended to
    /// `out`.
    pub fn restart(&mut self, now: Time, _run: u16, _out: &mut Vec<Command>) {
        self.now = now;
    }

    /// A lower bound of the next moment at which a timer is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// SHA-256 over the canonical encoding of the state.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        [0; 32]
    }
}
