//! The public view of a record: what is known of a stored output without the program that produced it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::store::figures::{Figure, Notes, figures_and_notes};
use crate::store::record::Record;
use crate::store::{Folder, Store};

/// What a record says of an output: its files, parameters, inputs and metadata.
///
/// [`Instance::recorded`](crate::Instance::recorded) and [`StoredOutput::recorded`](crate::StoredOutput::recorded) return
/// it. It needs no types: the record may be that of a task that this program does not have.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedOutput {
    /// The name of the task.
    pub task: String,
    /// The key of the instance.
    pub key: Key,
    /// The parameters that distinguish the instance, own ones as `model` and others as `Preprocess.scale`. Long values
    /// are shortened, and secrets are not shown.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The target as the program declared it, such as `Parquet<Vec<Row>>`.
    pub target: String,
    /// The digest of everything that the output was computed from.
    pub fingerprint: Digest,
    /// The digest of the content of the output.
    pub digest: Digest,
    /// The files of the output. Empty if the value was only in memory.
    pub files: Vec<RecordedFile>,
    /// The instances that were inputs.
    pub inputs: Vec<RecordedInput>,
    /// The metadata that the task recorded, by name.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// The start of the run that produced it, in seconds since 1970 (UTC).
    pub started: i64,
    /// The duration of that run in seconds.
    pub seconds: f64,
    /// The machine on which it ran.
    pub host: String,
    /// The figures that the task kept, in order.
    pub figures: Vec<Figure>,
    notes: Notes,
    json: serde_json::Value,
}

/// A file, or a folder, of a stored output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedFile {
    /// The name of the part; empty if the output has only one.
    pub part: String,
    /// The path.
    pub path: PathBuf,
    /// The size in bytes; of a folder, that of all files in it.
    pub bytes: u64,
    /// The digest of the content.
    pub digest: Digest,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// An instance from whose output another one was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedInput {
    /// The name in `requires`; empty if it has none.
    pub role: String,
    /// The instance as text.
    pub instance: String,
    /// The key of the instance, if the record has it.
    pub key: Option<Key>,
    /// The digest of the content that was read.
    pub digest: Digest,
}

impl RecordedOutput {
    /// Returns the view of a record whose files are in this folder of the store.
    pub(crate) fn new(record: &Record, store: &Arc<Store>, place: &Folder) -> Self {
        let folder = store.root().join(place);
        let (figures, notes) = figures_and_notes(store, place, &record.output.figures);
        let files = record.output.files.iter().map(|file| RecordedFile {
            part: file.part.clone(),
            path: folder.join(&file.file),
            bytes: file.bytes,
            digest: file.digest,
            is_folder: file.folder.is_some(),
        });
        let inputs = record.made_from.inputs.iter().map(|input| RecordedInput {
            role: input.role.clone(),
            instance: input.instance.clone(),
            key: input.of,
            digest: input.digest,
        });
        Self {
            task: record.task.clone(),
            key: record.key,
            parameters: record.parameters.clone(),
            target: record.made_from.target.clone(),
            fingerprint: record.fingerprint,
            digest: record.output.digest,
            files: files.collect(),
            inputs: inputs.collect(),
            metadata: record.meta.clone(),
            started: record.started.as_second(),
            seconds: record.seconds,
            host: record.host.clone(),
            figures,
            notes,
            json: serde_json::to_value(record).unwrap_or_default(),
        }
    }

    /// Returns the whole record as JSON, as it is stored.
    pub fn json(&self) -> &serde_json::Value {
        &self.json
    }

    /// Returns the notes that the task kept with [`Cx::note`](crate::Cx::note), in order: Markdown.
    ///
    /// # Errors
    ///
    /// A note was removed or modified, or cannot be read.
    pub fn notes(&self) -> Result<Vec<String>, StoreError> {
        self.notes.read()
    }

    /// Returns the size of all files in bytes, without figures and notes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
