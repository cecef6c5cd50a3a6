//! The partitions of outputs and of external folders.
//!
//! What a task reads of a partition is compared for each consumer, and a dataset may have as many consumers as partitions.
//! So the index of its files is kept, under the digest of its content: it is the same for all plans and runs.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Hasher};
use crate::files::{Contents, Named, is_absent};
use crate::store::draft::folder::folder_digest;
use crate::store::output::{Look, OutputFile, is_unchanged};
use crate::store::trust::Trust;
use crate::store::{Folder, Store};
use crate::target::partition::Selection;
use crate::target::partition_index::PartitionIndex;

/// How many indices are kept. Most flows have fewer datasets.
const MOST: usize = 8;

/// The indices of the datasets that were used last, by the digests of their content.
#[derive(Default)]
pub(crate) struct PartitionIndices(Mutex<VecDeque<(Digest, Arc<PartitionIndex>)>>);

impl PartitionIndices {
    fn get(&self, digest: Digest) -> Option<Arc<PartitionIndex>> {
        let mut indices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = indices.iter().position(|(of, _)| *of == digest)?;
        let found = indices.remove(place)?;
        let index = Arc::clone(&found.1);
        indices.push_front(found);
        Some(index)
    }

    fn add(&self, digest: Digest, index: PartitionIndex) -> Arc<PartitionIndex> {
        let index = Arc::new(index);
        let mut indices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        indices.push_front((digest, Arc::clone(&index)));
        indices.truncate(MOST);
        index
    }
}

impl Store {
    /// Returns the index of a folder with this digest, if it is known.
    pub(crate) fn known_partitions(&self, digest: Digest) -> Option<Arc<PartitionIndex>> {
        self.partitions.get(digest)
    }

    /// Returns the files of an output by their partitions. `None` if it is no folder.
    pub(crate) fn partitions(&self, file: &OutputFile) -> Option<Arc<PartitionIndex>> {
        let within = file.folder.as_ref()?;
        if let Some(known) = self.known_partitions(file.digest) {
            return Some(known);
        }
        let files = within.iter().filter_map(|item| Some((item.path.clone(), item.digest?)));
        let index = PartitionIndex::new(files);
        // A damaged record must not stand for other outputs with its digest.
        Some(match folder_digest(within) == file.digest {
            true => self.partitions.add(file.digest, index),
            false => Arc::new(index),
        })
    }

    /// Returns the files at an external path by their partitions. `digest` is that of all content.
    pub(crate) fn external_partitions(
        &self,
        contents: &Contents,
        path: &Path,
        digest: Digest,
    ) -> Result<Arc<PartitionIndex>, StoreError> {
        // The names are relative to a folder, which the digest of the content does not tell.
        let mut hasher = Hasher::new("external partitions");
        let key = hasher.text(&path.to_string_lossy()).part(digest).digest();
        if let Some(known) = self.known_partitions(key) {
            return Ok(known);
        }
        let (folder, names) = contents.folder(path)?;
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let file = folder.join(&name);
            // A file that was removed meanwhile does not count. The next check of the folder detects it.
            if let Some(digest) = contents.content(&file, Named::Exactly)? {
                files.push((name, digest));
            }
        }
        if contents.meant(path)? != Some(digest) {
            let changed = std::io::Error::other("it changed meanwhile");
            return Err(changed).during("read", path);
        }
        Ok(self.partitions.add(key, PartitionIndex::new(files).at(folder)))
    }

    /// Checks the selected files of an output that is a folder, as [`look_at`](Self::look_at) checks all.
    pub(crate) fn look_at_selected(
        &self,
        folder: &Folder,
        file: &OutputFile,
        selection: &Selection,
    ) -> Result<Look, StoreError> {
        let Some((index, within)) = self.partitions(file).zip(file.folder.as_ref()) else {
            return Ok(Look::Gone);
        };
        let at = self.path(folder, &file.file);
        for place in index.select(selection) {
            let name = index.path(place);
            let order = |path: &str| path.split('/').cmp(name.split('/'));
            let Ok(found) = within.binary_search_by(|item| order(&item.path)) else {
                return Ok(Look::Modified);
            };
            let (item, path) = (&within[found], at.join(name));
            let stat = match self.fs().stat(&path) {
                Ok(stat) => stat,
                Err(error) if is_absent(&error) && self.fs().stat(&at).is_err() => {
                    return Ok(Look::Gone);
                }
                Err(error) if is_absent(&error) => return Ok(Look::Modified),
                Err(error) => return Err(error).during("inspect", &path),
            };
            let (Some(digest), false) = (item.digest, stat.folder) else {
                return Ok(Look::Modified);
            };
            let (how, mut modified) = ((&**self.fs(), Trust::Stamps), item.modified);
            if !is_unchanged(how, &path, stat, item.bytes, &mut modified, digest)? {
                return Ok(Look::Modified);
            }
        }
        Ok(Look::Whole)
    }
}
