//! Fields of rows, and of structs nested in them, without a column in a table; see
//! [`crate::absent`].
//!
//! Whether a field has a default can be detected if its struct is read as a sequence. So a row is
//! read here once by its fields instead of its columns. Values with parts (structs, lists, tuples,
//! maps, and enums with data) are read part by part. Every other value is read by serde_arrow, from
//! a table of one cell.

mod compound;
mod value;

use std::cell::{Cell, RefCell};
use std::ptr;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field as Column, Fields, Schema};
use serde::de::DeserializeOwned;

use self::value::{Kept, Value, Values};

use crate::absent::{self, Columns};
use crate::shape::{Field, Shape};

/// A field without a column.
struct Absent<'a> {
    /// The column that contains the field's struct; empty for a field of the row.
    parent: String,
    field: &'a Field,
    /// The columns that exist.
    columns: Vec<String>,
}

/// Returns whether a row that was read may have no column for the field.
pub(super) type IsLeftOut<R> = fn(&R, &Field, Columns<'_>) -> bool;

/// Checks the columns of a table against the fields of its rows.
pub(super) struct Check {
    shape: &'static Shape,
    /// The fields for which it is not known yet whether their column may be missing.
    open: Vec<Absent<'static>>,
    /// The fields whose column may be missing, although they have no default.
    left_out: Vec<&'static Field>,
}

impl Check {
    /// Creates a check of a table with this schema.
    pub(super) fn new<R: DeserializeOwned + 'static>(schema: &Schema) -> Result<Self> {
        let shape = Shape::of::<R>();
        let mut open = Vec::new();
        match shape {
            Shape::Struct(_) => find("", shape, schema.fields(), &mut open),
            Shape::Tuple(shapes) => {
                absent::check_unique(&names(schema.fields()))?;
                for (shape, column) in shapes.iter().zip(schema.fields()) {
                    find_in(column.name(), shape, column, &mut open);
                }
            }
            _ => absent::check_unique(&names(schema.fields()))?,
        }
        Ok(Self { shape, open, left_out: Vec::new() })
    }

    /// Returns an error if rows of this batch need a missing column.
    pub(super) fn batch<R>(&mut self, batch: &RecordBatch, is_left_out: IsLeftOut<R>) -> Result<()>
    where
        R: DeserializeOwned,
    {
        let mut row = 0;
        while row < batch.num_rows() && !self.open.is_empty() {
            let look = Look {
                left_out: &self.left_out,
                passed: RefCell::default(),
                needed: Cell::new(None),
                kept: Kept::default(),
            };
            let _ = R::deserialize(Value {
                values: Values::Rows(batch),
                row,
                shape: self.shape,
                look: &look,
            });
            let (passed, needed) = (look.passed.take(), look.needed.take());
            if let Some(field) = needed {
                let absent = self.open.iter().find(|absent| ptr::eq(absent.field, field));
                let Some(Absent { parent, columns, .. }) = absent else { break };
                let columns = Columns { names: columns, delimiter: None };
                let is_allowed = parent.is_empty()
                    && serde_arrow::from_record_batch::<Vec<R>>(&batch.slice(row, 1))
                        .is_ok_and(|rows| rows.iter().all(|row| is_left_out(row, field, columns)));
                if !is_allowed {
                    return Err(absent::error::<R>(parent, &field.names, columns));
                }
                self.open.retain(|absent| !ptr::eq(absent.field, field));
                self.left_out.push(field);
                continue; // with this row, in which there may be others
            }
            self.open.retain(|absent| !passed.iter().any(|field| ptr::eq(*field, absent.field)));
            row += 1;
        }
        Ok(())
    }

    /// Returns an error if a field needs a missing column, judged by the type alone.
    pub(super) fn without_rows<R: DeserializeOwned>(&self, schema: &Schema) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut absent = Vec::new();
        let shape = Shape::with_defaults::<R>();
        find("", &shape, schema.fields(), &mut absent);
        match absent.into_iter().find(|absent| absent.field.default == Some(false)) {
            Some(Absent { parent, field, columns }) => {
                let columns = Columns { names: &columns, delimiter: None };
                Err(absent::error::<R>(&parent, &field.names, columns))
            }
            None => Ok(()),
        }
    }

    /// Returns whether the type of the row shows its fields.
    pub(super) fn knows_fields(&self) -> bool {
        matches!(self.shape, Shape::Struct(_))
    }
}

pub(super) fn names(columns: &Fields) -> Vec<String> {
    columns.iter().map(|column| column.name().clone()).collect()
}

/// Adds the fields of a struct that have no column, including those of nested structs.
fn find<'a>(parent: &str, shape: &'a Shape, columns: &Fields, open: &mut Vec<Absent<'a>>) {
    let Shape::Struct(fields) = shape else { return };
    let names = names(columns);
    for field in absent::fields(fields, &names) {
        open.push(Absent { parent: parent.to_owned(), field, columns: names.clone() });
    }
    for field in fields {
        let Some(column) = columns.iter().find(|column| field.is_called(column.name())) else {
            continue;
        };
        let path = match parent {
            "" => column.name().clone(),
            parent => format!("{parent}.{}", column.name()),
        };
        find_in(&path, &field.shape, column, open);
    }
}

/// Like [`find`], for a value of any shape that contains structs.
fn find_in<'a>(path: &str, shape: &'a Shape, column: &Column, open: &mut Vec<Absent<'a>>) {
    use DataType::{FixedSizeList, LargeList, List, Map, Struct, Union};
    match (shape, column.data_type()) {
        (Shape::Option(shape), _) => find_in(path, shape, column, open),
        (Shape::Struct(_), Struct(columns)) => find(path, shape, columns, open),
        (Shape::Seq(shape), List(item) | LargeList(item) | FixedSizeList(item, _)) => {
            find_in(path, shape, item, open);
        }
        (Shape::Tuple(shapes), List(item) | LargeList(item) | FixedSizeList(item, _)) => {
            shapes.iter().for_each(|shape| find_in(path, shape, item, open));
        }
        // The items of a tuple are columns in the same order, under any names.
        (Shape::Tuple(shapes), Struct(columns)) => {
            for (shape, column) in shapes.iter().zip(columns) {
                find_in(&format!("{path}.{}", column.name()), shape, column, open);
            }
        }
        (Shape::Map(key, value), Map(entries, _)) => {
            let Struct(columns) = entries.data_type() else { return };
            for (shape, column) in [key, value].into_iter().zip(columns) {
                find_in(path, shape, column, open);
            }
        }
        // A struct that is read as a map: each field is an entry.
        (Shape::Map(_, value), Struct(columns)) => {
            for column in columns {
                find_in(&format!("{path}.{}", column.name()), value, column, open);
            }
        }
        (Shape::Enum(variants), Union(columns, _)) => {
            for (_, column) in columns.iter() {
                let variant = variants.iter().find(|variant| variant.name == column.name());
                if let Some(holds) = variant.and_then(|variant| variant.holds.as_ref()) {
                    find_in(&format!("{path}.{}", column.name()), holds, column, open);
                }
            }
        }
        _ => {}
    }
}

/// The state of reading one row.
struct Look<'a> {
    left_out: &'a [&'static Field],
    /// The fields that were left out and have a default.
    passed: RefCell<Vec<&'static Field>>,
    /// The field that was left out last, until another value is requested.
    needed: Cell<Option<&'static Field>>,
    kept: Kept,
}

impl Look<'_> {
    /// Records that the last field that was left out has a default, since more values were
    /// requested.
    fn pass(&self) {
        self.passed.borrow_mut().extend(self.needed.take());
    }
}
