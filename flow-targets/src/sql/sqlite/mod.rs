//! SQLite: a database in a file, without a server.
//!
//! A connection is opened for each write and each load, which takes a fraction of a millisecond, and closed afterwards. Queries
//! and looks at markers, of which a plan has many, share one that stays open for a moment ([`Idle`]). A write is one
//! transaction: it waits for other writers, a reader sees the table before or after it, and SQLite rolls it back if
//! the process dies. Tables are `STRICT`, so that no program stores a text in a column of numbers.

mod collected;
mod query;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use arrow::array::RecordBatch;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Database;
use super::backend::{Backend, Marked, NewTable, TableRead};
use super::error::SqlError;
use super::idle::Idle;
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
    /// A connection that reads, with the file that it has opened.
    idle: Idle<(Connection, FileId)>,
    /// The number of connections that were opened.
    opened: Arc<AtomicU64>,
}

/// What tells a file from one that replaces it: the device, the inode, the size, and the times of the last changes of its
/// content and its metadata.
///
/// A program that copies another database over the file keeps the inode. SQLite would not notice that if both databases were
/// written in the same way, because it compares their counters of changes, and would return pages of the former one.
type FileId = (u64, u64, u64, [(i64, i64); 2]);

/// Returns the identity of a file; `None` if it is not known.
#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;

    let found = std::fs::metadata(path).ok()?;
    let times = [(found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec())];
    Some((found.dev(), found.ino(), found.size(), times))
}

#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

/// Returns whether the database is in the mode WAL, or its mode is not known.
fn has_log(connection: &Connection) -> bool {
    let mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
    match mode {
        Ok(mode) => mode.eq_ignore_ascii_case("wal"),
        Err(_) => true,
    }
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
        let (idle, opened) = (Idle::default(), Arc::default());
        Self { path, label, identity, timeout: Duration::from_secs(5), idle, opened }
    }

    /// Sets how long an operation waits for the locks of other programs; the default is 5 seconds.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        // A connection of a clone waits for another time.
        self.idle = Idle::default();
        self
    }

    /// Calls `work` with a connection that reads, which may have been used before.
    ///
    /// If `work` fails, or `keeps` is false because it may change the state of the connection, that is closed. It is not used
    /// for a file that has changed since.
    ///
    /// In the mode [WAL](https://www.sqlite.org/wal.html) it is closed, too: the last connection that is closed moves
    /// what was written from the log into the file. If the process ended before, the file alone would be an old state.
    fn with_reader<T>(
        &self,
        keeps: bool,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let file = file_id(&self.path);
        let kept = self.idle.take().filter(|(_, of)| file == Some(*of));
        let (connection, of) = match kept {
            Some((connection, of)) => (connection, Some(of)),
            None => {
                let connection = self.open_to_read()?;
                // If the file was replaced meanwhile, it is not known which one was opened.
                (connection, file.filter(|file| file_id(&self.path) == Some(*file)))
            }
        };
        let result = work(&connection)?;
        if let Some(of) = of.filter(|_| keeps && !has_log(&connection)) {
            self.idle.put((connection, of));
        }
        Ok(result)
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
        self.opened.fetch_add(1, Ordering::Relaxed);
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

    fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
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
