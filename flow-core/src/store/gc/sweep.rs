//! Removes garbage: records first, and durably, then the files that they named, then everything else.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::Digest;
use crate::base::names::unique;
use crate::files::SETTLED;
use crate::store::gc::{Item, What};
use crate::store::removal::Removal;
use crate::store::reset::is_output;
use crate::store::{Folder, RECORD, Store, index};

impl Store {
    /// Removes the items that have not changed since they were found. Returns the folders of the
    /// removed instances and the removed files.
    pub(crate) fn remove_garbage(
        &self,
        items: &[Item],
    ) -> Result<(Vec<Folder>, Vec<PathBuf>), StoreError> {
        let order = |what: &What| match what {
            What::Version { .. } => 0,
            What::Unwanted { .. } => 1,
            What::Unnamed { .. } | What::Note { .. } | What::Code | What::Run | What::Left => 2,
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
            // The search left out those of runs in progress.
            What::Run => true,
            What::Version { .. } | What::Unwanted { .. } => !is_underway,
            What::Lines(_) | What::Empty { .. } => !is_underway,
        };
        let mut sorted: Vec<_> = items.iter().filter(|item| is_safe(item)).collect();
        sorted.sort_by_key(|item| order(&item.what));
        let is_record = |item: &&Item| matches!(order(&item.what), 0 | 1);
        let (records, others): (Vec<_>, Vec<_>) = sorted.into_iter().partition(is_record);
        let (gone, mut removed) = self.remove_outputs(&records)?;
        self.remove_others(&others, &mut removed)?;
        Ok((gone, removed))
    }

    /// Removes versions and whole instances, first all records and then the files that they name.
    fn remove_outputs(&self, items: &[&Item]) -> Result<(Vec<Folder>, Vec<PathBuf>), StoreError> {
        let mut removal = Removal::new(self);
        let mut begun = Vec::new();
        for item in items {
            let record = match &item.what {
                What::Version { .. } => item.path.clone(),
                What::Unwanted { .. } => item.path.join(RECORD),
                _ => continue,
            };
            // It was written again since it was found.
            if self.size(&record)?.modified != item.modified {
                continue;
            }
            match &item.what {
                What::Version { folder } => {
                    let folder = folder.clone().unwrap_or_default();
                    removal.version(&item.path, &folder, false)?;
                }
                What::Unwanted { folder } => {
                    begun.extend(self.begin_reset(folder.clone(), &mut removal)?);
                }
                _ => {}
            }
        }
        let mut removed = removal.finish()?;
        let mut gone = Vec::new();
        for begun in begun {
            let (folder, files) = self.finish_reset(begun)?;
            removed.extend(files);
            gone.push(folder);
        }
        for versions in items.iter().filter_map(|item| match item.what {
            What::Version { .. } => item.path.parent(),
            _ => None,
        }) {
            let _ = self.fs.remove_folder(versions);
        }
        Ok((gone, removed))
    }

    /// Removes what is neither a record nor named by one.
    fn remove_others(&self, items: &[&Item], removed: &mut Vec<PathBuf>) -> Result<(), StoreError> {
        let mut folders = BTreeSet::new();
        for item in items {
            match &item.what {
                What::Unnamed { folder } | What::Note { folder } => {
                    let now = self.size(&item.path)?;
                    if now.modified != item.modified || self.is_named(folder, &item.path)? {
                        continue;
                    }
                    self.remove(&item.path, removed)?;
                    folders.insert(folder);
                }
                What::Left if self.is_mark(&item.path) => {
                    self.remove_ended(&item.path, removed)?;
                }
                What::Code | What::Run | What::Left => {
                    if self.size(&item.path)?.modified == item.modified {
                        self.remove(&item.path, removed)?;
                    }
                }
                What::Lines(lines) => self.rewrite_index(&item.path, item.modified, lines)?,
                What::Empty { folder } => self.remove_empty(folder),
                What::Version { .. } | What::Unwanted { .. } => {}
            }
        }
        folders.into_iter().for_each(|folder| self.remove_empty(folder));
        Ok(())
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
            // The folders of tasks with a `group` or `dir` are found through the index.
            self.fs.sync(std::slice::from_ref(&draft), &[])?;
            self.fs.rename(&draft, path)
        });
        if replaced.is_err() {
            let _ = self.fs.remove(&draft);
        }
        replaced.during("write", path)
    }
}
