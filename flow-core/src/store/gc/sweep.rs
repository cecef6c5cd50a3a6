//! Removes garbage.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::Digest;
use crate::base::names::unique;
use crate::files::SETTLED;
use crate::store::gc::{Item, What};
use crate::store::reset::is_output;
use crate::store::{Folder, RECORD, Store, index};

impl Store {
    /// Removes the items that have not changed since they were found. Returns the folders of the
    /// removed instances and the removed files.
    pub(crate) fn remove_garbage(
        &self,
        items: &[Item],
    ) -> Result<(Vec<Folder>, Vec<PathBuf>), StoreError> {
        let mut removed = Vec::new();
        let mut gone = Vec::new();
        // Records are removed before the files that they name.
        let order = |what: &What| match what {
            What::Version { .. } => 0,
            What::Unwanted { .. } => 1,
            What::Unnamed { .. } | What::Note { .. } | What::Code | What::Left => 2,
            What::Lines(_) => 3,
            What::Empty { .. } => 4,
        };
        // A run that began after the search may be about to use an output that was whole then.
        let oldest = self.executions(None)?.oldest;
        let is_underway = oldest.is_some();
        // No record names yet what a run writes that began during the search.
        let is_old = |item: &Item| oldest.is_none_or(|begun| item.modified < begun - SETTLED);
        let is_safe = |item: &Item| match item.what {
            What::Unnamed { .. } | What::Note { .. } | What::Code | What::Left => is_old(item),
            What::Version { .. } | What::Unwanted { .. } => !is_underway,
            What::Lines(_) | What::Empty { .. } => !is_underway,
        };
        let mut sorted: Vec<_> = items.iter().filter(|item| is_safe(item)).collect();
        sorted.sort_by_key(|item| order(&item.what));
        let mut folders = BTreeSet::new();
        for item in sorted {
            match &item.what {
                What::Version { folder } => {
                    if self.size(&item.path)?.modified != item.modified {
                        continue;
                    }
                    let folder = folder.clone().unwrap_or_default();
                    self.drop_version(&item.path, &folder, false, &mut removed)?;
                    if let Some(versions) = item.path.parent() {
                        let _ = self.fs.remove_folder(versions);
                    }
                }
                What::Unwanted { folder } => {
                    if self.size(&item.path.join(RECORD))?.modified != item.modified {
                        continue;
                    }
                    let mut of_folder = Vec::new();
                    self.reset_folder(folder.clone(), &mut of_folder)?;
                    for (folder, files) in of_folder {
                        removed.extend(files);
                        gone.push(folder);
                    }
                }
                What::Unnamed { folder } | What::Note { folder } => {
                    let now = self.size(&item.path)?;
                    if now.modified != item.modified || self.is_named(folder, &item.path)? {
                        continue;
                    }
                    self.remove(&item.path, &mut removed)?;
                    folders.insert(folder);
                }
                What::Left if self.is_mark(&item.path) => {
                    self.remove_ended(&item.path, &mut removed)?;
                }
                What::Code | What::Left => {
                    if self.size(&item.path)?.modified == item.modified {
                        self.remove(&item.path, &mut removed)?;
                    }
                }
                What::Lines(lines) => self.rewrite_index(&item.path, item.modified, lines)?,
                What::Empty { folder } => self.remove_empty(folder),
            }
        }
        folders.into_iter().for_each(|folder| self.remove_empty(folder));
        Ok((gone, removed))
    }

    /// Returns whether the record in a folder, or a version of its instance, names this file now.
    fn is_named(&self, folder: &Folder, path: &Path) -> Result<bool, StoreError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_output(name) {
            return Ok(false);
        }
        let files = HashSet::from([name.to_owned()]);
        Ok(self.unnamed_by_any(folder, files)?.is_empty())
    }

    /// Removes these lines from an index, unless the index was written since.
    fn rewrite_index(
        &self,
        path: &Path,
        modified: i64,
        dead: &BTreeSet<(String, Digest)>,
    ) -> Result<(), StoreError> {
        let bytes = self.read_index(path)?;
        if self.size(path)?.modified != modified {
            return Ok(());
        }
        let text = index::without(&bytes, dead);
        if text.is_empty() {
            return self.remove(path, &mut Vec::new());
        }
        let draft = path.with_extension(unique());
        let replaced = self.fs.create(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.flush()?;
            drop(file);
            self.fs.rename(&draft, path)
        });
        if replaced.is_err() {
            let _ = self.fs.remove(&draft);
        }
        replaced.during("write", path)
    }
}
