//! The figures and notes of an output or a failure, as they are read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::NOTE;
use super::format::{FigureFormat, MOST_BYTES};
use crate::base::bytes::Bytes;
use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, digest_bytes};
use crate::store::output::OutputFile;
use crate::store::{Folder, Store};

/// A figure that a task has kept with [`Cx::figure`](crate::Cx::figure): an SVG or a PNG.
///
/// [`Instance::figures`](crate::Instance::figures), [`Input::figures`](crate::Input::figures) and
/// [`RecordedOutput::figures`](crate::RecordedOutput::figures) return those of an output, and
/// [`LastFailure::figures`](crate::LastFailure::figures) those of a failed run. It is printed in one line, such as
/// `roc (SVG, 2.3 kB)`.
///
/// The content is as the task has kept it. An SVG may have scripts and may refer to other files: who shows it in a
/// browser shows it as an image, which runs no scripts, or with a policy that allows none.
#[derive(Clone, PartialEq)]
pub struct Figure {
    name: String,
    format: FigureFormat,
    file: StoredFile,
}

impl Figure {
    /// Returns the name that the task has given to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its format.
    pub fn format(&self) -> FigureFormat {
        self.format
    }

    /// Returns the path of its file, which must not be written to.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Returns its size in bytes, as recorded.
    pub fn bytes(&self) -> u64 {
        self.file.bytes
    }

    /// Returns the digest of its content, as recorded. Equal figures have equal digests.
    pub fn digest(&self) -> Digest {
        self.file.digest
    }

    /// Reads the content, at most 16 MiB.
    ///
    /// # Errors
    ///
    /// The file was removed or modified, or cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, StoreError> {
        self.file.read()
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = crate::value::escaped_text(self.name.chars());
        write!(f, "{name} ({}, {})", self.format, Bytes(self.bytes()))
    }
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Figure");
        shown.field("name", &self.name).field("format", &self.format);
        shown.field("file", &self.file).finish()
    }
}

/// The file of a figure or note.
#[derive(Clone)]
struct StoredFile {
    store: Arc<Store>,
    path: PathBuf,
    digest: Digest,
    bytes: u64,
}

impl StoredFile {
    fn new(store: &Arc<Store>, folder: &Folder, file: &OutputFile) -> Self {
        let path = store.path(folder, &file.file);
        Self { store: Arc::clone(store), path, digest: file.digest, bytes: file.bytes }
    }

    fn read(&self) -> Result<Vec<u8>, StoreError> {
        let content = self.store.fs().read(&self.path, MOST_BYTES).during("read", &self.path)?;
        match digest_bytes(&content) == self.digest {
            true => Ok(content),
            false => {
                let reason = "it has other content than the task has kept";
                Err(StoreError::damaged(self.path.display(), reason))
            }
        }
    }
}

impl PartialEq for StoredFile {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, self.digest) == (&other.path, other.digest)
    }
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.path, f)
    }
}

/// The notes of an output or a failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notes(Vec<StoredFile>);

impl Notes {
    /// Reads the notes, in the order in which the task has kept them.
    ///
    /// # Errors
    ///
    /// A file was removed or modified, or cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<String>, StoreError> {
        let texts = self.0.iter().map(|file| {
            let text = String::from_utf8(file.read()?);
            text.map_err(|_| StoreError::damaged(file.path.display(), "it is not UTF-8"))
        });
        texts.collect()
    }
}

/// Returns the figures and the notes among the files that a record or a failure names, each in order.
///
/// Formats of later releases are left out.
pub(crate) fn figures_and_notes(
    store: &Arc<Store>,
    folder: &Folder,
    files: &[OutputFile],
) -> (Vec<Figure>, Notes) {
    let (mut figures, mut notes) = (Vec::new(), Vec::new());
    for file in files {
        let stored = StoredFile::new(store, folder, file);
        match (file.extension(), FigureFormat::with_extension(file.extension())) {
            (NOTE, _) if file.part.is_empty() => notes.push(stored),
            (_, Some(format)) if !file.part.is_empty() => {
                figures.push(Figure { name: file.part.clone(), format, file: stored });
            }
            _ => {}
        }
    }
    (figures, Notes(notes))
}
