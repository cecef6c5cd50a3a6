//! What others need to know of a CSV file, whose cells do not say which type they are of.

use std::sync::Arc;

use anyhow::Result;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use flow_core::target::Description;

use super::columns;
use super::content::Content;
use super::options::Options;

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
    Ok(columns.python(&["pandas"], pandas(options, &schema)))
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

/// A call of `pandas.read_csv` that gives columns of the types that the file's have. What stands for
/// null is the null text alone and, in columns of floats, NaN, for which pandas has no other mark.
fn pandas(options: &Options, schema: &Schema) -> String {
    let (mut types, mut nulls, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (place, field) in schema.fields().iter().enumerate() {
        let name = match options.header {
            true => text(field.name()),
            false => place.to_string(),
        };
        let mut null = vec![text(&options.null)];
        match pandas_type(field.data_type()) {
            Some("time") => times.push(name.clone()),
            Some(kind) => types.push(format!("{name}: \"{kind}\"")),
            None => {}
        }
        if field.data_type().is_floating() {
            null.push("\"NaN\"".to_owned());
        }
        nulls.push(format!("{name}: [{}]", null.join(", ")));
    }
    let mut arguments = vec!["path".to_owned()];
    if options.delimiter != ',' {
        arguments.push(format!("sep={}", text(&options.delimiter.to_string())));
    }
    if !options.header {
        arguments.push("header=None".to_owned());
    }
    arguments.push("keep_default_na=False".to_owned());
    arguments.push(format!("na_values={{{}}}", nulls.join(", ")));
    arguments.push(format!("dtype={{{}}}", types.join(", ")));
    if !times.is_empty() {
        arguments.push(format!("parse_dates=[{}]", times.join(", ")));
    }
    // Without this, pandas rounds the last digits.
    arguments.push("float_precision=\"round_trip\"".to_owned());
    format!("pandas.read_csv({})", arguments.join(", "))
}

/// Text as Python writes it.
fn text(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// What pandas calls a type in which nulls have a place; none if it is left to it.
fn pandas_type(kind: &DataType) -> Option<&'static str> {
    Some(match kind {
        DataType::Boolean => "boolean",
        DataType::Int8 => "Int8",
        DataType::Int16 => "Int16",
        DataType::Int32 => "Int32",
        DataType::Int64 => "Int64",
        DataType::UInt8 => "UInt8",
        DataType::UInt16 => "UInt16",
        DataType::UInt32 => "UInt32",
        DataType::UInt64 => "UInt64",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float64",
        DataType::Date32 | DataType::Timestamp(..) => "time",
        DataType::Null => return None,
        _ => "str",
    })
}
