//! A loaded output.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A loaded output, which derefs to the value and is cheap to clone.
///
/// Tasks that run at the same time and load the same output share one value, so it cannot be
/// changed in place; [`into_owned`](Self::into_owned) returns a value that can.
pub struct Loaded<V>(pub(crate) Arc<V>);

impl<V: Clone> Loaded<V> {
    /// Returns the owned value, which is cloned only if it is shared.
    pub fn into_owned(self) -> V {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| V::clone(&shared))
    }
}

impl<V> Loaded<V> {
    /// Returns the shared value.
    pub fn into_shared(self) -> Arc<V> {
        self.0
    }
}

impl<V> Clone for Loaded<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> Deref for Loaded<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0
    }
}

impl<V> AsRef<V> for Loaded<V> {
    fn as_ref(&self) -> &V {
        &self.0
    }
}

impl<V: fmt::Debug> fmt::Debug for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<V: fmt::Display> fmt::Display for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<V: PartialEq> PartialEq for Loaded<V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<V: PartialEq> PartialEq<V> for Loaded<V> {
    fn eq(&self, other: &V) -> bool {
        *self.0 == *other
    }
}
