//! Where a journal's bytes go: a real file, or one in a test that fails when it is told to.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

/// Where a journal's bytes go.
pub trait Disk: Debug + Send + Sync {
    /// Appends some of `bytes` and says how many.
    ///
    /// # Errors
    /// What the operating system says; then none were appended.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// What the operating system says; then nothing is known of what was not durable before.
    fn sync(&mut self) -> io::Result<()>;

    /// Gives back the space kept in reserve; `false` when none is left.
    fn give_back(&mut self) -> bool;
}

/// A file, and the reserve beside it.
#[derive(Debug)]
pub struct RealDisk {
    file: File,
    reserve: Option<PathBuf>,
}

impl RealDisk {
    /// The end of `file`, with the reserve at this path where there is one.
    #[must_use]
    pub fn new(file: File, reserve: Option<PathBuf>) -> RealDisk {
        RealDisk { file, reserve }
    }
}

impl Disk for RealDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn give_back(&mut self) -> bool {
        self.reserve.take().is_some_and(|path| fs::remove_file(path).is_ok())
    }
}
