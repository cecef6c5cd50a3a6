//! Taking an export into a store: its outputs are known by their fingerprints from then on.
//!
//! Nobody needs the code that has made them for that. Where an instance has no output yet, the one of
//! the export becomes it; where it has another, that stays, and this one goes among its earlier
//! versions, to be adopted when it is what would be made.

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

/// What became of an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Imported {
    New,
    Present,
}

/// Takes over the outputs of an export that lies in a folder, one by one.
pub(crate) struct Importer<'a> {
    store: &'a Store,
    /// The file system of the export, which may come from anybody.
    fs: &'a Confined,
    root: &'a Path,
    /// The part of the store of each task that was met: by its folder, and the name that it has there.
    tasks: HashMap<(String, String), Arc<TaskFolder>>,
}

impl<'a> Importer<'a> {
    pub(crate) fn new(store: &'a Store, fs: &'a Confined, root: &'a Path) -> Self {
        Self { store, fs, root, tasks: HashMap::new() }
    }

    /// Takes over one output.
    pub(crate) fn take(&mut self, exported: &Exported) -> Result<Imported, StoreError> {
        let (store, record) = (self.store, &exported.record);
        let folder = check(exported)
            .map_err(|reason| StoreError::damaged(self.root.join(MANIFEST).display(), reason))?;
        let task = self.task(&folder, &exported.stored);
        // What the folder of an instance is called may be another here; its key is not.
        let folder = store.listed(&task, record.key.short())?.unwrap_or(folder);
        // Of what is made from the same, another may have been read.
        let is_same = |found: &Record| VersionName::of(found) == VersionName::of(record);
        let is_there = |found: &Record| -> Result<bool, StoreError> {
            let whole = || store.look_at(&folder, &found.output, Trust::Stamps);
            Ok(record.output.is_in_memory() || whole()?.look == Look::Whole)
        };
        let mut is_current = false;
        match store.record(&folder, record.key)? {
            Found::Record(found) if !is_same(&found) => is_current = true,
            Found::Record(found) if is_there(&found)? => return Ok(Imported::Present),
            // One that cannot be used makes way, as it does for a run.
            Found::Record(_) | Found::Nothing | Found::Damaged(_) => {}
        }
        for version in store.versions_with(&task, record.key.short(), record.fingerprint)? {
            if let Some(Ok(found)) = store.read_record(&version)?
                && is_same(&found)
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

    /// The part of the store that an output goes to.
    fn task(&mut self, folder: &Folder, stored: &str) -> Arc<TaskFolder> {
        let parent = folder.parent().and_then(Path::to_str).unwrap_or_default();
        let task = self.tasks.entry((parent.to_owned(), stored.to_owned()));
        Arc::clone(task.or_insert_with(|| Arc::new(self.store.without_type(parent, stored))))
    }

    /// Copies the files of an output under new names. If that fails, nothing of it is left.
    fn stage(&self, exported: &Exported, folder: &Folder) -> Result<Output, StoreError> {
        let (store, record) = (self.store, &exported.record);
        store.stage_files(&record.output, folder, record.fingerprint, |piece, to| {
            let name = piece.name(&exported.files[piece.place].path);
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

/// Where an output goes, if the manifest is right about it.
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
        return wrong("it is made from something else than its fingerprint says");
    }
    let is_of_files =
        record.output.is_in_memory() || Output::of(record.output.files.clone()) == record.output;
    let told = exported.files.iter().map(|file| (&file.part, file.digest));
    let kept = record.output.files.iter().map(|file| (&file.part, file.digest));
    if !is_of_files || !told.eq(kept) {
        return wrong("it has other files than its record says");
    }
    let (task, instance) = exported.folder.rsplit_once('/').unwrap_or_default();
    // The folders above that of an instance are of no other instance and of no other environment.
    let is_task = task.split('/').all(|part| is_made(part) && key_of(part).is_none());
    let is_instance = is_made(instance) && key_of(instance) == Some(record.key.short());
    if !is_task || is_env_folder(task) || !is_instance || record.key != exported.key {
        return wrong("it is not the folder of its instance that it names");
    }
    let known = registry::called(&exported.stored);
    let task = match known.as_slice() {
        // What the program calls the folder is what its plans look for.
        [known] => placed(&(known.decl)(), &(known.decl)().name),
        _ => task.to_owned(),
    };
    Ok(Path::new(&task).join(instance))
}
