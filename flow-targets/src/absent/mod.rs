//! Fields of a row without a column in the file.
//!
//! Serde silently reads a missing field of type `Option` as `None`: a column that is called `Price`
//! instead of `price` would make every row `None`. So the columns are compared with the
//! [`Shape`](crate::shape::Shape) of the row before the rows are read. A field without a column is
//! an error, with two exceptions:
//!
//! - The field, or its struct, has a `#[serde(default)]`. The attribute itself is not visible at
//!   run time, but its effect is: a struct that is read as a sequence takes the default if the
//!   sequence ends early, and fails if there is no default. The first row is read in that way, with
//!   the values of the file and no value for a field without a column.
//! - The row leaves the field out when it is written (`#[serde(skip_serializing_if = ..)]`), since
//!   then files that were written from such rows lack the column, too. If a column has nearly the
//!   same name, it is an error nevertheless.
//!
//! A row with `#[serde(flatten)]` shows neither names nor defaults. Such a row is written again
//! after it was read: a field that it writes as null in every row, and that has no column, is an
//! error.

mod emitted;

use std::any::type_name;

use anyhow::{Result, anyhow};
use serde::Serialize;

use crate::shape::Field;
use emitted::{Emitted, emitted};

/// The least similarity of two names for one to be suggested instead of the other.
const ALIKE: f64 = 0.8;

/// The most columns that a message lists.
const LISTED: usize = 20;

/// The delimiters that are suggested instead of the one that was set.
#[cfg(feature = "csv")]
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// The columns of a file, for error messages.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) names: &'a [String],
    /// The delimiter between cells, if the file is text.
    #[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "only CSV has delimiters"))]
    pub(crate) delimiter: Option<char>,
}

impl Columns<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|column| column == name)
    }

    /// Returns the column whose name is most similar to one of `names`.
    fn nearest(&self, names: &[&str]) -> Option<(&str, f64)> {
        let plain = |name: &str| name.trim().to_lowercase();
        let alike = |column: &str| {
            let likeness = |name: &&str| strsim::jaro_winkler(&plain(name), &plain(column));
            names.iter().map(likeness).fold(0.0, f64::max)
        };
        let columns = self.names.iter().map(|column| (column.as_str(), alike(column)));
        columns.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, alike)| *alike >= ALIKE)
    }

    /// Returns another delimiter, if columns with these names would exist with it.
    fn other_delimiter(&self, _names: &[&str]) -> Option<char> {
        #[cfg(feature = "csv")]
        if let Some(delimiter) = self.delimiter {
            return other_delimiter(self.names, delimiter, _names);
        }
        None
    }

    /// Returns the part of a message that lists the columns, given the `names` that were searched.
    pub(crate) fn instead_of(&self, names: &[&str]) -> String {
        if let Some(delimiter) = self.other_delimiter(names) {
            return format!(
                "the file seems to be separated by {delimiter:?}: set `delimiter = {delimiter:?}`"
            );
        }
        let listed: Vec<_> =
            self.names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
        let more = match self.names.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let listed = listed.join(", ");
        match self.nearest(names) {
            _ if listed.is_empty() => "there are no columns".to_owned(),
            Some((nearest, _)) => {
                format!("did you mean `{nearest}`? The columns are {listed}{more}")
            }
            None => format!("the columns are {listed}{more}"),
        }
    }
}

/// Returns another delimiter with which one of these names would be a column.
#[cfg(feature = "csv")]
pub(crate) fn other_delimiter(columns: &[String], delimiter: char, names: &[&str]) -> Option<char> {
    DELIMITERS.into_iter().filter(|other| *other != delimiter).find(|other| {
        let mut parts = columns.iter().filter(|column| column.contains(*other));
        parts.any(|column| column.split(*other).any(|part| names.contains(&part.trim())))
    })
}

/// Returns the fields of a struct that have no column.
pub(crate) fn fields<'f>(fields: &'f [Field], columns: &[String]) -> Vec<&'f Field> {
    let has_column = |field: &&Field| columns.iter().any(|column| field.is_called(column));
    fields.iter().filter(|field| !has_column(field)).collect()
}

/// Returns the error of a field that needs a column and has none.
///
/// `parent` is the column that contains the field's struct, or empty.
pub(crate) fn error<R>(parent: &str, names: &[&str], columns: Columns<'_>) -> anyhow::Error {
    let joined = names.join("` or `");
    let (place, column) = match parent {
        "" => (String::new(), "column"),
        parent => (format!(" in column `{parent}`"), "field"),
    };
    let instead = columns.instead_of(names);
    anyhow!(
        "there is no {column} `{joined}`{place}, which `{}` has a field for: {instead}. If files may \
         lack it, write `#[serde(default)]` at the field",
        type_name::<R>(),
    )
}

/// Returns whether a row that was read without a column for `field` is valid.
///
/// The row is valid if it does not write the field either, and no column has nearly the same name.
pub(crate) fn is_left_out<R: Serialize>(row: &R, field: &Field, columns: Columns<'_>) -> bool {
    let written = emitted(row);
    let is_written = |name: &&str| written.iter().any(|Emitted { name: other, .. }| other == name);
    let letters = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let is_alike = |column: &String| {
        field.names.iter().any(|name| letters(name) == letters(column)) && !is_written(&&**column)
    };
    !field.names.iter().any(is_written) && !columns.names.iter().any(is_alike)
}

/// Returns an error if rows with hidden fields were read without one of the columns that they
/// write.
///
/// Such a field is null in all rows.
pub(crate) fn check_read<R: Serialize>(rows: &[R], columns: Columns<'_>) -> Result<()> {
    let Some(first) = rows.first() else { return Ok(()) };
    let absent = |field: &Emitted| field.is_null && !columns.has(&field.name);
    for field in emitted(first).into_iter().filter(absent) {
        let is_null =
            |row: &R| emitted(row).iter().all(|other| other.name != field.name || other.is_null);
        if rows.iter().all(is_null) {
            let error = error::<R>("", &[&field.name], columns);
            return Err(error.context(
                "its type has a `#[serde(flatten)]` or the like, which hides a `#[serde(default)]`: \
                 where the column may be missing, write `skip_serializing_if = \
                 \"Option::is_none\"` there, too",
            ));
        }
    }
    Ok(())
}

/// Returns an error if several columns have the same name: a row without named fields would keep
/// only the last.
pub(crate) fn check_unique(columns: &[String]) -> Result<()> {
    let twice = columns.iter().enumerate().find(|(i, name)| columns[..*i].contains(name));
    match twice {
        Some((_, name)) => Err(anyhow!("several columns are called `{name}`")),
        None => Ok(()),
    }
}
