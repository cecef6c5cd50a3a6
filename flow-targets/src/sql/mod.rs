//! Databases: queries of tasks, and the target [`SqlTable`].
//!
//! A [`Database`] is a handle on a database. SQLite is built in, with the cargo feature `sqlite`. The feature `adbc` adds
//! every database that has a driver for [ADBC](https://arrow.apache.org/adbc), which is a shared library that is loaded
//! when the program runs.
//!
//! # Reading
//!
//! With [`QueryCx`] in scope, a task calls `cx.query(&database, sql, params)` and gets a [`Query`]: structs, record batches,
//! or a stream. The rows are read on a thread of their own while they are consumed. See
//! [`query`](QueryCx::query) for what makes the task run again.
//!
//! # Writing a table
//!
//! ```standalone_crate
//! use flow::prelude::*;
//! use flow_targets::sql::{Database, SqlTable};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Price {
//!     day: String,
//!     price: f64,
//! }
//!
//! #[derive(Task)]
//! #[task(target = SqlTable<Vec<Price>>(name = "prices"))]
//! struct Prices;
//!
//! #[tracked]
//! impl Run for Prices {
//!     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Price>> {
//!         Ok(vec![Price { day: "mon".into(), price: 1.5 }])
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let database = Database::sqlite(folder.path().join("prices.db"));
//! let flow = Flow::open(folder.path().join("data"))?.quiet().provide(database.clone());
//! flow.run::<Prices>()?;
//! assert_eq!(*flow.load::<Prices>()?, [Price { day: "mon".into(), price: 1.5 }]);
//! assert_eq!(database.answer("select sum(price) from prices")?, "1.5");
//! # Ok(())
//! # }
//! ```
//!
//! The rows, and a marker with the fingerprint of the output, are written in one transaction. The file in the store is a
//! *receipt*: a small JSON file with the columns, the number of rows and their digest. A plan compares the marker with the
//! record. So the task runs again if
//!
//! - the process was killed while it wrote, because the database rolls the transaction back;
//! - rows of the table were inserted, updated or deleted by anyone else, or its columns altered: triggers on the table note
//!   this in the marker;
//! - the table was dropped, or belongs to another output now;
//! - the flow provides another database.
//!
//! A table that typed-flow has not written is never replaced: that is an error.
//!
//! By default a run replaces the table, and two instances of one plan that name one table are an error of the plan. With
//! `mode = WriteMode::AppendByKey`, several instances share a table: each has its key in the column `flow_key`, and replaces
//! its own rows only.
//!
//! | operation | on such an output |
//! | --- | --- |
//! | earlier versions, reuse of an earlier output | the table has the rows of the last run alone: an earlier version has a receipt and cannot be loaded |
//! | `push`, `pull` | carry the receipt: a flow that provides the *same* database takes the output as complete, and one with another database runs the task |
//! | `export` | copies the receipt, not the rows: export a task that reads the table and stores `Parquet` |
//! | `reset`, `gc` | remove the receipt, and leave the table to you |
//! | `debug` | writes within a transaction that is rolled back |
//! | `bless` | the same; the marker stays that of the last run, so that the task runs all the same |
//! | one of several `outputs` | is an error of the plan: make it a task of its own |
//!
//! # What is preserved
//!
//! | column | in SQLite |
//! | --- | --- |
//! | integers, booleans | `INTEGER`; a `UInt64` of 2⁶³ and more is an error |
//! | floating point numbers | `REAL`; NaN is an error, because SQLite stores it as `NULL`; a negative zero comes back as zero from SQLite |
//! | texts, dictionaries of texts | `TEXT` |
//! | bytes | `BLOB` |
//! | dates, times, timestamps, decimals | `TEXT`, as in ISO 8601 |
//! | lists, structs, maps | an error of the plan, or when saving |
//!
//! All of them are loaded with the types and values that were saved, in the same order, and a loaded table is compared with
//! the digest of its rows. The boundaries of a `Vec<RecordBatch>` are kept.
//!
//! A task that streams from a query into a table of the same SQLite file needs the mode
//! [WAL](https://www.sqlite.org/wal.html): in others a reader blocks the commit.

#[cfg(feature = "adbc")]
mod adbc;
mod backend;
mod cells;
mod database;
mod error;
mod idle;
mod query;
mod receipt;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
mod table;
mod value;

#[doc(inline)]
pub use crate::database;
#[cfg(feature = "adbc")]
pub use adbc::Adbc;
pub use database::{AsDatabase, Database, DatabaseRef, provided};
pub use error::SqlError;
pub use query::{Query, QueryCx};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use table::{SqlTable, WriteMode};
pub use value::{SqlParams, SqlValue};

/// What [`database!`](crate::database) expands to.
#[doc(hidden)]
pub mod __private {
    pub use flow_core::__private::{Answers, inventory};

    /// Returns the error for a value of another type.
    pub fn no_database() -> anyhow::Error {
        anyhow::anyhow!("it is no database")
    }
}
