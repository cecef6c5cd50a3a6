//! Logs: the output of the programs that a task runs.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::base::error::{IoContext, StoreError};
use crate::store::{Folder, Store};

/// The name of the file in the folder of an instance.
pub(crate) const LOG: &str = "log.txt";

/// The number of attempts to create the file while other processes create it at the same moment.
const ATTEMPTS: usize = 8;

/// The log of one run of a task: a file beside its output.
///
/// It is created at the first line, and then replaces the log of the previous run.
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

    /// Appends one or more lines.
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
            // Removes the log of the previous run, if there is one.
            let _ = fs.remove(&path);
            match fs.create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => return created,
            }
        }
        fs.create(&path)
    }
}
