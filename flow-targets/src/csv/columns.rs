//! Columns of arrays, to cells and back.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{Array, ArrayRef, LargeStringBuilder, RecordBatch, make_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::cells::{Cell, CellKind, CellReader, CellWriter};
use super::kinds::Kind;
use super::options::Options;

/// A value that does not parse is an error, not a null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

pub(super) fn write(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    options: &Options,
    cells: &mut CellWriter<'_, '_>,
) -> Result<()> {
    ensure!(!schema.fields().is_empty(), "a table without columns has no lines");
    match &options.schema {
        Some(given) => check_given(schema, given)?,
        None => check_inferred(schema)?,
    }
    if options.header {
        for field in schema.fields() {
            cells.name(field.name())?;
        }
        cells.end_line()?;
    }
    batches.iter().try_for_each(|batch| write_batch(batch, cells))
}

fn write_batch(batch: &RecordBatch, cells: &mut CellWriter<'_, '_>) -> Result<()> {
    let display = FormatOptions::new();
    let arrays = batch.columns().iter().map(plain).collect::<Result<Vec<_>>>()?;
    let mut columns = Vec::new();
    for (field, array) in batch.schema_ref().fields().iter().zip(&arrays) {
        columns.push(Column {
            name: field.name(),
            text: array.data_type().is_string(),
            utc: matches!(field.data_type(), DataType::Timestamp(_, Some(_))),
            nulls: array.logical_nulls(),
            cells: ArrayFormatter::try_new(array.as_ref(), &display)?,
        });
    }
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        for column in &columns {
            text.clear();
            column
                .write(row, &mut text, cells)
                .with_context(|| format!("column `{}`, row {row}", column.name))?;
        }
        cells.end_line()?;
    }
    Ok(())
}

struct Column<'a> {
    name: &'a str,
    text: bool,
    utc: bool,
    nulls: Option<arrow::buffer::NullBuffer>,
    cells: ArrayFormatter<'a>,
}

impl Column<'_> {
    fn write(&self, row: usize, text: &mut String, cells: &mut CellWriter<'_, '_>) -> Result<()> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return cells.null();
        }
        self.cells.value(row).write(text)?;
        if self.utc {
            text.write_char('Z')?;
        }
        if self.text { cells.text(text) } else { cells.bare(text) }
    }
}

/// The array without what the text of a cell does not show: a dictionary, and a zone, whose
/// times are those of UTC.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) => {
            plain(&cast_with_options(array.as_ref(), values, &STRICT)?)
        }
        DataType::Timestamp(unit, Some(_)) => relabelled(array, DataType::Timestamp(*unit, None)),
        _ => Ok(array.clone()),
    }
}

/// The same numbers as another type of the same layout.
fn relabelled(array: &ArrayRef, as_type: DataType) -> Result<ArrayRef> {
    Ok(make_array(array.to_data().into_builder().data_type(as_type).build()?))
}

/// An error if the value has other columns than the schema.
fn check_given(schema: &Schema, given: &Schema) -> Result<()> {
    let columns = |schema: &Schema| -> Vec<_> {
        let column = |field: &Arc<Field>| format!("{}: {}", field.name(), field.data_type());
        schema.fields().iter().map(column).collect()
    };
    let (found, expected) = (columns(schema), columns(given));
    ensure!(
        found == expected,
        "the columns are ({}), and the schema given has ({})",
        found.join(", "),
        expected.join(", "),
    );
    for field in given.fields() {
        ensure!(
            has_text(field.data_type()),
            "column `{}` is of type {}, which CSV has no text for; Parquet has",
            field.name(),
            field.data_type(),
        );
    }
    Ok(())
}

/// Whether an array of that type is parsed back from its text.
fn has_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => !values.is_nested() && has_text(values),
        DataType::Null
        | DataType::Boolean
        | DataType::Date32
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View => true,
        numeric => numeric.is_numeric(),
    }
}

/// An error if the text of a column would not give its values back.
fn check_inferred(schema: &Schema) -> Result<()> {
    for field in schema.fields() {
        let of_text = |data_type: &DataType| match data_type {
            DataType::Timestamp(_, zone) => {
                zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "Z" | "+00:00"))
            }
            DataType::Null | DataType::Boolean | DataType::Date32 => true,
            other => other.is_string() || other.is_integer() || other.is_floating(),
        };
        let known = match field.data_type() {
            DataType::Dictionary(_, values) => of_text(values),
            other => of_text(other),
        };
        if !known {
            if !has_text(field.data_type()) {
                bail!(
                    "column `{}` is of type {}, which CSV has no text for; Parquet has",
                    field.name(),
                    field.data_type(),
                );
            }
            bail!(
                "column `{}` is of type {}, which its text does not show: give the columns' types \
                 by `schema = ...`, or use Parquet",
                field.name(),
                field.data_type(),
            );
        }
    }
    Ok(())
}

