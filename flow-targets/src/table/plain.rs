//! Converts columns of types that rows are not read from to columns of types that they are.
//!
//! Other programs write views of lists, runs, dictionaries of any values, decimals of every width and times of named
//! zones. A row is read from the values, whatever their encoding:
//!
//! | column | read as |
//! | --- | --- |
//! | run-end encoded, dictionary of anything but text | its values |
//! | dictionary of text views | dictionary of text |
//! | view of lists | list |
//! | timestamp with a zone | timestamp in UTC, which is the same instant |
//! | `Decimal32`, `Decimal64` | `Decimal128` |
//! | `Decimal256` | `Decimal128`, or text if a value has more than 38 digits |
//! | `FixedSizeBinary(0)` | `Binary` |
//! | list, struct or map of such a column | the same of the converted column |

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, GenericListArray, MapArray,
    OffsetSizeTrait, RecordBatch, RecordBatchOptions, StructArray, make_array,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use arrow::util::display::FormatOptions;

/// Options with which a value that does not fit is an error instead of null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// The digits of the longest decimal that rows are read from.
const DIGITS: u8 = 38;

/// Converts the columns of a batch. Columns that need no conversion are not copied.
pub(super) fn batch(batch: &RecordBatch) -> Result<RecordBatch> {
    let fields = batch.schema_ref().fields();
    if fields.iter().all(|field| is_plain(field.data_type())) {
        return Ok(batch.clone());
    }
    let arrays = batch.columns().iter().map(plain).collect::<Result<Vec<_>>>()?;
    let fields: Fields =
        fields.iter().zip(&arrays).map(|(field, array)| retyped(field, array)).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, batch.schema_ref().metadata().clone()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

/// Returns the field with the type of its converted array. Runs and dictionaries may have nulls in their values alone.
fn retyped(field: &FieldRef, array: &ArrayRef) -> FieldRef {
    let is_nullable = field.is_nullable() || array.null_count() > 0;
    let retyped = Field::clone(field).with_data_type(array.data_type().clone());
    Arc::new(retyped.with_nullable(is_nullable))
}

/// Returns whether rows are read from columns of a type as they are.
fn is_plain(data_type: &DataType) -> bool {
    match data_type {
        DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal256(..)
        | DataType::FixedSizeBinary(0) => false,
        DataType::Timestamp(_, Some(zone)) => &**zone == "UTC",
        DataType::Dictionary(_, values) => {
            matches!(**values, DataType::Utf8 | DataType::LargeUtf8)
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => is_plain(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_plain(field.data_type())),
        _ => true,
    }
}

/// Converts an array.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    if is_plain(array.data_type()) {
        return Ok(array.clone());
    }
    match array.data_type() {
        DataType::RunEndEncoded(_, values) => {
            plain(&cast_with_options(array, values.data_type(), &STRICT)?)
        }
        DataType::Dictionary(keys, values) if **values == DataType::Utf8View => {
            let text = DataType::Dictionary(keys.clone(), Box::new(DataType::LargeUtf8));
            Ok(cast_with_options(array, &text, &STRICT)?)
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let keys = dictionary.keys();
            plain(&arrow::compute::take(dictionary.values().as_ref(), keys, None)?)
        }
        DataType::ListView(item) => {
            plain(&cast_with_options(array, &DataType::List(item.clone()), &STRICT)?)
        }
        DataType::LargeListView(item) => {
            plain(&cast_with_options(array, &DataType::LargeList(item.clone()), &STRICT)?)
        }
        DataType::Timestamp(unit, Some(_)) => {
            let utc = DataType::Timestamp(*unit, Some("UTC".into()));
            Ok(make_array(array.to_data().into_builder().data_type(utc).build()?))
        }
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            let wide = DataType::Decimal128(*precision, *scale);
            Ok(cast_with_options(array, &wide, &STRICT)?)
        }
        DataType::Decimal256(precision, scale) => {
            let narrow = DataType::Decimal128((*precision).min(DIGITS), *scale);
            let narrow = cast_with_options(array, &narrow, &STRICT);
            Ok(narrow.or_else(|_| cast_with_options(array, &DataType::Utf8, &STRICT))?)
        }
        DataType::FixedSizeBinary(0) => {
            let offsets = OffsetBuffer::<i32>::new_zeroed(array.len());
            let none = Buffer::from_vec(Vec::<u8>::new());
            Ok(Arc::new(BinaryArray::try_new(offsets, none, array.nulls().cloned())?))
        }
        DataType::List(item) => list::<i32>(array, item),
        DataType::LargeList(item) => list::<i64>(array, item),
        DataType::FixedSizeList(item, length) => {
            let list = array.as_fixed_size_list();
            let values = plain(list.values())?;
            let item = retyped(item, &values);
            let nulls = list.nulls().cloned();
            Ok(Arc::new(FixedSizeListArray::try_new(item, *length, values, nulls)?))
        }
        DataType::Struct(_) => Ok(Arc::new(structs(array.as_struct())?)),
        DataType::Map(entries, is_sorted) => {
            let map = array.as_map();
            let pairs = structs(map.entries())?;
            let entries = Field::clone(entries).with_data_type(pairs.data_type().clone());
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            let map = MapArray::try_new(Arc::new(entries), offsets, pairs, nulls, *is_sorted)?;
            Ok(Arc::new(map))
        }
        _ => Ok(array.clone()),
    }
}

