//! Rejected rows: the rows of an output that violate expectations, in a file beside it.
//!
//! The file `rejected.jsonl` in the folder of an instance has a line of JSON for each row. Like a log, it is that of the
//! last run, whether that failed or not, and it is not part of the output: no digest depends on it, and it is not pushed or
//! exported. The metadata of the output, or of the failure, has the digest of the file to which it belongs.

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Hasher};
use crate::base::names::unique;
use crate::files::is_absent;
use crate::store::{Folder, Store, bounds};

/// The name of the file in the folder of an instance.
pub(crate) const REJECTED: &str = "rejected.jsonl";

impl Store {
    /// Replaces the rejected rows of an instance. An empty text removes the file.
    ///
    /// # Errors
    ///
    /// The file cannot be written or removed.
    pub(crate) fn write_rejected(&self, folder: &Folder, text: &str) -> Result<(), StoreError> {
        let path = self.path(folder, REJECTED);
        if text.is_empty() {
            return match self.fs.remove(&path) {
                Err(error) if !is_absent(&error) => Err(error).during("remove", &path),
                _ => Ok(()),
            };
        }
        let at = self.root.join(folder);
        self.fs.create_folder(&at).during("create the folder", &at)?;
        let draft = self.path(folder, &format!("{REJECTED}.{}", unique()));
        let created = self.fs.create(&draft);
        let written = created
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.flush()));
        let written = written.and_then(|()| self.fs.rename(&draft, &path));
        written.during("write", &path).inspect_err(|_| self.discard_path(&draft))
    }

    /// Returns the rejected rows of an instance, if the file with this digest is still there.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(crate) fn rejected(
        &self,
        folder: &Folder,
        digest: Digest,
    ) -> Result<Option<String>, StoreError> {
        let path = self.path(folder, REJECTED);
        let bytes = match self.fs.read(&path, bounds::NOTE) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error).during("read", &path),
        };
        let text = String::from_utf8(bytes).ok();
        Ok(text.filter(|text| Hasher::new("rejected").text(text).digest() == digest))
    }
}
