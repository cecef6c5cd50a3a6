//! The `refresh` attribute: when a task runs again although nothing has changed.
//!
//! The value of a `refresh` expression is part of the fingerprint. `always` and an age are not: they are reasons to
//! run, and then no existing output is reused. The age is that of the run that produced the output, even
//! if it was reused since.

/// When a task runs again although nothing has changed.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Never.
    Never,
    /// In each run.
    Always,
    /// When the output is older than this.
    After {
        /// The age as the user wrote it.
        text: &'static str,
        /// The age in seconds.
        seconds: u64,
    },
    /// When the value of the user's expression has changed.
    Asked,
}
