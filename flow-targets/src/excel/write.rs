//! Writes columns of arrays as cells.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::types::Int64Type;
use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, LargeStringArray, RecordBatch, make_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};

use super::cell::{
    COLUMNS, Cell, EMPTY_TEXT, Form, LAST_ROW, ROWS, Time, WHOLE, decimal, integer, number,
};
use super::package;
use super::read::{Limits, TEXTS, parse};
use crate::limit::check;
use crate::table::{Batches, Cut};

/// Options with which a value that does not fit is an error instead of null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// Returns the file of a table.
///
/// `known` is whether the types of the columns are known when the file is read. If so, a value that
/// a cell cannot hold is written as text.
pub(super) fn workbook(
    sheet: &str,
    table: Batches<'_>,
    cut: Cut,
    given: Option<&Schema>,
    known: bool,
    limits: Limits,
) -> Result<Vec<u8>> {
    ensure!(!sheet.eq_ignore_ascii_case("history"), "Excel keeps the name `{sheet}` for itself");
    let columns = table.schema.fields().len();
    ensure!(columns <= COLUMNS, "there are {columns} columns, and a sheet has {COLUMNS}");
    match given {
        Some(given) => check_given(&table.schema, given)?,
        None => check_types(&table.schema, known)?,
    }

    let mut workbook = Workbook::new();
    // The same table must give the same bytes at any time.
    let start = ExcelDateTime::from_ymd(1980, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&start));
    let out = workbook.add_worksheet();
    out.set_name(sheet).with_context(|| format!("no sheet can be called `{sheet}`"))?;
    for (i, field) in table.schema.fields().iter().enumerate() {
        let column = column_number(i)?;
        if field.name().is_empty() {
            out.write_blank(0, column, &Format::new().set_num_format(EMPTY_TEXT))?;
        } else {
            out.write_string(0, column, field.name())
                .with_context(|| format!("the name of column {i}"))?;
        }
        if let Some(width) = width(field.data_type()) {
            out.set_column_width(column, width)?;
        }
    }
    if columns > 0 {
        out.set_freeze_panes(1, 0)?;
    }

    let mut rows = Rows { out, known, next: 1, last_is_null: false, text_bytes: 0 };
    let mut batches = 0;
    for batch in table.each {
        let batch = batch?;
        if let Some(given) = given {
            check_nulls(&batch, given)?;
        }
        batches += 1;
        ensure!(columns > 0 || batch.num_rows() == 0, "rows without columns have no cells");
        limits.check_cells(rows.next as usize - 1 + batch.num_rows(), columns)?;
        rows.write(&batch)?;
    }
    ensure!(batches > 0 || cut != Cut::Kept, "a list without batches has no columns");
    if rows.last_is_null {
        rows.out.write_blank(rows.next - 1, 0, &Format::new().set_num_format(LAST_ROW))?;
    }
    let text_bytes = rows.text_bytes;
    let file = workbook.save_to_buffer()?;
    check(TEXTS, text_bytes, limits.bytes.expanded(file.len() as u64))?;
    package::check_size(&file, limits.bytes)?;
    Ok(file)
}

fn column_number(i: usize) -> Result<u16> {
    u16::try_from(i).context("a sheet has fewer columns")
}

/// Returns the width of a column, in digits, that is needed to avoid `####`.
fn width(data_type: &DataType) -> Option<f64> {
    match data_type {
        DataType::Date32 => Some(11.0),
        DataType::Time32(_) | DataType::Time64(_) => Some(13.0),
        DataType::Timestamp(..) => Some(24.0),
        DataType::Int64 | DataType::UInt64 => Some(17.0),
        _ => None,
    }
}

/// Writes the rows of a sheet.
struct Rows<'a> {
    out: &'a mut Worksheet,
    known: bool,
    /// The index of the next row in the sheet.
    next: u32,
    last_is_null: bool,
    /// The bytes of the texts of all cells, counting repeated texts each time.
    text_bytes: u64,
}

