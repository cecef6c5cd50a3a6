//! Runs queries.
//!
//! SQLite has types of values and not of columns. The declared type of a column determines the Arrow type, and for an
//! expression the values in the first rows do. A value of another kind is an error that says what to cast.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use rusqlite::types::{Null, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Statement};

use super::Sqlite;
use super::collected::{Collected, take_batch};
use crate::sql::backend::CHUNK;
use crate::sql::cells::{Cell, Kind};
use crate::sql::rows::Out;
use crate::sql::value::SqlValue;

pub(super) fn query(sqlite: &Sqlite, sql: &str, params: &[SqlValue], out: &Out) -> Result<()> {
    // A `PRAGMA` may change the connection for later queries.
    let keeps = sql.split_whitespace().next().is_some_and(|word| {
        ["select", "values", "with"].iter().any(|plain| word.eq_ignore_ascii_case(plain))
    });
    sqlite.with_reader(keeps, |connection| query_on(sqlite, connection, sql, params, out))
}

fn query_on(
    sqlite: &Sqlite,
    connection: &Connection,
    sql: &str,
    params: &[SqlValue],
    out: &Out,
) -> Result<()> {
    let failed = |error: rusqlite::Error| sqlite.error("run the query", &error);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    ensure!(
        statement.readonly(),
        "the query writes to {}: a query of a task only reads; write with the target `SqlTable`",
        sqlite.label,
    );
    bind(&mut statement, params)?;
    let declared: Vec<(String, Option<DataType>)> = statement
        .columns()
        .map(|column| (column.name().to_owned(), column.decl_type().and_then(declared_type)))
        .collect();
    ensure!(!declared.is_empty(), "the query returns no columns");

    // The first rows are kept as values, because they may determine the types.
    let mut rows = statement.raw_query();
    let mut first: Vec<Vec<Value>> = Vec::new();
    while first.len() < CHUNK
        && let Some(row) = rows.next().map_err(failed)?
    {
        let values = (0..declared.len()).map(|place| row.get_ref(place).map(Value::try_from));
        let values = values.collect::<Result<Result<Vec<_>, _>, _>>().map_err(failed)?;
        first.push(values.context("a text is not Unicode")?);
    }
    let fields = declared.into_iter().enumerate().map(|(place, (name, declared))| {
        let values = first.iter().map(|row| &row[place]);
        let data_type = match declared {
            Some(declared) => declared,
            None => guessed(values).with_context(|| in_column(&name))?,
        };
        Ok(Field::new(name, data_type, true))
    });
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?));
    out.schema(Arc::clone(&schema))?;

    let mut batch = Batch::new(&schema)?;
    for row in &first {
        for (place, value) in row.iter().enumerate() {
            batch.push(place, cell(ValueRef::from(value))?)?;
        }
        batch.end_row();
    }
    drop(first);
    batch.send(out)?;
    while let Some(row) = rows.next().map_err(failed)? {
        for place in 0..batch.columns.len() {
            batch.push(place, cell(row.get_ref(place).map_err(failed)?)?)?;
        }
        batch.end_row();
        if batch.rows == CHUNK {
            batch.send(out)?;
        }
    }
    batch.send(out)
}

/// Binds the parameters, whose number must be that of the query.
fn bind(statement: &mut Statement<'_>, params: &[SqlValue]) -> Result<()> {
    let expected = statement.parameter_count();
    ensure!(
        expected == params.len(),
        "the query has {expected} parameters, and {} values are given",
        params.len(),
    );
    for (place, param) in params.iter().enumerate() {
        let place = place + 1;
        let bound = match param {
            SqlValue::Null => statement.raw_bind_parameter(place, Null),
            SqlValue::Bool(value) => statement.raw_bind_parameter(place, value),
            SqlValue::Int(value) => statement.raw_bind_parameter(place, value),
            SqlValue::Real(value) => statement.raw_bind_parameter(place, value),
            SqlValue::Text(value) => statement.raw_bind_parameter(place, value),
            SqlValue::Bytes(value) => statement.raw_bind_parameter(place, value),
        };
        bound.with_context(|| format!("parameter {place} of the query"))?;
    }
    Ok(())
}

