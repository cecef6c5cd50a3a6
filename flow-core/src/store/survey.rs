//! Surveys: everything in a store, of all tasks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Short};
use crate::base::names::INTERNAL;
use crate::base::names::key_of;
use crate::base::parallel;
use crate::files::is_absent;
use crate::store::folder::is_env_folder;
use crate::store::gc::is_unfinished;
use crate::store::limit::folder_key;
use crate::store::record::Record;
use crate::store::{Folder, RECORD, Store, index};

/// The contents of a store, in few bytes for each instance.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) instances: Vec<InstanceFolder>,
    pub(super) versions: Vec<Version>,
    /// The tables of code that records name.
    pub(super) codes: HashSet<Digest>,
    /// The instances that the record of each instance names.
    pub(super) named_by: HashMap<Short, Vec<Short>>,
    /// The records that could not be used, with the reasons.
    pub(super) unusable: Vec<(PathBuf, String)>,
}

/// The folder of an instance.
pub(super) struct InstanceFolder {
    pub(super) folder: Folder,
    pub(super) key: Short,
    /// The names of all files in it.
    pub(super) names: Vec<String>,
    pub(super) record: RecordState,
}

/// What was found at the place of a record.
pub(super) enum RecordState {
    Nothing,
    Record(Brief),
    /// The record is damaged, or a newer version of this library wrote it.
    Unusable,
}

/// The fields of a record that a survey needs.
pub(super) struct Brief {
    pub(super) format: u32,
    pub(super) fingerprint: Digest,
    /// The digest of the output.
    pub(super) digest: Digest,
    pub(super) files: Vec<String>,
    /// The files of figures and notes.
    pub(super) figures: Vec<String>,
    pub(super) started: jiff::Timestamp,
    pub(super) is_in_memory: bool,
}

impl Brief {
    /// Returns the names of all files that belong to the output.
    pub(super) fn all_files(&self) -> impl Iterator<Item = &String> {
        self.files.iter().chain(&self.figures)
    }
}

/// A kept version.
pub(super) struct Version {
    pub(super) path: PathBuf,
    pub(super) key: Short,
    pub(super) record: RecordState,
}

impl RecordState {
    pub(super) fn brief(&self) -> Option<&Brief> {
        match self {
            Self::Record(brief) => Some(brief),
            Self::Nothing | Self::Unusable => None,
        }
    }

    pub(super) fn is_unusable(&self) -> bool {
        matches!(self, Self::Unusable)
    }
}

impl Store {
    /// Returns the folders of all instances that can be found.
    ///
    /// These are the folders in the folders of tasks, and those that an index names.
    pub(crate) fn instance_folders(&self) -> Result<BTreeSet<Folder>, StoreError> {
        let names = match self.names(&self.root) {
            // Nothing was stored in this namespace.
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", &self.root)?,
        };
        // A namespace is a store of its own.
        let is_task = |name: &String| name != INTERNAL && !is_env_folder(name);
        let tasks: Vec<_> = names.into_iter().filter(is_task).map(PathBuf::from).collect();
        let found = parallel::map(&tasks, |task| self.instances(task));
        let (mut folders, mut listed) = (Vec::new(), BTreeSet::new());
        for (task, found) in tasks.into_iter().zip(found) {
            // A name that cannot be listed, such as a link, is not a folder of the store.
            if let Ok(found) = found {
                folders.extend(found);
                listed.insert(task);
            }
        }
        // The folders of tasks with a `group` or `dir` are known from the index and from the tasks
        // that were looked up since the store was opened. A loss of power may take the lines of an
        // index; then the claim of the task's name has the folder.
        let mut others = self.task_names();
        let indices = self.indices()?;
        let indexed = parallel::map(&indices, |path| {
            self.read_index(path).map(|index| index::task_folders(&index))
        });
        let mut found = HashSet::new();
        for (path, tasks) in indices.iter().zip(indexed) {
            let tasks = tasks?;
            if !tasks.is_empty() {
                found.extend(path.file_name().and_then(|name| name.to_str()));
            }
            others.extend(tasks);
        }
        others.extend(self.claimed_folders(|name| !found.contains(name))?);
        for task in others.difference(&listed) {
            folders.extend(self.instances(task)?);
        }
        Ok(folders.into_iter().collect())
    }

