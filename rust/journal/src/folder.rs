//! The folder of an engine's journals: one writer, counted openings, run numbers given out once.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use cross_market_core::ids::RUN_MAX;

use crate::error::{JournalError, NotPlain};

/// Bytes kept in reserve for a full disk: the records of a poisoned session.
const RESERVE: usize = 1 << 20;

/// The name of a journal that has no durable header yet.
const NEW_JOURNAL: &str = "journal.tmp";

/// Longest `epoch` file that is read.
const EPOCH_BYTES_MAX: u64 = 128;

/// A folder that this process alone writes to, until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the lock; its file is never replaced.
    lock: File,
    /// The process that took it: one that was forked has only a copy.
    process: u32,
    owner: u32,
}

impl Drop for Folder {
    /// Gives the lock back at once. A process that is being started holds a copy of every open file
    /// for a moment, and with it the lock.
    fn drop(&mut self) {
        if std::process::id() == self.process {
            // What cannot be given back goes with the file.
            let _ = self.lock.unlock();
        }
    }
}

/// Numbers that were taken, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How often the folder was opened for writing.
    pub(crate) epoch: u64,
    /// The run's number.
    pub(crate) run: u16,
}

impl Folder {
    /// Makes the folder if it is missing, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Folder, JournalError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(JournalError::io("create", path, &error)),
        }
        let found = plain(path, Wanted::Folder)?;
        let owner = found.uid();
        check_ours(path, &found, owner)?;
        let lock_path = path.join("lock");
        let lock = open_or_create(&lock_path, owner)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked { folder: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => {
                return Err(JournalError::io("lock", &lock_path, &error));
            }
        }
        Ok(Folder { path: path.to_owned(), lock, process: std::process::id(), owner })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the journal that run `run` began is.
    fn journal(&self, run: u16) -> PathBuf {
        self.path.join(format!("journal-{run:04}.cmj"))
    }

    /// The last run number that was given out as far as names and counters tell. Without the
    /// counters nothing here tells of the restarts that a journal has seen.
    pub(crate) fn last_given(&self) -> Result<u16, JournalError> {
        let (named, counted) = (self.last_named()?, read_epoch(&self.path.join("epoch"))?);
        if named > 0 && counted.epoch == 0 {
            return Err(JournalError::Epoch);
        }
        Ok(named.max(counted.run))
    }

    /// The highest run number that a journal's name has; 0 when there is no journal.
    fn last_named(&self) -> Result<u16, JournalError> {
        let failed = |error| JournalError::io("list", &self.path, &error);
        let mut newest = None;
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix("journal-"));
            let digits = digits.and_then(|rest| rest.strip_suffix(".cmj"));
            newest = newest.max(digits.and_then(|digits| digits.parse::<u16>().ok()));
        }
        Ok(newest.unwrap_or(0))
    }

    /// The journal with the highest run number.
    fn newest(&self) -> Result<PathBuf, JournalError> {
        match self.last_named()? {
            0 => Err(JournalError::Missing { folder: self.path.clone() }),
            run => Ok(self.journal(run)),
        }
    }

    /// A file for a new journal, which nobody looks at until it is published.
    pub(crate) fn create(&self) -> Result<File, JournalError> {
        replaceable(&self.path.join(NEW_JOURNAL))
    }

    /// Gives the new journal its name, once its header is durable: a journal without one is never
    /// seen.
    pub(crate) fn publish(&self, run: u16) -> Result<PathBuf, JournalError> {
        let path = self.journal(run);
        let failed = |error| JournalError::io("create", &path, &error);
        if fs::symlink_metadata(&path).is_ok() {
            return Err(failed(ErrorKind::AlreadyExists.into()));
        }
        fs::rename(self.path.join(NEW_JOURNAL), &path).map_err(failed)?;
        self.sync()?;
        Ok(path)
    }

    /// The newest journal, to go on with it: to read, to overwrite its tail, to append.
    pub(crate) fn reopen(&self) -> Result<(File, PathBuf), JournalError> {
        let path = self.newest()?;
        check_ours(&path, &plain(&path, Wanted::File)?, self.owner)?;
        let file = open(&path, OpenOptions::new().read(true).write(true))?;
        Ok((file, path))
    }

    /// Makes names in the folder durable.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        let synced = File::open(&self.path).and_then(|folder| folder.sync_all());
        synced.map_err(|error| JournalError::io("sync", &self.path, &error))
    }

    /// The reserve, made whole.
    pub(crate) fn reserve(&self) -> Result<PathBuf, JournalError> {
        let path = self.path.join("reserve");
        let failed = |error| JournalError::io("reserve", &path, &error);
        let mut file = open_or_create(&path, self.owner)?;
        let wanted = u64::try_from(RESERVE).unwrap_or(u64::MAX);
        if file.metadata().map_err(failed)?.len() < wanted {
            // Not zeros: some file systems would keep no space for those.
            file.write_all(&vec![0xA5; RESERVE]).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        Ok(path)
    }

    /// The numbers that are taken next: the run's is after `last`, which the folder itself may not
    /// know of, and after every one that it gave out.
    pub(crate) fn next(&self, last: u16) -> Result<Taken, JournalError> {
        let known = read_epoch(&self.path.join("epoch"))?;
        let last = known.run.max(last);
        if last >= RUN_MAX {
            return Err(JournalError::RunsExhausted);
        }
        let epoch = known.epoch.checked_add(1).ok_or(JournalError::Epoch)?;
        Ok(Taken { epoch, run: last + 1 })
    }

    /// Takes the numbers of [`Folder::next`]. The counters are replaced whole: after a power loss either the old
    /// or the new ones are there, and a number is used only after it was made durable.
    pub(crate) fn advance(&mut self, last: u16) -> Result<Taken, JournalError> {
        let (path, new) = (self.path.join("epoch"), self.path.join("epoch.tmp"));
        let taken = self.next(last)?;
        let failed = |error| JournalError::io("replace", &path, &error);
        let mut file = replaceable(&new)?;
        // What was just made shows who we are.
        if file.metadata().map_err(failed)?.uid() != self.owner {
            return Err(JournalError::not_plain(&self.path, NotPlain::Foreign));
        }
        let text = format!("epoch={} run={}\n", taken.epoch, taken.run);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, &path).map_err(failed)?;
        self.sync()?;
        Ok(taken)
    }
}