impl Rows<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let display = FormatOptions::new();
        let arrays = batch.columns().iter().map(plain).collect::<Result<Vec<_>>>()?;
        let fields = batch.schema_ref().fields();
        let columns = fields
            .iter()
            .zip(&arrays)
            .map(|(field, array)| Column::new(field, array, self.known, &display))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            let next = self.next;
            ensure!(next < ROWS, "there are more rows than the {} that a sheet has", ROWS - 1);
            self.last_is_null = true;
            for (i, column) in columns.iter().enumerate() {
                let at = || format!("column `{}`, row {}", fields[i].name(), next - 1);
                let cell = column.cell(row).with_context(at)?;
                self.last_is_null &= cell == Cell::Null;
                if let Cell::Text(text) = &cell {
                    self.text_bytes += text.len() as u64;
                }
                put(&cell, column.utc, self.out, next, column_number(i)?).with_context(at)?;
            }
            self.next += 1;
        }
        Ok(())
    }
}

fn put(cell: &Cell, utc: bool, out: &mut Worksheet, row: u32, column: u16) -> Result<()> {
    let format = |code: &str| Format::new().set_num_format(code);
    match cell {
        Cell::Null => return Ok(()),
        Cell::Bool(value) => out.write_boolean(row, column, *value)?,
        Cell::Number { value, whole: false } => out.write_number(row, column, *value)?,
        Cell::Number { value, whole: true } => {
            out.write_number_with_format(row, column, *value, &format(WHOLE))?
        }
        Cell::Time(time) => {
            out.write_number_with_format(row, column, time.serial(), &format(&time.format(utc)))?
        }
        Cell::Text(text) if text.is_empty() => out.write_blank(row, column, &format(EMPTY_TEXT))?,
        Cell::Text(text) => out.write_string(row, column, text)?,
    };
    Ok(())
}

/// A column, and how its values become cells.
struct Column<'a> {
    kind: Kind,
    known: bool,
    utc: bool,
    nulls: Option<NullBuffer>,
    /// The numbers of a column of times.
    ticks: Option<Int64Array>,
    data_type: &'a DataType,
    text: ArrayFormatter<'a>,
}

#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Integer,
    Float,
    Decimal,
    Time { form: Form, per_day: i64 },
    Text,
}

impl<'a> Column<'a> {
    fn new(
        field: &Field,
        array: &'a ArrayRef,
        known: bool,
        display: &'a FormatOptions<'a>,
    ) -> Result<Self> {
        let kind = kind(array.data_type());
        let ticks = match kind {
            Kind::Time { .. } => Some(ticks(array)?),
            _ => None,
        };
        Ok(Self {
            kind,
            known,
            utc: matches!(field.data_type(), DataType::Timestamp(_, Some(_))),
            nulls: array.logical_nulls(),
            ticks,
            data_type: array.data_type(),
            text: ArrayFormatter::try_new(array.as_ref(), display)?,
        })
    }

    fn cell(&self, row: usize) -> Result<Cell> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(Cell::Null);
        }
        let text = self.text.value(row).try_to_string()?;
        let cell = match (self.kind, &self.ticks) {
            (Kind::Text, _) => return Ok(Cell::Text(text)),
            (Kind::Bool, _) => Some(Cell::Bool(text == "true")),
            (Kind::Time { form, per_day }, Some(ticks)) => {
                Time::new(form, ticks.value(row), per_day).map(Cell::Time)
            }
            (Kind::Time { .. }, None) => None,
            (Kind::Integer, _) => integer(&text).map(|value| Cell::Number { value, whole: true }),
            (Kind::Float, _) => number(&text).map(|value| Cell::Number { value, whole: false }),
            (Kind::Decimal, _) => decimal(&text).map(|value| Cell::Number { value, whole: false }),
        };
        match cell {
            Some(cell) => Ok(cell),
            None if self.known => self.as_text(text),
            None => bail!(
                "Excel has no such number or time as {text}; with the columns' types, given by \
                 `schema = ...` or as rows of a struct, it is kept as text; Parquet keeps it as it \
                 is",
            ),
        }
    }

    /// Returns a text cell for a value that no other cell can hold.
    fn as_text(&self, text: String) -> Result<Cell> {
        let column: ArrayRef = Arc::new(LargeStringArray::from(vec![text.as_str()]));
        let same = parse(&column, self.data_type).is_ok_and(|back| {
            let back = ArrayFormatter::try_new(back.as_ref(), &FormatOptions::new())
                .and_then(|back| back.value(0).try_to_string());
            back.is_ok_and(|back| back == text)
        });
        ensure!(same, "neither Excel nor text has such a number or time as {text}; Parquet has");
        Ok(Cell::Text(if self.utc { text + "Z" } else { text }))
    }
}

