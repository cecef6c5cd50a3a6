//! Versions: the records that were replaced. When code or data is changed back, their outputs are
//! reused.
//!
//! ```text
//! .flow/versions/Train/3f2a91c04b77e010/<fingerprint>.json
//! .flow/versions/Train/3f2a91c04b77e010/<fingerprint>-<digest of what was read>.json
//! ```
//!
//! A version is the record of an instance with one fingerprint and one set of things read. Its
//! files stay where they are, in the folder of the instance. When it is reused by its own instance,
//! it becomes the current record again and is no version any more.
//!
//! Two records of an instance may have the same fingerprint if the task read other files through
//! [`Cx`](crate::Cx) or required other instances, which is only known after it ran. Both are kept,
//! and the digest in the name distinguishes them.
//!
//! A file is named by the current record or a version, and in rare cases by several: an output
//! whose fingerprint was blessed is also that of the version before. A file is removed after the
//! last record that names it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Hasher, Key, Short};
use crate::files::is_absent;
use crate::store::record::{Read, Record, digest_required};
use crate::store::reset::is_output;
use crate::store::{Folder, RECORD, Store, TaskFolder};

/// The file name of a version: its fingerprint, and a digest of what the task read and required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionName(String);

impl VersionName {
    pub(crate) fn of(record: &Record) -> Self {
        let fingerprint = record.fingerprint;
        Self(match (record.reads.as_slice(), record.required.as_slice()) {
            ([], []) => format!("{fingerprint}.json"),
            (reads, []) => format!("{fingerprint}-{:016x}.json", digest(reads).0 as u64),
            (reads, required) => {
                let mut hasher = Hasher::new("version");
                hasher.part(digest(reads)).part(digest_required(required));
                format!("{fingerprint}-{:016x}.json", hasher.digest().0 as u64)
            }
        })
    }

    /// Returns the digits of what was read and required. Empty if there is nothing.
    pub(crate) fn of_reads(&self) -> &str {
        let rest = self.0.get(32..).and_then(|rest| rest.strip_suffix(".json"));
        rest.map_or("", |rest| rest.trim_start_matches('-'))
    }
}

/// Returns the digest of what a task read.
fn digest(reads: &[Read]) -> Digest {
    let mut hasher = Hasher::new("version");
    for read in reads {
        let read = read.without_project();
        hasher.text(&serde_json::to_string(&read).expect("serializable as JSON"));
    }
    hasher.digest()
}

impl Store {
    /// Returns the folder of a task's versions, with a folder for each instance.
    pub(crate) fn versions(&self, task: &TaskFolder) -> PathBuf {
        let name = task.index_path.file_name().unwrap_or_default();
        self.internal("versions").join(name)
    }

    /// Returns the paths of the versions of an instance, in no order.
    pub(crate) fn versions_of(
        &self,
        task: &TaskFolder,
        key: Short,
    ) -> Result<Vec<PathBuf>, StoreError> {
        self.versions_in(&self.versions(task).join(key.to_string()))
    }

