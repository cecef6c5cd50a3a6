//! Databases, and how a task or a target names the one that it uses.

use std::any::{TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use flow_core::target::Provided;

use super::backend::Backend;
use super::query::Query;
use super::rows;
use super::value::SqlParams;
use crate::display::displayable;

/// A database, which tasks query and [`SqlTable`](super::SqlTable) writes.
///
/// It is a handle, and cheap to clone. A connection is opened when it is needed, and closed soon afterwards: the questions of a
/// plan share one. Give it to a flow with `flow.provide(database)`; a task
/// that queries it declares `uses(Database)`. It displays as its kind and place, never with a password.
///
/// ```
/// use flow_targets::sql::Database;
///
/// let database = Database::sqlite("/data/prices.db");
/// assert_eq!(database.to_string(), "sqlite:/data/prices.db");
/// ```
#[derive(Clone)]
pub struct Database(Arc<dyn Backend>);

impl Database {
    /// Names a database of SQLite by its file: see [`Sqlite`](super::Sqlite) for options.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: impl AsRef<std::path::Path>) -> Self {
        super::Sqlite::new(path).into()
    }

    pub(crate) fn of(backend: impl Backend + 'static) -> Self {
        Self(Arc::new(backend))
    }

    pub(crate) fn backend(&self) -> &Arc<dyn Backend> {
        &self.0
    }

    /// Runs a query outside of a task, such as in an expression of `refresh` or in a test.
    ///
    /// In a task, use [`QueryCx::query`](super::QueryCx::query), which records that the task reads the database. The rows
    /// are read on a thread of its own while they are consumed.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// use flow_targets::sql::Database;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("prices.db");
    /// # std::fs::write(&file, "")?;
    /// let query = Database::sqlite(&file).query("select 1 + ? as n", [2])?;
    /// assert_eq!(query.schema().field(0).name(), "n");
    /// assert_eq!(query.batch()?.num_rows(), 1);
    /// # }
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The database cannot be reached, refuses the query, or the query writes. An error that occurs later is an item of
    /// the batches.
    pub fn query(&self, sql: impl Into<String>, params: impl SqlParams) -> Result<Query> {
        let (backend, sql, params) = (Arc::clone(&self.0), sql.into(), params.into_values());
        let label = self.to_string();
        let text = sql.clone();
        let started = rows::start(move |out| backend.query(&sql, &params, out));
        let (schema, batches) =
            started.with_context(|| format!("cannot query {label}: `{}`", shortened(&text)))?;
        Ok(Query::new(schema, batches))
    }

    /// Returns the rows that a query returns as text: cells separated by tabs, and a line for each row.
    ///
    /// It is meant for queries of one cell, as the value of a `refresh` expression:
    /// `refresh = prices(&self.file).answer("select max(updated_at) from prices")?`.
    ///
    /// # Errors
    ///
    /// The same as [`query`](Self::query).
    pub fn answer(&self, sql: impl Into<String>) -> Result<String> {
        let options = FormatOptions::default().with_null("NULL");
        let mut lines = Vec::new();
        for batch in self.query(sql, ())?.batches() {
            let batch = batch?;
            // The zone of a `timestamptz` is UTC.
            let columns = batch.columns().iter().map(displayable);
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let columns = columns.iter().map(|column| ArrayFormatter::try_new(column, &options));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                let cells = columns.iter().map(|column| column.value(row).try_to_string());
                lines.push(cells.collect::<Result<Vec<_>, _>>()?.join("\t"));
            }
        }
        Ok(lines.join("\n"))
    }

    /// Returns how many connections this handle and its clones have opened, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn __opened(&self) -> u64 {
        self.0.opened()
    }

    /// Returns the answer to a question of a plan. The empty question asks for the identity.
    #[doc(hidden)]
    pub fn __ask(&self, question: &str) -> Result<String> {
        match question {
            "" => Ok(self.0.identity().to_owned()),
            question => self.answer(question),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.label())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.0.label()).finish()
    }
}

/// Returns the beginning of a query, on one line.
fn shortened(sql: &str) -> String {
    const SHOWN: usize = 200;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A type that is a database: [`Database`], or one that [`database!`](crate::database) declares.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no database",
    label = "not a database",
    note = "a database is a `flow::sql::Database`, or a type that `flow::sql::database!` declares"
)]
pub trait AsDatabase: Send + Sync + 'static {
    /// Returns the database.
    fn as_database(&self) -> &Database;
}

