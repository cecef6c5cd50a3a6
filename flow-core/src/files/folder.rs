//! External folders as lists of files, for targets that read several.

use std::path::{Component, Path, PathBuf};

use super::{Contents, Pattern};
use crate::base::error::StoreError;

impl Contents {
    /// Returns the folder that a path stands for, and the files to read with their paths below it, with `/`, sorted.
    ///
    /// The path is a folder, a file, or a pattern. For a pattern such as `trades/year=2024/*/*.parquet`, the folder is
    /// `trades`, so that the names have all partition columns.
    pub(crate) fn folder(&self, path: &Path) -> Result<(PathBuf, Vec<String>), StoreError> {
        let files = self.files(path)?;
        let folder = match files.as_slice() {
            [file] if file == path => above_partitions(path.parent().unwrap_or(path)),
            _ if self.fs.stat(path).is_ok() => path.to_owned(),
            _ => match Pattern::parse(path) {
                Some(pattern) => above_partitions(pattern.base()),
                None => path.to_owned(),
            },
        };
        let name = |file: &PathBuf| {
            let below = file.strip_prefix(&folder).ok()?.components();
            let names = below.map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            });
            Some(names.collect::<Option<Vec<_>>>()?.join("/"))
        };
        let names = files.iter().map(|file| {
            name(file).ok_or_else(|| {
                let unnamed = std::io::Error::other("its name is not Unicode");
                StoreError::Io { action: "read", path: file.clone(), source: unnamed }
            })
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
