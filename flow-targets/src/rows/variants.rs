//! Columns of enums without data: dictionaries of the names of the variants.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Int32Type};

use super::text::parsed;
use super::{Fault, Form};

/// An enum without data. `#[derive(Row)]` implements it.
pub trait Variants: Sized + 'static {
    /// The names of the variants, in their order.
    const NAMES: &'static [&'static str];

    /// Returns the place of the variant among [`NAMES`](Self::NAMES).
    fn place(&self) -> usize;

    /// Returns the variant of a name or an alias.
    fn named(name: &str) -> Option<Self>;
}

/// Returns the type of a column of an enum. pandas reads no dictionary whose keys are unsigned.
#[doc(hidden)]
pub fn variant_type(_: Form) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Builds the array of an enum. Its dictionary has all variants, so that it is the same for any rows.
#[doc(hidden)]
pub fn variant_array<E: Variants>(values: &[Option<&E>]) -> Result<ArrayRef, Fault> {
    let key = |value: &E| i32::try_from(value.place()).unwrap_or(i32::MAX);
    let keys: Int32Array = values.iter().map(|value| value.map(key)).collect();
    let names = StringArray::from_iter_values(E::NAMES);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(names))?))
}

/// Reads the values of an enum from a column of text.
#[doc(hidden)]
pub fn variant_values<E: Variants>(array: &ArrayRef) -> Result<Vec<Option<E>>, Fault> {
    parsed(array, "an enum", |name| {
        E::named(name).ok_or_else(|| {
            format!("{name:?} is no variant; the variants are `{}`", E::NAMES.join("`, `"))
        })
    })
}
