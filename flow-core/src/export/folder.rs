//! Access to the folder of an export. Only files that an export has written are replaced.
//!
//! [`ExportFolder::open`] takes the lock of the folder and reads the manifest. [`ExportFolder::begin`] checks that no
//! foreign file is in the place of one to write, and records the names of these files in a journal,
//! `.exporting.json`: files of an export that died are recognized by it. Each file is then written to a draft,
//! verified and renamed. [`ExportFolder::finish`] replaces the manifest, removes files that it no longer names,
//! and deletes the journal. Each of these steps is durable before the next one.
//!
//! Another program may have written the folder. All access goes through [`Confined`], so that links in it are never
//! followed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Confined, Durable, Fs, Refused, ToSync};
use crate::base::key::{Digest, digest_bytes};
use crate::base::names::unique;
use crate::export::lock::ExportLock;
use crate::export::manifest::{Content, MANIFEST, Manifest};
use crate::files::{digest_file, is_absent};
use crate::flow::error::Error;
use crate::remote::checked_io::{Checked, is_damage};
use crate::store::run_lock::is_older;
use crate::store::{Store, bounds, json};

/// The journal: the names of the files that an export writes, until the manifest names them.
const WRITING: &str = ".exporting.json";

/// The beginning of the names of drafts, which are files that are being written.
const DRAFT: &str = ".exporting-";

/// The age at which a draft counts as left by a process that died.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder of an export, locked until it is dropped.
pub(crate) struct ExportFolder {
    /// All access to the folder goes through this file system.
    fs: Arc<dyn Fs>,
    pub(crate) root: PathBuf,
    /// The manifest of earlier exports.
    pub(crate) before: Manifest,
    /// The files of earlier exports, by name.
    own: BTreeMap<String, Content>,
    /// The names in the journal: files that this export, or one that died, may have written.
    unfinished: BTreeSet<String>,
    /// The folders with names that may not be durable yet.
    to_sync: RefCell<ToSync>,
    _lock: ExportLock,
}

impl ExportFolder {
    /// Opens the folder, and creates it if it does not exist.
    ///
    /// Waits until no other export works in the folder.
    pub(crate) fn open(fs: &Arc<dyn Fs>, root: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(root).during("open", root)?;
        let fs = Arc::new(Confined::new(Arc::clone(fs), &root));
        fs.create_root().during("create the folder", &root)?;
        let fs: Arc<dyn Fs> = fs;
        let lock = ExportLock::take(&fs, &root)?;
        let before = read_manifest(&*fs, &root)?.unwrap_or_else(Manifest::new);
        let path = root.join(WRITING);
        let unfinished = match fs.read(&path, bounds::RECORD) {
            // It is never incomplete, because it is written by a rename.
            Ok(bytes) => {
                json::parse(&bytes).map_err(|error| StoreError::damaged(path.display(), error))?
            }
            Err(error) if is_absent(&error) => BTreeSet::new(),
            Err(error) => return Err(error).during("read", &path).map_err(Error::from),
        };
        let own = before.files();
        Ok(Self { fs, root, before, own, unfinished, to_sync: RefCell::default(), _lock: lock })
    }

