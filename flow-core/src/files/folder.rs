//! External folders as lists of files, for targets that read several.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::walk::{Look, Passed};
use super::{Contents, Named, Pattern};
use crate::base::error::StoreError;
use crate::base::fs::Stat;
use crate::base::key::Digest;

/// Files with their digests.
pub(crate) type DigestedFiles = Vec<(PathBuf, Digest)>;

impl Contents {
    /// Returns the digest of the files at a path, which may be a pattern, as [`meant`](Self::meant) does, and the digest of
    /// each file, sorted by their paths. Each file is looked at once.
    ///
    /// There are no files if some of them have several names by links: see [`files_with_links`](Self::files_with_links).
    pub(crate) fn content_and_files(
        &self,
        path: &Path,
    ) -> Result<(Option<Digest>, Option<DigestedFiles>), StoreError> {
        let (found, is_complete) = (RefCell::new(Vec::new()), Cell::new(true));
        let file = |path: &Path, stat: Stat| -> io::Result<Digest> {
            let digest = self.file(path, stat)?;
            found.borrow_mut().push((path.to_owned(), digest));
            Ok(digest)
        };
        let note = |_: &Path, what: Passed| -> io::Result<()> {
            is_complete.set(is_complete.get() && what != Passed::Again);
            Ok(())
        };
        let content = self.walk(path, Named::AsPattern, Look { file: &file, note: &note })?;
        let mut files = found.into_inner();
        files.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok((content, is_complete.get().then_some(files)))
    }

    /// Returns each name of each file at a path with its digest, sorted, however many links lead to it.
    ///
    /// The files are listed first and looked at later. So the caller checks afterwards that the content at the path still is
    /// the one that it knows.
    pub(crate) fn files_with_links(&self, path: &Path) -> Result<DigestedFiles, StoreError> {
        let mut files = Vec::new();
        for file in self.files(path)? {
            // A file that was removed meanwhile does not count: the check detects it.
            let digest = self.content(&file, Named::Exactly)?;
            files.extend(digest.map(|digest| (file, digest)));
        }
        Ok(files)
    }

    /// Returns the folder that a path stands for, and the paths of files at the path below the folder, with `/`.
    ///
    /// The path is a folder, a file, or a pattern. For a pattern such as `trades/year=2024/*/*.parquet`, the folder is
    /// `trades`, so that the names have all partition columns.
    pub(crate) fn below_folder(
        &self,
        path: &Path,
        files: DigestedFiles,
    ) -> Result<(PathBuf, Vec<(String, Digest)>), StoreError> {
        let folder = match files.as_slice() {
            [(file, _)] if file == path => above_partitions(path.parent().unwrap_or(path)),
            _ if self.fs.stat(path).is_ok() => path.to_owned(),
            _ => match Pattern::parse(path) {
                Some(pattern) => above_partitions(pattern.base()),
                None => path.to_owned(),
            },
        };
        let name = |file: &Path| {
            let below = file.strip_prefix(&folder).ok()?.components();
            let names = below.map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            });
            Some(names.collect::<Option<Vec<_>>>()?.join("/"))
        };
        let names = files.into_iter().map(|(file, digest)| match name(&file) {
            Some(name) => Ok((name, digest)),
            None => {
                let unnamed = io::Error::other("its name is not Unicode");
                Err(StoreError::Io { action: "read", path: file, source: unnamed })
            }
        });
        let names = names.collect::<Result<_, _>>()?;
        Ok((folder, names))
    }
}

/// Returns the folder above the folders at the end of a path that are named by a partition.
fn above_partitions(path: &Path) -> PathBuf {
    let is_partition =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().contains(&b'='));
    let mut above = path;
    while let (true, Some(parent)) = (is_partition(above), above.parent()) {
        above = parent;
    }
    above.to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;

    #[test]
    fn each_name_of_a_file_is_listed_with_its_digest() {
        let temp = tempfile::tempdir().expect("a folder");
        let data = temp.path().join("data");
        for name in ["n=1", "n=2"] {
            fs::create_dir_all(data.join(name)).expect("a folder");
            fs::write(data.join(name).join("x"), name).expect("a file");
        }
        let contents = Contents::unknown(Arc::new(Disk), &temp.path().join("store"));
        let listed = |path: &Path| {
            let (content, files) = contents.content_and_files(path).expect("files");
            assert_eq!(content, contents.meant(path).expect("a digest"));
            let all = contents.files_with_links(path).expect("files");
            let files = files.unwrap_or_else(|| all.clone());
            assert_eq!(files, all);
            for (file, digest) in &files {
                assert_eq!(contents.digest(file).expect("a digest"), Some(*digest));
            }
            contents.below_folder(path, files).expect("names")
        };
        let names = |path: &Path| -> (PathBuf, Vec<String>) {
            let (folder, files) = listed(path);
            (folder, files.into_iter().map(|(name, _)| name).collect())
        };
        let both = vec!["n=1/x".to_owned(), "n=2/x".to_owned()];
        assert_eq!(names(&data), (data.clone(), both.clone()));
        assert_eq!(names(&data.join("*/x")), (data.clone(), both));
        assert_eq!(names(&data.join("n=1/x")), (data.clone(), vec!["n=1/x".to_owned()]));
        // Two links to a folder: the second one is not followed to find the digest.
        for link in ["n=3", "n=4"] {
            symlink(data.join("n=1"), data.join(link)).expect("a link");
        }
        let all = ["n=1/x", "n=2/x", "n=3/x", "n=4/x"].map(str::to_owned).to_vec();
        assert_eq!(names(&data).1, all);
        assert_eq!(listed(&data).1[0].1, listed(&data).1[3].1);
        assert!(contents.content_and_files(&data).expect("a digest").1.is_none());
    }

    #[test]
    fn a_folder_whose_files_have_too_many_names_has_a_digest() {
        let temp = tempfile::tempdir().expect("a folder");
        let level = |n: usize| temp.path().join(format!("level{n}"));
        for n in 0..20 {
            fs::create_dir(level(n)).expect("a folder");
            if n > 0 {
                symlink(level(n), level(n - 1).join("a")).expect("a link");
                symlink(level(n), level(n - 1).join("b")).expect("a link");
            }
        }
        fs::write(level(19).join("x"), "1").expect("a file");
        let contents = Contents::unknown(Arc::new(Disk), &temp.path().join("store"));
        let (content, files) = contents.content_and_files(&level(0)).expect("a digest");
        assert!(content.is_some() && files.is_none());
        assert!(contents.files_with_links(&level(0)).is_err());
    }
}