fn list<O: OffsetSizeTrait>(array: &ArrayRef, item: &FieldRef) -> Result<ArrayRef> {
    let list = array.as_list::<O>();
    let values = plain(list.values())?;
    let item = retyped(item, &values);
    let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
    Ok(Arc::new(GenericListArray::<O>::try_new(item, offsets, values, nulls)?))
}

fn structs(array: &StructArray) -> Result<StructArray> {
    let arrays = array.columns().iter().map(plain).collect::<Result<Vec<_>>>()?;
    let fields: Fields =
        array.fields().iter().zip(&arrays).map(|(field, array)| retyped(field, array)).collect();
    let nulls = array.nulls().cloned();
    Ok(StructArray::try_new_with_length(fields, arrays, nulls, array.len())?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Decimal256Array, Int32Array, Int64Array, ListViewArray, RunArray};
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Int32Type, i256};

    use super::*;

    fn converted(array: impl Array + 'static) -> ArrayRef {
        let array: ArrayRef = Arc::new(array);
        let batch = RecordBatch::try_from_iter_with_nullable([("column", array, true)]).unwrap();
        super::batch(&batch).unwrap().column(0).clone()
    }

    #[test]
    fn runs_are_read_as_their_values() {
        let ends = Int32Array::from(vec![2, 3]);
        let values = Int64Array::from(vec![Some(7), None]);
        let runs = RunArray::<Int32Type>::try_new(&ends, &values).unwrap();
        let expected = Int64Array::from(vec![Some(7), Some(7), None]);
        assert_eq!(*converted(runs).as_primitive(), expected);
    }

    #[test]
    fn lists_that_are_views_may_overlap() {
        let item = Arc::new(Field::new_list_field(DataType::Int32, true));
        let offsets = ScalarBuffer::from(vec![1, 0]);
        let sizes = ScalarBuffer::from(vec![2, 2]);
        let values = Arc::new(Int32Array::from(vec![1, 2, 3]));
        let views = ListViewArray::try_new(item, offsets, sizes, values, None).unwrap();
        let lists = converted(views);
        let lists = lists.as_list::<i32>();
        assert_eq!(*lists.value(0).as_primitive(), Int32Array::from(vec![2, 3]));
        assert_eq!(*lists.value(1).as_primitive(), Int32Array::from(vec![1, 2]));
    }

    #[test]
    fn decimals_of_more_than_38_digits_are_text() {
        let long = i256::from_i128(10_i128.pow(37)) * i256::from_i128(10_i128.pow(10));
        let long = Decimal256Array::from(vec![Some(long), None]);
        let long = converted(long.with_precision_and_scale(60, 2).unwrap());
        assert_eq!(long.as_string::<i32>().value(0), format!("1{}.00", "0".repeat(45)));
        assert!(long.is_null(1));
        let short = Decimal256Array::from(vec![Some(i256::from_i128(125))]);
        let short = converted(short.with_precision_and_scale(60, 2).unwrap());
        assert_eq!(*short.data_type(), DataType::Decimal128(38, 2));
    }

    #[test]
    fn other_columns_are_not_copied() {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let batch = RecordBatch::try_from_iter([("n", array.clone())]).unwrap();
        assert!(Arc::ptr_eq(super::batch(&batch).unwrap().column(0), &array));
    }
}
