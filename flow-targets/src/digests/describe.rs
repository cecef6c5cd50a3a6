//! Fields and metadata as text, which is equal only if they are.

use std::fmt::Write as _;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::PANDAS;

/// Describes a field, so that two descriptions are equal only if the fields are.
pub(super) fn describe(field: &Field, to: &mut String) {
    let metadata = described_metadata(field.metadata());
    let _ = write!(to, "{:?} {} {metadata} ", field.name(), field.is_nullable());
    // Readers of Arrow IPC see whether a dictionary is ordered.
    if field.dict_is_ordered() == Some(true) {
        to.push_str("ordered ");
    }
    describe_type(field.data_type(), to);
}

fn describe_type(data_type: &DataType, to: &mut String) {
    use DataType as Type;
    match data_type {
        Type::List(item) => describe_nested("List", [item], to),
        Type::LargeList(item) => describe_nested("LargeList", [item], to),
        Type::FixedSizeList(item, length) => {
            describe_nested(&format!("FixedSizeList {length}"), [item], to);
        }
        Type::Map(entries, sorted) => describe_nested(&format!("Map {sorted}"), [entries], to),
        Type::Struct(fields) => describe_nested("Struct", fields, to),
        Type::Dictionary(keys, values) => {
            to.push_str("Dictionary(");
            describe_type(keys, to);
            to.push(';');
            describe_type(values, to);
            to.push(')');
        }
        other => {
            let _ = write!(to, "{other:?}");
        }
    }
}

fn describe_nested<'a>(
    name: &str,
    fields: impl IntoIterator<Item = &'a FieldRef>,
    to: &mut String,
) {
    to.push_str(name);
    to.push('(');
    for field in fields {
        describe(field, to);
        to.push(';');
    }
    to.push(')');
}

/// Describes the metadata of a schema, without the description of all columns by pandas.
pub(super) fn described_metadata_of_schema<'a>(
    metadata: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> String {
    described_metadata(metadata.into_iter().filter(|(key, _)| key.as_str() != PANDAS))
}

/// Describes metadata, in the order of its keys.
fn described_metadata<'a>(metadata: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut pairs: Vec<_> = metadata.into_iter().collect();
    pairs.sort_unstable();
    format!("{pairs:?}")
}
