//! Batches of small contents, for a remote that [packs](crate::Remote::packs_up_to) them.
//!
//! A group of outputs is pushed in three steps: the contents that the remote lacks are [found](missing) with few requests;
//! the small ones are put in batches and the large ones one by one; then the manifests are put in batches. A batch is read
//! into memory while it is put, and each file is verified while it is read.

use std::collections::HashSet;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::{IoContext, StoreError};
use crate::base::key::Digest;
use crate::remote::checked_io::{Checked, is_damage};
use crate::remote::push::{ToPush, sizes};
use crate::remote::{Remote, RemoteContext, object};
use crate::store::Store;
use crate::store::kept::Carried;

/// The size at which a batch is complete, in bytes.
const BATCH_BYTES: u64 = 8 << 20;

/// The number of contents at which a batch is complete.
const BATCH_NAMES: usize = 10_000;

/// A file of an output whose content the remote lacks.
pub(crate) struct Missing {
    /// The index of the first output that has the content.
    pub(crate) output: usize,
    pub(crate) bytes: u64,
    digest: Digest,
    store: Arc<Store>,
    path: PathBuf,
}

/// Returns the contents of some outputs that the remote lacks, each once.
pub(crate) fn missing(remote: &dyn Remote, outputs: &[ToPush]) -> Result<Vec<Missing>, StoreError> {
    let mut seen = HashSet::new();
    let mut contents = Vec::new();
    for (output, push) in outputs.iter().enumerate() {
        if push.carried == Carried::MetadataOnly {
            continue;
        }
        let files = push.record.output.contents();
        for file in files.filter(|file| seen.insert(file.digest)) {
            let path = push.store.root().join(&push.folder).join(&file.path);
            let store = Arc::clone(&push.store);
            contents.push(Missing { output, bytes: file.bytes, digest: file.digest, store, path });
        }
    }
    let names: Vec<_> = contents.iter().map(|content| object(content.digest)).collect();
    let sizes = sizes(remote, &names)?;
    let lacks =
        |(content, size): (Missing, Option<u64>)| (size != Some(content.bytes)).then_some(content);
    Ok(contents.into_iter().zip(sizes).filter_map(lacks).collect())
}

impl Missing {
    /// Puts the content on its own. The remote stores nothing if the file has other content than its record says.
    pub(crate) fn put(&self, remote: &dyn Remote) -> Result<(), StoreError> {
        let (name, path) = (object(self.digest), &self.path);
        let file = self.store.fs().open(path).during("read", path)?;
        let mut content = Checked::new(file, self.digest, self.bytes);
        match remote.put(&name, &mut content, self.bytes) {
            Err(error) if is_damage(&error) => {
                return Err(StoreError::damaged(path.display(), error));
            }
            put => put.of_remote("put", &name)?,
        }
        // An implementation of `put` may have stopped reading before the end.
        content.finish().map_err(|error| StoreError::damaged(path.display(), error))
    }

    /// Reads the content, and verifies it.
    fn read(&self) -> Result<(String, Vec<u8>), StoreError> {
        let path = &self.path;
        let file = self.store.fs().open(path).during("read", path)?;
        let mut bytes = Vec::with_capacity(self.bytes as usize);
        match Checked::new(file, self.digest, self.bytes).read_to_end(&mut bytes) {
            Err(error) if is_damage(&error) => Err(StoreError::damaged(path.display(), error)),
            read => read.during("read", path).map(|_| (object(self.digest), bytes)),
        }
    }
}

/// Reads a batch of contents and puts them.
pub(crate) fn put(remote: &dyn Remote, batch: &[Missing]) -> Result<(), StoreError> {
    let contents = batch.iter().map(Missing::read).collect::<Result<Vec<_>, _>>()?;
    put_bytes(remote, &contents)
}

/// Puts a batch of contents.
pub(crate) fn put_bytes(
    remote: &dyn Remote,
    contents: &[(String, Vec<u8>)],
) -> Result<(), StoreError> {
    let Some((name, _)) = contents.first() else { return Ok(()) };
    remote.put_many(contents).of_remote("put", name)
}

/// Splits items into batches, in order.
pub(crate) fn batches<T>(items: Vec<T>, bytes: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
    let mut all: Vec<Vec<T>> = Vec::new();
    let mut size = 0;
    for item in items {
        let added = bytes(&item);
        match all.last_mut() {
            Some(last) if last.len() < BATCH_NAMES && size + added <= BATCH_BYTES => {
                last.push(item);
                size += added;
            }
            _ => {
                all.push(vec![item]);
                size = added;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_limited_in_size_and_number() {
        let lengths = |sizes: Vec<u64>| -> Vec<usize> {
            batches(sizes, |size| *size).iter().map(Vec::len).collect()
        };
        assert_eq!(lengths(vec![]), [0; 0]);
        assert_eq!(lengths(vec![1 << 20; 20]), [8, 8, 4]);
        assert_eq!(lengths(vec![0; 10_001]), [10_000, 1]);
        assert_eq!(lengths(vec![9 << 20, 1]), [1, 1]);
    }
}
