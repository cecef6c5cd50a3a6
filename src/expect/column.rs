//! Columns of a batch, as expectations read them.

use anyhow::{Result, anyhow, bail, ensure};
use flow_core::ColumnStatistics;
use flow_core::jiff::civil::DateTime;
use flow_core::jiff::{SignedDuration, Timestamp};
use flow_targets::RecordBatch;
use flow_targets::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, LargeStringArray, UInt64Array,
};
use flow_targets::arrow::buffer::NullBuffer;
use flow_targets::arrow::compute::cast;
use flow_targets::arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, UInt64Type};
use flow_targets::arrow::util::display::array_value_to_string;
use flow_targets::display::displayable;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::limit::{Limit, Value};

/// Returns a column by its name.
///
/// # Errors
///
/// There is none. The error lists the columns.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| {
        let schema = batch.schema();
        let names: Vec<_> = schema.fields().iter().map(|it| format!("`{}`", it.name())).collect();
        match names.is_empty() {
            true => anyhow!("there is no column `{name}`: the table has no columns"),
            false => anyhow!("there is no column `{name}`; the columns are {}", names.join(", ")),
        }
    })
}

/// Returns the type of the values of a column, which a dictionary stores once.
fn value_type(ty: &DataType) -> &DataType {
    match ty {
        DataType::Dictionary(_, values) => value_type(values),
        ty => ty,
    }
}

/// The values of a column, in one of these types.
pub(super) enum Values {
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Float(Float64Array),
    Text(LargeStringArray),
    /// Times, in a unit of so many nanoseconds.
    Times(Int64Array, i128),
}

impl Values {
    /// Returns the numbers of a column; `None` if its type is no number.
    ///
    /// # Errors
    ///
    /// The column cannot be converted.
    pub(super) fn numbers(column: &ArrayRef) -> Result<Option<Self>> {
        Ok(match value_type(column.data_type()) {
            DataType::UInt64 => {
                let cast = cast(column, &DataType::UInt64)?;
                Some(Self::Unsigned(cast.as_primitive::<UInt64Type>().clone()))
            }
            ty if ty.is_integer() => {
                let cast = cast(column, &DataType::Int64)?;
                Some(Self::Signed(cast.as_primitive::<Int64Type>().clone()))
            }
            ty if ty.is_numeric() || *ty == DataType::Null => {
                let cast = cast(column, &DataType::Float64)?;
                Some(Self::Float(cast.as_primitive::<Float64Type>().clone()))
            }
            _ => None,
        })
    }

    /// Returns the values of a column as texts or numbers, whichever the limits are. Dates, times and durations are compared
    /// with texts, by their nanoseconds; [`limit_of`] parses the texts.
    ///
    /// # Errors
    ///
    /// The column has other values. `what` says what the limits are, such as "range".
    pub(super) fn of(column: &ArrayRef, are_texts: bool, what: &str) -> Result<Self> {
        let ty = value_type(column.data_type());
        if !are_texts {
            let numbers = Self::numbers(column)?;
            return numbers
                .ok_or_else(|| anyhow!("the {what} has numbers, and the column is {ty}"));
        }
        if let Some(unit) = nanoseconds(ty) {
            // A dictionary is cast to its values first.
            let ticks = cast(&cast(column, ty)?, &DataType::Int64)?;
            return Ok(Self::Times(ticks.as_primitive::<Int64Type>().clone(), unit));
        }
        let is_text = ty.is_string() || *ty == DataType::Null;
        ensure!(is_text, "the {what} has texts, and the column is {ty}");
        let cast = cast(column, &DataType::LargeUtf8)?;
        Ok(Self::Text(cast.as_string::<i64>().clone()))
    }

    /// Returns the value of a row that is not null.
    pub(super) fn get(&self, row: usize) -> Option<Value<'_>> {
        match self {
            Self::Signed(values) => {
                (!values.is_null(row)).then(|| Value::Integer(values.value(row).into()))
            }
            Self::Unsigned(values) => {
                (!values.is_null(row)).then(|| Value::Integer(values.value(row).into()))
            }
            Self::Float(values) => (!values.is_null(row)).then(|| Value::Float(values.value(row))),
            Self::Text(values) => (!values.is_null(row)).then(|| Value::Text(values.value(row))),
            Self::Times(ticks, unit) => {
                let value = |ticks: i64| Value::Integer(i128::from(ticks) * unit);
                (!ticks.is_null(row)).then(|| value(ticks.value(row)))
            }
        }
    }
}

/// Returns the nanoseconds of the unit of a type of dates, times or durations.
fn nanoseconds(ty: &DataType) -> Option<i128> {
    const DAY: i128 = 86_400_000_000_000;
    let unit = match ty {
        DataType::Date32 => return Some(DAY),
        DataType::Date64 => return Some(1_000_000),
        DataType::Time32(unit)
        | DataType::Time64(unit)
        | DataType::Timestamp(unit, _)
        | DataType::Duration(unit) => unit,
        _ => return None,
    };
    Some(match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    })
}

