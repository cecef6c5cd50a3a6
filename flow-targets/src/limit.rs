//! How much memory a file may take when it is read.
//!
//! A file of a megabyte can hold gigabytes when it is decompressed, or claim to. Each reader
//! compares sizes with a limit before it allocates, and the error says how to raise it. What a task
//! saves is compared with the same limit, so that no output is saved that cannot be loaded.

use std::io;

use anyhow::{Result, anyhow};
#[cfg(any(feature = "bytes", feature = "json", feature = "pickle", feature = "text"))]
use flow_core::Source;

/// The least of the default limits.
const GIB: u64 = 1 << 30;

/// As [`GIB`], of the formats that keep large tables: one of few values is small when it is compressed.
const TABLE: u64 = 4 << 30;

/// How many times its size a file may take by default.
const TIMES: u64 = 100;

/// How many bytes a file may have, in the format's own plain form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limit(Option<u64>);

impl Limit {
    /// A limit that a user has chosen.
    pub(crate) fn new(bytes: u64) -> Self {
        Self(Some(bytes))
    }

    /// That of a file that is read as it is: 1 GiB by default.
    pub(crate) fn plain(self) -> u64 {
        self.0.unwrap_or(GIB)
    }

    /// That of what comes out of a compressed file of so many bytes: by default 1 GiB or, if that is
    /// more, 100 times as many.
    pub(crate) fn expanded(self, file: u64) -> u64 {
        self.0.unwrap_or_else(|| file.saturating_mul(TIMES).max(GIB))
    }

    /// As [`expanded`](Self::expanded), with a default of at least 4 GiB.
    pub(crate) fn table(self, file: u64) -> u64 {
        self.0.unwrap_or_else(|| file.saturating_mul(TIMES).max(TABLE))
    }

    /// The content of a file that is read as it is.
    #[cfg(any(feature = "bytes", feature = "json", feature = "pickle", feature = "text"))]
    pub(crate) fn read(self, source: &Source) -> Result<Vec<u8>> {
        let most = self.plain();
        source.read_within(most).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => exceeded("the file has", most),
            _ => error.into(),
        })
    }
}

/// The error of a file of which something is larger than the limit.
pub(crate) fn exceeded(what: &str, most: u64) -> anyhow::Error {
    anyhow!(
        "{what} more than {most} bytes; if that is right, raise the limit by the target's option \
         `max_bytes = ...`"
    )
}

/// As [`exceeded`], if it is.
pub(crate) fn check(what: &str, bytes: u64, most: u64) -> Result<()> {
    if bytes > most { Err(exceeded(what, most)) } else { Ok(()) }
}

/// Passes bytes on, up to the limit.
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
