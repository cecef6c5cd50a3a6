//! The error of a conversion between rows and columns.

use std::fmt;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// A value that its column cannot hold, or a column that cannot be read as its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    what: String,
    row: Option<usize>,
    /// The names of the columns that lead to the value, from the inside out.
    path: Vec<String>,
    missing: Option<Missing>,
}

/// A field without a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The name of the field and its aliases.
    pub(crate) names: &'static [&'static str],
    /// The columns that exist.
    pub(crate) columns: Vec<String>,
}

impl Fault {
    /// Creates the error of a whole column, with this reason.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), row: None, path: Vec::new(), missing: None }
    }

    /// Creates the error of a column whose type cannot be read as a field, described by `expected`: `text`.
    pub fn other_type(data_type: &DataType, expected: &str) -> Self {
        Self::new(format!("the column is of type {data_type}, and the field is {expected}"))
    }

    /// Creates the error of a field without a column.
    pub(crate) fn missing(names: &'static [&'static str], columns: Vec<String>) -> Self {
        let fault = Self::new(format!("there is no column `{}`", names.join("` or `")));
        Self { missing: Some(Missing { names, columns }), ..fault }
    }

    /// Creates the error of a null in a field that is no option.
    pub(crate) fn null() -> Self {
        Self::new("the value is null, and the field is no `Option`")
    }

    /// Sets the row of the value, counted from 0.
    #[must_use]
    pub fn at(self, row: usize) -> Self {
        Self { row: Some(row), ..self }
    }

    /// Replaces the row, as for an item of a list, whose row is that of the list.
    #[must_use]
    pub(crate) fn map_row(self, map: impl FnOnce(usize) -> usize) -> Self {
        Self { row: self.row.map(map), ..self }
    }

    /// Adds the column that contains the value.
    #[must_use]
    pub fn within(mut self, column: &str) -> Self {
        self.path.push(column.to_owned());
        self
    }

    /// Returns the row of the value, counted from 0, if the error is about one.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn row(&self) -> Option<usize> {
        self.row
    }

    /// Returns the name of the column of the table.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn column(&self) -> Option<&str> {
        self.path.last().map(String::as_str)
    }

    /// Returns the path to the value, such as `inner.day`.
    pub(crate) fn path(&self) -> String {
        let names: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        names.join(".")
    }

    /// Returns the reason, without the place.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Returns the field without a column, if that is the reason.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn as_missing(&self) -> Option<&Missing> {
        self.missing.as_ref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = (self.path(), &self.what);
        match self.row {
            Some(row) if path.is_empty() => write!(f, "row {row}: {what}"),
            Some(row) => write!(f, "column `{path}`, row {row}: {what}"),
            None if path.is_empty() => f.write_str(what),
            None => write!(f, "column `{path}`: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Self {
        Self::new(error.to_string())
    }
}
