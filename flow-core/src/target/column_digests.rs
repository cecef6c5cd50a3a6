//! Digests of single columns, by which a task that reads some columns of an input depends on these alone.
//!
//! The core knows no columns. A target that has them hashes each while it writes a file, and gives the digests to the
//! [`Sink`](super::Sink); they become part of the record of the output. A task that reads some columns is recorded with
//! their digests, and later plans compare these instead of the digest of the whole output.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::base::key::{Digest, digest_of};

/// The name of the shape among the digests of a record. A column of this name has no digest.
const SHAPE: &str = "\0shape";

/// The digests of the columns of a table, by name, and of its shape.
///
/// The digest of a column covers everything that a reader of the column sees: its type, whether it may be null, its
/// metadata and that of the table, the number of rows, and the values in their order. A name that several columns have is
/// left out. A column without a digest is never assumed to be unchanged.
///
/// The *shape* is what a reader of no column sees: the number of rows, and the names, types and order of all columns. A
/// query such as `select * from prices` or `select count(*) from prices` depends on it.
///
/// ```
/// use flow_core::target::{ColumnDigests, ColumnHasher};
///
/// let digest = |values: &[u8]| {
///     let mut hasher = ColumnHasher::new();
///     hasher.update(values);
///     hasher.digest()
/// };
/// let columns: ColumnDigests =
///     [("a", digest(b"1")), ("b", digest(b"2")), ("b", digest(b"3"))].into_iter().collect();
/// assert_eq!(columns.get("a"), Some(digest(b"1")));
/// assert_eq!((columns.get("b"), columns.get("c")), (None, None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Digest>", into = "BTreeMap<String, Digest>")]
pub struct ColumnDigests {
    columns: BTreeMap<String, Digest>,
    shape: Option<Digest>,
}

impl ColumnDigests {
    /// Returns the digest of a column, if it is known.
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.columns.get(name).copied()
    }

    /// Returns the digest of the shape, if it is known.
    pub fn shape(&self) -> Option<Digest> {
        self.shape
    }

    /// Sets the digest of the shape: of the number of rows, and the names, types and order of all columns.
    #[must_use]
    pub fn with_shape(self, shape: Digest) -> Self {
        Self { shape: Some(shape), ..self }
    }

    /// Returns whether no column has a digest.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Returns the number of columns that have a digest.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Returns the names and digests, in alphabetical order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.columns.iter().map(|(name, digest)| (name.as_str(), *digest))
    }

    /// Returns the digests of these columns. `None` if one of them has none, or if there are no names.
    pub(crate) fn of(&self, names: &[&str]) -> Option<Self> {
        let columns = self.of_all(names)?;
        (!columns.is_empty()).then_some(Self { columns, shape: None })
    }

    /// Returns the digests of the shape and of these columns. `None` if one of them has none; there may be no names.
    pub(crate) fn of_shape_and(&self, names: &[&str]) -> Option<Self> {
        Some(Self { columns: self.of_all(names)?, shape: Some(self.shape?) })
    }

    fn of_all(&self, names: &[&str]) -> Option<BTreeMap<String, Digest>> {
        names.iter().map(|name| Some(((*name).to_owned(), self.get(name)?))).collect()
    }

    /// Adds the digests of more columns and of the shape, in place of those with the same names.
    pub(crate) fn extend(&mut self, more: Self) {
        self.columns.extend(more.columns);
        self.shape = more.shape.or(self.shape);
    }
}

impl<N: Into<String>> FromIterator<(N, Digest)> for ColumnDigests {
    /// Collects digests of columns. A name that occurs several times is left out.
    fn from_iter<I: IntoIterator<Item = (N, Digest)>>(columns: I) -> Self {
        let mut all: BTreeMap<String, Option<Digest>> = BTreeMap::new();
        for (name, digest) in columns {
            match all.entry(name.into()) {
                Entry::Vacant(entry) => {
                    entry.insert(Some(digest));
                }
                Entry::Occupied(mut entry) => {
                    entry.insert(None);
                }
            }
        }
        // In a record, the name is that of the shape.
        all.remove(SHAPE);
        let known = all.into_iter().filter_map(|(name, digest)| Some((name, digest?)));
        Self { columns: known.collect(), shape: None }
    }
}

impl From<BTreeMap<String, Digest>> for ColumnDigests {
    /// Reads the form in which records have the digests.
    fn from(mut columns: BTreeMap<String, Digest>) -> Self {
        let shape = columns.remove(SHAPE);
        Self { columns, shape }
    }
}

impl From<ColumnDigests> for BTreeMap<String, Digest> {
    /// Writes the form in which records have the digests.
    fn from(ColumnDigests { mut columns, shape }: ColumnDigests) -> Self {
        columns.extend(shape.map(|shape| (SHAPE.to_owned(), shape)));
        columns
    }
}

/// Hashes a column for [`ColumnDigests`].
///
/// Bytes are hashed as one sequence, however they are cut: a target must add lengths where two different columns could
/// give the same sequence.
#[derive(Clone)]
pub struct ColumnHasher(blake3::Hasher);

impl ColumnHasher {
    /// Creates a hasher of no bytes.
    pub fn new() -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"flow column 1\n");
        Self(hasher)
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes so far.
    pub fn digest(&self) -> Digest {
        digest_of(&self.0)
    }
}

impl Default for ColumnHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ColumnHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ColumnHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_columns_are_picked() {
        let all: ColumnDigests = [("a", Digest(1)), ("b", Digest(2))].into_iter().collect();
        assert_eq!(all.of(&["a"]).map(|some| some.len()), Some(1));
        assert_eq!(all.of(&["b", "a"]), Some(all.clone()));
        assert_eq!(all.of(&["a", "c"]), None);
        assert_eq!(all.of(&[]), None);
        assert_eq!(all.of_shape_and(&["a"]), None);
        let shaped = all.with_shape(Digest(3));
        assert_eq!(shaped.of(&["a"]).and_then(|some| some.shape()), None);
        let some = shaped.of_shape_and(&[]).expect("a shape");
        assert_eq!((some.len(), some.shape()), (0, Some(Digest(3))));
    }

    #[test]
    fn a_shape_is_recorded_and_no_column_has_its_name() -> serde_json::Result<()> {
        let recorded = |digests: &ColumnDigests| -> serde_json::Result<ColumnDigests> {
            serde_json::from_str(&serde_json::to_string(digests)?)
        };
        let columns: ColumnDigests = [("a", Digest(1))].into_iter().collect();
        let columns = columns.with_shape(Digest(2));
        assert_eq!(recorded(&columns)?, columns);
        let odd: ColumnDigests = [("a", Digest(1)), (SHAPE, Digest(3))].into_iter().collect();
        assert_eq!((odd.of(&[SHAPE]), odd.shape()), (None, None));
        assert_eq!(recorded(&odd)?, odd);
        Ok(())
    }
}
