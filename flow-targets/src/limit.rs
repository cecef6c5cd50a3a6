//! Limits of the memory that a reader allocates for a file.
//!
//! A file of a megabyte can decompress to gigabytes, or claim to. Each reader compares sizes with a
//! limit before it allocates, and the error names the option that raises the limit. What a task
//! saves is compared with the same limit, so that no output is saved that cannot be loaded.

use std::io;

use anyhow::{Result, anyhow};
#[cfg(any(feature = "bytes", feature = "messy", feature = "text", feature = "_values"))]
use flow_core::Source;

/// The smallest default limit.
const GIB: u64 = 1 << 30;

/// The smallest default limit of large tables, whose repeated values compress to tiny files.
const TABLE: u64 = 4 << 30;

/// The default limit as a multiple of the file's size.
const TIMES: u64 = 100;

/// The number of bytes that a file may hold, uncompressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limit(Option<u64>);

impl Limit {
    /// Creates a limit that the user has set.
    pub(crate) fn new(bytes: u64) -> Self {
        Self(Some(bytes))
    }

    /// Returns the limit of an uncompressed file: 1 GiB by default.
    pub(crate) fn plain(self) -> u64 {
        self.0.unwrap_or(GIB)
    }

    /// Returns the limit of the content of a compressed file of `file` bytes.
    ///
    /// The default is 1 GiB or, if that is more, 100 times `file`.
    pub(crate) fn expanded(self, file: u64) -> u64 {
        self.0.unwrap_or_else(|| file.saturating_mul(TIMES).max(GIB))
    }

    /// Like [`expanded`](Self::expanded), with a default of at least 4 GiB.
    pub(crate) fn table(self, file: u64) -> u64 {
        self.0.unwrap_or_else(|| file.saturating_mul(TIMES).max(TABLE))
    }

    /// Reads a whole uncompressed file, if it is within the limit.
    #[cfg(any(feature = "bytes", feature = "messy", feature = "text", feature = "_values"))]
    pub(crate) fn read(self, source: &Source) -> Result<Vec<u8>> {
        let most = self.plain();
        source.read_within(most).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => exceeded("the file has", most),
            _ => error.into(),
        })
    }
}

/// Returns the error of a file in which `what` exceeds the limit of `most` bytes.
pub(crate) fn exceeded(what: &str, most: u64) -> anyhow::Error {
    anyhow!(
        "{what} more than {most} bytes; if that is right, raise the limit by the target's option \
         `max_bytes = ...`"
    )
}

/// Returns the error of [`exceeded`] if `bytes` is more than `most`.
pub(crate) fn check(what: &str, bytes: u64, most: u64) -> Result<()> {
    if bytes > most { Err(exceeded(what, most)) } else { Ok(()) }
}

/// A reader or writer that fails when more than `most` bytes have passed through it.
pub(crate) struct Bounded<T> {
    inner: T,
    what: &'static str,
    most: u64,
    passed: u64,
}

impl<T> Bounded<T> {
    pub(crate) fn new(inner: T, what: &'static str, most: u64) -> Self {
        Self { inner, what, most, passed: 0 }
    }

    fn pass(&mut self, bytes: usize) -> io::Result<usize> {
        self.passed += bytes as u64;
        check(self.what, self.passed, self.most).map_err(io::Error::other)?;
        Ok(bytes)
    }
}

impl<R: io::Read> io::Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.pass(length)
    }
}

impl<W: io::Write> io::Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pass(bytes.len())?;
        let written = self.inner.write(bytes)?;
        self.passed -= (bytes.len() - written) as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
