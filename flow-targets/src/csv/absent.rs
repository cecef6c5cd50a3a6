//! Fields of rows without a column in the file; see [`crate::absent`].

use std::borrow::Cow;
use std::ptr;

use anyhow::Result;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::cell::{Cell, CellKind};
use super::deserialize::deserialize_only_structs;
use super::line::Line;
use super::serialize::Fault;
use crate::absent::{self, Columns, is_left_out};
use crate::shape::{Field, Shape};

/// The cell of a missing column that may be missing.
static NULL: Cell<'static> = Cell { text: Cow::Borrowed(""), kind: CellKind::Null };

/// Checks the columns of a file against the fields of its rows, at the first row.
pub(super) struct Check<'a> {
    columns: Columns<'a>,
    shape: &'static Shape,
    /// The fields without a column that have not been checked yet.
    open: Vec<&'static Field>,
}

impl<'a> Check<'a> {
    /// Creates a check for a file with these columns.
    pub(super) fn new<R: DeserializeOwned + 'static>(columns: Columns<'a>) -> Result<Self> {
        let shape = Shape::of::<R>();
        let open = match shape.fields() {
            Some(fields) => absent::fields(fields, columns.names),
            None => {
                absent::check_unique(columns.names)?;
                Vec::new()
            }
        };
        Ok(Self { columns, shape, open })
    }

    /// Returns an error if a field needs a missing column, judged by the type alone.
    pub(super) fn without_rows<R: DeserializeOwned>(&self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let shape = Shape::with_defaults::<R>();
        let absent = absent::fields(shape.fields().unwrap_or_default(), self.columns.names);
        match absent.into_iter().find(|field| field.default == Some(false)) {
            Some(field) => Err(absent::error::<R>("", &field.names, self.columns)),
            None => Ok(()),
        }
    }

    /// Returns an error if a field needs a missing column. After success, `row` can be read.
    pub(super) fn first<R>(&mut self, row: &[Cell<'_>]) -> Result<()>
    where
        R: Serialize + DeserializeOwned,
    {
        let fields = self.shape.fields().unwrap_or_default();
        while !self.open.is_empty() {
            let mut needed = None;
            let line = InOrder {
                fields,
                columns: self.columns.names,
                cells: row,
                open: &self.open,
                needed: &mut needed,
            };
            let _ = R::deserialize(line);
            // Otherwise all fields have a default, or the row has another error, which is reported
            // when it is read.
            let Some(needed) = needed else { break };
            let read = R::deserialize(Line::new(Some(self.columns.names), row.iter()));
            if !read.is_ok_and(|read| is_left_out(&read, needed, self.columns)) {
                return Err(absent::error::<R>("", &needed.names, self.columns));
            }
            self.open.retain(|field| !ptr::eq(*field, needed));
        }
        Ok(())
    }

    /// Returns an error if a row whose type hides its fields has a field without a column.
    pub(super) fn all<R: Serialize>(&self, rows: &[R]) -> Result<()> {
        match self.shape {
            Shape::Struct(_) => Ok(()),
            _ => absent::check_read(rows, self.columns),
        }
    }
}

/// A line as the sequence of a struct's fields, without the cells of the fields in `open`.
struct InOrder<'a, 'de> {
    fields: &'static [Field],
    columns: &'a [String],
    cells: &'de [Cell<'de>],
    open: &'a [&'static Field],
    /// The field that was left out last, unless another field was requested afterwards.
    needed: &'a mut Option<&'static Field>,
}

impl<'de> Deserializer<'de> for InOrder<'_, 'de> {
    type Error = Fault;

    deserialize_only_structs! {}

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let mut fields = self;
        let row = visitor.visit_seq(&mut fields);
        if row.is_ok() {
            *fields.needed = None;
        }
        row
    }
}

impl<'de> SeqAccess<'de> for &mut InOrder<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        *self.needed = None;
        let Some((field, rest)) = self.fields.split_first() else { return Ok(None) };
        self.fields = rest;
        let column = self.columns.iter().position(|column| field.is_called(column));
        match column.and_then(|column| self.cells.get(column)) {
            Some(cell) => seed.deserialize(cell).map(Some),
            None if self.open.iter().any(|open| ptr::eq(*open, field)) => {
                *self.needed = Some(field);
                Ok(None)
            }
            // An earlier pass found that this column may be missing, which only an `Option` may.
            None => seed.deserialize(&NULL).map(Some),
        }
    }
}
