//! Drafts: the files of an output while a target writes them.
//!
//! An output is written under its final name, which no record names yet. If writing fails or
//! panics, the files are removed.

pub(super) mod folder;

use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Hasher, Key, Short};
use crate::base::names::{INTERNAL, key_of};
use crate::store::output::{Output, OutputFile};
use crate::store::record::Read;
use crate::store::unwritable::is_refusal;
use crate::store::{ASIDE, Folder, Store};
use crate::target::footprint::Footprint;
use crate::target::outside::{OutputContext, Provided};
use crate::target::{ColumnDigests, Sink};

/// The most columns whose digests a record has. A table with more is compared as a whole, so that records stay small.
const MOST_COLUMNS: usize = 10_000;

/// The reason why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target failed to write the value.
    #[error("cannot write {}", path.display())]
    Target { path: PathBuf, source: anyhow::Error },
}

/// The files of an instance's output while they are written. Dropping it removes them.
#[doc(hidden)]
pub struct Draft<'a> {
    store: &'a Store,
    folder: &'a Folder,
    fingerprint: Digest,
    /// Returns what the task has read besides its inputs, which is part of the digest of a value in
    /// memory.
    reads: &'a (dyn Fn() -> Vec<Read> + 'a),
    files: Vec<OutputFile>,
    in_memory: Option<Digest>,
    /// The memory that the value takes.
    footprint: Footprint,
    /// The values that the flow provides.
    provided: Provided,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        store: &'a Store,
        folder: &'a Folder,
        fingerprint: Digest,
        reads: &'a (dyn Fn() -> Vec<Read> + 'a),
    ) -> Self {
        Self {
            store,
            folder,
            fingerprint,
            reads,
            files: Vec::new(),
            in_memory: None,
            footprint: Footprint::default(),
            provided: Provided::default(),
        }
    }

    /// Returns this draft with the values that the flow provides to targets.
    pub(crate) fn providing(mut self, provided: Provided) -> Self {
        self.provided = provided;
        self
    }

    /// Returns the identity of the output for targets that write outside of the store.
    fn context(&self) -> OutputContext {
        OutputContext {
            key: key_of_folder(self.folder),
            fingerprint: self.fingerprint,
            is_trial: self.folder.starts_with(Path::new(INTERNAL).join(ASIDE)),
            provided: self.provided.clone(),
        }
    }

    /// Creates the file of a part and hashes it while `save` writes it. Returns its size in bytes.
    pub(crate) fn write(
        &mut self,
        part: &str,
        extension: &str,
        save: impl FnOnce(&mut Sink<'_>) -> anyhow::Result<()>,
    ) -> Result<u64, DraftError> {
        let store = self.store;
        let context = self.context();
        let (file, path) = store.new_output(self.folder, self.fingerprint, part, extension)?;
        let mut out = store.fs().create(&path).during("create", &path)?;
        // From here on the file is removed if anything fails.
        let part = part.to_owned();
        let (digest, bytes, modified, executable) = (Digest(0), 0, 0, false);
        let (folder, columns) = (None, ColumnDigests::default());
        let file = OutputFile { part, file, digest, bytes, modified, executable, folder, columns };
        self.files.push(file);
        let written = self.files.last_mut().expect("pushed above");
        let mut sink = Sink::new(&mut *out).of_output(context);
        if let Err(source) = save(&mut sink) {
            return Err(match sink.take_error() {
                // The format may have turned the error of the file into a text of its own.
                Some(error) if is_refusal(error.kind()) => {
                    StoreError::Io { action: "write", path, source: error }.into()
                }
                _ => DraftError::Target { path, source },
            });
        }
        let columns = sink.take_columns();
        if columns.len() <= MOST_COLUMNS {
            written.columns = columns;
        }
        (written.bytes, written.digest) = sink.finish().during("write", &path)?;
        written.modified = store.fs().stat(&path).during("inspect", &path)?.modified;
        Ok(written.bytes)
    }

    /// Counts the memory that a part of the value takes.
    pub(crate) fn holds(&mut self, footprint: &Footprint) {
        self.footprint.extend(footprint);
    }

    /// Takes the memory that the value takes, as far as it was counted.
    pub(crate) fn take_footprint(&mut self) -> Footprint {
        std::mem::take(&mut self.footprint)
    }

    /// Adds a file or folder that the task wrote itself at the given path.
    pub(crate) fn take(&mut self, part: &str, path: &Path) -> Result<(), StoreError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let described = self.store.describe(part, name.to_owned(), path)?;
        self.files.push(described);
        Ok(())
    }

    /// Marks the output as kept in memory, without files. The caller stores the value after it has
    /// checked that no file changed while the task ran.
    pub(crate) fn remember(&mut self) {
        self.in_memory = Some(memory_digest(self.fingerprint, &(self.reads)()));
    }

    /// Returns the output. Its files are not removed any more.
    pub(crate) fn finish(mut self) -> Output {
        match self.in_memory {
            Some(digest) => Output::in_memory(digest),
            None => Output::of(std::mem::take(&mut self.files)),
        }
    }
}

/// Returns the key of the instance that a folder belongs to. The folder of a trial run is named by the whole key.
fn key_of_folder(folder: &Folder) -> Option<Short> {
    let name = folder.file_name()?.to_str()?;
    key_of(name).or_else(|| name.parse::<Key>().ok().map(Key::short))
}

/// Returns the digest of a value in memory: that of its fingerprint and of everything the task
/// read.
pub(crate) fn memory_digest(fingerprint: Digest, reads: &[Read]) -> Digest {
    let mut of_reads = Hasher::new("reads");
    for read in reads {
        let read = read.without_project();
        of_reads.text(&serde_json::to_string(&read).expect("serializable as JSON"));
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
