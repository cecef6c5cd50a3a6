//! The content of files outside the store, as digests.
//!
//! A task may read a file, a folder with all in it, or the files that a [`pattern`] stands for.
//! What counts of them is their content and, of several, their names. A file is hashed once: as
//! long as its size, its times and its inode stay, its digest is [`remembered`], by the next
//! process too. That is what git's index does, and as there a file that was written a moment ago
//! is not trusted, for it may be written again without another time.
//!
//! A [`Stamp`] is what is known of the same files without opening them: it tells that one was written while
//! a task read it, even if its content is the same in the end.
//!
//! What a store holds is never read as if it had been there before: a folder or a pattern that the store
//! lies in, such as `data/**/*.csv` beside the store `data`, means all but the store's own folders,
//! `.flow` and those of instances. Within the store, a folder in which nothing else is does not count.
//!
//! Links are followed: what they lead to counts, under the link's name. A link to a folder that it
//! lies in counts as such a link, so that a circle has an end. A link to nothing counts by its
//! name. What cannot be read is an error that names it, and so is what is neither a file nor a
//! folder, for reading a pipe may never end.

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

pub(crate) use self::pattern::Pattern;
use self::remembered::Remembered;
pub(crate) use self::stamp::Stamp;
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Stat};
use crate::base::key::{Digest, Hasher, digest_of};
use crate::base::names::INTERNAL;
use crate::files::store_paths::Written;
use crate::files::walk::{Entry, Look, Passed, Walk};

/// The file of the store in which digests are remembered.
const DIGESTS: &str = "digests";

/// How much of a file is hashed at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// How old a file's time must be before it tells one content from another, in nanoseconds. File
/// systems keep it in steps of up to two seconds, and take it from a clock that moves with the
/// kernel's ticks: it is up to ten milliseconds behind the one that is asked here.
pub(crate) const SETTLED: i64 = 3_000_000_000;

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

/// The content of files outside the store.
pub(crate) struct Contents {
    fs: Arc<dyn Fs>,
    remembered: Remembered,
    /// The folder of the store, from the root of the file system.
    store: PathBuf,
}

/// How a path names files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// The file at the path or, of a folder, all in it.
    Exactly,
    /// The same or, if nothing is there, the files that match the path as a pattern.
    AsPattern,
}

impl Contents {
    /// Contents that are remembered in a file of the store, so that the next process need not hash
    /// them. That file is reached by `confined`, all others by `fs`.
    pub(crate) fn remembered(fs: Arc<dyn Fs>, confined: Arc<dyn Fs>, store: &Path) -> Self {
        let file = store.join(INTERNAL).join(DIGESTS);
        Self::new(fs, Remembered::new(confined, Some(file)), store)
    }

    /// Contents of which nothing is known: each file is hashed when it is first asked for.
    pub(crate) fn unknown(fs: Arc<dyn Fs>, store: &Path) -> Self {
        Self::new(Arc::clone(&fs), Remembered::new(fs, None), store)
    }

    fn new(fs: Arc<dyn Fs>, remembered: Remembered, store: &Path) -> Self {
        // A path that cannot be made absolute is no path that anything lies in.
        let store = std::path::absolute(store).unwrap_or_else(|_| store.to_owned());
        Self { remembered, fs, store }
    }

    fn written<'a>(&self, path: &'a Path) -> Written<'a> {
        Written::new(path, &self.store)
    }

    /// The files that a pattern stands for, in order.
    fn files_of(&self, pattern: &Pattern) -> Result<Vec<PathBuf>, StoreError> {
        let mut files = pattern.files(&*self.fs)?;
        let written = self.written(pattern.base());
        files.retain(|file| !written.is_stored(file));
        Ok(files)
    }

    /// Writes down what is remembered.
    pub(crate) fn keep(&self) {
        self.remembered.keep();
    }

    /// The digest of a file's bytes or, of a folder, that of the names and content of all in it.
    /// `None` if there is nothing at `path`.
    pub(crate) fn digest(&self, path: &Path) -> Result<Option<Digest>, StoreError> {
        self.content(path, Named::Exactly)
    }

    /// The same for what is meant by a path that users give: if nothing is there and it is a
    /// pattern, the names and content of all files that it stands for; `None` if there are none.
    pub(crate) fn meant(&self, path: &Path) -> Result<Option<Digest>, StoreError> {
        self.content(path, Named::AsPattern)
    }

    /// The digest of the names and content of the files at a path.
    pub(crate) fn content(&self, path: &Path, named: Named) -> Result<Option<Digest>, StoreError> {
        let file = |path: &Path, stat| self.file(path, stat);
        self.walk(path, named, Look { file: &file, note: &|_, _| Ok(()) })
    }

    /// The digest of the names of the files at a path, and of what `look` finds at each.
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
            // What is no name on this system may be a pattern.
            (Err(_), Some(pattern)) if self.is_no_name(path) => self.matched(&pattern, look),
            (entry, _) => {
                let entry = entry?;
                (look.note)(path, Passed::Name).during("read", path)?;
                self.walk_entry(path, &entry, look)
            }
        }
    }

    /// The files that are meant by a path: itself, all in the folder, or those that it stands for
    /// as a pattern; in order.
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

    /// Whether nothing can have this name on this system, as on Windows nothing has a `*`.
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
            Entry::Folder(folder) => Walk::new(self, path, folder).digest(path, look).map(Some),
        }
    }

    fn file(&self, path: &Path, stat: Stat) -> io::Result<Digest> {
        if let Some(digest) = self.remembered.get(path, &stat) {
            return Ok(digest);
        }
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let digest = digest_file(&*self.fs, path)?;
        // Where there is one, the time that no program can set tells of every change.
        let age = begun.as_nanos() as i64 - stat.changed.unwrap_or(stat.modified);
        if age > SETTLED && self.fs.stat(path)? == stat {
            self.remembered.add(path, &stat, digest);
        }
        Ok(digest)
    }

    /// The digest of the files that a pattern stands for.
    fn matched(&self, pattern: &Pattern, look: Look<'_>) -> Result<Option<Digest>, StoreError> {
        let mut hasher = Hasher::new("files");
        let files = self.files_of(pattern)?;
        for file in &files {
            // One that has gone since is none of them, and that is seen when it is looked again.
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

/// Whether the error says that there is nothing there.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
