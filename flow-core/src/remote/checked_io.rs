//! Content on its way: hashed while it is read, and never taken for more than it is.

use std::io::{self, Read};
use std::path::Path;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Refused};
use crate::base::key::{Digest, digest_of};
use crate::remote::{Remote, RemoteContext, damaged};
use crate::store::bounds;

/// How much is read at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// Content that must have this digest and size. Who reads it to its end gets an error, and not an
/// end, if it has not: so nothing that is damaged is put anywhere.
pub(crate) struct Checked<R> {
    content: R,
    digest: Digest,
    left: u64,
    hasher: blake3::Hasher,
    /// Whether it was read to its end, and is what it must be.
    is_whole: bool,
}

impl<R: Read> Checked<R> {
    pub(crate) fn new(content: R, digest: Digest, bytes: u64) -> Self {
        Self { content, digest, left: bytes, hasher: blake3::Hasher::new(), is_whole: false }
    }

    /// Reads what is left, and gives an error unless all was what it must be.
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

/// What is wrong with content that is not what it must be.
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

/// Whether an error says that content is not what it must be.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Copies content, which must have this digest and size, into a new file, and says when that was
/// written. What is wrong with the content is said by `wrong`.
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

/// Reads a manifest, or a table, whole.
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
