//! Cells of a database as columns of Arrow.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{
    Array, ArrayRef, BinaryBuilder, Float64Builder, Int64Builder, RecordBatch, RecordBatchOptions,
    StringBuilder,
};
use arrow::datatypes::{DataType, SchemaRef};

use crate::sql::cells::{Cell, Kind, cast};

/// Collects the cells of one column.
pub(crate) enum Collected {
    Int(Int64Builder),
    Real(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl Collected {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Real => Self::Real(Float64Builder::new()),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    /// Adds a cell. Returns whether it is of the kind of the column; an integer is also a floating point number.
    #[inline]
    pub(crate) fn push(&mut self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Int(cells), Cell::Int(value)) => cells.append_value(value),
            (Self::Real(cells), Cell::Real(value)) => cells.append_value(value),
            (Self::Real(cells), Cell::Int(value)) => cells.append_value(value as f64),
            (Self::Text(cells), Cell::Text(value)) => cells.append_value(value),
            (Self::Bytes(cells), Cell::Bytes(value)) => cells.append_value(value),
            (Self::Int(cells), Cell::Null) => cells.append_null(),
            (Self::Real(cells), Cell::Null) => cells.append_null(),
            (Self::Text(cells), Cell::Null) => cells.append_null(),
            (Self::Bytes(cells), Cell::Null) => cells.append_null(),
            _ => return false,
        }
        true
    }

    /// Takes the cells as a column of this type.
    pub(crate) fn take(&mut self, data_type: &DataType) -> Result<ArrayRef> {
        let cells: ArrayRef = match self {
            Self::Int(cells) => Arc::new(cells.finish()),
            Self::Real(cells) => Arc::new(cells.finish()),
            Self::Text(cells) => Arc::new(cells.finish()),
            Self::Bytes(cells) => Arc::new(cells.finish()),
        };
        if cells.data_type() == data_type { Ok(cells) } else { cast(&cells, data_type) }
    }
}

/// Takes the collected cells as a batch of `rows` rows.
pub(crate) fn take_batch(
    columns: &mut [Collected],
    schema: &SchemaRef,
    rows: usize,
) -> Result<RecordBatch> {
    let columns = columns.iter_mut().zip(schema.fields()).map(|(cells, field)| {
        cells.take(field.data_type()).with_context(|| format!("column `{}`", field.name()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
