//! Structs as columns: what `#[derive(Row)]` generates calls these functions.

use std::sync::Arc;
use std::vec;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use super::number::all_null;
use super::{Column, Fault, Form, Row, columns, nulls};

/// A field of a row, and its column.
#[derive(Clone, Debug)]
pub struct RowField {
    /// The name of the field and its aliases.
    pub(crate) names: &'static [&'static str],
    pub(super) column: FieldRef,
}

impl RowField {
    /// Creates the field of a type. The first of `names` is that of the column, and the others are aliases.
    pub fn of<T: Column>(names: &'static [&'static str], form: Form) -> Self {
        Self::new(names, |name| T::field(name, form))
    }

    pub(super) fn new(names: &'static [&'static str], column: impl FnOnce(&str) -> Field) -> Self {
        let name = names.first().copied().unwrap_or_default();
        Self { names, column: Arc::new(column(name)) }
    }
}

/// Builds the array of a field.
///
/// # Errors
///
/// The column cannot hold one of the values in full.
#[doc(hidden)]
pub fn column<R, T: Column>(
    name: &str,
    form: Form,
    rows: &[Option<&R>],
    field: impl for<'r> Fn(&'r R) -> &'r T,
) -> Result<ArrayRef, Fault> {
    let values: Vec<Option<&T>> = rows.iter().map(|row| row.map(&field)).collect();
    T::array(&values, form).map_err(|fault| fault.within(name))
}

/// Returns the type of a column of structs.
#[doc(hidden)]
pub fn struct_type<R: Row>() -> DataType {
    DataType::Struct(Fields::from(columns::<R>()))
}

/// Builds an array of structs.
#[doc(hidden)]
pub fn struct_array<R: Row>(values: &[Option<&R>]) -> Result<ArrayRef, Fault> {
    let (fields, arrays) = (Fields::from(columns::<R>()), R::arrays(values)?);
    let array = StructArray::try_new_with_length(fields, arrays, nulls(values), values.len())?;
    Ok(Arc::new(array))
}

/// Reads the values of an array of structs.
#[doc(hidden)]
pub fn struct_values<R: Row>(array: &ArrayRef) -> Result<Vec<Option<R>>, Fault> {
    match array.data_type() {
        DataType::Struct(fields) => {
            let structs = array.as_struct();
            R::rows(&RowTable {
                fields,
                arrays: structs.columns(),
                nulls: structs.nulls(),
                length: structs.len(),
            })
        }
        DataType::Null => Ok(all_null(array)),
        other => Err(Fault::other_type(other, "a struct")),
    }
}

/// Returns the names under which a row's fields may have a column.
pub fn names_of<R: Row>() -> Vec<&'static [&'static str]> {
    R::fields().into_iter().map(|field| field.names).collect()
}

/// The columns from which rows are read: those of a table, or of a column of structs.
#[derive(Clone, Copy, Debug)]
pub struct RowTable<'a> {
    fields: &'a Fields,
    arrays: &'a [ArrayRef],
    nulls: Option<&'a NullBuffer>,
    length: usize,
}

impl<'a> RowTable<'a> {
    /// Creates the columns of a batch.
    pub fn of(batch: &'a RecordBatch) -> Self {
        Self {
            fields: batch.schema_ref().fields(),
            arrays: batch.columns(),
            nulls: None,
            length: batch.num_rows(),
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns whether the struct in this row is null.
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Reads the values of a field.
    ///
    /// # Errors
    ///
    /// The column is missing and has no default, or cannot be read as the type.
    pub fn field<T: Column>(
        &self,
        names: &'static [&'static str],
        default: Option<fn() -> T>,
    ) -> Result<Taken<T>, Fault> {
        self.taken(names, default, T::values)
    }

    /// Reads the values of a field by `read`.
    pub(super) fn taken<T>(
        &self,
        names: &'static [&'static str],
        default: Option<fn() -> T>,
        read: impl FnOnce(&ArrayRef) -> Result<Vec<Option<T>>, Fault>,
    ) -> Result<Taken<T>, Fault> {
        let mut named =
            (0..self.fields.len()).filter(|at| names.contains(&self.fields[*at].name().as_str()));
        let at = match (named.next(), named.next(), default) {
            (Some(at), None, _) => at,
            (Some(first), Some(_), _) => {
                let name = self.fields[first].name();
                return Err(Fault::new(format!("several columns are for the field `{name}`")));
            }
            (None, _, Some(default)) => return Ok(Taken::Default(default)),
            (None, _, None) => {
                let columns = self.fields.iter().map(|field| field.name().clone()).collect();
                return Err(Fault::missing(names, columns));
            }
        };
        let name = self.fields[at].name();
        let values = read(&self.arrays[at]).map_err(|fault| fault.within(name))?;
        Ok(Taken::Column(values.into_iter(), name.clone()))
    }
}

/// The values of a field, which are taken row by row.
#[derive(Debug)]
pub enum Taken<T> {
    /// The values of a column with this name.
    Column(vec::IntoIter<Option<T>>, String),
    /// The default of a field without a column.
    Default(fn() -> T),
}

impl<T> Taken<T> {
    /// Returns the value of a row. Call it or [`skip`](Self::skip) once for each row, in their order.
    ///
    /// # Errors
    ///
    /// The value is null, and the type has no null.
    pub fn take(&mut self, row: usize) -> Result<T, Fault> {
        match self {
            Self::Column(values, name) => {
                let value = values.next().flatten();
                value.ok_or_else(|| Fault::null().at(row).within(name))
            }
            Self::Default(default) => Ok(default()),
        }
    }

    /// Drops the value of a row whose struct is null.
    pub fn skip(&mut self) {
        if let Self::Column(values, _) = self {
            values.next();
        }
    }
}
