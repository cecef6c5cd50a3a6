//! The writer for targets.

use std::io::{self, Write};

use crate::base::error::copy_error;
use crate::base::key::{Digest, digest_of};
use crate::target::ColumnDigests;
use crate::target::outside::OutputContext;

/// The writer for targets: a new file that is hashed while it is written.
///
/// Writes are not buffered. Wrap it in a [`BufWriter`](io::BufWriter) for a format that makes many
/// small writes.
pub struct Sink<'a> {
    file: &'a mut (dyn Write + Send),
    hasher: blake3::Hasher,
    written: u64,
    /// The first error. A target may ignore errors: a buffer that is dropped writes without
    /// reporting them.
    failed: Option<io::Error>,
    columns: ColumnDigests,
    /// The output that the file belongs to, if it belongs to a store.
    output: Option<OutputContext>,
}

impl<'a> Sink<'a> {
    /// Creates a sink for any writer, to test a target without a store.
    ///
    /// ```
    /// use std::io::Write;
    /// let mut bytes = Vec::new();
    /// flow_core::Sink::new(&mut bytes).write_all(b"abc")?;
    /// assert_eq!(bytes, b"abc");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(file: &'a mut (dyn Write + Send)) -> Self {
        let (hasher, columns) = (blake3::Hasher::new(), ColumnDigests::default());
        Self { file, hasher, written: 0, failed: None, columns, output: None }
    }

    /// Sets the digests of the columns that the file has.
    ///
    /// They become part of the record of the output, so that a task that reads some columns depends on these alone. A
    /// target that sets them also implements [`Target::column_digests`](super::Target::column_digests).
    pub fn set_columns(&mut self, columns: ColumnDigests) {
        self.columns = columns;
    }

    /// Returns the digests of the columns, as far as the target has set them: to test a target.
    pub fn columns(&self) -> &ColumnDigests {
        &self.columns
    }

    /// Takes the digests of the columns, if the target has set them.
    pub(crate) fn take_columns(&mut self) -> ColumnDigests {
        std::mem::take(&mut self.columns)
    }

    /// Returns this sink as that of an output of a store.
    pub(crate) fn of_output(self, output: OutputContext) -> Self {
        Self { output: Some(output), ..self }
    }

    /// Returns the output that the target writes; `None` if it is used without a store.
    ///
    /// Only targets that store their content outside of the store need it: see
    /// [`Outside`](super::Outside).
    pub fn output(&self) -> Option<&OutputContext> {
        self.output.as_ref()
    }

    /// Takes the first error of the file, if a write failed.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Returns the number of bytes and their digest.
    ///
    /// # Errors
    ///
    /// A write failed, whether or not the target returned the error.
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

/// Records a copy of the first error. An interrupted call is not an error, because it is repeated.
fn note(failed: &mut Option<io::Error>, error: &io::Error) {
    if failed.is_none() && error.kind() != io::ErrorKind::Interrupted {
        *failed = Some(copy_error(error));
    }
}
