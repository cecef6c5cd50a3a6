//! Notes: small files that make reasons say more, and that a store does without if it cannot be
//! written.

use std::path::Path;

use serde::Serialize;

use crate::base::names::unique;
use crate::store::Store;

impl Store {
    /// Puts a note in its place, whole or not at all.
    pub(crate) fn note(&self, path: &Path, note: &impl Serialize) {
        let draft = path.with_extension(unique());
        let noted = serde_json::to_vec_pretty(note).map_err(Into::into).and_then(|bytes| {
            path.parent().map_or(Ok(()), |folder| self.fs.create_folder(folder))?;
            self.fs.create(&draft)?.write_all(&bytes)?;
            self.fs.rename(&draft, path)
        });
        if noted.is_err() {
            let _ = self.fs.remove(&draft);
        }
    }
}