/// The numbers taken last; zeros when none ever were.
fn read_epoch(path: &Path) -> Result<Taken, JournalError> {
    let file = match open_to_read(path) {
        Ok(file) => file,
        Err(JournalError::Io { kind: ErrorKind::NotFound, .. }) => {
            return Ok(Taken { epoch: 0, run: 0 });
        }
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    let read = file.take(EPOCH_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| JournalError::io("read", path, &error))?;
    let line = text.strip_suffix('\n').and_then(|line| line.strip_prefix("epoch="));
    let parts = line.and_then(|line| line.split_once(" run="));
    let numbers = parts.and_then(|(epoch, run)| {
        Some(Taken { epoch: epoch.parse().ok()?, run: run.parse().ok()? })
    });
    numbers.ok_or(JournalError::Epoch)
}

/// A new file in the place of one that an interrupted process may have left.
fn replaceable(path: &Path) -> Result<File, JournalError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(JournalError::io("remove", path, &error)),
    }
    create(path)
}

/// What has to stand at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    File,
    Folder,
}

/// Opens a file to read it, if it is a plain one.
pub(crate) fn open_to_read(path: &Path) -> Result<File, JournalError> {
    plain(path, Wanted::File)?;
    open(path, OpenOptions::new().read(true))
}

fn create(path: &Path) -> Result<File, JournalError> {
    open(path, OpenOptions::new().append(true).create_new(true).mode(0o600))
}

fn open_or_create(path: &Path, owner: u32) -> Result<File, JournalError> {
    match create(path) {
        Err(JournalError::Io { kind: ErrorKind::AlreadyExists, .. }) => {
            check_ours(path, &plain(path, Wanted::File)?, owner)?;
            open(path, OpenOptions::new().write(true))
        }
        other => other,
    }
}

/// Opens without following a link at the end of the path and without waiting for a pipe's other
/// end, and looks again at what was opened: it may no longer be what was looked at before.
fn open(path: &Path, options: &mut OpenOptions) -> Result<File, JournalError> {
    let failed = |error| JournalError::io("open", path, &error);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    let opened = options.open(path).map_err(failed)?;
    check_kind(path, &opened.metadata().map_err(failed)?, Wanted::File)?;
    Ok(opened)
}

/// Looks at what stands at a path, without following a link there.
fn plain(path: &Path, wanted: Wanted) -> Result<Metadata, JournalError> {
    let found = fs::symlink_metadata(path);
    let found = found.map_err(|error| JournalError::io("open", path, &error))?;
    check_kind(path, &found, wanted)?;
    Ok(found)
}

fn check_kind(path: &Path, found: &Metadata, wanted: Wanted) -> Result<(), JournalError> {
    let kind = found.file_type();
    let wrong = match wanted {
        Wanted::File if kind.is_file() => return Ok(()),
        Wanted::Folder if kind.is_dir() => return Ok(()),
        Wanted::File | Wanted::Folder if kind.is_symlink() => NotPlain::Symlink,
        Wanted::File if kind.is_dir() => NotPlain::Folder,
        Wanted::Folder if kind.is_file() => NotPlain::File,
        Wanted::File | Wanted::Folder => NotPlain::Special,
    };
    Err(JournalError::not_plain(path, wrong))
}

/// What is written to must belong to `owner`, and nobody else may write to it.
fn check_ours(path: &Path, found: &Metadata, owner: u32) -> Result<(), JournalError> {
    let wrong = if found.uid() != owner {
        NotPlain::Foreign
    } else if found.mode() & 0o022 != 0 {
        NotPlain::Open
    } else if found.permissions().readonly() {
        NotPlain::ReadOnly
    } else {
        return Ok(());
    };
    Err(JournalError::not_plain(path, wrong))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_lock_that_lives_on_does_not_keep_it() {
        let name = format!("cross_market-lock-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let folder = Folder::open(&path).unwrap();
        let copy = folder.lock.try_clone().unwrap();
        assert!(matches!(Folder::open(&path), Err(JournalError::Locked { .. })));
        drop(folder);
        assert!(Folder::open(&path).is_ok());
        drop(copy);
        std::fs::remove_dir_all(&path).unwrap();
    }
}
