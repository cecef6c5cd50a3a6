//! [`RemoteEntry`]: a name in a remote with its size and age.

use std::time::{Duration, SystemTime};

/// A name in a [remote](crate::Remote), with the size and the age of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteEntry {
    /// The name, with `/` between its parts.
    pub name: String,
    /// The size of the content in bytes.
    pub bytes: u64,
    /// When the content was stored, by the clock of the remote; `None` if the remote does not know.
    pub modified: Option<SystemTime>,
}

impl RemoteEntry {
    /// Returns an entry.
    pub fn new(name: String, bytes: u64, modified: Option<SystemTime>) -> Self {
        Self { name, bytes, modified }
    }

    /// Returns whether the content was stored at least this long before `now`.
    ///
    /// Content of an unknown time counts as new, unless the age is zero.
    pub(crate) fn is_older(&self, age: Duration, now: SystemTime) -> bool {
        let of = |modified: SystemTime| now.duration_since(modified).unwrap_or_default() >= age;
        self.modified.map_or(age.is_zero(), of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_an_unknown_time_is_new() {
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        let entry = |modified| RemoteEntry::new("objects/a".to_owned(), 1, modified);
        assert!(!entry(None).is_older(hour, now));
        assert!(entry(None).is_older(Duration::ZERO, now));
        assert!(entry(Some(now - 2 * hour)).is_older(hour, now));
        assert!(!entry(Some(now - hour / 2)).is_older(hour, now));
        // The clock of the remote may be ahead.
        assert!(!entry(Some(now + hour)).is_older(hour, now));
    }
}