    /// Checks that these files may be written, and records their names in the journal.
    ///
    /// # Errors
    ///
    /// A foreign file is in the place of one of them, or a file of an earlier export was changed since.
    pub(crate) fn begin(&mut self, files: &BTreeMap<String, Content>) -> Result<(), Error> {
        for (name, content) in files {
            let path = self.root.join(name);
            let stat = match self.fs.stat(&path) {
                Ok(stat) => stat,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error).during("look at", &path).map_err(Error::from),
            };
            let refused = |why| Err(Error::Occupied { path: path.clone(), why });
            if stat.folder {
                return refused("it is a folder");
            }
            if stat.special {
                return refused("it is neither a file nor a folder");
            }
            if self.unfinished.contains(name) {
                continue;
            }
            let holds = |content: &Content| {
                content.is_in(&*self.fs, &path, stat.bytes).during("read", &path)
            };
            match self.own.get(name) {
                Some(own) if holds(own)? => {}
                _ if holds(content)? => {}
                Some(_) => return refused("it was changed since it was exported"),
                None => return refused("no export has written it"),
            }
        }
        // Files of earlier exports are listed, too: `finish` may remove them.
        self.unfinished.extend(files.keys().chain(self.own.keys()).cloned());
        let bytes = serde_json::to_vec(&self.unfinished).map_err(std::io::Error::from);
        let path = self.root.join(WRITING);
        self.write(WRITING, &bytes.during("write", &path)?)?;
        // A file must not become durable before the journal, or the next export would not replace it.
        self.sync_root(&path)
    }

    fn sync_root(&self, path: &Path) -> Result<(), Error> {
        Ok(self.fs.sync(&[], std::slice::from_ref(&self.root)).during("make durable", path)?)
    }

    /// Writes a file, replacing an existing one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let content = (digest_bytes(bytes), bytes.len() as u64);
        self.put(name, &mut Cursor::new(bytes), content)
    }

    /// Copies a file of a store and verifies its content; returns `false` if an equal file exists already.
    pub(crate) fn copy(
        &self,
        name: &str,
        (store, from): (&Store, &Path),
        content: (Digest, u64),
    ) -> Result<bool, Error> {
        let path = self.root.join(name);
        if self.fs.stat(&path).is_ok_and(|stat| stat.bytes == content.1)
            && digest_file(&*self.fs, &path).during("read", &path)? == content.0
        {
            return Ok(false);
        }
        let from = store.root().join(from);
        let mut file = store.fs().open(&from).during("read", &from)?;
        match self.put(name, &mut file, content) {
            Err(Error::Store(StoreError::Io { source, .. })) if is_damage(&source) => {
                Err(StoreError::damaged(from.display(), source).into())
            }
            put => put.map(|()| true),
        }
    }

    fn put(
        &self,
        name: &str,
        content: &mut dyn Read,
        (digest, bytes): (Digest, u64),
    ) -> Result<(), Error> {
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        self.fs.create_folder(folder).during("create the folder", folder)?;
        let draft = self.root.join(format!("{DRAFT}{}", unique()));
        let write = || -> Result<(), StoreError> {
            let mut file = self.fs.create(&draft).during("create", &draft)?;
            std::io::copy(&mut Checked::new(content, digest, bytes), &mut file)
                .and_then(|_| file.flush())
                .during("write", &path)?;
            drop(file);
            self.fs.sync(std::slice::from_ref(&draft), &[]).during("make durable", &path)?;
            self.fs.rename(&draft, &path).during("write", &path)
        };
        Durable::default().add(&self.root, folder, &mut self.to_sync.borrow_mut());
        Ok(write().inspect_err(|_| {
            // An error is ignored: a later sweep removes the draft.
            let _ = self.fs.remove(&draft);
        })?)
    }

    /// Makes a file executable.
    pub(crate) fn make_executable(&self, name: &str) -> Result<(), Error> {
        let path = self.root.join(name);
        Ok(self.fs.set_executable(&path).during("make executable", &path)?)
    }

    /// Creates a folder with its parents.
    pub(crate) fn folder(&self, name: &str) -> Result<(), Error> {
        let path = self.root.join(name);
        Durable::default().add(&self.root, &path, &mut self.to_sync.borrow_mut());
        Ok(self.fs.create_folder(&path).during("create the folder", &path)?)
    }

    /// Replaces the manifest and removes the files of earlier exports that it no longer names.
    ///
    /// A file that was changed since it was exported stays.
    pub(crate) fn finish(self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.root.join(MANIFEST);
        // The manifest must not become durable before the files that it names.
        let folders = self.to_sync.borrow().list();
        self.fs.sync(&[], &folders).during("make durable", &self.root)?;
        let bytes = serde_json::to_vec_pretty(manifest).map_err(std::io::Error::from);
        let bytes = bytes.and_then(|bytes| match bytes.len() as u64 {
            // The next export could not read a larger manifest.
            bytes if bytes > bounds::INDEX => {
                Err(Refused::TooLarge { bytes, limit: bounds::INDEX }.into())
            }
            _ => json::check(&bytes).map_err(std::io::Error::other).map(|()| bytes),
        });
        self.write(MANIFEST, &bytes.during("write", &path)?)?;
        self.sync_root(&path)?;
        let now = manifest.files();
        let mut folders = BTreeSet::new();
        for (name, content) in self.own.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let path = self.root.join(name);
            let stat = self.fs.stat(&path);
            if stat.and_then(|stat| content.is_in(&*self.fs, &path, stat.bytes)).unwrap_or(false) {
                // An error is ignored: the manifest no longer names the file.
                let _ = self.fs.remove(&path);
                folders.extend(path.parent().map(Path::to_owned));
            }
        }
        self.sweep();
        // A removed file must not come back after the journal, which allows to replace it, is gone.
        let folders: Vec<_> = folders.into_iter().collect();
        self.fs.sync(&[], &folders).during("make durable", &self.root)?;
        let path = self.root.join(WRITING);
        match self.fs.remove(&path) {
            // On a file system without locks, another export may have removed it meanwhile.
            Err(error) if !is_absent(&error) => Err(error).during("remove", &path)?,
            _ => {}
        }
        // If the journal came back, the next export would not notice changes of the user.
        self.sync_root(&path)
    }

    /// Removes drafts that were left by processes that died. Errors are ignored.
    fn sweep(&self) {
        for name in self.fs.list(&self.root).into_iter().flatten() {
            let path = self.root.join(&name);
            if name.to_string_lossy().starts_with(DRAFT)
                && self.fs.stat(&path).is_ok_and(|stat| is_older(stat.modified, LEFT))
            {
                let _ = self.fs.remove(&path);
            }
        }
    }
}

/// Reads the manifest in a folder; returns `None` if there is none.
pub(crate) fn read_manifest(fs: &dyn Fs, root: &Path) -> Result<Option<Manifest>, Error> {
    let path = root.join(MANIFEST);
    match fs.read(&path, bounds::INDEX) {
        Ok(bytes) => {
            let damaged = |reason| StoreError::damaged(path.display(), reason);
            Ok(Some(Manifest::parse(&bytes).map_err(damaged)?))
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error).during("read", &path).map_err(Error::from),
    }
}
