//! Determines which folders have to be synced so that new files survive a loss of power.
//!
//! A file whose content is durable is still lost if its name is not durable, or the name of any
//! folder above it. So the folder of the file is synced and, if that folder is new, its parent too.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::fs::Fs;

/// The folders and files below a root whose names are known to be durable.
#[derive(Debug, Default)]
pub(crate) struct Durable(Mutex<HashSet<PathBuf>>);

/// Folders to sync, and the folders and files whose names are durable after that.
#[derive(Debug, Default)]
pub(crate) struct ToSync {
    folders: BTreeSet<PathBuf>,
    named: HashSet<PathBuf>,
}

impl ToSync {
    /// Adds a folder that contains a new name.
    pub(crate) fn add(&mut self, folder: &Path) {
        self.folders.insert(folder.to_owned());
    }

    /// Adds a file whose name is durable once these folders are synced.
    pub(crate) fn add_durable(&mut self, file: &Path) {
        self.named.insert(file.to_owned());
    }

    pub(crate) fn list(&self) -> Vec<PathBuf> {
        self.folders.iter().cloned().collect()
    }
}

impl Durable {
    /// Adds the folders to sync so that the names in `folder` are durable. `folder` is `root` or
    /// below it.
    pub(crate) fn add(&self, root: &Path, folder: &Path, to_sync: &mut ToSync) {
        to_sync.add(folder);
        let known = self.0.lock().expect("lock poisoned");
        for folder in folder.ancestors().take_while(|folder| *folder != root) {
            let Some(above) = folder.parent().filter(|_| !known.contains(folder)) else { break };
            to_sync.named.insert(folder.to_owned());
            to_sync.add(above);
        }
    }

    /// Adds the folders to sync so that the name of a file is durable. The file is below `root`.
    pub(crate) fn add_file(&self, root: &Path, file: &Path, to_sync: &mut ToSync) {
        self.add(root, file.parent().unwrap_or(root), to_sync);
        to_sync.add_durable(file);
    }

    /// Returns whether the name of this file or folder is known to be durable.
    pub(crate) fn knows(&self, path: &Path) -> bool {
        self.0.lock().expect("lock poisoned").contains(path)
    }

    /// Records that these folders were synced.
    pub(crate) fn synced(&self, synced: ToSync) {
        self.0.lock().expect("lock poisoned").extend(synced.named);
    }

    /// Forgets all folders, because they may have been removed and created again.
    pub(crate) fn forget(&self) {
        self.0.lock().expect("lock poisoned").clear();
    }
}

/// Creates a folder and its parents, and makes their names durable.
pub(crate) fn create_durably(fs: &dyn Fs, folder: &Path) -> io::Result<()> {
    let new = above_new(folder, |above| fs.stat(above).is_ok());
    fs.create_folder(folder)?;
    if new.is_empty() { Ok(()) } else { fs.sync(&[], &new) }
}

/// Returns the folders to sync after the folder `path` was created with its parents.
///
/// These are the parents of all folders for which `exists` is false.
fn above_new(path: &Path, exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let new =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !exists(folder));
    new.filter_map(|folder| Some(folder.parent()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_named_in_the_one_above_once() {
        let (root, durable) = (Path::new("/data"), Durable::default());
        let sync = |folder: &str| {
            let mut to_sync = ToSync::default();
            durable.add(root, &root.join(folder), &mut to_sync);
            let list = to_sync.list();
            durable.synced(to_sync);
            list
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(sync("group/Train"), paths(&["/data", "/data/group", "/data/group/Train"]));
        assert_eq!(sync("group/Train"), paths(&["/data/group/Train"]));
        assert_eq!(sync("group/Fit"), paths(&["/data/group", "/data/group/Fit"]));
        assert_eq!(sync(""), paths(&["/data/"]));
        durable.forget();
        assert_eq!(sync("group/Fit").len(), 3);
    }

    #[test]
    fn a_file_is_named_once() {
        let (root, durable) = (Path::new("/data"), Durable::default());
        let file = root.join(".flow/index/Train");
        let mut to_sync = ToSync::default();
        durable.add_file(root, &file, &mut to_sync);
        let folders = ["/data", "/data/.flow", "/data/.flow/index"].map(PathBuf::from);
        assert_eq!(to_sync.list(), folders);
        assert!(!durable.knows(&file));
        durable.synced(to_sync);
        assert!(durable.knows(&file) && !durable.knows(&root.join(".flow/index/Fit")));
    }

    #[test]
    fn folders_that_are_made_together_are_all_named() {
        let there = |path: &Path| path == Path::new("/") || path == Path::new("/a");
        let above = above_new(Path::new("/a/b/c"), there);
        assert_eq!(above, [Path::new("/a/b"), Path::new("/a")]);
        assert!(above_new(Path::new("/a"), there).is_empty());
    }
}
