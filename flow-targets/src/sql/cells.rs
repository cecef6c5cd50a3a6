//! Columns of Arrow as the cells of a database.
//!
//! A database has integers, floating point numbers, texts and bytes. Integers and booleans become integers; dates, times,
//! timestamps and decimals the text that Arrow casts them to, which is that of ISO 8601 for dates and times. A value that
//! would not come back equal is an error.
//!
//! The digest of a table hashes the cells row by row, so that it does not depend on where batches are cut.

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};

use crate::display;

/// The kinds of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Real,
    Text,
    Bytes,
}

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Kind {
    /// Returns the kind of cells that keeps a column of this type.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64 => Self::Int,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Real,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Self::Text,
            DataType::Dictionary(_, values) => return Self::of(values),
            _ => return None,
        })
    }

    /// Returns the Arrow type whose values are the cells.
    fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Real => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
        }
    }
}

/// Checks that a table of a database can have these columns.
pub(crate) fn check(schema: &Schema) -> Result<()> {
    for (place, field) in schema.fields().iter().enumerate() {
        let (name, data_type) = (field.name(), field.data_type());
        ensure!(!name.is_empty() && !name.contains('\0'), "column {place} has no name");
        let kind = Kind::of(data_type).map(Kind::data_type);
        ensure!(
            kind.is_some_and(
                |kind| can_cast_types(data_type, &kind) && can_cast_types(&kind, data_type)
            ),
            "column `{name}` is of type {data_type}, which a table of a database does not have: store its text as JSON, \
             or use `Parquet` or `ArrowIpc`",
        );
        let before = &schema.fields()[..place];
        if let Some(other) = before.iter().find(|other| other.name().eq_ignore_ascii_case(name)) {
            bail!(
                "columns `{}` and `{name}` have one name in a database, which ignores case: rename one",
                other.name()
            );
        }
    }
    ensure!(!schema.fields().is_empty(), "a table of a database has one column at least");
    Ok(())
}

/// Casts, and returns an error instead of null for a value that does not fit.
pub(super) fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(display::cast(array, to)?)
}

/// The cells of one column.
pub(crate) enum Cells {
    Int(Int64Array),
    Real(Float64Array),
    Text(StringArray),
    Bytes(BinaryArray),
}

impl Cells {
    /// Converts the columns of a batch. `before` is the number of rows before it in the table.
    ///
    /// # Errors
    ///
    /// A value would not come back equal.
    pub(crate) fn of_batch(batch: &RecordBatch, before: u64) -> Result<Vec<Self>> {
        let fields = batch.schema_ref().fields().iter();
        let columns = fields.zip(batch.columns()).map(|(field, column)| {
            Self::of_column(column).with_context(|| {
                format!(
                    "column `{}`, in the {} rows from row {before} on",
                    field.name(),
                    column.len()
                )
            })
        });
        columns.collect()
    }

    fn of_column(column: &ArrayRef) -> Result<Self> {
        let data_type = column.data_type();
        let kind = Kind::of(data_type).with_context(|| format!("no cells hold {data_type}"))?;
        let cells = cast(column, &kind.data_type())?;
        // The cast may round: times to the digits that are shown, for example.
        if kind == Kind::Text && !is_text(data_type) {
            let back = cast(&cells, data_type)?;
            ensure!(
                back.to_data() == column.to_data(),
                "a value of type {data_type} has no text that is read back as the same value",
            );
        }
        Ok(match kind {
            Kind::Int => Self::Int(cells.as_primitive::<Int64Type>().clone()),
            Kind::Real => Self::Real(cells.as_primitive::<Float64Type>().clone()),
            Kind::Text => Self::Text(cells.as_string::<i32>().clone()),
            Kind::Bytes => Self::Bytes(cells.as_binary::<i32>().clone()),
        })
    }

    /// Returns a cell.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Int(cells) if cells.is_valid(row) => Cell::Int(cells.value(row)),
            Self::Real(cells) if cells.is_valid(row) => Cell::Real(cells.value(row)),
            Self::Text(cells) if cells.is_valid(row) => Cell::Text(cells.value(row)),
            Self::Bytes(cells) if cells.is_valid(row) => Cell::Bytes(cells.value(row)),
            _ => Cell::Null,
        }
    }
}

/// Returns whether the values of a type are texts.
fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// How many bytes are gathered before they are hashed.
const GATHERED: usize = 64 * 1024;

/// The digest of the cells of a table, row by row.
#[derive(Default)]
pub(crate) struct RowsDigest {
    hasher: blake3::Hasher,
    gathered: Vec<u8>,
    rows: u64,
}

impl RowsDigest {
    /// Adds the next cell of a row.
    #[inline]
    pub(crate) fn cell(&mut self, cell: Cell<'_>) {
        let to = &mut self.gathered;
        match cell {
            Cell::Null => to.push(0),
            Cell::Int(value) => {
                to.push(1);
                to.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Real(value) => {
                to.push(2);
                // SQLite stores a negative zero as zero.
                to.extend_from_slice(&(value + 0.0).to_bits().to_le_bytes());
            }
            Cell::Text(text) => {
                to.push(3);
                to.extend_from_slice(&(text.len() as u64).to_le_bytes());
                to.extend_from_slice(text.as_bytes());
            }
            Cell::Bytes(bytes) => {
                to.push(4);
                to.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                to.extend_from_slice(bytes);
            }
        }
    }

    /// Ends a row.
    #[inline]
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
        if self.gathered.len() >= GATHERED {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
        }
    }

    /// Returns the number of rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the digest, 32 digits.
    pub(crate) fn finish(mut self) -> String {
        self.hasher.update(&self.gathered);
        self.hasher.finalize().to_hex()[..32].to_owned()
    }
}
