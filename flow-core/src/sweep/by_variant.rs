//! One value for each variant of a sweep.

use std::ops::Index;

use indexmap::IndexMap;

/// One value for each variant of a sweep, by name and in the order of the variants.
///
/// ```
/// # use flow::prelude::*;
/// # #[derive(Task)]
/// # #[task(target = Json<f64>)]
/// # struct Fit { c: f64 }
/// # #[tracked]
/// # impl Run for Fit {
/// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.c * 2.0) }
/// # }
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let flow = Flow::open(folder.path())?.quiet();
/// let sweep = flow.sweep::<Fit>().over(Fit::C, [0.5, 1.0]);
/// sweep.run()?;
/// let fits = sweep.load::<Fit>()?;
/// assert_eq!(*fits["c=0.5"], 1.0);
/// assert_eq!(fits.names().collect::<Vec<_>>(), ["c=0.5", "c=1.0"]);
/// let total: f64 = fits.values().map(|fit| **fit).sum();
/// assert_eq!(total, 3.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ByVariant<V>(IndexMap<String, V>);

impl<V> ByVariant<V> {
    /// Returns the value of a variant; `None` if there is no variant with this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.get(name)
    }

    /// Returns the names and values, in the order of the variants.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the names of the variants, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the values, in the order of the variants.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.0.values()
    }

    /// Returns the values without their names, in the order of the variants.
    pub fn into_values(self) -> impl ExactSizeIterator<Item = V> {
        self.0.into_values()
    }

    /// Returns the number of variants.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no variants.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: PartialEq> PartialEq for ByVariant<V> {
    /// Compares the names, their order, and the values.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<V: Eq> Eq for ByVariant<V> {}

impl<V> Index<&str> for ByVariant<V> {
    type Output = V;

    /// Returns the value of a variant.
    ///
    /// # Panics
    ///
    /// There is no variant with this name.
    fn index(&self, name: &str) -> &V {
        let known = || self.names().collect::<Vec<_>>().join("`, `");
        self.get(name).unwrap_or_else(|| panic!("no variant `{name}`; there are `{}`", known()))
    }
}

impl<V> FromIterator<(String, V)> for ByVariant<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<V> IntoIterator for ByVariant<V> {
    type Item = (String, V);
    type IntoIter = std::vec::IntoIter<(String, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().collect::<Vec<_>>().into_iter()
    }
}

impl<'a, V> IntoIterator for &'a ByVariant<V> {
    type Item = (&'a str, &'a V);
    type IntoIter = std::vec::IntoIter<(&'a str, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().collect::<Vec<_>>().into_iter()
    }
}
