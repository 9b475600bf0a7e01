//! Replaying a journal: the same events into a new engine must give the same commands and digests.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use cross_market_core::book::Change;
use cross_market_core::record::{Link, Record};

use crate::error::JournalError;
use crate::player::Player;
use crate::reader::Reader;
use crate::scan::{Ending, Tail};

/// Market rows that a journal names instead of holding them.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// SHA-256 of the source, as the journal names it; whoever loads the rows has checked it.
    pub sha256: [u8; 32],
    /// All its rows, in order.
    pub rows: &'a [Change],
}

/// What a replay did; that it is here says that everything was the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Records read.
    pub records: u64,
    /// Events applied: market rows and all others.
    pub events: u64,
    /// Decisions whose commands were compared.
    pub decisions: u64,
    /// Checkpoints whose digests were compared.
    pub checkpoints: u64,
    /// Commands compared.
    pub commands: u64,
    /// Digest of the state at the end.
    pub digest: [u8; 32],
    /// The last link.
    pub link: Link,
    /// The torn tail behind it, where there is one.
    pub tail: Option<Tail>,
    /// Wall time of all of it, reading and proving included.
    pub took: Duration,
}

impl Replayed {
    /// Events applied in a second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let nanos = self.took.as_nanos().max(1);
        u64::try_from(u128::from(self.events) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }
}

/// Replays a journal into a new engine of the configuration in its header.
///
/// # Errors
/// [`JournalError::Diverged`] at the first event whose commands or digest are not the journal's;
/// [`JournalError::NoSource`] when rows are missing; and all that [`Reader`] refuses.
pub fn replay(path: &Path, sources: &[Source<'_>]) -> Result<Replayed, JournalError> {
    run(Reader::open(path)?, sources)
}

/// [`replay`] of a journal that is in memory.
///
/// # Errors
/// As [`replay`].
pub fn replay_bytes(bytes: &[u8], sources: &[Source<'_>]) -> Result<Replayed, JournalError> {
    run(Reader::over(bytes)?, sources)
}

fn run<R: Read>(mut reader: Reader<R>, sources: &[Source<'_>]) -> Result<Replayed, JournalError> {
    let begin = Instant::now();
    let mut player = Player::new(reader.header())?;
    let (mut decisions, mut checkpoints, mut commands, mut unapplied) = (0, 0, 0, 0);
    while let Some(entry) = reader.next()? {
        player.play(&entry.record, sources)?;
        match &entry.record {
            Record::Decision(decision) => {
                decisions += 1;
                commands += decision.commands.len();
            }
            Record::Restart(restart) => commands += restart.commands.len(),
            Record::Checkpoint(_) => checkpoints += 1,
            Record::Unapplied(_) => unapplied += 1,
            Record::Header(_) | Record::Market(_) | Record::Cut(_) | Record::Poison(_) => {}
        }
    }
    let tail = match reader.ending() {
        Some(Ending::Damaged(damage)) => return Err(JournalError::Damaged(*damage)),
        Some(Ending::Torn(tail)) => Some(*tail),
        Some(Ending::Clean) | None => None,
    };
    Ok(Replayed {
        records: reader.chain().index(),
        events: player.seq - unapplied,
        decisions,
        checkpoints,
        commands: u64::try_from(commands).unwrap_or(u64::MAX),
        digest: player.engine.digest(),
        link: *reader.chain().link(),
        tail,
        took: begin.elapsed(),
    })
}
