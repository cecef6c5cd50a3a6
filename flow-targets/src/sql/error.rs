//! Errors of databases, by cause.

use std::fmt;
use std::time::Duration;

/// Why a database could not be read or written.
///
/// Each message names the database, without any password.
#[derive(Debug)]
#[non_exhaustive]
pub enum SqlError {
    /// The database cannot be opened or reached.
    Open {
        /// The database.
        database: String,
        /// Why not.
        reason: String,
    },
    /// Another program holds a lock.
    Locked {
        /// The database.
        database: String,
        /// How long the lock was waited for, if that is known.
        waited: Option<Duration>,
    },
    /// The user may not do this.
    Denied {
        /// The database.
        database: String,
        /// What the database reports.
        reason: String,
    },
    /// A table of this name exists that typed-flow has not written.
    NotOurs {
        /// The database.
        database: String,
        /// The table.
        table: String,
    },
    /// A table was written in another way, or has other columns than the output.
    OtherTable {
        /// The database.
        database: String,
        /// The table.
        table: String,
        /// The difference.
        what: String,
    },
    /// A table is not as its output was written.
    Changed {
        /// The database.
        database: String,
        /// What changed.
        what: String,
    },
    /// A statement failed.
    Failed {
        /// The database.
        database: String,
        /// What was done.
        action: String,
        /// What the database reports.
        reason: String,
    },
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { database, reason } => write!(f, "cannot open {database}: {reason}"),
            Self::Locked { database, waited: Some(waited) } => write!(
                f,
                "{database} is locked by another program, and was waited for {} s: end the other transaction, or wait \
                 longer with `busy_timeout`",
                waited.as_secs_f64(),
            ),
            Self::Locked { database, waited: None } => {
                write!(f, "{database} is locked by another program: end the other transaction")
            }
            Self::Denied { database, reason } => {
                write!(
                    f,
                    "{database} refuses this: {reason}; grant the permission, or use another user"
                )
            }
            Self::NotOurs { database, table } => write!(
                f,
                "{database} has a table `{table}` that typed-flow has not written, and that is not replaced: drop it, or \
                 give the target another `name`",
            ),
            Self::OtherTable { database, table, what } => {
                write!(
                    f,
                    "table `{table}` of {database} {what}: drop it, so that it is written anew"
                )
            }
            Self::Changed { database, what } => {
                write!(f, "{what} (in {database}): run the task again")
            }
            Self::Failed { database, action, reason } => {
                write!(f, "cannot {action} in {database}: {reason}")
            }
        }
    }
}

impl std::error::Error for SqlError {}
