//! External files as digests and stamps.
//!
//! A task may read a file, a folder with everything in it, or the files that match a [`pattern`].
//! Their content counts and, for a folder or pattern, their names.
//!
//! - A [`Digest`] identifies content. A file is hashed once: as long as its size, its times and its
//!   inode stay the same, its digest is [`remembered`], also for the next process. Git's index
//!   works the same way. The device is left out, because it may differ each time a disk is mounted.
//!   A file that changed within the last [`SETTLED`] nanoseconds is hashed every time, because it
//!   could change again without getting another time.
//! - A [`Stamp`] describes files without opening them. It shows that a file was written while a
//!   task read it, even if its content is the same in the end.
//!
//! Invariants:
//!
//! - The store's own files are never read as external files. If the store is inside a folder or
//!   pattern, such as `data/**/*.csv` with the store in `data`, the folders `.flow` and those of
//!   instances are left out. Otherwise a task would read its own output and never be complete.
//!   Inside the store, a folder that is otherwise empty does not count.
//! - Links are followed. Their target counts under the name of the link. A link to a folder above
//!   itself counts as such a link, so that cycles end. A link to nothing counts by its name.
//! - A file that cannot be read is an error that names it. So is a pipe, socket or device, because
//!   reading it may never end.

mod columns;
mod folder;
mod pattern;
mod remembered;
mod stamp;
mod store_paths;
mod walk;

use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use self::folder::DigestedFiles;
pub(crate) use self::pattern::Pattern;
use self::remembered::Remembered;
pub(crate) use self::stamp::Stamp;
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Stat};
use crate::base::key::{Digest, Hasher, digest_of};
use crate::base::names::INTERNAL;
use crate::files::store_paths::UserPath;
use crate::files::walk::{Entry, Look, Passed, Walk};

/// The name of the file in the store's internal folder that keeps the digests.
const DIGESTS: &str = "digests";

/// How many bytes of a file are hashed at a time.
const CHUNK: usize = 256 * 1024;

/// How long ago a file must have changed for its time to identify its content, in nanoseconds.
///
/// File systems store times in steps of up to two seconds. They take them from a clock that follows
/// the kernel's ticks and is up to ten milliseconds behind the clock that is read here.
pub(crate) const SETTLED: i64 = 3_000_000_000;

/// Returns the digest of a file's bytes. An output with the same bytes has the same digest.
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

/// Computes and caches the digests of external files.
pub(crate) struct Contents {
    fs: Arc<dyn Fs>,
    remembered: Remembered,
    /// The absolute path of the store.
    store: PathBuf,
}

/// How a path stands for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// The file at the path or, for a folder, everything in it.
    Exactly,
    /// The same or, if nothing exists at the path, the files that match it as a pattern.
    AsPattern,
}

impl Contents {
    /// Returns a cache that is kept in a file of the store, for the next process.
    ///
    /// `confined` reaches that file, and `fs` all others.
    pub(crate) fn remembered(fs: Arc<dyn Fs>, confined: Arc<dyn Fs>, store: &Path) -> Self {
        let file = store.join(INTERNAL).join(DIGESTS);
        Self::new(fs, Remembered::new(confined, Some(file)), store)
    }

    /// Returns an empty cache that is not kept: each file is hashed once.
    pub(crate) fn unknown(fs: Arc<dyn Fs>, store: &Path) -> Self {
        Self::new(Arc::clone(&fs), Remembered::new(fs, None), store)
    }

    fn new(fs: Arc<dyn Fs>, remembered: Remembered, store: &Path) -> Self {
        // Nothing can lie below a path that cannot be made absolute.
        let store = std::path::absolute(store).unwrap_or_else(|_| store.to_owned());
        Self { remembered, fs, store }
    }

