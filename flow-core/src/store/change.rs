//! Changes of code, as reported in reasons.

use std::fmt;

/// A difference between the recorded code of a task and its present code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeChange {
    /// The tokens of an item changed.
    Changed {
        /// The name of the item, such as `standardise` or `impl Run for Train`.
        item: String,
        /// The path of its file, relative to the folder of its package. Empty if unknown.
        file: String,
    },
    /// The code reaches an item that it did not reach before.
    New {
        /// The name of the item.
        item: String,
        /// The path of its file.
        file: String,
    },
    /// The code no longer reaches an item.
    Gone {
        /// The name of the item.
        item: String,
        /// The path of the file that contained it.
        file: String,
    },
    /// A name in an item refers to another item, for example because an import changed.
    Means {
        /// The item that contains the name.
        item: String,
        /// The path of its file.
        file: String,
    },
    /// The version that stands for the code changed, was added or was removed. `None` means that
    /// the code is tracked.
    Version {
        /// Whether it is the version of a target.
        of_target: bool,
        /// The recorded version.
        was: Option<u32>,
        /// The present version.
        now: Option<u32>,
    },
    /// A crate that counts by `#[tracked(lock)]` has another version, is new, or is gone.
    Crate {
        /// The change as text, such as `linfa 0.7.0 is 0.8.1 now`.
        what: String,
    },
    /// An earlier release recorded the output, with digests of code computed in another way.
    ///
    /// So it is not known whether the code changed. [`FlowStore::bless`](crate::FlowStore::bless)
    /// keeps the output.
    EarlierRelease,
    /// More items changed than are listed.
    Others {
        /// The number of further items.
        count: usize,
    },
    /// The recorded code is no longer known.
    Unknown,
}

impl fmt::Display for CodeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |version: &Option<u32>| match version {
            Some(version) => format!("version {version}"),
            None => "tracked".to_owned(),
        };
        match self {
            Self::Changed { item, file } => write!(f, "{} changed", Place(item, file)),
            Self::New { item, file } => write!(f, "{} is new", Place(item, file)),
            Self::Gone { item, file } => write!(f, "{} is gone", Place(item, file)),
            Self::Means { item, file } => {
                write!(f, "a name in {} means another item now", Place(item, file))
            }
            Self::Version { of_target, was, now } => {
                let of = if *of_target { "the target's " } else { "" };
                write!(f, "{of}{} is {} now", word(was), word(now))
            }
            Self::Crate { what } => f.write_str(what),
            Self::EarlierRelease => f.write_str(
                "an earlier release recorded this output and computed digests of code in another way, so \
                 that they cannot be compared; if the code is the same, `flow.store().bless` (`bless` on the command line) keeps the output",
            ),
            Self::Others { count } => write!(f, "and {count} more items"),
            Self::Unknown => f.write_str("it changed"),
        }
    }
}

/// Displays an item with its file.
struct Place<'a>(&'a str, &'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(item, file) = self;
        if file.is_empty() { f.write_str(item) } else { write!(f, "{item} ({file})") }
    }
}
