//! Records on their way to a disk.

use std::io;

use cross_market_core::record::Encoder;

use crate::disk::Disk;

/// What is left to write on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Enough.
    Enough,
    /// The disk is full; what was written is there because the reserve was given back.
    Last,
}

/// Records on their way to a disk.
///
/// After a failed write nothing more is written: behind a torn record any other would look like
/// damage. After a failed sync there is no second: what a sync could not save, the next one would
/// not report. Records are still appended then, for whoever reads the file later.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) encoder: Encoder,
    disk: Box<dyn Disk>,
    written: usize,
    may_write: bool,
    may_sync: bool,
}

impl Log {
    pub(crate) fn new(encoder: Encoder, disk: Box<dyn Disk>) -> Log {
        Log { encoder, disk, written: 0, may_write: true, may_sync: true }
    }

    /// Whether records can still be put behind each other.
    pub(crate) fn may_write(&self) -> bool {
        self.may_write
    }

    /// Writes all records to the disk.
    pub(crate) fn flush(&mut self) -> io::Result<Room> {
        let mut room = Room::Enough;
        while self.may_write {
            let rest = self.encoder.bytes().get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                self.encoder.taken();
                self.written = 0;
                return Ok(room);
            }
            match self.disk.write(rest) {
                Ok(0) => {
                    self.may_write = false;
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) && self.disk.give_back() => room = Room::Last,
                Err(error) => {
                    self.may_write = false;
                    return Err(error);
                }
            }
        }
        Err(io::Error::other("an earlier write failed"))
    }

    /// Makes all that was written durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !self.may_sync {
            return Err(io::Error::other("an earlier sync failed"));
        }
        let synced = self.disk.sync();
        match &synced {
            Ok(()) => self.encoder.settle(),
            Err(_) => self.may_sync = false,
        }
        synced
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
