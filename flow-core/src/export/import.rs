//! Imports the outputs of an export into a store, where plans find them by fingerprint.
//!
//! The code of the tasks is not needed. An output goes to the folder of its instance or, if the instance is new, to the
//! folder that it had in the exporting store. If the instance has another output, that stays the current one, and the
//! imported one becomes an earlier version: an import cannot know which of them is up to date. A later run
//! reuses the version if it has the present fingerprint.
//!
//! The manifest may come from anyone. [`check`] refuses names that lead out of the folder of an instance, and each
//! file is verified while it is copied.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::base::fs::{Confined, Fs};
use crate::base::names::key_of;
use crate::export::manifest::{Exported, MANIFEST};
use crate::remote::checked_io::{is_damage, keep};
use crate::store::folder::{is_env_folder, is_made, placed};
use crate::store::output::{Look, Output};
use crate::store::record::{FORMAT, Record};
use crate::store::trust::Trust;
use crate::store::version::VersionName;
use crate::store::{Folder, Found, Store, TaskFolder};
use crate::task::registry;

/// The result of importing one output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Imported {
    /// The output was copied into the store.
    New,
    /// The store had the output already.
    Present,
}

/// Imports the outputs of an export one by one.
pub(crate) struct Importer<'a> {
    store: &'a Store,
    /// The file system of the export, confined to its folder.
    fs: &'a Confined,
    root: &'a Path,
    /// The task folders that were used, by their path and the name that the task is stored under.
    tasks: HashMap<(String, String), Arc<TaskFolder>>,
}

impl<'a> Importer<'a> {
    pub(crate) fn new(store: &'a Store, fs: &'a Confined, root: &'a Path) -> Self {
        Self { store, fs, root, tasks: HashMap::new() }
    }

    /// Imports one output.
    pub(crate) fn take(&mut self, exported: &Exported) -> Result<Imported, StoreError> {
        let (store, record) = (self.store, &exported.record);
        let folder = check(exported)
            .map_err(|reason| StoreError::damaged(self.root.join(MANIFEST).display(), reason))?;
        let task = self.task(&folder, &exported.stored);
        // The folder of the instance may have another name in this store. Its key is the same.
        let folder = store.listed(&task, record.key.short())?.unwrap_or(folder);
        // Two outputs with one fingerprint may differ in what was read while they were computed.
        let is_same = |found: &Record| VersionName::of(found) == VersionName::of(record);
        let is_there = |found: &Record| -> Result<bool, StoreError> {
            let whole = || store.look_at(&folder, &found.output, Trust::Stamps);
            Ok(record.output.is_in_memory() || whole()?.look == Look::Whole)
        };
        let mut is_current = false;
        match store.record(&folder, record.key)? {
            Found::Record(found) if !is_same(&found) => is_current = true,
            Found::Record(found) if is_there(&found)? => return Ok(Imported::Present),
            // A record that cannot be used is replaced, as by a run.
            Found::Record(_) | Found::Nothing | Found::Damaged(_) => {}
        }
        for version in store.versions_with(&task, record.key.short(), record.fingerprint)? {
            // One that is not signed as the store requires is replaced.
            if let Some(Ok(found)) = store.read_record(&version)?
                && is_same(&found)
                && store.accept(&found).is_ok()
                && is_there(&found)?
            {
                return Ok(Imported::Present);
            }
        }
        let output = self.stage(exported, &folder)?;
        let record = Record { output, ..record.clone() };
        let staged = store.stage_record(&folder, &record, true).inspect_err(|_| {
            store.discard(&folder, &record.output);
        })?;
        let committed = match is_current {
            true => vec![store.commit_as_version(task, staged)],
            false => store.commit(vec![(task, staged)]),
        };
        for (_, staged, result) in committed {
            result.inspect_err(|_| {
                let unnamed = staged.output.iter();
                unnamed.for_each(|output| store.discard(&folder, output));
            })?;
        }
        Ok(Imported::New)
    }

    /// Returns the folder of a task in the store.
    fn task(&mut self, folder: &Folder, stored: &str) -> Arc<TaskFolder> {
        let parent = folder.parent().and_then(Path::to_str).unwrap_or_default();
        let task = self.tasks.entry((parent.to_owned(), stored.to_owned()));
        Arc::clone(task.or_insert_with(|| Arc::new(self.store.without_type(parent, stored))))
    }

    /// Copies the files of an output under new names. On an error, all of them are removed.
    fn stage(&self, exported: &Exported, folder: &Folder) -> Result<Output, StoreError> {
        let (store, record) = (self.store, &exported.record);
        store.stage_files(&record.output, folder, record.fingerprint, |piece, to| {
            let file = exported.all_files().nth(piece.place).expect("the files were compared");
            let name = piece.name(&file.path);
            let from = self.root.join(&name);
            let unreadable = |source| StoreError::Io { action: "read", path: from.clone(), source };
            let file = self.fs.open(&from).map_err(unreadable)?;
            let content = (piece.digest, piece.bytes);
            keep(file, content, (&**store.fs(), to), |error| match is_damage(&error) {
                true => StoreError::damaged(from.display(), error),
                false => unreadable(error),
            })
        })
    }
}

/// Validates the manifest entry of an output and returns the folder of its instance.
///
/// # Errors
///
/// A message that says what is wrong with the entry.
fn check(exported: &Exported) -> Result<Folder, String> {
    let record = &exported.record;
    let wrong = |what: &str| Err(format!("{}: {what}", exported.instance));
    if record.format > FORMAT {
        return wrong("its record is of a newer version of this library");
    }
    if let Some(outside) = record.output.outside() {
        return wrong(&format!("it names the file {outside:?}, which is outside its folder"));
    }
    if record.made_from.fingerprint(&exported.stored) != record.fingerprint {
        return wrong("its recorded inputs do not match its fingerprint");
    }
    let of_files = || Output::of(record.output.files.clone()).digest;
    let is_of_files = record.output.is_in_memory() || of_files() == record.output.digest;
    let listed = exported.all_files().map(|file| (&file.part, file.digest));
    let recorded = record.output.all_files().map(|file| (&file.part, file.digest));
    if !is_of_files || !listed.eq(recorded) {
        return wrong("its files do not match its record");
    }
    let (task, instance) = exported.folder.rsplit_once('/').unwrap_or_default();
    // A parent of the instance's folder must not be the folder of another instance or of a namespace.
    let is_task = task.split('/').all(|part| is_made(part) && key_of(part).is_none());
    let is_instance = is_made(instance) && key_of(instance) == Some(record.key.short());
    if !is_task || is_env_folder(task) || !is_instance || record.key != exported.key {
        return wrong("it is not the folder of its instance that it names");
    }
    let known = registry::called(&exported.stored);
    let task = match known.as_slice() {
        // Plans of this program look in the folder that the task has in this program.
        [known] => placed(&(known.decl)(), &(known.decl)().name),
        _ => task.to_owned(),
    };
    Ok(Path::new(&task).join(instance))
}
