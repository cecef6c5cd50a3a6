//! Reading content whose digest and size are known: both are verified while it is read.

use std::io::{self, Read};
use std::path::Path;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Refused};
use crate::base::key::{Digest, digest_of};
use crate::remote::{Remote, RemoteContext, damaged};
use crate::store::bounds;

/// The size of a read, in bytes.
const CHUNK: usize = 256 * 1024;

/// A reader that fails unless the content has the expected digest and size.
///
/// The error comes in place of the end of the content. So a copy of damaged content fails before it is complete.
pub(crate) struct Checked<R> {
    content: R,
    digest: Digest,
    /// The number of bytes that must still come.
    left: u64,
    hasher: blake3::Hasher,
    /// Whether the end was reached, with the expected digest and size.
    is_whole: bool,
}

impl<R: Read> Checked<R> {
    pub(crate) fn new(content: R, digest: Digest, bytes: u64) -> Self {
        Self { content, digest, left: bytes, hasher: blake3::Hasher::new(), is_whole: false }
    }

    /// Reads the rest of the content and verifies it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        while !self.is_whole {
            match self.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => drop(read?),
            }
        }
        Ok(())
    }
}

/// Returns the error for content with another digest or size than expected.
fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it {what} than its digest says"))
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let read = self.content.read(to)?;
        self.hasher.update(&to[..read]);
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| wrong("is longer"))?;
        if read == 0 {
            if self.left > 0 {
                return Err(wrong("is shorter"));
            }
            if digest_of(&self.hasher) != self.digest {
                return Err(wrong("has other content"));
            }
            self.is_whole = true;
        }
        Ok(read)
    }
}

/// Returns whether an error means that content has another digest or size than expected.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Copies content into a new file, verifies its digest and size, and returns the file's modification time.
///
/// `wrong` converts errors of reading, and of the verification.
pub(crate) fn keep(
    content: impl Read,
    (digest, bytes): (Digest, u64),
    (fs, to): (&dyn Fs, &Path),
    wrong: impl FnOnce(io::Error) -> StoreError,
) -> Result<i64, StoreError> {
    let mut content = Checked::new(content, digest, bytes);
    let mut file = fs.create(to).during("create", to)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match content.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => file.write_all(&chunk[..read]).during("write", to)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(wrong(error)),
        }
    }
    file.flush().during("write", to)?;
    drop(file);
    Ok(fs.stat(to).during("look at", to)?.modified)
}

/// Reads a manifest or a table into memory. Its size is limited.
pub(crate) fn read_whole(remote: &dyn Remote, name: &str) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let content = remote.get(name).of_remote("get", name)?;
    content.take(bounds::RECORD + 1).read_to_end(&mut bytes).of_remote("get", name)?;
    match bytes.len() as u64 {
        bytes if bytes > bounds::RECORD => {
            Err(damaged(name, Refused::TooLarge { bytes, limit: bounds::RECORD }))
        }
        _ => Ok(bytes),
    }
}
