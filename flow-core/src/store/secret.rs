//! The key by which a store hashes secrets, so that a secret's hash tells nobody what it is.

use std::io::{ErrorKind, Write};

use crate::secret::SecretKey;
use crate::store::Store;
use crate::store::error::{IoContext, StoreError};

impl Store {
    /// The store's own key, made the first time that a secret is hashed.
    ///
    /// # Errors
    ///
    /// It cannot be read, or cannot be made.
    pub(crate) fn secret_key(&self) -> Result<&SecretKey, StoreError> {
        if let Some(key) = self.secret_key.get() {
            return Ok(key);
        }
        let key = self.read_or_make_key()?;
        Ok(self.secret_key.get_or_init(|| key))
    }

    fn read_or_make_key(&self) -> Result<SecretKey, StoreError> {
        let path = self.internal("secret");
        match self.fs.read(&path) {
            Ok(bytes) => {
                let bytes: [u8; 32] =
                    bytes.try_into().map_err(|_| StoreError::SecretKey { path: path.clone() })?;
                return Ok(SecretKey::new(bytes));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).during("read", &path),
        }
        let mut bytes = [0; 32];
        let random = getrandom::fill(&mut bytes);
        random.map_err(std::io::Error::other).during("make a key for", &path)?;
        self.fs
            .create_folder(&self.internal(""))
            .during("create the folder", &self.internal(""))?;
        // Two processes may make one at once: linking lets one of them win, whole.
        let draft = self.internal(&format!("secret-{}", super::stage::unique()));
        let mut file = self.fs.create_private(&draft).during("create", &draft)?;
        file.write_all(&bytes).during("write", &draft)?;
        drop(file);
        self.fs.sync(std::slice::from_ref(&draft)).during("sync", &draft)?;
        let linked = self.fs.link(&draft, &path);
        self.fs.remove(&draft).during("remove", &draft)?;
        match linked {
            Ok(()) => Ok(SecretKey::new(bytes)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.read_or_make_key(),
            Err(error) => Err(error).during("write", &path),
        }
    }
}
