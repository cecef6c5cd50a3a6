//! Which folders have to be synced so that a file in them survives a loss of power.
//!
//! A file whose content is durable is still lost if the name is not that leads to it, or the name
//! of any folder above it. So the folder that it lies in is synced and, where a folder is new, the
//! one above that.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::fs::Fs;

/// The folders below a root whose names are known to be durable.
#[derive(Debug, Default)]
pub(crate) struct Durable(Mutex<HashSet<PathBuf>>);

/// Folders to be synced, each once, and those whose names are durable then.
#[derive(Debug, Default)]
pub(crate) struct ToSync {
    folders: BTreeSet<PathBuf>,
    named: HashSet<PathBuf>,
}

impl ToSync {
    /// Adds a folder that a name is new in.
    pub(crate) fn add(&mut self, folder: &Path) {
        self.folders.insert(folder.to_owned());
    }

    pub(crate) fn list(&self) -> Vec<PathBuf> {
        self.folders.iter().cloned().collect()
    }
}

impl Durable {
    /// Adds what has to be synced so that the names in `folder`, which lies below `root` or is it,
    /// are durable.
    pub(crate) fn add(&self, root: &Path, folder: &Path, to_sync: &mut ToSync) {
        to_sync.add(folder);
        let known = self.0.lock().expect("no panic while folders are looked up");
        for folder in folder.ancestors().take_while(|folder| *folder != root) {
            let Some(above) = folder.parent().filter(|_| !known.contains(folder)) else { break };
            to_sync.named.insert(folder.to_owned());
            to_sync.add(above);
        }
    }

    /// Notes that these were synced.
    pub(crate) fn synced(&self, synced: ToSync) {
        self.0.lock().expect("no panic while folders are noted").extend(synced.named);
    }

    /// Forgets all, for folders may have been removed and made again.
    pub(crate) fn forget(&self) {
        self.0.lock().expect("no panic while folders are forgotten").clear();
    }
}

/// Makes a folder with all above it, so that their names survive a loss of power.
pub(crate) fn create_durably(fs: &dyn Fs, folder: &Path) -> io::Result<()> {
    let new = above_new(folder, |above| fs.stat(above).is_ok());
    fs.create_folder(folder)?;
    if new.is_empty() { Ok(()) } else { fs.sync(&[], &new) }
}

/// The folders in which a name is new once the folder `path` was made with all above it, for those
/// that `exists` says are not there yet.
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
    fn folders_that_are_made_together_are_all_named() {
        let there = |path: &Path| path == Path::new("/") || path == Path::new("/a");
        let above = above_new(Path::new("/a/b/c"), there);
        assert_eq!(above, [Path::new("/a/b"), Path::new("/a")]);
        assert!(above_new(Path::new("/a"), there).is_empty());
    }
}