/// Returns the Arrow type of a column that is declared with this type, by SQLite's rules of affinity.
///
/// A column of another type, such as `DATE` or `NUMERIC`, may hold any values.
fn declared_type(declared: &str) -> Option<DataType> {
    let declared = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    Some(match () {
        () if has(&["INT"]) => DataType::Int64,
        () if has(&["CHAR", "CLOB", "TEXT"]) => DataType::Utf8,
        () if has(&["BLOB"]) => DataType::Binary,
        () if has(&["REAL", "FLOA", "DOUB"]) => DataType::Float64,
        () if has(&["BOOL"]) => DataType::Boolean,
        () => return None,
    })
}

/// Returns the Arrow type of a column that has these values in the first rows. Without any it is a column of texts.
fn guessed<'a>(values: impl Iterator<Item = &'a Value>) -> Result<DataType> {
    let mut guess: Option<DataType> = None;
    for value in values {
        let kind = match value {
            Value::Null => continue,
            Value::Integer(_) => DataType::Int64,
            Value::Real(_) => DataType::Float64,
            Value::Text(_) => DataType::Utf8,
            Value::Blob(_) => DataType::Binary,
        };
        guess = Some(match guess {
            None => kind,
            Some(guess) if guess == kind => kind,
            Some(DataType::Int64 | DataType::Float64)
                if matches!(kind, DataType::Int64 | DataType::Float64) =>
            {
                DataType::Float64
            }
            Some(guess) => bail!("it has values of the types {guess} and {kind}"),
        });
    }
    Ok(guess.unwrap_or(DataType::Utf8))
}

fn in_column(name: &str) -> String {
    format!(
        "column `{name}` of the query has no single type: cast it in the query, as in `cast({name} as real) as {name}`"
    )
}

/// Returns a value of SQLite as a cell.
pub(super) fn cell(value: ValueRef<'_>) -> Result<Cell<'_>> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Real(value),
        ValueRef::Text(text) => {
            Cell::Text(std::str::from_utf8(text).context("a text is not Unicode")?)
        }
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
    })
}

/// Returns a cell as a value of SQLite.
pub(super) fn to_sql(cell: Cell<'_>) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match cell {
        Cell::Null => ValueRef::Null,
        Cell::Int(value) => ValueRef::Integer(value),
        Cell::Real(value) => ValueRef::Real(value),
        Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        Cell::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

/// The rows of the next batch.
pub(super) struct Batch {
    pub(super) schema: SchemaRef,
    pub(super) columns: Vec<Collected>,
    pub(super) rows: usize,
}

impl Batch {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| {
            let kind = Kind::of(field.data_type());
            let kind = kind.with_context(|| format!("no cells hold {}", field.data_type()))?;
            Ok(Collected::new(kind))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Self { schema: Arc::clone(schema), columns, rows: 0 })
    }

    #[inline]
    pub(super) fn push(&mut self, place: usize, cell: Cell<'_>) -> Result<()> {
        if self.columns[place].push(cell) {
            return Ok(());
        }
        let field = self.schema.field(place);
        Err(anyhow::anyhow!(
            "a value is {cell:?}, and the others are of type {}",
            field.data_type()
        )
        .context(in_column(field.name())))
    }

    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Sends the rows as a batch, unless there are none.
    pub(super) fn send(&mut self, out: &Out) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        if rows == 0 {
            return Ok(());
        }
        out.batch(take_batch(&mut self.columns, &self.schema, rows)?)
    }

    /// Sends a batch without rows.
    pub(super) fn send_empty(&mut self, out: &Out) -> Result<()> {
        out.batch(take_batch(&mut self.columns, &self.schema, 0)?)
    }
}
