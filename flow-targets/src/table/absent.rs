//! Fields of rows for which a table has no column, structs in columns included; see
//! [`crate::absent`].
//!
//! Whether a field has a default is seen where its struct is read as a sequence. So a row is read
//! here once by its fields instead of its columns: what has parts (structs, lists, tuples, maps, and
//! enums with data) is taken apart, and everything else is read by serde_arrow, out of a table of one
//! cell.

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
    /// The column that its struct is in; none for a field of the row.
    parent: String,
    field: &'a Field,
    /// What there is instead.
    columns: Vec<String>,
}

/// Whether a row that was read may be without a column for the field.
pub(super) type IsLeftOut<R> = fn(&R, &Field, Columns<'_>) -> bool;

/// The check of a table's columns against the fields of its rows.
pub(super) struct Check {
    shape: &'static Shape,
    /// Fields of which it is not known yet whether they may be without a column.
    open: Vec<Absent<'static>>,
    /// Fields that may be without one, though they have no default.
    left_out: Vec<&'static Field>,
}

impl Check {
    /// A check of a table of this schema.
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

    /// An error if rows of this batch need a column that is absent.
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

    /// An error if a field needs a column that is absent, by what the type says without any row.
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

    /// Whether the type of the row shows its fields.
    pub(super) fn knows_fields(&self) -> bool {
        matches!(self.shape, Shape::Struct(_))
    }
}

pub(super) fn names(columns: &Fields) -> Vec<String> {
    columns.iter().map(|column| column.name().clone()).collect()
}

/// Adds the fields of a struct that have no column, and those of the structs in its columns.
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

/// As [`find`], for a value of any shape, in whichever structs it is made of.
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
        // The items of a tuple stand in the order of the columns, whatever these are called.
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

/// What is looked for, and what was found in a row.
struct Look<'a> {
    left_out: &'a [&'static Field],
    /// Fields that were left out and have a default.
    passed: RefCell<Vec<&'static Field>>,
    /// The field that was left out last, until something else is asked for.
    needed: Cell<Option<&'static Field>>,
    kept: Kept,
}

impl Look<'_> {
    /// The field that was left out last has a default, for more was asked for afterwards.
    fn pass(&self) {
        self.passed.borrow_mut().extend(self.needed.take());
    }
}
