//! Writes columns as cells.

use std::fmt::Write as _;

use anyhow::{Context, Result, anyhow, ensure};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch, StringArrayType,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast_with_options;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::super::options::Options;
use super::super::write::CellWriter;
use super::types::{check_given, check_inferred};
use super::{STRICT, relabelled};

/// Writes batches of one schema.
pub(in super::super) struct ColumnWriter<'a, 'b> {
    cells: &'a mut CellWriter<'b>,
    /// The number of rows written so far.
    rows: usize,
}

impl<'a, 'b> ColumnWriter<'a, 'b> {
    /// Checks that the schema can be preserved, and writes the header.
    pub(in super::super) fn new(
        schema: &Schema,
        options: &Options,
        cells: &'a mut CellWriter<'b>,
    ) -> Result<Self> {
        ensure!(!schema.fields().is_empty(), "a table without columns has no lines");
        match &options.schema {
            Some(given) => check_given(schema, given)?,
            None => check_inferred(schema)?,
        }
        if options.header {
            schema.fields().iter().for_each(|field| cells.name(field.name()));
            cells.end_line()?;
        }
        Ok(Self { cells, rows: 0 })
    }

    pub(in super::super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let arrays = batch.columns().iter().map(plain).collect::<Result<Vec<_>>>()?;
        let mut columns = Vec::new();
        for (field, array) in batch.schema_ref().fields().iter().zip(&arrays) {
            let of_column = || format!("column `{}`", field.name());
            check_precision(array, self.rows).with_context(of_column)?;
            let utc = matches!(field.data_type(), DataType::Timestamp(_, Some(_)));
            columns.push(Column {
                name: field.name(),
                nulls: array.logical_nulls(),
                values: values(array, utc)?,
            });
        }
        for row in 0..batch.num_rows() {
            for column in &mut columns {
                if column.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    self.cells.null();
                } else {
                    column.values.write(row, self.cells).with_context(|| {
                        format!("column `{}`, row {}", column.name, self.rows + row)
                    })?;
                }
            }
            self.cells.end_line()?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }
}

struct Column<'a> {
    name: &'a str,
    nulls: Option<NullBuffer>,
    values: Box<dyn Values + 'a>,
}

/// The values of an array, which can be written as cells.
trait Values {
    fn write(&mut self, row: usize, cells: &mut CellWriter<'_>) -> Result<()>;
}

/// Removes what the text of a cell does not show: a dictionary, and the zone of a timestamp, which
/// is stored in UTC.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) => {
            plain(&cast_with_options(array.as_ref(), values, &STRICT)?)
        }
        DataType::Timestamp(unit, Some(_)) => relabelled(array, DataType::Timestamp(*unit, None)),
        _ => Ok(array.clone()),
    }
}

/// Returns an error if a decimal has more digits than its type.
///
/// Such an array can be built, but its text cannot be parsed. The error names the row, counted from
/// `before`.
fn check_precision(array: &ArrayRef, before: usize) -> Result<()> {
    fn check<T: DecimalType>(array: &ArrayRef, before: usize, digits: (u8, i8)) -> Result<()> {
        let values = array.as_primitive::<T>().iter().enumerate();
        for (row, value) in values.filter_map(|(row, value)| Some((row, value?))) {
            T::validate_decimal_precision(value, digits.0, digits.1)
                .with_context(|| format!("row {}", before + row))?;
        }
        Ok(())
    }
    match *array.data_type() {
        DataType::Decimal32(precision, scale) => {
            check::<Decimal32Type>(array, before, (precision, scale))
        }
        DataType::Decimal64(precision, scale) => {
            check::<Decimal64Type>(array, before, (precision, scale))
        }
        DataType::Decimal128(precision, scale) => {
            check::<Decimal128Type>(array, before, (precision, scale))
        }
        DataType::Decimal256(precision, scale) => {
            check::<Decimal256Type>(array, before, (precision, scale))
        }
        _ => Ok(()),
    }
}

fn values(array: &ArrayRef, utc: bool) -> Result<Box<dyn Values + '_>> {
    const DISPLAY: FormatOptions<'_> = FormatOptions::new();
    fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Box<dyn Values + '_>
    where
        T::Native: itoa::Integer,
    {
        Box::new(Integers(array.as_primitive::<T>()))
    }
    fn floats<T: ArrowPrimitiveType>(array: &ArrayRef) -> Box<dyn Values + '_>
    where
        T::Native: ryu::Float,
    {
        Box::new(Floats(array.as_primitive::<T>()))
    }
    Ok(match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float32 => floats::<Float32Type>(array),
        DataType::Float64 => floats::<Float64Type>(array),
        DataType::Utf8 => Box::new(Texts(array.as_string::<i32>())),
        DataType::LargeUtf8 => Box::new(Texts(array.as_string::<i64>())),
        DataType::Utf8View => Box::new(Texts(array.as_string_view())),
        _ => Box::new(Displayed {
            values: ArrayFormatter::try_new(array.as_ref(), &DISPLAY)?,
            utc,
            text: String::new(),
        }),
    })
}

struct Integers<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Values for Integers<'_, T>
where
    T::Native: itoa::Integer,
{
    fn write(&mut self, row: usize, cells: &mut CellWriter<'_>) -> Result<()> {
        cells.bare(itoa::Buffer::new().format(self.0.value(row)))
    }
}

/// Writes the shortest digits that parse to the same float.
struct Floats<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Values for Floats<'_, T>
where
    T::Native: ryu::Float,
{
    fn write(&mut self, row: usize, cells: &mut CellWriter<'_>) -> Result<()> {
        cells.bare(ryu::Buffer::new().format(self.0.value(row)))
    }
}

struct Texts<A>(A);

impl<'a, A: StringArrayType<'a>> Values for Texts<A> {
    fn write(&mut self, row: usize, cells: &mut CellWriter<'_>) -> Result<()> {
        cells.text(self.0.value(row));
        Ok(())
    }
}

/// Writes values of any other type as arrow displays them.
struct Displayed<'a> {
    values: ArrayFormatter<'a>,
    utc: bool,
    text: String,
}

impl Values for Displayed<'_> {
    fn write(&mut self, row: usize, cells: &mut CellWriter<'_>) -> Result<()> {
        self.text.clear();
        self.values.value(row).write(&mut self.text)?;
        if self.utc {
            self.text.write_char('Z').map_err(|error| anyhow!(error))?;
        }
        cells.bare(&self.text)
    }
}
