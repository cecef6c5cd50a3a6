//! A file system that is confined to one folder and follows no link below it.
//!
//! A store, a remote or an export may be damaged or hostile. A folder in it may be a link to the
//! home folder of the user who opens it, and a record may name `../../.profile`. [`Confined`]
//! checks each part of a path below its root before each operation. So the code that lists, reads,
//! writes and removes files there needs no checks of its own.
//!
//! The root itself and its parents may be links, because the user named them.
//!
//! A check and its operation are two system calls. A process that replaces a folder by a link in
//! between is out of scope, because it can write to the folder anyway. So a folder that was checked
//! is not checked again for [`FRESH`](crate::base::fs::checked::FRESH): a run does about ten operations in the folder of each instance, and
//! these checks would be a third of its time.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::base::fs::checked::Checked;
use crate::base::fs::{FileKind, Fs, Lock, Refused, Stat, create_durably, inspect};

/// A file system that reaches only one folder, and follows no link in it.
pub(crate) struct Confined {
    fs: Arc<dyn Fs>,
    /// The folder to which operations are confined.
    root: PathBuf,
    /// The folder that the user named: `root` or a folder above it. Links are checked below it.
    named: PathBuf,
    checked: Checked,
}

impl Confined {
    pub(crate) fn new(fs: Arc<dyn Fs>, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { fs, named: root.clone(), root, checked: Checked::new() }
    }

    /// Confines operations to the folder `root` inside `named`. No folder between them may be a
    /// link.
    pub(crate) fn within(fs: Arc<dyn Fs>, named: &Path, root: &Path) -> Self {
        Self { fs, root: root.to_owned(), named: named.to_owned(), checked: Checked::new() }
    }

    /// Creates the root and its parents if they do not exist.
    pub(crate) fn create_root(&self) -> io::Result<()> {
        self.check(&self.root)?;
        create_durably(&*self.fs, &self.root)
    }

    /// Checks that a path stays inside, and that no part of it is a link.
    fn check(&self, path: &Path) -> io::Result<()> {
        match self.check_above(path)? {
            Some(folder) => self.refuse(self.fs.first_link(folder, path)?),
            None => Ok(()),
        }
    }

    /// Checks that a path stays inside, and that no folder above it is a link.
    ///
    /// Returns the folder of the path; `None` for the folder that the user named, which may be a link.
    fn check_above<'a>(&self, path: &'a Path) -> io::Result<Option<&'a Path>> {
        self.check_inside(path)?;
        let folder = path.parent().filter(|_| path != self.named);
        folder.map_or(Ok(()), |folder| self.check_links(folder))?;
        Ok(folder)
    }

    /// Checks the folder of a path. The path itself may be a link, because the operation affects
    /// the link and not its target.
    fn check_folder(&self, path: &Path) -> io::Result<()> {
        // A path without a file name ends in `..` or the like, and is checked as a whole.
        match path.parent().filter(|_| path.file_name().is_some()) {
            Some(folder) if path != self.root => {
                self.check_inside(folder)?;
                self.check_links(folder)
            }
            _ => self.check(path),
        }
    }

    /// Checks that a path stays inside.
    fn check_inside(&self, path: &Path) -> io::Result<()> {
        let is_inside = path
            .strip_prefix(&self.root)
            .is_ok_and(|below| below.components().all(|part| matches!(part, Component::Normal(_))));
        match is_inside {
            true => Ok(()),
            false => {
                Err(Refused::Outside { path: path.to_owned(), root: self.root.clone() }.into())
            }
        }
    }

    /// Checks that no part of a folder is a link, unless it was checked a short while ago.
    fn check_links(&self, folder: &Path) -> io::Result<()> {
        let now = Instant::now();
        let deepest = self.checked.deepest(folder, &self.named, now);
        if deepest == folder {
            return Ok(());
        }
        self.refuse(self.fs.first_link(deepest, folder)?)?;
        self.checked.remember(folder, deepest, now);
        Ok(())
    }

    fn refuse(&self, link: Option<PathBuf>) -> io::Result<()> {
        match link {
            Some(link) => Err(self.refused(link)),
            None => Ok(()),
        }
    }

    fn refused(&self, link: PathBuf) -> io::Error {
        Refused::Link { link, root: self.named.clone() }.into()
    }
}