/// Removes what a cell does not show: a dictionary, and the zone of a timestamp, which is stored in
/// UTC.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) => {
            plain(&cast_with_options(array.as_ref(), values, &STRICT)?)
        }
        DataType::Timestamp(unit, Some(_)) => {
            let label = DataType::Timestamp(*unit, None);
            Ok(make_array(array.to_data().into_builder().data_type(label).build()?))
        }
        _ => Ok(array.clone()),
    }
}

fn kind(data_type: &DataType) -> Kind {
    let per_day = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 86_400,
        TimeUnit::Millisecond => 86_400_000,
        TimeUnit::Microsecond => 86_400_000_000,
        TimeUnit::Nanosecond => 86_400_000_000_000,
    };
    match data_type {
        DataType::Boolean => Kind::Bool,
        DataType::Date32 => Kind::Time { form: Form::Date, per_day: 1 },
        DataType::Time32(unit) | DataType::Time64(unit) => {
            Kind::Time { form: Form::Clock, per_day: per_day(unit) }
        }
        DataType::Timestamp(unit, _) => Kind::Time { form: Form::Moment, per_day: per_day(unit) },
        DataType::Duration(unit) => Kind::Time { form: Form::Span, per_day: per_day(unit) },
        other if other.is_integer() => Kind::Integer,
        other if other.is_floating() => Kind::Float,
        other if other.is_decimal() => Kind::Decimal,
        _ => Kind::Text,
    }
}

fn ticks(array: &ArrayRef) -> Result<Int64Array> {
    let narrow = matches!(array.data_type(), DataType::Date32 | DataType::Time32(_));
    let first = if narrow { DataType::Int32 } else { DataType::Int64 };
    let ticks = cast_with_options(array.as_ref(), &first, &STRICT)?;
    let ticks = cast_with_options(&ticks, &DataType::Int64, &STRICT)?;
    Ok(ticks.as_primitive::<Int64Type>().clone())
}

/// Returns an error if the value has other columns than the given schema.
fn check_given(schema: &Schema, given: &Schema) -> Result<()> {
    crate::given::check(schema, given)?;
    check_types(given, true)
}

/// Returns an error if a batch has nulls where the given schema allows none.
fn check_nulls(batch: &RecordBatch, given: &Schema) -> Result<()> {
    for (field, array) in given.fields().iter().zip(batch.columns()) {
        let fits = field.is_nullable() || array.logical_null_count() == 0;
        ensure!(fits, "column `{}` has nulls, and none by the schema given", field.name());
    }
    Ok(())
}

/// Returns an error if cells cannot preserve the values of a column.
pub(super) fn check_types(schema: &Schema, known: bool) -> Result<()> {
    for field in schema.fields() {
        let (name, data_type) = (field.name(), field.data_type());
        let inner = match data_type {
            DataType::Dictionary(_, values) => values,
            other => other,
        };
        let shown = match inner {
            DataType::Null | DataType::Boolean | DataType::Date32 | DataType::Duration(_) => true,
            DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(_, None) => true,
            other => other.is_string() || other.is_integer() || other.is_floating(),
        };
        let held = shown || inner.is_decimal() || matches!(inner, DataType::Timestamp(..));
        ensure!(
            held,
            "column `{name}` is of type {data_type}, which no cell holds; `Parquet` does",
        );
        ensure!(
            known || shown,
            "column `{name}` is of type {data_type}, which its cells do not show: give the \
             columns' types by `schema = ...`, or use Parquet",
        );
    }
    Ok(())
}