    fn user_path<'a>(&self, path: &'a Path) -> UserPath<'a> {
        UserPath::new(path, &self.store)
    }

    /// Returns the files that match a pattern, in order.
    fn files_of(&self, pattern: &Pattern) -> Result<Vec<PathBuf>, StoreError> {
        let mut files = pattern.files(&*self.fs)?;
        let user_path = self.user_path(pattern.base());
        files.retain(|file| !user_path.is_stored(file));
        Ok(files)
    }

    /// Writes new digests to the file of the cache.
    pub(crate) fn keep(&self) {
        self.remembered.keep();
    }

    /// Returns the digest of a file's bytes or, for a folder, of the names and content of
    /// everything in it. `None` if nothing exists at `path`.
    pub(crate) fn digest(&self, path: &Path) -> Result<Option<Digest>, StoreError> {
        self.content(path, Named::Exactly)
    }

    /// Returns the same for a path that users write, which may be a pattern.
    ///
    /// If nothing exists at the path and it is a pattern, the names and content of the matching
    /// files count. `None` if there are none.
    pub(crate) fn meant(&self, path: &Path) -> Result<Option<Digest>, StoreError> {
        self.content(path, Named::AsPattern)
    }

    /// Returns the digest of the names and content of the files at a path.
    pub(crate) fn content(&self, path: &Path, named: Named) -> Result<Option<Digest>, StoreError> {
        let file = |path: &Path, stat| self.file(path, stat);
        self.walk(path, named, Look { file: &file, note: &|_, _| Ok(()) })
    }

    /// Returns the digest of the names of the files at a path, and of what `look` finds at each.
    fn walk(
        &self,
        path: &Path,
        named: Named,
        look: Look<'_>,
    ) -> Result<Option<Digest>, StoreError> {
        let pattern = match named {
            Named::Exactly => None,
            Named::AsPattern => Pattern::parse(path),
        };
        match (self.entry(path, &[]), pattern) {
            (Ok(Entry::Nothing), Some(pattern)) => self.matched(&pattern, look),
            // A pattern may be an invalid file name on this system.
            (Err(_), Some(pattern)) if self.is_no_name(path) => self.matched(&pattern, look),
            (entry, _) => {
                let entry = entry?;
                (look.note)(path, Passed::Name).during("read", path)?;
                self.walk_entry(path, &entry, look)
            }
        }
    }

    /// Returns the files at a path in order: the file itself, all in the folder, or the matches of
    /// the pattern.
    pub(crate) fn files(&self, path: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let entry = match (self.entry(path, &[]), Pattern::parse(path)) {
            (Ok(Entry::Nothing), Some(pattern)) => return self.files_of(&pattern),
            (Err(_), Some(pattern)) if self.is_no_name(path) => return self.files_of(&pattern),
            (entry, _) => entry?,
        };
        match entry {
            Entry::File(_) => Ok(vec![path.to_owned()]),
            Entry::Folder(folder) => Walk::new(self, path, &folder).files(path),
            Entry::Nothing | Entry::Above(_) => Ok(Vec::new()),
        }
    }

    /// Returns whether the path is an invalid file name on this system. On Windows, no name has a
    /// `*`.
    fn is_no_name(&self, path: &Path) -> bool {
        self.fs.stat(path).is_err_and(|error| error.kind() == ErrorKind::InvalidFilename)
    }

    fn walk_entry(
        &self,
        path: &Path,
        entry: &Entry,
        look: Look<'_>,
    ) -> Result<Option<Digest>, StoreError> {
        match entry {
            Entry::Nothing | Entry::Above(_) => Ok(None),
            Entry::File(stat) => (look.file)(path, *stat).during("read", path).map(Some),
            Entry::Folder(folder) => {
                Walk::new(self, path, folder).digest(path, folder, look).map(Some)
            }
        }
    }

    pub(crate) fn file(&self, path: &Path, stat: Stat) -> io::Result<Digest> {
        if let Some(digest) = self.remembered.get(path, &stat) {
            return Ok(digest);
        }
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let digest = digest_file(&*self.fs, path)?;
        // Programs can set the modification time, but not the time of the last change, where there
        // is one.
        let age = begun.as_nanos() as i64 - stat.changed.unwrap_or(stat.modified);
        if age > SETTLED && self.fs.stat(path)? == stat {
            self.remembered.add(path, &stat, digest);
        }
        Ok(digest)
    }

    /// Returns the digest of the files that match a pattern. `None` if there are none.
    fn matched(&self, pattern: &Pattern, look: Look<'_>) -> Result<Option<Digest>, StoreError> {
        let mut hasher = Hasher::new("files");
        let files = self.files_of(pattern)?;
        for file in &files {
            // A file that was removed meanwhile does not count. The next check of the pattern
            // detects it.
            let Entry::File(stat) = self.entry(file, &[])? else { continue };
            (look.note)(file, Passed::Name).during("read", file)?;
            let name = file.strip_prefix(pattern.base()).unwrap_or(file);
            let parts: Vec<&OsStr> = name.iter().collect();
            hasher.number(parts.len() as u64);
            parts.iter().fold(&mut hasher, |hasher, part| hasher.bytes(part.as_encoded_bytes()));
            hasher.part((look.file)(file, stat).during("read", file)?);
        }
        Ok((!files.is_empty()).then(|| hasher.digest()))
    }
}

/// Returns whether the error means that nothing exists at the path.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
