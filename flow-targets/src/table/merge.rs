//! Merges the columns that the type of a row shows with those that the rows show.
//!
//! The type can know more than the rows: the type of a column that is null in all rows, and all
//! variants of an enum. So the type's columns are used. The columns of the rows are used where the
//! type does not show them, or where rows serialize to another form than the type deserializes
//! from.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

/// Returns the columns of the type, completed by those of the rows.
pub(super) fn merged(typed: &[FieldRef], shown: &[FieldRef]) -> Vec<FieldRef> {
    let by_name = |fields: &[FieldRef], name: &str| -> Option<FieldRef> {
        fields.iter().find(|field| field.name() == name).cloned()
    };
    let known = typed.iter().filter_map(|typed| match by_name(shown, typed.name()) {
        Some(shown) => Some(column(typed, &shown)),
        // The rows omit this field, which is stored as null.
        None => typed.is_nullable().then(|| typed.clone()),
    });
    let others = shown.iter().filter(|field| by_name(typed, field.name()).is_none());
    known.chain(others.cloned()).collect()
}

fn column(typed: &FieldRef, shown: &FieldRef) -> FieldRef {
    let Some(data_type) = data_type(typed.data_type(), shown.data_type()) else {
        return shown.clone();
    };
    let is_nullable = typed.is_nullable() || shown.is_nullable();
    let field = if data_type == *shown.data_type() { shown } else { typed };
    Arc::new(Field::clone(field).with_data_type(data_type).with_nullable(is_nullable))
}

/// Returns the merged type of a column, or `None` if the two contradict each other.
fn data_type(typed: &DataType, shown: &DataType) -> Option<DataType> {
    Some(match (typed, shown) {
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (DataType::Struct(typed), DataType::Struct(shown)) => {
            DataType::Struct(Fields::from(merged(typed, shown)))
        }
        (DataType::List(typed), DataType::List(shown)) => DataType::List(column(typed, shown)),
        (DataType::LargeList(typed), DataType::LargeList(shown)) => {
            DataType::LargeList(column(typed, shown))
        }
        (DataType::Map(typed, sorted), DataType::Map(shown, _)) => {
            DataType::Map(column(typed, shown), *sorted)
        }
        // The rows show only the variants that occur in them.
        (DataType::Union(..), DataType::Union(..)) => typed.clone(),
        (typed, shown) if typed == shown => typed.clone(),
        _ => return None,
    })
}
