//! Errors of rows that cannot be deserialized, which name the column and the row.
//!
//! serde_arrow reads all rows of a batch at once. If that fails, the batch is read again with a
//! [`Trace`], which records where it fails.

use anyhow::anyhow;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::stored::Place;
use crate::row;
use crate::shape::{Leaf, Shape};
use crate::strict::{self, Step, Trace};

/// Returns the error of the first row that cannot be deserialized, or `None` if no row is the
/// cause.
pub(super) fn misread<R: DeserializeOwned + 'static>(
    batch: &RecordBatch,
    before: usize,
    place: &Place,
) -> Option<anyhow::Error> {
    let rows = match serde_arrow::Deserializer::from_record_batch(batch) {
        Ok(rows) => rows,
        Err(_) => return unsupported(batch),
    };
    let trace = Trace::default();
    let error = Vec::<R>::deserialize(strict::checked_table(rows, Some(&trace))).err()?;
    let steps = trace.into_steps();
    let (Step::Item(row), inner) = steps.split_first()? else { return None };
    let row = before + row;
    let column = match inner.first() {
        Some(Step::Field(name)) => batch.schema_ref().index_of(name).ok(),
        _ => None,
    };
    let (message, expected) = (row::message(&error), expected(Shape::of::<R>(), inner));
    let message = match (column, expected) {
        (Some(at), expected) if inner.len() == 1 => {
            said(message, batch.column(at).data_type(), expected)
        }
        (_, Some(expected)) => format!("{message}; the field is a `{expected}`"),
        (_, None) => message.to_owned(),
    };
    Some(anyhow!("{}: {message}", place.of(row, column, &path(inner))))
}

/// Returns the error of a column whose type serde_arrow does not support.
fn unsupported(batch: &RecordBatch) -> Option<anyhow::Error> {
    (0..batch.num_columns()).find_map(|at| {
        let column = batch.project(&[at]).ok()?;
        let error = serde_arrow::Deserializer::from_record_batch(&column).err()?;
        let error = row::message(&error);
        let field = batch.schema_ref().field(at);
        Some(anyhow!("column `{}` is of type {}: {error}", field.name(), field.data_type()))
    })
}

impl Place {
    /// Describes the place of a value by its row, its column, and the path from the row.
    pub(super) fn of(&self, row: usize, column: Option<usize>, path: &str) -> String {
        let column_name = match path {
            "" => String::new(),
            path => format!("column `{path}`"),
        };
        match (self, column) {
            (Self::Table, _) if path.is_empty() => format!("row {row}"),
            (Self::Table, _) => format!("{column_name}, row {row}"),
            #[cfg(feature = "excel")]
            (Self::Sheet(name), Some(column)) => {
                let cell = crate::excel::reference(row + 1, column);
                format!("sheet `{name}`: cell {cell}, {column_name}")
            }
            #[cfg(feature = "excel")]
            (Self::Sheet(name), None) => {
                let comma = if path.is_empty() { "" } else { ", " };
                format!("sheet `{name}`: row {}{comma}{column_name}", row + 2)
            }
        }
    }
}

/// Formats the path to a value in a row, such as `inner.sizes[2]`.
fn path(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |path, step| match step {
        Step::Field(name) if path.is_empty() => name.clone(),
        Step::Field(name) => format!("{path}.{name}"),
        Step::Item(index) => format!("{path}[{index}]"),
    })
}

/// Returns the type of the number, boolean or character that a row has at the end of a path.
fn expected(shape: &Shape, steps: &[Step]) -> Option<String> {
    match (shape, steps) {
        (Shape::Option(inner), steps) => expected(inner, steps),
        (Shape::Leaf(Leaf::Text | Leaf::Bytes | Leaf::Unit), _) => None,
        // The names of the variants are those of the types.
        (Shape::Leaf(leaf), []) => Some(format!("{leaf:?}").to_lowercase()),
        (Shape::Struct(fields), [Step::Field(name), rest @ ..]) => {
            let field = fields.iter().find(|field| field.is_called(name))?;
            expected(&field.shape, rest)
        }
        (Shape::Seq(item), [Step::Item(_), rest @ ..]) => expected(item, rest),
        (Shape::Tuple(items), [Step::Item(index), rest @ ..]) => expected(items.get(*index)?, rest),
        _ => None,
    }
}

/// Rephrases serde_arrow's error of a column, so that it says what the column and the field are.
fn said(message: &str, data_type: &DataType, expected: Option<String>) -> String {
    let asked = message
        .strip_prefix("deserializer does not implement deserialize_")
        .and_then(|rest| rest.strip_suffix("_at"));
    let field = match asked {
        None => {
            let field = expected.map(|expected| format!(", and the field is a `{expected}`"));
            let field = field.unwrap_or_default();
            return format!("{message}; the column is of type {data_type}{field}");
        }
        Some("str" | "string") => "text",
        Some("seq" | "tuple" | "tuple_struct") => "a list or a tuple",
        Some("f32" | "f64") => "a float",
        Some("bytes" | "byte_buf") => "bytes",
        Some("identifier") => "an enum with `#[serde(tag)]`, which columns cannot give back",
        Some("any") => "of a type that reads whatever it is given",
        Some(other) => {
            return format!("the column is of type {data_type}, and the field is a `{other}`");
        }
    };
    format!("the column is of type {data_type}, and the field is {field}")
}
