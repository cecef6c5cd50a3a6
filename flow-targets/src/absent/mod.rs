//! Fields of a row for which a file has no column.
//!
//! Serde reads a field of type `Option` that is missing as `None`, without a word: a column that is
//! called `Price` instead of `price` would make every row `None`. So the columns are compared with
//! the [`Shape`](crate::shape::Shape) of the row before the rows are read, and a field without a
//! column is an error, unless
//!
//! - the field, or its struct, has a `#[serde(default)]`. The attribute cannot be seen from outside,
//!   but what it does can: a struct that is read as a sequence takes the default where the sequence
//!   ends early, and fails where there is none. The first row is read in that way, with the values
//!   that the file has, and nothing for a field that has no column;
//! - the row itself leaves the field out where it writes it (`#[serde(skip_serializing_if = ..)]`),
//!   since then files that were written by it lack the column, too. A column of nearly that name is
//!   an error all the same.
//!
//! A row with `#[serde(flatten)]` shows neither names nor defaults. There the first row is written
//! after it was read: what it writes as null and no column has is an error.

mod emitted;

use std::any::type_name;

use anyhow::{Result, anyhow};
use serde::Serialize;

use crate::shape::Field;
use emitted::{Emitted, emitted};

/// How alike two names must be, for one to be suggested for the other.
const ALIKE: f64 = 0.8;

/// How many columns a message lists.
const LISTED: usize = 20;

/// The delimiters that a file may have instead of the one that was said.
#[cfg(feature = "csv")]
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// The columns of a file, as far as errors name them.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) names: &'a [String],
    /// What stands between the cells, if the file is text.
    #[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "only CSV has delimiters"))]
    pub(crate) delimiter: Option<char>,
}

impl Columns<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|column| column == name)
    }

    /// The column whose name is nearest to one of these.
    fn nearest(&self, names: &[&str]) -> Option<(&str, f64)> {
        let plain = |name: &str| name.trim().to_lowercase();
        let alike = |column: &str| {
            let likeness = |name: &&str| strsim::jaro_winkler(&plain(name), &plain(column));
            names.iter().map(likeness).fold(0.0, f64::max)
        };
        let columns = self.names.iter().map(|column| (column.as_str(), alike(column)));
        columns.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, alike)| *alike >= ALIKE)
    }

    /// Another delimiter, if with it there would be columns of these names.
    fn other_delimiter(&self, _names: &[&str]) -> Option<char> {
        #[cfg(feature = "csv")]
        if let Some(delimiter) = self.delimiter {
            return other_delimiter(self.names, delimiter, _names);
        }
        None
    }

    /// What an error says of the columns, given the names that were looked for.
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

/// Another delimiter with which one of these names would be a column.
#[cfg(feature = "csv")]
pub(crate) fn other_delimiter(columns: &[String], delimiter: char, names: &[&str]) -> Option<char> {
    DELIMITERS.into_iter().filter(|other| *other != delimiter).find(|other| {
        let mut parts = columns.iter().filter(|column| column.contains(*other));
        parts.any(|column| column.split(*other).any(|part| names.contains(&part.trim())))
    })
}

/// The fields of a struct that no column is for.
pub(crate) fn fields<'f>(fields: &'f [Field], columns: &[String]) -> Vec<&'f Field> {
    let has_column = |field: &&Field| columns.iter().any(|column| field.is_called(column));
    fields.iter().filter(|field| !has_column(field)).collect()
}

/// The error of a field that has no column and needs one. `parent` is the column that the field's
/// struct is in, if any.
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

/// Whether a row that was read without a column for this field may be kept: it leaves the field out
/// itself, and no column is nearly called so.
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

/// An error if rows of a type that does not show its fields were read without one of the columns that
/// they write: then it is null in all of them.
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

/// An error if several columns have one name: rows without named fields would keep the last.
pub(crate) fn check_unique(columns: &[String]) -> Result<()> {
    let twice = columns.iter().enumerate().find(|(i, name)| columns[..*i].contains(name));
    match twice {
        Some((_, name)) => Err(anyhow!("several columns are called `{name}`")),
        None => Ok(()),
    }
}
