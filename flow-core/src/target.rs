//! Targets: how an output is kept in a file.
//!
//! A target writes a value to a [`Sink`] and reads it back from a [`Source`]. Naming the file,
//! hashing what is written, making it visible only when it is whole, and removing what a failed
//! write left are the store's business, so that a target is a few lines:
//!
//! ```
//! use std::io::{Read, Write};
//! use flow_core::{Sink, Source, Target};
//!
//! /// A number, written in words of ASCII digits.
//! #[derive(Default)]
//! struct Digits;
//!
//! impl Target for Digits {
//!     type Value = u64;
//!     const EXTENSION: &'static str = "txt";
//!     const EXACT: bool = true;
//!
//!     fn save(&self, value: &u64, sink: &mut Sink<'_>) -> anyhow::Result<()> {
//!         Ok(write!(sink, "{value}")?)
//!     }
//!
//!     fn load(&self, source: &Source<'_>) -> anyhow::Result<u64> {
//!         let mut text = String::new();
//!         source.open()?.read_to_string(&mut text)?;
//!         Ok(text.parse()?)
//!     }
//! }
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::fs::Fs;
use crate::key::{Digest, digest_of};

/// A way to keep a value in a file.
///
/// The same value must always give the same bytes: what follows an output runs again only if its
/// bytes changed. A map without an order, or the time of writing, must not be part of them.
///
/// See [the module](self) for an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a target: it does not say how an output is kept",
    label = "not a target",
    note = "name one, such as `Parquet<RecordBatch>`, `Json<Vec<f64>>` or `Pickle<Model>`, or implement `Target` for a type of your own"
)]
pub trait Target: Sized + Send + Sync + 'static {
    /// What a task returns and what loading gives back.
    type Value: Send + Sync + 'static;

    /// The extension of the file, without the dot.
    const EXTENSION: &'static str;

    /// Whether a value that was saved and loaded cannot be told from the value before.
    ///
    /// If so, the tasks that require it are given the value itself; if not, what is loaded from
    /// the file just written, so that a run in one go gives what a run in two gives.
    const EXACT: bool = false;

    /// Writes the value.
    ///
    /// # Errors
    ///
    /// What the format or the sink says. The task then counts as failed, and nothing is kept.
    fn save(&self, value: &Self::Value, sink: &mut Sink<'_>) -> anyhow::Result<()>;

    /// Reads a value back.
    ///
    /// # Errors
    ///
    /// What the format or the source says, with no value made up for what could not be read.
    fn load(&self, source: &Source<'_>) -> anyhow::Result<Self::Value>;
}

/// Where a target writes: a new file, hashed while it is written.
///
/// Writes are not buffered here; a format that makes many small ones wraps it in a
/// [`BufWriter`](io::BufWriter).
pub struct Sink<'a> {
    file: &'a mut (dyn Write + Send),
    hasher: blake3::Hasher,
    written: u64,
    /// What failed first. A target may overlook it: a buffer that is dropped writes without a word.
    failed: Option<io::Error>,
}

impl<'a> Sink<'a> {
    /// A sink into any writer, for trying a target out without a store.
    ///
    /// ```
    /// use std::io::Write;
    /// let mut bytes = Vec::new();
    /// flow_core::Sink::new(&mut bytes).write_all(b"abc")?;
    /// assert_eq!(bytes, b"abc");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(file: &'a mut (dyn Write + Send)) -> Self {
        Self { file, hasher: blake3::Hasher::new(), written: 0, failed: None }
    }

    /// How many bytes were written, and their digest.
    ///
    /// # Errors
    ///
    /// A write failed, whether or not the target said so.
    pub(crate) fn finish(mut self) -> io::Result<(u64, Digest)> {
        self.flush()?;
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        Ok((self.written, digest_of(&self.hasher)))
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes).inspect_err(|error| note(&mut self.failed, error))?;
        self.hasher.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().inspect_err(|error| note(&mut self.failed, error))
    }
}

/// Notes the first failure, as far as an error can be copied. An interrupted call is repeated.
fn note(failed: &mut Option<io::Error>, error: &io::Error) {
    if failed.is_none() && error.kind() != io::ErrorKind::Interrupted {
        *failed = Some(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        });
    }
}

/// Where a target reads from: one complete file.
pub struct Source<'a> {
    fs: &'a dyn Fs,
    path: &'a Path,
}

impl<'a> Source<'a> {
    pub(crate) fn new(fs: &'a dyn Fs, path: &'a Path) -> Self {
        Self { fs, path }
    }

    /// A file of the disk, for trying a target out without a store.
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
    pub fn file(path: &'a Path) -> Self {
        Self { fs: &crate::fs::Disk, path }
    }

    /// Opens the file for reading, from its start.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn open(&self) -> io::Result<File> {
        self.fs.open(self.path)
    }

    /// The whole content.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        self.fs.read(self.path)
    }

    /// Where the file lies.
    pub fn path(&self) -> &'a Path {
        self.path
    }
}
