//! Walks through a folder and the folders that links in it lead to.
//!
//! A [`Walk`] computes the digest of a folder from the names in it and from what the caller finds at each file, or
//! lists the files. Several links may lead to the same folder, and such links may be nested, so that the number of
//! paths doubles with each level. Two mechanisms keep the work linear in what is on the disk:
//!
//! - The digest of a folder that a link leads to is remembered for the rest of the walk. It depends on the path to
//!   the folder only if a link below it leads to a folder on that path. [`Walked::roots`] and [`Walked::highest`]
//!   tell when that is the case.
//! - The names that are read more than once are counted. A walk that reads them over and over fails.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::{Contents, is_absent};
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, Stat};
use crate::base::key::{Digest, Hasher};
use crate::files::store_paths::UserPath;

/// How many names may be read again for each name that was read for the first time.
const AGAIN: usize = 100;

/// How many names may always be read again.
const AGAIN_AT_LEAST: usize = 100_000;

/// The callbacks of a walk.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// Inspects a file, and returns a digest of what it found.
    pub(super) file: &'a dyn Fn(&Path, Stat) -> io::Result<Digest>,
    /// Records what the walk passes through.
    pub(super) note: &'a dyn Fn(&Path, Passed) -> io::Result<()>,
}

/// What a path is that a walk passes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// A name, which may be that of a link.
    Name,
    /// A folder whose names are listed next, with its metadata.
    Folder(Stat),
    /// A folder in which nothing is looked at, because a link to it was followed before.
    Again,
}

/// What exists at a path.
pub(super) enum Entry {
    Nothing,
    File(Stat),
    Folder(Folder),
    /// A link to a folder above it, this many levels up.
    Above(usize),
}

/// A folder.
pub(super) struct Folder {
    /// Its path without links.
    pub(super) canonical: PathBuf,
    /// Its metadata, after links are followed.
    stat: Stat,
    /// Whether its name is that of a link.
    is_linked: bool,
}

/// A walk through the folder at a path that the user gave.
pub(super) struct Walk<'a> {
    contents: &'a Contents,
    user_path: UserPath<'a>,
    /// The paths without links of the folders from the first one to the current one.
    ancestors: Vec<PathBuf>,
    /// What was found in the folders that links lead to, by their paths without links.
    linked: HashMap<PathBuf, Walked>,
    /// The folders that were listed, by their paths without links.
    listed: HashSet<PathBuf>,
    names: usize,
    names_again: usize,
}

/// What was found in a folder.
#[derive(Clone)]
struct Walked {
    digest: Digest,
    /// How many names in it count.
    names: usize,
    /// Each folder that the walk listed lies in one of these. They are paths without links.
    roots: BTreeSet<PathBuf>,
    /// The first of the `ancestors` that a link in it leads to, as an index.
    highest: Option<usize>,
}

impl<'a> Walk<'a> {
    /// Starts a walk at `folder`, which is at `path`.
    pub(super) fn new(contents: &'a Contents, path: &'a Path, folder: &Folder) -> Self {
        Self {
            contents,
            user_path: contents.user_path(path),
            ancestors: vec![folder.canonical.clone()],
            linked: HashMap::new(),
            listed: HashSet::new(),
            names: 0,
            names_again: 0,
        }
    }

    /// Returns the digest of all names in the folder, and of what `look` finds at each.
    pub(super) fn digest(
        mut self,
        path: &Path,
        folder: &Folder,
        look: Look<'_>,
    ) -> Result<Digest, StoreError> {
        self.folder(path, folder.stat, look).map(|walked| walked.digest)
    }

    /// Returns the files in the folder, in order.
    pub(super) fn files(mut self, path: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let mut files = Vec::new();
        self.files_in(path, &mut files)?;
        files.sort_unstable();
        Ok(files)
    }

    /// Returns the names in the current folder that count, with their paths.
    fn list(&mut self, path: &Path) -> Result<Vec<(std::ffi::OsString, PathBuf)>, StoreError> {
        let names = self.contents.fs.list(path).during("read", path)?;
        let current = self.ancestors.last().expect("ancestors not empty");
        if self.listed.contains(current) {
            self.names_again += names.len();
        } else {
            self.names += names.len();
            self.listed.insert(current.clone());
        }
        if self.names_again > AGAIN_AT_LEAST.max(self.names.saturating_mul(AGAIN)) {
            let message = format!(
                "its links lead to the same folders over and over: {} names were read {} times in all; \
                 name the folders that are needed one by one",
                self.names,
                self.names + self.names_again
            );
            return Err(io::Error::other(message)).during("read", &self.ancestors[0]);
        }
        let names = names.into_iter().map(|name| (path.join(&name), name));
        let names = names.filter(|(path, _)| !self.user_path.is_stored(path));
        Ok(names.map(|(path, name)| (name, path)).collect())
    }

