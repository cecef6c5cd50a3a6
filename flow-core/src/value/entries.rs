//! The entries of maps and structs, sorted by key.

use std::fmt;
use std::ops::Deref;

use super::{Value, ValueError};

/// The entries of a map (`K` is a [`Value`]) or the fields of a struct (`K` is the field's name).
///
/// They are sorted by key and no two keys are equal. So two maps are equal if their entries are,
/// whatever the order of insertion. Dereferences to a slice of pairs.
///
/// ```
/// use flow_core::value::{Entries, Value};
///
/// let fields = Entries::new(vec![("b", Value::None), ("a", Value::Unit)])?;
/// assert_eq!(fields[0], ("a", Value::Unit));
/// assert_eq!(fields.get(&"b"), Some(&Value::None));
/// # Ok::<(), flow_core::value::ValueError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entries<K>(Box<[(K, Value)]>);

impl<K: Ord + fmt::Display> Entries<K> {
    /// Sorts `entries` by key.
    ///
    /// # Errors
    ///
    /// [`ValueError::DuplicateKey`] if two keys are equal.
    pub fn new(mut entries: Vec<(K, Value)>) -> Result<Self, ValueError> {
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(ValueError::DuplicateKey { key: pair[0].0.to_string() }),
            None => Ok(Self(entries.into())),
        }
    }

    /// Returns the value of `key`.
    pub fn get(&self, key: &K) -> Option<&Value> {
        let at = self.0.binary_search_by(|(k, _)| k.cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    pub(super) fn map_values(self, f: impl Fn(Value) -> Value) -> Self {
        Self(self.0.into_iter().map(|(key, value)| (key, f(value))).collect())
    }
}

impl<K> Deref for Entries<K> {
    type Target = [(K, Value)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K: fmt::Debug> fmt::Debug for Entries<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, value)| (key, value))).finish()
    }
}
