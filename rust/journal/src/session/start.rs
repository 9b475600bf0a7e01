//! How a session begins: with a new journal, or where one ends.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use cross_market_core::command::Command;
use cross_market_core::config::Config;
use cross_market_core::error::Error;
use cross_market_core::record::{
    Cause, Cut, Durability, Encoder, Header, PAYLOAD_MAX, Restart, RunId, SCHEMA,
};
use cross_market_core::time::Time;

use super::Session;
use crate::disk::{Disk, RealDisk};
use crate::error::JournalError;
use crate::folder::Folder;
use crate::log::Log;
use crate::player::Player;
use crate::reader::Reader;
use crate::scan::{Ending, Tail};

/// Bytes of a header beside its configuration, at most.
const HEADER_BESIDE: usize = 1024;

const LIBRARY: &str = concat!("cross_market ", env!("CARGO_PKG_VERSION"));

/// What a restart found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Records that were replayed.
    pub records: u64,
    /// Events that were replayed.
    pub events: u64,
    /// The torn tail that was cut off, where there was one; also on record.
    pub cut: Option<Tail>,
    /// Why the session before was poisoned, where it was.
    pub poisoned: Option<Cause>,
}

impl Session {
    /// Begins a run with a new journal in `folder`, which is made if it is missing. `json` is the
    /// configuration and goes into the header as it is; but the run's number is the folder's next.
    ///
    /// # Errors
    /// [`JournalError::Door`] for what the configuration does wrong; [`JournalError::Locked`] when another session writes there; [`JournalError::NotPlain`] when
    /// the folder or a file in it is not what it should be; [`JournalError::Io`].
    pub fn create(
        folder: &Path,
        json: &[u8],
        start: Time,
        durability: Durability,
    ) -> Result<Session, JournalError> {
        let config = Config::from_json(json)?;
        let mut folder = Folder::open(folder)?;
        let reserve = folder.reserve()?;
        let taken = folder.advance(folder.last_given()?)?;
        let disk = Box::new(RealDisk::new(folder.create()?, Some(reserve)));
        let id = RunId { engine: config.engine, run: taken.run, start };
        let begin = Begin { json, durability, id, epoch: taken.epoch };
        let session = begin.on(disk, folder.path())?;
        let path = folder.publish(taken.run)?;
        Ok(Session { path, folder: Some(folder), ..session })
    }

    /// Begins a run whose journal goes to any disk, under the run number of the configuration.
    ///
    /// # Errors
    /// [`JournalError::Door`] for what the configuration does wrong; [`JournalError::Io`] when the header cannot be written and synced.
    pub fn create_on(
        disk: Box<dyn Disk>,
        json: &[u8],
        start: Time,
        durability: Durability,
    ) -> Result<Session, JournalError> {
        let config = Config::from_json(json)?;
        let id = RunId { engine: config.engine, run: config.run, start };
        Begin { json, durability, id, epoch: 0 }.on(disk, Path::new("disk"))
    }

