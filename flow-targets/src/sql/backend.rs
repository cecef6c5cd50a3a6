//! What a kind of database does: queries, and tables that are outputs.
//!
//! Each table that is an output has a *marker*, a row of the table [`MARKERS`] in the same database: the fingerprint of
//! the output and its receipt. Rows and marker are written in one transaction. Triggers on the table set `changed` in
//! the marker when a row is inserted, updated or deleted by anyone else, and the marker has the text of the table's
//! declaration. So a plan finds out with one small query whether the table is as it was written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::receipt::Receipt;
use super::rows::Out;
use super::value::SqlValue;

/// The table with the markers.
pub(crate) const MARKERS: &str = "typed_flow_tables";

/// The column with the key of the instance, in tables that several instances append to.
pub(crate) const KEY: &str = "flow_key";

/// The number of rows that are read at once.
pub(crate) const CHUNK: usize = 8 * 1024;

/// A database of one kind.
pub(crate) trait Backend: Send + Sync {
    /// Returns the text that names the database in messages. It has no password.
    fn label(&self) -> &str;

    /// Returns the text that identifies the database in records. It has no password.
    fn identity(&self) -> &str;

    /// Returns how many connections were opened so far.
    fn opened(&self) -> u64;

    /// Runs a query that only reads, and sends the schema and the rows.
    fn query(&self, sql: &str, params: &[SqlValue], out: &Out) -> Result<()>;

    /// Writes the rows and the marker of an output in one transaction.
    ///
    /// # Errors
    ///
    /// The database is as it was before.
    fn write(
        &self,
        table: &NewTable<'_>,
        batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
    ) -> Result<Receipt>;

    /// Returns the state of a table: for one instance if it appends by key, and otherwise with an empty `key`.
    fn marked(&self, table: &str, key: &str) -> Result<Marked>;

    /// Reads the rows of an output, and sends the schema and the batches.
    ///
    /// # Errors
    ///
    /// The table is not as the receipt says, which may turn out at the end.
    fn read(&self, read: &TableRead, out: &Out) -> Result<()>;
}

/// An output to be written.
pub(crate) struct NewTable<'a> {
    pub(crate) name: &'a str,
    /// The key of the instance, if its rows are appended to those of other instances; empty if the table is replaced.
    pub(crate) key: &'a str,
    pub(crate) fingerprint: &'a str,
    pub(crate) schema: &'a Schema,
    /// Whether the receipt keeps the lengths of the batches.
    pub(crate) keeps_batches: bool,
    /// Whether the transaction is rolled back at the end.
    pub(crate) is_trial: bool,
}

/// The state of a table.
pub(crate) enum Marked {
    /// It is as an output was written.
    Written { fingerprint: String, receipt: Vec<u8> },
    /// It is not, for this reason.
    Different(String),
}

/// Which rows of an output are read, and how.
#[derive(Clone)]
pub(crate) struct TableRead {
    pub(crate) receipt: Arc<Receipt>,
    /// The bytes of the receipt, which the marker must have.
    pub(crate) bytes: Arc<Vec<u8>>,
    /// The columns that are read. If they are not all, the digest of the rows is not compared.
    pub(crate) schema: SchemaRef,
    /// The lengths of the batches; those after the last one have [`CHUNK`] rows.
    pub(crate) lengths: Vec<usize>,
    pub(crate) is_whole: bool,
}

impl NewTable<'_> {
    /// Returns whether the table is replaced.
    pub(crate) fn replaces(&self) -> bool {
        self.key.is_empty()
    }
}

/// The reasons that tables differ, in the words of messages.
pub(crate) mod words {
    /// There is no such table, or no rows of the instance.
    pub(crate) fn missing(table: &str, key: &str, label: &str) -> String {
        match key {
            "" => format!("{label} has no table `{table}` of this output"),
            _ => format!("table `{table}` of {label} has no rows of this instance"),
        }
    }

    /// The rows or the columns were changed by another program.
    pub(crate) fn changed(table: &str, label: &str) -> String {
        format!("table `{table}` of {label} was changed by hand")
    }
}

/// Returns a name as an identifier of SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns a text as a literal of SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns the lock that the writers of this process to one place hold while they write.
///
/// A database lets a writer wait for some seconds only, which a large table of the same run may exceed.
pub(crate) fn turn(place: &str) -> Arc<Mutex<()>> {
    static TURNS: Mutex<Option<HashMap<String, Arc<Mutex<()>>>>> = Mutex::new(None);

    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(turns.get_or_insert_default().entry(place.to_owned()).or_default())
}
