//! The commit: renames records into place after the files that they name are durable.
//!
//! Syncing each output by itself costs several times as much as writing it, so outputs are
//! committed in groups. An output does not exist before the rename of its record, and is complete
//! after it.
//!
//! # Loss of power
//!
//! After a loss of power, the system may have kept any change that was not synced, and lost any
//! other: the content of a file, the name of a file or folder, a removal. So a commit takes these
//! steps:
//!
//! 1. Append the first line to the index of a task with a `group` or `dir`: the folder of the task is found through it.
//!    Sync: this line, the content of all files of the group, the drafts of the records, and the names that
//!    lead to them, including those of new folders and of folders inside an output.
//! 2. Link the records that are replaced to the names of their versions. If there are any, sync these
//!    names. Otherwise a version could be lost after its record was replaced.
//! 3. Rename the records into place. Append to the indices.
//! 4. Sync: the names of the records, and indices that are new.
//! 5. Remove the versions that the new records replace, which are durable only now.
//!
//! Files that no record names any more are removed at the end of the run, after the removal of the
//! records that named them was synced (see [`removal`](super::removal)).
//!
//! Not synced are failures and claims of names, which only improve messages, the cache of digests,
//! and the lines of an existing index. A lost line of an index costs a run of a task whose output could
//! have been reused, and no output.
//!
//! # Cost
//!
//! A group of up to 512 outputs takes two syncs, or three if it replaces outputs. From five files or
//! folders on, [`Disk`](crate::fs::Disk) flushes the whole file system on Linux (`syncfs`), which
//! costs as much as a handful of `fsync`. So the cost of a large group hardly depends on its size. An
//! output that is committed alone takes five calls of `fsync`: those of its file, its record, its
//! folder (before and after the rename) and the folder of the task.
//!
//! # Errors
//!
//! A sync that failed is not repeated, unless a file is missing: the system reports a failed write
//! once, so that a second sync may succeed although the content is lost. The whole group fails then.
//!
//! An output that could not be committed stays on disk until the run ends, because tasks that
//! require it may be reading it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::ToSync;
use crate::base::trace::span;
use crate::store::note::DraftedNote;
use crate::store::record::Record;
use crate::store::stage::Staged;
use crate::store::version::VersionName;
use crate::store::{RECORD, Store, TaskFolder, index};

/// An output that was to be committed, with the result. [`Staged::output`] is `None` if a record
/// names the output, even if the commit returned an error.
pub(crate) type Committed = (Arc<TaskFolder>, Staged, Result<(), StoreError>);

/// An output while its group is committed.
struct Commit {
    task: Arc<TaskFolder>,
    staged: Staged,
    /// The record that it replaces, from step 2 on.
    old: Option<Box<Record>>,
    /// Whether that record is kept as a version.
    is_kept: bool,
    /// Whether the index has it already.
    is_indexed: bool,
    result: Result<(), StoreError>,
}

impl Commit {
    fn new((task, staged): (Arc<TaskFolder>, Staged)) -> Self {
        Self { task, staged, old: None, is_kept: false, is_indexed: false, result: Ok(()) }
    }

    /// Returns the files to sync before the record is renamed into place.
    fn files(&self) -> Vec<PathBuf> {
        let index = self.is_indexed.then(|| self.task.index_path.clone());
        self.staged.files().into_iter().chain(index).collect()
    }
}

