//! Determines the types of the columns of a sheet.

use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::super::cell::{Cell, Form, Time};
use super::Types;
use super::sheet::Column;

/// Returns the schema of a sheet with these columns.
///
/// # Errors
///
/// The names differ from those of the schema given.
pub(super) fn schema(names: &[String], columns: &[Column], types: Types<'_>) -> Result<SchemaRef> {
    if let Types::Schema(schema) = types {
        let expected: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
        ensure!(
            names.iter().eq(expected.iter().copied()),
            "the columns are {names:?}, and the schema given has {expected:?}",
        );
        return Ok(schema.clone());
    }
    let field = |(name, cells): (&String, &Column)| {
        let known = match types {
            Types::ByName(fields) => fields.iter().find(|field| field.name() == name),
            _ => None,
        };
        let data_type = known.map_or_else(|| shown(cells), |field| field.data_type().clone());
        Field::new(name, data_type, true)
    };
    Ok(Arc::new(Schema::new(names.iter().zip(columns).map(field).collect::<Vec<_>>())))
}

/// Returns the type of a column, as its cells show it.
fn shown(column: &Column) -> DataType {
    column.iter().filter_map(|(_, cell)| shown_by(cell)).reduce(both).unwrap_or(DataType::Null)
}

/// Returns the type that one cell shows.
fn shown_by(cell: &Cell) -> Option<DataType> {
    // Above 2^53, floats skip integers, so that the digits are not exact.
    let is_integer = |value: f64| value.fract() == 0.0 && value.abs() <= 2_f64.powi(53);
    Some(match cell {
        Cell::Null => return None,
        Cell::Bool(_) => DataType::Boolean,
        Cell::Number { value, whole: true } if is_integer(*value) => DataType::Int64,
        Cell::Number { .. } => DataType::Float64,
        Cell::Time(time) if time.form == Form::Date && time.is_date() => DataType::Date32,
        // The format may show only the date of a timestamp.
        Cell::Time(Time { form: Form::Date | Form::Moment, .. }) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        Cell::Time(Time { form: Form::Clock, .. }) => DataType::Time32(TimeUnit::Millisecond),
        Cell::Time(Time { form: Form::Span, .. }) => DataType::Duration(TimeUnit::Millisecond),
        Cell::Text(_) => DataType::Utf8,
    })
}

/// Returns the type of a column that has cells of both types.
fn both(a: DataType, b: DataType) -> DataType {
    match (&a, &b) {
        _ if a == b => a,
        (DataType::Int64 | DataType::Float64, DataType::Int64 | DataType::Float64) => {
            DataType::Float64
        }
        (DataType::Timestamp(..), DataType::Date32) => a,
        (DataType::Date32, DataType::Timestamp(..)) => b,
        // A duration shorter than a day may be formatted as a time of day.
        (DataType::Duration(_), DataType::Time32(_)) => a,
        (DataType::Time32(_), DataType::Duration(_)) => b,
        _ => DataType::Utf8,
    }
}
