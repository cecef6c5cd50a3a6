//! What others need to know of a table's file.

use arrow::datatypes::Schema;
use flow_core::target::Description;

/// The columns of a table, with the types that Arrow gives them.
pub(crate) fn columns(schema: &Schema) -> Description {
    schema.fields().iter().fold(Description::default(), |description, field| {
        description.column(field.name(), field.data_type().to_string(), field.is_nullable())
    })
}