    /// Visits the current folder, which is at `path`.
    fn folder(&mut self, path: &Path, stat: Stat, look: Look<'_>) -> Result<Walked, StoreError> {
        // Runs write to the folders of the store, so their changes do not count.
        if !self.user_path.holds_store(path) {
            (look.note)(path, Passed::Folder(stat)).during("read", path)?;
        }
        let mut names = self.list(path)?;
        names.sort_unstable();
        let mut hasher = Hasher::new("folder");
        let mut count = 0;
        let current = self.ancestors.last().expect("ancestors not empty").clone();
        let mut roots = BTreeSet::new();
        let mut highest: Option<usize> = None;
        let mut reaches = |index| highest = Some(highest.map_or(index, |found| found.min(index)));
        for (name, at) in names {
            let entry = self.contents.entry(&at, &self.ancestors)?;
            // `entry` has already checked whether the name of a folder is that of a link.
            if !matches!(&entry, Entry::Folder(folder) if !folder.is_linked) {
                (look.note)(&at, Passed::Name).during("read", &at)?;
            }
            let digest = match &entry {
                Entry::File(stat) => Some((look.file)(&at, *stat).during("read", &at)?),
                Entry::Folder(folder) => {
                    let walked = self.step(&at, folder, look)?;
                    roots.extend(walked.roots.into_iter().filter(|at| !at.starts_with(&current)));
                    walked.highest.into_iter().for_each(&mut reaches);
                    if walked.names == 0 && self.user_path.in_store(&at).is_some() {
                        continue;
                    }
                    Some(walked.digest)
                }
                Entry::Above(levels) => {
                    reaches(self.ancestors.len() - 1 - levels);
                    None
                }
                Entry::Nothing => None,
            };
            count += 1;
            hasher.bytes(name.as_encoded_bytes());
            match (digest, entry) {
                (Some(digest), _) => hasher.part(digest),
                (None, Entry::Above(levels)) => hasher.text("above").number(levels as u64),
                (None, _) => hasher.text("nothing"),
            };
        }
        roots.insert(current);
        Ok(Walked { digest: hasher.digest(), names: count, roots, highest })
    }

    /// Visits a folder in the current one, unless its digest is remembered.
    fn step(&mut self, at: &Path, folder: &Folder, look: Look<'_>) -> Result<Walked, StoreError> {
        let may_remember = folder.is_linked && !self.user_path.holds_store(at);
        if may_remember && let Some(walked) = self.linked.get(&folder.canonical) {
            // An ancestor that can be reached from it would make a cycle.
            let is_circle = |above: &PathBuf| walked.roots.iter().any(|at| above.starts_with(at));
            if !self.ancestors.iter().any(is_circle) {
                let walked = walked.clone();
                (look.note)(at, Passed::Again).during("read", at)?;
                return Ok(walked);
            }
        }
        let index = self.ancestors.len();
        self.ancestors.push(folder.canonical.clone());
        let walked = self.folder(at, folder.stat, look);
        self.ancestors.pop();
        let mut walked = walked?;
        // A link to itself does not depend on the ancestors.
        walked.highest = walked.highest.filter(|highest| *highest < index);
        if may_remember && walked.highest.is_none() {
            self.linked.insert(folder.canonical.clone(), walked.clone());
        }
        Ok(walked)
    }

    fn files_in(&mut self, path: &Path, files: &mut Vec<PathBuf>) -> Result<(), StoreError> {
        for (_, at) in self.list(path)? {
            match self.contents.entry(&at, &self.ancestors)? {
                Entry::File(_) => files.push(at),
                Entry::Folder(folder) => {
                    self.ancestors.push(folder.canonical);
                    let found = self.files_in(&at, files);
                    self.ancestors.pop();
                    found?;
                }
                Entry::Nothing | Entry::Above(_) => {}
            }
        }
        Ok(())
    }
}

