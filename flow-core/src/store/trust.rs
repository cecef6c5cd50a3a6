//! Trust: how thoroughly records are compared with the present files.

/// How thoroughly a flow compares records with the present files: [`Flow::trust`](crate::Flow::trust).
///
/// The levels differ in cost, and in the changes that they detect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// A file with the recorded size and times has the recorded content. This is the default.
    ///
    /// An output is whole if its size and modification time are as recorded. If only the time
    /// differs, it is hashed. A file that a task reads is hashed if its size, its modification
    /// time, the time of its last change or its inode differs. This does not detect an output that
    /// was replaced by one of the same size and time, or that has a damaged bit on the disk.
    #[default]
    Stamps,
    /// A root is complete if its own record says so. Nothing upstream of it is checked.
    ///
    /// The record of each root must match today's code, parameters, target and version. Its own
    /// files and variables must be unchanged and its output must exist, according to their sizes
    /// and times. Neither records nor files upstream are read, including those of instances that it
    /// required while it ran. So the cost depends on the roots alone. This does not detect a change
    /// anywhere upstream: of code, of a file, or of a parameter that a task sets for its
    /// requirements. A root that does not pass is checked with everything upstream of it, as by
    /// [`Stamps`](Self::Stamps). A preview shows instances that were not checked as `UNCHECKED`.
    ///
    /// Only the records of roots are trusted in this way. If all were, a task could run on inputs that
    /// were not checked.
    Records,
    /// Only content counts. Every output and every file that a task reads is hashed once for each
    /// plan.
    ///
    /// This detects every change, and costs reading all of the files.
    Content,
}

impl Trust {
    /// Returns the trust for what tasks require while they run, which has no roots of its own.
    pub(crate) fn in_run(self) -> Self {
        match self {
            Self::Records => Self::Stamps,
            trust => trust,
        }
    }
}
