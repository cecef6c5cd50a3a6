//! Logs: what the programs that a task runs have printed.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::base::error::{IoContext, StoreError};
use crate::store::{Folder, Store};

/// The name of the file.
pub(crate) const LOG: &str = "log.txt";

/// How often another process may begin the same log at the same moment.
const ATTEMPTS: usize = 8;

/// The log of one run of a task: a file beside its output, which is there only if something was
/// logged, and takes the place of that of the run before.
pub(crate) struct Log {
    store: Arc<Store>,
    folder: Folder,
    out: Mutex<Option<Box<dyn Write + Send>>>,
}

impl Log {
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder) -> Self {
        Self { store: Arc::clone(store), folder: folder.clone(), out: Mutex::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.store.path(&self.folder, LOG)
    }

    /// Adds a line, or several.
    pub(crate) fn write(&self, text: &[u8]) -> Result<(), StoreError> {
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let out = match &mut *out {
            Some(out) => out,
            none => none.insert(self.begin().during("create", &self.path())?),
        };
        out.write_all(text).and_then(|()| out.flush()).during("write", &self.path())
    }

    fn begin(&self) -> io::Result<Box<dyn Write + Send>> {
        let (fs, path) = (self.store.fs(), self.path());
        fs.create_folder(&self.store.root().join(&self.folder))?;
        for _ in 1..ATTEMPTS {
            // That of the last run, if there is one.
            let _ = fs.remove(&path);
            match fs.create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => return created,
            }
        }
        fs.create(&path)
    }
}
