//! The content of files, as digests.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fs::{Fs, Stat};
use crate::key::{Digest, Hasher, digest_of};

/// How much of a file is hashed at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// How old a file's time must be before it tells one content from another, in nanoseconds. File
/// systems keep it in steps of up to two seconds.
pub(crate) const SETTLED: i64 = 2_000_000_000;

/// The digest of a file's bytes, which is that of an output with the same bytes.
pub(crate) fn digest_file(fs: &dyn Fs, path: &Path) -> io::Result<Digest> {
    let mut file = fs.open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(digest_of(&hasher)),
            Ok(read) => hasher.update(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
    }
}

/// The content of files outside the store, remembered as long as their size and time stay.
#[derive(Default)]
pub(crate) struct Contents {
    known: Mutex<HashMap<PathBuf, (Stat, Digest)>>,
}

impl Contents {
    /// The digest of a file's bytes or, of a folder, that of the names and content of all in it.
    /// `None` if there is nothing at `path`.
    pub(crate) fn digest(&self, fs: &dyn Fs, path: &Path) -> io::Result<Option<Digest>> {
        match fs.stat(path) {
            Ok(stat) if stat.folder => self.folder(fs, path).map(Some),
            Ok(stat) => self.file(fs, path, stat).map(Some),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn file(&self, fs: &dyn Fs, path: &Path, stat: Stat) -> io::Result<Digest> {
        let known = || self.known.lock().expect("no panic while a digest is looked up");
        if let Some((at, digest)) = known().get(path)
            && *at == stat
        {
            return Ok(*digest);
        }
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let digest = digest_file(fs, path)?;
        // A file that was written a moment ago may be written again without another time.
        let age = begun.as_nanos() as i64 - stat.modified;
        if age > SETTLED && fs.stat(path)? == stat {
            known().insert(path.to_owned(), (stat, digest));
        }
        Ok(digest)
    }

    fn folder(&self, fs: &dyn Fs, path: &Path) -> io::Result<Digest> {
        let mut names = fs.list(path)?;
        names.sort_unstable();
        let mut hasher = Hasher::new("folder");
        for name in names {
            if let Some(digest) = self.digest(fs, &path.join(&name))? {
                hasher.bytes(name.as_encoded_bytes()).part(digest);
            }
        }
        Ok(hasher.digest())
    }
}

/// Whether the error says that there is nothing there.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
