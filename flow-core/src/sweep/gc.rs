//! Garbage collection that keeps the variants of a sweep.

use crate::flow::Gc;
use crate::flow::error::Error;
use crate::sweep::Sweep;

impl Gc {
    /// Keeps all variants of a sweep, as [`keep`](Self::keep) keeps the instances of one flow.
    ///
    /// # Errors
    ///
    /// The declaration of the sweep is invalid.
    pub fn keep_sweep<R>(self, sweep: &Sweep<R>) -> Result<Self, Error> {
        self.keep_roots(&sweep.roots()?, sweep.base())
    }
}
