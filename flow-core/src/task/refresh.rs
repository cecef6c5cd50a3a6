//! When a task runs again although nothing changed.

/// When a task runs again although nothing changed.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Never.
    Never,
    /// In each execution.
    Always,
    /// When the output is older than this.
    After {
        /// As the user wrote it.
        text: &'static str,
        /// In seconds.
        seconds: u64,
    },
    /// When the value of the user's expression is another.
    Asked,
}
