//! What columns of times, timestamps and durations share: numbers of nanoseconds in columns of any unit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, Int64Builder, make_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};

use super::text::each;
use super::{Column, Fault, Form};

/// The nanoseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000_000;

/// Returns the nanoseconds of a unit.
const fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// Returns the type of a column of times of day.
pub(super) fn clock(form: Form) -> DataType {
    match form.unit {
        unit @ (TimeUnit::Second | TimeUnit::Millisecond) => DataType::Time32(unit),
        unit @ (TimeUnit::Microsecond | TimeUnit::Nanosecond) => DataType::Time64(unit),
    }
}

/// Returns the type of a column of instants.
pub(super) fn instant(form: Form) -> DataType {
    DataType::Timestamp(form.unit, Some("UTC".into()))
}

/// Returns the type of a column of dates with a time of day, without a zone.
pub(super) fn civil(form: Form) -> DataType {
    DataType::Timestamp(form.unit, None)
}

/// Builds an array of a type with the form's unit from numbers of nanoseconds.
pub(super) fn array(
    values: impl ExactSizeIterator<Item = Option<i128>>,
    data_type: DataType,
    form: Form,
) -> Result<ArrayRef, Fault> {
    let unit = nanoseconds(form.unit);
    let mut builder = Int64Builder::with_capacity(values.len());
    for (row, value) in values.enumerate() {
        let Some(value) = value else {
            builder.append_null();
            continue;
        };
        let ticks = if unit == 1 { value } else { value.div_euclid(unit) };
        if unit != 1 && ticks * unit != value {
            let what = format!(
                "the value has digits of a second that a column in {} does not have; declare \
                 `#[row(unit = \"ns\")]` at the field",
                named(form.unit),
            );
            return Err(Fault::new(what).at(row));
        }
        let ticks = i64::try_from(ticks).map_err(|_| {
            let what = format!(
                "the value is beyond the range of a column in {}, which in nanoseconds is the years 1677 to \
                 2262; declare `#[row(unit = \"us\")]` at the field",
                named(form.unit),
            );
            Fault::new(what).at(row)
        })?;
        builder.append_value(ticks);
    }
    let ticks: ArrayRef = Arc::new(builder.finish());
    match data_type {
        DataType::Time32(_) => relabeled(&cast(&ticks, &DataType::Int32)?, data_type),
        _ => relabeled(&ticks, data_type),
    }
}

/// Returns the array with another type of the same width.
fn relabeled(array: &ArrayRef, data_type: DataType) -> Result<ArrayRef, Fault> {
    Ok(make_array(array.to_data().into_builder().data_type(data_type).build()?))
}

fn named(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    }
}

/// Reads the values of a column of times from their nanoseconds.
pub(super) fn values<T>(
    array: &ArrayRef,
    read: impl Fn(i128) -> Result<T, String>,
) -> Result<Vec<Option<T>>, Fault> {
    let (ticks, unit) = ticks(array)?;
    let unit = nanoseconds(unit);
    each(ticks.iter(), |ticks| read(i128::from(ticks) * unit))
}

/// Returns the numbers of a column of times, and their unit.
fn ticks(array: &ArrayRef) -> Result<(Int64Array, TimeUnit), Fault> {
    let (ticks, unit) = match array.data_type() {
        DataType::Timestamp(unit, _) | DataType::Time64(unit) | DataType::Duration(unit) => {
            (relabeled(array, DataType::Int64)?, *unit)
        }
        DataType::Time32(unit) => {
            (cast(&relabeled(array, DataType::Int32)?, &DataType::Int64)?, *unit)
        }
        other => return Err(Fault::other_type(other, "a time")),
    };
    Ok((ticks.as_primitive::<Int64Type>().clone(), unit))
}

/// Returns the error of a column of instants that is read as a type without a zone.
pub(super) fn has_zone(data_type: &DataType, instant: &str) -> Fault {
    Fault::new(format!(
        "the column is of type {data_type}, which is an instant, and the field is a date and time without a \
         zone: use `{instant}`",
    ))
}

/// Returns the error of a column without a zone that is read as an instant.
pub(super) fn has_no_zone(data_type: &DataType, civil: &str) -> Fault {
    Fault::new(format!(
        "the column is of type {data_type}, which has no zone, and the field is an instant: use `{civil}`",
    ))
}

impl Column for std::time::Duration {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        DataType::Duration(form.unit)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let nanoseconds = |value: &Self| i128::try_from(value.as_nanos()).unwrap_or(i128::MAX);
        let values = values.iter().map(|value| value.map(nanoseconds));
        array(values, Self::data_type(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Duration(_) => values(array, |nanoseconds| {
                let seconds = u64::try_from(nanoseconds.div_euclid(1_000_000_000));
                let seconds =
                    seconds.map_err(|_| format!("{nanoseconds} ns is a negative duration"))?;
                let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or(0);
                Ok(Self::new(seconds, rest))
            }),
            DataType::Null => Ok(super::number::all_null(array)),
            other => Err(Fault::other_type(other, "a duration")),
        }
    }
}
