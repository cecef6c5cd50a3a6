//! The types of the columns of a file: those that a load gives them.
//!
//! They are the types of the fields of a row, else those of the schema, else those that the text shows.

use std::sync::Arc;

use anyhow::Result;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};

use super::columns::{check_types, schema};
use super::content::Content;
use super::options::Options;

/// Returns the options with the columns of a file as their schema. `known` are the columns that the type of a row
/// determines.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn of_load(options: &Options, known: &[FieldRef], content: &Content) -> Result<Options> {
    if known.is_empty() {
        return Ok(Options { schema: Some(schema(options, content)?), ..options.clone() });
    }
    // Rows ignore the schema. Without names, their fields are matched by position.
    let untyped = Options { schema: None, ..options.clone() };
    let fields: Vec<FieldRef> = match options.header {
        false => known.iter().map(read_as).collect(),
        true => {
            let found = schema(&untyped, content)?;
            let typed = found.fields().iter().map(|field| {
                let of_row = known.iter().find(|known| known.name() == field.name());
                let of_row = of_row.map(read_as);
                let has_text =
                    |field: &FieldRef| check_types(&Schema::new(vec![Arc::clone(field)])).is_ok();
                of_row.filter(has_text).unwrap_or_else(|| Arc::clone(field))
            });
            typed.collect()
        }
    };
    Ok(Options { schema: Some(Arc::new(Schema::new(fields))), ..untyped })
}

/// Returns the column as which a field of a row is read. A text is read even if its cell is null, because a text that cannot
/// be null is then the null text itself.
fn read_as(field: &FieldRef) -> FieldRef {
    match is_text(field) {
        true => Arc::new(Field::clone(field).with_nullable(true)),
        false => Arc::clone(field),
    }
}

pub(super) fn is_text(field: &FieldRef) -> bool {
    matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8)
}