impl Fs for Confined {
    fn open(&self, path: &Path) -> io::Result<File> {
        self.check(path)?;
        self.fs.open(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.check(path)?;
        self.fs.read(path, limit)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
        self.check(path)?;
        self.fs.read_from(path, offset, limit)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.check(path)?;
        self.fs.lock(path)
    }

    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock> {
        self.check(path)?;
        self.fs.try_lock_shared(path)
    }

    fn open_to_lock(&self, path: &Path) -> io::Result<File> {
        self.check(path)?;
        self.fs.open_to_lock(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.check_folder(path)?;
        self.fs.create(path)
    }

    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.check_folder(path)?;
        self.fs.create_private(path, store)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.check(path)?;
        self.fs.append(path, bytes)
    }

    /// One operation inspects the path itself and refuses a link.
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        if self.check_above(path)?.is_none() {
            return self.fs.stat(path);
        }
        match inspect(&*self.fs, path)? {
            (FileKind::Link, _) => Err(self.refused(path.to_owned())),
            (_, stat) => Ok(stat),
        }
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.check_folder(path)?;
        self.fs.kind(path)
    }

    fn link_stat(&self, path: &Path) -> io::Result<Stat> {
        self.check_folder(path)?;
        self.fs.link_stat(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.check(path)?;
        self.fs.canonical(path)
    }

    fn first_link(&self, above: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
        self.fs.first_link(above, path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.check(path)?;
        self.fs.list(path)
    }

    fn list_kinds(&self, path: &Path) -> io::Result<Vec<(OsString, Option<FileKind>)>> {
        self.check(path)?;
        self.fs.list_kinds(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.check(path)?;
        self.fs.create_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_folder(from)?;
        self.check_folder(to)?;
        [from, to].iter().for_each(|path| self.checked.forget(path));
        self.fs.rename(from, to)
    }

    /// Links a file, which may be outside, such as in another store.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_folder(to)?;
        self.fs.link(from, to)
    }

    /// Copies a file, which may be outside, such as in another store.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_folder(to)?;
        self.fs.copy(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check_folder(path)?;
        self.fs.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.check_folder(path)?;
        self.checked.forget(path);
        self.fs.remove_folder(path)
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        self.check(path)?;
        self.fs.set_executable(path)
    }

    /// Syncs files and folders, which were checked when they were written.
    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        self.fs.sync(files, folders)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::base::fs::Disk;

    type Act = fn(&Confined, &Path) -> io::Result<()>;

    /// All operations on a path.
    const ACTS: [(&str, Act); 19] = [
        ("open", |fs, path| fs.open(path).map(drop)),
        ("read", |fs, path| fs.read(path, 100).map(drop)),
        ("read_from", |fs, path| fs.read_from(path, 0, 100).map(drop)),
        ("lock", |fs, path| fs.lock(path).map(drop)),
        ("try_lock_shared", |fs, path| fs.try_lock_shared(path).map(drop)),
        ("open_to_lock", |fs, path| fs.open_to_lock(path).map(drop)),
        ("create", |fs, path| fs.create(path).map(drop)),
        ("create_private", |fs, path| fs.create_private(path, path).map(drop)),
        ("append", |fs, path| fs.append(path, b"x")),
        ("stat", |fs, path| fs.stat(path).map(drop)),
        ("kind", |fs, path| fs.kind(path).map(drop)),
        ("link_stat", |fs, path| fs.link_stat(path).map(drop)),
        ("list", |fs, path| fs.list(path).map(drop)),
        ("create_folder", |fs, path| fs.create_folder(path)),
        ("rename", |fs, path| fs.rename(&path.with_file_name("here"), path)),
        ("link", |fs, path| fs.link(&path.with_file_name("here"), path)),
        ("remove", |fs, path| fs.remove(path)),
        ("remove_folder", |fs, path| fs.remove_folder(path)),
        ("set_executable", |fs, path| fs.set_executable(path)),
    ];

    /// Returns everything below a folder, with the content of the files.
    fn all(at: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => found.extend(all(&path)),
                false => found.push((path.clone(), std::fs::read(&path).expect("a file"))),
            }
            found.push((path, Vec::new()));
        }
        found.sort();
        found
    }