/// Returns a limit in the form in which the values of a column are compared: for a column of times, in nanoseconds.
///
/// # Errors
///
/// The column has times, and the limit is a text that is none.
pub(super) fn limit_of(column: &ArrayRef, limit: &Limit) -> Result<Limit> {
    let ty = value_type(column.data_type());
    match limit {
        Limit::Text(text) if nanoseconds(ty).is_some() => match time(ty, text) {
            Some(nanoseconds) => Ok(Limit::Integer(nanoseconds)),
            None => {
                bail!("{text:?} is no value of the column, which is {ty}; write it in ISO 8601")
            }
        },
        limit => Ok(limit.clone()),
    }
}

/// Returns the nanoseconds of a value of a type of times, written in ISO 8601.
fn time(ty: &DataType, text: &str) -> Option<i128> {
    let since_epoch = |text: &str| {
        let time: DateTime = text.parse().ok()?;
        Some(time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_nanos())
    };
    let instant = text.parse::<Timestamp>().ok();
    match ty {
        DataType::Duration(_) => Some(text.parse::<SignedDuration>().ok()?.as_nanos()),
        DataType::Time32(_) | DataType::Time64(_) => since_epoch(&format!("1970-01-01T{text}")),
        DataType::Timestamp(_, Some(_)) => {
            instant.map(Timestamp::as_nanosecond).or_else(|| since_epoch(text))
        }
        // The offset of an instant would be dropped.
        _ if instant.is_some() => None,
        _ => since_epoch(text),
    }
}

/// Returns the statistics of a column.
///
/// # Errors
///
/// The numbers cannot be converted.
pub(super) fn statistics(column: &ArrayRef) -> Result<ColumnStatistics> {
    let nulls = column.logical_null_count() as u64;
    let Some(values) = Values::numbers(column)? else {
        return Ok(ColumnStatistics::of(nulls, []));
    };
    let number = |row| match values.get(row)? {
        Value::Integer(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        Value::Text(_) => None,
    };
    Ok(ColumnStatistics::of(nulls, (0..column.len()).filter_map(number)))
}

/// Checks that a column has numbers.
///
/// # Errors
///
/// There is no such column, or it has other values.
pub(super) fn has_numbers(batch: &RecordBatch, name: &str) -> Result<()> {
    let column = column(batch, name)?;
    let ty = column.data_type();
    ensure!(Values::numbers(column)?.is_some(), "a mean needs numbers, and the column is {ty}");
    Ok(())
}

/// Returns the value of a row as text, for a message.
pub(super) fn shown(column: &ArrayRef, row: usize) -> String {
    if column.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
        return "null".to_owned();
    }
    let text = displayable(column).and_then(|column| array_value_to_string(&column, row));
    let is_text = matches!(
        value_type(column.data_type()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    match text {
        Ok(text) if is_text => format!("{text:?}"),
        Ok(text) => text,
        Err(error) => format!("<{error}>"),
    }
}

/// A row of a batch, which is serialized as a map from columns to values.
pub(super) struct Row<'a> {
    pub(super) columns: &'a [RowColumn],
    pub(super) row: usize,
}

/// A column of which rows are serialized.
pub(super) struct RowColumn {
    name: String,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
}

impl RowColumn {
    /// Returns all columns of a batch.
    pub(super) fn all(batch: &RecordBatch) -> Vec<Self> {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, values)| Self {
            name: field.name().clone(),
            values: displayable(values).unwrap_or_else(|_| values.clone()),
            nulls: values.logical_nulls(),
        });
        columns.collect()
    }

    fn cell(&self, row: usize) -> Cell {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Cell::Null;
        }
        let Ok(text) = array_value_to_string(&self.values, row) else { return Cell::Null };
        let ty = value_type(self.values.data_type());
        let typed = match ty {
            DataType::Boolean => text.parse().ok().map(Cell::Bool),
            DataType::UInt64 => text.parse().ok().map(Cell::Unsigned),
            ty if ty.is_integer() => text.parse().ok().map(Cell::Signed),
            ty if ty.is_floating() => {
                text.parse().ok().filter(|number: &f64| number.is_finite()).map(Cell::Float)
            }
            _ => None,
        };
        typed.unwrap_or(Cell::Text(text))
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for column in self.columns {
            map.serialize_entry(&column.name, &column.cell(self.row))?;
        }
        map.end()
    }
}

/// A value of a rejected row. Types that JSON lacks, and numbers that are not finite, are text.
#[derive(Serialize)]
#[serde(untagged)]
enum Cell {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// Converts columns of another table to the types of these, so that their values can be compared.
///
/// # Errors
///
/// The tables name different numbers of columns, or values of a column cannot have the type of the other.
pub(super) fn cast_to(columns: &[ArrayRef], types: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    if columns.len() != types.len() {
        bail!("{} columns refer to {}", types.len(), columns.len());
    }
    let cast = columns.iter().zip(types).map(|(column, ty)| Ok(cast(column, ty.data_type())?));
    cast.collect()
}
