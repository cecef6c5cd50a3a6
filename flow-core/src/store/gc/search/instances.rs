//! Searches the folders of instances for garbage: whole instances that are not wanted, and the
//! unneeded files of the others.

use std::collections::HashSet;
use std::path::Path;

use super::{Search, parent};
use crate::base::error::StoreError;
use crate::base::key::Short;
use crate::store::failure::{FAILURE, Failure};
use crate::store::gc::{Size, What};
use crate::store::log::is_log;
use crate::store::rejected::REJECTED;
use crate::store::reset::{is_draft, is_ours, is_output};
use crate::store::survey::{Brief, InstanceFolder, RecordState};
use crate::store::{RECORD, Store, bounds, json};

impl Search<'_> {
    /// Adds the instances that are not wanted, and the unneeded files of all others.
    pub(super) fn find_instances(&mut self, unwanted: &HashSet<Short>) -> Result<(), StoreError> {
        for instance in std::mem::take(&mut self.survey.instances) {
            if unwanted.contains(&instance.key) {
                self.add_whole(&instance)?;
            } else {
                self.add_parts(&instance)?;
            }
            self.survey.instances.push(instance);
        }
        Ok(())
    }

    /// Adds a whole instance that is not wanted.
    fn add_whole(&mut self, instance: &InstanceFolder) -> Result<(), StoreError> {
        if instance.record.is_unusable() {
            return Ok(());
        }
        let at = self.store.root().join(&instance.folder);
        if self.found.is_underway {
            self.found.young += usize::from(!instance.names.is_empty());
            return Ok(());
        }
        if matches!(instance.record, RecordState::Nothing) {
            return self.add_whole_without_record(instance, &at);
        }
        // `sweep` compares this time: an instance with another record may be wanted.
        let modified = self.store.size(&at.join(RECORD))?.modified;
        let mut size = Size { modified, ..Size::default() };
        for name in instance.names.iter().filter(|name| is_ours(name)) {
            let file = self.store.size(&at.join(name))?;
            (size.files, size.bytes) = (size.files + file.files, size.bytes + file.bytes);
        }
        let what = What::Unwanted { folder: instance.folder.clone() };
        self.add(parent(&instance.folder), what, at, size);
        Ok(())
    }

    /// Adds the files of an instance that is not wanted and has no current output, such as one that failed.
    ///
    /// It does not count as an instance, because no output is removed.
    fn add_whole_without_record(
        &mut self,
        instance: &InstanceFolder,
        at: &Path,
    ) -> Result<(), StoreError> {
        let folder = &instance.folder;
        if instance.names.is_empty() {
            let size = Size { modified: self.store.changed(at)?, ..Size::default() };
            let what = What::Empty { folder: folder.clone() };
            self.add(parent(folder), what, at.to_owned(), size);
        }
        for name in instance.names.iter().filter(|name| is_ours(name)) {
            let path = at.join(name);
            if self.going.contains(&path) {
                continue;
            }
            let what = match is_output(name) {
                true => What::Unnamed { folder: folder.clone() },
                false => What::Note { folder: folder.clone() },
            };
            let size = self.store.size(&path)?;
            self.add(parent(folder), what, path, size);
        }
        Ok(())
    }

    /// Adds the unneeded files of an instance.
    fn add_parts(&mut self, instance: &InstanceFolder) -> Result<(), StoreError> {
        if instance.record.is_unusable() {
            return Ok(());
        }
        let store = self.store;
        let at = store.root().join(&instance.folder);
        let brief = instance.record.brief();
        let has_failed = instance.names.iter().any(|name| name == FAILURE)
            && !store.is_stale(&at.join(FAILURE), brief);
        let failed: HashSet<String> = match has_failed {
            true => store.failed_figures(&instance.folder),
            false => HashSet::new(),
        };
        let named: HashSet<&String> = brief
            .iter()
            .copied()
            .chain(self.named.get(&instance.key).into_iter().flatten())
            .flat_map(Brief::all_files)
            .chain(&failed)
            .collect();
        let mut found = Vec::new();
        for name in &instance.names {
            let folder = instance.folder.clone();
            let what = match name.as_str() {
                name if is_output(name) => What::Unnamed { folder },
                name if is_draft(name) => What::Note { folder },
                // A failure is reported only until the next output is committed.
                FAILURE if store.is_stale(&at.join(name), brief) => What::Note { folder },
                name if (is_log(name) || name == REJECTED)
                    && brief.is_none()
                    && !instance.names.iter().any(|name| name == FAILURE) =>
                {
                    What::Note { folder }
                }
                _ => continue,
            };
            let path = at.join(name);
            let is_spared = self.going.contains(&path) || self.drafted.contains(&path);
            if !named.contains(name) && !is_spared {
                found.push((what, path));
            }
        }
        if found.is_empty() && !instance.names.is_empty() {
            return Ok(());
        }
        let changed = store.changed(&at)?;
        if instance.names.is_empty() {
            if changed <= self.before {
                let size = Size { modified: changed, ..Size::default() };
                let folder = instance.folder.clone();
                self.add(parent(&folder), What::Empty { folder }, at, size);
            } else {
                self.found.young += 1;
            }
            return Ok(());
        }
        for (what, path) in found {
            let size = store.size(&path)?;
            if changed > self.before || size.modified > self.before {
                self.found.young += 1;
            } else {
                self.add(parent(&instance.folder), what, path, size);
            }
        }
        Ok(())
    }
}

impl Store {
    /// Returns whether a failure is outdated because an output was computed after it.
    fn is_stale(&self, path: &Path, current: Option<&Brief>) -> bool {
        let Some(current) = current else { return false };
        let failure = self.fs.read(path, bounds::NOTE).ok();
        let failure = failure.and_then(|bytes| json::parse::<Failure>(&bytes).ok());
        failure.is_none_or(|failure| failure.at <= current.started)
    }
}
