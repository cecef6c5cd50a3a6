//! What others need to know of a CSV file, whose cells do not say which type they are of.

use std::sync::Arc;

use anyhow::Result;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use flow_core::target::Description;

use super::columns;
use super::content::Content;
use super::options::Options;
use crate::python::text;

/// The columns, and how the file is read with their types. `known` gives what the type of the value
/// says of them, `target` is what the target is called.
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

/// The schema that was given, or that of the value's type, or that of the text.
fn schema(
    options: &Options,
    known: fn() -> Option<Vec<FieldRef>>,
    content: &Content,
) -> Result<SchemaRef> {
    if options.schema.is_none()
        && let Some(fields) = known()
    {
        let typed = Options { schema: Some(Arc::new(Schema::new(fields))), ..options.clone() };
        // Not every field is written, and then the type does not say what the columns are.
        if let Ok(schema) = columns::schema(&typed, content) {
            return Ok(schema);
        }
    }
    columns::schema(options, content)
}

/// A call of the function of an export's module that reads CSV with the types of its columns.
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