    /// Returns the paths of the versions in the folder of an instance's versions.
    pub(super) fn versions_in(&self, folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let mut names = match self.names(folder) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", folder)?,
        };
        names.retain(|name| fingerprint_of(name).is_some());
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }

    /// Returns the paths of the versions of an instance with this fingerprint.
    pub(crate) fn versions_with(
        &self,
        task: &TaskFolder,
        key: Short,
        fingerprint: Digest,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let mut versions = self.versions_of(task, key)?;
        versions.retain(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(fingerprint_of) == Some(fingerprint)
        });
        Ok(versions)
    }

    /// Returns the latest record among the kept versions of `key` whose output has this content.
    ///
    /// The record is returned even if its output no longer exists.
    pub(crate) fn version_with(
        &self,
        task: &TaskFolder,
        key: Key,
        content: Digest,
    ) -> Option<Box<Record>> {
        let versions = self.versions_of(task, key.short()).ok()?.into_iter();
        let records = versions.filter_map(|path| self.read_record(&path).ok()??.ok());
        let with_content = records.filter(|record| record.output.digest == content);
        with_content.max_by_key(|record| record.started)
    }

    /// Returns the path of the version of an instance with this name.
    pub(super) fn version_path(
        &self,
        task: &TaskFolder,
        key: Short,
        name: &VersionName,
    ) -> PathBuf {
        self.versions(task).join(key.to_string()).join(&name.0)
    }

    /// Keeps the record at `path` as a version, before it is replaced. The name of the version is
    /// not durable yet.
    pub(super) fn keep_version(
        &self,
        task: &TaskFolder,
        path: &Path,
        record: &Record,
    ) -> Result<(), StoreError> {
        let version = self.version_path(task, record.key.short(), &VersionName::of(record));
        let mut linked = self.fs.link(path, &version);
        if let (Err(error), Some(folder)) = (&linked, version.parent())
            && is_absent(error)
        {
            self.fs.create_folder(folder).during("create the folder", folder)?;
            linked = self.fs.link(path, &version);
        }
        match linked {
            Ok(()) => Ok(()),
            Err(_) => self.replace_version(path, &version).during("keep", &version),
        }
    }

    /// Replaces an existing version, or copies the record where hard links are not supported.
    ///
    /// The output of the existing version may be gone.
    fn replace_version(&self, path: &Path, version: &Path) -> std::io::Result<()> {
        version.parent().map_or(Ok(()), |folder| self.fs.create_folder(folder))?;
        let draft = version.with_extension(crate::base::names::unique());
        let linked = self.fs.link(path, &draft).or_else(|_| {
            self.fs.copy(path, &draft)?;
            // A link has the content of the record, which is durable. A copy does not.
            self.fs.sync(std::slice::from_ref(&draft), &[])
        });
        let replaced = linked.and_then(|()| self.fs.rename(&draft, version));
        // A rename between two names of the same file leaves both.
        let _ = self.fs.remove(&draft);
        replaced
    }

    /// Returns those of these files of an instance that neither its record nor a version in these
    /// folders names.
    ///
    /// A record that cannot be used may name any of them. Then none is returned.
    pub(super) fn unnamed(
        &self,
        versions: impl Iterator<Item = PathBuf>,
        folder: &Folder,
        mut files: HashSet<String>,
    ) -> Result<HashSet<String>, StoreError> {
        // A name that is not that of an output is not the store's file.
        files.retain(|file| is_output(file));
        if files.is_empty() {
            return Ok(files);
        }
        let mut places = vec![self.path(folder, RECORD)];
        for versions in versions {
            places.extend(self.versions_in(&versions)?);
        }
        for place in places {
            match self.read_record(&place)? {
                Some(Ok(record)) => record.output.all_files().for_each(|file| {
                    files.remove(&file.file);
                }),
                Some(Err(_)) => files.clear(),
                None => {}
            }
        }
        Ok(files)
    }

    /// Returns those of these files in an instance's folder that no record names, of whichever
    /// task.
    pub(super) fn unnamed_by_any(
        &self,
        folder: &Folder,
        files: HashSet<String>,
    ) -> Result<HashSet<String>, StoreError> {
        let key = super::limit::folder_key(folder);
        let versions = self.version_folders()?.into_iter();
        let of_key = versions.filter(|(_, of)| Some(*of) == key).map(|(versions, _)| versions);
        self.unnamed(of_key, folder, files)
    }
}

/// Returns the fingerprint in the name of a version.
pub(super) fn fingerprint_of(name: &str) -> Option<Digest> {
    let fingerprint = name.get(..32)?.parse().ok()?;
    let rest = name[32..].strip_suffix(".json")?;
    (rest.is_empty() || rest.starts_with('-')).then_some(fingerprint)
}
