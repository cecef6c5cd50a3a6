//! Queries of tasks: the rows, and how a task depends on the database.

use std::any::type_name;
use std::fmt;

use anyhow::{Result, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flow_core::{Cx, Pieces, Task};
use serde::de::DeserializeOwned;

use super::database::AsDatabase;
use super::value::SqlParams;
use crate::stream::BatchStream;
use crate::table::{joined, rows_of};

/// The rows that a query returns, which are read while they are consumed.
///
/// | method | gives |
/// | --- | --- |
/// | [`rows`](Self::rows) | all rows, as structs that derive serde's `Deserialize` |
/// | [`each_row`](Self::each_row) | the rows one by one |
/// | [`batch`](Self::batch), [`batches`](Self::batches) | one record batch with all rows; an iterator of batches |
/// | [`stream`](Self::stream) | a [`BatchStream`], which a task may return |
///
/// Dropping it ends the query.
pub struct Query {
    schema: SchemaRef,
    batches: Pieces<RecordBatch>,
}

impl Query {
    pub(crate) fn new(schema: SchemaRef, batches: Pieces<RecordBatch>) -> Self {
        Self { schema, batches }
    }

    /// Returns the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the rows in batches of some thousands.
    pub fn batches(self) -> Pieces<RecordBatch> {
        self.batches
    }

    /// Returns the rows as a stream that is read once, for a task that returns it or passes it on.
    pub fn stream(self) -> BatchStream {
        BatchStream::new(self.schema, self.batches)
    }

    /// Returns all rows as one batch.
    ///
    /// # Errors
    ///
    /// The database fails while the rows are read.
    pub fn batch(self) -> Result<RecordBatch> {
        joined(&self.schema, self.batches)
    }

    /// Returns all rows as structs. The columns are matched with the fields by name.
    ///
    /// # Errors
    ///
    /// A column has another type than the field, a field has no column, or the database fails while the rows are read.
    pub fn rows<R: DeserializeOwned + 'static>(self) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        for batch in self.batches {
            rows.extend(rows_of::<R>(&batch?)?);
        }
        Ok(rows)
    }

    /// Returns the rows one by one as structs. Only some thousands are in memory.
    ///
    /// # Errors
    ///
    /// An error is an item of the iterator, as of [`rows`](Self::rows).
    pub fn each_row<R: DeserializeOwned + 'static>(self) -> impl Iterator<Item = Result<R>> {
        self.batches.flat_map(|batch| match batch.and_then(|batch| rows_of::<R>(&batch)) {
            Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Queries in a task: methods of [`Cx`].
pub trait QueryCx {
    /// Runs a query, and records that the task reads from this database.
    ///
    /// The text of the query and its parameters follow from what counts already: the code and the parameters of the task,
    /// and its inputs. If the flow provides the database, it counts too: the task runs again with another one. What is in
    /// the database does *not* count by itself, because a plan cannot know it without running the query. Say when the task
    /// has to run again: with a `refresh` expression, with [`track_query`](Self::track_query) or, for the file of a
    /// database that is not written any more, with `cx.file(path)`.
    ///
    /// ```standalone_crate
    /// use flow::prelude::*;
    /// use flow_targets::sql::{Database, QueryCx};
    ///
    /// #[derive(Deserialize)]
    /// struct Price {
    ///     price: f64,
    /// }
    ///
    /// /// The sum of the prices of one day.
    /// #[derive(Task)]
    /// #[task(target = Json<f64>, uses(Database))]
    /// struct Total {
    ///     day: String,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Total {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    ///         let database = cx.provided::<Database>();
    ///         cx.track_query(database, "select max(updated_at) from prices")?;
    ///         let query = cx.query(database, "select price from prices where day = ?", [&self.day])?;
    ///         Ok(query.rows::<Price>()?.iter().map(|row| row.price).sum())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path().join("data"))?.quiet();
    /// let flow = flow.provide(Database::sqlite(folder.path().join("none.db"))).with(Total::DAY, "mon");
    /// assert!(flow.run::<Total>().is_err()); // there is no such database
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The database cannot be reached, refuses the query, or the query writes.
    fn query<D: AsDatabase>(
        &self,
        database: &D,
        sql: &str,
        params: impl SqlParams,
    ) -> Result<Query>;

    /// Records the answer to a query, such as `select max(updated_at) from prices`: the task runs again when the answer
    /// is another one.
    ///
    /// Each `preview` and each run asks again, as long as the flow provides the database; a load does not. So the query
    /// should be cheap. Call it before the rows are read: then rows that are written in between make the task run again.
    /// An answer that cannot be had makes the task run, which then reports why.
    ///
    /// # Errors
    ///
    /// The same as [`query`](Self::query), or the flow does not provide the database as a value of this type: then no later
    /// plan could ask it.
    fn track_query<D: AsDatabase>(&self, database: &D, sql: &str) -> Result<()>;
}

impl<T: Task> QueryCx for Cx<T> {
    fn query<D: AsDatabase>(
        &self,
        database: &D,
        sql: &str,
        params: impl SqlParams,
    ) -> Result<Query> {
        self.__read_answer(database, "")?;
        database.as_database().query(sql, params)
    }

    fn track_query<D: AsDatabase>(&self, database: &D, sql: &str) -> Result<()> {
        self.__read_answer(database, "")?;
        let of = type_name::<D>();
        let of = of.rsplit("::").next().unwrap_or(of);
        ensure!(
            self.__read_answer(database, sql)?,
            "cannot track a query of {}: the flow does not provide it as `{of}`, so that no later plan could ask it; provide it \
             with `flow.provide(...)`, or use a `refresh` expression",
            database.as_database(),
        );
        Ok(())
    }
}