impl AsDatabase for Database {
    fn as_database(&self) -> &Database {
        self
    }
}

flow_core::__private::inventory::submit! {
    flow_core::__private::Answers {
        id: TypeId::of::<Database>,
        name: type_name::<Database>,
        ask: |value, question| match value.downcast_ref::<Database>() {
            Some(database) => database.__ask(question),
            None => anyhow::bail!("it is no database"),
        },
    }
}

/// Declares a type for a database of its own, for flows that use several.
///
/// A flow provides one value of each type. The type derefs to [`Database`], and converts from it.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use flow_targets::sql::Database;
///
/// flow_targets::database! {
///     /// Where the prices come from.
///     pub struct Warehouse;
/// }
///
/// let warehouse = Warehouse::from(Database::sqlite("/data/warehouse.db"));
/// assert_eq!(warehouse.to_string(), "sqlite:/data/warehouse.db");
/// # }
/// ```
#[macro_export]
macro_rules! database {
    ($(#[$attr:meta])* $vis:vis struct $name:ident;) => {
        $(#[$attr])*
        #[derive(Clone, Debug)]
        $vis struct $name($crate::sql::Database);

        impl ::core::convert::From<$crate::sql::Database> for $name {
            fn from(database: $crate::sql::Database) -> Self {
                Self(database)
            }
        }

        impl ::core::ops::Deref for $name {
            type Target = $crate::sql::Database;

            fn deref(&self) -> &$crate::sql::Database {
                &self.0
            }
        }

        impl $crate::sql::AsDatabase for $name {
            fn as_database(&self) -> &$crate::sql::Database {
                &self.0
            }
        }

        $crate::sql::__private::inventory::submit! {
            $crate::sql::__private::Answers {
                id: ::core::any::TypeId::of::<$name>,
                name: ::core::any::type_name::<$name>,
                ask: |value, question| match value.downcast_ref::<$name>() {
                    ::core::option::Option::Some(database) => database.0.__ask(question),
                    ::core::option::Option::None => {
                        ::core::result::Result::Err($crate::sql::__private::no_database())
                    }
                },
            }
        }
    };
}

/// Which database a target writes: one that is given, or the one that the flow provides.
#[derive(Clone)]
pub struct DatabaseRef(Which);

#[derive(Clone)]
enum Which {
    Given(Database),
    Provided { id: TypeId, name: &'static str, get: fn(&Provided) -> Option<Database> },
}

/// Returns a reference to the database of this type that the flow provides.
///
/// ```
/// use flow_targets::sql::{Database, SqlTable, provided};
///
/// # use arrow::array::RecordBatch;
/// let target = <SqlTable<RecordBatch>>::default().database(provided::<Database>()).name("prices");
/// ```
pub fn provided<D: AsDatabase>() -> DatabaseRef {
    let get = |provided: &Provided| {
        let database = provided.get::<D>()?;
        Some(database.as_database().clone())
    };
    let name = type_name::<D>();
    let name = name.rsplit("::").next().unwrap_or(name);
    DatabaseRef(Which::Provided { id: TypeId::of::<D>(), name, get })
}

impl From<Database> for DatabaseRef {
    fn from(database: Database) -> Self {
        Self(Which::Given(database))
    }
}

impl DatabaseRef {
    /// Returns the type that the flow has to provide.
    pub(crate) fn uses(&self) -> Option<(TypeId, &'static str)> {
        match self.0 {
            Which::Given(_) => None,
            Which::Provided { id, name, .. } => Some((id, name)),
        }
    }

    /// Returns the database.
    pub(crate) fn get(&self, provided: &Provided) -> Result<Database> {
        match &self.0 {
            Which::Given(database) => Ok(database.clone()),
            Which::Provided { name, get, .. } => get(provided).with_context(|| {
                format!("the flow provides no `{name}`: give it one with `flow.provide(...)`")
            }),
        }
    }
}

impl fmt::Debug for DatabaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Which::Given(database) => database.fmt(f),
            Which::Provided { name, .. } => write!(f, "provided::<{name}>()"),
        }
    }
}
