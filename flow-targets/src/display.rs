//! Prepares columns for display as text.
//!
//! arrow formats a timestamp only if the zone of its column is an offset, such as `+00:00`: it has no database of zones
//! here. A column with the zone `UTC` or `Europe/Berlin` is an error of the formatter, and of a cast to text.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;

/// The zone UTC as an offset.
const UTC: &str = "+00:00";

/// Returns the column with the same instants in UTC, if arrow cannot format the zone of its timestamps.
///
/// Timestamps within lists, structs, maps and dictionaries are included. Other columns are returned as they are.
///
/// # Errors
///
/// The array is damaged.
pub fn displayable(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if *array.data_type() == in_utc(array.data_type()) {
        return Ok(array.clone());
    }
    Ok(make_array(relabeled(array.to_data())?))
}

/// Returns the batch with columns that are [`displayable`].
///
/// # Errors
///
/// A column is damaged.
pub fn displayable_batch(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let arrays = batch.columns().iter().map(displayable).collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&arrays);
    let fields =
        fields.map(|(field, array)| Field::clone(field).with_data_type(array.data_type().clone()));
    let fields: Vec<Field> = fields.collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, arrays, &options)
}

/// Casts an array from or to texts, whose types may have timestamps of zones that arrow does not know.
///
/// # Errors
///
/// A value does not have the type.
#[cfg(any(feature = "_sql", feature = "parquet"))]
pub(crate) fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    use arrow::compute::{CastOptions, cast_with_options};

    let options = CastOptions { safe: false, ..CastOptions::default() };
    if array.data_type() == to {
        return Ok(array.clone());
    }
    let utc = in_utc(to);
    let cast = cast_with_options(&displayable(array)?, &utc, &options)?;
    if utc == *to {
        return Ok(cast);
    }
    let data = cast.to_data();
    let children = data.child_data().iter().cloned().map(|child| match to {
        DataType::Dictionary(_, values) => {
            child.into_builder().data_type((**values).clone()).build()
        }
        _ => Ok(child),
    });
    let children = children.collect::<Result<Vec<_>, _>>()?;
    Ok(make_array(data.into_builder().data_type(to.clone()).child_data(children).build()?))
}

/// Changes the types of an array and its children, which all have the same layout as before.
fn relabeled(data: ArrayData) -> Result<ArrayData, ArrowError> {
    let data_type = in_utc(data.data_type());
    if data_type == *data.data_type() {
        return Ok(data);
    }
    let children = data.child_data().iter().cloned().map(relabeled);
    let children = children.collect::<Result<Vec<_>, _>>()?;
    data.into_builder().data_type(data_type).child_data(children).build()
}

/// Returns the type with zones that arrow can format.
fn in_utc(data_type: &DataType) -> DataType {
    let item = |field: &FieldRef| -> FieldRef {
        Field::clone(field).with_data_type(in_utc(field.data_type())).into()
    };
    match data_type {
        DataType::Timestamp(unit, Some(zone)) if zone.parse::<Tz>().is_err() => {
            DataType::Timestamp(*unit, Some(UTC.into()))
        }
        DataType::List(field) => DataType::List(item(field)),
        DataType::LargeList(field) => DataType::LargeList(item(field)),
        DataType::ListView(field) => DataType::ListView(item(field)),
        DataType::LargeListView(field) => DataType::LargeListView(item(field)),
        DataType::FixedSizeList(field, length) => DataType::FixedSizeList(item(field), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(item).collect()),
        DataType::Map(field, is_sorted) => DataType::Map(item(field), *is_sorted),
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(in_utc(values)))
        }
        DataType::RunEndEncoded(ends, values) => {
            DataType::RunEndEncoded(ends.clone(), item(values))
        }
        other => other.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{AsArray, Int64Array, ListArray, TimestampNanosecondArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Int32Type;
    use arrow::util::display::array_value_to_string;

    use super::*;

    fn instants(zone: &str) -> ArrayRef {
        let instants = TimestampNanosecondArray::from(vec![Some(0), None, Some(1_500_000_000)]);
        Arc::new(instants.with_timezone(zone))
    }

    fn text(array: &ArrayRef, row: usize) -> String {
        array_value_to_string(&displayable(array).unwrap(), row).unwrap()
    }

    #[test]
    fn timestamps_of_named_zones_are_shown_in_utc() {
        for zone in ["UTC", "Europe/Berlin", "no zone"] {
            let shown = displayable(&instants(zone)).unwrap();
            assert!(shown.is_null(1));
            assert_eq!(text(&instants(zone), 2), "1970-01-01T00:00:01.500Z", "{zone}");
        }
        assert_eq!(text(&instants("+02:00"), 0), "1970-01-01T02:00:00+02:00");
    }

    #[test]
    fn timestamps_within_lists_and_dictionaries_are_shown_in_utc() {
        let utc = instants("UTC");
        let item = Arc::new(Field::new_list_field(utc.data_type().clone(), true));
        let ends = OffsetBuffer::from_lengths([2, 1]);
        let lists: ArrayRef = Arc::new(ListArray::try_new(item, ends, utc.clone(), None).unwrap());
        assert_eq!(text(&lists, 1), "[1970-01-01T00:00:01.500Z]");
        assert_eq!(text(&lists.slice(1, 1), 0), "[1970-01-01T00:00:01.500Z]");

        let keys = arrow::array::Int32Array::from(vec![2, 0]);
        let dictionary = arrow::array::DictionaryArray::<Int32Type>::try_new(keys, utc).unwrap();
        let dictionary: ArrayRef = Arc::new(dictionary);
        assert_eq!(text(&dictionary, 0), "1970-01-01T00:00:01.500Z");
        assert_eq!(displayable(&dictionary).unwrap().as_dictionary::<Int32Type>().len(), 2);
    }

    #[test]
    fn other_columns_are_not_copied() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        assert!(Arc::ptr_eq(&displayable(&numbers).unwrap(), &numbers));
    }
}