pub(super) fn read(options: &Options, cells: &mut CellReader<'_>) -> Result<RecordBatch> {
    let mut line = Vec::new();
    let names = if options.header {
        ensure!(cells.read(&mut line)?, "the file is empty, without the names of the columns");
        Some(line.iter().map(|cell| cell.text.clone().into_owned()).collect::<Vec<_>>())
    } else {
        None
    };
    if let (Some(schema), Some(names)) = (&options.schema, &names) {
        let expected: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
        ensure!(
            names.iter().eq(expected.iter().copied()),
            "the columns are {names:?}, and the schema given has {expected:?}",
        );
    }
    let known = names.as_ref().map(Vec::len);
    let mut columns = Vec::new();
    if let Some(count) = known.or(options.schema.as_ref().map(|schema| schema.fields().len())) {
        columns.resize_with(count, Cells::default);
    }
    let mut first = true;
    while cells.read(&mut line)? {
        if std::mem::take(&mut first) && columns.is_empty() {
            columns.resize_with(line.len(), Cells::default);
        }
        let (found, expected) = (line.len(), columns.len());
        ensure!(found == expected, "line {} has {found} cells instead of {expected}", cells.line());
        columns.iter_mut().zip(&line).for_each(|(column, cell)| column.push(cell));
    }
    let schema = options.schema.clone().unwrap_or_else(|| inferred(names, &columns));
    let arrays = schema
        .fields()
        .iter()
        .zip(columns)
        .map(|(field, column)| column.parse(field))
        .collect::<Result<Vec<_>>>()?;
    ensure!(!arrays.is_empty(), "the file has no columns");
    Ok(RecordBatch::try_new(schema, arrays)?)
}

fn inferred(names: Option<Vec<String>>, columns: &[Cells]) -> SchemaRef {
    let names =
        names.unwrap_or_else(|| (1..=columns.len()).map(|i| format!("column_{i}")).collect());
    let field = |(name, column): (String, &Cells)| Field::new(name, column.data_type(), true);
    Arc::new(Schema::new(names.into_iter().zip(columns).map(field).collect::<Vec<_>>()))
}

/// The cells of one column, as they stand in the file.
struct Cells {
    text: LargeStringBuilder,
    kind: Kind,
}

impl Default for Cells {
    fn default() -> Self {
        Self { text: LargeStringBuilder::new(), kind: Kind::Null }
    }
}

impl Cells {
    fn push(&mut self, cell: &Cell<'_>) {
        match cell.kind {
            CellKind::Null => return self.text.append_null(),
            CellKind::Quoted => self.kind = Kind::Text,
            // What is text stays text.
            CellKind::Bare if self.kind == Kind::Text => {}
            CellKind::Bare => self.kind = self.kind.and(Kind::of(&cell.text)),
        }
        self.text.append_value(&cell.text);
    }

    fn data_type(&self) -> DataType {
        match self.kind {
            Kind::Null => DataType::Null,
            Kind::Boolean => DataType::Boolean,
            Kind::Int | Kind::Negative => DataType::Int64,
            Kind::Large => DataType::UInt64,
            Kind::Float => DataType::Float64,
            Kind::Date => DataType::Date32,
            Kind::Time { utc, nanoseconds } => DataType::Timestamp(
                if nanoseconds { TimeUnit::Nanosecond } else { TimeUnit::Microsecond },
                utc.then(|| "UTC".into()),
            ),
            Kind::Text => DataType::Utf8,
        }
    }

    fn parse(mut self, field: &Field) -> Result<ArrayRef> {
        let text: ArrayRef = Arc::new(self.text.finish());
        parse(&text, field.data_type()).with_context(|| format!("column `{}`", field.name()))
    }
}

fn parse(text: &ArrayRef, as_type: &DataType) -> Result<ArrayRef> {
    match as_type {
        DataType::Null => {
            ensure!(text.null_count() == text.len(), "a column of type Null has a value");
            Ok(arrow::array::new_null_array(as_type, text.len()))
        }
        DataType::Dictionary(_, values) => {
            Ok(cast_with_options(&parse(text, values)?, as_type, &STRICT)?)
        }
        // Text with an offset, or `Z`, is parsed as the time in UTC, which is what a zone labels.
        DataType::Timestamp(unit, Some(_)) => {
            relabelled(&parse(text, &DataType::Timestamp(*unit, None))?, as_type.clone())
        }
        _ => Ok(cast_with_options(text, as_type, &STRICT)?),
    }
}
