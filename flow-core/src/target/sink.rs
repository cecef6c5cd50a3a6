//! Where a target writes.

use std::io::{self, Write};

use crate::base::key::{Digest, digest_of};

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