impl Contents {
    /// Returns what is at `path`. `ancestors` are the folders above it in the walk, without links.
    pub(super) fn entry(&self, path: &Path, ancestors: &[PathBuf]) -> Result<Entry, StoreError> {
        let stat = match self.fs.stat(path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return Ok(Entry::Nothing),
            Err(error) => return Err(error).during("read", path),
        };
        if stat.special {
            let special = io::Error::other("it is neither a file nor a folder");
            return Err(special).during("read", path);
        }
        if !stat.folder {
            return Ok(Entry::File(stat));
        }
        let is_link = || Ok(self.fs.kind(path)? == FileKind::Link);
        let (canonical, is_linked) = match (ancestors.last(), path.file_name()) {
            (Some(folder), Some(name)) if !is_link().during("read", path)? => {
                (folder.join(name), false)
            }
            _ => (self.fs.canonical(path).during("read", path)?, true),
        };
        Ok(match ancestors.iter().rev().position(|above| *above == canonical) {
            Some(levels) => Entry::Above(levels),
            None => Entry::Folder(Folder { canonical, stat, is_linked }),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;
    use crate::base::key::digest_bytes;
    use crate::files::Named;

    fn contents(folder: &Path) -> Contents {
        Contents::unknown(Arc::new(Disk), &folder.join("store"))
    }

    fn digest(folder: &Path, path: &Path) -> Digest {
        let digest = contents(folder).content(path, Named::Exactly);
        digest.expect("a folder that can be read").expect("it is there")
    }

    /// Returns the digest of a folder without remembering any folder.
    fn plain_digest(path: &Path, ancestors: &mut Vec<PathBuf>) -> Digest {
        ancestors.push(path.canonicalize().expect("a folder"));
        let mut names: Vec<_> = fs::read_dir(path).expect("a folder").collect();
        names.sort_unstable_by_key(|entry| entry.as_ref().expect("a name").file_name());
        let mut hasher = Hasher::new("folder");
        for name in names {
            let at = name.expect("a name").path();
            hasher.bytes(at.file_name().expect("a name").as_encoded_bytes());
            let canonical = at.canonicalize().expect("it leads somewhere");
            match ancestors.iter().rev().position(|above| *above == canonical) {
                _ if at.is_file() => {
                    hasher.part(digest_bytes(&fs::read(&at).expect("a file")));
                }
                Some(levels) => drop(hasher.text("above").number(levels as u64)),
                None => drop(hasher.part(plain_digest(&at, ancestors))),
            }
        }
        ancestors.pop();
        hasher.digest()
    }

    #[test]
    fn folders_with_two_links_each_to_the_next_are_read_once() {
        let temp = tempfile::tempdir().expect("a folder");
        let level = |n: usize| temp.path().join(format!("level{n}"));
        for n in 0..20 {
            fs::create_dir(level(n)).expect("a folder");
            if n > 0 {
                symlink(level(n), level(n - 1).join("a")).expect("a link");
                symlink(level(n), level(n - 1).join("b")).expect("a link");
            }
        }
        fs::write(level(19).join("x.csv"), "1").expect("a file");
        let before = digest(temp.path(), &level(0));
        fs::write(level(19).join("x.csv"), "2").expect("a file");
        assert_ne!(before, digest(temp.path(), &level(0)));
        let stamp = contents(temp.path()).stamp(&level(0), Named::Exactly);
        fs::write(level(19).join("y.csv"), "").expect("a file");
        let later = contents(temp.path()).stamp(&level(0), Named::Exactly);
        assert!(!stamp.expect("a stamp").is(&later.expect("a stamp")));
        // The number of paths is exponential in the number of folders, so they are not listed.
        let error = contents(temp.path()).files(&level(0)).expect_err("too many");
        let error = format!("{:#}", anyhow::Error::from(error));
        assert!(error.contains("level0") && error.contains("over and over"), "{error}");
    }

    #[test]
    fn a_folder_of_links_that_all_lead_to_each_other_is_an_error() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = |n: usize| temp.path().join(format!("folder{n}"));
        (0..10).for_each(|n| fs::create_dir(folder(n)).expect("a folder"));
        for (from, to) in (0..10).flat_map(|from| (0..10).map(move |to| (from, to))) {
            symlink(folder(to), folder(from).join(to.to_string())).expect("a link");
        }
        let error = contents(temp.path()).content(&folder(0), Named::Exactly);
        let error = format!("{:#}", anyhow::Error::from(error.expect_err("too many")));
        assert!(error.contains("folder0") && error.contains("over and over"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn random_links_give_the_digest_of_a_walk_without_memory(
            parents in proptest::collection::vec(0_usize..6, 2..6),
            links in proptest::collection::vec((0_usize..6, 0_usize..6), 1..6),
        ) {
            let temp = tempfile::tempdir().expect("a folder");
            let mut folders = vec![temp.path().join("root")];
            fs::create_dir(&folders[0]).expect("a folder");
            for (n, parent) in parents.into_iter().enumerate() {
                let folder = folders[parent % folders.len()].join(format!("f{n}"));
                fs::create_dir(&folder).expect("a folder");
                fs::write(folder.join("x"), n.to_string()).expect("a file");
                folders.push(folder);
            }
            for (n, (from, to)) in links.into_iter().enumerate() {
                let at = folders[from % folders.len()].join(format!("link{n}"));
                symlink(&folders[to % folders.len()], at).expect("a link");
            }
            for folder in &folders {
                let plain = plain_digest(folder, &mut Vec::new());
                proptest::prop_assert_eq!(digest(temp.path(), folder), plain);
            }
        }
    }
}
