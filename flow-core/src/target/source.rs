//! The reader for targets.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::fs::{Disk, Fs};
use crate::target::outside::Provided;

/// The file that a target reads.
///
/// A file that [is kept](Self::is_kept) by the store is never rewritten; an external file may be.
///
/// A source is cheap to clone. A value may keep it and read its file later, such as a stream of
/// batches or a mapped file.
#[derive(Clone)]
pub struct Source {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    kept: bool,
    provided: Provided,
}

impl Source {
    pub(crate) fn new(fs: &Arc<dyn Fs>, path: PathBuf, kept: bool) -> Self {
        Self { fs: Arc::clone(fs), path, kept, provided: Provided::default() }
    }

    /// Creates a source for a file on disk, to test a target without a store.
    ///
    /// The file must not be written as long as a value that was loaded from it exists.
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
        // The file may be read after the current folder has changed.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { fs: Arc::new(Disk), path, kept: true, provided: Provided::default() }
    }

    /// Returns this source with the values that a flow provides.
    pub(crate) fn providing(self, provided: Provided) -> Self {
        Self { provided, ..self }
    }

    /// Returns the values that the flow provides. There are none if the file is read without a flow.
    pub fn provided(&self) -> &Provided {
        &self.provided
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
    /// As for [`open`](Self::open), or the operating system cannot read the file.
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
    /// As for [`read`](Self::read), and [`FileTooLarge`](io::ErrorKind::FileTooLarge) before
    /// anything is read from a larger file.
    pub fn read_within(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.fs.read(&self.path, limit)
    }

    /// Returns whether the file is an output of the store, which is never rewritten and so can be
    /// mapped.
    ///
    /// An external file may be rewritten, and has to be read.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").field(&self.path).finish()
    }
}
