//! The key with which a store hashes secrets, so that a hash does not reveal the secret.
//!
//! The key is created when the first secret is hashed, and is different in each store. So the keys
//! of instances with secrets are valid in that store alone. Only the owner of the file may read it
//! or, where the folder of the store may be written by its group when the key is created, that
//! group: its members can replace every other file of the store anyway.

use std::io::ErrorKind;
use std::path::Path;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::Refused;
use crate::store::Store;
use crate::value::secret::SecretKey;

/// The length of the key in bytes.
const BYTES: usize = 32;

impl Store {
    /// Returns the key of the store. Creates it when the first secret is hashed.
    ///
    /// # Errors
    ///
    /// The key cannot be read or created.
    pub(crate) fn secret_key(&self) -> Result<&SecretKey, StoreError> {
        if let Some(key) = self.secret_key.get() {
            return Ok(key);
        }
        let key = self.read_or_make_key()?;
        Ok(self.secret_key.get_or_init(|| key))
    }

    fn read_or_make_key(&self) -> Result<SecretKey, StoreError> {
        let path = self.internal("secret");
        match self.read_key(&path) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            known => return known,
        }
        let mut bytes = [0; BYTES];
        let random = getrandom::fill(&mut bytes);
        random.map_err(std::io::Error::other).during("make a key for", &path)?;
        self.fs
            .create_folder(&self.internal(""))
            .during("create the folder", &self.internal(""))?;
        // Two processes may create a key at the same time. A hard link lets one of them win
        // completely.
        let draft = self.internal(&format!("secret-{}", crate::base::names::unique()));
        let drafted = self.draft_key(&draft, &bytes);
        let linked = drafted.and_then(|()| match self.fs.link(&draft, &path) {
            // Without hard links, the last rename wins.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => match self.fs.stat(&path) {
                Ok(_) => Ok(()),
                Err(_) => self.fs.rename(&draft, &path),
            },
            linked => linked,
        });
        let _ = self.fs.remove(&draft);
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).during("write", &path)
            }
            // The file that exists now is the store's key. It must be durable before anything that
            // depends on it.
            _ => {
                let folders = [self.internal(""), self.root.clone()];
                self.fs.sync(&[], &folders).during("make durable", &path)?;
                self.read_key(&path)
            }
        }
    }

    fn draft_key(&self, draft: &Path, bytes: &[u8]) -> std::io::Result<()> {
        self.fs.create_private(draft, &self.root)?.write_all(bytes)?;
        self.fs.sync(&[draft.to_owned()], &[])
    }

    fn read_key(&self, path: &Path) -> Result<SecretKey, StoreError> {
        let damaged = || StoreError::SecretKey { path: path.to_owned() };
        match self.fs.read(path, BYTES as u64) {
            Ok(bytes) => Ok(SecretKey::new(bytes.try_into().map_err(|_| damaged())?)),
            Err(error) => match (Refused::of(&error), error.kind()) {
                (Some(Refused::TooLarge { .. }), _) => Err(damaged()),
                (None, ErrorKind::PermissionDenied) => {
                    Err(StoreError::SecretKeyDenied { path: path.to_owned(), source: error })
                }
                _ => Err(error).during("read", path),
            },
        }
    }
}
