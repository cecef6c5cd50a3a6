//! Trust: how much of what is recorded is believed without looking.

/// How much of what is recorded is believed without looking: [`Flow::trust`](crate::Flow::trust).
///
/// What was recorded is compared with what is there in any case; this says how far that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// A file whose size and time are as they were holds what it held. This is what a flow does if
    /// nothing is said.
    ///
    /// An output is taken for whole if its size and time are as recorded; if only the time is
    /// another, it is hashed. A file that a task reads is hashed if anything is another that is
    /// known of it without opening it: size, time, the time of its last change, inode. What this
    /// gives up: an output that was replaced by one of the same size and was given the same time,
    /// or whose disk has lost a bit, is not noticed.
    #[default]
    Stamps,
    /// A root is complete if its own record says so: nothing upstream of it is looked at.
    ///
    /// The record of each root must be that of today's code, parameters, target and version, its
    /// own files and variables must be as they were, and its output must be there, all by their
    /// stamps. What it required, while it ran too, is believed to be what it was: neither records
    /// nor files upstream are read, so that the cost is that of the roots alone. What this gives up: a change of the
    /// code, a file or a parameter that is set inside, anywhere upstream, is not noticed. A root
    /// that does not pass is judged with all that is upstream of it, as by [`Stamps`](Self::Stamps).
    /// In a preview, what was not looked at is `UNCHECKED`.
    Records,
    /// Nothing but content is believed: every output that is looked at, and every file that a task
    /// reads, is hashed once for each plan, whatever its size and time.
    ///
    /// This finds what the others overlook, and costs reading all of it.
    Content,
}

impl Trust {
    /// How far what is required while tasks run is believed: it has no roots of its own.
    pub(crate) fn in_run(self) -> Self {
        match self {
            Self::Records => Self::Stamps,
            trust => trust,
        }
    }
}
