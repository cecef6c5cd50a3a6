//! Notes: small files that improve reasons, such as failures and tables of code.
//!
//! Errors are ignored: the store works without them.

use std::path::Path;

use serde::Serialize;

use crate::base::names::unique;
use crate::store::Store;

impl Store {
    /// Writes a note atomically. Errors are ignored.
    pub(crate) fn note(&self, path: &Path, note: &impl Serialize) {
        let draft = path.with_extension(unique());
        let written = serde_json::to_vec_pretty(note).map_err(Into::into).and_then(|bytes| {
            path.parent().map_or(Ok(()), |folder| self.fs.create_folder(folder))?;
            self.fs.create(&draft)?.write_all(&bytes)?;
            self.fs.rename(&draft, path)
        });
        if written.is_err() {
            let _ = self.fs.remove(&draft);
        }
    }
}
