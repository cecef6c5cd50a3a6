//! The partitions of outputs and of external folders.
//!
//! What a task reads of a partition is compared for each consumer, and a dataset may have as many consumers as partitions.
//! So the index of its files is kept, under the digest of its content: it is the same for all plans and runs.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Hasher};
use crate::files::{Contents, DigestedFiles, is_absent};
use crate::store::draft::folder::folder_digest;
use crate::store::output::{Comparison, Look, Output, OutputFile, is_unchanged};
use crate::store::{Folder, Store};
use crate::target::partition::Selection;
use crate::target::partition_index::PartitionIndex;

/// How many indices are kept, whatever their sizes.
const FEW: usize = 8;

/// How many files all kept indices have, if there are more than [`FEW`] of them: about 50 MB.
///
/// An index that is built again for each of many consumers would cost time in the product of files and consumers.
const MOST_FILES: usize = 1 << 18;

/// How many indices are kept at most: they are searched one after the other.
const MOST: usize = 1024;

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

    fn add(&self, digest: Digest, index: Arc<PartitionIndex>) -> Arc<PartitionIndex> {
        let mut indices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Several threads may have built the same index.
        indices.retain(|(of, _)| *of != digest);
        indices.push_front((digest, Arc::clone(&index)));
        let mut files = 0;
        let kept = indices.iter().enumerate().take_while(|(place, (_, index))| {
            files += index.paths().len();
            *place < FEW || *place < MOST && files <= MOST_FILES
        });
        let kept = kept.count();
        indices.truncate(kept);
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
        let index = Arc::new(PartitionIndex::new(files));
        // A damaged record must not stand for other outputs with its digest.
        Some(match folder_digest(within) == file.digest {
            true => self.partitions.add(file.digest, index),
            false => index,
        })
    }

    /// Returns the index of a part of an output with this digest, if it is known. No record is needed for it.
    pub(crate) fn known_part(&self, output: Digest, part: &str) -> Option<Arc<PartitionIndex>> {
        self.known_partitions(part_key(output, part))
    }

    /// Returns the files of a part of an output by their partitions. `None` if it is no folder.
    pub(crate) fn partitions_of_part(
        &self,
        output: &Output,
        part: &str,
    ) -> Option<Arc<PartitionIndex>> {
        let file = output.file(part)?;
        let index = self.partitions(file)?;
        // As for the index itself: only if the digest of the output tells the files of the part.
        if !part.is_empty()
            && self.known_partitions(file.digest).is_some()
            && Output::of(output.files.clone()).digest == output.digest
        {
            self.partitions.add(part_key(output.digest, part), Arc::clone(&index));
        }
        Some(index)
    }

    /// Returns the digest of all content at an external path, and keeps the index of its files for the readers of single
    /// partitions. `None` if there are no files. Each file is looked at once, and the files of a folder with several links to
    /// one folder are left to the first reader.
    pub(crate) fn list_external(
        &self,
        contents: &Contents,
        path: &Path,
    ) -> Result<Option<Digest>, StoreError> {
        let (content, files) = contents.content_and_files(path)?;
        if let Some((digest, files)) = content.zip(files)
            && self.known_partitions(external_key(path, digest)).is_none()
        {
            // A reader that needs the index reports the error.
            let _ = self.add_external(contents, path, digest, files);
        }
        Ok(content)
    }

    /// Returns the files at an external path by their partitions. `digest` is that of all content.
    pub(crate) fn external_partitions(
        &self,
        contents: &Contents,
        path: &Path,
        digest: Digest,
    ) -> Result<Arc<PartitionIndex>, StoreError> {
        if let Some(known) = self.known_partitions(external_key(path, digest)) {
            return Ok(known);
        }
        let (content, files) = match contents.content_and_files(path)? {
            (content, Some(files)) => (content, files),
            (_, None) => {
                let files = contents.files_with_links(path)?;
                (contents.meant(path)?, files)
            }
        };
        if content != Some(digest) {
            let changed = std::io::Error::other("it changed meanwhile");
            return Err(changed).during("read", path);
        }
        self.add_external(contents, path, digest, files)
    }

    fn add_external(
        &self,
        contents: &Contents,
        path: &Path,
        digest: Digest,
        files: DigestedFiles,
    ) -> Result<Arc<PartitionIndex>, StoreError> {
        let (folder, files) = contents.below_folder(path, files)?;
        let index = PartitionIndex::new(files).at(folder);
        Ok(self.partitions.add(external_key(path, digest), Arc::new(index)))
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
        let (fs, trust, checked) = (&**self.fs(), self.trust_to_read(), self.checked());
        let how = Comparison { fs, trust, checked };
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
            let mut modified = item.modified;
            if !is_unchanged(how, &path, stat, item.bytes, &mut modified, digest)? {
                return Ok(Look::Modified);
            }
        }
        Ok(Look::Whole)
    }
}

/// Returns the key of the index of an external path.
fn external_key(path: &Path, digest: Digest) -> Digest {
    // The names are relative to a folder, which the digest of the content does not tell.
    let mut hasher = Hasher::new("external partitions");
    hasher.text(&path.to_string_lossy()).part(digest).digest()
}

/// Returns the key of the index of a part. An output of one part has the digest of that part.
fn part_key(output: Digest, part: &str) -> Digest {
    match part {
        "" => output,
        part => Hasher::new("partitions of a part").text(part).part(output).digest(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::fs::Disk;
    use crate::store::output::Within;
    use crate::target::ColumnDigests;

    #[test]
    fn indices_are_kept_as_long_as_they_are_small_together() {
        let index = |files: usize| {
            let file = |n| (format!("part-{n}.parquet"), Digest(1));
            Arc::new(PartitionIndex::new((0..files).map(file)))
        };
        let indices = PartitionIndices::default();
        for digest in 0..100 {
            indices.add(Digest(digest), index(3));
            indices.add(Digest(digest), index(3));
        }
        assert!((0..100).all(|digest| indices.get(Digest(digest)).is_some()));
        assert_eq!(indices.0.lock().expect("lock poisoned").len(), 100, "each once");
        indices.add(Digest(1000), index(MOST_FILES));
        assert!(indices.get(Digest(99)).is_some(), "a few are always kept");
        assert!(indices.get(Digest(0)).is_none());
        assert_eq!(indices.0.lock().expect("lock poisoned").len(), FEW);
    }

    #[test]
    fn the_index_of_a_part_is_known_by_the_digest_of_the_output() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().to_owned(), Arc::new(Disk));
        let item = |path: &str, digest| {
            let path = path.to_owned();
            Within { path, bytes: 1, modified: 0, executable: false, digest }
        };
        let within = vec![item("n=1", None), item("n=1/part-0.parquet", Some(Digest(1)))];
        let part = |part: &str| OutputFile {
            part: part.to_owned(),
            file: format!("data-{part}.dataset"),
            digest: folder_digest(&within),
            bytes: 1,
            modified: 0,
            executable: false,
            folder: Some(within.clone()),
            columns: ColumnDigests::default(),
        };
        let output = Output::of(vec![part("a"), part("b")]);
        assert!(store.known_part(output.digest, "a").is_none());
        let index = store.partitions_of_part(&output, "a").expect("a folder");
        let known = store.known_part(output.digest, "a").expect("it is known");
        assert!(Arc::ptr_eq(&index, &known));
        // The digest of a damaged record tells nothing.
        let damaged = Output { digest: Digest(7), ..output };
        assert!(store.partitions_of_part(&damaged, "b").is_some());
        assert!(store.known_part(Digest(7), "b").is_none());
    }
}