impl Store {
    /// Commits a group of outputs and returns the result for each.
    ///
    /// If a commit fails, the files of the output stay where they are, because tasks that require
    /// it may be reading them. No record names them as long as [`Staged::output`] is `Some`.
    pub(crate) fn commit(&self, group: Vec<(Arc<TaskFolder>, Staged)>) -> Vec<Committed> {
        span!("commit", outputs = group.len());
        let mut group: Vec<_> = group.into_iter().map(Commit::new).collect();
        self.sync_files(&mut group);
        self.keep_versions(&mut group);
        for commit in group.iter_mut().filter(|commit| commit.result.is_ok()) {
            let path = self.path(&commit.staged.folder, RECORD);
            commit.result = self.fs.rename(&commit.staged.draft, &path).during("write", &path);
            if commit.result.is_ok() {
                self.clear_failure(&commit.staged.folder);
            }
        }
        group.iter().filter(|commit| commit.result.is_err()).for_each(|commit| {
            self.discard_path(&commit.staged.draft);
        });
        self.sync_records(&mut group);
        group.into_iter().map(|commit| self.conclude(commit)).collect()
    }

    /// Makes the files of a group durable, and the names that lead to them.
    fn sync_files(&self, group: &mut [Commit]) {
        self.index_nested(group);
        let drafted = self.take_drafted();
        let notes = drafted.iter().filter_map(DraftedNote::file);
        let files: Vec<_> = group.iter().flat_map(Commit::files).chain(notes).collect();
        let folders: Vec<_> = group.iter().flat_map(|commit| self.folders_of(commit)).collect();
        let synced = self.sync_in(&files, &folders);
        self.keep_drafted(drafted, synced.is_ok());
        let Err(error) = synced else { return };
        for commit in group.iter_mut().filter(|commit| commit.result.is_ok()) {
            let synced = match error.kind() {
                // The file of one output is gone. The others can be committed.
                ErrorKind::NotFound => self.sync_in(&commit.files(), &self.folders_of(commit)),
                _ => Err(repeated(&error)),
            };
            commit.result = synced.during("make durable", &commit.staged.draft);
        }
    }

    /// Appends the outputs of tasks with a `group` or `dir` to their indices, if these are new.
    ///
    /// The folders of such tasks are found through the index alone, so its first line is durable before a record is in
    /// place. A line without a record does no harm.
    fn index_nested(&self, group: &mut [Commit]) {
        let is_new = |task: &TaskFolder| {
            let is_nested = task.name.contains('/');
            is_nested
                && !self.durable.knows(&task.index_path)
                && self.fs.stat(&task.index_path).is_err()
        };
        let mut tasks: BTreeMap<PathBuf, Vec<&mut Commit>> = BTreeMap::new();
        for commit in group.iter_mut().filter(|commit| is_new(&commit.task)) {
            tasks.entry(commit.task.index_path.clone()).or_default().push(commit);
        }
        for (path, commits) in tasks {
            let staged: Vec<_> = commits.iter().map(|commit| &commit.staged).collect();
            let appended = self.append_to_index(&path, &staged);
            for commit in commits {
                match &appended {
                    Ok(()) => commit.is_indexed = true,
                    Err(error) => commit.result = Err(repeated(error)).during("write", &path),
                }
            }
        }
    }

    /// Returns the folders with new names that lead to the files of an output, and to its index if that is new.
    fn folders_of(&self, commit: &Commit) -> Vec<PathBuf> {
        let index = commit.task.index_path.parent().filter(|_| commit.is_indexed);
        let folders = self.output_folders(&commit.staged).into_iter();
        folders.chain(index.map(Path::to_owned)).collect()
    }

    /// Returns the folders with new names that lead to the files of an output.
    fn output_folders(&self, staged: &Staged) -> Vec<PathBuf> {
        staged.folders().iter().cloned().chain([self.root.join(&staged.folder)]).collect()
    }

    /// Makes files in these folders below the root durable, and the names that lead to them.
    fn sync_in(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        let mut to_sync = ToSync::default();
        folders.iter().for_each(|folder| self.add_folder(folder, &mut to_sync));
        self.fs.sync(files, &to_sync.list())?;
        self.durable.synced(to_sync);
        Ok(())
    }