    /// Goes on with the newest journal in `folder`: replays it into a new engine, cuts a torn tail
    /// off and says so on record, and takes the next run number. `out` receives what the restart
    /// commands: a query for every order that may have left.
    ///
    /// # Errors
    /// As [`Session::create`]; [`JournalError::Damaged`] when the journal was changed (then it is
    /// left as it is); [`JournalError::OtherConfig`] when `json` is not what the journal began
    /// with; [`JournalError::Diverged`] when the engine does not do again what it did;
    /// [`JournalError::Door`] when `now` is before the last event or after 2200; nothing is
    /// written then.
    pub fn restart(
        folder: &Path,
        json: &[u8],
        now: Time,
        durability: Durability,
        out: &mut Vec<Command>,
    ) -> Result<(Session, Recovered), JournalError> {
        let mut folder = Folder::open(folder)?;
        let reserve = folder.reserve()?;
        let (file, path) = folder.reopen()?;
        let failed = |error| JournalError::io("cut", &path, &error);
        let mut reader = Reader::start(&file, &path)?;
        if reader.header().config != json {
            return Err(JournalError::OtherConfig);
        }
        let mut player = Player::new(reader.header())?;
        while let Some(entry) = reader.next()? {
            player.play(&entry.record, &[])?;
        }
        if now < player.now {
            return Err(Error::TimeWentBack { by_ns: (player.now - now).0 }.into());
        }
        // Before anything is written: what were on record here no restart could undo.
        let next = folder.next(player.engine.run())?;
        player.engine.check_restart(now, next.run)?;
        let cut = match reader.ending() {
            Some(Ending::Damaged(damage)) => return Err(JournalError::Damaged(*damage)),
            Some(Ending::Torn(tail)) => Some(*tail),
            Some(Ending::Clean) | None => None,
        };
        let records = reader.chain().index();
        let mut encoder = prepare(&file, &reader, now, cut).map_err(failed)?;
        let taken = folder.advance(player.engine.run())?;
        let mut commands = Vec::new();
        player.attribution.see(&player.engine);
        player.engine.restart(now, taken.run, &mut commands)?;
        encoder.restart(&Restart {
            seq: player.seq,
            now,
            epoch: taken.epoch,
            run: taken.run,
            durability,
            library: LIBRARY.to_owned(),
            commands: commands.clone(),
        });
        player.live.commands(&commands);
        let disk = Box::new(RealDisk::new(file, Some(reserve)));
        let mut log = Log::new(encoder, disk);
        log.flush().and_then(|_| log.sync()).map_err(failed)?;
        out.append(&mut commands);
        let (events, poisoned) = (player.seq, player.poisoned);
        let parts = (player.engine, player.attribution);
        let mut session = Session::around(parts, log, path, taken.run, durability, now);

        (session.seq, session.live, session.folder) = (events, player.live, Some(folder));
        let recovered = Recovered { records, events, cut, poisoned };
        Ok((session, recovered))
    }
}

/// What a run begins with.
struct Begin<'a> {
    json: &'a [u8],
    durability: Durability,
    id: RunId,
    epoch: u64,
}

impl Begin<'_> {
    fn on(&self, disk: Box<dyn Disk>, path: &Path) -> Result<Session, JournalError> {
        let (json, id, durability) = (self.json, self.id, self.durability);
        let limit = usize::try_from(PAYLOAD_MAX).unwrap_or(usize::MAX) - HEADER_BESIDE;
        if json.len() > limit {
            return Err(JournalError::ConfigTooLong { bytes: json.len() });
        }
        let header = Header {
            schema: SCHEMA,
            id,
            epoch: self.epoch,
            durability,
            library: LIBRARY.to_owned(),
            config: json.to_vec(),
        };
        let player = Player::new(&header)?;
        let mut log = Log::new(Encoder::begin(&header), disk);
        let written = log.flush().and_then(|_| log.sync());
        written.map_err(|error| JournalError::io("write", path, &error))?;
        let parts = (player.engine, player.attribution);
        Ok(Session::around(parts, log, path.to_owned(), id.run, durability, id.start))
    }
}

/// Makes what was proven durable, and the end ready to be written on. Of a torn tail one byte is
/// left until the record that tells of the cut lies over it: were we interrupted in between, the
/// next restart would still find a tail to tell of.
fn prepare(
    mut file: &File,
    reader: &Reader<&File>,
    now: Time,
    cut: Option<Tail>,
) -> std::io::Result<Encoder> {
    if let Some(tail) = cut {
        file.set_len(tail.at + 1)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(cut.map_or(reader.at(), |tail| tail.at)))?;
    let mut encoder = Encoder::resume(reader.chain());
    if let Some(Tail { bytes, sha256, .. }) = cut {
        encoder.cut(&Cut { seq: reader.seq(), now, bytes, sha256 });
    }
    Ok(encoder)
}
