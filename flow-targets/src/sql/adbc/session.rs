//! One connection, and what is done with it.

use std::sync::Arc;

use adbc_core::options::{IngestMode, OptionConnection, OptionStatement, OptionValue};
use adbc_core::{Connection as _, Database as _, Optionable as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase};
use anyhow::{Context, Result};
use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::record_batch::RecordBatchReader;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{Adbc, Dialect};
use crate::sql::error::SqlError;
use crate::sql::rows::Out;
use crate::sql::value::SqlValue;

/// A connection. The server rolls back what was not committed when it is dropped.
pub(super) struct Session<'a> {
    pub(super) adbc: &'a Adbc,
    connection: ManagedConnection,
    /// Whether a transaction was begun and has not ended.
    is_in_transaction: bool,
}

impl<'a> Session<'a> {
    pub(super) fn connect(adbc: &'a Adbc, database: &ManagedDatabase) -> Result<Self, SqlError> {
        let connection = database.new_connection().map_err(|error| adbc.unreachable(&error))?;
        Ok(Self { adbc, connection, is_in_transaction: false })
    }

    /// Returns a session on a connection that was used before; `None` if it is broken.
    pub(super) fn again(adbc: &'a Adbc, connection: ManagedConnection) -> Option<Self> {
        let mut session = Self { adbc, connection, is_in_transaction: false };
        session.cell("look at the connection", "SELECT 1").ok()?;
        Some(session)
    }

    /// Ends the transaction, and returns the connection as if it had just been opened; `None` if that fails.
    pub(super) fn reset(mut self) -> Option<ManagedConnection> {
        if self.is_in_transaction {
            self.end(false).ok()?;
            let on = OptionValue::from(true);
            self.connection.set_option(OptionConnection::AutoCommit, on).ok()?;
        }
        self.execute("reset the connection", "DISCARD ALL").ok()?;
        Some(self.connection)
    }

    /// Runs a query, and sends the schema and the rows.
    pub(super) fn query(&mut self, sql: &str, params: &[SqlValue], out: &Out) -> Result<()> {
        if self.adbc.dialect == Dialect::PostgreSql {
            // The server refuses a query that writes. The transaction ends when the connection is reset.
            self.begin()?;
            self.execute("run the query", "SET TRANSACTION READ ONLY")?;
        }
        let failed = |error| self.adbc.error("run the query", &error);
        let mut statement = self.connection.new_statement().map_err(failed)?;
        statement.set_sql_query(sql).map_err(failed)?;
        if !params.is_empty() {
            statement.prepare().map_err(failed)?;
            statement.bind(bound(params)?).map_err(failed)?;
        }
        let reader = statement.execute().map_err(failed)?;
        out.schema(reader.schema())?;
        for batch in reader {
            out.batch(batch.map_err(|error| self.broken(&error))?)?;
        }
        Ok(())
    }

    /// Returns the rows of a query of this library as batches.
    pub(super) fn batches(
        &mut self,
        action: &str,
        sql: &str,
        mut each: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let failed = |error| self.adbc.error(action, &error);
        let mut statement = self.connection.new_statement().map_err(failed)?;
        statement.set_sql_query(sql).map_err(failed)?;
        let reader = statement.execute().map_err(failed)?;
        for batch in reader {
            each(batch.map_err(|error| self.broken(&error))?)?;
        }
        Ok(())
    }

    /// Returns the first row of a query of this library as texts; `None` if there is no row.
    pub(super) fn row(&mut self, action: &str, sql: &str) -> Result<Option<Vec<Option<String>>>> {
        let mut first = None;
        let options = FormatOptions::default();
        self.batches(action, sql, |batch| {
            if first.is_none() && batch.num_rows() > 0 {
                let cells = batch.columns().iter().map(|column| {
                    let cell = ArrayFormatter::try_new(column, &options)?;
                    Ok(column.is_valid(0).then(|| cell.value(0).to_string()))
                });
                first = Some(cells.collect::<Result<Vec<_>>>()?);
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// Returns the only cell of a query of this library.
    pub(super) fn cell(&mut self, action: &str, sql: &str) -> Result<Option<String>> {
        let row = self.row(action, sql)?.unwrap_or_default();
        Ok(row.into_iter().next().flatten())
    }

    /// Executes a statement without a result.
    pub(super) fn execute(&mut self, action: &str, sql: &str) -> Result<(), SqlError> {
        let failed = |error| self.adbc.error(action, &error);
        let mut statement = self.connection.new_statement().map_err(failed)?;
        statement.set_sql_query(sql).map_err(failed)?;
        statement.execute_update().map_err(failed)?;
        Ok(())
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<(), SqlError> {
        let off =
            self.connection.set_option(OptionConnection::AutoCommit, OptionValue::from(false));
        off.map_err(|error| self.adbc.error("begin a transaction", &error))?;
        self.is_in_transaction = true;
        Ok(())
    }

    /// Ends the transaction: commits it, or rolls it back.
    pub(super) fn end(&mut self, commits: bool) -> Result<(), SqlError> {
        let ended = match commits {
            true => self.connection.commit(),
            false => self.connection.rollback(),
        };
        ended.map_err(|error| self.adbc.error("commit", &error))
    }

    /// Adds the rows of a batch to a table.
    pub(super) fn ingest(
        &mut self,
        (schema, table): (&str, &str),
        batch: RecordBatch,
    ) -> Result<(), SqlError> {
        let failed = |error| self.adbc.error(&format!("write table `{table}`"), &error);
        let mut statement = self.connection.new_statement().map_err(failed)?;
        let options = [
            (OptionStatement::TargetTable, OptionValue::from(table)),
            (OptionStatement::TargetDbSchema, OptionValue::from(schema)),
            (OptionStatement::IngestMode, IngestMode::Append.into()),
        ];
        for (option, value) in options {
            statement.set_option(option, value).map_err(failed)?;
        }
        statement.bind(batch).map_err(failed)?;
        statement.execute_update().map_err(failed)?;
        Ok(())
    }

    /// Returns the error of a connection that fails while rows are read.
    fn broken(&self, error: &arrow::error::ArrowError) -> SqlError {
        SqlError::Failed {
            database: self.adbc.label.clone(),
            action: "read the rows".to_owned(),
            reason: self.adbc.without_secrets(&error.to_string()),
        }
    }
}

/// Returns the parameters as the row that a statement is bound to.
fn bound(params: &[SqlValue]) -> Result<RecordBatch> {
    let columns = params.iter().enumerate().map(|(place, param)| {
        let column: ArrayRef = match param {
            SqlValue::Null => Arc::new(StringArray::from(vec![None::<&str>])),
            SqlValue::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
            SqlValue::Int(value) => Arc::new(Int64Array::from(vec![*value])),
            SqlValue::Real(value) => Arc::new(Float64Array::from(vec![*value])),
            SqlValue::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
            SqlValue::Bytes(value) => Arc::new(BinaryArray::from(vec![value.as_slice()])),
        };
        (place.to_string(), column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).context("the parameters of the query")
}
