//! Where a target reads from.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::fs::{Disk, Fs};

/// Where a target reads from: one complete file. Unless it is [made elsewhere](Self::is_kept), it is
/// never rewritten.
///
/// It is cheap to clone, for values that read their file when they are asked for it.
#[derive(Clone)]
pub struct Source {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    kept: bool,
}

impl Source {
    pub(crate) fn new(fs: &Arc<dyn Fs>, path: PathBuf, kept: bool) -> Self {
        Self { fs: Arc::clone(fs), path, kept }
    }

    /// A file of the disk, for trying a target out without a store. Nobody may write to it as long
    /// as what was loaded from it is there.
    ///
    /// ```
    /// # use std::io::Read;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("numbers.txt");
    /// # std::fs::write(&path, "1 2 3")?;
    /// let mut text = String::new();
    /// flow_core::Source::file(&path).open()?.read_to_string(&mut text)?;
    /// assert_eq!(text, "1 2 3");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // It may be read when the current folder is another one.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { fs: Arc::new(Disk), path, kept: true }
    }

    /// Opens the file for reading, from its start.
    ///
    /// # Errors
    ///
    /// The path names something other than a regular file, such as a pipe or a device, or the
    /// operating system cannot open it.
    pub fn open(&self) -> io::Result<File> {
        self.fs.open(&self.path)
    }

    /// Reads the whole content.
    ///
    /// # Errors
    ///
    /// As of [`open`](Self::open), or the operating system cannot read it.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        self.read_within(u64::MAX)
    }

    /// Reads the whole content of a file that has at most `limit` bytes.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("numbers.txt");
    /// # std::fs::write(&path, "1 2 3")?;
    /// let source = flow_core::Source::file(&path);
    /// assert_eq!(source.read_within(5)?, b"1 2 3");
    /// let error = source.read_within(4).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read), and [`FileTooLarge`](io::ErrorKind::FileTooLarge) before anything is
    /// read of a larger file.
    pub fn read_within(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.fs.read(&self.path, limit)
    }

    /// Whether the file is an output of the store, which is never rewritten, so that it can be looked
    /// at in place. One that is made elsewhere may be, and is to be read.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").field(&self.path).finish()
    }
}