    /// Returns the paths of all indices.
    pub(super) fn indices(&self) -> Result<Vec<PathBuf>, StoreError> {
        let at = self.internal("index");
        let names = self.names_if_there(&at)?.into_iter();
        Ok(names.filter(|name| !is_unfinished(name)).map(|name| at.join(name)).collect())
    }

    /// Returns the sorted names in a folder. An absent folder has none.
    pub(super) fn names_if_there(&self, folder: &Path) -> Result<Vec<String>, StoreError> {
        let mut names = match self.names(folder) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", folder)?,
        };
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the folders that hold the versions of each instance, with the instance's key.
    pub(super) fn version_folders(&self) -> Result<Vec<(PathBuf, Short)>, StoreError> {
        let mut folders = Vec::new();
        let at = self.internal("versions");
        for task in self.names_if_there(&at)? {
            let at = at.join(task);
            let keys = self.names_if_there(&at)?.into_iter();
            folders.extend(keys.filter_map(|key| Some((at.join(&key), key_of(&key)?))));
        }
        Ok(folders)
    }

    /// Surveys the whole store.
    pub(super) fn survey(&self) -> Result<Survey, StoreError> {
        let folders = self.instance_folders()?;
        let keys: HashSet<Short> = folders.iter().filter_map(|path| folder_key(path)).collect();
        let mut survey = Survey::default();
        for folder in folders {
            let Some(key) = folder_key(&folder) else { continue };
            let record =
                self.survey_record(&self.path(&folder, RECORD), key, &keys, &mut survey)?;
            let names = self.names_if_there(&self.root.join(&folder))?;
            survey.instances.push(InstanceFolder { folder, key, names, record });
        }
        for (at, key) in self.version_folders()? {
            for path in self.versions_in(&at)? {
                let record = self.survey_record(&path, key, &keys, &mut survey)?;
                survey.versions.push(Version { path, key, record });
            }
        }
        Ok(survey)
    }

    /// Reads the record of the instance `key`, and adds what it names to the survey.
    fn survey_record(
        &self,
        path: &Path,
        key: Short,
        keys: &HashSet<Short>,
        survey: &mut Survey,
    ) -> Result<RecordState, StoreError> {
        let bytes = match self.read_record_file(path)? {
            None => return Ok(RecordState::Nothing),
            Some(Ok(bytes)) => bytes,
            Some(Err(reason)) => {
                survey.unusable.push((path.to_owned(), reason));
                return Ok(RecordState::Unusable);
            }
        };
        // A newer format may have keys and digests in unknown fields, so all fields are searched.
        for digest in digests(&bytes) {
            survey.codes.insert(digest);
            let named = Short((digest.0 >> 64) as u64);
            if named != key && keys.contains(&named) {
                survey.named_by.entry(key).or_default().push(named);
            }
        }
        let record = match Record::parse(&bytes) {
            Ok(record) if record.key.short() == key => record,
            Ok(record) => {
                let what = format!("it is the record of another instance, {}", record.key);
                survey.unusable.push((path.to_owned(), what));
                return Ok(RecordState::Unusable);
            }
            Err(error) => {
                survey.unusable.push((path.to_owned(), error.to_string()));
                return Ok(RecordState::Unusable);
            }
        };
        let files = record.output.files.iter().map(|file| file.file.clone());
        let figures = record.output.figures.iter().map(|figure| figure.file.clone());
        Ok(RecordState::Record(Brief {
            format: record.format,
            fingerprint: record.fingerprint,
            digest: record.output.digest,
            files: files.collect(),
            figures: figures.collect(),
            started: record.started,
            is_in_memory: record.output.is_in_memory(),
        }))
    }
}

/// Returns all digests and keys in the text of a record, in whichever fields.
fn digests(bytes: &[u8]) -> impl Iterator<Item = Digest> + '_ {
    let words = bytes.split(|byte| !byte.is_ascii_alphanumeric());
    words.filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}
