//! Merges the dictionaries of all batches into one for each column.
//!
//! A column of a dictionary type has distinct values, and keys that refer to them. Each batch may
//! have its own dictionary, but a file has one for each column, to which later batches can only
//! append. So the values of the first batch are kept as they are. Values that a later batch adds
//! are appended in their order, and the keys of that batch are renumbered. The data of the batch
//! stays the same.

use std::collections::HashMap;
use std::slice;

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, ArrayData, ArrayRef, AsArray, RecordBatch, UInt64Array, make_array};
use arrow::compute::{CastOptions, cast_with_options, concat, take};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};

/// The dictionaries of all columns, and of nested columns, in the order of a depth-first walk.
#[derive(Default)]
pub(super) struct Dictionaries {
    grown: Vec<Dictionary>,
}

struct Dictionary {
    values: ArrayRef,
    /// The position of each value, from the second dictionary on.
    index: Option<Index>,
    /// The dictionary of the previous batch, and the position of each of its values here.
    last: Option<(ArrayData, Vec<u64>)>,
}

/// The positions of values, by a byte encoding in which equal bytes are equal values.
struct Index {
    bytes: RowConverter,
    places: HashMap<Box<[u8]>, u64>,
}

impl Dictionaries {
    /// Returns the batch with keys into the merged dictionaries of all batches so far.
    pub(super) fn grown(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let schema = batch.schema();
        let mut at = 0;
        let mut columns = batch.columns().to_vec();
        let mut any = false;
        for (field, column) in schema.fields().iter().zip(&mut columns) {
            if !has_dictionary(field.data_type()) {
                continue;
            }
            let data = self
                .array(&column.to_data(), &mut at)
                .with_context(|| format!("column `{}`", field.name()))?;
            if let Some(data) = data {
                *column = make_array(data);
                any = true;
            }
        }
        Ok(if any { RecordBatch::try_new(schema, columns)? } else { batch })
    }

    /// Returns the array with merged dictionaries, or `None` if it is unchanged.
    ///
    /// `at` counts the dictionaries before this array.
    fn array(&mut self, data: &ArrayData, at: &mut usize) -> Result<Option<ArrayData>> {
        if !has_dictionary(data.data_type()) {
            return Ok(None);
        }
        if let DataType::Dictionary(..) = data.data_type() {
            let array = make_array(data.clone());
            *at += 1;
            let values = array.as_any_dictionary().values();
            return match self.grown.get_mut(*at - 1) {
                Some(dictionary) => dictionary.keys_of(&array),
                None => {
                    let (values, index, last) = (values.clone(), None, None);
                    self.grown.push(Dictionary { values, index, last });
                    Ok(None)
                }
            };
        }
        let mut children = data.child_data().to_vec();
        let mut any = false;
        for child in &mut children {
            if let Some(grown) = self.array(child, at)? {
                *child = grown;
                any = true;
            }
        }
        if !any {
            return Ok(None);
        }
        Ok(Some(data.clone().into_builder().child_data(children).build()?))
    }
}

impl Dictionary {
    /// Returns the array with keys into this dictionary, after adding its values.
    fn keys_of(&mut self, array: &ArrayRef) -> Result<Option<ArrayData>> {
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        let data = values.to_data();
        if ArrayData::ptr_eq(&data, &self.values.to_data()) {
            return Ok(None);
        }
        if values.is_empty() {
            // All keys are null.
            return Ok(Some(dictionary.with_values(self.values.clone()).to_data()));
        }
        let places = match &self.last {
            Some((last, places)) if ArrayData::ptr_eq(last, &data) => places,
            _ => {
                let places = self.add(values)?;
                &self.last.insert((data, places)).1
            }
        };
        let keys = dictionary.normalized_keys();
        let place = |(row, key): (usize, usize)| dictionary.is_valid(row).then(|| places[key]);
        let keys: UInt64Array = keys.into_iter().enumerate().map(place).collect();
        let key = dictionary.keys().data_type();
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let keys = cast_with_options(&keys, key, &strict).with_context(|| {
            format!(
                "the dictionaries of its batches have {} values together, more than there are keys \
                 of type {key}: cast it to a dictionary with longer keys, or to its values",
                self.values.len(),
            )
        })?;
        let data = keys.to_data().into_builder().data_type(array.data_type().clone());
        Ok(Some(data.child_data(vec![self.values.to_data()]).build()?))
    }

    /// Adds the values that are new, and returns the positions of all of them.
    fn add(&mut self, values: &ArrayRef) -> Result<Vec<u64>> {
        if values.as_ref() == self.values.as_ref() {
            return Ok((0..values.len() as u64).collect());
        }
        let Index { bytes, places } = match &mut self.index {
            Some(index) => index,
            none => none.insert(Index::of(&self.values)?),
        };
        let (mut at, mut new) = (Vec::with_capacity(values.len()), Vec::new());
        for (i, row) in bytes.convert_columns(slice::from_ref(values))?.iter().enumerate() {
            let next = (self.values.len() + new.len()) as u64;
            let place = *places.entry(row.as_ref().into()).or_insert(next);
            if place == next {
                new.push(i as u64);
            }
            at.push(place);
        }
        if !new.is_empty() {
            let new = take(values, &UInt64Array::from(new), None)?;
            self.values = concat(&[&self.values, &new])?;
        }
        Ok(at)
    }
}

impl Index {
    fn of(values: &ArrayRef) -> Result<Self> {
        let of = values.data_type();
        let field = SortField::new(of.clone());
        ensure!(
            !has_dictionary(of) && RowConverter::supports_fields(slice::from_ref(&field)),
            "its batches have different dictionaries, and values of type {of} cannot be compared: \
             cast it to that type, or give its batches one dictionary",
        );
        let bytes = RowConverter::new(vec![field])?;
        let mut places = HashMap::with_capacity(values.len());
        for (i, row) in bytes.convert_columns(slice::from_ref(values))?.iter().enumerate() {
            places.entry(row.as_ref().into()).or_insert(i as u64);
        }
        Ok(Self { bytes, places })
    }
}

fn has_dictionary(of: &DataType) -> bool {
    match of {
        DataType::Dictionary(..) => true,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => has_dictionary(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_dictionary(field.data_type())),
        DataType::Union(fields, _) => {
            fields.iter().any(|(_, field)| has_dictionary(field.data_type()))
        }
        _ => false,
    }
}
