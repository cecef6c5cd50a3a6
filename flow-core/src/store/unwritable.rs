//! Recognizes that nothing can be written to a store: its disk is full, or this user may not write.
//!
//! Then no task of a run can store its output, and to run further tasks would be work in vain. So the
//! first such error ends a run. It must not be mistaken for the failure of one instance:
//!
//! - A full disk or an exceeded quota is one of the store, if a file of the store could not be written.
//! - A refused permission or a read-only file system may concern the folder of one instance only. So may
//!   an error that a task returns without a path. Then a small file is written to the store's internal
//!   folder: if that works, the error is one of the instance.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::base::error::{IoContext, StoreError, copy_error};
use crate::base::names::unique;
use crate::store::Store;
use crate::store::draft::DraftError;

/// The size of the file that is written to find out whether a store can be written, in bytes.
///
/// It takes a block on the disk: an empty file can be created on a full disk.
const PROBE: usize = 4096;

/// Returns whether an error may mean that nothing can be written.
pub(crate) fn is_refusal(kind: ErrorKind) -> bool {
    is_full(kind) || matches!(kind, ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

impl Store {
    /// Returns the error of the store, if `error` or a cause of it means that nothing can be written.
    pub(crate) fn unwritable(&self, error: &(dyn Error + 'static)) -> Option<StoreError> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let of_store = match error.downcast_ref::<DraftError>() {
                // Its source is that of the inner error.
                Some(DraftError::Store(inner)) => Some(inner),
                _ => error.downcast_ref::<StoreError>(),
            };
            if let Some(StoreError::Io { action, path, source }) = of_store {
                return self.unwritable_at(action, path, source);
            }
            if let Some(source) = error.downcast_ref::<io::Error>()
                && is_refusal(source.kind())
            {
                return self.probe();
            }
            cause = error.source();
        }
        None
    }

    fn unwritable_at(
        &self,
        action: &'static str,
        path: &Path,
        source: &io::Error,
    ) -> Option<StoreError> {
        match source.kind() {
            kind if !is_refusal(kind) || !path.starts_with(self.root()) => None,
            kind if is_full(kind) => Some(StoreError::Unwritable {
                store: self.root().to_owned(),
                action,
                path: path.to_owned(),
                source: copy_error(source),
            }),
            _ => self.probe(),
        }
    }

    /// Writes a small file to the internal folder and removes it. Returns the error if that is refused.
    fn probe(&self) -> Option<StoreError> {
        let path = self.internal("probe").with_extension(unique());
        let written = self.write_block(&path);
        // A file that was not created is not there.
        let _ = self.fs().remove(&path);
        let error = written.during("write", &path).err()?;
        Some(self.or_unwritable(error))
            .filter(|error| matches!(error, StoreError::Unwritable { .. }))
    }

    fn write_block(&self, path: &Path) -> io::Result<()> {
        let folder = self.internal("");
        let mut file = self.fs().create(path).or_else(|_| {
            self.fs().create_folder(&folder)?;
            self.fs().create(path)
        })?;
        file.write_all(&[0; PROBE])?;
        file.flush()
    }

    /// Turns an error at a file of the internal folder into one of the whole store, if it is a refusal.
    pub(super) fn or_unwritable(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Io { action, path, source } if is_refusal(source.kind()) => {
                StoreError::Unwritable { store: self.root().to_owned(), action, path, source }
            }
            error => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;

    fn store(folder: &Path) -> Store {
        Store::new(folder.to_owned(), Arc::new(Disk))
    }

    fn at(path: &Path, kind: ErrorKind) -> anyhow::Error {
        let error: io::Result<()> = Err(kind.into());
        error.during("write", path).expect_err("an error").into()
    }

    #[test]
    fn a_full_disk_is_an_error_of_the_store_that_the_file_is_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        let inside = folder.path().join("Train/1/data");
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let error = at(&inside, kind).context("while it was saved");
            let found = store.unwritable(error.as_ref()).expect("it is full").to_string();
            let path = inside.display().to_string();
            assert!(found.contains(&path) && found.contains("free space"), "{found}");
            assert!(store.unwritable(at(Path::new("/elsewhere"), kind).as_ref()).is_none());
        }
        let full: io::Result<()> = Err(ErrorKind::StorageFull.into());
        let draft = DraftError::from(full.during("write", &inside).expect_err("an error"));
        assert!(store.unwritable(anyhow::Error::from(draft).as_ref()).is_some());
    }

    #[test]
    fn a_refused_file_is_an_error_of_the_store_only_if_nothing_can_be_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("Train/1/data");
        let store = store(folder.path());
        for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
            assert!(store.unwritable(at(&inside, kind).as_ref()).is_none(), "{kind}");
        }
        let of_task = anyhow::Error::from(io::Error::from(ErrorKind::StorageFull));
        assert!(store.unwritable(of_task.context("in a task").as_ref()).is_none());
        // The probe leaves nothing behind.
        assert_eq!(std::fs::read_dir(folder.path().join(".flow")).expect("a folder").count(), 0);
        let other = anyhow::anyhow!("it fails");
        assert!(store.unwritable(other.as_ref()).is_none());
    }
}
