//! Changes of code, as a reason tells them.

use std::fmt;

/// How code is different from what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeChange {
    /// An item is written otherwise.
    Changed {
        /// Such as `standardise`, or `impl Run for Train`.
        item: String,
        /// The file it stands in, from the folder of its package on; empty if that is not known.
        file: String,
    },
    /// An item is reached that was not.
    New {
        /// Its name.
        item: String,
        /// Its file.
        file: String,
    },
    /// An item is not reached any more.
    Gone {
        /// Its name.
        item: String,
        /// The file it stood in.
        file: String,
    },
    /// A name in an item means another item: an import is another, say.
    Means {
        /// The item that the name stands in.
        item: String,
        /// Its file.
        file: String,
    },
    /// The version that stands for the code is another, or has come or gone: `None` is code that is
    /// tracked.
    Version {
        /// Whether it is that of a target.
        of_target: bool,
        /// What it was.
        was: Option<u32>,
        /// What it is.
        now: Option<u32>,
    },
    /// A crate that counts by `#[tracked(lock)]` is there in another version, new, or gone.
    Crate {
        /// What is different, such as `linfa 0.7.0 is 0.8.1 now`.
        what: String,
    },
    /// The output was recorded by a release that computed digests of code in another way, so that it is
    /// not known whether the code changed. [`FlowStore::bless`](crate::FlowStore::bless) keeps the output.
    EarlierRelease,
    /// More is different than is listed.
    Others {
        /// How many items.
        count: usize,
    },
    /// It is not known any more what it was.
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
                 that they cannot be compared; if the code is the same, `flow.store().bless` keeps the output",
            ),
            Self::Others { count } => write!(f, "and {count} more items"),
            Self::Unknown => f.write_str("it changed"),
        }
    }
}

/// An item and its file.
struct Place<'a>(&'a str, &'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(item, file) = self;
        if file.is_empty() { f.write_str(item) } else { write!(f, "{item} ({file})") }
    }
}