    /// Adds the folders to sync so that the names in a folder of one instance are durable.
    fn add_folder(&self, folder: &Path, to_sync: &mut ToSync) {
        // Nothing else syncs the folder of an instance, so it is not added to `durable`.
        to_sync.add(folder);
        self.durable.add(&self.root, folder.parent().unwrap_or(&self.root), to_sync);
    }

    /// Keeps the records that a group replaces as versions, durably.
    fn keep_versions(&self, group: &mut [Commit]) {
        let mut folders = BTreeSet::new();
        for commit in group.iter_mut().filter(|commit| commit.result.is_ok()) {
            commit.result = self.keep_replaced(commit, &mut folders);
        }
        if folders.is_empty() {
            return;
        }
        let folders: Vec<_> = folders.into_iter().collect();
        let Err(error) = self.sync_in(&[], &folders) else { return };
        for commit in group.iter_mut().filter(|commit| commit.is_kept && commit.result.is_ok()) {
            let versions = self.versions(&commit.task);
            commit.result = Err(repeated(&error)).during("make durable", &versions);
        }
    }

    /// Reads the record that an output replaces, and links it to the name of a version if it is
    /// kept. Adds the folder of the version to `folders`.
    fn keep_replaced(
        &self,
        commit: &mut Commit,
        folders: &mut BTreeSet<PathBuf>,
    ) -> Result<(), StoreError> {
        let path = self.path(&commit.staged.folder, RECORD);
        commit.old = self.read_record(&path)?.and_then(Result::ok);
        if let Some(old) = commit.old.as_ref().filter(|old| is_kept(old, &commit.staged)) {
            self.keep_version(&commit.task, &path, old)?;
            folders.insert(self.versions(&commit.task).join(old.key.short().to_string()));
            commit.is_kept = true;
        }
        Ok(())
    }

    /// Appends the outputs whose records are in place to the indices, and makes the names of the
    /// records durable.
    fn sync_records(&self, group: &mut [Commit]) {
        if group.iter().all(|commit| commit.result.is_err()) {
            return;
        }
        let mut to_sync = ToSync::default();
        let renamed = group.iter().filter(|commit| commit.result.is_ok());
        renamed.clone().for_each(|commit| to_sync.add(&self.root.join(&commit.staged.folder)));
        let indices = self.note_in_index(renamed, &mut to_sync);
        let Err(error) = self.fs.sync(&indices, &to_sync.list()) else {
            return self.durable.synced(to_sync);
        };
        for Commit { staged, result, .. } in group.iter_mut().filter(|commit| commit.result.is_ok())
        {
            let folder = self.root.join(&staged.folder);
            *result = Err(repeated(&error)).during("make durable", &folder);
            // The record is in place, but may not survive a loss of power.
            staged.output = None;
        }
    }

    /// Returns the result of a commit.
    ///
    /// If the output replaces another one, the value that was kept in memory is dropped, and so is a
    /// version with the same name. The files stay: another run may be about to read them, so they
    /// are removed when this run ends.
    fn conclude(&self, commit: Commit) -> Committed {
        let Commit { task, mut staged, old, is_kept, result, .. } = commit;
        if let (Ok(()), Some(old)) = (&result, old) {
            if old.output.digest != staged.digest {
                self.memory.forget(old.output.digest);
            }
            let mut files = HashSet::new();
            if !is_kept {
                files.extend(old.output.all_files().map(|file| file.file.clone()));
            }
            if let Some(taken) = self.take_version(&task, &staged) {
                files.extend(taken);
                staged.has_taken_version = true;
            }
            staged.replaced = Some(files);
        }
        (task, staged, result)
    }

    /// Removes the version with the same name as the new output, because the new record replaces
    /// it. Returns the files that it names.
    fn take_version(&self, task: &TaskFolder, staged: &Staged) -> Option<Vec<String>> {
        let version = self.version_path(task, staged.key, &staged.version);
        let Ok(Some(Ok(record))) = self.read_record(&version) else { return None };
        self.fs.remove(&version).ok()?;
        Some(record.output.all_files().map(|file| file.file.clone()).collect())
    }

