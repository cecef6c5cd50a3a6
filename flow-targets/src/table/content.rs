//! Counts the memory of a table, including its texts and lists.
//!
//! Their sizes do not follow from the number of rows and the types of columns.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use anyhow::Result;

use crate::limit::check;

/// Adds up the memory that a table takes while it is read or written, and compares it with a limit.
///
/// The sum does not depend on where batches are cut, so that it is the same before a table is saved
/// and while it is loaded.
pub(crate) struct Counted {
    most: Option<u64>,
    bytes: u64,
    /// The size of the row's Rust type, if the value consists of rows.
    row: Option<usize>,
    /// The bytes per row in columns, otherwise.
    width: u64,
}

impl Counted {
    /// Creates the count of a table in columns, whose rows take `width` bytes besides texts and
    /// lists.
    pub(crate) fn columns(most: Option<u64>, width: u64) -> Self {
        Self { most, bytes: 0, row: None, width }
    }

    /// Creates the count of a value of rows, whose Rust type takes `row` bytes.
    pub(crate) fn rows(most: Option<u64>, row: usize) -> Self {
        Self { most, bytes: 0, row: Some(row), width: 0 }
    }

    /// Adds a batch.
    ///
    /// # Errors
    ///
    /// The table is larger than the limit.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(most) = self.most else { return Ok(()) };
        let each = self.row.map_or(self.width, |row| row as u64);
        let content = batch.columns().iter().map(|column| content(column, self.row.is_some()));
        let content = content.fold(0, u64::saturating_add);
        let rows = (batch.num_rows() as u64).saturating_mul(each);
        self.bytes = self.bytes.saturating_add(rows).saturating_add(content);
        self.check(most)
    }

    /// Compares the sum with a limit.
    ///
    /// # Errors
    ///
    /// The sum is larger than the limit.
    pub(crate) fn check(&self, most: u64) -> Result<()> {
        check("in memory, the table takes", self.bytes, most)
    }
}

/// Returns the bytes of the texts and lists in an array, without the array's own offsets.
///
/// `in_rows` is whether the value consists of rows, where each value of a dictionary becomes a text
/// of its own.
fn content(array: &dyn Array, in_rows: bool) -> u64 {
    let sum = |parts: &mut dyn Iterator<Item = u64>| parts.fold(0, u64::saturating_add);
    // The items of a list, which are on the heap.
    let items = |items: &dyn Array| {
        let width = items.data_type().primitive_width().unwrap_or(size_of::<u64>());
        (items.len() as u64).saturating_mul(width as u64).saturating_add(content(items, in_rows))
    };
    let slice = |values: &dyn Array, from: usize, to: usize| items(&*values.slice(from, to - from));
    match array.data_type() {
        DataType::Utf8 => length(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => length(array.as_string::<i64>().value_offsets()),
        DataType::Binary => length(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => length(array.as_binary::<i64>().value_offsets()),
        DataType::Utf8View => sum(&mut array.as_string_view().lengths().map(u64::from)),
        DataType::BinaryView => sum(&mut array.as_binary_view().lengths().map(u64::from)),
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            sum(&mut columns.map(|column| content(column, in_rows)))
        }
        DataType::List(_) => {
            let (list, offsets) = (array.as_list::<i32>(), array.as_list::<i32>().value_offsets());
            slice(list.values(), offsets[0] as usize, offsets[list.len()] as usize)
        }
        DataType::LargeList(_) => {
            let (list, offsets) = (array.as_list::<i64>(), array.as_list::<i64>().value_offsets());
            slice(list.values(), offsets[0] as usize, offsets[list.len()] as usize)
        }
        DataType::Map(..) => {
            let (map, offsets) = (array.as_map(), array.as_map().value_offsets());
            slice(map.entries(), offsets[0] as usize, offsets[map.len()] as usize)
        }
        DataType::FixedSizeList(item, _) if in_rows => {
            let list = array.as_fixed_size_list();
            let width = item.data_type().primitive_width().unwrap_or_default();
            let all = (list.values().len() as u64).saturating_mul(width as u64);
            all.saturating_add(content(list.values(), in_rows))
        }
        DataType::FixedSizeList(..) => content(array.as_fixed_size_list().values(), in_rows),
        // The views of lists may overlap.
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            sum(&mut (0..list.len()).map(|row| items(&*list.value(row))))
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            sum(&mut (0..list.len()).map(|row| items(&*list.value(row))))
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            if !in_rows || values.is_empty() {
                return content(values, in_rows);
            }
            let each: Vec<u64> =
                (0..values.len()).map(|at| content(&*values.slice(at, 1), in_rows)).collect();
            let keys = dictionary.normalized_keys().into_iter().enumerate();
            let keys = keys.filter(|(row, _)| array.is_valid(*row));
            sum(&mut keys.map(|(_, key)| each[key]))
        }
        _ => 0,
    }
}

/// Returns the number of bytes between the first and the last offset.
fn length<O: Copy + Into<i64>>(offsets: &[O]) -> u64 {
    let at = |offset: Option<&O>| offset.map_or(0, |&offset| offset.into());
    u64::try_from(at(offsets.last()) - at(offsets.first())).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn the_same_is_counted_wherever_batches_are_cut() {
        let texts = ["a", "long text", "", "more"];
        let mut list = ListBuilder::new(StringBuilder::new());
        texts.iter().for_each(|text| list.append_value([Some(*text), None]));
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let arrays: [(ArrayRef, u64, u64); 6] = [
            (Arc::new(StringArray::from_iter_values(texts)), 14, 14),
            (Arc::new(LargeStringArray::from_iter_values(texts)), 14, 14),
            (Arc::new(StringViewArray::from_iter_values(texts)), 14, 14),
            (Arc::new(list.finish()), 8 * 8 + 14, 8 * 8 + 14),
            (Arc::new(Int64Array::from(vec![1, 2, 3, 4])), 0, 0),
            (Arc::new(dictionary.slice(0, 4)), 14, 14),
        ];
        for (array, columns, rows) in arrays {
            let what = array.data_type().clone();
            assert_eq!(content(&array, false), columns, "{what}");
            let cut = |in_rows| {
                content(&*array.slice(0, 1), in_rows) + content(&*array.slice(1, 3), in_rows)
            };
            assert_eq!((content(&array, true), cut(true)), (rows, rows), "{what}");
        }
        let keys = Int32Array::from(vec![Some(0), Some(0), None, Some(0)]);
        let one = StringArray::from(vec!["a text of 17 byte"]);
        let repeated = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(one)).unwrap();
        assert_eq!((content(&repeated, false), content(&repeated, true)), (17, 51));
    }
}
