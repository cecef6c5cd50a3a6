//! Digests of single columns, by which a task that reads some columns of an input depends on these alone.
//!
//! The core knows no columns. A target that has them hashes each while it writes a file, and gives the digests to the
//! [`Sink`](super::Sink); they become part of the record of the output. A task that reads some columns is recorded with
//! their digests, and later plans compare these instead of the digest of the whole output.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::base::key::{Digest, digest_of};

/// The digests of the columns of a table, by name.
///
/// The digest of a column covers everything that a reader of the column sees: its type, whether it may be null, its
/// metadata and that of the table, the number of rows, and the values in their order. A name that several columns have is
/// left out. A column without a digest is never assumed to be unchanged.
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
#[serde(transparent)]
pub struct ColumnDigests(BTreeMap<String, Digest>);

impl ColumnDigests {
    /// Returns the digest of a column, if it is known.
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.0.get(name).copied()
    }

    /// Returns whether no column has a digest.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of columns that have a digest.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the names and digests, in alphabetical order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.0.iter().map(|(name, digest)| (name.as_str(), *digest))
    }

    /// Returns the digests of these columns. `None` if one of them has none, or if there are no names.
    pub(crate) fn of(&self, names: &[&str]) -> Option<Self> {
        let digest = |name: &&str| Some(((*name).to_owned(), self.get(name)?));
        let digests = names.iter().map(digest).collect::<Option<BTreeMap<_, _>>>()?;
        (!digests.is_empty()).then_some(Self(digests))
    }

    /// Adds the digests of more columns, in place of those with the same names.
    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

impl<N: Into<String>> FromIterator<(N, Digest)> for ColumnDigests {
    /// Collects digests. A name that occurs several times is left out.
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
        Self(all.into_iter().filter_map(|(name, digest)| Some((name, digest?))).collect())
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
    }
}