    /// Returns a confined folder whose `link` leads to another folder with the same content.
    fn folders() -> (tempfile::TempDir, Confined, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        for at in [root.join("in"), outside.join("empty")] {
            std::fs::create_dir_all(at).expect("a folder");
        }
        for at in [&root, &root.join("in"), &outside] {
            std::fs::write(at.join("here"), "mine").expect("a file");
        }
        symlink(&outside, root.join("link")).expect("a link");
        symlink(&outside, root.join("in/link")).expect("a link");
        (folder, Confined::new(Arc::new(Disk), &root), outside)
    }

    #[test]
    fn nothing_behind_a_link_is_reached() {
        let (folder, fs, outside) = folders();
        let before = all(&outside);
        let root = folder.path().join("root");
        for path in ["link/here", "link/new", "link/empty", "in/link/here", "in/link/empty/new"] {
            for (name, act) in ACTS {
                let error = act(&fs, &root.join(path)).expect_err(name);
                let link = root.join(path.split("link").next().unwrap_or_default()).join("link");
                let refused = Refused::of(&error);
                assert!(
                    matches!(refused, Some(Refused::Link { link: found, .. }) if *found == link),
                    "{name} {path}: {error}"
                );
            }
        }
        assert_eq!(all(&outside), before);
    }

    #[test]
    fn a_link_can_be_removed_and_replaced_and_nothing_else() {
        let (folder, fs, outside) = folders();
        let before = all(&outside);
        let (root, link) = (folder.path().join("root"), folder.path().join("root/link"));
        for (name, act) in ACTS {
            let concerns_the_link = ["kind", "link_stat", "rename", "remove"].contains(&name);
            if !concerns_the_link {
                assert!(act(&fs, &link).is_err(), "{name}");
            }
        }
        assert_eq!(fs.kind(&link).expect("a kind"), FileKind::Link);
        fs.rename(&root.join("in/here"), &link).expect("a rename");
        assert_eq!(fs.read(&link, 4).expect("a file"), b"mine");
        fs.remove(&root.join("in/link")).expect("the link goes");
        assert_eq!(all(&outside), before);
    }

    #[test]
    fn nothing_outside_is_reached() {
        let (folder, fs, outside) = folders();
        let (root, before) = (folder.path().join("root"), all(folder.path()));
        let paths = [outside.join("here"), root.join("../outside/here"), root.join("in/../../x")];
        for path in paths {
            for (name, act) in ACTS {
                let error = act(&fs, &path).expect_err(name);
                let is_outside = matches!(Refused::of(&error), Some(Refused::Outside { .. }));
                assert!(is_outside, "{name} {path:?}: {error}");
            }
        }
        assert_eq!(all(folder.path()), before);
    }

    #[test]
    fn the_root_may_be_a_link() {
        let (folder, _, _) = folders();
        let root = folder.path().join("mine");
        symlink("root", &root).expect("a link");
        let fs = Confined::new(Arc::new(Disk), &root);
        assert_eq!(fs.read(&root.join("in/here"), 4).expect("a file"), b"mine");
        assert_eq!(fs.list(&root).expect("a folder").len(), 3);
        // A folder inside the root that operations are confined to must not be a link.
        let within = Confined::within(Arc::new(Disk), &root, &root.join("link"));
        assert!(within.list(&root.join("link")).is_err());
        assert!(within.read(&root.join("here"), 4).is_err());
    }

    #[test]
    fn a_folder_that_became_a_link_is_refused_after_a_short_while() {
        let (folder, fs, outside) = folders();
        let root = folder.path().join("root");
        let within = root.join("in");
        assert_eq!(fs.read(&within.join("here"), 4).expect("a file"), b"mine");
        std::fs::remove_dir_all(&within).expect("a folder");
        symlink(&outside, &within).expect("a link");
        std::thread::sleep(crate::base::fs::checked::FRESH);
        let error = fs.read(&within.join("here"), 4).expect_err("a link");
        assert!(matches!(Refused::of(&error), Some(Refused::Link { .. })), "{error}");

        // A folder that was removed through the file system is checked again at once.
        let new = root.join("new");
        fs.create_folder(&new).expect("a folder");
        drop(fs.create(&new.join("file")).expect("a file"));
        fs.remove(&new.join("file")).expect("the file goes");
        fs.remove_folder(&new).expect("the folder goes");
        symlink(&outside, &new).expect("a link");
        assert!(fs.read(&new.join("here"), 4).is_err());
    }
}
