//! Notes: small files that improve reasons, such as failures and tables of code.
//!
//! Errors are ignored: the store works without them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::base::names::unique;
use crate::store::Store;

/// A note that the next commit makes durable and renames into place.
pub(super) struct DraftedNote {
    path: PathBuf,
    /// The file with its content. `None` while it is being written.
    draft: Option<PathBuf>,
}

impl DraftedNote {
    /// Returns the file to sync.
    pub(super) fn file(&self) -> Option<PathBuf> {
        self.draft.clone()
    }
}

impl Store {
    /// Writes a note atomically. After a loss of power it may be missing or damaged. Errors are
    /// ignored.
    pub(crate) fn note(&self, path: &Path, note: &impl Serialize) {
        if let Ok(draft) = self.draft_note(path, note)
            && self.fs.rename(&draft, path).is_err()
        {
            let _ = self.fs.remove(&draft);
        }
    }

    /// Writes a note that is never written again, unless it was written.
    ///
    /// The next commit syncs it with its outputs and renames it into place. So after a loss of power
    /// it may be missing, but is not damaged. Errors are ignored.
    pub(crate) fn note_with_commit<N: Serialize>(
        &self,
        path: &Path,
        note: impl FnOnce() -> Option<N>,
    ) {
        if self.noted.lock().expect("lock poisoned").contains(path) {
            return;
        }
        if self.fs.stat(path).is_ok() {
            self.noted.lock().expect("lock poisoned").insert(path.to_owned());
            return;
        }
        let is_same = |drafted: &DraftedNote| drafted.path == path;
        {
            let mut drafted = self.drafted.lock().expect("lock poisoned");
            if drafted.iter().any(is_same) {
                return;
            }
            drafted.push(DraftedNote { path: path.to_owned(), draft: None });
        }
        // The content may come from a remote, so the lock is not held meanwhile.
        let draft = note().and_then(|note| self.draft_note(path, &note).ok());
        let mut drafted = self.drafted.lock().expect("lock poisoned");
        drafted.retain(|other| !is_same(other));
        if draft.is_some() {
            drafted.push(DraftedNote { path: path.to_owned(), draft });
        }
    }

    fn draft_note(&self, path: &Path, note: &impl Serialize) -> std::io::Result<PathBuf> {
        let draft = path.with_extension(unique());
        let bytes = serde_json::to_vec_pretty(note)?;
        path.parent().map_or(Ok(()), |folder| self.fs.create_folder(folder))?;
        let written = self.fs.create(&draft).and_then(|mut file| file.write_all(&bytes));
        if let Err(error) = written {
            let _ = self.fs.remove(&draft);
            return Err(error);
        }
        Ok(draft)
    }

    /// Returns the notes that are to be synced by a commit.
    pub(super) fn take_drafted(&self) -> Vec<DraftedNote> {
        let mut drafted = self.drafted.lock().expect("lock poisoned");
        drafted.extract_if(.., |drafted| drafted.draft.is_some()).collect()
    }

    /// Renames notes into place, whose content is durable, or removes them.
    pub(super) fn keep_drafted(&self, drafted: Vec<DraftedNote>, is_durable: bool) {
        for DraftedNote { path, draft } in drafted {
            let Some(draft) = draft else { continue };
            if !is_durable || self.fs.rename(&draft, &path).is_err() {
                let _ = self.fs.remove(&draft);
            }
        }
    }
}
