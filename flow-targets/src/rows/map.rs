//! Columns of maps.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use super::number::all_null;
use super::{Column, Fault, Form, nulls};

/// The fields of an entry.
fn entry<K: Column, V: Column>(form: Form) -> Fields {
    const {
        assert!(!K::NULLABLE, "the keys of a map are not null: no `Option<T>`");
    }
    Fields::from(vec![K::field("key", form), V::field("value", form)])
}

fn entries<K: Column, V: Column>(form: Form) -> FieldRef {
    Arc::new(Field::new("entries", DataType::Struct(entry::<K, V>(form)), false))
}

impl<K: Column + Ord, V: Column> Column for BTreeMap<K, V> {
    const HAS_UNIT: bool = K::HAS_UNIT || V::HAS_UNIT;
    const HAS_SCALE: bool = K::HAS_SCALE || V::HAS_SCALE;

    fn data_type(form: Form) -> DataType {
        DataType::Map(entries::<K, V>(form), false)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let maps: Vec<Vec<(&K, &V)>> =
            values.iter().map(|map| map.iter().flat_map(|map| map.iter()).collect()).collect();
        array::<K, V>(&maps, nulls(values), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        values(array)
    }
}

impl<K, V, S> Column for HashMap<K, V, S>
where
    K: Column + Ord + Hash,
    V: Column,
    S: BuildHasher + Default + 'static,
{
    const HAS_UNIT: bool = K::HAS_UNIT || V::HAS_UNIT;
    const HAS_SCALE: bool = K::HAS_SCALE || V::HAS_SCALE;

    fn data_type(form: Form) -> DataType {
        DataType::Map(entries::<K, V>(form), false)
    }

    /// Builds the array. The entries are in the order of their keys, so that equal maps give equal bytes.
    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let mut maps: Vec<Vec<(&K, &V)>> = Vec::with_capacity(values.len());
        for map in values {
            let mut pairs: Vec<(&K, &V)> = map.iter().flat_map(|map| map.iter()).collect();
            pairs.sort_unstable_by(|a, b| a.0.cmp(b.0));
            maps.push(pairs);
        }
        array::<K, V>(&maps, nulls(values), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        values(array)
    }
}

fn array<K: Column, V: Column>(
    maps: &[Vec<(&K, &V)>],
    nulls: Option<NullBuffer>,
    form: Form,
) -> Result<ArrayRef, Fault> {
    let offsets = OffsetBuffer::<i32>::from_lengths(maps.iter().map(Vec::len));
    let row = |at: usize| offsets.partition_point(|offset| *offset as usize <= at) - 1;
    let keys: Vec<Option<&K>> = maps.iter().flatten().map(|(key, _)| Some(*key)).collect();
    let values: Vec<Option<&V>> = maps.iter().flatten().map(|(_, value)| Some(*value)).collect();
    let keys = K::array(&keys, form).map_err(|fault| fault.map_row(row))?;
    let values = V::array(&values, form).map_err(|fault| fault.map_row(row))?;
    let pairs = StructArray::try_new(entry::<K, V>(form), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(entries::<K, V>(form), offsets, pairs, nulls, false)?))
}

fn values<K: Column, V: Column, M: FromIterator<(K, V)>>(
    array: &ArrayRef,
) -> Result<Vec<Option<M>>, Fault> {
    let map = match array.data_type() {
        DataType::Map(_, _) => array.as_map(),
        DataType::Null => return Ok(all_null(array)),
        other => return Err(Fault::other_type(other, "a map")),
    };
    let offsets = map.value_offsets();
    let at = |offset: i32| usize::try_from(offset).unwrap_or(0);
    let first = offsets.first().map_or(0, |offset| at(*offset));
    let last = offsets.last().map_or(0, |offset| at(*offset));
    let row = |item: usize| {
        offsets.partition_point(|offset| at(*offset) - first <= item).saturating_sub(1)
    };
    let keys = K::values(&map.keys().slice(first, last - first));
    let values = V::values(&map.values().slice(first, last - first));
    let mut keys = keys.map_err(|fault| fault.map_row(row))?.into_iter();
    let mut values = values.map_err(|fault| fault.map_row(row))?.into_iter();
    let mut maps = Vec::with_capacity(map.len());
    for (row, ends) in offsets.windows(2).enumerate() {
        let length = at(ends[1]) - at(ends[0]);
        let pairs: Vec<_> = keys.by_ref().zip(values.by_ref()).take(length).collect();
        if map.is_null(row) {
            maps.push(None);
            continue;
        }
        let whole: Option<M> = pairs.into_iter().map(|(key, value)| Some((key?, value?))).collect();
        let null = || Fault::new("an entry is null, and the entries are no `Option`").at(row);
        maps.push(Some(whole.ok_or_else(null)?));
    }
    Ok(maps)
}
