//! Digests of single columns of external files.
//!
//! They are computed only if a task has read single columns of a file, because that takes reading the file. A digest is
//! cached like that of a file, under its path, the reader and the name of the column. The digest of the shape is cached
//! under a reader of its own.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::key::Digest;
use crate::base::panics;
use crate::files::{Contents, SETTLED};
use crate::target::{ColumnDigests, ColumnHasher};

impl Contents {
    /// Returns the digests of some columns of the file at a path. A name without a column has none.
    ///
    /// `with_shape` asks for the digest of the shape, too; a target that has none is asked each time.
    ///
    /// `reader` identifies what reads the columns: the target with its options. `digests` computes those that are not
    /// cached.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or was written meanwhile, or has no columns.
    pub(crate) fn columns(
        &self,
        path: &Path,
        reader: Digest,
        names: &[&str],
        with_shape: bool,
        digests: &mut dyn FnMut(&[&str]) -> anyhow::Result<Option<ColumnDigests>>,
    ) -> anyhow::Result<ColumnDigests> {
        let stat = self.fs.stat(path)?;
        // The times of a folder do not show that a file in it was written.
        anyhow::ensure!(!stat.folder, "it is a folder, whose columns have no digests");
        let cached = |name| self.remembered.get_column(path, &stat, (reader, name));
        let mut known: ColumnDigests =
            names.iter().filter_map(|name| Some((*name, cached(name)?))).collect();
        let of_shape = reader_of_shape(reader);
        if with_shape && let Some(shape) = self.remembered.get_column(path, &stat, (of_shape, "")) {
            known = known.with_shape(shape);
        }
        let missing: Vec<&str> =
            names.iter().copied().filter(|name| known.get(name).is_none()).collect();
        if missing.is_empty() && (!with_shape || known.shape().is_some()) {
            return Ok(known);
        }
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let new = panics::catch_panic("the target", || digests(&missing))
            .unwrap_or_else(|panic| Err(panic.into()))?;
        let Some(new) = new else { anyhow::bail!("the format has no columns") };
        anyhow::ensure!(self.fs.stat(path)? == stat, "the file was written meanwhile");
        // As for the digest of a file: it could change again without getting another time.
        let age = begun.as_nanos() as i64 - stat.changed.unwrap_or(stat.modified);
        if age > SETTLED {
            for (name, digest) in new.iter() {
                self.remembered.add_column(path, &stat, (reader, name), digest);
            }
            if let Some(shape) = new.shape() {
                self.remembered.add_column(path, &stat, (of_shape, ""), shape);
            }
        }
        known.extend(new);
        Ok(known)
    }
}

/// Returns the reader under which the shape is cached: no column has it, whatever its name.
fn reader_of_shape(reader: Digest) -> Digest {
    let mut hasher = ColumnHasher::new();
    hasher.update(b"shape\n");
    hasher.update(reader.to_string().as_bytes());
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;

    #[test]
    fn the_columns_of_a_folder_have_no_digests() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder");
        let contents = Contents::unknown(Arc::new(Disk), &folder.path().join("store"));
        let mut digests = |names: &[&str]| {
            let digests = names.iter().map(|name| (*name, Digest(1)));
            anyhow::Ok(Some(digests.collect::<ColumnDigests>()))
        };
        let read = contents.columns(&data, Digest(2), &["a"], false, &mut digests);
        let error = read.expect_err("it is a folder");
        assert!(error.to_string().contains("it is a folder"), "{error}");
        let file = data.join("file");
        std::fs::write(&file, "a").expect("written");
        let read = contents.columns(&file, Digest(2), &["a"], false, &mut digests);
        assert_eq!(read.expect("a file").get("a"), Some(Digest(1)));
    }
}
