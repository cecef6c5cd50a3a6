//! Checks against a schema that the user gives.

use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::datatypes::{Field, Schema};

/// Returns an error if a value has other columns than the given schema.
pub(crate) fn check(schema: &Schema, given: &Schema) -> Result<()> {
    let columns = |schema: &Schema| -> Vec<_> {
        let column = |field: &Arc<Field>| format!("{}: {}", field.name(), field.data_type());
        schema.fields().iter().map(column).collect()
    };
    let (found, expected) = (columns(schema), columns(given));
    ensure!(
        found == expected,
        "the columns are ({}), and the schema given has ({})",
        found.join(", "),
        expected.join(", "),
    );
    Ok(())
}
