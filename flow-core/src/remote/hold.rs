//! [`RemoteHold`]: keeps pushes and garbage collections of a remote apart.

use std::fmt;

/// Keeps a garbage collection away from a push, or pushes away from a garbage collection, until it is dropped.
///
/// [`Remote::hold`](crate::Remote::hold) and [`Remote::exclude_pushes`](crate::Remote::exclude_pushes) return it.
#[must_use = "it ends when it is dropped"]
pub struct RemoteHold(Option<Box<dyn FnOnce() + Send>>);

impl RemoteHold {
    /// Returns a hold that calls `release` when it is dropped.
    ///
    /// `release` cannot report errors. A hold that it fails to release must end by itself, after a time.
    pub fn new(release: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(release)))
    }

    /// Returns a hold of a remote that excludes nothing.
    pub fn none() -> Self {
        Self(None)
    }
}

impl Drop for RemoteHold {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for RemoteHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteHold").field(&self.0.is_some()).finish()
    }
}
