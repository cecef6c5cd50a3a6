//! Staging: an output is written under its final name before any record names it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::record::{OutputFile, Record};
use crate::store::{Folder, RECORD, Store};
use crate::target::{Sink, Target};

/// Why an output could not be staged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target could not write the value.
    #[error("cannot write {}: {source:#}", path.display())]
    Target { path: PathBuf, source: anyhow::Error },
}

/// An output that lies in its place, and the record that will say so.
pub(crate) struct Staged {
    pub(crate) folder: Folder,
    pub(crate) fingerprint: Digest,
    /// The record under a name that nobody reads.
    pub(crate) draft: PathBuf,
    /// The output, if it has no record yet.
    pub(crate) data: Option<PathBuf>,
}

impl Staged {
    /// The files that must be durable before the record is seen.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.data.iter().chain([&self.draft]).cloned().collect()
    }
}

impl Store {
    /// Writes a value into the folder of its instance, and hashes it on the way.
    ///
    /// If that fails, nothing of it is left.
    pub(crate) fn stage_value<T: Target>(
        &self,
        target: &T,
        value: &T::Value,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<OutputFile, StageError> {
        let (file, path) = self.new_output(folder, fingerprint, T::EXTENSION)?;
        let unfinished = Unfinished { store: self, path: &path };
        let (bytes, digest) = self.write(target, value, &path)?;
        let modified = self.fs.stat(&path).during("look at", &path)?.modified;
        unfinished.keep();
        Ok(OutputFile { file, digest, bytes, modified })
    }

    fn write<T: Target>(
        &self,
        target: &T,
        value: &T::Value,
        path: &Path,
    ) -> Result<(u64, Digest), StageError> {
        let mut file = self.fs.create(path).during("create", path)?;
        let mut sink = Sink::new(&mut *file);
        let failed = |source| StageError::Target { path: path.to_owned(), source };
        target.save(value, &mut sink).map_err(failed)?;
        Ok(sink.finish().during("write", path)?)
    }

    /// Gives the file of another version's output a name in this folder too.
    ///
    /// If that fails, nothing of it is left.
    pub(crate) fn stage_link(
        &self,
        from: &Path,
        output: &OutputFile,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<OutputFile, StoreError> {
        let extension = from.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let (file, path) = self.new_output(folder, fingerprint, extension)?;
        let unfinished = Unfinished { store: self, path: &path };
        let linked = self.fs.link(from, &path).is_ok();
        if !linked {
            self.fs.copy(from, &path).during("copy to", &path)?;
        }
        let modified = self.fs.stat(&path).during("look at", &path)?.modified;
        // A copy, or a file that was written since it was looked at, has to show what it is.
        if !linked || modified != output.modified {
            let digest = crate::content::digest_file(&*self.fs, &path).during("read", &path)?;
            if digest != output.digest {
                let changed = std::io::Error::other("it changed meanwhile");
                return Err(changed).during("take over", from);
            }
        }
        unfinished.keep();
        Ok(OutputFile { file, modified, ..output.clone() })
    }

    /// A new name for an output in this folder, which is made if need be.
    fn new_output(
        &self,
        folder: &Folder,
        fingerprint: Digest,
        extension: &str,
    ) -> Result<(String, PathBuf), StoreError> {
        let at = self.root.join(folder);
        self.fs.create_folder(&at).during("create the folder", &at)?;
        let version = (fingerprint.0 >> 64) as u64;
        let dot = if extension.is_empty() { "" } else { "." };
        let file = format!("data-{version:016x}-{}{dot}{extension}", unique());
        let path = at.join(&file);
        Ok((file, path))
    }

    /// Writes a record under a name that nobody reads. `is_new` says that no other record names
    /// its output.
    pub(crate) fn stage_record(
        &self,
        folder: &Folder,
        record: &Record,
        is_new: bool,
    ) -> Result<Staged, StoreError> {
        let draft = self.draft_record(&self.path(folder, RECORD), record)?;
        let data = is_new.then(|| self.path(folder, &record.output.file));
        Ok(Staged { folder: folder.clone(), fingerprint: record.fingerprint, draft, data })
    }

    /// Writes a record beside its place, under a name that nobody reads.
    pub(crate) fn draft_record(
        &self,
        place: &Path,
        record: &Record,
    ) -> Result<PathBuf, StoreError> {
        let name = place.file_name().and_then(|name| name.to_str()).unwrap_or(RECORD);
        let draft = place.with_file_name(format!("{name}.{}", unique()));
        let bytes = record.to_bytes().map_err(std::io::Error::from).during("write", &draft)?;
        let unfinished = Unfinished { store: self, path: &draft };
        let mut file = self.fs.create(&draft).during("create", &draft)?;
        file.write_all(&bytes).and_then(|()| file.flush()).during("write", &draft)?;
        unfinished.keep();
        Ok(draft)
    }
}

/// A file that is removed if what fills it fails, or panics.
struct Unfinished<'a> {
    store: &'a Store,
    path: &'a Path,
}

impl Unfinished<'_> {
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // Nothing names the file, so that it does no harm if this fails too.
        let _ = self.store.fs.remove(self.path);
    }
}

/// 16 digits that no other process and no other call of this one gives.
pub(crate) fn unique() -> String {
    static START: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);

    // Without a source of randomness the time and the process tell two processes apart; names
    // that exist are refused all the same.
    let start = START.get_or_init(|| {
        getrandom::u64().unwrap_or_else(|_| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let nanos = now.map_or(0, |since| since.as_nanos() as u64);
            nanos.rotate_left(20) ^ u64::from(std::process::id())
        })
    });
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", start.wrapping_add(next.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}
