//! Drafts: the files of an output while they are written.
//!
//! An output is written under its final name, which nobody knows before a record names it. If
//! writing it fails, or panics, what has been written is removed.

use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Hasher};
use crate::store::output::{Output, OutputFile};
use crate::store::record::Read;
use crate::store::{Folder, Store};
use crate::target::Sink;

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target could not write the value.
    #[error("cannot write {}", path.display())]
    Target { path: PathBuf, source: anyhow::Error },
}

/// The output of one instance while it is written.
#[doc(hidden)]
pub struct Draft<'a> {
    store: &'a Store,
    folder: &'a Folder,
    fingerprint: Digest,
    /// What the task has read besides its inputs, on which a value in memory depends too.
    reads: &'a (dyn Fn() -> Vec<Read> + 'a),
    files: Vec<OutputFile>,
    in_memory: Option<Digest>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        store: &'a Store,
        folder: &'a Folder,
        fingerprint: Digest,
        reads: &'a (dyn Fn() -> Vec<Read> + 'a),
    ) -> Self {
        Self { store, folder, fingerprint, reads, files: Vec::new(), in_memory: None }
    }

    /// Writes the file of a part, and hashes it on the way.
    pub(crate) fn write(
        &mut self,
        part: &str,
        extension: &str,
        save: impl FnOnce(&mut Sink<'_>) -> anyhow::Result<()>,
    ) -> Result<(), DraftError> {
        let store = self.store;
        let (file, path) = store.new_output(self.folder, self.fingerprint, part, extension)?;
        let mut out = store.fs().create(&path).during("create", &path)?;
        // From here on it is removed if anything fails.
        let part = part.to_owned();
        let (digest, bytes, modified, executable) = (Digest(0), 0, 0, false);
        let file = OutputFile { part, file, digest, bytes, modified, executable, folder: None };
        self.files.push(file);
        let written = self.files.last_mut().expect("it was pushed");
        let mut sink = Sink::new(&mut *out);
        let failed = |source| DraftError::Target { path: path.clone(), source };
        save(&mut sink).map_err(failed)?;
        (written.bytes, written.digest) = sink.finish().during("write", &path)?;
        written.modified = store.fs().stat(&path).during("look at", &path)?.modified;
        Ok(())
    }

    /// Takes the file, or folder, that the task has written in the place it was given.
    pub(crate) fn take(&mut self, part: &str, path: &Path) -> Result<(), StoreError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let described = self.store.describe(part, name.to_owned(), path)?;
        self.files.push(described);
        Ok(())
    }

    /// Says that there is no file, for the value is kept in memory. It is put there when it has
    /// turned out that nothing changed while it was made.
    pub(crate) fn remember(&mut self) {
        self.in_memory = Some(memory_digest(self.fingerprint, &(self.reads)()));
    }

    /// The output, which no longer is removed by itself.
    pub(crate) fn finish(mut self) -> Output {
        match self.in_memory {
            Some(digest) => Output::in_memory(digest),
            None => Output::of(std::mem::take(&mut self.files)),
        }
    }
}

/// The digest of a value in memory: of what it is made from, and what was read.
pub(crate) fn memory_digest(fingerprint: Digest, reads: &[Read]) -> Digest {
    let mut of_reads = Hasher::new("reads");
    for read in reads {
        let read = read.without_project();
        of_reads.text(&serde_json::to_string(&read).expect("a read is JSON"));
    }
    let mut hasher = Hasher::new("memory");
    hasher.part(fingerprint).part(of_reads.digest());
    hasher.digest()
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        for file in &self.files {
            self.store.discard_path(&self.store.path(self.folder, &file.file));
        }
    }
}