    /// Commits an output as an earlier version of its instance. The current output stays current.
    ///
    /// A version is found through the index alone, so the line in the index is durable before it.
    pub(crate) fn commit_as_version(&self, task: Arc<TaskFolder>, mut staged: Staged) -> Committed {
        let version = self.version_path(&task, staged.key, &staged.version);
        let versions = version.parent().unwrap_or(&self.root).to_owned();
        let (mut files, mut folders) = (staged.files(), self.output_folders(&staged));
        files.push(task.index_path.clone());
        folders.extend(task.index_path.parent().map(Path::to_owned));
        self.claim(&task);
        let appended = self.append_to_index(&task.index_path, &[&staged]);
        let synced = appended.and_then(|()| self.sync_in(&files, &folders));
        let renamed = synced.and_then(|()| {
            self.fs.create_folder(&versions)?;
            self.fs.rename(&staged.draft, &version)
        });
        if let Err(error) = renamed {
            self.discard_path(&staged.draft);
            return (task, staged, Err(error).during("write", &version));
        }
        if let Err(error) = self.sync_in(&[], &[versions]) {
            // The record is in place, but may not survive a loss of power.
            staged.output = None;
            return (task, staged, Err(error).during("make durable", &version));
        }
        (task, staged, Ok(()))
    }

    /// Appends outputs to the indices of their tasks, and claims the names of the tasks.
    ///
    /// Returns the indices that are new, with their folders in `to_sync`. Errors are ignored:
    /// without the line in the index a later plan cannot reuse the output by its fingerprint, but
    /// the output itself is there.
    fn note_in_index<'a>(
        &self,
        commits: impl Iterator<Item = &'a Commit>,
        to_sync: &mut ToSync,
    ) -> Vec<PathBuf> {
        let mut tasks: BTreeMap<&Path, Vec<&Staged>> = BTreeMap::new();
        for Commit { task, staged, is_indexed, .. } in commits {
            self.claim(task);
            if !is_indexed {
                tasks.entry(&task.index_path).or_default().push(staged);
            }
        }
        let mut new = Vec::new();
        for (path, committed) in tasks {
            let is_known = self.durable.knows(path);
            let is_new = !is_known && self.fs.stat(path).is_err();
            match self.append_to_index(path, &committed) {
                Ok(()) if is_new => {
                    self.durable.add_file(&self.root, path, to_sync);
                    new.push(path.to_owned());
                }
                Ok(()) if !is_known => to_sync.add_durable(path),
                _ => {}
            }
        }
        new
    }

    /// Appends lines for outputs to an index, and creates it if it does not exist.
    fn append_to_index(&self, path: &Path, outputs: &[&Staged]) -> io::Result<()> {
        let lines = index::lines(outputs.iter().filter_map(|staged| {
            let parts = staged.folder.iter().map(|part| part.to_str());
            let folder = parts.collect::<Option<Vec<_>>>()?.join("/");
            Some((staged.fingerprint, folder, staged.is_forced))
        }));
        self.fs.append(path, lines.as_bytes()).or_else(|error| {
            let (ErrorKind::NotFound, Some(folder)) = (error.kind(), path.parent()) else {
                return Err(error);
            };
            self.fs.create_folder(folder)?;
            self.fs.append(path, lines.as_bytes())
        })
    }
}

/// Returns the error for another output of the same group.
fn repeated(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// Returns whether to keep the old output as a version when the staged one replaces it.
///
/// A value in memory is never kept. Neither is an output that was computed from the same inputs as
/// the new one. A forced output replaces all outputs with its fingerprint.
fn is_kept(old: &Record, new: &Staged) -> bool {
    let same = old.fingerprint == new.fingerprint
        && (new.is_forced || VersionName::of(old) == new.version);
    !old.output.is_in_memory() && !same
}
