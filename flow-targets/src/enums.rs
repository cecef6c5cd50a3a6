//! Enums without data, in columns that are derived from values.
//!
//! If serde_arrow derives columns from a type, it knows all variants of an enum. If none holds
//! data, the column is a dictionary of their names. From values, it sees only the variants that
//! occur, and derives a union with a child of the type `Null` for each. This module turns such a
//! union into the dictionary.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, UnionFields};

/// Returns the columns, with variants as text in each enum without data.
pub(crate) fn as_text(fields: &[FieldRef]) -> Vec<FieldRef> {
    fields.iter().map(field).collect()
}

fn field(field: &FieldRef) -> FieldRef {
    let data_type = data_type(field.data_type());
    Arc::new(Field::clone(field).with_data_type(data_type))
}

fn data_type(of: &DataType) -> DataType {
    match of {
        DataType::Union(variants, _) if is_without_data(variants) => text(),
        DataType::Union(variants, mode) => {
            let variants = variants.iter().map(|(id, variant)| (id, field(variant)));
            DataType::Union(variants.collect(), *mode)
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        other => other.clone(),
    }
}

fn is_without_data(variants: &UnionFields) -> bool {
    variants.iter().all(|(_, variant)| variant.data_type().is_null())
}

/// Returns the type that serde_arrow derives for such an enum from the type.
fn text() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::LargeUtf8))
}
