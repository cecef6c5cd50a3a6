//! The options of a report: its largest size.

/// The largest size, unless another one is given, in bytes.
const LIMIT: u64 = 10_000_000;

/// The options of a [`Report`](crate::Report).
///
/// ```
/// let options = flow_page::ReportOptions::new().limit(2_000_000);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReportOptions {
    limit: u64,
}

impl ReportOptions {
    /// Returns the default options.
    pub fn new() -> Self {
        Self { limit: LIMIT }
    }

    /// Sets the largest size of the report in bytes; 10 MB by default.
    ///
    /// What has no place is left out, and the report says what that is. The style sheet and the list of what was left
    /// out are always there. They have less than 128 KiB, so that a smaller limit has no further effect.
    pub fn limit(self, bytes: u64) -> Self {
        Self { limit: bytes }
    }

    /// Returns the largest size in bytes.
    pub(crate) fn most(&self) -> u64 {
        self.limit
    }
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self::new()
    }
}
