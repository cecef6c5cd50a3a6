//! SQL over lazy frames, by the crate polars-sql.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use flow_core::__private::NamedInput;
use flow_core::LoadError;
use polars::prelude::{LazyFrame, PolarsError, UnionArgs, concat};
use polars::sql::{SQLContext, extract_table_identifiers};

use super::{Scanner, reads};

/// Returns the lazy frame of a query in SQL over these tables.
///
/// In a task, [`FrameContext::sql`](super::FrameContext::sql) takes the inputs as tables. This function is for tables of
/// other origin: one of several outputs, a frame in memory, a file that another program wrote.
///
/// ```
/// use flow_targets::frames::sql;
/// use flow_targets::polars::prelude::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let prices = df!["symbol" => ["A", "B", "A"], "close" => [1.0, 2.0, 4.0]]?;
/// let query = "select symbol, sum(close) as sum from prices group by symbol order by symbol";
/// let sums = sql(query, [("prices", prices.lazy())])?.collect()?;
/// assert_eq!(sums.column("sum")?.f64()?.get(0), Some(5.0));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The query is not valid, or names another table.
pub fn sql<N: AsRef<str>>(
    query: &str,
    tables: impl IntoIterator<Item = (N, LazyFrame)>,
) -> Result<LazyFrame, SqlError> {
    let mut context = SQLContext::new();
    for (name, frame) in tables {
        context.register(name.as_ref(), frame);
    }
    context
        .execute(query)
        .map_err(|source| SqlError::Query { tables: context.get_tables(), source })
}

/// A query in SQL could not be planned.
///
/// The message of a kind with a source includes that of the source, so that [`source()`](Error::source) returns the
/// cause of the source.
#[derive(Debug)]
#[non_exhaustive]
pub enum SqlError {
    /// The query is not valid: a mistake in the SQL, or a table or column that does not exist.
    #[non_exhaustive]
    Query {
        /// The names of the tables that exist.
        tables: Vec<String>,
        /// The error of polars.
        source: PolarsError,
    },
    /// The query names an input whose target polars does not scan.
    #[non_exhaustive]
    NotATable {
        /// The name of the input.
        input: String,
        /// The name of the required task.
        task: String,
    },
    /// The file of an input cannot be read.
    Input(LoadError),
    /// Evaluating `requires` of the task failed, which names the tables.
    Requires(anyhow::Error),
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query { tables, source } => {
                write!(f, "cannot plan the SQL query: {source}; ")?;
                match tables.as_slice() {
                    [] => f.write_str("it has no tables"),
                    tables => write!(f, "its tables are `{}`", tables.join("`, `")),
                }
            }
            Self::NotATable { input, task } => write!(
                f,
                "cannot plan the SQL query: its table `{input}` is the output of {task}, whose files polars \
                 does not scan: store it in `Parquet`, `Dataset`, `ArrowIpc` or `Csv`, or load it and call \
                 `flow::frames::sql` with a frame",
            ),
            Self::Input(error) => write!(f, "cannot plan the SQL query: {error}"),
            Self::Requires(error) => {
                write!(f, "cannot plan the SQL query: evaluating `requires` failed: {error}")
            }
        }
    }
}

impl Error for SqlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Query { source, .. } => source.source(),
            Self::NotATable { .. } => None,
            Self::Input(error) => error.source(),
            Self::Requires(error) => error.source(),
        }
    }
}

/// Returns the lazy frame of a query whose tables are inputs of a task, and records what it reads of them. Files of inputs
/// that it does not name are not opened.
pub(super) fn over_inputs(
    query: &str,
    inputs: impl FnOnce() -> anyhow::Result<Vec<NamedInput>>,
) -> Result<LazyFrame, SqlError> {
    let inputs = inputs().map_err(SqlError::Requires)?;
    // `execute` reports a query that cannot be parsed.
    let named = extract_table_identifiers(query, false, true).unwrap_or_default();
    let is_named = |name: &str| named.iter().any(|table| table.trim_matches(['"', '`']) == name);
    let read: Vec<_> = inputs.iter().filter(|input| is_named(input.name())).collect();
    // A task may go on after an error, which may depend on anything in the files.
    let (frame, paths) = plan(query, &inputs, &read)
        .inspect_err(|_| read.iter().for_each(|input| input.read_whole()))?;
    let read: Vec<_> = read.into_iter().zip(paths).collect();
    reads::record(&frame, &read);
    Ok(frame)
}

/// Returns the lazy frame of a query over the inputs in `read`, and the paths of their files and folders.
fn plan(
    query: &str,
    inputs: &[NamedInput],
    read: &[&NamedInput],
) -> Result<(LazyFrame, Vec<PathBuf>), SqlError> {
    let mut paths = Vec::with_capacity(read.len());
    let mut tables: Vec<(String, Vec<LazyFrame>)> = Vec::new();
    for input in read {
        let (frame, path) = scan(input)?;
        paths.push(path);
        match tables.iter_mut().find(|(name, _)| name == input.name()) {
            Some((_, frames)) => frames.push(frame),
            None => tables.push((input.name().to_owned(), vec![frame])),
        }
    }
    // Errors list all inputs, whether the query names them or not.
    let error = |source| {
        let mut tables: Vec<_> = inputs.iter().map(|input| input.name().to_owned()).collect();
        tables.sort();
        tables.dedup();
        SqlError::Query { tables, source }
    };
    let mut frames = Vec::with_capacity(tables.len());
    for (name, parts) in tables {
        frames.push((name, joined(parts).map_err(error)?));
    }
    let frame = sql(query, frames).map_err(|failed| match failed {
        SqlError::Query { source, .. } => error(source),
        other => other,
    })?;
    Ok((frame, paths))
}

/// Returns a scan of an input's file, and the path of the file or, of a dataset, of its folder.
fn scan(input: &NamedInput) -> Result<(LazyFrame, PathBuf), SqlError> {
    let reader = input.reader();
    match reader.as_ref().and_then(|reader| reader.downcast_ref::<Scanner>()) {
        Some(Scanner(scan)) => input
            .read(|source| Ok((scan(source)?, source.path().to_owned())))
            .map_err(SqlError::Input),
        None => Err(SqlError::NotATable { input: input.name().to_owned(), task: input.task() }),
    }
}

/// Returns the rows of all frames, one after the other.
fn joined(mut frames: Vec<LazyFrame>) -> Result<LazyFrame, PolarsError> {
    match frames.len() {
        1 => Ok(frames.remove(0)),
        _ => concat(frames, UnionArgs::default()),
    }
}
