//! SQLite: a database in a file, without a server.
//!
//! A connection is opened for each operation, which takes a fraction of a millisecond, and closed afterwards. A write is
//! one transaction: it waits for other writers, a reader sees the table before or after it, and SQLite rolls it back if
//! the process dies. Tables are `STRICT`, so that no program stores a text in a column of numbers.

mod collected;
mod query;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use arrow::array::RecordBatch;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Database;
use super::backend::{Backend, Marked, NewTable, TableRead};
use super::error::SqlError;
use super::receipt::Receipt;
use super::rows::Out;
use super::value::SqlValue;

/// A database of SQLite: the file, and how long to wait for its locks.
///
/// ```
/// use std::time::Duration;
///
/// use flow_targets::sql::{Database, Sqlite};
///
/// let prices: Database = Sqlite::new("prices.db").busy_timeout(Duration::from_secs(60)).into();
/// assert_eq!(prices.to_string().rsplit('/').next(), Some("prices.db"));
/// ```
#[derive(Clone, Debug)]
pub struct Sqlite {
    path: PathBuf,
    label: String,
    identity: String,
    timeout: Duration,
}

impl Sqlite {
    /// Names the file of a database. It is created by the first write, if it does not exist.
    ///
    /// A relative path is resolved against the current folder. The path as it is given here identifies the database in
    /// records, so that a relative one stays the same in each checkout of a project.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let given = path.as_ref();
        let path = std::path::absolute(given).unwrap_or_else(|_| given.to_owned());
        let label = format!("sqlite:{}", path.display());
        let identity = format!("sqlite:{}", given.display());
        Self { path, label, identity, timeout: Duration::from_secs(5) }
    }

    /// Sets how long an operation waits for the locks of other programs; the default is 5 seconds.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Opens the database to read it.
    ///
    /// The file is opened for writing if that is permitted, because SQLite may have to roll back what a killed process has
    /// left; the connection refuses statements that write.
    fn open_to_read(&self) -> Result<Connection, SqlError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.open(flags)?;
        self.set(&connection, "PRAGMA query_only = ON")?;
        Ok(connection)
    }

    /// Opens the database to write it, and creates the file if there is none.
    fn open_to_write(&self) -> Result<Connection, SqlError> {
        self.open(
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, SqlError> {
        let connection = Connection::open_with_flags(&self.path, flags);
        let connection = connection.map_err(|error| self.error("open the file", &error))?;
        let timed = connection.busy_timeout(self.timeout);
        timed.map_err(|error| self.error("set the time to wait for locks", &error))?;
        Ok(connection)
    }

    fn set(&self, connection: &Connection, pragma: &str) -> Result<(), SqlError> {
        connection.execute_batch(pragma).map_err(|error| self.error("open the file", &error))
    }

    /// Returns the error of an action, by its cause.
    fn error(&self, action: &str, error: &rusqlite::Error) -> SqlError {
        let (database, reason) = (self.label.clone(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                SqlError::Locked { database, waited: Some(self.timeout) }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                SqlError::Denied { database, reason }
            }
            Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase) => {
                SqlError::Open { database, reason }
            }
            _ => SqlError::Failed { database, action: action.to_owned(), reason },
        }
    }
}

impl From<Sqlite> for Database {
    fn from(sqlite: Sqlite) -> Self {
        Self::of(sqlite)
    }
}

impl Backend for Sqlite {
    fn label(&self) -> &str {
        &self.label
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn query(&self, sql: &str, params: &[SqlValue], out: &Out) -> Result<()> {
        query::query(self, sql, params, out)
    }

    fn write(
        &self,
        table: &NewTable<'_>,
        batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
    ) -> Result<Receipt> {
        write::write(self, table, batches)
    }

    fn marked(&self, table: &str, key: &str) -> Result<Marked> {
        read::marked(self, table, key)
    }

    fn read(&self, read: &TableRead, out: &Out) -> Result<()> {
        read::read(self, read, out)
    }
}
