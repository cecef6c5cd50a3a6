//! Descriptions of CSV files, whose cells do not state their types.

use std::sync::Arc;

use anyhow::Result;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use flow_core::target::Description;

use super::columns;
use super::content::Content;
use super::options::Options;
use crate::python::text;

/// Describes the columns, and how to read the file with their types.
///
/// `known` returns the columns that the type of the value determines. `target` is the name of the
/// target.
pub(super) fn describe(
    options: &Options,
    known: fn() -> Option<Vec<FieldRef>>,
    content: &Content,
    target: &str,
) -> Result<Description> {
    let schema = schema(options, known, content)?;
    let mut given = Vec::new();
    if options.delimiter != ',' {
        given.push(format!("delimiter = {:?}", options.delimiter));
    }
    if !options.header {
        given.push("header = false".to_owned());
    }
    if !options.null.is_empty() {
        given.push(format!("null = {:?}", options.null));
    }
    let given = match given.is_empty() {
        true => String::new(),
        false => format!("({})", given.join(", ")),
    };
    let columns = crate::described::columns(&schema);
    let columns = columns.rust(format!("{target}<RecordBatch>{given}"));
    let columns = columns.typed(format!("{target}<Vec<{{}}>>{given}"));
    Ok(columns.python(&["pyarrow"], python(options, &schema)))
}

/// Returns the given schema, else that of the value's type, else the one inferred from the text.
fn schema(
    options: &Options,
    known: fn() -> Option<Vec<FieldRef>>,
    content: &Content,
) -> Result<SchemaRef> {
    if options.schema.is_none()
        && let Some(fields) = known()
    {
        let typed = Options { schema: Some(Arc::new(Schema::new(fields))), ..options.clone() };
        // Rows may leave fields out, and then the type does not determine the columns.
        if let Ok(schema) = columns::schema(&typed, content) {
            return Ok(schema);
        }
    }
    columns::schema(options, content)
}

/// Returns a call of the function `_csv` of an export's Python module, with the types of the
/// columns.
fn python(options: &Options, schema: &Schema) -> String {
    let mut arguments = vec!["path".to_owned(), crate::python::schema(schema)];
    if options.delimiter != ',' {
        arguments.push(format!("delimiter={}", text(&options.delimiter.to_string())));
    }
    if !options.header {
        arguments.push("header=False".to_owned());
    }
    if !options.null.is_empty() {
        arguments.push(format!("null={}", text(&options.null)));
    }
    format!("_frame(_csv({}))", arguments.join(", "))
}
