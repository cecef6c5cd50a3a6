//! Surveys: all that lies in a store, whatever task it is of.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Short};
use crate::base::names::INTERNAL;
use crate::base::names::key_of;
use crate::files::is_absent;
use crate::store::folder::is_env_folder;
use crate::store::gc::is_unfinished;
use crate::store::limit::folder_key;
use crate::store::record::Record;
use crate::store::{Folder, RECORD, Store, index};

/// What lies in a store, in few bytes for each instance.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) instances: Vec<Lying>,
    pub(super) versions: Vec<Version>,
    /// The tables of code that records name.
    pub(super) codes: HashSet<Digest>,
    /// The instances that the records of others name.
    pub(super) named_by: HashMap<Short, Vec<Short>>,
    /// What could not be used, and why.
    pub(super) unusable: Vec<(PathBuf, String)>,
}

/// The folder of an instance.
pub(super) struct Lying {
    pub(super) folder: Folder,
    pub(super) key: Short,
    /// All names in it.
    pub(super) names: Vec<String>,
    pub(super) record: Standing,
}

/// What stands where a record may be.
pub(super) enum Standing {
    Nothing,
    Record(Brief),
    /// It is damaged, or of a newer version of this library.
    Unusable,
}

/// What matters of a record here.
pub(super) struct Brief {
    pub(super) format: u32,
    pub(super) fingerprint: Digest,
    /// Of the output.
    pub(super) digest: Digest,
    pub(super) files: Vec<String>,
    pub(super) started: jiff::Timestamp,
    pub(super) is_in_memory: bool,
}

/// A version that is kept.
pub(super) struct Version {
    pub(super) path: PathBuf,
    pub(super) key: Short,
    pub(super) record: Standing,
}

impl Standing {
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
    /// The folders of all instances, as far as they can be found: in the folders of tasks, and
    /// wherever an index says that there are some.
    pub(crate) fn instance_folders(&self) -> Result<BTreeSet<Folder>, StoreError> {
        let mut folders = BTreeSet::new();
        for name in self.names(&self.root).during("list", &self.root)? {
            // What cannot be listed, such as a link, and is not known to be a task's is somebody
            // else's; the stores of environments are of their own.
            let is_task = name != INTERNAL && !is_env_folder(&name);
            let task = Some(name).filter(|_| is_task);
            folders.extend(
                task.and_then(|name| self.instances(Path::new(&name)).ok()).into_iter().flatten(),
            );
        }
        // Those of tasks that have a `group` or a `dir` are known by the index and, as long as this
        // store is open, by the tasks.
        let mut tasks = self.task_names();
        for path in self.indices()? {
            let noted = index::folders(&self.read_index(&path)?);
            tasks.extend(noted.iter().filter_map(|folder| Some(folder.parent()?.to_owned())));
        }
        for task in &tasks {
            folders.extend(self.instances(task)?);
        }
        Ok(folders)
    }

    /// The files of all indices.
    pub(super) fn indices(&self) -> Result<Vec<PathBuf>, StoreError> {
        let at = self.internal("index");
        let names = self.names_if_there(&at)?.into_iter();
        Ok(names.filter(|name| !is_unfinished(name)).map(|name| at.join(name)).collect())
    }

    /// The names in a folder, of which there are none if it is not there.
    pub(super) fn names_if_there(&self, folder: &Path) -> Result<Vec<String>, StoreError> {
        let mut names = match self.names(folder) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", folder)?,
        };
        names.sort_unstable();
        Ok(names)
    }

    /// The folders of versions of all instances, with the key of each.
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

    /// Looks at all that lies in the store.
    pub(super) fn survey(&self) -> Result<Survey, StoreError> {
        let folders = self.instance_folders()?;
        let keys: HashSet<Short> = folders.iter().filter_map(|path| folder_key(path)).collect();
        let mut survey = Survey::default();
        for folder in folders {
            let Some(key) = folder_key(&folder) else { continue };
            let record = self.standing(&self.path(&folder, RECORD), key, &keys, &mut survey)?;
            let names = self.names_if_there(&self.root.join(&folder))?;
            survey.instances.push(Lying { folder, key, names, record });
        }
        for (at, key) in self.version_folders()? {
            for path in self.versions_in(&at)? {
                let record = self.standing(&path, key, &keys, &mut survey)?;
                survey.versions.push(Version { path, key, record });
            }
        }
        Ok(survey)
    }

    /// What stands at the place of a record of the instance `key`.
    fn standing(
        &self,
        path: &Path,
        key: Short,
        keys: &HashSet<Short>,
        survey: &mut Survey,
    ) -> Result<Standing, StoreError> {
        let bytes = match self.read_record_file(path)? {
            None => return Ok(Standing::Nothing),
            Some(Ok(bytes)) => bytes,
            Some(Err(reason)) => {
                survey.unusable.push((path.to_owned(), reason));
                return Ok(Standing::Unusable);
            }
        };
        // A record of a newer form may name these in places that are not known here.
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
                return Ok(Standing::Unusable);
            }
            Err(error) => {
                survey.unusable.push((path.to_owned(), error.to_string()));
                return Ok(Standing::Unusable);
            }
        };
        let files = record.output.files.iter().map(|file| file.file.clone());
        Ok(Standing::Record(Brief {
            format: record.format,
            fingerprint: record.fingerprint,
            digest: record.output.digest,
            files: files.collect(),
            started: record.started,
            is_in_memory: record.output.is_in_memory(),
        }))
    }
}

/// All digests and keys that stand in a record, in whichever fields.
fn digests(bytes: &[u8]) -> impl Iterator<Item = Digest> + '_ {
    let words = bytes.split(|byte| !byte.is_ascii_alphanumeric());
    words.filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}
