//! Columns of lists, and of lists of one length.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, LargeListArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, FieldRef};

use super::number::all_null;
use super::{Column, Fault, Form, nulls};

/// The name of the items of a list, which is that of serde_arrow.
const ITEM: &str = "element";

fn item<T: Column>(form: Form) -> FieldRef {
    Arc::new(T::field(ITEM, form))
}

impl<T: Column> Column for Vec<T> {
    const HAS_UNIT: bool = T::HAS_UNIT;
    const HAS_SCALE: bool = T::HAS_SCALE;

    fn data_type(form: Form) -> DataType {
        DataType::LargeList(item::<T>(form))
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let lengths = values.iter().map(|list| list.map_or(0, Vec::len));
        let offsets = OffsetBuffer::<i64>::from_lengths(lengths);
        let items: Vec<Option<&T>> =
            values.iter().copied().flatten().flat_map(|list| list.iter().map(Some)).collect();
        // The row of an item is the last list that begins at it or before.
        let row = |at: usize| offsets.partition_point(|offset| *offset <= at as i64) - 1;
        let items = T::array(&items, form).map_err(|fault| fault.map_row(row))?;
        let list = LargeListArray::try_new(item::<T>(form), offsets, items, nulls(values))?;
        Ok(Arc::new(list))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        let (items, lengths) = match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                parts(list.values(), list.value_offsets())?
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                parts(list.values(), list.value_offsets())?
            }
            DataType::FixedSizeList(_, _) => {
                let list = array.as_fixed_size_list();
                let length = usize::try_from(list.value_length()).unwrap_or(0);
                (list.values().clone(), vec![length; list.len()])
            }
            DataType::Null => return Ok(all_null(array)),
            other => return Err(Fault::other_type(other, "a list")),
        };
        lists(array, &items, &lengths)
    }
}

impl<T: Column, const N: usize> Column for [T; N] {
    const HAS_UNIT: bool = T::HAS_UNIT;
    const HAS_SCALE: bool = T::HAS_SCALE;

    fn data_type(form: Form) -> DataType {
        DataType::FixedSizeList(item::<T>(form), length::<N>())
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        if !values.is_empty() && values.iter().all(Option::is_none) {
            return Ok(new_null_array(&Self::data_type(form), values.len()));
        }
        // A list of fixed size has items where it is null, too, which must not be null if the items
        // are no options.
        let first = values.iter().copied().flatten().next();
        let items: Vec<Option<&T>> = values
            .iter()
            .flat_map(|list| match list.or(first) {
                Some(list) => list.iter().map(Some).collect::<Vec<_>>(),
                None => vec![None; N],
            })
            .collect();
        let items = T::array(&items, form).map_err(|fault| fault.map_row(|at| at / N.max(1)))?;
        let list =
            FixedSizeListArray::try_new(item::<T>(form), length::<N>(), items, nulls(values))?;
        Ok(Arc::new(list))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        let lists = Vec::<T>::values(array)?.into_iter().enumerate();
        let fixed = lists.map(|(row, list)| match list {
            None => Ok(None),
            Some(list) => {
                let length = list.len();
                let wrong =
                    |_| Fault::new(format!("a list of {length} items instead of {N}")).at(row);
                <[T; N]>::try_from(list).map(Some).map_err(wrong)
            }
        });
        fixed.collect()
    }
}

fn length<const N: usize>() -> i32 {
    // Arrow does not know the number of lists without items.
    const {
        assert!(N > 0 && N <= i32::MAX as usize, "a list of fixed size has 1 to 2^31 - 1 items");
    }
    N as i32
}

/// Returns the items of lists, and the number of items of each.
fn parts<O: Copy + TryInto<usize>>(
    values: &ArrayRef,
    offsets: &[O],
) -> Result<(ArrayRef, Vec<usize>), Fault> {
    let offsets: Option<Vec<usize>> =
        offsets.iter().map(|offset| (*offset).try_into().ok()).collect();
    let offsets = offsets.ok_or_else(|| Fault::new("a list has a negative offset"))?;
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return Ok((values.slice(0, 0), Vec::new()));
    };
    let lengths = offsets.windows(2).map(|ends| ends[1] - ends[0]).collect();
    Ok((values.slice(*first, last - first), lengths))
}

/// Reads lists from the items of all of them.
fn lists<T: Column>(
    array: &ArrayRef,
    items: &ArrayRef,
    lengths: &[usize],
) -> Result<Vec<Option<Vec<T>>>, Fault> {
    let row_of = |item: usize| {
        let mut end = 0;
        let is_before = |length: &&usize| {
            end += **length;
            end <= item
        };
        lengths.iter().take_while(is_before).count()
    };
    let mut items = T::values(items).map_err(|fault| fault.map_row(row_of))?.into_iter();
    let mut lists = Vec::with_capacity(lengths.len());
    for (row, length) in lengths.iter().enumerate() {
        if array.is_null(row) {
            items.by_ref().take(*length).for_each(drop);
            lists.push(None);
            continue;
        }
        let list: Option<Vec<T>> = items.by_ref().take(*length).collect();
        let null = || Fault::new("an item is null, and the items are no `Option`").at(row);
        lists.push(Some(list.ok_or_else(null)?));
    }
    Ok(lists)
}
