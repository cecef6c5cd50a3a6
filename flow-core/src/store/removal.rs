//! Removals: outputs are removed in an order that survives a crash and a loss of power.
//!
//! After a loss of power, the system may have kept the removal of one file and lost that of
//! another. If a record came back without its files, the output would count as damaged, and a reset
//! would not have happened. So a [`Removal`] has three steps:
//!
//! 1. The records are removed, and lines of indices revoke their fingerprints.
//! 2. These changes are made durable, by one sync for all records.
//! 3. The files are removed that no other record names.
//!
//! A removal that is interrupted leaves files that no record names. `gc` removes them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::store::output::{Output, remove_all};
use crate::store::record::Record;
use crate::store::{Folder, Store};

/// Records that were removed, and the files to remove once that is durable.
pub(crate) struct Removal<'a> {
    store: &'a Store,
    /// The folders from which records were removed.
    folders: BTreeSet<PathBuf>,
    /// The indices with new lines that revoke fingerprints.
    indices: BTreeSet<PathBuf>,
    /// The files that the removed records named, by the folder of the instance.
    named: BTreeMap<Folder, Named>,
    /// Other files to remove.
    files: Vec<PathBuf>,
    removed: Vec<PathBuf>,
}

/// Files of one instance that removed records named.
struct Named {
    files: HashSet<String>,
    /// The folders of versions whose records may name the files, too. `None` means those of all
    /// tasks.
    versions: Option<BTreeSet<PathBuf>>,
}

impl<'a> Removal<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self {
            store,
            folders: BTreeSet::new(),
            indices: BTreeSet::new(),
            named: BTreeMap::new(),
            files: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// Removes the record at `path`, which is that of an output in `folder`.
    ///
    /// `versions` is the folder of the task's versions, whose records may name the same files.
    /// `None` means those of all tasks. Returns the record, if there is one, or why it is damaged.
    pub(crate) fn record(
        &mut self,
        path: &Path,
        folder: &Folder,
        versions: Option<&Path>,
    ) -> Result<Option<Result<Box<Record>, String>>, StoreError> {
        let Some(record) = self.store.read_record(path)? else { return Ok(None) };
        self.unlink(path)?;
        if let Ok(record) = &record {
            let versions = versions.map(|versions| versions.join(record.key.short().to_string()));
            self.add_named(folder, versions, files_of(record));
        }
        Ok(Some(record))
    }

    /// Removes the version at `path`, whose output is in `folder`, if there is one.
    ///
    /// Its files stay if another run may be reading them.
    pub(crate) fn version(
        &mut self,
        path: &Path,
        folder: &Folder,
        is_read: bool,
    ) -> Result<(), StoreError> {
        let Some(record) = self.store.read_record(path)? else { return Ok(()) };
        self.unlink(path)?;
        if let (Ok(record), false) = (record, is_read) {
            let versions = path.parent().map(Path::to_owned).unwrap_or_default();
            self.add_named(folder, Some(versions), files_of(&record));
        }
        Ok(())
    }

    /// Removes the file of a record at once.
    pub(super) fn unlink(&mut self, path: &Path) -> Result<(), StoreError> {
        remove_all(&**self.store.fs(), path, &mut self.removed).during("remove", path)?;
        self.folders.extend(path.parent().map(Path::to_owned));
        Ok(())
    }

    /// Adds files of an instance that records named which were replaced or removed before.
    ///
    /// `versions` is the folder of the instance's versions, whose records may name the same files.
    pub(super) fn add_named(
        &mut self,
        folder: &Folder,
        versions: Option<PathBuf>,
        files: impl IntoIterator<Item = String>,
    ) {
        let new = || Named { files: HashSet::new(), versions: Some(BTreeSet::new()) };
        let named = self.named.entry(folder.clone()).or_insert_with(new);
        named.files.extend(files);
        match (&mut named.versions, versions) {
            (Some(known), Some(versions)) => {
                known.insert(versions);
            }
            (None, Some(_)) => {}
            (known, None) => *known = None,
        }
    }

    /// Adds a file that no record names.
    pub(super) fn add_file(&mut self, path: PathBuf) {
        self.files.push(path);
    }

    /// Adds a folder from which a record was removed.
    pub(super) fn add_folder(&mut self, folder: PathBuf) {
        self.folders.insert(folder);
    }

    /// Adds an index to which a line was appended.
    pub(super) fn add_index(&mut self, index: &Path) {
        self.indices.insert(index.to_owned());
    }

    /// Makes the removal of the records durable, and removes the files that no record names now.
    /// Returns all files that were removed.
    pub(crate) fn finish(mut self) -> Result<Vec<PathBuf>, StoreError> {
        self.sync()?;
        let store = self.store;
        for (folder, Named { files, versions }) in std::mem::take(&mut self.named) {
            let unnamed = match versions {
                Some(versions) => store.unnamed(versions.into_iter(), &folder, files)?,
                None => store.unnamed_by_any(&folder, files)?,
            };
            self.files.extend(unnamed.iter().map(|file| store.path(&folder, file)));
        }
        for path in &self.files {
            remove_all(&**store.fs(), path, &mut self.removed).during("remove", path)?;
        }
        Ok(self.removed)
    }

    /// Makes the removal of the records durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let fs = self.store.fs();
        // A folder that another process has removed since contains no record.
        let is_there = |path: &&PathBuf| fs.stat(path).is_ok();
        let folders: Vec<_> = self.folders.iter().filter(is_there).cloned().collect();
        let indices: Vec<_> = self.indices.iter().filter(is_there).cloned().collect();
        match folders.first().or(indices.first()) {
            Some(first) => fs.sync(&indices, &folders).during("make durable", first),
            None => Ok(()),
        }
    }
}

impl Store {
    /// Removes the files of an output that no record names. Errors are ignored.
    pub(crate) fn discard(&self, folder: &Folder, output: &Output) {
        for file in output.all_files() {
            self.discard_path(&self.path(folder, &file.file));
        }
    }

    /// Removes a file or folder that no record names. Errors are ignored.
    pub(crate) fn discard_path(&self, path: &Path) {
        // A file that no record names does no harm, so errors are ignored.
        let _ = remove_all(&**self.fs(), path, &mut Vec::new());
    }
}

fn files_of(record: &Record) -> impl Iterator<Item = String> + '_ {
    record.output.all_files().map(|file| file.file.clone())
}
